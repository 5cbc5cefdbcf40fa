"""Predictions: what a model returns about the rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.head.head import Head
from backpass.table import Encoded
from backpass.table.unseen import Suspect, Unseen, warnings_on


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions for some rows.

    Attributes:
        values: Numbers, float64 (n,), or (n, k) for several outputs; for classes the predicted one, as a string.
        probabilities: float64 (n, classes) in the order of ``classes``; None for numbers.
        classes: The classes; empty for numbers.
        notes: Notes about the table.
        unseen: The columns with values that the model does not know.
        suspects: The columns that look different from those of the training rows.
        later: How far each row (n,) is after the test rows, see ``Horizon.beyond``; None without a time column.
    """

    values: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    unseen: tuple[Unseen, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    later: NDArray[np.float64] | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about columns with almost no known value, and about suspect columns."""
        return warnings_on(self.unseen, self.suspects)

    @staticmethod
    def of(
        head: Head,
        predicted: NDArray[np.float64],
        encoded: Encoded,
        notes: tuple[str, ...] = (),
        later: NDArray[np.float64] | None = None,
    ) -> Predictions:
        """The predictions for encoded rows.

        Args:
            head: The target.
            predicted: Numbers (n,) or (n, k), or probabilities (n, classes).
            encoded: The rows.
            notes: Further notes.
            later: How far each row (n,) is after the test rows, see ``Horizon.beyond``. Default None: unknown.
        """
        about = ((*encoded.notes, *notes), encoded.unseen, encoded.suspects, later)
        if not head.classes:
            return Predictions(predicted, None, (), *about)
        names = np.array(head.classes, dtype=object)
        return Predictions(names[head.decided(predicted)], predicted, head.classes, *about)
