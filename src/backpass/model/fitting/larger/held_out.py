"""Held-out rows: what the rows outside a sample are used for, if groups or times must not be divided.

It takes a problem of the sample, whose splits ``model.split`` made, and returns for each other row whether it trains:
a row in a group, or at a time, that validates or tests does not. Without a group and a time, every other row trains.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.fitting.larger.stored import EVERY, NONE
from backpass.model.fitting.problem.problem import Problem
from backpass.model.split.horizon import times_of
from backpass.numerics.distinct import distinct_values
from backpass.numerics.string_hash import code_points, hashes_of
from backpass.table import CategoricalColumn, Column, DatetimeColumn, Table
from backpass.table.content import bits_of_numbers

Uses = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """The use of rows outside the sample: ``EVERY``, ``NONE``, or the number of the only member that they do not train.

    Attributes:
        group: The group column; None without one.
        time: The time column; None without one.
        keys: The groups of the sample, as ascending integers (g,).
        of_keys: The use of each group (g,).
        begins: Times from which on rows have another use, ascending (t,).
        of_times: The use of rows from each of these times on (t,).
    """

    group: str | None
    time: str | None
    keys: NDArray[np.uint64]
    of_keys: Uses
    begins: NDArray[np.float64]
    of_times: Uses

    @staticmethod
    def of(problem: Problem) -> HeldOut | None:
        """The uses that the splits of a sample imply; None without a group and a time column."""
        group, time = problem.settings.group, problem.settings.time
        if problem.source is None or (group is None and time is None):
            return None
        rows = problem.source.rows
        names = [name for name in ("train", "validation", "test") if name in rows]
        uses = np.concatenate([np.full(len(rows[name]), EVERY if name == "train" else NONE) for name in names])
        for member, fold in enumerate(problem.folds):
            uses[fold.validation] = member
        tables = [rows[name].table for name in names]
        keys, of_keys = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        if group is not None:
            known = np.concatenate([~table.column(group).missing for table in tables])
            codes = np.concatenate([_keys_of(table.column(group)) for table in tables])
            keys, first = np.unique(codes[known], return_index=True)
            of_keys = uses[known][first]
        begins, of_times = np.zeros(0), np.zeros(0, dtype=np.int64)
        if time is not None:
            times = np.concatenate([_times_in(table, time) for table in tables])
            distinct = distinct_values(uses)
            starts = np.array([times[uses == use].min() for use in distinct])
            order = np.argsort(starts, kind="stable")
            begins, of_times = starts[order], distinct[order]
        return HeldOut(group, time, keys, of_keys, begins, of_times)

    def uses(self, table: Table) -> Uses:
        """The use of each row (n,).

        A row whose group is not in the sample is used by its time: earlier than all times that validate and test, or
        without a time column, it trains.
        """
        found = np.full(table.rows, EVERY, dtype=np.int64)
        if self.time is not None:
            places = np.searchsorted(self.begins, _times_in(table, self.time), side="right") - 1
            found = self.of_times[np.maximum(places, 0)]
        if self.group is not None and len(self.keys):
            column = table.column(self.group)
            codes = _keys_of(column)
            places = np.minimum(np.searchsorted(self.keys, codes), len(self.keys) - 1)
            is_known = ~column.missing & (self.keys[places] == codes)
            found = np.where(is_known, self.of_keys[places], found)
        return found


def _times_in(table: Table, name: str) -> NDArray[np.float64]:
    """The times of rows (n,); a missing one is earlier than all others."""
    return np.where(table.column(name).missing, -np.inf, times_of([table], name))


def _keys_of(column: Column) -> NDArray[np.uint64]:
    """One integer per value (n,), equal for equal values of any table."""
    if isinstance(column, CategoricalColumn):
        levels = [level or "\0" for level in column.levels]
        return np.concatenate([np.zeros(1, dtype=np.uint64), hashes_of(*code_points(levels))])[column.codes]
    if isinstance(column, DatetimeColumn):
        return column.microseconds.view(np.uint64)
    return bits_of_numbers(column.values)
