"""Partial dependence: how the prediction moves with one column, the others staying as they are (Friedman 2001).

The average over rows, and some rows by themselves (Goldstein et al. 2015). Numbers come out, to be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backpass.errors import UsageError, did_you_mean
from backpass.model.model import Model
from backpass.numerics.philox import permutation
from backpass.report.columns import ModelColumn, columns_of
from backpass.report.typical import is_single_neuron, range_of, typical_row
from backpass.table import CategoricalFeature, DatetimeFeature
from backpass.table.table import Kind

POINTS = 121
"""Values that a number takes: fine enough that a kink is seen as one."""
MOST_ROWS, MOST_LINES, MOST_LEVELS = 300, 24, 12
_PURPOSE = 0x5D0D_0000


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """How predictions depend on a column.

    kind: that of the column   at: its values, float64 (m,) or texts; dates are days since 1970-01-01, times hours
    mean (m,)   lines (rows, m): some rows by themselves   kinks: where a network of one neuron bends
    """

    name: str
    at: NDArray[np.float64] | tuple[str, ...]
    mean: NDArray[np.float64]
    lines: NDArray[np.float64]
    kinks: tuple[float, ...]
    kind: Kind


def dependence(
    model: Model,
    name: str,
    numbers: NDArray[np.float64] | None = None,
    codes: NDArray[np.int32] | None = None,
    *,
    chosen: int = -1,
    seed: int = 0,
) -> Dependence:
    """The dependence on the column of that name, over given rows, or of the typical row.

    numbers (n, p), codes (n, q): encoded rows   chosen: the class or label whose probability is meant

    Errors: UsageError naming the nearest column.
    """
    return dependences(model, name, numbers, codes, seed=seed)[chosen]


def dependences(
    model: Model,
    name: str,
    numbers: NDArray[np.float64] | None = None,
    codes: NDArray[np.int32] | None = None,
    *,
    seed: int = 0,
) -> list[Dependence]:
    """``dependence`` of the number that is predicted, or of each class or label."""
    columns = {column.name: column for column in columns_of(model)}
    if name not in columns:
        raise UsageError(f"the model has no column {name!r}", hint=did_you_mean(name, list(columns)))
    if numbers is None or codes is None:
        numbers, codes = typical_row(model)
    rows = permutation(seed, 0, _PURPOSE, len(numbers))[:MOST_ROWS]
    numbers, codes = numbers[rows], codes[rows]
    column = columns[name]
    if isinstance(column.feature, CategoricalFeature):
        return _of_text(model, name, numbers, codes, column.places[0])
    kinks = _kinks(model)
    at = values_along(model, column, kinks)
    stacked = np.tile(numbers, (len(at), 1))
    stacked[:, column.places] = np.repeat(column.encoded_at(at), len(numbers), axis=0)
    found = _predictions(model, stacked, np.tile(codes, (len(at), 1)), len(at))
    shown = tuple(kink for kink in kinks if at[0] <= kink <= at[-1])
    return [Dependence(name, at, y.mean(axis=0), y[:MOST_LINES], shown, column.feature.kind) for y in found]


def values_along(model: Model, column: ModelColumn, kinks: Sequence[float] = ()) -> NDArray[np.float64]:
    """Values over the usual range, and as far as a kink if it is not far from it; whole ones where all are.

    Dates of a long time are whole weeks apart: the curve shows years and seasons, and the day of the week, which would
    be another one from point to point, stays.
    """
    span = range_of(model, column)
    width = span.high - span.low
    if isinstance(column.feature, DatetimeFeature) and column.feature.kind == "date" and width > POINTS:
        step = 7.0 * np.ceil(width / (7.0 * POINTS))
        before, after = np.floor((span.middle - span.low) / step), np.floor((span.high - span.middle) / step)
        return np.asarray(span.middle + step * np.arange(-before, after + 1.0))
    near = [kink for kink in kinks if span.low - width / 2 <= kink <= span.high + width / 2]
    ends = [span.low, span.high, *(kink + side * 0.1 * width for kink in near for side in (-1, 1))]
    at = np.linspace(min(ends), max(ends), POINTS)
    return np.unique(np.rint(at)) if span.whole and width < POINTS else at


def _of_text(
    model: Model, name: str, numbers: NDArray[np.float64], codes: NDArray[np.int32], j: int
) -> list[Dependence]:
    levels = model.schema.texts[j].levels
    order = _by_count(model, name, len(levels))[:MOST_LEVELS]
    stacked = np.tile(codes, (len(order), 1))
    stacked[:, j] = np.repeat(np.array(order, dtype=np.int32) + 1, len(codes))
    found = _predictions(model, np.tile(numbers, (len(order), 1)), stacked, len(order))
    at = tuple(levels[i] for i in order)
    return [Dependence(name, at, y.mean(axis=0), y[:MOST_LINES], (), "categorical") for y in found]


def _by_count(model: Model, name: str, count: int) -> list[int]:
    counts = getattr(model.record.columns.get(name), "counts", (0,) * count)
    return sorted(range(count), key=lambda i: -counts[i])


def _predictions(
    model: Model, numbers: NDArray[np.float64], codes: NDArray[np.int32], points: int
) -> NDArray[np.float64]:
    """Numbers (1, rows, points), or probabilities of each class or label (k, rows, points).

    numbers (points rows, p), codes (points rows, q): the rows at the first point, those at the second, and so on
    """
    predicted = model.head.predictions(model.outputs_at(model.inputs_at(numbers, codes)))
    return predicted.reshape(points, len(numbers) // points, -1).T


def _kinks(model: Model) -> tuple[float, ...]:
    """Where w x + b = 0 for a single ReLU neuron on a single number, the kink of Figure 1; else nothing."""
    if not is_single_neuron(model):
        return ()
    w, b = (float(value) for value in model.theta.reshape(-1)[:2])
    center, scale = float(model.feature_map.center[0]), float(model.feature_map.scale[0])
    x = -b / w if w else np.inf
    if abs(x) >= 3.0 or not scale:
        return ()
    return (float(center + x / np.sqrt(1.0 - (x / 3.0) ** 2) / scale),)
