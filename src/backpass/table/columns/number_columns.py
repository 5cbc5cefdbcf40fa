"""Number columns: the encoded numbers of some rows of a table, computed where they are read.

It takes features and a table and stands for float64 (n, p), see ``Schema.encode``. It is read in slices of rows, or one
column after another, and takes no memory beside the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.table.feature import DatetimeFeature, Feature, NumericFeature, TextFeature, number_inputs
from backpass.table.free_text.columns import encode_column
from backpass.table.free_text.encoding import Words
from backpass.table.moments.date_components import part_values
from backpass.table.moments.timestamp import NAT
from backpass.table.table import Column, DatetimeColumn, NumericColumn, Table

Floats: TypeAlias = NDArray[np.float64]
Block: TypeAlias = Callable[[Any], Floats]
"""The numbers of one feature: rows (a slice, or their numbers) -> (m, parts)."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberColumns:
    """The numbers of some rows, float64 (n, p), NaN where missing.

    Attributes:
        blocks: The numbers of each feature, and their number of columns.
        rows: n, the number of rows.
        index: The rows of the table; None: all of them.
        words: How many words of each free-text column the schema knows.
    """

    blocks: tuple[tuple[Block, int], ...]
    rows: int
    index: NDArray[Any] | None
    words: Mapping[str, Words]

    @staticmethod
    def of(table: Table, features: Sequence[Feature]) -> NumberColumns:
        """The numbers of all rows of a table."""
        blocks, words = list[tuple[Block, int]](), dict[str, Words]()
        for feature in features:
            column = table.columns[feature.name]
            if isinstance(feature, TextFeature):
                texts, words[feature.name] = encode_column(column, feature.encoding)
                blocks.append((texts.__getitem__, texts.shape[1]))
            elif width := len(number_inputs(feature)):
                blocks.append((_block(column, feature), width))
        return NumberColumns(tuple(blocks), table.rows, None, words)

    def take(self, index: NDArray[Any] | None) -> NumberColumns:
        """The numbers of these rows, in this order; None: of all."""
        return self if index is None else replace(self, rows=len(index), index=index)

    def __len__(self) -> int:
        return self.rows

    @property
    def T(self) -> Iterator[Floats]:  # noqa: N802  the name that it has in NumPy
        """One column (n,) after another: the rows of the transposed matrix."""
        rows = slice(None) if self.index is None else self.index
        for block, _ in self.blocks:
            yield from np.ascontiguousarray(block(rows).T)

    def __getitem__(self, rows: slice) -> Floats:
        chosen = rows if self.index is None else self.index[rows]
        found, first = np.empty((len(range(*rows.indices(self.rows))), sum(width for _, width in self.blocks))), 0
        for block, width in self.blocks:
            found[:, first : first + width] = block(chosen)
            first += width
        return found


def _block(column: Column, feature: Feature) -> Block:
    """The numbers of a feature; an empty column may be of any kind."""
    if isinstance(feature, DatetimeFeature):
        microseconds = column.microseconds if isinstance(column, DatetimeColumn) else np.full(len(column.missing), NAT)
        kind, parts = feature.kind, feature.parts
        return lambda rows: np.stack([part_values(microseconds[rows], kind, part) for part in parts], axis=1)
    if not (isinstance(feature, NumericFeature) and isinstance(column, NumericColumn)):
        empty = np.full((len(column.missing), len(number_inputs(feature))), np.nan)
        return lambda rows: empty[rows]
    values = column.values
    if not feature.marks_bounds:
        return lambda rows: values[rows][:, None]
    signs = np.where(np.isnan(values), np.nan, column.signs)
    return lambda rows: np.stack([values[rows], signs[rows]], axis=1)
