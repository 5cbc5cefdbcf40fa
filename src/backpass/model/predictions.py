"""Predictions and evaluations: what a model returns about the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backpass.model.comparison import Comparison
from backpass.table.unseen import Suspect, Unseen, warnings_on


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions for some rows.

    Attributes:
        values: Numbers, float64 (n,), or (n, k) for several outputs; for classes the one that each row is given, as
            text.
        probabilities: float64 (n, classes) in the order of ``classes``; None for numbers.
        classes: The classes; empty for numbers.
        notes: Notes about the table.
        unseen: The columns with values that the model does not know.
        suspects: The columns that are unlike those of the training rows.
        later: Whether each row (n,) is after the time that the test rows reach; None without a time column.
    """

    values: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    unseen: tuple[Unseen, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    later: NDArray[np.bool_] | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings on columns with nearly nothing that the model knows, and on suspect ones."""
        return warnings_on(self.unseen, self.suspects)


class Evaluation(NamedTuple):
    """A model on rows with known targets.

    Attributes:
        scores: Every metric.
        warnings: Problems of the predictions, see ``backpass.model.diagnostics``.
        comparison: The network and the best baseline that the model keeps, on these rows.
    """

    scores: dict[str, float]
    warnings: list[str]
    comparison: Comparison | None
