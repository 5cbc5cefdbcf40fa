"""Dates and times in ONNX: whole-number arithmetic that is exactly ours, and models of dates from raw columns."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from model_runs import compare
from onnx_runs import run_onnx

import backpass
from backpass.circuit import Spec
from backpass.engine.onnx import Graph, Value, Whole, to_bytes
from backpass.engine.onnx.whole import WIDE
from backpass.model.onnx.dates import FIELDS, NO_DAY, date_parts
from backpass.table import table_from
from backpass.table.datetimes.calendar import days_of
from backpass.table.datetimes.date_components import PARTS, TimestampFields, part_values
from backpass.table.datetimes.timestamp import DAY, FIRST, LAST, NAT
from backpass.table.feature import DatetimeFeature

Ticks = Any


def all_days() -> Ticks:
    """Every day of the years 1 to 9999, each at a moment of its own."""
    days = np.arange(FIRST // DAY, LAST // DAY + 1)
    return days * DAY + np.random.default_rng(0).integers(0, DAY, len(days))


def edges() -> Ticks:
    """Around every new year, leap day and midnight there may be an hour, and no moment at all."""
    years = np.array([1, 4, 100, 400, 1582, 1600, 1899, 1900, 1969, 1970, 1999, 2000, 2024, 2100, 9996, 9999])
    days = [days_of(year, month, day) for year in years.tolist() for month, day in ((1, 1), (2, 28), (3, 1), (12, 31))]
    microseconds = [day * DAY + off for day in days for off in (-1, 0, 1, DAY - 1, DAY // 24 - 1, DAY // 24)]
    return np.array([NAT, FIRST, LAST, *(t for t in microseconds if FIRST <= t <= LAST), NAT])


def fields_of(microseconds: Ticks) -> Any:
    """int32 (n, 3); where there is no moment, what the divisions leave."""
    fields = TimestampFields(microseconds)
    return np.column_stack([fields.days, fields.seconds, fields.microseconds]).astype(np.int32)


def parts_of(kind: Any, microseconds: Ticks) -> dict[str, Any]:
    """Every part in ONNX Runtime."""
    graph = Graph("parts")
    names = [graph.reserve(f"the {part}") for part in PARTS[kind]]
    column = graph.input("moment", Spec(("n", 3), FIELDS))
    for value, name in zip(
        date_parts(graph, column, DatetimeFeature("m", kind, tuple(PARTS[kind]))), names, strict=True
    ):
        graph.output(value, name)
    return dict(zip(PARTS[kind], run_onnx(to_bytes(graph), {"moment": fields_of(microseconds)}), strict=True))


@pytest.mark.parametrize(
    ("kind", "microseconds"),
    [("date", all_days()), ("date", edges()), ("time", np.array([NAT, *range(0, DAY, 999_999_937), DAY - 1]))],
    ids=["every day from year 1 to 9999", "the edges of years and days", "times"],
)
def test_every_part_of_every_date_is_exactly_ours(kind: Any, microseconds: Ticks) -> None:
    found = parts_of(kind, microseconds)
    for part in PARTS[kind]:
        assert found[part].dtype == np.float64
        assert found[part].tobytes() == part_values(microseconds, kind, part)[:, None].tobytes(), part


def test_parts_are_those_of_the_standard_library() -> None:
    """A check on both: Python's own calendar."""
    microseconds = all_days()[::997]
    found = parts_of("date", microseconds)
    for i, tick in enumerate(microseconds.tolist()):
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=tick)
        expected = (moment.year, moment.month, moment.day, moment.isoweekday(), moment.timetuple().tm_yday, moment.hour)
        names = ("year", "month", "day of month", "day of week", "day of year", "hour")
        assert tuple(int(found[name][i, 0]) for name in names) == expected


WHOLE = {
    "+": lambda a, b: a + b,
    "3 +": lambda a, b: 3 + a,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "3 *": lambda a, b: 3 * a,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "// 7": lambda a, b: a // 7,
    "divmod": lambda a, b: divmod(a, b)[0] + divmod(a, b)[1],
    ">=": lambda a, b: (a >= b) + 0,
    "<=": lambda a, b: (a <= b) + 0,
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_of_a_graph_have_the_arithmetic_of_arrays(name: str) -> None:
    """Rounding down, whatever the sign."""
    a, b = (
        grid.reshape(-1, 1) for grid in np.meshgrid(np.arange(-9, 10, dtype=np.float64), np.array([1.0, 2.0, 3.0, 7.0]))
    )
    graph = Graph("whole")
    out = graph.reserve("result")
    inputs = [graph.input(each, Spec(("n", 1), WIDE)) for each in "ab"]
    made: dict[tuple[str, ...], str] = {}
    result = WHOLE[name](*(Whole(graph, each.name, "w", made) for each in inputs))
    graph.output(Value(result.name, Spec(("n", 1), WIDE)), out)
    (found,) = run_onnx(to_bytes(graph), {"a": a, "b": b})
    assert found.dtype == np.float64
    assert np.array_equal(found, WHOLE[name](a, b))


# Models ---------------------------------------------------------------------------------------------------------------

ROWS = 120
FIRST_DAY = datetime.datetime(1961, 3, 1)


def rides(rows: int = ROWS, seed: int = 3) -> dict[str, list[Any]]:
    """What a ride costs follows from the hour, the day of the week and the year; before 1970 and after it."""
    rng = np.random.default_rng(seed)
    minutes = rng.integers(0, 60 * 24 * 7_000, rows).tolist()
    stamps = [FIRST_DAY + datetime.timedelta(minutes=minute) for minute in minutes]
    price = [np.cos(2 * np.pi * s.hour / 24) + (s.isoweekday() > 5) + 0.1 * (s.year - 1961) for s in stamps]
    gaps = rng.random((2, rows)) < 0.1
    return {
        "ordered": [None if gap else stamp for gap, stamp in zip(gaps[0], stamps, strict=True)],
        "called": [None if gap else stamp.time() for gap, stamp in zip(gaps[1], stamps, strict=True)],
        "length": rng.normal(5.0, 1.0, rows).round(3).tolist(),
        "town": rng.choice(["north", "south", "east"], rows).tolist(),
        "price": np.array(price).round(4).tolist(),
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": (8,)},
        {"hidden": (8,), "precision": "float64"},
        {},
        {"preset": "fast"},
        {"hidden": (8,), "ensemble_size": 2},
    ],
    ids=str,
)
def test_models_of_dates_predict_what_they_predict_here(settings: dict[str, Any]) -> None:
    model = backpass.fit(rides(), "price", epochs=3, **settings)
    assert {feature.kind for feature in model.schema.features} == {"date", "time", "numeric", "categorical"}
    compare(model, rides())
    compare(model, {**rides(40, seed=9), "ordered": [None, datetime.datetime(9999, 12, 31), *rides(38)["ordered"]]})


def test_a_model_of_dates_alone() -> None:
    columns = {name: rides()[name] for name in ("ordered", "price")}
    compare(backpass.fit(columns, "price", hidden=(8,), epochs=3), columns)


def test_zones_are_reckoned_out() -> None:
    """What goes in are moments of UTC, as in a table."""
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
    columns = rides()
    zoned = {**columns, "ordered": [s and s.replace(tzinfo=zone) for s in columns["ordered"]]}
    model = backpass.fit(zoned, "price", hidden=(8,), epochs=3)
    assert not np.array_equal(model.predict(zoned), model.predict(columns))
    compare(model, zoned)


def test_numbers_that_stand_for_missing_are_not_parts_of_dates() -> None:
    """The 15th of a month is a day, where 15 is a missing number."""
    columns = {**rides(), "length": [15.0 if i % 7 == 0 else float(i % 5) for i in range(ROWS)]}
    table = table_from(columns, missing=("15",))
    model = backpass.fit(table, "price", hidden=(8,), epochs=3)
    assert any(value == 15.0 for value in part_values(table.columns["ordered"].microseconds, "date", "day of month"))
    compare(model, columns)


def test_inputs_say_what_they_are() -> None:
    import onnx

    model = backpass.fit(rides(), "price", hidden=(8,), epochs=3)
    inputs = {each.name: each for each in onnx.load_model_from_string(model.to_onnx()).graph.input}
    for name in ("ordered", "called"):
        assert inputs[name].type.tensor_type.elem_type == onnx.TensorProto.INT32
        assert [dimension.dim_value for dimension in inputs[name].type.tensor_type.shape.dim] == [0, 3]
        assert "microseconds" in inputs[name].doc_string
        assert str(NO_DAY) in inputs[name].doc_string


def test_numbers_that_are_dates_reach_the_graph_as_dates() -> None:
    """``onnx_inputs`` reads 20240131 as the model reads it, from the graph alone; the graph then predicts the same."""
    days = [20240101 + i % 28 for i in range(300)]
    columns = {"day": days, "x": [float(i % 5) for i in range(300)], "y": [float(i % 7) for i in range(300)]}
    model = backpass.fit(columns, "y", hidden=(4,), epochs=1)
    feature = model.schema.features[0]
    assert isinstance(feature, DatetimeFeature)
    assert feature.notation == "yyyymmdd"
    graph = model.to_onnx()
    new = {"day": [20240131, None], "x": [1.0, 2.0]}
    feed = backpass.onnx_inputs(new, graph)
    first = (datetime.date(2024, 1, 31) - datetime.date(1970, 1, 1)).days
    assert feed["day"].tolist() == [[first, 0, 0], [int(np.iinfo(np.int32).min), 0, 0]]
    np.testing.assert_allclose(run_onnx(graph, feed)[0], model.predict(new), rtol=1e-5)
