"""Models of dates and numbers in runtimes other than ONNX Runtime: the reference evaluator, OpenVINO and tract.

OpenVINO and tract are tried where they are installed. Neither has the operator for texts, LabelEncoder.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_runs import graph_inputs
from onnx_runs import run_onnx

import backpass
from backpass.circuit import Spec
from backpass.engine.onnx import Graph, to_bytes
from backpass.model import Model
from backpass.model.onnx.dates import FIELDS, NO_DAY, date_parts
from backpass.table.datetimes.date_components import PARTS, TimestampFields, part_values
from backpass.table.datetimes.timestamp import DAY, FIRST, LAST
from backpass.table.feature import DatetimeFeature

Feed = dict[str, Any]


def in_reference(data: bytes, feed: Feed, path: Path) -> list[Any]:
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    return list(ReferenceEvaluator(onnx.load_model_from_string(data)).run(None, feed))


def in_openvino(data: bytes, feed: Feed, path: Path) -> list[Any]:
    openvino = pytest.importorskip("openvino")
    path.write_bytes(data)
    # Where the CPU has bfloat16, OpenVINO computes in it unless told otherwise: three digits.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    found = compiled([feed[each.get_any_name()] for each in compiled.inputs])
    return [found[each] for each in compiled.outputs]


def in_tract(data: bytes, feed: Feed, path: Path) -> list[Any]:
    tract = pytest.importorskip("tract")
    onnx = pytest.importorskip("onnx")
    path.write_bytes(data)
    model = tract.onnx().load(str(path))
    names = [each.name for each in onnx.load_model_from_string(data).graph.input]
    types = {"float64": "f64", "int32": "i32"}
    for i, name in enumerate(names):
        rows, width = feed[name].shape
        model.set_input_fact(i, f"{rows},{width},{types[feed[name].dtype.name]}")
    return [each.to_numpy() for each in model.into_model().into_runnable().run([feed[name] for name in names])]


RUNTIMES: dict[str, Callable[[bytes, Feed, Path], list[Any]]] = {
    "the reference evaluator": in_reference,
    "OpenVINO": in_openvino,
    "tract": in_tract,
}


def ticks_of_all_kinds() -> Any:
    """Edges of days, hours and seconds all over the calendar, moments at random, and none."""
    rng = np.random.default_rng(4)
    days = np.array(
        [FIRST // DAY, -719_000, -141_428, -25_567, -366, -1, 0, 1, 58, 59, 60, 19_782, 47_540, LAST // DAY]
    )
    clocks = np.array([0, 1, 999_999, 3_599_999_999, 3_600_000_000, 43_200_000_000, DAY - 1])
    return np.concatenate(
        [(days[:, None] * DAY + clocks).ravel(), rng.integers(FIRST, LAST, 3_000), [np.iinfo(np.int64).min]]
    )


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("kind", ["date", "time"])
def test_parts_of_dates(kind: Any, runtime: str, tmp_path: Path) -> None:
    """Whole parts are the same everywhere; those with a fraction to the precision that the runtime computes in."""
    microseconds = ticks_of_all_kinds()
    if kind == "time":
        microseconds = np.where(microseconds == microseconds.min(), microseconds, microseconds % DAY)
    feature = DatetimeFeature("m", kind, tuple(PARTS[kind]))
    graph = Graph("parts")
    names = [graph.reserve(f"the {part}") for part in feature.parts]
    column = graph.input("moment", Spec(("n", 3), FIELDS))
    for value, name in zip(date_parts(graph, column, feature), names, strict=True):
        graph.output(value, name)
    fields = TimestampFields(microseconds)
    feed = {"moment": np.column_stack([fields.days, fields.seconds, fields.microseconds]).astype(np.int32)}
    found = dict(zip(feature.parts, RUNTIMES[runtime](to_bytes(graph), feed, tmp_path / "parts.onnx"), strict=True))
    for part in feature.parts:
        expected = part_values(microseconds, kind, part)[:, None]
        if part in ("days", "hours"):
            close = 4e-7 if runtime == "OpenVINO" else 1e-15  # tract multiplies by a rounded reciprocal
            np.testing.assert_allclose(found[part], expected, rtol=close, atol=close)
        else:
            np.testing.assert_array_equal(found[part], expected, part)


ROWS = 90


def orders(first: datetime.datetime, step: datetime.timedelta) -> dict[str, list[Any]]:
    """Dates, times of day and numbers with gaps, and a price that follows from them."""
    rng = np.random.default_rng(11)
    moments = [first + int(k) * step for k in rng.permutation(ROWS)]
    length = rng.normal(size=ROWS)
    price = np.array([np.cos(2 * np.pi * m.hour / 24) + (m.isoweekday() > 5) for m in moments]) + length
    return {
        "ordered": [None if i % 11 == 3 else moment for i, moment in enumerate(moments)],
        "called": [None if i % 13 == 5 else moment.time() for i, moment in enumerate(moments)],
        "length": [None if i % 17 == 2 else float(value) for i, value in enumerate(length)],
        "price": price.tolist(),
    }


SPANS = {
    "over centuries": (datetime.datetime(1201, 2, 3, 4, 5, 6, 7), datetime.timedelta(days=3_001.37)),
    "around 1970": (datetime.datetime(1969, 7, 1), datetime.timedelta(days=4, hours=5, microseconds=1)),
    "in days": (datetime.datetime(2024, 2, 1), datetime.timedelta(days=1)),
    "within a day of 2031": (datetime.datetime(2031, 5, 1), datetime.timedelta(minutes=15, microseconds=250_001)),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {"hidden": (8,)},
    "fast": {"preset": "fast"},
    "ranks": {"hidden": (8,), "quantile_features": True},
    "missing": {"hidden": (8,), "ensemble_size": 2},
}


@pytest.fixture(scope="module", params=[*((span, "plain") for span in SPANS), *(("in days", s) for s in SETTINGS)])
def fitted(request: pytest.FixtureRequest) -> tuple[Model, dict[str, list[Any]]]:
    span, settings = request.param
    table = orders(*SPANS[span])
    return backpass.fit(table, "price", epochs=3, **SETTINGS[settings]), table


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_models_of_dates(fitted: tuple[Model, dict[str, list[Any]]], runtime: str, tmp_path: Path) -> None:
    model, table = fitted
    data, feed = model.to_onnx(), graph_inputs(model, table)
    assert feed["ordered"].min() == NO_DAY
    expected = model.predict(table)
    sizes = max(float(np.max(np.abs(expected))), model.head.scales[0].scale)
    (values,) = RUNTIMES[runtime](data, feed, tmp_path / "m.onnx")
    close = 1e-4 if runtime == "OpenVINO" else 1e-5  # all of it in float32; 7e-5 was seen, preset fast
    assert float(np.max(np.abs(values - expected))) <= close * sizes
    np.testing.assert_allclose(run_onnx(data, feed)[0], expected, atol=1e-5 * sizes)
