"""Reliability: how many rows a category needs until they say more about the target than the mean of all rows.

Takes a categorical column and the targets of its rows; returns a number of rows. ``feature`` keeps the categories that
have as many.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.elementary import total, totals
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn

MOST_ROWS = 5
"""Number of rows from which a category is kept whatever the target."""
FEWEST_REPEATED = 100
"""Rows beyond the first of their category; fewer say nothing about the variance within categories."""


def fewest_rows(column: CategoricalColumn, targets: Sequence[Column]) -> int:
    """Return the number of rows of a category from which it is worth keeping, 1 to ``MOST_ROWS``.

    The mean of n rows of a category is shrunk toward the mean of all rows by the factor n / (n + k) of empirical
    Bayes, where k is the variance of the target within categories over that between them. From k rows on, a category
    says more than the prior. Both variances are estimated by moments, from the sums of squares within and between
    categories::

        w = sum of (y - mean of its category)^2 / (N - L)
        b = (sum over categories of n_j (mean_j - mean)^2 - (L - 1) w) / (N - sum of n_j^2 / N)      k = w / b

    Args:
        column: A column of the training rows: N rows with a value and a target, of L categories.
        targets: The target columns of these rows; each class counts as a column of 0 and 1.

    Source:
        Efron & Morris 1975; Micci-Barreca 2001 (eq. 4 and 5).
    """
    there = column.codes > 0
    for target in targets:
        there &= ~target.missing
    codes = column.codes[there] - 1
    counts = np.bincount(codes, minlength=len(column.levels))
    rows, categories = int(counts.sum()), int(np.count_nonzero(counts))
    if rows - categories < FEWEST_REPEATED or categories < 2:
        return MOST_ROWS
    sizes = counts.astype(np.float64)
    ratios = [_variances(codes, y[there], sizes, rows, categories) for y in map(_columns, targets) if y.size]
    within, between = (total([each[place] for each in ratios]) for place in (0, 1))
    if not between > 0.0:
        return MOST_ROWS
    return int(min(max(np.floor(within / between + 0.5), 1.0), MOST_ROWS))


def _variances(
    codes: NDArray[np.int32], y: NDArray[np.float64], sizes: NDArray[np.float64], rows: int, categories: int
) -> tuple[float, float]:
    """Return the variances of y (N, k) within and between categories, as shares of all variance; 0 for a constant."""
    y = y - totals(y) / rows
    squares = total(totals(y * y))
    if not 0.0 < squares < np.inf:
        return 0.0, 0.0
    sums = np.stack([np.bincount(codes, each, minlength=len(sizes)) for each in y.T])
    explained = total(totals(sums * sums / np.maximum(sizes, 1.0)))
    within = (squares - explained) / (rows - categories)
    between = (explained - (categories - 1) * within) / (rows - total(sizes * sizes) / rows)
    return within / squares, between / squares


def _columns(target: Column) -> NDArray[np.float64]:
    """Return a target as numbers (N, k): itself, or an indicator of each class; (N, 0) for dates."""
    if isinstance(target, NumericColumn):
        return target.values[:, None]
    if isinstance(target, DatetimeColumn):
        return np.empty((len(target.microseconds), 0))
    return np.equal(target.codes[:, None], np.flatnonzero(target.counts()) + 1).astype(np.float64)
