"""What is provisional in a stream: columns, scales and network, while the rows so far are too few to fit them.

Comes in: the problem of the first rows, and more rows. Goes out: the problem fitted anew, or with a scale for what
first varies. Which of the two happens, and when, is decided in ``stream``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from backpass.model.fitting.data_split import Rows
from backpass.model.fitting.problem import Problem, assemble
from backpass.model.head.heads import AnyHead, with_own_scale
from backpass.table import Column, DatetimeColumn, NumericColumn, Schema, required_kind

FEWEST = 10
"""Rows of a first call that are enough to fit on, if everything varies in them."""

WARM_UP = 64
"""Rows that are enough when the first call has fewer than ``FEWEST``."""

MOST = 256
"""Rows after which columns and categories are fixed, whatever has not varied by then."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What occurs in a column: different values (2 for more, of categories all), and whether any is missing."""

    demand: str
    values: int
    has_missing: bool

    @staticmethod
    def of(column: Column) -> Occurrence:
        """What occurs in these rows."""
        missing = column.missing
        if isinstance(column, NumericColumn | DatetimeColumn):
            held = (column.values if isinstance(column, NumericColumn) else column.microseconds)[~missing]
            values = 0 if not held.size else 1 + bool(held.min() < held.max())
        else:
            values = int(np.count_nonzero(column.counts()))
        return Occurrence(required_kind(column), values, bool(missing.any()))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What rows tell about a table, column by column, and whether every target varies in them."""

    rows: int
    columns: Mapping[str, Occurrence]
    target_varies: bool

    @staticmethod
    def of(rows: Rows) -> Evidence:
        """The evidence of these rows."""
        columns = {name: Occurrence.of(column) for name, column in rows.table.columns.items()}
        truth = rows.truth.reshape(rows.table.rows, -1)
        return Evidence(rows.table.rows, columns, bool((truth.min(axis=0) < truth.max(axis=0)).all()))

    @property
    def varies(self) -> bool:
        """Whether two values occur in every column and target."""
        return self.target_varies and all(column.values > 1 for column in self.columns.values())

    @property
    def demands(self) -> dict[str, str]:
        """The kind of each column that has a value; the others may still be of any kind."""
        return {name: column.demand for name, column in self.columns.items() if column.values}


def teaches_nothing(head: AnyHead) -> bool:
    """Whether the targets so far are constant: predictions are the constants then, whatever theta is."""
    return all(each.scale.scale == 0.0 for each in head.heads)


def refitted(problem: Problem, rows: Rows) -> Problem:
    """The problem with columns, scales and network fitted anew on these rows."""
    settings = problem.settings
    head = with_own_scale(problem.head.refitted(rows.truth, settings))
    return assemble(settings, Schema.of_all(rows.table, head.target.name), head, {"train": rows})


def updated(problem: Problem, rows: Rows) -> Problem:
    """The problem with a scale for each column and target that first varies in these rows."""
    head, feature_map = problem.head.updated(rows.truth), problem.feature_map
    if not feature_map.scale.all():
        encoded = problem.schema.encode(rows.table)
        feature_map = feature_map.updated(encoded.numbers, encoded.codes)
    if head == problem.head and feature_map is problem.feature_map:
        return problem
    return replace(problem, head=with_own_scale(head), feature_map=feature_map)
