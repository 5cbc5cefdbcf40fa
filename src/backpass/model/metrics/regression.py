"""Metrics of predicted numbers: predictions and targets y are (n,), in the unit of the target.

Every mean is weighted; weights (n,) default to 1.
"""

from __future__ import annotations

from math import sqrt
from sys import float_info

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.elementary import log, mean, median

Floats = NDArray[np.float64]
Weights = NDArray[np.float64] | None


def rmse(predicted: Floats, y: Floats, weights: Weights = None) -> float:
    """The root mean squared error, in units of the target"""
    unit, e = _errors(predicted, y)
    return 2.0 * (unit * sqrt(mean(e * e, weights)))


def _errors(predicted: Floats, y: Floats) -> tuple[float, Floats]:
    """unit and e with predicted - y = 2 unit e and |e| at most 1: neither differences nor squares overflow."""
    halves = 0.5 * predicted - 0.5 * y
    unit = float(np.max(np.abs(halves), initial=0.0)) or 1.0
    return unit, halves / unit


def mae(predicted: Floats, y: Floats, weights: Weights = None) -> float:
    """The mean absolute error, in units of the target"""
    unit, e = _errors(predicted, y)
    return 2.0 * (unit * mean(np.abs(e), weights))


def r2(predicted: Floats, y: Floats, weights: Weights = None) -> float:
    """1 - squared error / squared deviation from the mean; 0 for a constant target"""
    if y.min() == y.max():
        return 0.0
    unit = float(np.max(np.abs(y)))
    center = np.full_like(y, unit * mean(y / unit, weights))
    spread = rmse(center, y, weights)
    if spread == 0.0:  # all rows with positive weight have the same target
        return 0.0
    ratio = rmse(predicted, y, weights) / spread
    return max(1.0 - ratio * ratio, -float_info.max)


def pinball(predicted: Floats, y: Floats, q: float = 0.5, weights: Weights = None) -> float:
    """The mean quantile loss max(q e, (q - 1) e), e = y - prediction"""
    unit, e = _errors(y, predicted)
    return 2.0 * (unit * mean(np.maximum(q * e, (q - 1.0) * e), weights))


def poisson_deviance(predicted: Floats, y: Floats, weights: Weights = None) -> float:
    """2 (y ln(y / prediction) - y + prediction), averaged; y ln y is 0 at y = 0"""
    # Two logarithms, since y / prediction may overflow.
    logs = log(np.where(y > 0, y, 1.0)) - log(np.maximum(predicted, float_info.min))
    return mean(2.0 * (y * logs - y + predicted), weights)


def mape(predicted: Floats, y: Floats, weights: Weights = None) -> float:
    """The mean of |y - prediction| / |y|, as a share; y must have no zero"""
    return mean(np.abs(predicted / y - 1.0), weights)


def median_absolute_error(predicted: Floats, y: Floats, weights: Weights = None) -> float:
    """The median of |y - prediction|: half of the weight has a smaller error"""
    unit, e = _errors(predicted, y)
    return 2.0 * (unit * median(np.abs(e), weights))
