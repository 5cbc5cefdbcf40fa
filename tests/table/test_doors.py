"""The same data through every door gives the same table; the fast way gives what the plain way gives."""

import csv
import datetime
import io
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backpass.errors import DataError
from backpass.table import CategoricalColumn, DatetimeColumn, NumericColumn, Table, read_table, table_from
from backpass.table.columns import kinds
from backpass.table.columns.raw import coded
from backpass.table.datetimes.timestamp import DAY, NAT
from backpass.table.messages import ErrorList
from backpass.table.notation.missing import DEFAULT_MISSING, Missing
from backpass.table.notation.number import number_in, text_of

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
ALPHABET = st.characters(codec="utf-8", exclude_characters="\0")
WORDS = st.text(ALPHABET, min_size=1, max_size=8).map(lambda text: "w" + text.strip(" \t"))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.lists(WORDS, min_size=2, max_size=4, unique=True)


@st.composite
def frames(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Columns of numbers, and of words that are no numbers, with gaps."""
    rows = draw(st.integers(1, 8))
    columns = {}
    for name in draw(NAMES):
        values = draw(st.sampled_from([NUMBERS, WORDS]))
        columns[name] = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
    return columns


def as_text(data: dict[str, list[Any]], delimiter: str, quoting: int, line_end: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=line_end)  # type: ignore[arg-type]
    writer.writerow(data)
    for row in zip(*data.values(), strict=True):
        writer.writerow("" if value is None else repr(value) if isinstance(value, float) else value for value in row)
    return out.getvalue().encode()


@settings(deadline=None, max_examples=40)
@given(
    data=frames(),
    delimiter=st.sampled_from(sorted(DELIMITERS.values())),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_files_parquet_and_frames_agree(
    data: dict[str, list[Any]], delimiter: str, quoting: int, line_end: str
) -> None:
    words = [*data, *(value for values in data.values() for value in values if isinstance(value, str))]
    assume(all(any(value is not None for value in row) for row in zip(*data.values(), strict=True)))  # else left out
    assume(quoting == csv.QUOTE_ALL or not any("\r" in word for word in words))  # csv before 3.13 does not quote it
    expected = table_from(data)
    typed = pa.table({name: pa.array(values) for name, values in data.items()})
    with TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(as_text(data, delimiter, quoting, line_end))
        assert read_table(path, delimiter=delimiter, decimal=".") == expected
        pq.write_table(typed, path)
        assert read_table(path) == expected
    assert table_from(typed) == expected
    assert table_from(pl.from_arrow(typed)) == expected
    assert table_from(pd.DataFrame(data)) == expected


@settings(deadline=None, max_examples=20)
@given(values=st.lists(NUMBERS | st.sampled_from([5e-324, 2.225073858507201e-308, 1.7976931348623157e308]), min_size=1))
def test_numbers_are_rounded_correctly_in_the_fast_way(values: list[float]) -> None:
    spellings = [text for value in values for text in (repr(value), f"{value:.17e}", f"{value:.25g}")]
    with TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_text("x,y\n" + "".join(f"{text},1\n" for text in spellings))
        column = read_table(path).column("x")
    assert isinstance(column, NumericColumn)
    assert column.values.tolist() == [float(text) for text in spellings]


FIELDS = ["1", "-2.5", "+3", "1e3", " 4", "5 ", "", "NA", "?", "nan", "NaN", "-0", "0.5", "1.", ".5", "null", "None"]
FIELDS += ["00123", "-01", "+07", "1_0", "inf", "1e999", "x", "True", "-999", "1,5", "0x1"]


@settings(deadline=None, max_examples=80)
@given(
    fields=st.lists(st.sampled_from(FIELDS), min_size=1, max_size=6),
    tokens=st.sampled_from([(), ("-999",), ("inf",)]),
)
def test_the_fast_way_and_the_plain_way_agree(fields: list[str], tokens: tuple[str, ...]) -> None:
    missing = (*DEFAULT_MISSING, *tokens)
    faults = ErrorList("t")
    plain = kinds.infer_column(coded("x", fields, typed=False), kinds.Rules(missing=Missing.of(missing)), faults, [])
    with TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_text("x,y\n" + "".join(f'"{field}",1\n' for field in fields))
        if faults.texts:
            with pytest.raises(Exception, match="column 'x'"):
                read_table(path, missing=missing)
        else:
            assert read_table(path, missing=missing).column("x") == plain


@given(NUMBERS)
def test_the_text_of_a_number_reads_back(number: float) -> None:
    assert number_in(text_of(number)) == number


def test_a_number_beyond_float64_keeps_its_sign() -> None:
    assert [number_in(text) for text in ("1e999", "-1e999", "inf", "-Infinity")] == [math.inf, -math.inf] * 2


def test_order_of_levels_is_by_code_point(tmp_path: Path) -> None:
    words = ["b", "a", "Z", "é", "\U0001f600", "\ufb01", "aa"]
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{word},1\n" for word in words), encoding="utf-8")
    column = read_table(path).column("x")
    assert isinstance(column, CategoricalColumn)
    assert column.levels == tuple(sorted(words))
    assert [column.levels[code - 1] for code in column.codes] == words


def everything() -> dict[str, list[Any]]:
    return {
        "whole": [1, 2, 3],
        "gaps": [1.5, None, 2.5],
        "flag": [True, False, None],
        "categorical": ["b", None, "a"],
        "day": [datetime.date(1970, 1, 2), None, datetime.date(2024, 2, 29)],
    }


def stamped() -> list[datetime.datetime | None]:
    return [datetime.datetime(2024, 2, 29, 12), None, datetime.datetime(1969, 12, 31)]


MAKERS = {"dict": dict, "pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_every_frame(make: Any, tmp_path: Path) -> None:
    table = table_from(make(everything()))
    pq.write_table(pa.table(everything()), tmp_path / "t.parquet")
    assert table == read_table(tmp_path / "t.parquet")
    assert [column.kind for column in table.columns.values()] == [
        "numeric",
        "numeric",
        "categorical",
        "categorical",
        "date",
    ]
    assert table.notes == ()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps(unit: str, tmp_path: Path) -> None:
    pandas = pd.DataFrame({"t": pd.Series(stamped(), dtype=f"datetime64[{unit}]")})
    pandas.to_parquet(tmp_path / "t.parquet")
    expected = [19782 * DAY + DAY // 2, NAT, -DAY]
    for table in (table_from(pandas), read_table(tmp_path / "t.parquet"), table_from({"t": pandas["t"].to_numpy()})):
        column = table.column("t")
        assert isinstance(column, DatetimeColumn)
        assert column.microseconds.tolist() == expected


def test_frame_columns_of_many_types() -> None:
    pandas = pd.DataFrame(
        {
            "category": pd.Categorical(["u", None, "v"]),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "nullable_flag": pd.array([True, None, False], dtype="boolean"),
            "objects": pd.Series(["x", None, math.nan], dtype=object),
            "number_objects": pd.Series([1, None, 2.5], dtype=object),
            "single": np.array([0.5, np.nan, 1], dtype=np.float32),
        }
    )
    expected = table_from(
        {
            "category": ["u", None, "v"],
            "nullable": [1, None, 3],
            "nullable_flag": [True, None, False],
            "objects": ["x", None, None],
            "number_objects": [1, None, 2.5],
            "single": np.array([0.5, np.nan, 1]),
        }
    )
    assert table_from(pandas) == expected


def message(data: Any, **options: Any) -> str:
    with pytest.raises(Exception, match=r".") as caught:
        table_from(data, **options)
    return str(caught.value)


def test_frame_faults() -> None:
    nested = message(pl.DataFrame({"a": [[1]], "b": [b"\xff"]}))
    assert nested.startswith("data frame: 2 errors\n  - column 'a' is of type")
    mixed = {"a": [1, datetime.date(2024, 1, 2)]}
    assert "column 'a' holds values of type date (row 2) and values of type number (row 1)" in message(mixed)
    assert "column 'a' holds values of type list" in message({"a": [[1], [2]]})
    assert message({"a": [1, 2], "b": [1]}).startswith("data frame: column 'b' has 1 row, the first has 2")
    assert "inf, or a number too large for float64, in column 'a' row 2" in message({"a": [1.0, math.inf]})
    assert message({"a": []}) == "data frame: has columns but no rows"
    assert message({}) == "data frame: has no columns"
    assert "the header has the name 'a' at positions 1, 2" in message({"a": [1], " a": [2]})
    known = "a table is a path, a data frame, a dict of columns, a list of dicts or a structured array"
    assert message(3) == f"{known}; got int"
    array = "hint: an array has no column names: pass a dict of columns"
    assert message(np.zeros((2, 2))) == f"{known}; got ndarray\n\n{array}"
    assert message([{"a": 1}, 2]) == f"{known}; got list"
    assert message([]) == f"{known}; got an empty list"
    assert message("t.csv") == "data frame: expected data in memory; got a path\n\nhint: read_table reads a file"
    assert "column 'x' not found" in message({"a": [1]}, categorical=["x"])


def test_a_single_row_is_no_dict_of_values() -> None:
    for data in ({"a": "north", "b": [1]}, {"a": 3.0, "b": [1]}, {"a": None, "b": [1]}):
        with pytest.raises(DataError) as caught:
            table_from(data)
        assert caught.value.message == "data frame: column 'a': expected a sequence of values"
        assert caught.value.hint == "a single row is a list of one dict: [{...}]"


def test_a_name_twice_in_a_frame_is_a_fault_of_the_data() -> None:
    for frame in (pd.DataFrame([[1, 2]], columns=["a", "a"]), pa.table([[1], [2]], names=["a", "a"])):
        with pytest.raises(DataError, match=r"data frame: .*unique.*'a' 2 times") as caught:
            table_from(frame)
        assert caught.value.hint == "column names must be unique: rename one of them"


def test_rows_and_structured_arrays() -> None:
    expected = table_from(
        {"n": [1.5, 2.0], "t": ["b", "a"], "f": [True, False], "d": [None, datetime.date(2024, 1, 1)]}
    )
    day = datetime.date(2024, 1, 1)
    rows = [{"n": 1.5, "t": "b", "f": True, "d": None}, {"n": 2, "t": "a", "f": False, "d": day}]
    assert table_from(rows) == table_from([rows[0], dict(reversed(rows[1].items()))]) == expected
    fields = [("n", "f4"), ("t", "U3"), ("f", "?"), ("d", "M8[D]")]
    assert table_from(np.array([(1.5, "b", True, "NaT"), (2, "a", False, day)], dtype=fields)) == expected
    assert table_from(np.array([(1.5, "b"), (2, "a")], dtype=[("n", object), ("t", "S3")]), drop=["t"]).names == ("n",)
    objects = np.array([("2024-01-01", None), (None, 3)], dtype=[("d", object), ("n", object)])
    assert [column.kind for column in table_from(objects).columns.values()] == ["date", "numeric"]


def test_demanded_kinds_of_a_frame() -> None:
    table = table_from({"a": [1.0, 2.5], "b": ["3", "NA"], "c": [1, 2]}, kinds={"a": "categorical", "b": "numeric"})
    assert table == Table(
        "", {**table_from({"a": ["1", "2.5"], "b": [3, None]}, categorical=["a"]).columns}, np.arange(2)
    )
    assert "1 other value ('x' row 1)" in message({"a": ["x"]}, kinds={"a": "numeric"})
