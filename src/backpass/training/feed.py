"""A feed: training rows that do not fit in memory, read window by window.

Each epoch visits the windows in an order of its own, and the rows of a window by the sampling scheme.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from backpass.numerics.philox import permutation

_PURPOSE = 0x5EED_0010


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """Windows of training rows, beside those that are in memory.

    Attributes:
        rows: The number of rows of each window.
        load: Number of a window -> its arrays, in the order in which the objective takes them.
    """

    rows: tuple[int, ...]
    load: Callable[[int], Sequence[NDArray[Any]]]

    def order(self, seed: int, epoch: int) -> list[int]:
        """The order in which an epoch visits the windows; window 0 is the one in memory.

        >>> sorted(Feed((5, 5), lambda number: ()).order(seed=0, epoch=3))
        [0, 1, 2]
        """
        return [int(number) for number in permutation(seed, epoch, _PURPOSE, 1 + len(self.rows))]
