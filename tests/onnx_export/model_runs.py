"""Models in ONNX Runtime beside themselves: the inputs of a graph from a table, and the comparison of predictions."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx_runs import run_onnx

from backpass import onnx_inputs
from backpass.model import Model

Columns = Mapping[str, Sequence[Any]]
CLOSE = {"float32": 1e-5, "float64": 1e-12}


def graph_inputs(model: Model, columns: Columns) -> dict[str, Any]:
    """The model's columns as a service would give them: one value a row, None as NaN, "" or the smallest day."""
    inputs = {}
    for feature in model.schema.features:
        values = columns[feature.name]
        if feature.kind == "numeric":
            inputs[feature.name] = np.array([[math.nan if v is None else float(v)] for v in values]).reshape(-1, 1)
        elif feature.kind in ("date", "time") and feature.notation:
            # Numbers that are dates or times, such as 545 for 05:45, are read as the model reads them.
            inputs[feature.name] = onnx_inputs(columns, model)[feature.name]
        elif feature.kind in ("date", "time"):
            inputs[feature.name] = np.array([fields(v) for v in values], dtype=np.int32).reshape(-1, 3)
        else:
            texts = [["" if v is None else str(v).lower() if isinstance(v, bool) else str(v)] for v in values]
            inputs[feature.name] = np.array(texts, dtype=object).reshape(-1, 1)
    return inputs


def fields(value: datetime.datetime | datetime.time | None) -> tuple[int, int, int]:
    """Days, seconds and microseconds since 1970-01-01 in UTC, or since midnight; the smallest day for None."""
    if value is None:
        return int(np.iinfo(np.int32).min), 0, 0
    if isinstance(value, datetime.time):
        value = datetime.datetime.combine(datetime.date(1970, 1, 1), value)
    naive = value if value.tzinfo is None else value.astimezone(datetime.UTC).replace(tzinfo=None)
    since = naive - datetime.datetime(1970, 1, 1)
    return since.days, since.seconds, since.microseconds


def compare(model: Model, columns: Columns, data: bytes | None = None) -> float:
    """Assert that the graph predicts what the model does; returns the largest difference seen.

    Numbers: relative to the larger of the prediction and the target's spread, since a prediction near 0 is a small
    difference of numbers of that size. Probabilities are exponentials, so that a relative difference d of logits of the
    size |z| is one of d |z| in p: relative to p times the spread of the row's logits, log(p_max / p_min), where that is
    more than 1. Or within two roundings of 1 in the model's dtype, because the two of a sigmoid are p and
    1 - p, and where p is nearly 1 the other is what p's rounding leaves.
    """
    outputs = run_onnx(model.to_onnx() if data is None else data, graph_inputs(model, columns))
    expected = model.predictions(model.table(columns))
    close = CLOSE[str(model.theta.dtype)]
    if expected.probabilities is None:
        (values,) = outputs
        assert values.dtype == np.float64
        assert values.shape == expected.values.shape
        sizes = np.maximum(np.abs(expected.values), model.head.scales[0].scale)
        return worst(values, expected.values, sizes, close)
    labels, probabilities = outputs
    assert probabilities.dtype == np.float64
    assert probabilities.shape == expected.probabilities.shape
    roundings = 2.0 * np.finfo(model.theta.dtype).eps
    smallest, largest_p = (f(expected.probabilities, axis=1, keepdims=True) for f in (np.min, np.max))
    spread = np.log(largest_p / np.maximum(smallest, np.finfo(model.theta.dtype).tiny))
    sizes = expected.probabilities * np.maximum(spread, 1.0) + roundings / close
    largest = worst(probabilities, expected.probabilities, sizes, close)
    top = np.sort(expected.probabilities, axis=1)
    is_clear = top[:, -1] - top[:, -2] > 1e-5
    shown = np.array([text if isinstance(text, str) else f"{text:g}" for text in labels.tolist()], dtype=object)
    assert np.array_equal(shown[is_clear], expected.values[is_clear])
    return largest


def worst(got: Any, expected: Any, sizes: Any, close: float) -> float:
    if got.size == 0:
        return 0.0
    same = got == expected  # also where both are infinite
    difference = np.abs(np.where(same, 0.0, got) - np.where(same, 0.0, expected))
    difference = float(np.max(difference / np.where(sizes == 0, 1.0, sizes)))
    assert difference <= close, f"{difference:.2e} is more than {close:g}"
    return difference
