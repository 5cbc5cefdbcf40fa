"""Delimited files: records, delimiters, kinds, missing values, and every message."""

import io
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backpass.errors import DataError, UsageError
from backpass.table import (
    DEFAULT_MISSING,
    CategoricalColumn,
    NumericColumn,
    Table,
    read_table,
    required_kind,
    table_from,
)
from sample_tables import texts

Write = Callable[..., Path]


def numbers(table: Table, name: str) -> list[float | None]:
    column = table.column(name)
    assert isinstance(column, NumericColumn)
    assert column.values.dtype == np.float64
    return [None if math.isnan(value) else float(value) for value in column.values]


def fault(path: Path, **settings: object) -> str:
    """The whole message of the DataError as the command line prints it, without the folder."""
    with pytest.raises(DataError) as caught:
        read_table(path, **settings)  # type: ignore[arg-type]
    error = caught.value
    hint = ["", f"hint: {error.hint}"] if error.hint else []
    lines = [error.message, *(f"  - {each}" for each in error.details), *hint]
    return "\n".join(lines).replace(str(path.parent) + "/", "")


def test_a_small_file(write: Write) -> None:
    table = read_table(write("age,sex\n30,m\n,f\n41.5,m\n"))
    assert numbers(table, "age") == [30.0, None, 41.5]
    assert texts(table, "sex") == ["m", "f", "m"]
    column = table.column("sex")
    assert isinstance(column, CategoricalColumn)
    assert column.levels == ("f", "m")
    assert column.codes.dtype == np.int32
    assert table.rows == 3
    assert table.notes == ()
    assert table.row_numbers.tolist() == [1, 2, 3]


RECORDS = {
    "crlf": "a,b\r\n1,x\r\n2,y\r\n",
    "cr only": "a,b\r1,x\r2,y\r",
    "no final newline": "a,b\n1,x\n2,y",
    "mixed line ends": "a,b\n1,x\r\n2,y\n",
    "crlf then lf": "a,b\r\n1,x\n2,y\n",
    "blank lines": "\n\na,b\n1,x\n\n2,y\n\n",
    "byte order mark": "\ufeffa,b\n1,x\n2,y\n",
    "mark and blank line": "\ufeff\na,b\n1,x\n2,y\n",
    "quoted": '"a","b"\n"1","x"\n"2","y"\n',
    "spaces": "a, b\n 1 , x\n2 ,\ty\n",
    "space before quote": 'a, "b"\n1, "x"\n2, "y"\n',
    "tab": "a\tb\n1\tx\n2\ty\n",
    "semicolon": "a;b\n1;x\n2;y\n",
    "pipe": "a|b\n1|x\n2|y\n",
}


@pytest.mark.parametrize("content", RECORDS.values(), ids=RECORDS.keys())
def test_the_same_table_however_it_is_written(write: Write, content: str) -> None:
    assert read_table(write(content)) == read_table(write("a,b\n1,x\n2,y\n", "plain.csv"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_byte_order_marks(write: Write, encoding: str) -> None:
    text = ("\ufeff" if encoding.endswith("e") else "") + "a,b\n1,é\n2,日本\n"
    assert texts(read_table(write(text.encode(encoding))), "b") == ["é", "日本"]


def test_encoding_asked_for(write: Write) -> None:
    path = write("a,b\n1,café\n".encode("latin-1"))
    assert texts(read_table(path, encoding="latin-1"), "b") == ["café"]
    message = "t.csv: line 2 is not UTF-8 (byte 0xe9)\n\nhint: try --encoding latin-1, or save the file as UTF-8"
    assert fault(path) == message
    with pytest.raises(UsageError, match="there is no encoding 'klingon'"):
        read_table(path, encoding="klingon")


def test_an_undecodable_byte_far_down_and_a_character_across_chunks(write: Write) -> None:
    start = "a,b\n" + "1,x\n" * 262_143  # 4 bytes a line: the next line starts one line before 1 MiB
    assert read_table(write(start + "2,é\n")).rows == 262_144
    assert "line 300001 is not UTF-8" in fault(write(b"a,b\n" + b"1,x\n" * 299_999 + b"1,\xff\n"))


def test_quotes_newlines_and_delimiters_inside_fields(write: Write) -> None:
    table = read_table(write('a,b\n1,"x ""y"" z"\n2,"p\nq"\n3,"r,s"\n4,"t\r\nu"\n5,6" pipe\n'))
    assert texts(table, "b") == ['x "y" z', "p\nq", "r,s", "t\r\nu", '6" pipe']


def test_a_header_with_a_newline_in_quotes(write: Write) -> None:
    assert read_table(write('"a\nb",c\n1,2\n')).names == ("a\nb", "c")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("inside", ["\n", "\r\n", "\r"])
def test_line_ends_inside_quotes_may_be_others(write: Write, inside: str, end: str) -> None:
    lines = [f'"a{inside}",b', f'1,"x{inside}y"', f'2,"{inside}"', "3,z", ""]
    table = read_table(write("\n" + end.join(lines)))
    assert table.names == (f"a{inside}", "b")
    assert texts(table, "b") == [f"x{inside}y", inside, "z"]


def test_one_column(write: Write) -> None:
    assert numbers(read_table(write('a\n1\n""\n\n3\n')), "a") == [1.0, None, None, 3.0]


UNEVEN = "\n\nhint: quote fields that contain ',', or set another --delimiter"
LONELY = UNEVEN + "; for lines that are not rows: --footer, --comment"
NAMELESS = "\n\nhint: give every column a name; or does every line end in a delimiter?"
INFINITE = "\n\nhint: if it means missing: an empty field or NaN, or --missing inf"
FAULTS = {
    "a,b\n": "t.csv: has a header but no data rows",
    "a,b": "t.csv: has a header but no data rows",
    "": "t.csv: is empty (0 bytes)",
    "\n\n": "t.csv: has blank lines only",
    "  \n\t\n": "t.csv: has blank lines only",
    "a,b\n1,ö\n2,": "t.csv: line 3 is not UTF-8 (byte 0xf6)\n\n"
    "hint: the text above is UTF-8, so the file mixes encodings: save all of it as UTF-8",
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n": "t.csv: is a pointer of Git LFS in place "
    "of the file, not a table in a format that can be read\n\nhint: git lfs pull fetches the file",
    "a,b\n1,“u, v”\n2,“w, x”\n": "t.csv: a typographic quote begins a field, '“u', and another field ends it\n\n"
    'hint: replace typographic quotes by straight ones (")',
    "a,b\n1,2\n3\n": "t.csv: line 3 has 1 field, the header has 2 fields" + LONELY,
    "a,b\n1,2\n3,4,5\n": "t.csv: line 3 has 3 fields, the header has 2 fields" + UNEVEN,
    "a,b\n1,2,\n3,4,\n": "t.csv: 2 lines do not have the 2 fields of the header: line 2 (3), line 3 (3)"
    + "\n\nhint: the header is 'a, b': does every line except the header end in ','?",
    'a,b\n1,"2"\n3,4,""\n': "t.csv: line 3 has 3 fields, the header has 2 fields" + UNEVEN,
    'a,b\n1,"x\ny"\n3\n': "t.csv: line 4 has 1 field, the header has 2 fields" + LONELY,
    'a,b\n1,"x\n\ny"\n3,4\n5,6,7\n': "t.csv: line 6 has 3 fields, the header has 2 fields" + UNEVEN,
    "a\n1,5\n2,5\n": "t.csv: 2 lines do not have the 1 field of the header: line 2 (2), line 3 (2)"
    "\n\nhint: the first line is the header, the names of the columns; here it is 'a'",
    'a,b\n1,x\n2,"y\n3,z\n': "t.csv: a quote opened on line 3 is never closed",
    'a,b\n1,"x"y\n': "t.csv: line 2 has text after a closing quote (a quote inside a field is written twice)",
    "a,b,a\n1,2,3\n": "t.csv: the header has the name 'a' at positions 1, 3\n\n"
    "hint: column names must be unique: rename one of them; --query \"SELECT * FROM read_csv(getvariable('file'))\" "
    "numbers them",
    "a,,c,\n1,2,3,4\n": "t.csv: the header has no name at positions 2, 4" + NAMELESS,
    "a,\n1,2\n": "t.csv: the header has no name at position 2" + NAMELESS,
    "a;b,c\n1;2,3\n4;5,6\n": "t.csv: the delimiter may be ',' and ';'\n\nhint: set it with --delimiter",
    "a,b\n1,x\0\n": "t.csv: line 2 has a NUL byte\n\n"
    "hint: is it a binary file, or UTF-16 without a byte order mark (--encoding utf-16-le or utf-16-be)?",
    "x,y\n1,2\ninf,3\n": "t.csv: inf, or a number too large for float64, in column 'x' row 2" + INFINITE,
    "x\n1e999\n3\n-Infinity\n": "t.csv: inf, or a number too large for float64, in column 'x' rows 1, 3" + INFINITE,
}


@pytest.mark.parametrize("content", FAULTS, ids=[repr(content)[:40] for content in FAULTS])
def test_faults(write: Write, content: str) -> None:
    data = content.encode() + (b"\xf6\n" if "ö" in content else b"")
    assert fault(write(data)) == FAULTS[content]


@pytest.mark.parametrize("marks", [0, 1, 2, 3])
@pytest.mark.parametrize("skip", [0, 1])
def test_byte_order_marks_are_no_part_of_a_name(write: Write, marks: int, skip: int) -> None:
    """Files that are joined or saved twice begin with several."""
    content = b"\xef\xbb\xbf" * marks + b"a title\n" * skip + b"a,b\n1,x\n2,y\n"
    assert read_table(write(content), skip=skip) == read_table(write(b"a,b\n1,x\n2,y\n", "plain.csv"))


def test_ragged_rows_far_down_are_counted_and_the_first_five_named(write: Write) -> None:
    lines = ["a,b,c", *["1,2,3"] * 2000]
    for line in (1000, 1100, 1200, 1300, 1400, 1500, 1600):
        lines[line - 1] = "1,2" if line % 200 else "1,2,3,4"
    expected = "line 1000 (4), line 1100 (2), line 1200 (4), line 1300 (2), line 1400 (4), ..."
    message = f"t.csv: 7 lines do not have the 3 fields of the header: {expected}{UNEVEN}"
    assert fault(write("\n".join(lines))) == message


def test_a_missing_last_column_is_not_one_field_too_many(write: Write) -> None:
    assert texts(read_table(write('a,b\n1,\n2,x\n3,""\n"4",\n')), "b") == [None, "x", None, None]


def test_a_huge_field_is_read_or_refused_with_its_line(write: Write) -> None:
    assert read_table(write(f"a,b\n1,{'x' * 200_000}\n")).rows == 1
    assert "line 2 starts a field of more than 1,000,000 bytes" in fault(write(f"a,b\n1,{'x' * 3_000_000}\n"))


def test_mixed_column(write: Write) -> None:
    path = write("x\n" + "\n".join("n/a" if row in (5, 9) else "1.5" for row in range(1, 1001)) + "\n")
    message = (
        "t.csv: column 'x': 998 numbers, 2 other values ('n/a' rows 5, 9)\n\n"
        "hint: if 'n/a' means missing: --missing; if the column is categorical: --categorical"
    )
    assert fault(path) == message
    assert numbers(read_table(path, missing=[*DEFAULT_MISSING, "n/a"]), "x").count(None) == 2
    assert texts(read_table(path, categorical=["x"]), "x")[4:6] == ["n/a", "1.5"]


def test_fewer_than_nine_tenths_numbers_are_texts(write: Write) -> None:
    assert read_table(write("x\n" + "1\n" * 8 + "a\n")).column("x").kind == "categorical"
    assert "column 'x': 9 numbers, 1 other value ('a' row 10)" in fault(write("x\n" + "1\n" * 9 + "a\n"))


def test_all_faults_come_together(write: Write) -> None:
    path = write("x,y,z\n" + "1,1,1\n" * 20 + "a,inf,1\n")
    with pytest.raises(DataError) as caught:
        read_table(path, need=["w", "zz"])
    assert caught.value.message.endswith("t.csv: 4 errors")
    assert caught.value.details == (
        "column 'w' not found (known names: 'x', 'y', 'z')",
        "column 'zz' not found (did you mean 'z'?)",
        "column 'x': 20 numbers, 1 other value ('a' row 21)",
        "inf, or a number too large for float64, in column 'y' row 21",
    )


def test_control_characters_of_names_are_escaped(write: Write) -> None:
    message = fault(write("a\x1b[31m\u202e,b\n1,inf\ninf,2\n"))
    assert "\x1b" not in message
    assert "\u202e" not in message
    assert r"'a\x1b[31m\u202e'" in message
    assert len(fault(write(f"{'n' * 10_000},b\ninf,1\n"))) < 200


KINDS = {
    "integers": (["1", "-2", "+3"], "numeric"),
    "floats": (["1.", ".5", "-1.5e-3", "1E+5"], "numeric"),
    "spaces": ([" 1", "2 "], "numeric"),
    "hexadecimal": (["0x10", "0x20"], "categorical"),
    "underscores": (["1_000", "2_000"], "categorical"),
    "amounts": (["$10", "-$2000.50"], "numeric"),
    "percent": (["10%", "-2.5 %", "NA", ""], "numeric"),
    "percent and not": (["10%", "0.2"], "categorical"),
    "percent and a word": (["10%", "none"], "categorical"),
    "other digits": (["\u0661", "\u0662"], "numeric"),
    "booleans": (["true", "false"], "categorical"),
    "dates": (["2024-01-31", "2024-02-29"], "date"),
    "dates of other lands": (["31.01.2024", "29.02.2024"], "date"),
    "dates of nobody knows which": (["11.01.2024", "09.02.2024"], "categorical"),
    "times": (["23:59", "00:00:01.5"], "time"),
    "leading zeros": (["00123", "4567"], "categorical"),
    "signed leading zeros": (["-01", "+02"], "categorical"),
    "zero and decimals": (["0", "0.5", "-0.5"], "numeric"),
    "nothing": (["", "NA", "?"], "numeric"),
    "subnormal": (["4.9e-324", "1e-400"], "numeric"),
}


@pytest.mark.parametrize(("fields", "kind"), KINDS.values(), ids=KINDS.keys())
def test_kinds(write: Write, fields: list[str], kind: str) -> None:
    assert read_table(write("x,y\n" + "".join(f"{field},1\n" for field in fields))).column("x").kind == kind


def test_notes(write: Write) -> None:
    table = read_table(write("zip,id\n00123,9007199254740993\n4567,1\n"))
    assert table.notes == (
        "column 'zip' has leading zeros ('00123'): kept as categories",
        "column 'id': whole numbers beyond 2^53, their last digits are lost; an identifier? --categorical",
    )
    assert texts(read_table(write("id\n9007199254740993\n"), categorical=["id"]), "id") == ["9007199254740993"]


class TestMissing:
    def test_every_default_token_among_numbers(self, write: Write) -> None:
        fields = [*DEFAULT_MISSING, " NA ", " "]
        assert numbers(read_table(write("x,y\n" + "".join(f"{field},1\n" for field in [*fields, "2"]))), "x") == [
            *[None] * len(fields),
            2.0,
        ]

    def test_among_texts_na_and_none_are_values(self, write: Write) -> None:
        table = read_table(write("c,y\nNA,1\nDE,1\nNone,1\n?,1\nnull,1\nNaN,1\nN/A,1\n,1\n"))
        assert texts(table, "c") == ["NA", "DE", "None", None, None, None, None, None]
        assert table.notes == ("column 'c': 'NA' is kept as a category (2 rows); --missing NA makes it missing",)

    def test_a_token_the_user_gives_is_missing_everywhere(self, write: Write) -> None:
        path = write("c,y\nNA,-999\nDE,2\nNone,-999.0\n")
        table = read_table(path, missing=[*DEFAULT_MISSING, "NA", "-999"])
        assert texts(table, "c") == [None, "DE", "None"]
        assert numbers(table, "y") == [None, 2.0, None]

    def test_a_list_of_its_own_replaces_the_default(self, write: Write) -> None:
        table = read_table(write("c,y\n?,-\nDE,2\n,3\n"), missing=["-"])
        assert texts(table, "c") == ["?", "DE", None]
        assert numbers(table, "y") == [None, 2.0, 3.0]


def test_booleans_have_one_spelling(write: Write) -> None:
    assert texts(read_table(write("x,y\nTrue,1\nFALSE,1\ntrue,1\n")), "x") == ["true", "false", "true"]


class TestDecimalComma:
    def test_is_found_and_said(self, write: Write) -> None:
        table = read_table(write("a;b;c\n1,5;2;x\n-0,25;3;y\n"))
        assert numbers(table, "a") == [1.5, -0.25]
        assert numbers(table, "b") == [2.0, 3.0]
        assert table.notes == ("delimiter ';', decimal ',' detected",)

    def test_twins_are_equal(self, write: Write) -> None:
        twin = read_table(write("a,b\n1.5,x\n1e3,y\n", "twin.csv"))
        assert read_table(write("a\tb\n1,5\tx\n1e3\ty\n")) == twin

    def test_points_are_points(self, write: Write) -> None:
        table = read_table(write("a;b\n1.5;x\n"))
        assert numbers(table, "a") == [1.5]
        assert table.notes == ("delimiter ';' detected",)

    def test_thousands_are_asked_about(self, write: Write) -> None:
        path = write("a;b\n1,234;x\n5,678;y\n")
        assert "column 'a': the comma in '1,234' may be a decimal sign or mark thousands" in fault(path)
        assert numbers(read_table(path, decimal=","), "a") == [1.234, 5.678]
        assert numbers(read_table(path, decimal="."), "a") == [1234.0, 5678.0]

    def test_one_clear_column_settles_the_others(self, write: Write) -> None:
        assert numbers(read_table(write("a;b\n1,234;1,5\n5,678;2,5\n")), "a") == [1.234, 5.678]

    def test_columns_of_points_that_are_no_thousands_stand_beside_commas(self, write: Write) -> None:
        table = read_table(write("a;b;c\n1,5;2.5;x\n2,25;3.75;y\n3,5;4.1;x\n"))
        assert numbers(table, "a") == [1.5, 2.25, 3.5]
        assert numbers(table, "b") == [2.5, 3.75, 4.1]
        assert numbers(read_table(write("a;b\n1,5;2.0625\n2,5;1\n")), "b") == [2.0625, 1.0]
        assert "decimal points" in fault(write("a;b\n1,5;2.125\n2,25;3.75\n3,5;4.1\n"))

    def test_both_signs_in_one_file(self, write: Write) -> None:
        path = write("a;b\n1,5;2.5\n")
        expected = "t.csv: column 'a' has decimal commas ('1,5'), column 'b' decimal points"
        assert fault(path).startswith(expected)
        assert texts(read_table(path, categorical=["a"]), "a") == ["1,5"]
        assert texts(read_table(path, decimal=","), "b") == ["2.5"]

    def test_amounts_settle_it(self, write: Write) -> None:
        table = read_table(write("a;b\n1.234,50 €;1\n-7,00 €;2\n"))
        assert numbers(table, "a") == [1234.5, -7.0]
        assert numbers(read_table(write("a;b\n1.234,50;x\n1.000;x\n999;x\n")), "a") == [1234.5, 1000.0, 999.0]

    def test_lists_of_words_are_texts(self, write: Write) -> None:
        assert texts(read_table(write("a;b\nx,y;1\nz;2\n")), "a") == ["x,y", "z"]

    def test_settings(self, write: Write) -> None:
        with pytest.raises(UsageError, match=r"decimal must be '\.' or ','"):
            read_table(write("a\n1\n"), decimal=";")
        with pytest.raises(UsageError, match="delimiter must be a single character; got ';;'"):
            read_table(write("a\n1\n"), delimiter=";;")


class TestAmounts:
    def test_are_numbers_and_it_is_said(self, write: Write) -> None:
        table = read_table(write('a,b\n"$1,234.50",1\n-$5,2\n$.50,3\n7,4\n'))
        assert numbers(table, "a") == [1234.5, -5.0, 0.5, 7.0]
        assert table.notes == ("column 'a' is written as '$.50': read as numbers",)

    def test_below_zero(self, write: Write) -> None:
        table = read_table(write('a,b\n"$-1,234.50",1\n($5),2\n"($1,000.50)",3\n-$ 2,4\n'))
        assert numbers(table, "a") == [-1234.5, -5.0, -1000.5, -2.0]
        assert texts(read_table(write("a\n-$-1\n(-$5)\n(5)\n($-5)\n")), "a") == ["-$-1", "(-$5)", "(5)", "($-5)"]

    def test_marks_between_thousands(self, write: Write) -> None:
        assert numbers(read_table(write('a\n"1,234,567"\n"1,000"\n12\n')), "a") == [1234567.0, 1000.0, 12.0]
        assert numbers(read_table(write("a,b\n1'000.5,1\n1\u202f000,2\n")), "a") == [1000.5, 1000.0]
        assert texts(read_table(write('a\n"1,23"\n"12,34,5"\n')), "a") == ["1,23", "12,34,5"]

    def test_two_currencies_are_no_numbers(self, write: Write) -> None:
        table = read_table(write("a,b\n$5,1\n€5,2\n"))
        assert texts(table, "a") == ["$5", "€5"]
        assert table.notes == ("column 'a' holds amounts in $ and €: kept as categories",)

    def test_percentages_are_numbers_of_percent(self, write: Write) -> None:
        table = read_table(write("a;b\n7,5 %;1\n-50%;2\n;3\n"))
        assert numbers(table, "a") == [7.5, -50.0, None]
        assert required_kind(table.column("a")) == "percent"
        assert "column 'a' holds percentages: '-50%' is read as -50" in table.notes
        assert texts(read_table(write("a,b\n5%,1\n7%,2\n"), categorical=["a"]), "a") == ["5%", "7%"]
        taken = table.take(np.array([1]))
        assert required_kind(taken.column("a")) == "percent"

    def test_a_typed_text_stays_one(self) -> None:
        """Digits alone stay text in a typed source; amounts are numbers in every source."""
        assert texts(table_from({"a": ["5", "6"]}), "a") == ["5", "6"]
        assert numbers(table_from({"a": ["$5", "$6"]}), "a") == [5.0, 6.0]

    def test_a_model_of_numbers_takes_them(self, write: Write) -> None:
        assert numbers(read_table(write('a\n"$1,000"\n"2,000"\n3\n'), kinds={"a": "numeric"}), "a") == [
            1000.0,
            2000.0,
            3.0,
        ]


def test_a_first_column_without_a_name_holds_row_names(write: Write) -> None:
    """As ``to_csv`` of pandas and ``write.csv`` of R write them."""
    table = read_table(write(",x,y\nr1,1,2\nr2,3,4\n"))
    assert table.names == ("x", "y")
    assert table.left_out == ()
    assert table.notes == ("the first column has no name: treated as row names and left out",)
    assert read_table(write(",x\n1,2\n"), kinds={"x": "numeric"}).names == ("x",)
    assert fault(write(",x,\n1,2,3\n")).startswith("t.csv: the header has no name at position 3")


class TestDelimiter:
    def test_asked_for(self, write: Write) -> None:
        assert read_table(write("a;b,c\n1;2,3\n"), delimiter=";").names == ("a", "b,c")
        assert read_table(write("a\tb\n1\t2\n"), delimiter="tab").names == ("a", "b")

    def test_other_signs_inside_fields_do_not_disturb(self, write: Write) -> None:
        assert read_table(write('a,b\n1,x;y\n2,"p|q,r"\n')).names == ("a", "b")
        assert read_table(write("a;b\nx, y;1\nz;2\n")).names == ("a", "b")

    def test_one_uneven_line_does_not_disturb(self, write: Write) -> None:
        message = "t.csv: line 4 has 1 field, the header has 2 fields"
        assert fault(write("a;b\n1;2\n3;4\n5\n")) == message + LONELY.replace("','", "';'")

    def test_a_record_cut_by_the_sample(self, write: Write) -> None:
        assert read_table(write("a;b;c\n" + "12345;12345;12345\n" * 10_000)).names == ("a", "b", "c")


class TestDemandedKinds:
    def test_are_obeyed_and_other_columns_left_out(self, write: Write) -> None:
        table = read_table(
            write("a,b,c\n1,007,x\n2,8,y\n"), kinds={"b": "numeric", "a": "categorical", "zz": "categorical"}
        )
        assert numbers(table, "b") == [7.0, 8.0]
        assert texts(table, "a") == ["1", "2"]
        assert table.names == ("a", "b")
        assert table.left_out == ("c",)

    def test_na_means_the_same_as_in_training(self, write: Write) -> None:
        path = write("a,b\nNA,NA\n")
        table = read_table(path, kinds={"a": "numeric", "b": "categorical"})
        assert numbers(table, "a") == [None]
        assert texts(table, "b") == ["NA"]
        assert table.notes == ()

    def test_texts_where_numbers_are_needed(self, write: Write) -> None:
        message = fault(write("a\nx\ny\n3\nx\n"), kinds={"a": "numeric"})
        assert message == (
            "t.csv: column 'a': 1 number, 3 other values ('x' rows 1, 4, 'y' row 2)\n\n"
            "hint: the model needs numbers here; if 'x' means missing: --missing"
        )

    def test_are_among_five(self, write: Write) -> None:
        with pytest.raises(
            UsageError, match="a kind must be one of 'numeric', 'categorical', 'date', 'time', 'text'; got 'float'"
        ):
            read_table(write("a\n1\n"), kinds={"a": "float"})


def test_drop_and_text_name_columns_that_are_there(write: Write) -> None:
    path = write("price,rooms\n1,2\n")
    assert read_table(path, drop=["rooms"]).names == ("price",)
    assert "column 'pirce' not found (did you mean 'price'?)" in fault(path, categorical=["pirce"])
    assert "column 'room' not found (did you mean 'rooms'?)" in fault(path, drop=["room"])


def test_a_dropped_column_may_be_faulty(write: Write) -> None:
    assert read_table(write("a,b\n1,inf\n"), drop=["b"]).names == ("a",)


def test_standard_input(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a;b\n1;x\n")))
    table = read_table("-")
    assert numbers(table, "a") == [1.0]
    assert table.source == "standard input"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(DataError, match=r"^standard input: is empty \(0 bytes\)"):
        read_table("-")
