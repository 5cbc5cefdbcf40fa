"""Partial dependence: the prediction as a function of one column, with all others fixed (Friedman 2001).

Functions take a model and encoded rows and return the average over rows, and the curves of single rows, which are
called ICE curves (Goldstein et al. 2015). They are drawn in ``pictures.effects``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError, did_you_mean
from backpass.model.anatomy.neuron import is_single_neuron, neuron_of
from backpass.model.head.head import Head
from backpass.model.model import Model
from backpass.model.prediction.ensemble import Ensemble
from backpass.model.profile import CategoricalProfile
from backpass.numerics.philox import permutation
from backpass.reporting.numbers.columns import ModelColumn, columns_of, typical_row
from backpass.table import CategoricalFeature, DatetimeFeature, TextFeature
from backpass.table.table import Kind

POINTS = 121
"""Values per curve of a numeric column: enough that a breakpoint looks sharp."""
MOST_ROWS, MOST_LINES, MOST_LEVELS = 300, 24, 12
_PURPOSE = 0x5D0D_0000


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """The dependence of predictions on one column.

    Attributes:
        name: The name of the column.
        at: The values of the column, (m,) or categories; dates are days since 1970-01-01, times are hours.
        mean: (m,). The average prediction.
        lines: (rows, m). The predictions of single rows (ICE curves).
        kinks: The breakpoint of a model that is a single neuron.
        kind: The column kind.
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
    chosen: int | None = None,
    seed: int = 0,
) -> Dependence:
    """Return the dependence of one output on a column.

    Args:
        model: The model.
        name: The name of the column.
        numbers: (n, p). The encoded numbers of the rows; None for the typical row.
        codes: (n, q). The codes of the rows; None for the typical row.
        chosen: The class or label whose probability is the output. Default None: the positive class of two, otherwise
            the last one.
        seed: The seed that draws the rows, if there are many.

    Raises:
        UsageError: The column is unknown, with the most similar one as a hint, or it is free text.
    """
    found = dependences(model, name, numbers, codes, seed=seed)
    return found[answer_number(model.head) if chosen is None else chosen]


def answer_number(head: Head) -> int:
    """Return the number of the output that a single curve shows: the positive class of two, otherwise the last one."""
    return head.positive if len(head.classes) == 2 else -1


def dependences(
    model: Model,
    name: str,
    numbers: NDArray[np.float64] | None = None,
    codes: NDArray[np.int32] | None = None,
    *,
    seed: int = 0,
) -> list[Dependence]:
    """Return the dependence of every output: the predicted number, or the probability of each class or label.

    The arguments are those of ``dependence``.

    Raises:
        UsageError: The column is unknown, with the most similar one as a hint, or it is free text.
    """
    columns = {column.name: column for column in columns_of(model)}
    if name not in columns:
        raise UsageError(f"the model has no column {name!r}", hint=did_you_mean(name, list(columns)))
    if numbers is None or codes is None:
        numbers, codes = typical_row([*columns.values()])
    rows = permutation(seed, 0, _PURPOSE, len(numbers))[:MOST_ROWS]
    numbers, codes = numbers[rows], codes[rows]
    column = columns[name]
    if isinstance(column.feature, TextFeature):
        raise UsageError(f"column {name!r} is free text, which has no order to follow", hint="name another column")
    if isinstance(column.feature, CategoricalFeature):
        return _of_text(model.ensemble, column, column.feature.levels, numbers, codes)
    kinks = _kinks(model)
    at = values_along(column, kinks)
    stacked = np.tile(numbers, (len(at), 1))
    stacked[:, column.places] = np.repeat(column.encoded_at(at), len(numbers), axis=0)
    found = _predictions(model.ensemble, stacked, np.tile(codes, (len(at), 1)), len(at))
    shown = tuple(kink for kink in kinks if at[0] <= kink <= at[-1])
    return [Dependence(name, at, y.mean(axis=0), y[:MOST_LINES], shown, column.feature.kind) for y in found]


def values_along(column: ModelColumn, kinks: Sequence[float] = ()) -> NDArray[np.float64]:
    """Return the values of a column that is not categorical at which its dependence is computed.

    They cover the typical range and are extended to breakpoints within half a range of it. If all training values are
    whole numbers, so are these. Dates over a long period are whole weeks apart: the curve then shows years and seasons
    at a fixed day of the week, which would otherwise differ from point to point.
    """
    span = column.range
    assert span is not None
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
    ensemble: Ensemble,
    column: ModelColumn,
    levels: Sequence[str],
    numbers: NDArray[np.float64],
    codes: NDArray[np.int32],
) -> list[Dependence]:
    """Compute the dependence on a categorical column, for its most frequent categories."""
    counts = column.profile.counts if isinstance(column.profile, CategoricalProfile) else (0,) * len(levels)
    order = sorted(range(len(levels)), key=lambda i: -counts[i])[:MOST_LEVELS]
    stacked = np.tile(codes, (len(order), 1))
    stacked[:, column.places[0]] = np.repeat(np.array(order, dtype=np.int32) + 1, len(codes))
    found = _predictions(ensemble, np.tile(numbers, (len(order), 1)), stacked, len(order))
    at = tuple(levels[i] for i in order)
    return [Dependence(column.name, at, y.mean(axis=0), y[:MOST_LINES], (), "categorical") for y in found]


def _predictions(
    ensemble: Ensemble, numbers: NDArray[np.float64], codes: NDArray[np.int32], points: int
) -> NDArray[np.float64]:
    """Predict numbers (1, rows, points), or probabilities of each class or label (k, rows, points).

    Args:
        model: The model.
        numbers: (points * rows, p). The encoded numbers: all rows at the first point, then at the second, and so on.
        codes: (points * rows, q). The codes, in the same order.
        points: The number of points.
    """
    predicted = ensemble.head.predictions(ensemble.outputs(ensemble.inputs(numbers, codes)))
    return predicted.reshape(points, len(numbers) // points, -1).T


def _kinks(model: Model) -> tuple[float, ...]:
    """Return the breakpoint w x + b = 0 of a single ReLU neuron on one column (CS229 Figure 1); otherwise nothing."""
    if not is_single_neuron(model):
        return ()
    if (neuron := neuron_of(model)) is not None:
        return () if neuron.kink is None else (neuron.kink,)
    w, b = (float(value) for value in model.theta.reshape(-1)[:2])
    center, scale = float(model.feature_map.center[0]), float(model.feature_map.scale[0])
    x = -b / w if w else np.inf
    if abs(x) >= 3.0 or not scale:
        return ()
    return (float(center + x / np.sqrt(1.0 - (x / 3.0) ** 2) / scale),)
