"""Scores per class: precision, recall, F1 and areas of each class, where other metrics are means over classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.metrics.decision import Counts
from backpass.model.metrics.ranking import area_under_precision, area_under_roc
from backpass.model.metrics.scoring import why_undefined

Floats = NDArray[np.float64]


def of_counts(counts: Counts, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and the weight of the rows of each class; a ratio 0 / 0 is 0.

    Args:
        counts: The rows by class.
        classes: The names of the classes.

    >>> of_counts(Counts.of_confusion(np.array([[3.0, 1.0], [0.0, 4.0]])), ["no", "yes"])["yes"]
    {'precision': 0.8, 'recall': 1.0, 'f1': 0.8888888888888888, 'rows': 4.0}
    """
    found = {}
    for j, name in enumerate(classes):
        right, given, true = float(counts.right[j]), float(counts.given[j]), float(counts.true[j])
        found[name] = {
            "precision": _ratio(right, given),
            "recall": _ratio(right, true),
            "f1": _ratio(2.0 * right, given + true),
            "rows": true,
        }
    return found


def areas(
    probabilities: Floats, y: NDArray[Any], classes: Sequence[str], weights: Floats | None = None
) -> dict[str, dict[str, float]]:
    """ROC AUC and average precision of each class against the others; empty for a class that no or every row has.

    Args:
        probabilities: (n, k).
        y: (n,). The class numbers.
        classes: The names of the classes.
        weights: (n,). The weight of each row.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in classes}
    for j, name in enumerate(classes):
        if not why_undefined("roc_auc", y == j, weights):
            score = probabilities[:, j]
            found[name] = {
                "roc_auc": area_under_roc(score, y == j, weights),
                "average_precision": area_under_precision(score, y == j, weights),
            }
    return found


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 0.0
