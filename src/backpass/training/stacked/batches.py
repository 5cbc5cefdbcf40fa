"""Stacked batches: which of its rows a network reads at each step.

Every epoch visits each row once, in a new random order, in batches whose sizes differ by at most one row. The order
follows from the seed, the epoch and the number of rows alone, so it is the same whatever other networks train.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.philox import permutation

_PURPOSE = 0x5EED_0020


@dataclass(frozen=True, slots=True)
class Batches:
    """The shape of the batches of networks that share a stack.

    Attributes:
        size: B, the rows of a batch at most.
        steps: The number of batches of an epoch.
    """

    size: int
    steps: int

    @staticmethod
    def of(rows: int, size: int) -> Batches:
        """The batches of a network with so many rows.

        >>> Batches.of(70, 32)
        Batches(size=32, steps=3)
        """
        return Batches(size, -(-rows // size))

    def places(self, rows: int, seed: int, first: int, last: int) -> NDArray[numpy.int64]:
        """The row that fills each place of the batches of epochs first .. last - 1; -1 where a place stays empty.

        Args:
            rows: The number of rows of the network.
            seed: The seed.
            first: The first epoch, counted from 0.
            last: The epoch after the last one.

        Returns:
            int64 (epochs * steps, B).

        >>> Batches(3, 2).places(5, seed=0, first=0, last=1)
        array([[ 4,  0, -1],
               [ 3,  2,  1]])
        """
        orders = _orders(self.size * self.steps, seed, first, last)
        orders = orders[orders < rows].reshape(last - first, rows)
        ends = rows * numpy.arange(self.steps + 1) // self.steps
        batch = numpy.searchsorted(ends, numpy.arange(rows), side="right") - 1
        found = numpy.full((last - first, self.size * self.steps), -1, dtype=numpy.int64)
        found[:, batch * self.size + numpy.arange(rows) - ends[batch]] = orders
        return found.reshape(-1, self.size)


@lru_cache(maxsize=4)
def _orders(places: int, seed: int, first: int, last: int) -> NDArray[Any]:
    """A random order of all places for each epoch. That of fewer rows is the same order without the other places."""
    return numpy.stack([permutation(seed, epoch, _PURPOSE, places) for epoch in range(first, last)])
