"""Masks, durations, far dates, bytes, Arrow data, an index of pandas: the same table and model through every door."""

import datetime
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import backpass
from backpass.errors import DataError, UsageError
from backpass.table import CategoricalColumn, NumericColumn, Table, read_table, table_from
from backpass.table.columns.row_names import PandasNotes
from backpass.table.formats.arrow_schema import duration_units

ROWS = 40
SETTINGS: dict[str, Any] = {"hidden": (3,), "epochs": 1}
UNITS = ("s", "ms", "us", "ns")


def model_bytes(data: Any, target: str = "y") -> bytes:
    return backpass.fit(data, target, **SETTINGS).to_bytes()


def fault(data: Any, **options: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        read_table(data, **options) if isinstance(data, Path) else table_from(data, **options)
    return caught.value


# Strings --------------------------------------------------------------------------------------------------------------

WORDS = [None, "b", "a", "b", None, "", " a", "a"]
STRINGS: dict[str, Callable[[], Any]] = {
    "a list": lambda: {"x": WORDS},
    "pandas": lambda: pd.DataFrame({"x": pd.Series(WORDS, index=[3] * 8)}),
    "objects of pandas": lambda: pd.DataFrame({"x": pd.Series([*WORDS[:4], np.nan, *WORDS[5:]], dtype=object)}),
    "categories of pandas": lambda: pd.DataFrame({"x": pd.Series(WORDS, dtype="category")}),
    "Arrow in pandas": lambda: pd.DataFrame({"x": pd.Series(WORDS, dtype=pd.ArrowDtype(pa.string()))}),
    "polars": lambda: pl.DataFrame({"x": WORDS}),
    "categories of polars": lambda: pl.DataFrame({"x": pl.Series(WORDS, dtype=pl.Categorical)}),
    "pieces of Arrow": lambda: pa.table({"x": pa.chunked_array([WORDS[:3], WORDS[3:]])}),
    "long strings of Arrow": lambda: pa.table({"x": pa.array(WORDS, pa.large_string())}),
    "views of Arrow": lambda: pa.table({"x": pa.array(WORDS, pa.string_view())}),
    "a dictionary of Arrow": lambda: pa.table({"x": pa.array(WORDS).dictionary_encode()}),
}


@pytest.mark.parametrize("name", STRINGS)
def test_strings_have_the_same_codes_through_every_door(name: str) -> None:
    column = table_from(STRINGS[name](), kinds={"x": "categorical"}).column("x")
    assert isinstance(column, CategoricalColumn)
    assert column.levels == ("a", "b")
    assert column.codes.tolist() == [0, 2, 1, 2, 0, 0, 1, 1]
    assert column.codes.dtype == np.int32


LARGE = [2**53 + 3, -(2**62) - 1, 5, None]
INTEGERS: dict[str, Callable[[], Any]] = {
    "a list": lambda: {"x": LARGE},
    "pandas": lambda: pd.DataFrame({"x": pd.array(LARGE, dtype="Int64")}),
    "Arrow in pandas": lambda: pd.DataFrame({"x": pd.array(LARGE, dtype=pd.ArrowDtype(pa.int64()))}),
    "polars": lambda: pl.DataFrame({"x": LARGE}),
    "Arrow": lambda: pa.table({"x": pa.array(LARGE)}),
    "pieces of Arrow": lambda: pa.table({"x": pa.chunked_array([LARGE[:2], LARGE[2:]])}),
}


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_beyond_float64_are_rounded_and_said(name: str) -> None:
    """Arrow's conversion to float64 refuses them."""
    table = table_from(INTEGERS[name]())
    column = table.column("x")
    assert isinstance(column, NumericColumn)
    np.testing.assert_array_equal(column.values, [float(2**53 + 3), -(2.0**62), 5, np.nan])
    assert any("whole numbers beyond 2^53, their last digits are lost" in note for note in table.notes)
    exact = table_from(INTEGERS[name](), categorical=["x"]).column("x")
    assert isinstance(exact, CategoricalColumn)
    assert set(exact.levels) == {str(number) for number in LARGE if number is not None}
    unsigned = table_from(pa.table({"x": pa.array([2**64 - 1, 0], pa.uint64())})).column("x")
    assert isinstance(unsigned, NumericColumn)
    assert unsigned.values.tolist() == [2.0**64, 0.0]


def test_identifiers_of_the_type_of_python_are_strings() -> None:
    found = table_from({"x": [uuid.UUID(int=1), None, uuid.UUID(int=2)]}).column("x")
    assert isinstance(found, CategoricalColumn)
    assert found.levels == ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002")


def test_numbers_are_a_copy() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "k": [2**53 + 1, 3]})
    table = table_from(frame)
    frame.loc[0, "x"] = 7.0
    assert [table.column(name).values.tolist() for name in ("x", "k")] == [[1.0, 2.0], [2.0**53, 3.0]]  # type: ignore[union-attr]


# Masks ----------------------------------------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "float": np.arange(ROWS) * 0.5,
    "int": np.arange(ROWS),
    "bool": np.arange(ROWS) % 2 == 0,
    "categorical": np.array(["a", "b"] * (ROWS // 2)),
    "bytes": np.array([b"a", b"b"] * (ROWS // 2)),
    "object": np.array(["a", "b"] * (ROWS // 2), dtype=object),
    "date": np.arange(ROWS).astype("M8[D]"),
    "span": np.arange(ROWS).astype("m8[h]"),
}
MASK = np.arange(ROWS) % 5 == 0


def gapped(values: Any) -> list[Any]:
    return [None if gap else value for gap, value in zip(MASK, values.tolist(), strict=True)]


@pytest.mark.parametrize("name", VALUES)
def test_a_masked_entry_is_missing(name: str) -> None:
    masked = np.ma.masked_array(VALUES[name], mask=MASK)
    expected = table_from({"x": gapped(VALUES[name])})
    assert expected.column("x").missing.tolist() == MASK.tolist()
    structured = np.ma.masked_array(
        np.rec.fromarrays([VALUES[name], np.arange(ROWS)], names="x,y"),
        mask=[(gap, False) for gap in MASK.tolist()],
    )
    assert table_from({"x": masked}) == table_from({"x": list(masked)}) == expected
    assert table_from(structured).column("x") == expected.column("x")
    assert table_from([{"x": value} for value in masked]) == expected
    assert table_from({"x": masked}).notes == expected.notes


def test_masks_give_the_model_of_gaps() -> None:
    masked = {name: np.ma.masked_array(values, mask=MASK) for name, values in VALUES.items()}
    y = np.arange(ROWS) * 1.0
    gaps = {name: gapped(values) for name, values in VALUES.items()}
    assert model_bytes({**masked, "y": y}) == model_bytes({**gaps, "y": y})


def test_a_mask_of_nothing_masks_nothing() -> None:
    values = np.ma.masked_array([1.0, np.nan, 3.0])
    assert table_from({"x": values}) == table_from({"x": [1.0, None, 3.0]})
    assert table_from({"x": np.ma.masked_invalid([1.0, np.inf])}) == table_from({"x": [1.0, None]})


def test_masked_targets_and_predictions() -> None:
    y = np.ma.masked_array(np.arange(ROWS) * 1.0, mask=MASK)
    masked_out = backpass.fit({"x": np.arange(ROWS), "y": y}, "y", **SETTINGS)
    note = "target 'y': 8 of 40 rows have no value and are left out (rows 1, 6, 11, 16, 21, ... (8 in all))"
    assert note in masked_out.record.notes
    relation = duckdb.sql(
        "SELECT CASE WHEN i % 5 = 0 THEN NULL ELSE i * 1.0 END AS x, i * 2.0 AS y FROM range(40) r(i)"
    )
    model = backpass.fit(relation, "y", **SETTINGS)
    assert model.to_bytes() == model_bytes(relation.fetchnumpy())
    masked = np.ma.masked_array([190.0, 3.0], mask=[True, False])
    assert model.predict({"x": masked}).tolist() == model.predict({"x": [None, 3.0]}).tolist()
    assert model.predict(masked[:, None]).tolist() == model.predict({"x": [None, 3.0]}).tolist()
    assert model.evaluate({"x": [1.0, 2.0], "y": masked}) == model.evaluate({"x": [2.0], "y": [3.0]})
    with pytest.raises(DataError, match="values missing"):
        model.evaluate({"x": [1.0, 2.0], "y": np.ma.masked_array([1.0, 2.0], mask=True)})


# Durations ------------------------------------------------------------------------------------------------------------

SPANS = np.array([0, 1, -1, 86_400, 3_600 * 24 * 400, 7, None] * 6, dtype="m8[s]")
SECONDS = [None if np.isnat(span) else float(span.astype(int)) for span in SPANS]


def doors_of_spans(unit: str, folder: Path) -> dict[str, Any]:
    spans, y = SPANS.astype(f"m8[{unit}]"), np.arange(len(SPANS)) * 1.0
    pandas = pd.DataFrame({"took": spans, "y": y})
    arrow = pa.table({"took": pa.array(spans), "y": y})
    polars: Any = pl.from_arrow(arrow)
    pandas.to_parquet(folder / "pandas.parquet")
    pq.write_table(pa.table({"took": pa.array(spans), "y": y}), folder / "arrow.parquet")
    polars.write_parquet(folder / "polars.parquet")
    record = np.rec.fromarrays([spans, y], names="took,y")
    files = {name: folder / f"{name}.parquet" for name in ("pandas", "arrow", "polars")}
    frames = {"frame": pandas, "table": arrow, "polars frame": polars, "batch": arrow.to_batches()[0]}
    objects = {"took": [None if np.isnat(span) else span.astype("m8[us]").item() for span in spans], "y": y}
    return {**files, **frames, "dict": {"took": spans, "y": y}, "record": record, "objects": objects}


@pytest.mark.parametrize("unit", UNITS)
def test_a_duration_is_a_number_of_seconds_in_every_unit(unit: str, tmp_path: Path) -> None:
    found = set()
    for name, door in doors_of_spans(unit, tmp_path).items():
        table = read_table(door) if isinstance(door, Path) else table_from(door)
        expected = table_from({"took": SECONDS, "y": np.arange(len(SPANS)) * 1.0})
        assert table == expected, name
        assert "column 'took' holds durations: read as numbers of seconds" in table.notes, name
        assert (table.left_out, table.of_source) == ((), ()), name  # all else that a model could keep
        if name == "pandas":
            found.add(model_bytes(door))
    assert found == {model_bytes({"took": SPANS, "y": np.arange(len(SPANS)) * 1.0})}


def test_every_unit_rounds_once(tmp_path: Path) -> None:
    """More nanoseconds than a float64 can count: the quotient is rounded once, as Python's is."""
    microseconds = np.random.default_rng(0).integers(-(2**62), 2**62, 200)
    expected = [int(tick) / 10**9 for tick in microseconds]
    pq.write_table(
        pa.table({"x": pa.array(microseconds, pa.duration("ns")), "y": microseconds}), tmp_path / "t.parquet"
    )
    for table in (table_from({"x": microseconds.astype("m8[ns]")}), read_table(tmp_path / "t.parquet", drop=["y"])):
        column = table.column("x")
        assert isinstance(column, NumericColumn)
        assert column.values.tolist() == expected


def test_names_that_a_file_has_twice_are_told(tmp_path: Path) -> None:
    inside = pa.array([{"a": 1, "b": 2}] * 2)
    columns = [inside, pa.array([1, 2]), pa.array([3, 4]), pa.array(["x", "y"]), pa.array([5, 6])]
    pq.write_table(pa.Table.from_arrays(columns, names=["s", "a", "a", "A", "b_1"]), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet", drop=["s"])
    assert table.notes == tuple(
        f"the file has the name {name!r} again, or in other case: this column is called {new!r}"
        for name, new in (("a", "a_1"), ("A", "A_2"))
    )
    assert [*table.columns] == ["a", "a_1", "A_2", "b_1"]


def test_durations_as_target_in_queries_and_in_several_files(tmp_path: Path) -> None:
    for unit in ("s", "ns"):
        pq.write_table(pa.table({"t": pa.array([1, 2], pa.duration(unit)), "x": [1, 2]}), tmp_path / f"{unit}.parquet")
    assert read_table(tmp_path / "*.parquet") == table_from({"t": [1e-9, 2e-9, 1.0, 2.0], "x": [1, 2, 1, 2]})
    query = "SELECT t, x FROM data ORDER BY t"
    assert read_table(tmp_path / "*.parquet", query=query).column("t") == table_from({"t": [1e-9, 2e-9, 1, 2]}).column(
        "t"
    )
    y = np.arange(ROWS).astype("m8[m]")
    target = backpass.fit({"x": np.arange(ROWS) * 1.0, "y": y}, "y", **SETTINGS)
    assert target.head.scores(target.outputs(target.table({"x": [1.0]})), np.array([60.0])).keys() >= {"rmse"}
    assert target.evaluate({"x": [1.0, 2.0], "y": y[:2]}) == target.evaluate({"x": [1.0, 2.0], "y": [0.0, 60.0]})


@pytest.mark.parametrize("unit", ["M", "Y"])
def test_months_and_years_have_no_fixed_length(unit: str) -> None:
    spans = np.arange(3).astype(f"m8[{unit}]")
    assert "years and months have no fixed number of seconds" in fault({"x": spans}).hint
    assert "durations with years or months (rows 1, 2, 3)" in str(fault({"x": list(spans)}))


def test_intervals(tmp_path: Path) -> None:
    spans = "SELECT unnest([INTERVAL '1 day 2.5 seconds', NULL, INTERVAL '1 hour']) AS t"
    duckdb.sql(f"COPY ({spans}) TO '{tmp_path}/t.parquet'")
    duckdb.sql(
        f"COPY (SELECT INTERVAL '3 seconds' AS t UNION ALL SELECT INTERVAL '2 months') TO '{tmp_path}/m.parquet'"
    )
    assert table_from(duckdb.sql("SELECT -INTERVAL '90 minutes' AS t")) == table_from({"t": [-5400.0]})
    expected = table_from({"t": [86402.5, None, 3600.0]})
    for table in (table_from(duckdb.sql(spans)), read_table(tmp_path / "t.parquet")):
        assert table == expected
    assert read_table(tmp_path / "t.parquet", query="SELECT * FROM data") == expected
    months = duckdb.sql(f"FROM '{tmp_path}/m.parquet'")
    for data in (tmp_path / "m.parquet", months):
        assert "column 't' holds durations with years or months (row 2)" in str(fault(data))


def test_the_unit_is_in_the_metadata_of_pandas_too() -> None:
    frame = pd.DataFrame({"t": pd.to_timedelta([1, 2], unit="s").astype("m8[ms]"), "x": [1.0, 2.0]})
    entry = pa.Table.from_pandas(frame).schema.metadata[b"pandas"]
    assert PandasNotes.of(entry) == PandasNotes((), (("t", "ms"),))


def test_damaged_metadata_say_nothing() -> None:
    schema = pa.schema([("a", pa.int64()), ("t", pa.duration("ms")), ("ü", pa.duration("ns"))])
    whole = pq_entry(schema)
    assert duration_units(whole) == {"t": "ms", "ü": "ns"}
    for end in range(0, len(whole), 7):
        assert set(duration_units(whole[:end]).values()) <= set(UNITS)
    assert duration_units(b"\xff not base64") == {}
    assert PandasNotes.of(b"[1]") == PandasNotes.of(b"{") == PandasNotes.of(b"[" * 100_000) == PandasNotes()
    assert PandasNotes.of(b'{"index_columns": 3, "columns": [1, {}]}') == PandasNotes()


def pq_entry(schema: pa.Schema) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    metadata = pq.read_metadata(pa.BufferReader(sink.getvalue())).metadata
    return bytes(metadata[b"ARROW:schema"])


# Far and infinite dates -----------------------------------------------------------------------------------------------

INFINITE = "SELECT CASE WHEN i = 2 THEN {type} '{text}' ELSE {type} '2024-01-01' END AS d, i AS x FROM range(4) r(i)"
FAR: dict[str, Callable[[], Any]] = {
    "years": lambda: {"d": np.array([2024, 2025, 290_000], "M8[Y]")},
    "days": lambda: {"d": np.array(["2024-01-01", "2024-01-02", "0000-01-01"], "M8[D]")},
    "seconds": lambda: pd.DataFrame({"d": np.array(["2024-01-01", "NaT", "20000-01-01"], "M8[s]")}),
    "objects": lambda: {"d": [np.datetime64("2024-01-01"), None, np.datetime64("-0001-01-01")]},
    "stamps": lambda: {"d": [pd.Timestamp("2024-01-01"), pd.NaT, pd.Timestamp(np.datetime64("20000-01-01", "s"))]},
    "zone": lambda: {"d": [datetime.datetime.max.replace(tzinfo=zone) for zone in (datetime.UTC,) * 2 + (WEST,)]},
    "arrow days": lambda: pa.table({"d": pa.array([1, None, 2**31 - 1], pa.date32())}),
    "arrow seconds": lambda: pa.table({"d": pa.array([1, None, 2**62], pa.timestamp("s"))}),
    "arrow zone": lambda: pa.table({"d": pa.array([1, None, 2**62], pa.timestamp("us", "Asia/Tokyo"))}),
}
WEST = datetime.timezone(datetime.timedelta(hours=-5))


@pytest.mark.parametrize("name", FAR)
def test_far_dates_are_named(name: str) -> None:
    error = fault(FAR[name]())
    assert error.message == "data frame: column 'd': dates before year 1 or after 9999 in row 3"
    assert "make it missing" in error.hint
    fault(FAR[name](), kinds={"d": "numeric"})
    fault(FAR[name](), kinds={"d": "categorical"})


@pytest.mark.parametrize("type_", ["DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_NS"])
@pytest.mark.parametrize("text", ["infinity", "-infinity"])
def test_infinite_dates_are_named_through_every_door(type_: str, text: str, tmp_path: Path) -> None:
    sql = INFINITE.format(type=type_, text=text)
    duckdb.sql(f"COPY ({sql}) TO '{tmp_path}/t.parquet'")
    expected = "column 'd': dates before year 1 or after 9999 in row 3"
    assert expected in str(fault(tmp_path / "t.parquet"))
    assert expected in str(fault(tmp_path / "t.parquet", query="SELECT * FROM data"))
    if type_ != "TIMESTAMP_NS":  # Arrow's has no infinity
        assert expected in str(fault(duckdb.sql(sql)))
    model = backpass.fit({"d": np.arange(ROWS).astype("M8[D]"), "y": np.arange(ROWS)}, "y", **SETTINGS)
    with pytest.raises(DataError, match=expected):
        model.predict(tmp_path / "t.parquet")


def test_far_dates_of_parquet(tmp_path: Path) -> None:
    for name, days in {"far": [0, None, 300_000_000], "past": [0, None, -800_000]}.items():
        pq.write_table(pa.table({"d": pa.array(days, pa.date32()), "x": [1, 2, 3]}), tmp_path / f"{name}.parquet")
        assert "column 'd': dates before year 1 or after 9999 in row 3" in str(fault(tmp_path / f"{name}.parquet"))
    beyond = pa.array([0, None, 2**62], pa.timestamp("ms"))
    pq.write_table(pa.table({"ok": pa.array([1, 2, 3], pa.timestamp("us")), "d": beyond}), tmp_path / "ms.parquet")
    assert "column 'd' holds dates before year 1 or after 9999" in str(fault(tmp_path / "ms.parquet"))
    edge = [datetime.date.min, datetime.date.max]
    pq.write_table(pa.table({"d": edge, "x": [1, 2]}), tmp_path / "edge.parquet")
    assert read_table(tmp_path / "edge.parquet") == table_from({"d": edge, "x": [1, 2]})


# An index of pandas ---------------------------------------------------------------------------------------------------


def indexed() -> pd.DataFrame:
    table = pd.DataFrame({"x": np.random.default_rng(0).normal(size=ROWS), "y": np.arange(ROWS) * 1.0})
    return table.sample(frac=0.7, random_state=0)


def with_index(kind: str) -> pd.DataFrame:
    frame = indexed()
    match kind:
        case "named":
            return frame.rename_axis("id")
        case "levels":
            return frame.set_index([np.arange(len(frame)), np.arange(len(frame))[::-1]])
        case "dates":
            return frame.set_index(pd.DatetimeIndex(np.arange(len(frame)).astype("M8[D]"), name="day"))
        case "range":
            return frame.reset_index(drop=True).iloc[3:]
    return frame


@pytest.mark.parametrize("kind", ["plain", "named", "levels", "dates", "range"])
def test_an_index_is_no_column_through_any_door(kind: str, tmp_path: Path) -> None:
    frame = with_index(kind)
    frame.to_parquet(tmp_path / "t.parquet")
    arrow = pa.Table.from_pandas(frame)
    frame.to_csv(tmp_path / "t.csv", index=False)
    doors = [frame, tmp_path / "t.parquet", arrow, arrow.to_batches()[0], frame.to_dict("list"), tmp_path / "t.csv"]
    tables = [read_table(door) if isinstance(door, Path) else table_from(door) for door in doors]
    assert all(table == tables[0] and table.left_out == () for table in tables)
    said = [any("the index of a pandas frame" in note for note in table.notes) for table in tables]
    assert said == [kind != "range"] * 4 + [False] * 2
    assert all(table.of_source == table.notes for table in tables)
    if kind == "named":
        assert len({model_bytes(door) for door in doors}) == 1
    assert read_table(tmp_path / "t.parquet", query="SELECT * FROM data") == tables[0]


def test_an_index_that_is_asked_for_is_a_column(tmp_path: Path) -> None:
    with_index("named").to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", need=["id"]).names == ("x", "y", "id")
    assert read_table(tmp_path / "t.parquet", categorical=["id"]).column("id").kind == "categorical"
    assert read_table(tmp_path / "t.parquet", kinds={"id": "numeric"}).names == ("id",)
    query = "SELECT x, id AS key FROM data"
    assert read_table(tmp_path / "t.parquet", query=query).names == ("x", "key")
    (note,) = read_table(tmp_path / "t.parquet").notes
    assert note.startswith("the index of a pandas frame ('id'): treated as row names and left out")


def test_files_with_and_without_an_index(tmp_path: Path) -> None:
    with_index("plain").to_parquet(tmp_path / "a.parquet")
    with_index("range").to_parquet(tmp_path / "b.parquet")
    assert read_table(tmp_path / "*.parquet").names == ("x", "y")
    assert read_table(tmp_path / "*.parquet", query="SELECT * FROM data").names == ("x", "y")
    polars = pl.read_parquet(tmp_path / "a.parquet")  # which knows nothing of an index
    assert (
        table_from(polars) == table_from(duckdb.sql(f"FROM '{tmp_path}/a.parquet'")) == table_from(with_index("plain"))
    )
    model = backpass.fit(tmp_path / "a.parquet", "y", **SETTINGS)
    expected = model.predict(with_index("plain")).tolist()
    assert model.predict(tmp_path / "a.parquet").tolist() == expected == model.predict(polars).tolist()
    assert model.predict(tmp_path / "b.parquet").shape == (len(with_index("range")),)


# Arrow data and bytes -------------------------------------------------------------------------------------------------


class Stream:
    """What knows nothing but the interface of Arrow streams."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class Array(Stream):
    """The same for a single batch."""

    __arrow_c_stream__ = None  # type: ignore[assignment]

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        return self.table.to_batches()[0].__arrow_c_array__(requested_schema)


def test_anything_with_the_interface_of_arrow_is_a_table() -> None:
    arrow = pa.table({"x": [1.0, None, 3.0], "c": ["a", "b", None]})
    batch = arrow.to_batches()[0]
    expected = table_from(arrow)
    del Array.__arrow_c_stream__
    for data in (batch, arrow.to_reader(), Stream(arrow), batch.to_struct_array(), duckdb.from_arrow(arrow).arrow()):
        assert table_from(data) == expected


def test_arrow_data_without_names_and_a_stream_read_twice() -> None:
    for data in (pa.array([1]), pl.Series([1]), pa.chunked_array([[1]])):
        with pytest.raises(UsageError, match="a table is a path, a data frame"):
            table_from(data)
    reader = pa.table({"x": [1]}).to_reader()
    table_from(reader)
    error = fault(reader)
    assert (error.message, error.hint) == (
        "data frame: has columns but no rows",
        "an Arrow stream can be read once: was this one read before?",
    )


TEXTS = ["p", "é", "?", "p", None]


def doors_of_bytes(folder: Path) -> list[Table]:
    encoded = [None if text is None else text.encode() for text in TEXTS]
    frame = pd.DataFrame({"c": pd.Series(encoded, dtype=object), "x": range(5)})
    frame.to_parquet(folder / "t.parquet")
    tables = [frame, pl.DataFrame({"c": encoded, "x": range(5)}), pa.Table.from_pandas(frame), frame.to_dict("list")]
    padded = np.array([text or b"" for text in encoded])  # NumPy has no missing bytes, but empty ones
    tables += [{"c": padded, "x": range(5)}, np.rec.fromarrays([padded, np.arange(5)], names="c,x")]
    return [*map(table_from, tables), read_table(folder / "t.parquet")]


def test_bytes_are_texts(tmp_path: Path) -> None:
    expected = table_from({"c": ["p", "é", None, "p", None], "x": range(5)})
    for table in doors_of_bytes(tmp_path):
        assert table == expected


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"c": pd.Series([b"a", None, b"\xff", b"caf\xe9"], dtype=object), "x": range(4)})
    frame.to_parquet(tmp_path / "t.parquet")
    for data in (frame, pl.from_pandas(frame), tmp_path / "t.parquet", {"c": frame["c"].to_numpy()}):
        error = fault(data)
        assert "column 'c' holds bytes that are not UTF-8 (rows 3, 4)" in error.message
        assert "decode" in error.hint


@pytest.mark.parametrize("library", [pd.Series, pl.Series])
def test_a_dict_of_series_is_the_frame_of_them(library: Any) -> None:
    """The types of the series hold: categories and strings of digits are no numbers."""
    frame = pd.DataFrame(
        {
            "category": pd.Categorical(["0.5", "1", "2"] * 8),
            "digits": ["1", "2", "3"] * 8,
            "amounts": ["5 kg", "6 kg", "7 kg"] * 8,
            "dates": pd.to_datetime(["2024-01-01", None, "2024-03-01"] * 8),
            "numbers": [1.5, None, 2.0] * 8,
            "flags": [True, False, True] * 8,
        }
    )
    series = {name: frame[name] if library is pd.Series else pl.from_pandas(frame)[name] for name in frame}
    table, expected = table_from(series), table_from(frame)
    assert table.columns == expected.columns
    assert [column.kind for column in table.columns.values()][:3] == ["categorical", "categorical", "numeric"]
