"""The bootstrap: confidence intervals of scores, which depend on the choice of the rows they are measured on.

The score is recomputed on rows drawn with replacement, many times; the spread of the results gives the interval
(Efron 1979). ``intervals`` takes a function from row weights to scores, so that each row is predicted only once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.philox import key_of, philox_bits_of_steps

SAMPLES = 400
_PURPOSE = 0x5D0B_0000
_WORK = 4_000_000
"""The maximum number of rows drawn in total: a score on a million rows needs no three-digit interval."""
_FEWEST = 100
_NUMBERS_AT_ONCE = 2**16


@dataclass(frozen=True, slots=True)
class Interval:
    """A score and its 95 % confidence interval (percentile interval).

    Attributes:
        value: The score on all rows.
        low: The lower end of the interval; NaN if the rows are a single unit, which says nothing of others.
        high: The upper end of the interval; NaN likewise.
    """

    value: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether the interval has ends."""
        return not isnan(self.low)

    def ends(self) -> tuple[float | None, float | None]:
        """Both ends, for JSON: None if they are not known."""
        return (self.low, self.high) if self.is_known else (None, None)


def intervals(
    scores: Callable[[NDArray[np.float64] | None], Mapping[str, float]],
    rows: int,
    *,
    unit: NDArray[Any] | None = None,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return each score with its interval.

    Args:
        scores: A function that takes weights (n,), or None for equal weights, and returns scores by name.
        rows: n, the number of rows.
        unit: The number of the group of each row, int (n,): whole groups are drawn. Default None: single rows.
        seed: The seed of the draws.
    """
    number = None if unit is None else np.unique(unit, return_inverse=True)[1].reshape(-1)
    units = rows if number is None else int(number.max(initial=0)) + 1

    if units < 2:
        return {name: Interval(value, nan, nan) for name, value in scores(None).items()}

    def weights(step: int) -> NDArray[np.float64]:
        counts = counts_of(units, seed, step)
        return counts if number is None else counts[number]

    drawn = [scores(weights(step)) for step in range(draws_for(rows))]
    found = {}
    for name, value in scores(None).items():
        values = np.sort(np.array([each[name] for each in drawn if name in each]))
        values = values[np.isfinite(values)]
        ends = (values[int(0.025 * values.size)], values[int(0.975 * values.size)]) if values.size else (value, value)
        found[name] = Interval(value, float(ends[0]), float(ends[1]))
    return found


def draws_for(rows: int) -> int:
    """The number of draws for n rows.

    >>> draws_for(500), draws_for(20_000), draws_for(10**6)
    (400, 200, 100)
    """
    return int(np.clip(_WORK // max(rows, 1), _FEWEST, SAMPLES))


def counts_of(rows: int, seed: int, step: int) -> NDArray[np.float64]:
    """Draw n rows with replacement and return how often each one was drawn: (n,)"""
    return _counts(rows, seed, range(step, step + 1))[:, 0]


def counts_of_all(rows: int, seed: int, draws: int) -> Iterator[NDArray[np.float64]]:
    """The counts of several draws, a column each as ``counts_of`` returns them, in blocks (n, some of the draws)."""
    some = max(_NUMBERS_AT_ONCE // max(rows, 1), 1)
    for first in range(0, draws, some):
        yield _counts(rows, seed, range(first, min(first + some, draws)))


def _counts(rows: int, seed: int, steps: range) -> NDArray[np.float64]:
    bits = philox_bits_of_steps(key_of(seed), steps, _PURPOSE, rows).astype(np.uint64)
    drawn = ((bits * np.uint64(rows)) >> np.uint64(32)).astype(np.intp)
    drawn += rows * np.arange(len(steps))[:, None]
    counts = np.bincount(drawn.reshape(-1), minlength=rows * len(steps)).reshape(len(steps), rows)
    return np.ascontiguousarray(counts.T, dtype=np.float64)
