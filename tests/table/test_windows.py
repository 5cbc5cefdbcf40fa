"""A table that is read in windows is the table that is read whole, for every format and what makes files messy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.errors import DataError
from backpass.table import CategoricalColumn, NumericColumn, Table, read_table
from backpass.table.windows.frames import frame_windows
from backpass.table.windows.windows import windows_of

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

ROWS = 12_000
KINDS = {"x": "numeric", "town": "categorical", "when": "date"}


def rows_of(count: int = ROWS) -> list[list[str]]:
    draw = random.Random(7)
    towns = ["north", 'the "old" town', "a, b", "line\nbreak", ""]
    return [
        [f"{draw.uniform(-9, 9):.3f}" if draw.random() > 0.1 else "", draw.choice(towns), f"2024-{k % 12 + 1:02d}-05"]
        for k in range(count)
    ]


def written(rows: Sequence[Sequence[str]], delimiter: str = ",", header: str = "x,town,when") -> str:
    quoted = (
        delimiter.join(f'"{c.replace(chr(34), 2 * chr(34))}"' if set(c) & set(',;"\n') else c for c in row)
        for row in rows
    )
    return "\n".join([header.replace(",", delimiter), *quoted, ""])


def cells(table: Table) -> dict[str, list[Any]]:
    found = {}
    for name, column in table.columns.items():
        if isinstance(column, CategoricalColumn):
            found[name] = [(None, *column.levels)[code] for code in column.codes.tolist()]
        else:
            values = column.values if isinstance(column, NumericColumn) else column.microseconds
            found[name] = np.where(column.missing, None, values.astype(object)).tolist()
    return found


def compare(path: Path, *, least: int = 2, **options: Any) -> list[Table]:
    """Check that the windows hold the rows of the whole table, and return them."""
    options = {"kinds": KINDS, "keep_rows": True, **options}
    whole = read_table(path, **options)
    found = [each for each in windows_of(path, rows=1000, whole=0, **options) if each.rows]
    assert len(found) >= least
    joined = {name: [value for each in found for value in cells(each)[name]] for name in whole.columns}
    for name, values in cells(whole).items():
        assert joined[name] == values, name
    assert np.concatenate([each.row_numbers for each in found]).tolist() == whole.row_numbers.tolist()
    assert all(each.source == whole.source and each.left_out == whole.left_out for each in found)
    return found


def test_rows_with_quotes_and_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(written(rows_of()))
    assert not [note for each in compare(path) for note in each.notes]


@pytest.mark.parametrize("options", [{}, {"keep_rows": False}])
@pytest.mark.parametrize(
    "tail",
    [
        "\n\n,,\n,,\n",
        "x,town,when\n,,\n",
        "Source: survey of 2024\n(12000 rows)\n",
        "# remark\n",
    ],
    ids=["empty", "header", "footer", "comment"],
)
def test_lines_that_are_no_rows(tmp_path: Path, tail: str, options: dict[str, Any]) -> None:
    path = tmp_path / "t.csv"
    rows = rows_of()
    middle = ",,\n" * 3 + "x,town,when\n"
    first, second = written(rows[:6000]), written(rows[6000:]).partition("\n")[2]
    path.write_text(first + middle + second + tail)
    compare(path, **options)


@pytest.mark.parametrize("keep", [True, False])
def test_a_total_of_all_windows_ends_the_table(tmp_path: Path, keep: bool) -> None:
    path = tmp_path / "t.csv"
    total = sum(float(row[0]) for row in rows_of() if row[0])
    path.write_text(written(rows_of()) + f"{total:.3f},Total,2024-12-31\n")
    found = compare(path, keep_rows=keep)
    assert sum(each.rows for each in found) == ROWS
    path.write_text(written(rows_of()) + f"{2 * total + 9:.3f},Total,2024-12-31\n")
    assert sum(each.rows for each in compare(path, keep_rows=keep)) == ROWS + 1


def test_a_total_between_rows_keeps_its_place(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = rows_of()
    rows[5000][:2] = [f"{sum(float(row[0]) for row in rows[:5000] if row[0]):.3f}", "Total"]
    path.write_text(written(rows))
    compare(path)
    assert sum(each.rows for each in compare(path, keep_rows=False)) == ROWS - 1


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_decimal_commas(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    rows = [[x.replace(".", ","), town.replace("|", "-"), when] for x, town, when in rows_of()]
    path.write_text(written(rows, delimiter))
    found = compare(path)
    assert any("decimal ','" in note for note in found[0].notes)


def test_commas_that_come_late(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    whole_numbers = [[str(k), "n", when] for k, (_, _, when) in enumerate(rows_of())]
    late = [[f"{k},5", "n", "2024-01-01"] for k in range(3000)]
    path.write_text(written([*whole_numbers, *late], ";"))
    compare(path)
    points = [[f"{k}.125", "n", "2024-01-01"] for k in range(ROWS)]
    path.write_text(written([*points, *late], ";"))
    with pytest.raises(DataError, match="'0,5'"):
        list(windows_of(path, rows=1000, whole=0, kinds=KINDS))


@pytest.mark.parametrize(
    ("late", "is_error"), [("1,234", False), ("$5", False), ("5%", True), ("-", False), ("n/a", False)]
)
def test_numbers_written_otherwise_in_a_late_row(tmp_path: Path, late: str, is_error: bool) -> None:
    """The column is scanned again as strings; the windows above have been given out already."""
    path = tmp_path / "t.csv"
    rows = rows_of()
    rows[-7][0] = late
    path.write_text(written(rows))
    if not is_error:
        compare(path)
        return
    with pytest.raises(DataError, match=f"row {ROWS - 6}"):
        read_table(path, kinds=KINDS)
    with pytest.raises(DataError, match=f"row {ROWS - 6}"):
        list(windows_of(path, rows=1000, whole=0, kinds=KINDS))


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [(0, "inf", "inf"), (0, "abc", "abc"), (2, "2024-13-01", "2024-13-01"), (2, "99", "99")],
)
def test_errors_name_rows_of_the_file(tmp_path: Path, column: int, cell: str, message: str) -> None:
    path = tmp_path / "t.csv"
    rows = rows_of()
    rows[ROWS - 1000][column] = cell
    path.write_text(written(rows))
    with pytest.raises(DataError) as whole:
        read_table(path, kinds=KINDS)
    with pytest.raises(DataError) as found:
        list(windows_of(path, rows=1000, whole=0, kinds=KINDS))
    assert message in str(found.value)
    for error in (whole, found):
        assert f"{ROWS - 999}" in str(error.value)


def test_an_uneven_record_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [row for row in rows_of() if "\n" not in row[1]]
    path.write_text(written([*rows, ["1", "2"]]))
    with pytest.raises(DataError, match=f"line {len(rows) + 2}"):
        list(windows_of(path, rows=1000, whole=0, kinds=KINDS))


def test_days_and_months_keep_the_order_that_shows_first(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [
        [x, town, f"{13 + k % 12 if k < 50 else k % 12 + 1:02d}/{k % 12 + 1:02d}/2024"]
        for k, (x, town, _) in enumerate(rows_of())
    ]
    path.write_text(written(rows))
    compare(path)


def test_several_files(tmp_path: Path) -> None:
    rows = rows_of()
    (tmp_path / "a.csv").write_text(written(rows[:7000]))
    swapped = [[town, when, x] for x, town, when in rows[7000:]]
    (tmp_path / "b.csv").write_text(written(swapped, header="town,when,x"))
    compare(tmp_path / "*.csv")


@pytest.mark.parametrize("group", [500, 70_000])
def test_parquet(tmp_path: Path, group: int) -> None:
    draw = np.random.default_rng(3)
    table = pyarrow.table(
        {
            "x": pyarrow.array(draw.normal(size=5000).astype(np.float32), mask=draw.random(5000) < 0.1),
            "town": pyarrow.array([None if k % 9 == 0 else f"t{k % 40}" for k in range(5000)]),
            "when": pyarrow.array(draw.integers(0, 20_000, 5000).astype("datetime64[D]")),
            "flag": pyarrow.array(draw.random(5000) < 0.5),
            "count": pyarrow.array(draw.integers(-(2**40), 2**40, 5000)),
            "wait": pyarrow.array(draw.integers(0, 10**6, 5000), pyarrow.duration("ms")),
        }
    )
    kinds = {**KINDS, "flag": "boolean", "count": "numeric", "wait": "numeric"}
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=group)
    compare(tmp_path / "a.parquet", kinds=kinds, least=5)
    parquet.write_table(table.slice(0, 1234), tmp_path / "b.parquet")
    compare(tmp_path / "*.parquet", kinds=kinds, least=7)


def test_parquet_files_of_other_types_are_read_whole(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"x": [1.0, 2.0]}), tmp_path / "a.parquet")
    parquet.write_table(pyarrow.table({"x": ["1", "2"]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"numbers in .* strings in"):
        list(windows_of(tmp_path / "*.parquet", whole=0, kinds={"x": "numeric"}))


def test_a_column_with_the_name_of_row_numbers(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"file_row_number": [5.0, 6.0]}), tmp_path / "a.parquet")
    [found] = windows_of(tmp_path / "a.parquet", rows=1, whole=0, kinds={"file_row_number": "numeric"})
    assert cells(found) == {"file_row_number": [5.0, 6.0]}


def test_files_without_rows_and_without_the_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,town,when\n,,\n,,\n")
    with pytest.raises(DataError, match="no data rows"):
        list(windows_of(tmp_path / "t.csv", whole=0, kinds=KINDS))
    parquet.write_table(pyarrow.table({"x": pyarrow.array([], pyarrow.float64())}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="no rows"):
        list(windows_of(tmp_path / "a.parquet", whole=0, kinds={"x": "numeric"}))
    (tmp_path / "t.csv").write_text(written(rows_of(50)))
    with pytest.raises(DataError, match="'street' not found"):
        list(windows_of(tmp_path / "t.csv", whole=0, kinds=KINDS, need=["street"]))


def test_batches_are_joined_and_cut() -> None:
    table = pyarrow.table({"x": np.arange(10.0), "town": list("abcdefghij")})
    kinds = {"x": "numeric", "town": "categorical"}
    sources = [
        table.to_reader(3),
        iter(table.to_batches(3)),
        table.to_batches(1),
        table,
        [table.slice(0, 4), table.slice(4)],
    ]
    for source in sources:
        found = list(frame_windows(source, rows=4, kinds=kinds))
        assert [value for each in found for value in cells(each)["x"]] == list(range(10))
        assert [number for each in found for number in each.row_numbers.tolist()] == list(range(1, 11))
        assert max(each.rows for each in found) <= 6
    assert not list(frame_windows(iter([table.slice(0, 0)]), rows=4, kinds=kinds))
    later = iter([{"x": ["1", "2"], "town": ["a", "b"]}, {"x": ["1", "z"], "town": ["a", "b"]}])
    with pytest.raises(DataError, match="row 4"):
        list(frame_windows(later, rows=2, kinds={"x": "numeric"}))
