"""Files as people have them: what stands above, below, beside and between the rows of a table is left out and said.

Each instance is a plain table with something around it; what is read must equal the plain table. The counterexamples
below look alike and must be read whole.
"""

from __future__ import annotations

import gzip
import random
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.errors import DataError, UsageError
from backpass.table import CategoricalColumn, Table, read_table, required_kind
from backpass.table.layout import LAYOUT_FINDINGS, heading_of
from backpass.table.layout.footer import Columns, footer_rows
from backpass.table.scan import scanner_for
from backpass.table.scan.plain import PlainScanner
from backpass.table.windows.windows import windows_of

Write = Callable[..., Path]
NAMES = ["town", "day", "units", "price", "y"]
UNITS = ["", "", "pieces/d", "USD", "W/m^2"]


def rows_of(rng: random.Random, count: int = 40) -> list[list[str]]:
    """Rows of a text, a date and three numbers."""
    return [
        [
            rng.choice(["north", "south", "west"]),
            f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
            str(rng.randrange(100)),
            f"{rng.gauss(50, 10):.2f}",
            f"{rng.gauss(0, 1):.3f}",
        ]
        for _ in range(count)
    ]


def text_of(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    return "".join(f"{delimiter.join(row)}{end}" for row in rows)


def plain(write: Write, rows: list[list[str]], names: list[str] = NAMES) -> Table:
    return read_table(write(text_of([names, *rows]), "plain.csv"))


def said(table: Table, text: str) -> bool:
    return any(text in note for note in table.notes)


# Above


def padded(lines: list[str], delimiter: str) -> str:
    return "".join(f"{line}{delimiter * (len(NAMES) - 1)}\n" for line in lines)


ABOVE: dict[str, Callable[[random.Random, str], str]] = {
    "one title": lambda rng, d: "Sales report\n",
    "title and period": lambda rng, d: "Sales report\nPeriod: 2024-01-01 to 2024-01-31\n",
    "blank lines": lambda rng, d: "\nSales report\n\n\n",
    "padded titles": lambda rng, d: padded(["Sales report", "Currency: USD", ""], d),
    "settings": lambda rng, d: "".join(f"Setting {j}{d}{rng.random():.3f}\n" for j in range(rng.randrange(1, 40))),
    "quoted settings": lambda rng, d: f'"Data Source"{d}"World, of {d} data"{d}\n\n"Last Updated"{d}"2024-01-01"{d}\n',
    "logger": lambda rng, d: (
        d.join(['"TOA5"', '"4411"', '"CR1000X"', '"4411"', '"Std.03"', '"x"', '"9"', '"Flux"']) + "\n"
    ),
    "long": lambda rng, d: "".join(f"line {j} of a long text about the data\n" for j in range(60)),
    "comments": lambda rng, d: f"# a text\n#\n# a{d}  b{d} c\n",
    "percent comments": lambda rng, d: "% a text\n% another\n",
    "slashes": lambda rng, d: "// a text\n",
    "a comment of lines": lambda rng, d: f"/* a text\na{d}b{d}c\n\n*/\n",
    "a pair and a line": lambda rng, d: f"Report\n\ny{d}Yield{d} in t{d} by town{d}\n\nFrequency: Daily\n",
    "sep line": lambda rng, d: f"sep={d}\n",
}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("above", ABOVE)
def test_lines_above_the_header(write: Write, above: str, delimiter: str) -> None:
    rng = random.Random(f"{above}{delimiter}")
    rows = rows_of(rng, 80)
    header = [f'"{name}"' if above == "logger" else name for name in NAMES]
    path = write(ABOVE[above](rng, delimiter) + text_of([header, *rows], delimiter))
    table = read_table(path)
    assert table == plain(write, rows)
    assert said(table, "line 1") or said(table, "lines 1") or said(table, "line 2, 'Sales report'")
    if above != "sep line":
        assert said(table, "left out")
        assert read_table(path, delimiter="tab" if delimiter == "\t" else delimiter) == table


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", ["", "gz"])
def test_every_door(write: Write, end: str, encoding: str, packed: str) -> None:
    rows = rows_of(random.Random(1))
    rows[3][0] = f'"two{end}lines"'
    body = text_of([NAMES, ["", "", *UNITS[2:]], *rows], ";", end)
    text = f"Bericht über Verkäufe{end}{end}{body};;;;{end}Quelle: Amt{end}"
    content = text.encode(encoding)
    table = read_table(write(gzip.compress(content) if packed else content, "t.csv"))
    assert table == plain(write, rows)
    assert said(table, "line 1, 'Bericht über Verkäufe': above the header")
    assert said(table, "line 4, 'pieces/d, USD, W/m^2': below the header")
    assert said(table, "the last 2 lines, 'Quelle: Amt': below the table")


@pytest.mark.parametrize("mark", ["# ", "#", "% ", "## "])
@pytest.mark.parametrize("lines", [1, 3])
@pytest.mark.parametrize("delimiter", [",", " "])
def test_a_header_in_a_comment(write: Write, mark: str, lines: int, delimiter: str) -> None:
    rows = [[str(i), str(i * 7 % 5 / 2), str(i % 4)] for i in range(20)]
    comments = [f"{mark}a text\n"] * (lines - 1)
    path = write("".join(comments) + mark + text_of([["x", "z", "y"], *rows], delimiter))
    table = read_table(path)
    if lines == 1 and not mark.endswith(" "):  # nothing tells it from a name: as it stands
        assert table.names == (f"{mark}x", "z", "y")
    else:
        assert table.names == ("x", "z", "y")
        assert said(table, f"line {lines}, ")
    assert table.rows == 20
    if lines == 1:
        kinds = {f"{mark}x": "numeric", "y": "numeric"}
        if delimiter == ",":
            assert read_table(path, kinds=kinds).names == tuple(kinds)  # as a model knows it


@pytest.mark.parametrize("delimiter", [",", " ", "\t"])
@pytest.mark.parametrize("units", [["s", "s", "m"], ["degT", "yr", "degT"]])
def test_a_header_in_a_comment_above_units_or_behind_a_word(write: Write, delimiter: str, units: list[str]) -> None:
    rows = [[str(i), str(i * 7 % 5 / 2), str(i % 4)] for i in range(20)]
    expected = plain(write, rows, ["x", "z", "y"])
    for lines in ([["x", "z", "y"], units], [["Fields: x", "z", "y"]]):
        comments = "".join(f"#{delimiter.join(line)}\n" for line in [["a", "text"], *lines])
        table = read_table(write(comments + text_of(rows, delimiter)))
        assert table == expected
        assert said(table, "line 2, '#")


def test_comments_are_only_between_the_rows(write: Write) -> None:
    rows = rows_of(random.Random(2))
    table = read_table(write(text_of([NAMES, *rows[:10]]) + "# cleaned\n" + text_of(rows[10:])))
    assert table == plain(write, rows)
    assert said(table, "line 12: not rows")
    late = text_of([NAMES, *(rows * 60)])
    assert "if lines that begin with '#' are comments: comment='#'" in fault(write(late + "# cleaned\n" + late[30:]))


def test_joined_files_with_byte_order_marks(write: Write) -> None:
    rows = rows_of(random.Random(2))
    text = "\ufeff" + text_of([NAMES, *rows])
    table = read_table(write(text * 3))
    assert table == plain(write, rows * 3)
    assert said(table, "rows 41, 82: a repeated header")


def test_comments_between_the_rows(write: Write) -> None:
    rows = rows_of(random.Random(2))
    text = "# made by hand\n" + text_of([NAMES, *rows[:10]]) + '# a gap, "here\n' + text_of(rows[10:]) + "# the end\n"
    table = read_table(write(text))
    assert table == plain(write, rows)
    assert said(table, "line 13: not rows")
    assert "line 13" in fault(write(text), comment="none")
    marked = text_of([NAMES, *rows[:10], ["#west", *rows[0][1:]], *rows[10:]])
    assert read_table(write("# made by hand\n" + marked)).rows == 41
    assert read_table(write(marked), comment="#").rows == 40


def fault(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path, **options)
    return str(caught.value)


# The header


HEADERS: dict[str, tuple[list[list[str]], list[str]]] = {
    "groups above unique names": (
        [["place", "", "sale", "", "result"], NAMES],
        NAMES,
    ),
    "groups complete names": (
        [["town", "day", "2023", "", "2024"], ["", "", "Q1", "Q2", "Q1"]],
        ["town", "day", "2023 Q1", "2023 Q2", "2024 Q1"],
    ),
    "levels of a frame": (
        [["id", "id", "x", "x", "y"], ["town", "day", "a", "b", "a"]],
        ["id town", "id day", "x a", "x b", "y a"],
    ),
    "questions and answers": (
        [["town", "day", "How many?", "", ""], ["", "", "Units", "Price", "Other"]],
        ["town", "day", "How many? Units", "How many? Price", "How many? Other"],
    ),
    "codes, questions, keys": (
        [NAMES, ["Where?", "When?", "How many?", "At which price?", "Then?"], [f'{{"id": "Q{j}"}}' for j in range(5)]],
        NAMES,
    ),
    "units": ([NAMES, UNITS], NAMES),
    "units in brackets": ([NAMES, ["[-]", "[date]", "[1]", "[USD]", "[kg/m3]"]], NAMES),
    "one unit": ([NAMES, ["", "", "", "°C", ""]], NAMES),
    "numbers of columns": ([NAMES, ["1", "2", "3", "4", "5"]], NAMES),
    "formats of fields": ([NAMES, ["5s", "20d", "14n", "14n", "14n"]], NAMES),
    "logger": ([NAMES, ["", "TS", "RN", "Deg C", "W/m^2"], ["", "", "", "Avg", "Avg"]], NAMES),
    "dashes": ([NAMES, ["---", "---", "---", "---", "---"]], NAMES),
    "a description of the same width": (
        [["station", "4411", "17", "3.5", "x"], NAMES],
        NAMES,
    ),
    "survey": (
        [["town", "day", "How many?", "", ""], ["", "When", "Units", "Price", "Other"]],
        ["town", "day When", "How many? Units", "How many? Price", "How many? Other"],
    ),
    "title, header, units": ([["A title"], NAMES, UNITS], NAMES),
}  # fmt: skip


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("header", HEADERS)
def test_header_rows(write: Write, header: str, delimiter: str) -> None:
    heads, names = HEADERS[header]
    rows = rows_of(random.Random(header))
    table = read_table(write(text_of([*heads, *rows], delimiter)))
    assert table == plain(write, rows, names)
    assert said(table, "left out") or said(table, "joined")


PIVOTS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "groups": lambda frame: frame.groupby(["town", "new"]).agg({"y": ["mean", "std"], "price": ["sum"]}),
    "one group": lambda frame: frame.groupby("town").agg({"y": ["mean", "std"], "price": ["mean"]}),
    "pivot": lambda frame: frame.pivot_table(index=["town", "units"], columns="new", values=["y", "price"]),
}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("pivot", PIVOTS)
def test_header_rows_of_pandas(tmp_path: Path, pivot: str, form: str) -> None:
    """Two levels of columns, and a third row with the names of the index."""
    rows = rows_of(random.Random(pivot), 120)
    frame = pd.DataFrame(rows, columns=NAMES).astype({"price": float, "y": float})
    frame = frame.assign(new=["pqr"[i % 3] for i in range(120)], units=[int(row[2]) % 4 for row in rows])
    made = PIVOTS[pivot](frame)
    path = tmp_path / f"t.{form}"
    made.to_csv(path) if form == "csv" else made.to_excel(path)
    table = read_table(path)
    assert table.names == (*made.index.names, *(f"{above} {name}" for above, name in made.columns))
    assert table.rows == len(made)
    for name in made.index.names:
        column, expected = table.column(name), made.index.get_level_values(name)
        found = [column.levels[j - 1] for j in column.codes] if isinstance(column, CategoricalColumn) else column.values
        assert list(found) == list(expected)
    assert said(table, "lines 1 to 3")


def test_the_header_row_is_an_option(write: Write) -> None:
    rows = rows_of(random.Random(3))
    same = [["a", "b", "c", "d", "e"], NAMES]
    path = write("x,y\n" + text_of([*same, *rows]))
    assert read_table(path, header_row=3) == plain(write, rows)
    joined = read_table(path, header_row=[2, 3])
    assert joined.names == ("a town", "b day", "c units", "d price", "e y")
    assert joined == read_table(path, header_row=(2, 3))
    assert "not found" not in fault(write(text_of([["a", "", "c", "", "e"], *rows])))
    for options in ({"header_row": 0}, {"header_row": [1, 3]}, {"header_row": "2"}, {"header_row": 2, "skip": 1}):
        with pytest.raises(UsageError, match="header"):
            read_table(path, **options)  # type: ignore[arg-type]
    for options in ({"comment": ""}, {"comment": 3}, {"footer": -1}, {"all_rows": "yes"}):
        with pytest.raises(UsageError, match="got"):
            read_table(path, **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no_header=True and names"):
        read_table(path, header_row=2, no_header=True)


def test_the_error_names_the_line_and_the_option(write: Write) -> None:
    rows = [["a", "", "b"], ["", "x", "y"], ["name", "town", "grade"], *[["p", "q", "r"], ["s", "t", "u"]] * 10]
    assert "is line 3, 'name, town, grade', the header? header_row=3" in fault(write(text_of(rows)))
    assert read_table(write(text_of(rows)), header_row=3).names == ("name", "town", "grade")


@pytest.mark.parametrize("in_header", [True, False])
@pytest.mark.parametrize("more", [1, 3])
def test_trailing_delimiters(write: Write, in_header: bool, more: int) -> None:
    rows = rows_of(random.Random(4))
    tail = [""] * more
    path = write(text_of([[*NAMES, *(tail if in_header else [])], *([*row, *tail] for row in rows)], ";"))
    if in_header or more == 1:
        table = read_table(path)
        assert table == plain(write, rows)
        assert said(table, "without a name and without values")
    late = [*rows[:-1], [*rows[-1], *["x"] * more]]
    many = [[*NAMES, *tail], *([*row, *tail] for row in rows * 100), late[-1]]
    assert "has no name, and holds 'x' in row 4,001" in fault(write(text_of(many, ";")))


# Below


BELOW: dict[str, str] = {
    "note": "Source: the office",
    "rows counted": "(40 rows)",
    "page": "Page 1 of 1",
    "blank, note": "\n\nNote: provisional",
    "grand total, page": '"Grand Total: 40",,,,\nPage -1 of 1,,,,',
    "total by label": "Total,,,,",
    "dashes, total": "---\nTotal;40",
    "empty rows": ",,,,\n,,,,",
    "empty rows of another length": ",,\n,,,,,,",
    "sentence": "All figures are provisional and may change",
    "remark with delimiters": "Source: office, 2024",
    "mark": "* provisional",
    "several": ",,,,\nTotal,,,,\n\nQuelle: Amt\nStand: 2024",
    "numbered notes": "Notes,,,,\n1,,Without islands,,\n2,,Provisional,,\nSource: Office,,,,",
}


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_lines_below_the_table(write: Write, below: str, end: str) -> None:
    rows = rows_of(random.Random(below))
    path = write(text_of([NAMES, *rows]) + BELOW[below] + end)
    table = read_table(path)
    assert table == plain(write, rows)
    assert said(table, "below the table, left out; --footer 0")
    count = len([line for line in BELOW[below].splitlines() if line])
    assert read_table(path, footer=count) == table
    assert read_table(path, footer=count + 1).rows == 39


@pytest.mark.parametrize(
    "below",
    [
        "TRAILER,40",
        '"Closing balance",,,"9.25"',
        "Mean,,5,5\nStandard deviation,,2,2",
        "t: a note, of, some, more, words",
        "EOF",
    ],
)
def test_lines_below_a_table_whose_first_column_holds_dates(write: Write, below: str) -> None:
    rows = [row[1:] for row in rows_of(random.Random(below))]
    table = read_table(write(text_of([NAMES[1:], *rows]) + below + "\n"))
    assert table == plain(write, rows, NAMES[1:])
    assert said(table, "below the table, left out; --footer 0")


def test_a_last_row_with_a_gap_or_a_word_is_a_row(write: Write) -> None:
    rows = [row[1:] for row in rows_of(random.Random(1))]
    for last in (["2024-01-05", "", "", ""], ["2024-01-05", "", "", "unknown"]):
        assert read_table(write(text_of([NAMES[1:], *rows, last]))).rows == 41


def test_a_footer_of_a_large_file(write: Write) -> None:
    rows = rows_of(random.Random(5), 5_000)
    path = write(text_of([NAMES, *rows]) + ",,,,\n" * 3_000 + "Source: office\n")
    assert read_table(path).rows == 5_000
    assert read_table(path, footer=3_001).rows == 5_000
    assert "line" in fault(path, footer=0)


# Between


def with_sums(rows: list[list[str]], label: str) -> list[str]:
    sums = [f"{sum(float(row[j]) for row in rows):.3f}".rstrip("0").rstrip(".") for j in (2, 3, 4)]
    return [label, "", *sums]


LABELS = [
    "Total",
    "Carried forward",
    "TOTAL",
    "Totals:",
    "Grand total",
    "Summe",
    "Gesamt",
    "Somme",
    "Итого",
    "合計",
    "合计",
    "",
]


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("door", ["comma", "decimal comma"])
def test_a_row_of_totals(write: Write, label: str, door: str) -> None:
    rows = rows_of(random.Random(f"{label}{door}"))
    text = text_of([NAMES, *rows, with_sums(rows, label)], ";")
    path = write(text.replace(".", ",") if door == "decimal comma" and label != "Totals:" else text)
    table = read_table(path)
    assert table == plain(write, rows)
    assert said(table, "row 41: sums of other rows (a total), left out")
    whole = read_table(path, all_rows=True)
    assert whole.rows == 41
    town = table.column("town")
    assert isinstance(town, CategoricalColumn)
    assert town.levels == ("north", "south", "west")


def test_a_total_above_the_rows(write: Write) -> None:
    rows = rows_of(random.Random(11))
    assert read_table(write(text_of([NAMES, with_sums(rows, "Total"), *rows]))) == plain(write, rows)


@pytest.mark.parametrize("label", ["All", "England", "ALL TOWNS", "全部"])
@pytest.mark.parametrize("place", ["first", "last"])
def test_sums_in_other_words_at_either_end(write: Write, label: str, place: str) -> None:
    rows = rows_of(random.Random(label))
    total = with_sums(rows, label)
    lines = [total, *rows] if place == "first" else [*rows, total]
    table = read_table(write(text_of([NAMES, *lines])))
    assert table == plain(write, rows)
    assert said(table, f"row {1 if place == 'first' else 41}: sums of other rows (a total), left out")


@pytest.mark.parametrize("off", [2, 3, 4])
def test_an_own_label_and_one_number_that_is_no_sum_is_a_row(write: Write, off: int) -> None:
    rows = rows_of(random.Random(off))
    total = with_sums(rows, "All")
    total[off] = str(float(total[off]) * 1.1 + 1.0)
    assert read_table(write(text_of([NAMES, *rows, total]))).rows == 41


@pytest.mark.parametrize(("label", "kept"), [("All", True), ("England", True), ("Total", False), ("", False)])
def test_a_row_to_predict_is_lost_only_if_it_is_called_a_total(write: Write, label: str, kept: bool) -> None:
    """A file to predict lacks the target, which may be the number of that row that is no sum."""
    rows = rows_of(random.Random(label))
    total = with_sums(rows, label)
    path = write(text_of([NAMES, *rows, [*total[:-1], "0.5"]]))
    kinds = {"town": "categorical", "units": "numeric", "price": "numeric"}
    table = read_table(path, kinds=kinds, keep_rows=True)
    assert table.rows == 40 + kept
    assert said(table, "row 41: sums of other rows")
    assert said(table, "row 41: kept in place") == kept
    tables = [*windows_of(path, rows=10, whole=0, kinds=kinds, keep_rows=True)]
    assert sum(each.rows for each in tables) == table.rows
    assert any("row 41: kept in place" in note for each in tables for note in each.notes) == kept


def test_the_only_ones_of_sparse_columns_are_no_sums(write: Write) -> None:
    rows = [[f"p{i}", str(int(i in (4, 19))), str(int(i in (4, 19)))] for i in range(20)]
    assert read_table(write(text_of([["name", "a", "b"], *rows]))).rows == 20


PRINTED = {
    "psql": (" {} | {} | {} \n", "---+---+---\n", "(30 rows)\n"),
    "markdown": ("| {} | {} | {} |\n", "|---|---|---|\n", ""),
    "blanks": ("{}  {}   {}\n", "--- --- ---\n", ""),
    "report": ("{}  {}   {}\n", "", "\nPage 1 of 1\n"),
}


@pytest.mark.parametrize("form", PRINTED)
@pytest.mark.parametrize("title", ["", "Report of the station\n\n"])
def test_printed_tables(write: Write, form: str, title: str) -> None:
    rows = [[str(i), str(i * 3 % 7), f"{i / 8}"] for i in range(30)]
    line, ruler, end = PRINTED[form]
    text = title + line.format("a", "b", "c") + ruler + "".join(line.format(*row) for row in rows) + end
    assert read_table(write(text)) == plain(write, rows, ["a", "b", "c"])


def test_means_below_the_rows(write: Write) -> None:
    rows = rows_of(random.Random(6))
    means = [f"{sum(float(row[j]) for row in rows) / len(rows):.6f}" for j in (2, 3, 4)]
    assert read_table(write(text_of([NAMES, *rows, ["Mean", "", *means]]))) == plain(write, rows)


SUMMARIES = [
    {"Minimum": min, "Maximum": max, "Median": statistics.median, "Std": statistics.stdev},
    {"count": len, "mean": statistics.mean, "std": statistics.stdev, "min": min, "50%": statistics.median, "max": max},
    {"Mittelwert": statistics.mean, "Standardabweichung": statistics.pstdev},
    {"Total": sum, "Moyenne": statistics.mean, "Médiane": statistics.median, "Écart-type": statistics.stdev},
    {"最大值": max, "最小值": min},
    {"Max.": max},
]


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("summary", SUMMARIES, ids=" ".join)
def test_summaries_at_either_end(write: Write, summary: dict[str, Callable[[list[float]], float]], place: str) -> None:
    rows = rows_of(random.Random(" ".join(summary)))
    last = [
        [label, "", *(f"{of([float(row[j]) for row in rows]):.6f}" for j in (2, 3, 4))] for label, of in summary.items()
    ]
    table = read_table(write(text_of([NAMES, *last, *rows] if place == "first" else [NAMES, *rows, *last])))
    assert table == plain(write, rows)
    assert any("summaries of other rows, left out" in note for note in table.notes)


def test_a_person_called_max_is_a_row(write: Write) -> None:
    rows = rows_of(random.Random(1))
    rows[0][0], rows[-1][0] = "Min", "Max"
    assert read_table(write(text_of([NAMES, *rows]))).rows == len(rows)


@pytest.mark.parametrize("cells", [["1", "1", "1"], ["5", "5", "5"]])
def test_a_person_called_max_who_is_like_many_is_a_row(write: Write, cells: list[str]) -> None:
    """That somebody has the 1 of 0 and 1, or the best grade, is no evidence of a summary."""
    low = 0 if cells[0] == "1" else 1
    rows = [[f"N{n}", *(str(low + (n * k) % (int(cells[0]) + 1 - low)) for k in (1, 3, 7))] for n in range(40)]
    assert read_table(write(text_of([["name", "a", "b", "c"], *rows, ["Max", *cells]]))).rows == 41


def test_a_mean_among_summaries_is_said_once(write: Write) -> None:
    rows = rows_of(random.Random(1))
    of: dict[str, Callable[[list[float]], float]] = {"Mean": statistics.mean, "Max": max}
    last = [[label, "", *(f"{f([float(row[j]) for row in rows]):.6f}" for j in (2, 3, 4))] for label, f in of.items()]
    assert len([note for note in read_table(write(text_of([NAMES, *rows, *last]))).notes if "left out" in note]) == 1


def test_summaries_among_numbers_or_dates(write: Write) -> None:
    """A label in a column of numbers or dates is enough."""
    rows = [[f"2024-01-{n:02d}", str(n * n % 7)] for n in range(1, 29)]
    table = read_table(write(text_of([["day", "y"], *rows, ["Max", "99"]])))
    assert table.rows == 28
    assert table.column("day").kind == "date"
    assert said(table, "the last line, 'Max, 99': below the table, left out")


@pytest.mark.parametrize("first", ["not measured", "about 30"])
def test_a_last_row_whose_first_number_is_missing_or_vague_is_a_row(write: Write, first: str) -> None:
    rows = "".join(f"{i},town {i % 3},{i / 2},2024-01-{i + 1:02d}\n" for i in range(20))
    table = read_table(write(f"n,town,y,day\n{rows}{first},,,2024-02-01\n"))
    assert table.rows == 21
    assert not said(table, "below the table")


def test_a_row_of_a_code_and_a_gap_above_a_source_is_no_numbered_note(write: Write) -> None:
    rows = "".join(f"{'abc'[i % 3]},{i},{i / 2}\n" for i in range(20))
    for last in ("a,unknown,", "d,missing,"):
        assert read_table(write(f"code,n,y\n{rows}{last}\nSource: office\n")).rows == 21
    assert read_table(write(f"code,n,y\n{rows}1),without schools,\nSource: office\n")).rows == 20


def test_a_row_that_begins_with_a_number_sign_and_quotes_a_delimiter_is_a_row(write: Write) -> None:
    rows = [f"t{i},{i},plain\n" for i in range(30)]
    rows[4] = '#1,4,"a, b"\n'
    assert read_table(write("tag,n,note\n" + "".join(rows))).rows == 30


@pytest.mark.parametrize(
    "cells", [["25%", "50%", "75%"], ["Q1", "Q2", "Q3"], ["2024-Q1", "Q2", "Q1"], ["1", "2", "Max"], ["3", "5", "n"]]
)
def test_values_that_are_also_labels_of_summaries_stay_rows(write: Write, cells: list[str]) -> None:
    lines = [["x", "y"], *([cell, str(n % 3)] for n, cell in enumerate(cells * 8 + cells[:2]))]
    assert read_table(write(text_of(lines))).rows == 26


def test_a_total_in_the_first_row_of_a_long_stream_is_said(write: Write) -> None:
    """A window does not hold the rows that it sums."""
    rows = rows_of(random.Random(1), 1000) * 20
    path = write(text_of([NAMES, with_sums(rows, "Total"), *rows]))
    kinds = {name: required_kind(column) for name, column in read_table(path).columns.items()}
    first, *_ = windows_of(path, rows=500, whole=0, kinds=kinds)
    assert any("row 1 is called a total, but contains no sums: kept as a row" in note for note in first.notes)


@pytest.mark.parametrize("place", ["town", "day"])
def test_subtotals(write: Write, place: str) -> None:
    rng = random.Random(7)
    groups = [rows_of(rng, 10) for _ in range(4)]
    lines = [NAMES]
    for group in groups:
        total = with_sums(group, "Subtotal north")
        lines += [*group, total if place == "town" else ["", "Subtotal", *total[2:]]]
    lines.append(with_sums([row for group in groups for row in group], "Total"))
    table = read_table(write(text_of(lines)))
    assert table == plain(write, [row for group in groups for row in group])
    assert table.row_numbers.tolist()[9:11] == [10, 12]
    assert said(table, "rows 11, 22, 33, 44")


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("above", ["", "A report\n", "# comment, with, many, fields, here, and more\n"])
def test_the_header_again(write: Write, quoted: bool, above: str) -> None:
    rng = random.Random(8)
    parts = [rows_of(rng, 10) for _ in range(3)]
    header = [f'"{name}"' if quoted else name for name in NAMES]
    head = above + text_of([header, UNITS])
    path = write("".join(head + text_of(part) for part in parts))
    rows = [row for part in parts for row in part]
    assert read_table(path) == plain(write, rows)
    kept = read_table(path, keep_rows=True)
    assert kept.rows == 34
    assert kept.column("price").missing.nonzero()[0].tolist() == [10, 11, 22, 23]
    assert said(kept, "kept in place")


def test_empty_rows_keep_their_places_for_predictions(write: Write) -> None:
    rows = rows_of(random.Random(9), 10)
    path = write(text_of([NAMES, *rows[:4], [""] * 5, *rows[4:], with_sums(rows, "Total"), [""] * 5]))
    table, kept = read_table(path), read_table(path, keep_rows=True)
    assert table == plain(write, rows)
    assert table.row_numbers.tolist() == [1, 2, 3, 4, *range(6, 12)]
    assert kept.row_numbers.tolist() == [*range(1, 12)]  # the total is below the last row
    assert kept.column("y").missing.nonzero()[0].tolist() == [4]
    assert said(kept, "row 5: kept in place")


# What must be read whole


def whole(write: Write, rows: list[list[str]], names: list[str], **options: Any) -> Table:
    """Read a table in which nothing may be left out, and say nothing about lines."""
    table = read_table(write(text_of([names, *rows])), **options)
    assert table.rows == len(rows)
    assert set(table.names) <= set(names)
    assert not said(table, "left out; --")
    assert table == read_table(write(text_of([names, *rows])), all_rows=True, header_row=1, comment="none")
    return table


def test_values_that_hold_a_number_sign(write: Write) -> None:
    rows = [[f"#{i}", str(i % 7), "ab"[i % 2]] for i in range(30)]
    whole(write, rows, ["code", "x", "town"])
    whole(write, rows, ["#code", "x", "town"])
    whole(write, [[row[1], row[0], row[2]] for row in rows], ["x", "# code", "town"])


def test_a_category_called_total(write: Write) -> None:
    rng = random.Random(0)
    rows = [[rng.choice(["Total", "Partial"]), str(rng.randrange(100)), f"{rng.random():.3f}"] for _ in range(60)]
    for last in ("Total", "Partial"):
        rows[-1][0] = last
        whole(write, rows, ["loss", "x", "y"])
    once = [["Partial", *row[1:]] for row in rows[:-1]]
    whole(write, [*once[:20], ["Total", "5", "0.5"], *once[20:]], ["loss", "x", "y"])
    table = read_table(write(text_of([["loss", "x", "y"], *once, ["Total", "5", "0.5"]])))
    assert table.rows == 60
    assert said(table, "row 60 is called a total, but contains no sums: kept as a row; --footer 1 leaves it out")


def test_a_first_row_of_texts(write: Write) -> None:
    rows = rows_of(random.Random(1), 30)
    for first in (["north", "pending", "pending", "pending", "pending"], ["north", "n/a", "n/a", "n/a", "n/a"]):
        table = read_table(write(text_of([NAMES, first, *rows])), categorical=NAMES)
        assert table.rows == 31
    flags = [
        ["T", *row[1:]] if i % 9 == 0 else row for i, row in enumerate([f"{i / 8}", "ab"[i % 2]] for i in range(60))
    ]
    assert read_table(write(text_of([["rain", "y"], *flags])), categorical=["rain"]).rows == 60
    once = [["M", "b"], *([f"{i / 8}", "ab"[i % 2]] for i in range(60))]
    assert read_table(write(text_of([["rain", "y"], *once])), categorical=["rain"]).rows == 61
    texts = [[f"{word}{i % 3}" for word in ("p", "q", "r")] for i in range(30)]
    whole(write, texts, ["a", "b", "c"])
    whole(write, [["m", "kg", "s"], *texts], ["a", "b", "c"])


@pytest.mark.parametrize("amount", ["${}", "{}%", "{} kg", "€{}", "{}s"])
@pytest.mark.parametrize("first", ["1", "5"])
def test_a_first_row_of_amounts_is_no_row_of_units(write: Write, amount: str, first: str) -> None:
    """$5 reads as dollars to the fifth, and 1 kg as 1/kg."""
    cells = [amount.format(number) for number in (first, "12", "7.5", "8", "9.25", "30")]
    for rows in ([[cell] for cell in cells], [[name, cell] for name, cell in zip("abcdef", cells, strict=True)]):
        heading = heading_of([["name", "price"][-len(rows[0]) :], *rows])
        assert heading is None or heading.data == 1
        units = heading_of([["name", "price"][-len(rows[0]) :], ["", "1/s"][-len(rows[0]) :], *rows])
        assert units is not None
        assert units.data == 2


@pytest.mark.parametrize("gap", ["[c]", "[x]", "[low]", "[z]", "n/a", ".."])
def test_a_first_row_with_a_sign_for_missing_is_no_row_of_units(write: Write, gap: str) -> None:
    rows = [[f"area {n}", gap if n in (0, 7) else f"{n}.5", f"{n}.25"] for n in range(40)]
    for first in (gap, "[low]"):
        rows[0][1] = first
        table = read_table(write(text_of([["area", "value", "y"], *rows]), "t.csv"))
        assert (table.rows, table.column("value").kind) == (40, "numeric"), table.notes


def test_a_last_row_that_is_merely_large(write: Write) -> None:
    rows = rows_of(random.Random(2), 30)
    whole(write, [*rows, ["west", "2024-01-01", "2500", "1800.5", "31.5"]], NAMES)
    whole(write, [*rows, ["", "", "2500", "1800.5", "31.5"]], NAMES)


def test_last_rows_with_gaps(write: Write) -> None:
    names = [[f"n{i}", f"{i % 7}", "", f"{i / 4}"] for i in range(30)]
    whole(write, [*names, ["n31", "", "", ""]], ["id", "a", "b", "y"])
    whole(write, [*names, ["", "", "", "5"]], ["id", "a", "b", "y"])
    words = [[f"a text of {i % 5} words", str(i % 3)] for i in range(30)]
    whole(write, [*words, ["a text of more", ""]], ["text", "y"])


def test_ticked_boxes_are_no_header(write: Write) -> None:
    rng = random.Random(3)
    rows = [["red" * rng.randrange(2), "blue" * rng.randrange(2), str(rng.randrange(9))] for _ in range(60)]
    whole(write, [*rows, ["red", "blue", "7"]], ["red", "blue", "y"])
    ticked = [[*row[:2], rng.choice(["y", "n"])] for row in rows]
    whole(write, [*ticked, ["red", "blue", "y"]], ["red", "blue", "y"])


def test_plain_headers_stay(write: Write) -> None:
    rng = random.Random(4)
    years = [["a", *(str(rng.randrange(50)) for _ in range(4))] for _ in range(30)]
    whole(write, years, ["country", "2020", "2021", "2022", "2023"])
    whole(write, [[str(i % 5), "", "ab"[i % 2]] for i in range(30)], ["x", "gap", "town"])
    whole(write, [["12 kg", "m/s", str(i)] for i in range(30)], ["weight", "unit", "y"])
    single = read_table(write("a\n" + "b\na\n" * 10))
    assert single.rows == 20


def test_a_title_row_that_may_be_a_header_is_refused(write: Write) -> None:
    rows = [["p", "q", "r"], ["s", "t", "u"]] * 10
    assert "no name at positions 2, 3" in fault(write(text_of([["a", "", ""], *rows])))
    numbers = [[str(i), str(i % 3), "x", "y"] for i in range(10)]
    assert "10 lines do not have the 2 fields of the header" in fault(write(text_of([["a", "b"], *numbers])))


# Lists of cells, as a sheet gives them


def test_the_heading_of_a_sheet() -> None:
    rows = [["Report", "", ""], ["", "", ""], ["town", "units", ""], ["", "kg", ""], *[["a", "1.5", ""]] * 6]
    heading = heading_of(rows)
    assert heading is not None
    assert heading.names == ("town", "units", "")
    assert (list(heading.above), list(heading.beneath), heading.data, heading.empty) == ([0, 1], [3], 4, (2,))
    assert heading_of(rows[2:], all_rows=True).data == 1  # type: ignore[union-attr]
    assert footer_rows([["b", "2", ""], ["Total", "", ""], ["", "", ""]], Columns.of(rows, 3)) == 2


# The scanners


LINES = ["a,b", "#x", "#x,1", "1,2", ",", "", ",,", '"a",b', "title", '"p\nq",2', "#", "1", '# "open']


@settings(deadline=None, max_examples=300)
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=12),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    headers=st.integers(0, 2),
    all_comments=st.booleans(),
    skips_empty=st.booleans(),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    closed=st.booleans(),
)
def test_scanners_agree_on_lines_that_are_no_rows(
    lines: list[str], end: str, headers: int, all_comments: bool, skips_empty: bool, cuts: list[int], closed: bool
) -> None:
    text = (end.join(lines) + end * closed).encode()
    ends = [*sorted(cuts), len(text)]
    found = []
    for make in (scanner_for(","), PlainScanner):
        scanner = make("tn", [b""], with_points=True, rows_about=0)
        scanner.begin(
            ",", [0, 1], line=3, headers=headers, comment=b"#", all_comments=all_comments,
            header_lines=[b"a,b"], preamble=[b"title"], skips_empty=skips_empty,
        )  # fmt: skip
        for start, stop in zip([0, *ends], ends, strict=False):
            scanner.feed(text[start:stop])
        scanner.end()
        rows = (scanner.rows, scanner.empty_rows, scanner.header_rows, scanner.aside, scanner.aside_count)
        unfit = scanner.is_unfit(1)
        numbers = "" if unfit else str(scanner.numbers(1).tolist())
        levels, codes = scanner.texts(0)
        broken = (scanner.uneven, scanner.uneven_count, scanner.broken, scanner.broken_line)
        found.append((rows, broken, unfit, numbers, levels, codes.tolist()))
    assert found[0] == found[1]


# The declaration


def notes_of_everything(write: Write) -> Iterator[str]:
    rows = rows_of(random.Random(10))
    texts = [
        "sep=;\n# a comment\n" + text_of([NAMES, *rows], ";"),
        "# town,day,units,price,y\n# x\n# town,day,units,price,y\n" + text_of(rows),
        "title\n" + text_of([[*NAMES, ""], *([*row, ""] for row in rows)]) + "title\n",
        text_of([*HEADERS["groups complete names"][0], UNITS, *rows, [""] * 5, *rows]) + "Source: office\n",
        text_of([NAMES, *rows, NAMES, *rows, with_sums(rows * 2, "Total")]),
        text_of([NAMES, *rows, ["Max", "", *(str(max(float(row[j]) for row in rows)) for j in (2, 3, 4))]]),
        text_of([NAMES, *rows, ["", "Total", "1", "2", "3"], *rows]),
    ]
    for text in texts:
        yield from read_table(write(text)).notes


def test_every_finding_is_found_and_declared(write: Write) -> None:
    notes = list(notes_of_everything(write))
    for finding in LAYOUT_FINDINGS:
        ending = f": {finding.text}{f'; {finding.otherwise}' if finding.otherwise else ''}"
        assert any(note.endswith(ending) for note in notes), finding.code
    assert len({finding.code for finding in LAYOUT_FINDINGS}) == len(LAYOUT_FINDINGS)


def test_the_guide_lists_every_finding() -> None:
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "messy-files.md"
    text = guide.read_text(encoding="utf-8")
    for finding in LAYOUT_FINDINGS:
        row = next((line for line in text.splitlines() if f"| {finding.recognized} |" in line), "")
        assert finding.otherwise in row.replace("`", ""), finding.code
        assert row, finding.code
