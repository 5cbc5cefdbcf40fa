"""Fractions: numbers that seem to be fractions where percentages are expected, such as 0.123 for 12.3%.

Takes the values of a column and the quantiles of the training rows; returns whether they differ by that factor.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CHANCE = 0.05
"""The greatest probability that rows like the training rows lie in so narrow a range."""
LIKELIER = 2.0
"""How many times nearer to the middle of the training rows the median must lie as a fraction than as a percentage."""
SMALLER = 20.0
"""How many times smaller than percentages fractions are at least: 100 times, if the rows are like the training rows."""


def are_fractions(
    values: NDArray[np.float64], factor: float, quantiles: Sequence[float], shares: Sequence[float]
) -> bool:
    """Whether ``factor`` times the values are like the training rows, and the values themselves are not.

    Args:
        values: The values (n,), finite.
        factor: 100 for percentages, 1000 for per mille.
        quantiles: The quantiles of the training rows, in order; empty if unknown.
        shares: The shares of rows that they belong to; 0.05 and 0.95 are among them.

    >>> shares = (0.0, 0.05, 0.5, 0.95, 1.0)
    >>> are_fractions(np.array([0.1, 0.12, 0.2]), 100.0, (5.0, 8.0, 12.0, 20.0, 25.0), shares)
    True
    >>> are_fractions(np.array([10.0, 12.0, 20.0]), 100.0, (5.0, 8.0, 12.0, 20.0, 25.0), shares)
    False
    """
    if not quantiles or not np.any(values):
        return False
    then = dict(zip(shares, quantiles, strict=True))
    least, most = quantiles[0], quantiles[-1]
    size, usual = float(np.quantile(np.abs(values), 0.95)), max(abs(then[0.05]), abs(then[0.95]))
    room = 0.25 * max(abs(least), abs(most))
    ends = factor * np.quantile(values, (0.05, 0.95))
    is_like = least - room <= ends[0] and ends[1] <= most + room
    if not is_like or size * SMALLER > usual:
        return False
    middle = float(np.median(values))
    if _depth(factor * middle, quantiles, shares) < LIKELIER * _depth(middle, quantiles, shares):
        return False
    share = np.interp((values.min(), values.max()), quantiles, shares)
    return bool((share[1] - share[0] if values.min() < 0.0 else share[1]) ** len(values) <= CHANCE)


def _depth(value: float, quantiles: Sequence[float], shares: Sequence[float]) -> float:
    """The share of the training rows beyond a value, on the side where fewer lie: 0.5 for the median."""
    share = float(np.interp(value, quantiles, shares))
    return min(share, 1.0 - share)
