"""Several files as one table: patterns, columns matched by name, and what does not agree."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backpass.errors import DataError
from backpass.table import NumericColumn, read_table
from backpass.table.files.pattern import files_of

Write = Callable[..., Path]

PARTS = {  # the second file has its columns in another order, and a level, a gap and a leading zero of its own
    "a.csv": "size,town,zip,sold\n1.50,b,1,2024-01-01\n,c,2,2024-01-02\n",
    "b.csv": "town,size,sold,zip\na,2,,003\n",
    "c.csv": "size;town;zip;sold\r\n3;b;4;2024-01-03\r\n",
}
WHOLE = "size,town,zip,sold\n1.50,b,1,2024-01-01\n,c,2,2024-01-02\n2,a,003,\n3,b,4,2024-01-03\n"


def message(path: Any, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path, **options)
    return str(caught.value)


def test_files_of_a_pattern_are_one_table(write: Write, tmp_path: Path) -> None:
    for name, content in PARTS.items():
        write(content, name)
    table, whole = read_table(tmp_path / "?.csv"), read_table(write(WHOLE, "whole.txt"))
    assert table == whole
    assert table.source == f"{tmp_path / '?.csv'} (3 files)"
    assert "column 'zip' has leading zeros ('003'): kept as categories" in table.notes
    assert table.row_numbers.tolist() == [1, 2, 3, 4]


def test_kinds_are_decided_over_all_files(write: Write, tmp_path: Path) -> None:
    write("x\n" + "1\n" * 30, "a.csv")
    write("x\nsoon\n", "b.csv")
    assert "(2 files): column 'x': 30 numbers, 1 other value ('soon' row 31)" in message(tmp_path / "*.csv")
    assert read_table(tmp_path / "*.csv", categorical=["x"]).column("x").kind == "categorical"


def test_parquet_and_json(write: Write, tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1, None], "t": ["b", "a"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"t": ["c", "b"], "x": [0.5, 2]}), tmp_path / "b.parquet")
    write('{"x": 1, "t": "b"}\n{"x": null, "t": "a"}\n', "a.jsonl")
    write('[{"t": "c", "x": 0.5}, {"t": "b", "x": 2}]', "b.jsonl")
    write("x,t\n1,b\n,a\n0.5,c\n2,b\n", "whole.csv")
    whole = read_table(tmp_path / "whole.csv")
    assert read_table(tmp_path / "*.parquet") == read_table(tmp_path / "*.jsonl") == whole


def test_a_column_of_nothing_may_be_of_any_kind(tmp_path: Path) -> None:
    nothing = {"x": pa.nulls(1), "t": pa.nulls(1), "d": pa.nulls(1)}
    pq.write_table(pa.table(nothing), tmp_path / "a.parquet")
    some = {"x": [1.0], "t": ["b"], "d": pa.array([0], pa.date32())}
    pq.write_table(pa.table(some), tmp_path / "b.parquet")
    table = read_table(tmp_path / "*.parquet")
    assert [column.kind for column in table.columns.values()] == ["numeric", "categorical", "date"]
    assert [column.missing.tolist() for column in table.columns.values()] == [[True, False]] * 3


def test_columns_that_do_not_agree_are_all_named(write: Write, tmp_path: Path) -> None:
    write("a,b,c\n1,2,3\n", "1.csv")
    write("a,b,d\n1,2,3\n", "2.csv")
    write("a,b\n1,2\n", "3.csv")
    text = message(tmp_path / "*.csv")
    one, two, three = (tmp_path / f"{i}.csv" for i in (1, 2, 3))
    assert f"  - {two} lacks 'c', which {one} has" in text
    assert f"  - {two} has 'd', which {one} does not have" in text
    assert f"  - {three} lacks 'c', which {one} has" in text


def test_types_and_forms_that_do_not_agree(write: Write, tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1], "y": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": ["1"], "y": [1]}), tmp_path / "b.parquet")
    held = f"column 'x' holds numbers in {tmp_path / 'a.parquet'}, strings in {tmp_path / 'b.parquet'}"
    assert held in message(tmp_path / "*.parquet")
    write("x,y\n1,1\n", "c.csv")
    found = f"the files have different formats: {tmp_path / 'a.parquet'} is a Parquet file"
    assert found in message(tmp_path / "[ac].*")


def test_a_fault_names_its_file(write: Write, tmp_path: Path) -> None:
    write("a,b\n1,2\n", "1.csv")
    write("a,b\n1,2\n1\n", "2.csv")
    fault, _, hint = message(tmp_path / "*.csv").partition("\n\n")
    assert fault == f"{tmp_path / '2.csv'}: line 3 has 1 field, the header has 2 fields"
    assert hint.startswith("hint: quote fields that contain ',', or set another delimiter")


def test_names_with_signs_of_patterns(write: Write, tmp_path: Path) -> None:
    path = write("a,b\n1,2\n", "data[1]*.csv")
    assert files_of(path) == [str(path)]
    column = read_table(path).column("a")
    assert isinstance(column, NumericColumn)
    assert np.array_equal(column.values, [1.0])
    assert message(tmp_path / "none*.csv") == f"{tmp_path / 'none*.csv'}: no file matches this pattern"


def test_folders_do_not_match(write: Write, tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    path = write("a\n1\n", "y.csv")
    assert files_of(tmp_path / "*.csv") == [str(path)]
