"""An evaluation: the outputs of a model for labeled rows, with scores, a comparison and warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backpass.dataclass import dataclass
from backpass.model.evaluation.comparison import Comparison
from backpass.model.evaluation.labeled_rows import LabeledRows, ScoresOfRows
from backpass.table import Encoded, Table


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A model on rows with known targets.

    Attributes:
        encoded: The encoded rows; a random sample of them if they were read in several windows.
        rows: The rows with their outputs, or the sums of their scores.
        scores: Every score of the rows, see ``LabeledRows.scores``.
        warnings: Problems of the predictions; those of the columns are in ``encoded``.
        comparison: The network and the best baseline that the model keeps, on these rows.
        table: The rows; with several windows only their targets, weights, groups, times and requested columns; no rows
            if they were not kept.
        notes: What differs if they were not kept.
    """

    encoded: Encoded
    rows: ScoresOfRows
    scores: Mapping[str, float]
    warnings: Sequence[str]
    comparison: Comparison | None
    table: Table
    notes: Sequence[str] = ()

    @property
    def labeled(self) -> LabeledRows:
        """The rows, which were kept."""
        assert isinstance(self.rows, LabeledRows)
        return self.rows
