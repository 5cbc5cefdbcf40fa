"""The provisional phase of a stream: columns, scales and network while the rows so far are too few to fit them.

It takes the problem of the first rows and more rows, and returns the problem refitted, or with a scale for each
column that varies for the first time. ``stream`` decides which of the two happens, and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from backpass.dataclass import dataclass
from backpass.model.fitting.problem.data_split import Rows
from backpass.model.fitting.problem.preparation import assemble
from backpass.model.fitting.problem.problem import Problem
from backpass.model.head.head import Head
from backpass.network.feature_map import FeatureMap
from backpass.table import Column, DatetimeColumn, NumericColumn, Schema, required_kind

FEWEST = 10
"""Rows in a first call that are enough to fit on, if every column and target varies in them."""

WARM_UP = 64
"""Rows that are enough if the first call has fewer than ``FEWEST``."""

MOST = 256
"""Rows after which columns and categories are fixed, even if some have not varied yet."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """The values seen in a column.

    Attributes:
        required_kind: The required kind of the column.
        values: The number of distinct values: 0, 1, or 2 for more; for a categorical column the number of categories.
        has_missing: Whether any value is missing.
    """

    required_kind: str
    values: int
    has_missing: bool

    @staticmethod
    def of(column: Column) -> Occurrence:
        """The values in these rows."""
        missing = column.missing
        if isinstance(column, NumericColumn | DatetimeColumn):
            held = (column.values if isinstance(column, NumericColumn) else column.microseconds)[~missing]
            values = 0 if not held.size else 1 + bool(held.min() < held.max())
        else:
            values = int(np.count_nonzero(column.counts()))
        return Occurrence(required_kind(column), values, bool(missing.any()))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a set of rows shows about a table.

    Attributes:
        rows: The number of rows.
        columns: The values seen in each column.
        target_varies: Whether every target varies.
    """

    rows: int
    columns: Mapping[str, Occurrence]
    target_varies: bool

    @staticmethod
    def of(rows: Rows) -> Evidence:
        """The evidence in these rows."""
        columns = {name: Occurrence.of(column) for name, column in rows.table.columns.items()}
        truth = rows.truth.reshape(rows.table.rows, -1)
        return Evidence(rows.table.rows, columns, bool((truth.min(axis=0) < truth.max(axis=0)).all()))

    @property
    def varies(self) -> bool:
        """Whether every column and every target has at least two values."""
        return self.target_varies and all(column.values > 1 for column in self.columns.values())

    @property
    def required_kinds(self) -> dict[str, str]:
        """The kind of each column that has a value; other columns may still be of any kind."""
        return {name: column.required_kind for name, column in self.columns.items() if column.values}


def teaches_nothing(head: Head) -> bool:
    """Whether all targets so far are constant: then the predictions are these constants, whatever theta is."""
    return all(each.scale == 0.0 for each in head.scales)


def refitted(problem: Problem, rows: Rows) -> Problem:
    """The problem with columns, scales and network refitted on these rows."""
    settings = problem.settings
    head = problem.head.refitted(rows.truth, settings).with_own_scale()
    schema = Schema.of_all(rows.table, head.target.name, embeds=settings.embeds)
    return assemble(settings, schema, head, {"train": rows})


def updated(problem: Problem, rows: Rows) -> Problem:
    """The problem with a scale for each column and target that varies for the first time in these rows."""
    return _updated(problem, problem.head, problem.feature_map, rows)


def _updated(problem: Problem, head: Head, feature_map: FeatureMap, rows: Rows) -> Problem:
    """The problem with these scales, and one for each of them that is 0 and varies in the rows."""
    head = head.updated(rows.truth)
    if not feature_map.scale.all():
        encoded = problem.schema.encode(rows.table)
        feature_map = feature_map.updated(encoded.numbers, encoded.codes)
    if head == problem.head and np.array_equal(feature_map.scale, problem.feature_map.scale):
        return problem
    return replace(problem, head=head.with_own_scale(), feature_map=feature_map)


@dataclass(frozen=True, slots=True, eq=False)
class Late:
    """The rows since a column or a target first varied, after everything was fixed; its scale follows them.

    A single row does not determine a scale. ``head`` and ``feature_map`` are those from before, ``fitted`` the number
    of rows that the scales are fitted on, ``newest`` the number of rows before the last one that first varied.
    """

    head: Head
    feature_map: FeatureMap
    rows: Rows
    fitted: int
    newest: int = 0

    @staticmethod
    def after(late: Late | None, problem: Problem, rows: Rows) -> tuple[Problem, Late | None]:
        """The problem to train on these rows with; and what stays provisional after them, if anything does.

        Scales are fitted anew when the rows have doubled, and at last ``WARM_UP`` rows after one first varied.
        """
        before, found = _constant(problem), updated(problem, rows)
        is_new = _constant(found) < before
        if late is None:
            if not is_new:
                return found, None
            late = Late(problem.head, problem.feature_map, rows, rows.table.rows)
        else:
            newest = late.rows.table.rows if is_new else late.newest
            late = replace(late, rows=Rows.stacked((late.rows, rows)), newest=newest)
            is_due = late.rows.table.rows >= 2 * late.fitted or late.is_over
            if is_new or is_due:
                found = _updated(problem, late.head, late.feature_map, late.rows)
                late = replace(late, fitted=late.rows.table.rows)
        return found, None if late.is_over else late

    @property
    def is_over(self) -> bool:
        """Whether the scales are fixed from now on."""
        rows = self.rows.table.rows
        return rows >= MOST or rows - self.newest >= WARM_UP


def _constant(problem: Problem) -> int:
    """The number of scales that are 0."""
    columns = int(np.count_nonzero(problem.feature_map.scale == 0.0))
    return columns + sum(each.scale == 0.0 for each in problem.head.scales)
