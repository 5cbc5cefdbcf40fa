"""Preparation of grouped models: the training rows of every group as arrays, each on the scale of its group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.fitting.problem.problem import Problem
from backpass.model.grouped.scales import GroupScales, Shared
from backpass.model.prediction.forward import inputs_of
from backpass.model.settings.settings import Settings
from backpass.numerics.distinct import distinct_values
from backpass.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class GroupRows:
    """The training rows of all groups; those of one group follow one another.

    Attributes:
        shared: What all groups have in common.
        scales: The scales of each group.
        x: Network inputs (n, d).
        y: Targets as the loss takes them, (n,) or (n, k).
        truth: The targets (n,).
        rows: The number of rows of each group (groups,).
    """

    shared: Shared
    scales: GroupScales
    x: NDArray[Any]
    y: NDArray[Any]
    truth: NDArray[Any]
    rows: NDArray[np.int64]

    @staticmethod
    def of(problem: Problem, table: Table, rows: NDArray[np.int64], settings: Settings) -> GroupRows:
        """Standardize each group by itself.

        Args:
            problem: The problem of all rows, for columns, target and network.
            table: The training rows.
            rows: The number of rows of each group.
            settings: The settings of the networks of the groups.
        """
        shared = Shared(problem.feature_map, problem.head, settings)
        parts = _parts(rows)
        encoded, truth = problem.schema.encode(table), problem.head.truth(table)
        marks = [each.marks for each in problem.schema.numbers]
        scales = GroupScales.fit(encoded.numbers, truth, parts, shared, marks)
        numbers = scales.standardized(encoded.numbers, np.repeat(np.arange(len(rows)), rows), shared.cyclic)
        x = inputs_of(shared.standard, numbers, encoded.codes, problem.dtype, problem.engine)
        heads = [scales.head(shared, group) for group in range(len(rows))]
        y = [head.encode(truth[each], problem.dtype) for head, each in zip(heads, parts, strict=True)]
        return GroupRows(shared, scales, x, np.concatenate(y), truth, rows)

    @property
    def first(self) -> NDArray[np.int64]:
        """The first row of each group (groups,)."""
        return np.cumsum([0, *self.rows[:-1].tolist()])

    @property
    def parts(self) -> Sequence[slice]:
        """The rows of each group."""
        return _parts(self.rows)

    def levels(self) -> NDArray[np.float64]:
        """The constant outputs (groups, k) with the lowest loss on the rows of each group, on the group's scale."""
        return np.array([self.shared.head.level(self.y[part]) for part in self.parts])

    def constant_groups(self) -> list[int]:
        """The groups whose training rows all have the same target."""
        return [i for i, part in enumerate(self.parts) if (self.truth[part] == self.truth[part][0]).all()]

    def incomplete_groups(self) -> list[int]:
        """The groups that lack a class, but have more than one."""
        classes = len(self.shared.head.classes)
        return [i for i, part in enumerate(self.parts) if 1 < len(distinct_values(self.truth[part])) < classes]


def _parts(rows: NDArray[np.int64]) -> list[slice]:
    ends = np.cumsum(rows).tolist()
    return [slice(end - count, end) for end, count in zip(ends, rows.tolist(), strict=True)]
