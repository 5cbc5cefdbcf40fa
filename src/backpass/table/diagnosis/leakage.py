"""Leakage: columns that alone give the target away, although they do not determine it exactly.

Takes a column and an encoded target; yields findings. A model of the single column, a mean per bin or per category, is
fitted on one half of the rows and scored on the other, so that identifiers score nothing. ``diagnostics`` has the rules
without exceptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.philox import permutation
from backpass.table.messages import shown
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn
from backpass.table.target import Target

Floats = NDArray[np.float64]

SUSPICIOUS = 0.98
"""AUC or R2 of a single column from which it is suspected to hold the target."""

FEWEST_ROWS = 200
"""Fewer rows say too little about a rule with exceptions."""

_MOST_ROWS = 20_000
_BINS = 64
_MOST_CLASSES = 20
_PRIOR_ROWS = 0.2  # rows of the overall mean that are added to each bin or category
_PURPOSE = 0x5D0B_0002
_PURE = 0.995  # share of one class among the rows with (or without) a value
_COVERED = 0.5  # share of that class that these rows must hold
_COMMON = 0.8  # a class with a larger share is found everywhere
_FEWEST_PRESENT = 30


def leakage_findings(column: Column, target: Target, y: NDArray[Any]) -> Iterator[tuple[float, str]]:
    """Yield how suspicious a column is, from 0 to 1, with the reason.

    Args:
        column: A column other than the target, with one value per row.
        target: The target.
        y: The encoded target (n,).
    """
    if len(y) < FEWEST_ROWS:
        return
    if reason := _by_presence(column.missing, target, y):
        yield 1.0, reason
        return
    score = score_alone(column, target, y)
    if score >= SUSPICIOUS:
        metric = "R2" if target.task == "regression" else "AUC"
        yield (
            score,
            f"by itself it predicts the target {shown(target.name)} almost perfectly ({metric} {score:.3f} on held-out "
            "rows): possible leakage; is it known at prediction time?",
        )


def _by_presence(missing: NDArray[np.bool_], target: Target, y: NDArray[Any]) -> str:
    """The reason if the rows with a value, or those without, are nearly all of one class and hold most of it."""
    if target.task == "regression" or not missing.any():
        return ""
    counts = np.bincount(y, minlength=len(target.classes))
    for chosen, words in ((~missing, "is present"), (missing, "is missing")):
        rows = int(chosen.sum())
        if rows < _FEWEST_PRESENT:
            continue
        within = np.bincount(y[chosen], minlength=len(counts))
        best = int(np.argmax(within))
        if within[best] >= _PURE * rows and within[best] >= _COVERED * counts[best] and counts[best] < _COMMON * len(y):
            return (
                f"{within[best]:,} of {rows:,} rows in which it {words} are of the class "
                f"{shown(target.classes[best])} of {shown(target.name)}: possible leakage"
            )
    return ""


def score_alone(column: Column, target: Target, y: NDArray[Any]) -> float:
    """R2, or the mean AUC of the classes, of a model of one column on rows that it was not fitted on; 0 if undefined.

    Args:
        column: The column.
        target: The target.
        y: The encoded target (n,).
    """
    if target.task != "regression" and len(target.classes) > _MOST_CLASSES:
        return 0.0
    order = _drawn(len(y))
    fitted, held = order[: len(order) // 2], order[len(order) // 2 :]
    cell = _cells(column, fitted)
    if target.task == "regression":
        y = y.astype(np.float64)
        binned = _r2(_means(cell, y[:, None], fitted, held)[:, 0], y[held])
        return max(binned, _r2_of_line(column, y, fitted, held))
    hot = np.eye(len(target.classes))[y]
    p, truth = _means(cell, hot, fitted, held), hot[held]
    areas = [(share, _area(p[:, k], truth[:, k] > 0.0)) for k, share in enumerate(truth.mean(axis=0)) if 0 < share < 1]
    return float(sum(share * area for share, area in areas) / sum(share for share, _ in areas)) if areas else 0.0


@lru_cache(maxsize=1)
def _drawn(rows: int) -> NDArray[np.int64]:
    """Rows in random order, the same for every column of a table; at most ``_MOST_ROWS``."""
    return permutation(0, 0, _PURPOSE, rows)[:_MOST_ROWS].copy()


def _cells(column: Column, fitted: NDArray[Any]) -> NDArray[np.intp]:
    """The number of the bin or category of each row; 0 where the value is missing."""
    if isinstance(column, CategoricalColumn):
        return column.codes.astype(np.intp)
    values = _numbers(column)
    known = values[fitted][~np.isnan(values[fitted])]
    if not known.size:
        return np.zeros(len(values), np.intp)
    edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, _BINS + 1)[1:-1]))
    return np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values, side="left"))


def _numbers(column: Column) -> Floats:
    if isinstance(column, DatetimeColumn):
        return np.where(column.missing, np.nan, column.microseconds.astype(np.float64))
    assert not isinstance(column, CategoricalColumn)
    return column.values


def _means(cell: NDArray[np.intp], y: Floats, fitted: NDArray[Any], held: NDArray[Any]) -> Floats:
    """The mean target of each held-out row's cell on the fitted rows, drawn a little to the overall mean: (n, k)."""
    size, mean = int(cell.max(initial=0)) + 1, y[fitted].mean(axis=0)
    counts = np.bincount(cell[fitted], minlength=size) + _PRIOR_ROWS
    sums = np.column_stack([np.bincount(cell[fitted], column, size) for column in y[fitted].T])
    return np.asarray(((sums + _PRIOR_ROWS * mean) / counts[:, None])[cell[held]])


def _r2(predicted: Floats, y: Floats) -> float:
    spread = float(np.mean((y - y.mean()) ** 2))
    return 1.0 - float(np.mean((predicted - y) ** 2)) / spread if spread > 0.0 else 0.0


def _r2_of_line(column: Column, y: Floats, fitted: NDArray[Any], held: NDArray[Any]) -> float:
    """R2 of the least-squares line; 0 for categories and for columns with many missing values."""
    if isinstance(column, CategoricalColumn):
        return 0.0
    x = _numbers(column)
    if np.isnan(x).mean() > 0.05:
        return 0.0
    x = np.where(np.isnan(x), np.nanmean(x), x)
    center, level = x[fitted].mean(), y[fitted].mean()
    spread = float(np.sum((x[fitted] - center) ** 2))
    if not 0.0 < spread < np.inf:
        return 0.0
    slope = float(np.sum((x[fitted] - center) * (y[fitted] - level))) / spread
    return _r2(level + slope * (x[held] - center), y[held])


def _area(score: Floats, positive: NDArray[np.bool_]) -> float:
    """The area under the ROC curve; ties count half."""
    place = np.unique(score, return_inverse=True)[1].reshape(-1)
    ones, zeros = np.bincount(place, positive), np.bincount(place, ~positive)
    below = np.cumsum(zeros) - zeros
    return float(np.sum(ones * (below + 0.5 * zeros)) / (ones.sum() * zeros.sum()))
