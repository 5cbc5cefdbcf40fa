"""Curves of a classifier as numbers: confusion matrix, ROC, precision-recall and calibration.

Functions take probabilities and true classes and return points to draw. They are drawn in ``pictures.evaluation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10
_Z = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A curve.

    Attributes:
        x: (m,). Horizontal coordinates.
        y: (m,). Vertical coordinates.
        area: The area under the curve.
    """

    x: Floats
    y: Floats
    area: float


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A calibration curve; every array has the shape (bins,).

    Attributes:
        predicted: The mean predicted probability.
        observed: The observed share of positive rows.
        low: The lower end of the 95 % interval of ``observed``.
        high: The upper end of the 95 % interval of ``observed``.
        rows: The number of rows.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    rows: NDArray[np.int64]


def confusion(probabilities: Floats, truth: NDArray[Any], decided: NDArray[Any] | None = None) -> NDArray[np.int64]:
    """Count the rows by true class (first axis) and predicted class (second axis): (k, k)

    Args:
        probabilities: (n, k).
        truth: (n,). Class codes.
        decided: (n,). The class that each row is given. Default None: the most probable one.
    """
    k = probabilities.shape[1]
    taken = np.argmax(probabilities, axis=1) if decided is None else decided
    return np.bincount(truth * k + taken, minlength=k * k).reshape(k, k)


def roc(score: Floats, positive: NDArray[np.bool_]) -> Curve:
    """Return the ROC curve: the true positive rate (y) against the false positive rate (x) at every threshold.

    The area is the probability that a positive row scores higher than a negative one; ties count half.

    Args:
        score: (n,). The predicted probability.
        positive: (n,). Whether a row is positive.

    >>> float(roc(np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False])).area)
    0.75
    """
    hits, alarms = _cumulated(score, positive)
    x, y = alarms / max(alarms[-1], 1), hits / max(hits[-1], 1)
    return Curve(x, y, float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0)))


def precision_recall(score: Floats, positive: NDArray[np.bool_]) -> Curve:
    """Return precision (y) against recall (x); the area is the average precision, sum of (R_i - R_{i-1}) P_i.

    Args:
        score: (n,). The predicted probability.
        positive: (n,). Whether a row is positive.
    """
    hits, alarms = _cumulated(score, positive)
    recall, precision = hits / max(hits[-1], 1), hits[1:] / (hits[1:] + alarms[1:])
    area = float(np.sum(np.diff(recall) * precision))
    return Curve(recall, np.concatenate([precision[:1], precision]), area)


def _cumulated(score: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Count the positives and the negatives that score at least each threshold, in descending order of thresholds.

    Equal scores share one threshold; before the first one both counts are 0.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(positive[order])[ends].astype(np.float64)
    return np.insert(hits, 0, 0.0), np.insert(ends + 1.0 - hits, 0, 0.0)


def calibration(score: Floats, positive: NDArray[np.bool_]) -> Calibration:
    """Return predicted probability against observed share, in bins of equally many rows, with Wilson intervals (1927).

    Args:
        score: (n,). The predicted probability.
        positive: (n,). Whether a row is positive.
    """
    order = np.argsort(score, kind="stable")
    bins = [part for part in np.array_split(order, min(BINS, len(order))) if part.size]
    n = np.array([part.size for part in bins])
    predicted = np.array([score[part].mean() for part in bins])
    p = np.array([positive[part].mean() for part in bins])
    middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z * np.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n)) / (1 + _Z * _Z / n)
    return Calibration(predicted, p, middle - half, middle + half, n)


def thinned(curve: Curve, most: int = 400) -> Curve:
    """Reduce a curve to about ``most`` points, spaced evenly along its length; both ends are kept."""
    if len(curve.x) <= most:
        return curve
    steps = np.hypot(np.diff(curve.x), np.diff(curve.y))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.unique(np.searchsorted(length, np.linspace(0.0, length[-1], most)).clip(0, len(curve.x) - 1))
    places = np.unique(np.concatenate([[0], places, [len(curve.x) - 1]]))
    return Curve(curve.x[places], curve.y[places], curve.area)
