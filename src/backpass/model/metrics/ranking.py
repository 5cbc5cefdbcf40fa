"""Metrics of rankings: how well scores (n,) separate positive rows from the others.

For more than two classes, each class in turn is the positive one, and the mean over the classes is taken (macro
average). Classes that no row has are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.elementary import mean, total

Floats = NDArray[np.float64]
Weights = NDArray[np.float64] | None
Flags = NDArray[np.bool_]


def cumulated(score: Floats, positive: Flags, weights: Weights = None) -> tuple[Floats, Floats, Floats]:
    """Thresholds in descending order, and the weights of the positive and of the other rows that score at least these.

    Equal scores share one threshold. Rows of weight 0 are ignored.

    Args:
        score: (n,). The score of each row.
        positive: (n,). Whether a row is positive.
        weights: (n,). The weight of each row.

    >>> [each.tolist() for each in cumulated(np.array([0.9, 0.4, 0.4]), np.array([True, True, False]))]
    [[0.9, 0.4], [1.0, 2.0], [0.0, 1.0]]
    """
    order = np.argsort(-score, kind="stable")
    if weights is not None:
        order = order[weights[order] > 0.0]
    w = np.ones(len(order)) if weights is None else weights[order]
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    hits, alarms = (np.cumsum(w * flags)[ends] for flags in (positive[order], ~positive[order]))
    return score[order][ends], hits, alarms


def area_under_roc(score: Floats, positive: Flags, weights: Weights = None) -> float:
    """The area under the ROC curve: how often a positive row scores higher than another one; ties count half."""
    _, hits, alarms = cumulated(score, positive, weights)
    before = np.concatenate([[0.0], hits[:-1]])
    steps = np.diff(alarms, prepend=0.0) * (hits + before)
    return total(steps) / 2.0 / float(hits[-1]) / float(alarms[-1])


def area_under_precision(score: Floats, positive: Flags, weights: Weights = None) -> float:
    """The average precision: sum over thresholds of (R_i - R_(i-1)) P_i"""
    _, hits, alarms = cumulated(score, positive, weights)
    return total(np.diff(hits, prepend=0.0) * (hits / (hits + alarms))) / float(hits[-1])


def roc_auc(probabilities: Floats, y: NDArray[Any], weights: Weights = None, *, positive: int = 1) -> float:
    """The area under the ROC curve; for more than two classes, the mean of one class against the others"""
    return _averaged(area_under_roc, probabilities, y, weights, positive)


def average_precision(probabilities: Floats, y: NDArray[Any], weights: Weights = None, *, positive: int = 1) -> float:
    """The sum of (R_i - R_(i-1)) P_i over thresholds; for more than two classes, the mean over the classes"""
    return _averaged(area_under_precision, probabilities, y, weights, positive)


def _averaged(
    area: Callable[[Floats, Flags, Weights], float],
    probabilities: Floats,
    y: NDArray[Any],
    weights: Weights,
    positive: int,
) -> float:
    """The area for the positive class, or the mean over the classes; NaN if only one class has rows."""
    present = np.unique(y if weights is None else y[weights > 0.0])
    if len(present) < 2:
        return float("nan")
    chosen = [positive] if probabilities.shape[1] == 2 else present.tolist()
    return mean([area(probabilities[:, j], y == j, weights) for j in chosen])
