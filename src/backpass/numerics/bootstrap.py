"""The bootstrap: confidence intervals of scores, which depend on the choice of the rows they are measured on.

The score is recomputed on rows drawn with replacement, many times; the spread of the results gives the interval
(Efron 1979). ``intervals`` takes a function from row weights to scores, so that each row is predicted only once.
``ends_of`` defines the ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import inf, isfinite, isnan, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.elementary import mean
from backpass.numerics.philox import key_of, philox_bits_of_steps

SAMPLES = 400
_PURPOSE = 0x5D0B_0000
_WORK = 4_000_000
"""The maximum number of rows drawn in total: a score on a million rows needs no three-digit interval."""
_FEWEST = 100
_NOTABLE_BIAS = 0.25
"""The bias in standard errors from which an interval is corrected (Efron & Tibshirani 1993, section 10.3)."""
_NUMBERS_AT_ONCE = 2**16


@dataclass(frozen=True, slots=True)
class Interval:
    """A score and its 95% confidence interval, see ``ends_of``.

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
        values = np.array([each[name] for each in drawn if name in each])
        found[name] = Interval(value, *ends_of(value, values))
    return found


def drawn_weights(drawn: NDArray[np.float64] | None, own: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """Return the weights (n,) of rows that are drawn so many times (n,) and have weights of their own (n,).

    None stands for ones.

    >>> drawn_weights(np.array([2.0, 0.0]), np.array([0.5, 3.0])).tolist()
    [1.0, 0.0]
    """
    return own if drawn is None else drawn if own is None else np.asarray(drawn * own)


def ends_of(value: float, drawn: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of the 95% confidence interval of a score, from its values on drawn rows

    With the 2.5% and 97.5% quantiles q of the draws, and b = mean of the draws - value, their bias, it is

        min(value, q_0.025 - 2 b)    to    max(value, q_0.975 - 2 b)

    Once b is subtracted because the draws have it, and once because the value has it: the calibration error of a model
    without one is above 0, and that of drawn rows is higher still. A bias below a quarter of the standard error counts
    as none, which leaves the percentile interval. If no draw is negative, the lower end isn't either.

    Args:
        value: The score on all rows.
        drawn: The scores on drawn rows (draws,). Those that are not finite are left out.

    >>> ends_of(0.5, np.array([0.3, 0.4, 0.5, 0.6, 0.7]))
    (0.3, 0.7)
    >>> tuple(round(end, 9) for end in ends_of(1.0, np.array([1.5, 2.0, 2.5])))
    (0.0, 1.0)
    """
    values = np.sort(drawn[np.isfinite(drawn)])
    if not values.size:
        return value, value
    low, high = float(values[int(0.025 * values.size)]), float(values[int(0.975 * values.size)])
    if not isfinite(value):
        return low, high
    with np.errstate(over="ignore", invalid="ignore"):  # scores too large to square are not corrected
        bias = mean(values) - value
        error = sqrt(mean((values - (value + bias)) ** 2))
    if abs(bias) > _NOTABLE_BIAS * error:
        least = 0.0 if values[0] >= 0.0 else -inf
        low, high = max(low - 2.0 * bias, least), high - 2.0 * bias
    return min(value, low), max(value, high)


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
