"""Slabs: the numbers of a table that is not read again, in pieces of rows that take the place of its columns in memory.

It takes the number columns of several splits and yields their numbers, slab by slab. The columns move to the slabs one
after another, and each is given up; a slab is freed when the next one is requested. So there is no time at which the
columns and what is made of all slabs are both in memory. ``number_columns`` reads tables that stay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from backpass.table.columns.number_columns import Floats, NumberColumns

BYTES = 2**25
"""Minimum size of a slab, in bytes: the C library returns such an array to the system as soon as it is freed."""


def slabs_of(several: Sequence[NumberColumns], multiple: int) -> Iterator[tuple[int, int, Floats]]:
    """Yield the numbers of several sets of rows one after another; their tables lose all columns.

    Args:
        several: The sets of rows, with the same columns.
        multiple: The number of rows of a slab is a multiple of this, except that of the last slab of a set.

    Yields:
        The number of the set, the number of the first row in it, and the numbers of a slab, float64 (m, p).
    """
    slabs = _moved(several, multiple)
    while slabs:
        yield slabs.popleft()


def _moved(several: Sequence[NumberColumns], multiple: int) -> deque[tuple[int, int, Floats]]:
    """The slabs, to which all columns are moved."""
    width = several[0].width
    rows = multiple * max(-(-BYTES // (8 * multiple * max(width, 1))), 1)
    # A column of a slab lies in one piece: writing to it takes the memory of that piece only.
    slabs = deque(
        (number, first, np.empty((width, min(rows, len(each) - first))).T)
        for number, each in enumerate(several)
        for first in range(0, len(each), rows)
    )
    tables = {id(each.table): each.table for each in several}.values()
    for table in tables:
        for name in [name for name in table.columns if name not in several[0].blocks]:
            table.give_up(name)
    column = 0
    for name, (_, parts) in several[0].blocks.items():
        for number, each in enumerate(several):
            values = each.block(name)
            for owner, first, slab in slabs:
                if owner == number:
                    slab[:, column : column + parts] = values[first : first + len(slab)]
        column += parts
        for table in tables:
            table.give_up(name)
    return slabs
