"""A data split: the rows of a problem that train, validate or test.

``Rows`` holds them as a table with targets, ``DataSplit`` as arrays for a network. ``splits`` decides which rows belong
to which split.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.split.units import Units
from backpass.numerics.elementary import total
from backpass.table import Table
from backpass.table.content import bits_of, bits_of_numbers, starts
from backpass.table.stack import stacked

Weights = NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Rows as arrays, which several splits share.

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


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The network inputs of a split, gathered only where they are read.

    Attributes:
        x: The inputs of the pool (n, d).
        index: The rows.
    """

    x: NDArray[Any]
    index: NDArray[Any]

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        found: NDArray[Any] = self.x[self.index[rows]]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class DataSplit:
    """The rows of one split: some rows of a pool, or all of them.

    Splits of one table share its pool. The folds of an ensemble are lists of rows, so that every member reads the same
    arrays.

    Attributes:
        pool: The arrays.
        index: The rows of the pool: a range, or their numbers in an order.
    """

    pool: Pool
    index: slice | NDArray[Any]

    @staticmethod
    def of(
        x: NDArray[Any],
        y: NDArray[Any],
        truth: NDArray[Any],
        weights: Weights = None,
        teacher: NDArray[np.float64] | None = None,
    ) -> DataSplit:
        """All rows of some arrays, see ``Pool``."""
        return DataSplit(Pool(x, y, truth, weights, teacher), slice(0, len(x)))

    @property
    def rows(self) -> int:
        if isinstance(self.index, slice):
            return int(self.index.stop - self.index.start)
        return len(self.index)

    @property
    def x(self) -> NDArray[Any]:
        """Network inputs (n, d): a view of the pool if the rows are a range, else a copy."""
        return self.pool.x[self.index]

    @property
    def inputs(self) -> NDArray[Any] | Inputs:
        """Network inputs (n, d), which are read in slices of rows: nothing else is copied."""
        return self.pool.x[self.index] if isinstance(self.index, slice) else Inputs(self.pool.x, self.index)

    @property
    def y(self) -> NDArray[Any]:
        """Targets as the loss takes them."""
        return self.pool.y[self.index]

    @property
    def truth(self) -> NDArray[Any]:
        """The targets themselves, (n,) or (n, k)."""
        return self.pool.truth[self.index]

    @property
    def weights(self) -> Weights:
        """The weight of each row (n,); None if all are 1."""
        return None if self.pool.weights is None else self.pool.weights[self.index]

    @property
    def teacher(self) -> NDArray[np.float64] | None:
        """The predictions of a teacher (n, k); None without one."""
        return None if self.pool.teacher is None else self.pool.teacher[self.index]

    def take(self, index: NDArray[Any]) -> DataSplit:
        """These rows, in this order."""
        if isinstance(self.index, slice):
            return DataSplit(self.pool, index + self.index.start if self.index.start else index)
        return DataSplit(self.pool, self.index[index])

    def between(self, first: int, last: int) -> DataSplit:
        """The rows from ``first`` to before ``last``, or to the end."""
        if isinstance(self.index, slice):
            start, stop = self.index.start, self.index.stop
            return DataSplit(self.pool, slice(min(start + first, stop), min(start + last, stop)))
        return DataSplit(self.pool, self.index[first:last])

    def weighted(self, weights: NDArray[np.float64]) -> DataSplit:
        """These rows with other weights (n,)."""
        return DataSplit.of(self.x, self.y, self.truth, weights, self.teacher)

    def training_weights(self, of_classes: Weights = None) -> NDArray[np.float64]:
        """The weights, times those of the rows' classes (classes,) if there are any, scaled to a mean of 1: (n,)"""
        weights = self.weights
        if of_classes is not None:
            weights = of_classes[self.truth] * (1.0 if weights is None else weights)
        return np.ones(self.rows) if weights is None else weights * (self.rows / total(weights))

    def training_data(self, others: Sequence[NDArray[Any]]) -> tuple[list[NDArray[Any]], NDArray[Any] | None]:
        """The arrays that a training run reads, x first, and the rows of them that train; None: all.

        Args:
            others: What the objective takes in addition to x, for each row (n, ...).
        """
        if isinstance(self.index, slice):
            return [self.x, *others], None
        data = [self.pool.x]
        for each in others:
            data.append(np.zeros((len(self.pool.x), *each.shape[1:]), each.dtype))
            data[-1][self.index] = each
        return data, self.index

    @staticmethod
    def joined(parts: Sequence[DataSplit]) -> DataSplit:
        """The rows of several splits, concatenated; those of one pool are not copied."""
        pool = parts[0].pool
        if all(part.pool is pool for part in parts):
            return DataSplit(pool, _joined([part.index for part in parts]))
        x, y, truth = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y", "truth"))
        teacher = joined_teachers([(part.rows, part.teacher) for part in parts])
        if all(part.weights is None for part in parts):
            return DataSplit.of(x, y, truth, teacher=teacher)
        return DataSplit.of(x, y, truth, np.concatenate([weights_or_ones(part) for part in parts]), teacher)


def _joined(several: Sequence[slice | NDArray[Any]]) -> slice | NDArray[Any]:
    """The rows of several lists of rows of one pool: a range if they are ranges that follow one another."""
    ranges = [each for each in several if isinstance(each, slice)]
    if len(ranges) == len(several) and all(a.stop == b.start for a, b in pairwise(ranges)):
        return slice(ranges[0].start, ranges[-1].stop)
    return np.concatenate([np.arange(e.start, e.stop) if isinstance(e, slice) else e for e in several])


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
        whole: The table that they are rows of.
        truth: Targets (n,) or (n, k).
        weights: The weight of each row (n,); None if all are 1.
        units: Which rows belong together; None if that is not known or does not matter.
        teacher: The predictions of a teacher, as in ``DataSplit``.
        index: Their numbers in the table; None: all rows.
    """

    whole: Table
    truth: NDArray[Any]
    weights: Weights = None
    units: Units | None = None
    teacher: NDArray[np.float64] | None = None
    index: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def table(self) -> Table:
        """The rows as a table; it is copied at each call, unless these are all rows."""
        return self.whole if self.index is None else self.whole.take(self.index)

    @property
    def view(self) -> Table:
        """The rows as a table whose columns are taken where they are read, see ``Table.view``."""
        return self.whole if self.index is None else self.whole.view(self.index)

    def take(self, index: NDArray[Any]) -> Rows:
        """These rows, in this order."""
        weights = None if self.weights is None else self.weights[index]
        units = None if self.units is None else self.units.take(index)
        teacher = None if self.teacher is None else self.teacher[index]
        places = index if self.index is None else self.index[index]
        return Rows(self.whole, self.truth[index], weights, units, teacher, places)

    def counted(self) -> Rows:
        """The rows whose weight is positive."""
        return self if self.weights is None else self.take(np.flatnonzero(self.weights > 0.0))

    @staticmethod
    def stacked(several: Sequence[Rows]) -> Rows:
        """The rows of several tables with the same columns, concatenated; with units if they are known for all."""
        truth = np.concatenate([each.truth for each in several])
        table = stacked([each.table for each in several])
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
        columns += [bits_of_numbers(y.astype(np.float64)) for y in rows.truth.reshape(len(rows), -1).T]
        columns += [] if rows.teacher is None else [bits_of_numbers(each) for each in rows.teacher.T]
        weights = np.ones(len(rows)) if rows.weights is None else rows.weights
        # Equal rows become neighbors; the weights sort last within them, so that the sums do not depend on the order.
        order = np.lexsort((weights, *columns))
        new = starts(columns, order)
        found = rows.take(order[new])
        sums = np.zeros(len(found))
        np.add.at(sums, np.cumsum(new) - 1, weights[order])  # adds sequentially, so the order of the sum is fixed
        sums_or_none = None if (sums == sums[0]).all() else sums
        return Rows(found.table, found.truth, sums_or_none, teacher=found.teacher)
