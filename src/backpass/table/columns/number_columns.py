"""Number columns: the encoded numbers of some rows of a table, computed where they are read.

It takes features and a table and stands for float64 (n, p), see ``Schema.encode``. It is read in slices of rows, or one
column after another, and takes no memory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.datetimes.date_components import part_values
from backpass.table.datetimes.timestamp import NAT
from backpass.table.feature import DatetimeFeature, Feature, NumericFeature, TextFeature, number_inputs
from backpass.table.free_text.columns import encode_column
from backpass.table.free_text.encoding import Words
from backpass.table.table import DatetimeColumn, NumericColumn, Table

Floats: TypeAlias = NDArray[np.float64]
Block: TypeAlias = Callable[[Any], Floats]
"""The numbers of one feature: rows (a slice, or their numbers) -> (m, parts)."""


_ROWS = 2048
"""Rows of a matrix that are filled at a time: one column after another, they stay in the cache."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberColumns:
    """The numbers of some rows, float64 (n, p), NaN where missing.

    Attributes:
        table: The table.
        blocks: The numbers of each feature, by the name of its column, and their number of columns.
        rows: n, the number of rows.
        index: The rows of the table; None: all of them.
        words: How many words of each free-text column the schema knows.
    """

    table: Table
    blocks: Mapping[str, tuple[Block, int]]
    rows: int
    index: NDArray[Any] | None
    words: Mapping[str, Words]

    @staticmethod
    def of(table: Table, features: Sequence[Feature]) -> NumberColumns:
        """The numbers of all rows of a table."""
        blocks, words = dict[str, tuple[Block, int]](), dict[str, Words]()
        for feature in features:
            if isinstance(feature, TextFeature):
                texts, words[feature.name] = encode_column(table.columns[feature.name], feature.encoding)
                blocks[feature.name] = (texts.__getitem__, texts.shape[1])
            elif width := len(number_inputs(feature)):
                blocks[feature.name] = (partial(_numbers_of, table, feature), width)
        return NumberColumns(table, blocks, table.rows, None, words)

    @property
    def width(self) -> int:
        """p, the number of columns."""
        return sum(width for _, width in self.blocks.values())

    def take(self, index: NDArray[Any] | None) -> NumberColumns:
        """The numbers of these rows, in this order; None: of all."""
        return self if index is None else replace(self, rows=len(index), index=index)

    def __len__(self) -> int:
        return self.rows

    @property
    def T(self) -> Iterator[Floats]:  # noqa: N802  the name that it has in NumPy
        """One column (n,) after another: the rows of the transposed matrix."""
        for name in self.blocks:
            yield from np.ascontiguousarray(self.block(name).T)

    def block(self, name: str) -> Floats:
        """The numbers of the feature of a column, (n, parts)."""
        block, _ = self.blocks[name]
        return block(slice(None) if self.index is None else self.index)

    def __getitem__(self, rows: slice) -> Floats:
        start, stop, _ = rows.indices(self.rows)
        found = np.empty((stop - start, self.width))
        for at in range(start, stop, _ROWS):
            piece, first = slice(at, min(at + _ROWS, stop)), 0
            chosen = piece if self.index is None else self.index[piece]
            for block, width in self.blocks.values():
                found[at - start : at - start + _ROWS, first : first + width] = block(chosen)
                first += width
        return found


def _numbers_of(table: Table, feature: Feature, rows: Any) -> Floats:
    """The numbers of a feature in some rows of a table; an empty column may be of any kind."""
    column = table.columns[feature.name]
    if isinstance(feature, DatetimeFeature):
        if isinstance(column, DatetimeColumn):
            microseconds = column.microseconds[rows]
        else:
            microseconds = np.full(len(table.row_numbers[rows]), NAT)
        return np.stack([part_values(microseconds, feature.kind, part) for part in feature.parts], axis=1)
    if not (isinstance(feature, NumericFeature) and isinstance(column, NumericColumn)):
        return np.full((len(table.row_numbers[rows]), len(number_inputs(feature))), np.nan)
    values: Floats = column.values[rows]
    if not feature.marks_bounds:
        return values[:, None]
    signs = np.zeros(len(values)) if column.bounds is None else column.bounds[rows]
    return np.stack([values, np.where(np.isnan(values), np.nan, signs)], axis=1)
