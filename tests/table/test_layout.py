"""The layout of delimited files: row names of R, files without a header, lines to skip, Orange's three headers."""

from __future__ import annotations

import io
import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.errors import DataError, UsageError
from backpass.table import CategoricalColumn, Table, read_table, table_from
from backpass.table.delimited.headerless import looks_like_data
from backpass.table.delimited.orange import orange_of
from backpass.table.delimited.records import DELIMITERS, WHITESPACE, Sample, reader
from backpass.table.scan import scanner_for
from backpass.table.scan.plain import PlainScanner, records

Write = Callable[..., Path]


def fault(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path, **options)
    return str(caught.value).replace(f"{path.parent}/", "")


# Row names


ROW_NAMES = ("the header has one field fewer than the rows, as R writes row names: the first column is left out",)


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|", " ", "   "])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("row_name", ["{}", "row {}", "{}0"], ids=["counted", "worded", "tens"])
def test_row_names_of_r(write: Write, delimiter: str, quote: str, row_name: str) -> None:
    if not quote and " " in row_name and not delimiter.strip(" "):
        row_name = row_name.replace(" ", "_")  # R would not write what nobody can read
    rng = random.Random(repr((delimiter, quote, row_name)))
    numbers = [rng.choice([f"{rng.gauss(0, 1):.4f}", "NA"]) for _ in range(30)]
    truths, towns = [rng.choice(["TRUE", "FALSE", "NA"]) for _ in range(30)], [rng.choice("ab") for _ in range(30)]
    lines = [delimiter.join(f"{quote}{name}{quote}" for name in ("x", "is.on", "town"))]
    for i, cells in enumerate(zip(numbers, truths, towns, strict=True), start=1):
        name = f"{quote}{row_name.format(i)}{quote}"
        lines.append(delimiter.join([name, cells[0], cells[1], f"{quote}{cells[2]}{quote}"]))
    table = read_table(write("\n".join([*lines, ""])))
    expected = table_from(
        {
            "x": [None if text == "NA" else float(text) for text in numbers],
            "is.on": [{"TRUE": True, "FALSE": False, "NA": None}[text] for text in truths],
            "town": towns,
        }
    )
    assert table == expected
    assert table.notes[:1] == ROW_NAMES


def test_first_fields_that_repeat_are_no_row_names(write: Write) -> None:
    assert "these repeat: '1'\n\nhint: name the first column" in fault(write("a,b\n1,2,3\n1,5,6\n"))


def test_a_wide_file_with_row_names(write: Write) -> None:
    """Its header alone is longer than a sample."""
    names = [f"gene {j} of a long name" for j in range(5_000)]
    rows = ["\t".join([f"s{i}", *(str(i + j) for j in range(5_000))]) for i in range(4)]
    table = read_table(write("\n".join(["\t".join(names), *rows])))
    assert table.names == tuple(names)


def test_words_of_one_column_are_no_fields(write: Write) -> None:
    assert read_table(write("first name\nJohn Smith\nAnn Lee\n")).names == ("first name",)
    assert read_table(write("note\nall is well\nnot so good\n")).names == ("note",)


def test_runs_of_blanks_separate_fields(write: Write) -> None:
    text = '  mpg   hp  name\n 18.0  130\t"a b" \n 15.5   9  c\n'
    expected = table_from({"mpg": [18.0, 15.5], "hp": [130.0, 9.0], "name": ["a b", "c"]})
    for options in ({}, {"delimiter": WHITESPACE}):
        assert read_table(write(text), **options) == expected


@settings(deadline=None, max_examples=200)
@given(
    signs=st.lists(st.sampled_from([*' \t"x1é', "\n", "\r\n", "\r", '"a b"', "NA"]), max_size=30),
    headers=st.integers(0, 2),
    cuts=st.lists(st.integers(0, 40), max_size=3),
)
def test_scanners_agree_on_merged_blanks(signs: list[str], headers: int, cuts: list[int]) -> None:
    text = "".join(signs).encode()
    ends = [*sorted(cuts), len(text)]
    found = []
    for make in (scanner_for(" "), PlainScanner):
        scanner = make("tt", [b""], with_points=True, rows_about=0)
        scanner.begin(" ", [0, 1], line=5, headers=headers, is_merged=True)
        for start, end in zip([0, *ends], ends, strict=False):
            scanner.feed(text[start:end])
        scanner.end()
        columns = [(levels, codes.tolist()) for levels, codes in map(scanner.texts, (0, 1))]
        found.append((scanner.rows, scanner.uneven, scanner.broken, scanner.broken_line, columns))
    assert found[0] == found[1]


# Delimiters, and names that are not found


@pytest.mark.parametrize("sign", ["~", "^", "\x01", "\x1f"])
def test_rare_delimiters(write: Write, sign: str) -> None:
    rows = [[str(i), f"a, b {i % 3}", f"{i / 4}"] for i in range(20)]
    table = read_table(write("".join(f"{sign.join(row)}\n" for row in [["id", "town", "y"], *rows])))
    assert table == table_from({"id": range(20), "town": [row[1] for row in rows], "y": [i / 4 for i in range(20)]})
    assert f"delimiter {sign!r} detected" in table.notes
    words = [[f"a{sign}b{sign}" * (i % 3), f"{i}"] for i in range(20)]  # signs of the texts
    assert read_table(write("".join(f"{','.join(row)}\n" for row in [["town", "y"], *words]))).names == ("town", "y")


@pytest.mark.parametrize(("name", "cell"), [("~n", "~{}"), ("m^3", "{}m^3"), ("x^2", "{}^2"), ("w^w", "{}^{}")])
def test_a_sign_in_a_name_and_all_values_of_one_column_is_no_delimiter(write: Write, name: str, cell: str) -> None:
    assert read_table(write("\n".join([name, *(cell.format(n, n + 1) for n in range(20)), ""]))).names == (name,)


CUT = {
    "a backslash": ("{i},a\\, b{i},{i}", "put", "escapechar"),
    "single quotes": ("{i},'a, b{i}',{i}", "put", "quote = ''''"),
    "thousands": ("{i},a,{i},0{j}", "put", "--names"),
    "decimals": ("{i},a,{j},0{i1}", "put", "--names"),
}


@pytest.mark.parametrize("case", CUT)
def test_a_delimiter_inside_values_makes_no_row_names(write: Write, case: str) -> None:
    line, _, way = CUT[case]
    text = "id,town,y\n" + "".join(line.format(i=i, j=i % 90 + 10, i1=i % 10) + "\n" for i in range(20))
    assert way.removeprefix("--") in fault(write(text))
    if case == "single quotes":
        query = "SELECT * FROM read_csv(getvariable('file'), quote = '''')"
        assert read_table(write(text), query=query).names == ("id", "town", "y")


TABLE = [["id", "town", "y"], *([str(i), "ab"[i % 2], f"{i / 4}"] for i in range(1, 21))]
WIDE = "".join(f"{a:<5}{b:<12}{c:>5}\n" for a, b, c in [TABLE[0], *([a, f"{b} x y", c] for a, b, c in TABLE[1:])])
UNFOUND: dict[str, tuple[str, str, dict[str, Any]]] = {
    "letters": ("A,B,C\n", "line 2 contains 'y': is it the header? header_row=2", {"header_row": 2}),
    "colons": (":", "is ':' the delimiter? delimiter=':'", {"delimiter": ":"}),
    "widths": (WIDE, "do its fields have fixed widths? widths=[5, 13, 4]", {"widths": [5, 13, 4]}),
    "quotes": ('"', "each line is one field in quotes", {}),
    "transposed": ("", "line 3 begins with 'y': if its values are a column, pandas", {}),
    "no header": ("1", "a table without a header needs no_header", {"names": ["id", "town", "y"]}),
}


@pytest.mark.parametrize("case", UNFOUND)
def test_a_name_that_is_not_found_is_looked_for(write: Write, case: str) -> None:
    sign, hint, options = UNFOUND[case]
    texts = {
        "letters": sign + "".join(f"{','.join(row)}\n" for row in TABLE),
        "colons": "".join(f"{sign.join(row)}\n" for row in TABLE),
        "widths": WIDE,
        "quotes": "".join(f'"{",".join(row)}"\n' for row in TABLE),
        "transposed": "".join(f"{','.join(row)}\n" for row in zip(*TABLE, strict=True)),
        "no header": "".join(f"{','.join(row)}\n" for row in TABLE[1:]),
    }
    path = write(texts[case])
    assert hint in fault(path, need=["y"])
    if options:
        assert read_table(path, need=["y"], **options).rows == 20
    assert "hint" not in fault(write("a,b\n1,2\n3,4\n5,6\n"), need=["y"])


@pytest.mark.parametrize("name", ["3", "0.25", "b", "Oslo", "q"])
def test_a_value_of_a_row_is_not_taken_for_a_name(write: Write, name: str) -> None:
    text = "".join(f"{','.join(row)}\n" for row in [*TABLE, ["21", "Oslo", "7.5"]])
    assert "hint" not in fault(write(text), need=[name])
    words = "".join(f"{'abq'[i % 3]},{'rs'[i % 2]},{'tu'[i // 2 % 2]}\n" for i in range(20))
    assert "hint" not in fault(write(f"kind,form,class\n{words}"), need=[name])


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("id,a,b\n" + "".join(f"{i},x{',1' * (i % 3 > 0)}\n" for i in range(20)), "null_padding = true"),
        ("id,a,b\n" + "".join(f'{i},"say \\"{i}\\"",1\n' for i in range(20)), "escape = '\\'"),
        ("id,x,x\n" + "".join(f"{i},2,3\n" for i in range(20)), ""),
    ],
)
def test_a_query_reads_what_is_refused(write: Write, text: str, option: str) -> None:
    path, call = write(text), f"read_csv(getvariable('file'){', ' * bool(option)}{option})"
    assert call.replace("\\", "\\\\") in fault(path)
    assert read_table(path, query=f"SELECT * FROM {call}").rows == 20


# Files without a header


CELLS: dict[str, Callable[[random.Random], str]] = {
    "fraction": lambda rng: f"{rng.gauss(0, 1):.3f}",
    "whole": lambda rng: str(rng.randrange(100)),
    "mostly zero": lambda rng: rng.choice(["0"] * 19 + ["7"]),
    "category": lambda rng: rng.choice(["Private", "State-gov", "?"]),
    "date": lambda rng: f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
    "key": lambda rng: "".join(rng.choices(string.ascii_lowercase, k=9)),
}


def rows_of(rng: random.Random, kinds: list[str], count: int) -> list[list[str]]:
    return [[CELLS[kind](rng) for kind in kinds] for _ in range(count)]


def test_first_lines_that_are_rows_are_found_and_names_are_not() -> None:
    rng = random.Random(0)
    hits = 0
    for trial in range(400):
        kinds = rng.choices([*CELLS], k=rng.randrange(5, 16))
        rows = rows_of(rng, kinds, rng.choice([30, 200]))
        hits += looks_like_data(rows[0], rows[1:])
        names = [f"{rng.choice(['x', 'age', 'V', 'is '])}{j}" for j in range(len(kinds))]
        assert not looks_like_data(names, rows), (trial, names)
    assert hits >= 390


SERIES = {
    "numbers of columns": lambda k: [str(j) for j in range(k)],
    "from one": lambda k: [str(j + 1) for j in range(k)],
    "years": lambda k: [str(2001 + j) for j in range(k)],
    "some years": lambda k: [str(year) for year in sorted(random.Random(k).sample(range(1900, 2030), k))],
    "years before": lambda k: [str(2030 - j) for j in range(k)],
    "wavelengths": lambda k: [f"{400 + 2.5 * j}" for j in range(k)],
}


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("kind", ["fraction", "whole", "mostly zero"])
@pytest.mark.parametrize("with_key", [False, True])
def test_names_that_are_numbers_are_names(series: str, kind: str, with_key: bool) -> None:
    rng = random.Random(0)
    for k in (3, 5, 12, 40):
        rows = rows_of(rng, ["key"] * with_key + [kind] * k, 60)
        assert not looks_like_data(["country"] * with_key + SERIES[series](k), rows)


def test_options_ticked_in_a_form_are_names() -> None:
    """A column called by the only text in it."""
    rows = [["red", "", "3"], ["", "blue", "4"], ["red", "blue", "5"], ["", "", "6"]]
    assert not looks_like_data(["red", "blue", "7"], rows)


def adult(write: Write, before: str = "") -> tuple[Path, list[list[str]]]:
    rows = rows_of(random.Random(1), ["whole", "category", "fraction", "category", "mostly zero"], 50)
    rows[0] = ["39", "Private", "1.5", "State-gov", "0"]
    return write(before + "".join(f"{', '.join(row)}\n" for row in rows) + "\n"), rows


def test_a_file_without_a_header_is_told_and_can_be_read(write: Write) -> None:
    path, rows = adult(write)
    told = read_table(path)
    assert told.rows == 49
    assert any(
        "the first line, '39, Private, 1.5, State-gov, 0', is read as the column names" in note for note in told.notes
    )
    assert any("--no-header, or --names" in note for note in told.notes)
    numbered = read_table(path, no_header=True)
    assert (numbered.rows, numbered.notes) == (50, ())
    assert numbered.names == numbered.headerless == ("column1", "column2", "column3", "column4", "column5")
    named = read_table(path, names=["age", "work", "x", "other", "gain"])
    assert list(named.columns) == ["age", "work", "x", "other", "gain"]
    written = write("age,work,x,other,gain\n" + "\n".join(map(",".join, rows)), "with.csv")
    assert named == read_table(written)


def test_names_and_skipped_lines_that_do_not_fit(write: Write) -> None:
    path, _ = adult(write)
    assert "2 column names are set, but the first line has 5 fields" in fault(path, names=["a", "b"])
    assert "it is a header\n\nhint: leave out names" in fault(write("a,b\n1,2\n"), names=["a", "b"])
    assert "has 2 lines, of which 3 are to be skipped" in fault(write("a,b\n1,2\n"), skip=3)
    for options, message in (
        ({"names": "a,b"}, "names takes a list"),
        ({"names": ["a", "a"]}, "the header has the name 'a' at positions 1, 2"),
        ({"skip": -1}, "0 or more"),
        ({"no_header": "yes"}, "True or False"),
    ):
        with pytest.raises(UsageError, match=message):
            read_table(path, **options)  # type: ignore[arg-type]


def test_a_first_line_that_cannot_be_names_says_why(write: Write) -> None:
    rows = rows_of(random.Random(2), ["category"] * 4 + ["whole"], 40)
    rows[0] = ["Private"] * 4 + ["5"]
    text = "\n".join(map(",".join, rows))
    assert "is not a header: it looks like a row of values\n\nhint: a table without a header needs" in fault(
        write(text)
    )
    assert read_table(write(text), no_header=True).rows == 40


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_before_the_header_are_skipped(write: Write, ends: str, mark: str) -> None:
    text = f'{mark}|1x3 Cross é validator{ends}"{ends}a,b{ends}1,x{ends}2,"y{ends}z"{ends}3{ends}'
    assert "line 7 has 1 field" in fault(write(text), skip=2)
    table = read_table(write(text.removesuffix(f"3{ends}")), skip=2)
    assert table == table_from({"a": [1, 2], "b": ["x", f"y{ends}z"]})


def test_the_line_above_the_table_is_named(write: Write) -> None:
    path, _ = adult(write, "|1x3 Cross validator\n")
    for options in ({}, {"delimiter": ","}):
        assert "the header is line 1, '|1x3 Cross validator'; another one? skip=1" in fault(path, **options)
    assert read_table(path, skip=1, no_header=True).rows == 50


def test_a_header_that_is_there_again_is_told(write: Write) -> None:
    text = "a,b\nx,y\nz,w\na,b\nx,w\n"
    table = read_table(write(text))
    assert table.notes == ("row 3: a repeated header, left out; --all-rows keeps them",)
    assert table.row_numbers.tolist() == [1, 2, 4]
    again = write("a,b\n" + "1,x\n" * 20 + "a,b\n" + "2,y\n")
    assert read_table(again).rows == 21
    assert "row 21 holds the column name: is the header repeated there?" in fault(again, all_rows=True)


def test_the_files_of_a_pattern_are_laid_out_alike(write: Write) -> None:
    one = write("skip me\n1,x\n2,y\n", "p1.csv")
    write("skip me, too\n3,x\n", "p2.csv")
    table = read_table(one.with_name("p*.csv"), skip=1, names=["a", "b"])
    assert table == table_from({"a": [1, 2, 3], "b": ["x", "y", "x"]})


# Orange


@pytest.mark.parametrize("types", [("continuous", "discrete", "string", "d"), ("c", "d", "s", "low high")])
@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_three_headers_of_orange(write: Write, types: tuple[str, ...], delimiter: str) -> None:
    heads = [("x", "code", "who", "y"), types, ("", "", "meta", "class")]
    rows = [(f"{i / 2}", f"{i % 3}", f"n{i}", "low" if i % 2 else "high") for i in range(30)]
    path = write("\n".join(map(delimiter.join, [*heads, *rows])))
    table = read_table(path)
    expected = {"x": [i / 2 for i in range(30)], "code": [str(i % 3) for i in range(30)], "y": [row[3] for row in rows]}
    assert table == table_from(expected)
    assert table.left_out == ("who",)
    assert "names 'y' as the target" in table.notes[0]
    assert "left out: 'who'" in table.notes[0]
    assert "who" in read_table(path, need=["who"]).columns


def test_letters_are_no_types() -> None:
    rng = random.Random(0)
    rows = [rng.choices("cdst", k=3) for _ in range(20)]
    assert orange_of([["a", "b", "c"], ["c", "d", "s"], ["c", "m", "i"], *rows]) is None
    assert orange_of([["a", "b"], ["continuous", "discrete"], ["", "odd"], ["1", "2"]]) is None


@given(st.text("ab, ;\t|'\r\n\x0b\u2028", max_size=40), st.sampled_from([*DELIMITERS, " "]))
@settings(max_examples=300, deadline=None)
def test_lines_without_quotes_are_cut_as_csv_cuts_them(text: str, delimiter: str) -> None:
    lines = [*io.StringIO(text, newline="")]
    rows = reader(lines, delimiter)
    expected = [(rows.line_num - 1, [cell.strip(" \t") for cell in row]) for row in rows if row]
    assert Sample(lines, True, 0).records(delimiter) == expected


def test_python_and_the_scanner_cut_blanks_alike() -> None:
    text = ' a  b\n1\t "x y"  \n\n 2 z\n'
    plain = [fields for _, fields in records(text, " ", is_merged=True) if fields]
    assert [record for record in reader(text.splitlines(keepends=True), WHITESPACE) if record] == plain


# Booleans with gaps


PAIRS = [("TRUE", "FALSE"), ("True", "False"), ("true", "false"), ("T", "F"), ("yes", "no"), ("Y", "N"), ("Yes", "No")]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("form", ["{}", '"{}"'])
def test_na_beside_booleans_is_missing(write: Write, pair: tuple[str, str], form: str) -> None:
    values = [*np.random.default_rng(0).choice([*pair, "NA"], 40)]
    table = read_table(write("b,x\n" + "".join(f"{form.format(v)},1\n" for v in values)))
    column = table.column("b")
    assert isinstance(column, CategoricalColumn)
    assert column.missing.tolist() == [value == "NA" for value in values]
    assert "NA" not in column.levels
    told = any("'NA' beside" in note and "counts as missing" in note for note in table.notes)
    assert told == (pair[0].lower() != "true")  # beside true and false there is no doubt
    typed = table_from({"b": values, "x": [1] * 40})
    assert typed == table


@pytest.mark.parametrize(
    "others", [["DE", "FR"], ["yes", "no", "maybe"], ["T"], ["no"], ["1x"], ["TRUE", "FALSE", "X"]]
)
def test_na_beside_other_texts_stays_a_text(others: list[str]) -> None:
    column = table_from({"a": [*others, "NA"] * 3}).column("a")
    assert isinstance(column, CategoricalColumn)
    assert "NA" in column.levels


def test_none_answers_a_question_of_yes_or_no() -> None:
    def levels(texts: list[str]) -> tuple[str, ...]:
        column = table_from({"a": texts}).column("a")
        assert isinstance(column, CategoricalColumn)
        return column.levels

    assert levels(["True", "False", "None"]) == ("false", "true")
    assert levels(["yes", "no", "None"]) == ("None", "no", "yes")


def test_a_model_of_texts_keeps_na() -> None:
    """One that learned NA as a text, of before booleans had gaps, gets it still."""
    data: dict[str, list[Any]] = {"a": ["TRUE", "NA"]}

    def missing(kind: str) -> list[bool]:
        table: Table = table_from(data, kinds={"a": kind})
        return table.column("a").missing.tolist()

    assert missing("categorical") == [False, False]
    assert missing("boolean") == [False, True]


# Pages


@pytest.mark.parametrize("case", [str.upper, str.lower, str.title, str], ids=["upper", "lower", "title", "same"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("page_break", ["", "\f", "\f\n", "\n\f"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_pages_of_a_report(write: Write, case: Callable[[str], str], delimiter: str, page_break: str, end: str) -> None:
    header = delimiter.join(["Town", "Price"])
    pages = [[f"{'ab'[n % 2]}{delimiter}{n + 10 * page}" for n in range(10)] for page in range(3)]
    first, *others = ("\n".join(page) + "\n" for page in pages)
    text = f"{header}\n{first}" + "".join(f"{page_break}{case(header)}\n{page}" for page in others) + page_break
    table = read_table(write(text.replace("\n", end)))
    assert table.rows == 30
    assert table.column("Price").values.tolist() == [float(n) for n in range(30)]
    assert any("a repeated header, left out" in note for note in table.notes)
    assert any("page breaks left out" in note for note in table.notes) == bool(page_break)


def test_form_feeds_inside_a_line_stay(write: Write) -> None:
    column = read_table(write("a,b\nx\fy,1\nz,2\n")).column("a")
    assert isinstance(column, CategoricalColumn)
    assert column.levels == ("x\fy", "z")


def test_a_row_that_fits_no_column_is_one_fault(write: Write) -> None:
    rows = [f"{n},{n % 7},{n * 2},t{n % 3}" for n in range(30)]
    text = "\n".join(["a,b,c,d", *rows, "kg,m,s,t0", *rows])
    assert fault(write(text)) == (
        "t.csv: row 31: strings in 3 columns of numbers or dates: 'kg' (column 'a'), 'm' (column 'b'), 's' (column 'c')"
        "\n\nhint: if such a row contains units or remarks, delete it; if its strings mean missing, declare each "
        "with missing=[...]"
    )
    two = fault(write("\n".join(["a,b,c,d", *rows, "kg,m,3,t0", *rows])))
    assert "column 'a': 60 numbers, 1 other value ('kg' row 31)" in two
    assert "row 31: texts" not in two
