"""Curves of a classifier: confusion, ROC, precision against recall, calibration; as numbers.

Probabilities and true classes come in; points to draw go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10
_Z = 1.959963984540054  # the normal distribution's 97.5 % point


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points x, y (m,), and the area under them."""

    x: Floats
    y: Floats
    area: float


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Per bin of predictions: their mean, the share of rows that were so, its 95 % interval, and the rows; (bins,)"""

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    rows: NDArray[np.int64]


def confusion(probabilities: Floats, truth: NDArray[Any]) -> NDArray[np.int64]:
    """How many rows of each true class (down) were taken for each class (across): (k, k)"""
    k = probabilities.shape[1]
    taken = np.argmax(probabilities, axis=1)
    return np.bincount(truth * k + taken, minlength=k * k).reshape(k, k)


def roc(score: Floats, positive: NDArray[np.bool_]) -> Curve:
    """The share of positives found against the share of negatives taken for positive, from threshold to threshold.

    The area is the probability that a positive row scores above a negative one, ties counting half.

    >>> float(roc(np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False])).area)
    0.75
    """
    hits, alarms = _cumulated(score, positive)
    x, y = alarms / max(alarms[-1], 1), hits / max(hits[-1], 1)
    return Curve(x, y, float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0)))


def precision_recall(score: Floats, positive: NDArray[np.bool_]) -> Curve:
    """Precision (y) against recall (x); the area is the average precision, sum of (R_i - R_{i-1}) P_i."""
    hits, alarms = _cumulated(score, positive)
    recall, precision = hits / max(hits[-1], 1), hits[1:] / (hits[1:] + alarms[1:])
    area = float(np.sum(np.diff(recall) * precision))
    return Curve(recall, np.concatenate([precision[:1], precision]), area)


def _cumulated(score: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Positives and negatives with a score of at least each threshold, the highest first; equal scores are one step."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(positive[order])[ends].astype(np.float64)
    return np.insert(hits, 0, 0.0), np.insert(ends + 1.0 - hits, 0, 0.0)


def calibration(score: Floats, positive: NDArray[np.bool_]) -> Calibration:
    """Predicted probability against observed share, in bins that hold equally many rows; Wilson's interval (1927)."""
    order = np.argsort(score, kind="stable")
    bins = [part for part in np.array_split(order, min(BINS, len(order))) if part.size]
    n = np.array([part.size for part in bins])
    predicted = np.array([score[part].mean() for part in bins])
    p = np.array([positive[part].mean() for part in bins])
    middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z * np.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n)) / (1 + _Z * _Z / n)
    return Calibration(predicted, p, middle - half, middle + half, n)


def thinned(curve: Curve, most: int = 400) -> Curve:
    """The curve with at most so many points, evenly chosen along its length; the ends stay."""
    if len(curve.x) <= most:
        return curve
    steps = np.hypot(np.diff(curve.x), np.diff(curve.y))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.unique(np.searchsorted(length, np.linspace(0.0, length[-1], most)).clip(0, len(curve.x) - 1))
    places = np.unique(np.concatenate([[0], places, [len(curve.x) - 1]]))
    return Curve(curve.x[places], curve.y[places], curve.area)
