"""Predicted intervals: the intervals and quantiles of a model's predictions, and which models have them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.prediction.predictions import Predictions


@dataclass(frozen=True, slots=True, eq=False)
class PredictedIntervals:
    """Predictions -> the ends of their intervals, or quantiles of the target

    Attributes:
        head: The targets.
        intervals: The intervals of the residuals; None if the model keeps none.
    """

    head: Head
    intervals: Intervals | None

    def check_level(self, level: float) -> None:
        """Reject intervals that the model does not have.

        Raises:
            UsageError: The model predicts classes or quantiles, keeps no residuals, or too few for the level.
        """
        self._known("intervals").half_widths(level)

    def checked_quantiles(self, quantiles: Sequence[float | str]) -> tuple[float, ...]:
        """The quantiles as numbers, in ascending order.

        Raises:
            UsageError: As ``check_level``; the outputs are quantiles already; or lists all invalid values.
        """
        if isinstance(quantiles, str) or not hasattr(quantiles, "__len__"):
            raise UsageError(f"quantiles takes a list of numbers; got {quantiles!r}", hint=f"quantiles=[{quantiles}]")
        if self.head.loss_name == "quantile":
            found = ", ".join(f"q={each.q!r}" for each in self.head.targets)
            raise UsageError(
                f"the outputs of this model are quantiles already: {found} of {self.head.target.name!r}",
                hint="predict without --quantiles; for others, fit with loss squared, or with another --quantile",
            )
        return self._known("quantiles").checked(quantiles)

    def ends(self, found: Predictions, level: float) -> NDArray[np.float64]:
        """The ends of the intervals of predictions, see ``Model.predict_interval``."""
        return self._known("intervals").ends(found.values, level, found.later)

    def quantiles(self, found: Predictions, quantiles: Sequence[float | str]) -> NDArray[np.float64]:
        """The quantiles of the targets of predicted rows, see ``Model.predict_quantiles``."""
        return self._known("quantiles").quantiles(found.values, quantiles, found.later)

    def _known(self, what: str) -> Intervals:
        """The intervals of the residuals; ``what`` they are needed for, for the message."""
        name = self.head.target.name
        if self.head.classes or self.head.are_labels:
            raise UsageError(f"target {name!r} holds classes; only numbers have {what}")
        if len({each.target.name for each in self.head.targets}) < self.head.outputs:
            raise UsageError(f"the outputs of this model are quantiles of {name!r}; they have no {what}")
        if self.intervals is None:
            raise UsageError(
                f"the model has no residuals for {what}",
                hint="fit it again, with validation rows (--validation-fraction, --validation-file)",
            )
        return self.intervals
