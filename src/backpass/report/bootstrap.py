"""The bootstrap: how far a score may be off because it was measured on these rows and not on others.

Rows are drawn again with replacement, and the score is worked out anew; how the results spread is the answer
(Efron 1979). Scores come from a function of the rows' counts, so that nothing is predicted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.philox import key_of, philox_bits

SAMPLES = 400
_PURPOSE = 0x5D0B_0000
_WORK = 4_000_000
"""Rows drawn in all, at most: a score on a million rows needs no interval to the third digit."""
_FEWEST = 100


@dataclass(frozen=True, slots=True)
class Interval:
    """A score and the range that holds it with 95 % confidence (the percentile interval)."""

    value: float
    low: float
    high: float


def intervals(
    scores: Callable[[NDArray[np.float64] | None], Mapping[str, float]], rows: int, *, seed: int = 0
) -> dict[str, Interval]:
    """Each score with its interval.

    scores: weights (n,), or None for 1 each  ->  score by name
    """
    count = int(np.clip(_WORK // max(rows, 1), _FEWEST, SAMPLES))
    drawn = [scores(_counts(rows, seed, step)) for step in range(count)]
    found = {}
    for name, value in scores(None).items():
        values = np.sort(np.array([each[name] for each in drawn]))
        values = values[np.isfinite(values)]
        ends = (values[int(0.025 * values.size)], values[int(0.975 * values.size)]) if values.size else (value, value)
        found[name] = Interval(value, float(ends[0]), float(ends[1]))
    return found


def _counts(rows: int, seed: int, step: int) -> NDArray[np.float64]:
    """How often each row is drawn in n draws with replacement: (n,)"""
    bits = philox_bits(key_of(seed), step, _PURPOSE, (rows,)).astype(np.uint64)
    drawn = ((bits * np.uint64(rows)) >> np.uint64(32)).astype(np.intp)
    return np.bincount(drawn, minlength=rows).astype(np.float64)
