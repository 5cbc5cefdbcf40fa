"""Sentinels: numbers such as -999 or -200 that probably stand for "no value".

A number is suspected if it is written as sentinels are, occurs several times as the smallest or largest value of its
column, and lies far from all others. It is never removed: a real -200 looks the same. The note names the option that
declares it.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass

REPEATED = frozenset(float(sign * int(digit * count)) for sign in (1, -1) for digit in "987" for count in range(2, 8))
ROUND = frozenset({-100.0, -200.0, -300.0, -500.0, -1000.0, -2000.0, -10000.0, -32768.0, -32767.0, 32767.0, -9.0, -1.0})
EXTREME = frozenset({-2147483648.0, 2147483647.0, -1e20, 1e20, 1e30, -1e30, 9.96921e36, 1e35, -999.9, -999.25, -99.9})
FRACTIONS = frozenset(
    float(f"{sign}{'9' * count}.{fraction}") for sign in ("", "-") for count in range(2, 8) for fraction in ("9", "99")
)
SENTINELS = REPEATED | ROUND | EXTREME | FRACTIONS
FEWEST = 3  # rows of a suspected number
FEWEST_OTHERS = 5  # different values beside it


@dataclass(frozen=True, slots=True)
class Suspected:
    """A number that may stand for "no value".

    Attributes:
        value: The number.
        rows: Number of rows that hold it.
        low: Smallest other number.
        high: Largest other number.
    """

    value: float
    rows: int
    low: float
    high: float


def suspected_sentinels(values: NDArray[np.float64], sentinels: Collection[float] = SENTINELS) -> list[Suspected]:
    """Return the numbers of a column (n,) that may stand for "no value".

    The gap to the other numbers is wider than their range; for a negative number below numbers that are never negative,
    a tenth of the range is enough.

    Args:
        values: The numbers, NaN where missing.
        sentinels: The numbers that are suspected.

    >>> values = np.array([20.0, 21.5, -200.0, 19.0, -200.0, 22.0, -200.0, 18.5])
    >>> [(each.value, each.rows) for each in suspected_sentinels(values)]
    [(-200.0, 3)]
    """
    there = values[~np.isnan(values)]
    found: list[Suspected] = []
    while there.size:
        low, high = float(there.min()), float(there.max())
        value = low if low in sentinels else high
        if value not in sentinels:
            break
        others = there[there != value]
        rows = there.size - others.size
        if rows < FEWEST or not others.size or not _is_isolated(value, others):
            break
        found.append(Suspected(value, rows, float(others.min()), float(others.max())))
        there = others
    return found


def _is_isolated(value: float, others: NDArray[np.float64]) -> bool:
    low, high = float(others.min()), float(others.max())
    if len({*others[:1000].tolist()}) < FEWEST_OTHERS:
        return False
    gap = low - value if value < low else value - high
    return gap > (0.1 if value < 0.0 <= low else 1.0) * (high - low)
