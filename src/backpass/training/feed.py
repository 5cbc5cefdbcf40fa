"""A feed: training rows that do not fit in memory, read window by window.

Each epoch visits the windows in an order of its own, and the rows of a window by the sampling scheme. Where processes
divide the shards of each batch, a shard takes its rows from the same part of every window, so that each process reads
the rows of its own shards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.philox import permutation

_PURPOSE, _SHUFFLE = 0x5EED_0010, 0x5EED_1000


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """Windows of training rows, beside those that are in memory.

    Attributes:
        shards: The number of rows of each shard, by window; (n,) if batches are not cut into shards.
        load: Number of a window -> the rows of this process's shards, one shard after another: arrays in the order in
            which the objective takes them.
        own: The shards of this process.
    """

    shards: tuple[tuple[int, ...], ...]
    load: Callable[[int], Sequence[NDArray[Any]]]
    own: range = range(1)

    @property
    def rows(self) -> tuple[int, ...]:
        """The number of rows of each window."""
        return tuple(map(sum, self.shards))

    def order(self, seed: int, epoch: int) -> list[int]:
        """The order in which an epoch visits the windows; window 0 is the one in memory.

        >>> sorted(Feed(((5,), (5,)), lambda number: ()).order(seed=0, epoch=3))
        [0, 1, 2]
        """
        return [int(number) for number in permutation(seed, epoch, _PURPOSE, 1 + len(self.shards))]

    def batches(self, window: int, steps: int, seed: int, draw: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Batches of a window that is divided into shards: each shard's rows in a random order, evenly over the steps.

        Args:
            window: The number of the window.
            steps: The number of batches, k.
            seed: The seed.
            draw: The number of the draw.

        Returns:
            The rows that each step reads (k, B), one shard after another, as numbers in what ``load`` returns; those of
            other processes' shards are elsewhere. And where the shards begin and end in it (k, shards + 1).
        """
        cuts = self._cuts(window, steps)
        sizes = numpy.diff(cuts, axis=0)
        bounds = numpy.concatenate([numpy.zeros((steps, 1), dtype=numpy.int64), numpy.cumsum(sizes, axis=1)], axis=1)
        rows = numpy.zeros((steps, int(bounds[:, -1].max())), dtype=numpy.int64)
        begin = -sum(self.shards[window][: self.own.start])
        for shard, count in enumerate(self.shards[window]):
            if shard in self.own:
                order = begin + permutation(seed, draw, _SHUFFLE + shard, count)
                steps_of = numpy.repeat(numpy.arange(steps), sizes[:, shard])
                rows[steps_of, numpy.arange(count) - cuts[steps_of, shard] + bounds[steps_of, shard]] = order
            begin += count
        return rows, bounds

    def batch_sizes(self, window: int, steps: int) -> NDArray[Any]:
        """The number of rows of each of these batches: (k,)"""
        sizes: NDArray[Any] = numpy.diff(sum(self._cuts(window, steps).T))
        return sizes

    def _cuts(self, window: int, steps: int) -> NDArray[Any]:
        """How many rows of each shard are read before each step: (k + 1, shards)"""
        cuts: NDArray[Any] = numpy.arange(steps + 1)[:, None] * numpy.array(self.shards[window]) // steps
        return cuts
