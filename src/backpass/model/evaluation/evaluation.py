"""An evaluation: the outputs of a model for labeled rows, with scores, a comparison and warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.evaluation.comparison import Comparison
from backpass.table import Encoded, Table


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A model on rows with known targets.

    Attributes:
        encoded: The encoded rows; a random sample of them if they were read in several windows.
        o: Outputs (n, k).
        truth: Targets (n,) or (n, k).
        weights: The weight of each row (n,); None if all are 1.
        unit: The number of the group of each row (n,), which a bootstrap draws as a whole; None if it draws rows.
        later: How far each row (n,) is after the test rows, see ``Horizon.beyond``; None without a time column.
        scores: Every metric that is defined for these rows.
        warnings: Problems of the predictions; those of the columns are in ``encoded``.
        comparison: The network and the best baseline that the model keeps, on these rows.
        table: The rows; with several windows only their targets, weights, groups, times and requested columns.
    """

    encoded: Encoded
    o: NDArray[Any]
    truth: NDArray[Any]
    weights: NDArray[np.float64] | None
    unit: NDArray[np.int64] | None
    later: NDArray[np.float64] | None
    scores: Mapping[str, float]
    warnings: Sequence[str]
    comparison: Comparison | None
    table: Table
