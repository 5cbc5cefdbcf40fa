"""Record of a grouped model: what its file keeps about the fit, beside the networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class GroupedRecord:
    """What a file keeps about a grouped fit.

    Attributes:
        settings: The settings of the networks of the groups.
        min_rows: The minimum number of rows of a group with a network of its own.
        others: The number of groups without a network of their own.
        scores: The metrics on the test rows of all groups, by what predicts: "groups", "all rows" (the network of all
            rows) and "constant" (the best constant of each group). Empty without test rows.
        rows: The numbers of training and of test rows of each group (groups, 2).
        group_scores: The main metric of each group that has test rows, on them, (scored groups,); see ``tested``.
        steps: The number of steps of each group (groups,).
        notes: What the fit assumed about the groups.
    """

    settings: Mapping[str, Any]
    min_rows: int
    others: int
    scores: Mapping[str, Mapping[str, float]]
    rows: NDArray[np.int64]
    group_scores: NDArray[np.float64]
    steps: NDArray[np.int64]
    notes: tuple[str, ...]

    @property
    def tested(self) -> NDArray[np.intp]:
        """The numbers of the groups that have test rows, ascending; a small share of a small group is no row."""
        return np.flatnonzero(self.rows[:, 1] > 0) if self.scores else np.zeros(0, dtype=np.intp)

    def scores_of_groups(self) -> list[float | None]:
        """The main metric of every group on its test rows; None for a group without any."""
        known = dict(zip(self.tested.tolist(), self.group_scores.tolist(), strict=True))
        return [known.get(i) for i in range(len(self.rows))]

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file, without the arrays."""
        return {
            "settings": dict(self.settings),
            "min_rows": self.min_rows,
            "others": self.others,
            "scores": {name: dict(scores) for name, scores in self.scores.items()},
            "notes": list(self.notes),
        }
