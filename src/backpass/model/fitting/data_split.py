"""A part: rows of a problem that train, validate or test; as a table with targets first, as arrays for a network then.

Comes in: a table, its targets, perhaps a weight per row. Which rows make which part is ``split``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.elementary import total
from backpass.table import DatetimeColumn, NumericColumn, Table
from backpass.table.stack import stacked
from backpass.table.table import Column

Weights = NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class DataSplit:
    """The rows of one part: network inputs x (n, d), targets y for the loss, and the targets themselves, truth (n,).

    ``weights`` (n,) says how much each row counts; None is 1 for each. With several targets truth is (n, k).
    """

    x: NDArray[Any]
    y: NDArray[Any]
    truth: NDArray[Any]
    weights: Weights = None

    @property
    def rows(self) -> int:
        return len(self.x)

    def take(self, index: NDArray[Any]) -> DataSplit:
        """These rows, in this order."""
        weights = None if self.weights is None else self.weights[index]
        return DataSplit(self.x[index], self.y[index], self.truth[index], weights)

    def training_weights(self) -> NDArray[np.float64]:
        """The weights scaled to a mean of 1: (n,)"""
        return np.ones(self.rows) if self.weights is None else self.weights * (self.rows / total(self.weights))

    @staticmethod
    def joined(parts: Sequence[DataSplit]) -> DataSplit:
        """The rows of several parts, one part after another."""
        x, y, truth = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y", "truth"))
        if all(part.weights is None for part in parts):
            return DataSplit(x, y, truth)
        return DataSplit(x, y, truth, np.concatenate([weights_or_ones(part) for part in parts]))


def weights_or_ones(part: DataSplit) -> NDArray[np.float64]:
    """The weights as they are, 1 for each row where there are none: (n,)"""
    return np.ones(part.rows) if part.weights is None else part.weights


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a table with their targets, truth (n,) or (n, k), and their weights (n,), None for 1 each."""

    table: Table
    truth: NDArray[Any]
    weights: Weights = None

    def take(self, index: NDArray[Any]) -> Rows:
        """These rows, in this order."""
        weights = None if self.weights is None else self.weights[index]
        return Rows(self.table.take(index), self.truth[index], weights)

    def counted(self) -> Rows:
        """The rows that count: those of weight 0 are not there."""
        return self if self.weights is None else self.take(np.flatnonzero(self.weights > 0.0))

    @staticmethod
    def stacked(several: Sequence[Rows]) -> Rows:
        """The rows of several tables with the same columns, one table beneath another."""
        truth, table = np.concatenate([each.truth for each in several]), stacked([each.table for each in several])
        if all(each.weights is None for each in several):
            return Rows(table, truth)
        weights = [np.ones(each.table.rows) if each.weights is None else each.weights for each in several]
        return Rows(table, truth, np.concatenate(weights))

    def distinct(self) -> Rows:
        """The weighted set these rows are: equal rows become one with the sum of their weights.

        A row of weight 0 is not there, a row of weight 3 is the row three times, and weights all alike are none. They
        are sorted, so whatever is made of the set is the same for every order and every repetition of the rows.
        """
        rows = self.counted()
        columns = [_bits(column) for column in rows.table.columns.values()]
        columns += [_bits_of_numbers(y.astype(np.float64)) for y in rows.truth.reshape(rows.table.rows, -1).T]
        weights = np.ones(rows.table.rows) if rows.weights is None else rows.weights
        order = np.lexsort((weights, *columns))
        new = _is_new(columns, order)
        found = rows.take(order[new])
        sums = np.zeros(found.table.rows)
        np.add.at(sums, np.cumsum(new) - 1, weights[order])  # one after another, in this order
        return Rows(found.table, found.truth, None if (sums == sums[0]).all() else sums)


def _is_new(columns: list[NDArray[np.uint64]], order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where a row differs from the one before it, in this order."""
    new = np.zeros(len(order), dtype=np.bool_)
    new[:1] = True
    for column in columns:
        placed = column[order]
        new[1:] |= placed[1:] != placed[:-1]
    return new


def _bits(column: Column) -> NDArray[np.uint64]:
    """One number per value, equal where values are; it does not depend on texts that no row holds."""
    if isinstance(column, NumericColumn):
        return _bits_of_numbers(column.values)
    if isinstance(column, DatetimeColumn):
        return column.microseconds.view(np.uint64)
    return np.unique(column.codes[column.codes > 0]).searchsorted(column.codes, "right").astype(np.uint64)


def _bits_of_numbers(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    return np.where(np.isnan(values), np.nan, values + 0.0).view(np.uint64)
