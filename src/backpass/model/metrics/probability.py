"""Metrics of probabilities: p (n, k) of the classes, y (n,) the class numbers.

Every mean is weighted; weights (n,) default to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.elementary import log, mean, total

Floats = NDArray[np.float64]
Weights = NDArray[np.float64] | None
BINS = 15
"""The number of bins of the calibration error, as in Guo et al. 2017."""

_SMALLEST = 1e-15
_ROUNDING = 1e-9


def log_loss(probabilities: Floats, y: NDArray[Any], weights: Weights = None) -> float:
    """The mean of -ln of the true class's probability (never below 1e-15)"""
    return mean(-log(np.maximum(probabilities[np.arange(len(y)), y], _SMALLEST)), weights)


def brier(probabilities: Floats, y: NDArray[Any], weights: Weights = None) -> float:
    """The mean of (p - 1[positive])^2; for more than two classes, of the sum over classes of (p_j - 1[y = j])^2"""
    k = probabilities.shape[1]
    if k == 2:
        e = probabilities[:, 1] - y
        return mean(e * e, weights)
    return total([mean(np.square(probabilities[:, j] - (y == j)), weights) for j in range(k)])


def calibration_error(probabilities: Floats, y: NDArray[Any], weights: Weights = None) -> float:
    """The expected calibration error: sum over bins of W_b / W |accuracy_b - confidence_b|

    The confidence is the probability of the most probable class. The bins have equal widths; a confidence on an edge,
    up to rounding, is in the lower bin.
    """
    gaps, w = calibration_gaps(probabilities, y, weights), np.ones(len(y)) if weights is None else weights
    return total([abs(gap) for gap in gaps.tolist()]) / total(w)


def calibration_gaps(probabilities: Floats, y: NDArray[Any], weights: Weights = None) -> Floats:
    """For each bin of the calibration error, the sum of w (1[right] - confidence): (BINS,)"""
    confidence, taken = probabilities.max(axis=1), np.argmax(probabilities, axis=1)
    w = np.ones(len(y)) if weights is None else weights
    bins = np.minimum(np.ceil(confidence * BINS - _ROUNDING).astype(np.int64) - 1, BINS - 1)
    gaps = w * ((taken == y) - confidence)
    return np.array([total(gaps[bins == b]) for b in range(BINS)])
