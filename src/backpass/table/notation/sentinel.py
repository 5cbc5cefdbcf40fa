"""Sentinels: numbers such as -999 or -200 that probably stand for "no value".

A number is suspected if it is written as sentinels are, occurs several times as the smallest or largest value of its
column, and lies far from all others. It is never removed: a real -200 looks the same. The note names the option that
declares it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

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
SURVEY = frozenset({96.0, 97.0, 98.0, 996.0, 997.0, 998.0, 9996.0, 9997.0, 9998.0, *map(float, range(-8, -1))})
"""Codes of surveys, suspected beside one of the others (97, 98, 99), or alone if their gap is wider than the range."""
SUSPECTED = SENTINELS | SURVEY
MOST_BESIDE = 5  # different ones at one end
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
    a tenth of the range is enough. Several may stand beside each other: 97, 98 and 99, or -7, -8 and -9.

    Args:
        values: The numbers, NaN where missing.
        sentinels: The numbers that are suspected.

    >>> values = np.array([20.0, 21.5, -200.0, 19.0, -200.0, 22.0, -200.0, 18.5])
    >>> [(each.value, each.rows) for each in suspected_sentinels(values)]
    [(-200.0, 3)]
    >>> [each.value for each in suspected_sentinels(np.array([1.0, 97, 2, 98, 3, 99, 4, 99, 5, 6]))]
    [99.0, 98.0, 97.0]
    """
    suspected = SUSPECTED if sentinels is SENTINELS else sentinels
    there = values[~np.isnan(values)]
    found: list[Suspected] = []
    while there.size:
        ends = (_outermost(there, end, sentinels, suspected) for end in (np.min, np.max))
        group, others = next(filter(None, ends), ((), there))
        if not group:
            break
        low, high = float(others.min()), float(others.max())
        found += [Suspected(value, int(np.count_nonzero(there == value)), low, high) for value in group]
        there = others
    return found


def _outermost(
    there: NDArray[np.float64],
    end: Callable[[NDArray[np.float64]], np.float64],
    sentinels: Collection[float],
    suspected: Collection[float],
) -> tuple[tuple[float, ...], NDArray[np.float64]] | None:
    """Return the fewest suspected numbers at one end that are isolated, the outermost first, and the other numbers."""
    group, others = list[float](), there
    while others.size and len(group) < MOST_BESIDE:
        value = float(end(others))
        if value not in suspected:
            return None
        group.append(value)
        others = others[others != value]
        is_sure = any(each in sentinels for each in group)
        if there.size - others.size >= FEWEST and others.size and _is_isolated(value, others, is_sure=is_sure):
            return tuple(group), others
    return None


def _is_isolated(value: float, others: NDArray[np.float64], *, is_sure: bool) -> bool:
    low, high = float(others.min()), float(others.max())
    if len({*others[:1000].tolist()}) < FEWEST_OTHERS:
        return False
    gap = low - value if value < low else value - high
    return gap > (0.1 if is_sure and value < 0.0 <= low else 1.0) * (high - low)
