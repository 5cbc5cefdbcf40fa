"""Curves of a classifier as numbers: ROC, precision-recall and calibration.

Functions take probabilities, true classes and the weights of rows and return points to draw. They are
drawn in ``pictures.evaluation``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.metrics.ranking import cumulated

Floats = NDArray[np.float64]
BINS = 10
_Z = 1.959963984540054  # the 97.5% quantile of the standard normal distribution


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
        low: The lower end of the 95% interval of ``observed``.
        high: The upper end of the 95% interval of ``observed``.
        rows: The number of rows; of weighted rows the effective one.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    rows: Floats


def roc(score: Floats, positive: NDArray[np.bool_], weights: Floats | None = None) -> Curve:
    """Return the ROC curve: the true positive rate (y) against the false positive rate (x) at every threshold.

    The area is the probability that a positive row scores higher than a negative one; ties count half.

    Args:
        score: (n,). The predicted probability.
        positive: (n,). Whether a row is positive.
        weights: (n,). The weight of each row.

    >>> float(roc(np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False])).area)
    0.75
    """
    hits, alarms = (np.insert(each, 0, 0.0) for each in cumulated(score, positive, weights)[1:])
    x, y = alarms / (alarms[-1] or 1.0), hits / (hits[-1] or 1.0)
    return Curve(x, y, float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0)))


def precision_recall(score: Floats, positive: NDArray[np.bool_], weights: Floats | None = None) -> Curve:
    """Return precision (y) against recall (x); the area is the average precision, sum of (R_i - R_{i-1}) P_i.

    Args:
        score: (n,). The predicted probability.
        positive: (n,). Whether a row is positive.
        weights: (n,). The weight of each row.
    """
    _, hits, alarms = cumulated(score, positive, weights)
    recall, precision = np.insert(hits / (hits[-1] or 1.0), 0, 0.0), hits / (hits + alarms)
    area = float(np.sum(np.diff(recall) * precision))
    return Curve(recall, np.concatenate([precision[:1], precision]), area)


def calibration(score: Floats, positive: NDArray[np.bool_], weights: Floats | None = None) -> Calibration:
    """Return predicted probability against observed share, in bins of equally many rows, with Wilson intervals (1927).

    Weighted rows count as (sum of w)^2 / (sum of w^2) rows in an interval (Kish 1965).

    Args:
        score: (n,). The predicted probability.
        positive: (n,). Whether a row is positive.
        weights: (n,). The weight of each row.
    """
    order = np.argsort(score, kind="stable")
    if weights is not None:
        order = order[weights[order] > 0.0]
    bins = [part for part in np.array_split(order, min(BINS, len(order))) if part.size]
    w = np.ones(len(score)) if weights is None else weights
    n = np.array([w[part].sum() ** 2 / (w[part] ** 2).sum() for part in bins])
    predicted = np.array([np.average(score[part], weights=w[part]) for part in bins])
    p = np.array([np.average(positive[part], weights=w[part]) for part in bins])
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
