"""The split: decides which rows train, which select the epoch, and which only score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from backpass.model.metrics import FEWEST_ROWS
from backpass.numerics.philox import permutation

_PURPOSE = 0x591A_0000


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row numbers of the three splits, in the order in which they were drawn."""

    train: NDArray[Any]
    validation: NDArray[Any]
    test: NDArray[Any]


def split_rows(rows: int, validation_fraction: float, test_fraction: float, seed: int) -> Split:
    """A random split of 0 .. rows-1: the first rows of a random order train, the next validate, the last test.

    At least one row trains. The fractions must add up to less than 1.

    >>> split = split_rows(100, 0.16, 0.2, seed=0)
    >>> len(split.train), len(split.validation), len(split.test)
    (64, 16, 20)
    """
    order = permutation(seed, 0, _PURPOSE, rows)
    if rows < FEWEST_ROWS:
        return Split(order, order[:0], order[:0])
    # Rounded to six digits first, so that 0.64 times 100 rows is 64, not 63.
    first = max(int(round((1.0 - validation_fraction - test_fraction) * rows, 6)), 1)
    second = max(int(round((1.0 - test_fraction) * rows, 6)), first)
    return Split(order[:first], order[first:second], order[second:])
