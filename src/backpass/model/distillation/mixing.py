"""Mixed rows: rows made up from those of a table, for a teacher to label.

A mixed row is a row of the table with some of its values replaced by those of other rows, column by column, so that
every column keeps its distribution. The combinations are new: a network that learns the predictions there follows the
teacher between the rows, too (Bucilua, Caruana & Niculescu-Mizil 2006, with columns drawn independently).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.philox import integers, key_of, philox_bits
from backpass.table import Column, Table

REPLACED = 0.3
"""The probability that a value is that of another row."""

_PURPOSE = 0x3D15_0000
_BITS = 2**32


def mixed_rows(table: Table, count: int, seed: int) -> tuple[Table, NDArray[np.int64]]:
    """Mixed rows of a table, and the row that each one is made from.

    Args:
        table: The rows.
        count: The number of mixed rows.
        seed: The seed of all draws.

    >>> from backpass.table import table_from
    >>> mixed, rows = mixed_rows(table_from({"x": range(9), "y": range(9)}), 4, seed=0)
    >>> mixed.rows, int((mixed.columns["x"].values == rows).sum()) > 0
    (4, True)
    """
    base = integers(seed, 0, _PURPOSE, count, table.rows)
    columns = dict[str, Column]()
    for number, (name, column) in enumerate(table.columns.items(), start=1):
        other = integers(seed, number, _PURPOSE, count, table.rows)
        chance = philox_bits(key_of(seed), number, _PURPOSE + 1, (count,))
        index: NDArray[Any] = np.where(chance < REPLACED * _BITS, other, base)
        columns[name] = column.take(index)
    return replace(table, columns=columns, row_numbers=table.row_numbers[base]), base
