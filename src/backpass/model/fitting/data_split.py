"""A data split: the rows of a problem that train, validate or test.

``Rows`` holds them as a table with targets, ``DataSplit`` as arrays for a network. ``splits`` decides which rows belong
to which split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.split.units import Units
from backpass.numerics.elementary import total
from backpass.table import Table
from backpass.table.content import bits_of, bits_of_numbers, starts
from backpass.table.stack import stacked

Weights = NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class DataSplit:
    """The rows of one split, as arrays.

    Attributes:
        x: Network inputs (n, d).
        y: Targets as the loss takes them.
        truth: The targets themselves, (n,), or (n, k) for several targets.
        weights: The weight of each row (n,); None if all are 1.
        teacher: The predictions of a teacher, see ``Teacher``: float64 (n, k), NaN in a row without; None without one.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    truth: NDArray[Any]
    weights: Weights = None
    teacher: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        return len(self.x)

    def take(self, index: NDArray[Any]) -> DataSplit:
        """These rows, in this order."""
        weights = None if self.weights is None else self.weights[index]
        teacher = None if self.teacher is None else self.teacher[index]
        return DataSplit(self.x[index], self.y[index], self.truth[index], weights, teacher)

    def training_weights(self, of_classes: Weights = None) -> NDArray[np.float64]:
        """The weights, times those of the rows' classes (classes,) if there are any, scaled to a mean of 1: (n,)"""
        weights = self.weights
        if of_classes is not None:
            weights = of_classes[self.truth] * (1.0 if weights is None else weights)
        return np.ones(self.rows) if weights is None else weights * (self.rows / total(weights))

    @staticmethod
    def joined(parts: Sequence[DataSplit]) -> DataSplit:
        """The rows of several splits, concatenated."""
        x, y, truth = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y", "truth"))
        teacher = joined_teachers([(part.rows, part.teacher) for part in parts])
        if all(part.weights is None for part in parts):
            return DataSplit(x, y, truth, teacher=teacher)
        return DataSplit(x, y, truth, np.concatenate([weights_or_ones(part) for part in parts]), teacher)


def weights_or_ones(part: DataSplit) -> NDArray[np.float64]:
    """The weights, or ones if there are none: (n,)"""
    return np.ones(part.rows) if part.weights is None else part.weights


def joined_teachers(parts: Sequence[tuple[int, NDArray[np.float64] | None]]) -> NDArray[np.float64] | None:
    """The predictions of a teacher on the rows of several splits; NaN for a split without.

    Args:
        parts: The number of rows of each split, and the predictions (n, k).
    """
    known = [teacher for _, teacher in parts if teacher is not None]
    if not known:
        return None
    blank = [np.full((rows, known[0].shape[1]), np.nan) if each is None else each for rows, each in parts]
    return np.concatenate(blank)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a table with their targets.

    Attributes:
        table: The rows.
        truth: Targets (n,) or (n, k).
        weights: The weight of each row (n,); None if all are 1.
        units: Which rows belong together; None if that is not known or does not matter.
        teacher: The predictions of a teacher, as in ``DataSplit``.
    """

    table: Table
    truth: NDArray[Any]
    weights: Weights = None
    units: Units | None = None
    teacher: NDArray[np.float64] | None = None

    def take(self, index: NDArray[Any]) -> Rows:
        """These rows, in this order."""
        weights = None if self.weights is None else self.weights[index]
        units = None if self.units is None else self.units.take(index)
        teacher = None if self.teacher is None else self.teacher[index]
        return Rows(self.table.take(index), self.truth[index], weights, units, teacher)

    def counted(self) -> Rows:
        """The rows whose weight is positive."""
        return self if self.weights is None else self.take(np.flatnonzero(self.weights > 0.0))

    @staticmethod
    def stacked(several: Sequence[Rows]) -> Rows:
        """The rows of several tables with the same columns, concatenated; with units if they are known for all."""
        truth, table = np.concatenate([each.truth for each in several]), stacked([each.table for each in several])
        known = [each.units for each in several if each.units is not None]
        units = Units.joined(known) if len(known) == len(several) else None
        teacher = joined_teachers([(each.table.rows, each.teacher) for each in several])
        if all(each.weights is None for each in several):
            return Rows(table, truth, units=units, teacher=teacher)
        weights = [np.ones(each.table.rows) if each.weights is None else each.weights for each in several]
        return Rows(table, truth, np.concatenate(weights), units, teacher)

    def distinct(self) -> Rows:
        """The rows as a weighted set: equal rows are merged and their weights added.

        A row of weight 0 is dropped, a row of weight 3 equals three such rows, and weights that are all equal become
        None. The rows are sorted, so that any result computed from the set is the same for every order and repetition
        of the rows.
        """
        rows = self.counted()
        columns = [bits_of(column) for column in rows.table.columns.values()]
        columns += [bits_of_numbers(y.astype(np.float64)) for y in rows.truth.reshape(rows.table.rows, -1).T]
        columns += [] if rows.teacher is None else [bits_of_numbers(each) for each in rows.teacher.T]
        weights = np.ones(rows.table.rows) if rows.weights is None else rows.weights
        # Equal rows become neighbors; the weights sort last within them, so that the sums do not depend on the order.
        order = np.lexsort((weights, *columns))
        new = starts(columns, order)
        found = rows.take(order[new])
        sums = np.zeros(found.table.rows)
        np.add.at(sums, np.cumsum(new) - 1, weights[order])  # adds sequentially, so the order of the sum is fixed
        sums_or_none = None if (sums == sums[0]).all() else sums
        return Rows(found.table, found.truth, sums_or_none, teacher=found.teacher)
