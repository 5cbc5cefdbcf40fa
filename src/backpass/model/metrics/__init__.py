"""Metrics: the quality of predictions, on the scale of the target.

For classes, predictions are probabilities (n, k) and y the class numbers; for numbers, both are (n,). Every mean over
rows is weighted; weights (n,) default to 1.
"""

from __future__ import annotations

from backpass.model.metrics.metric import CHOOSING, FEWEST_ROWS, LOWER_IS_BETTER, METRICS, Metric
from backpass.model.metrics.scoring import (
    MAIN_METRICS,
    ScoringOptions,
    all_metrics,
    as_loss,
    is_compatible,
    metrics_for,
    scores,
    why_undefined,
)

__all__ = [
    "CHOOSING",
    "FEWEST_ROWS",
    "LOWER_IS_BETTER",
    "MAIN_METRICS",
    "METRICS",
    "Metric",
    "ScoringOptions",
    "all_metrics",
    "as_loss",
    "is_compatible",
    "metrics_for",
    "scores",
    "why_undefined",
]
