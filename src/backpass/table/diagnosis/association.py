"""Association: how strongly a single column is associated with the target, on one scale for numbers and categories.

Takes a column and an encoded target; returns a number. It describes the rows at hand and chooses nothing; ``leakage``
scores columns on held-out rows.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.table.table import CategoricalColumn, Column, DatetimeColumn
from backpass.table.target import Target

FEWEST = 3  # rows with a value
LARGEST_CHANCE = 0.1  # standard deviation of a squared association that is told from chance


def association(column: Column, target: Target, y: NDArray[Any]) -> float | None:
    """Return the association of a column with the target, None if the rows cannot tell: constants, too few repeats.

    two numbers               Pearson's r, from -1 to 1
    a number and a category   the correlation ratio eta, from 0 to 1: eta^2 = between-group variance / variance
    two categories            Cramér's V, from 0 to 1

    eta^2 and V^2 are corrected for chance: a column of many rare categories would seem associated with any target. Of
    independent columns, both have the mean e = (g - 1) / (n - 1) for n rows and g categories (of the two columns, the
    one with more), and s becomes max(0, (s - e) / (1 - e)). For eta^2 that is Kelley's epsilon^2. For independent
    normal columns its standard deviation is sqrt(2 (g - 1) / ((n - g) (n + 1))); above 0.1, where few rows share a
    category, nothing is returned.

    Source: Kelley, An unbiased correlation ratio measure, 1935.

    Args:
        column: A column other than the target; dates are numbers.
        target: The target.
        y: The encoded target (n,).
    """
    there = ~column.missing
    if there.sum() < FEWEST:
        return None
    y = y[there]
    if isinstance(column, CategoricalColumn):
        codes = column.codes[there]
        return _eta(y.astype(np.float64), codes) if target.task == "regression" else _cramers_v(codes, y)
    x = column.microseconds if isinstance(column, DatetimeColumn) else column.values
    numbers = _standard(x[there].astype(np.float64))
    if numbers is None:
        return None
    if target.task != "regression":
        return _eta(numbers, y)
    other = _standard(y.astype(np.float64))
    return None if other is None else _within(float(np.mean(numbers * other)), -1.0)


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the numbers with mean 0 and standard deviation 1; None if they are constant."""
    size = float(np.abs(values).max())
    if not size or not np.isfinite(size):
        return None
    scaled = values / size  # first, so that squares of large numbers stay finite
    scaled = scaled - scaled.mean()
    deviation = float(np.sqrt(np.mean(scaled * scaled)))
    return scaled / deviation if deviation > 1e-12 else None


def _eta(values: NDArray[np.float64], groups: NDArray[Any]) -> float | None:
    standard = _standard(values)
    if standard is None or groups.min() == groups.max():
        return None
    rows = np.bincount(groups)
    sums = np.bincount(groups, weights=standard)
    held = rows > 0
    return _beyond_chance(float(np.sum(sums[held] ** 2 / rows[held])) / len(values), int(held.sum()), len(values))


def _cramers_v(codes: NDArray[Any], classes: NDArray[Any]) -> float | None:
    _, i = np.unique(codes, return_inverse=True)
    _, j = np.unique(classes, return_inverse=True)
    levels, count = int(i.max()) + 1, int(j.max()) + 1
    if min(levels, count) < 2:
        return None
    observed = np.bincount(i * count + j, minlength=levels * count).reshape(levels, count)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / len(codes)
    square = float(np.sum((observed - expected) ** 2 / expected)) / (len(codes) * (min(levels, count) - 1))
    return _beyond_chance(square, max(levels, count), len(codes))


def _beyond_chance(square: float, categories: int, rows: int) -> float | None:
    """Return the root of a squared association corrected for chance, None if too few rows share a category."""
    repeats = rows - categories
    if repeats < 1 or sqrt(2.0 * (categories - 1) / (repeats * (rows + 1))) > LARGEST_CHANCE:
        return None
    chance = (categories - 1) / (rows - 1)
    return sqrt(_within((square - chance) / (1.0 - chance), 0.0))


def _within(value: float, low: float) -> float:
    """Return a value without its rounding error beyond the ends of the scale."""
    return min(max(value, low), 1.0)
