"""Metrics: the quality of predictions, on the scale of the target.

For classes, predictions are probabilities (n, k) and y the class numbers; for numbers, both are (n,). Every mean over
rows is weighted; weights (n,) default to 1. ``LOWER_IS_BETTER`` tells the direction of each metric.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from sys import float_info
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.elementary import log, mean

Floats = NDArray[np.float64]
Weights = NDArray[np.float64] | None
_SMALLEST = 1e-15

FEWEST_ROWS = 10
"""A score on fewer rows is meaningless: none are set aside for it, and it is not compared with a constant."""


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


def accuracy(probabilities: Floats, y: NDArray[Any], weights: Weights = None) -> float:
    """The share of rows whose most probable class is the true one"""
    return mean(np.equal(np.argmax(probabilities, axis=1), y), weights)


def error(probabilities: Floats, y: NDArray[Any], weights: Weights = None) -> float:
    """The share of rows whose most probable class is not the true one"""
    return mean(np.not_equal(np.argmax(probabilities, axis=1), y), weights)


def log_loss(probabilities: Floats, y: NDArray[Any], weights: Weights = None) -> float:
    """The mean of -ln of the true class's probability (never below 1e-15)"""
    return mean(-log(np.maximum(probabilities[np.arange(len(y)), y], _SMALLEST)), weights)


METRICS: MappingProxyType[str, Callable[..., float]] = MappingProxyType(
    {
        "rmse": rmse,
        "mae": mae,
        "r2": r2,
        "pinball": pinball,
        "poisson_deviance": poisson_deviance,
        "accuracy": accuracy,
        "error": error,
        "log_loss": log_loss,
    }
)

LOWER_IS_BETTER = frozenset({"rmse", "mae", "pinball", "poisson_deviance", "log_loss", "error", "loss"})

CHOOSING = ("rmse", "mae", "r2", "pinball", "poisson_deviance", "log_loss", "error", "accuracy")
"""The metrics that can select the best epoch."""

_AS = {"r2": "rmse", "accuracy": "error"}
"""Metric where more is better -> equivalent metric where less is better: both have their optimum at the same epoch."""

_FOR_CLASSES = ("log_loss", "error")

_BY_LOSS = {
    "squared": ("rmse", "mae", "r2"),
    "absolute": ("mae", "rmse", "r2"),
    "huber": ("mae", "rmse", "r2"),
    "quantile": ("pinball", "mae"),
    "poisson": ("poisson_deviance", "rmse", "mae"),
    "cross_entropy": ("log_loss", "accuracy"),
}


def metrics_for(loss: str, asked: str | None = None) -> tuple[str, ...]:
    """The metrics reported for a loss. The first one, ``asked`` or its equivalent if given, selects the best epoch.

    >>> metrics_for("squared"), metrics_for("cross_entropy", "accuracy")
    (('rmse', 'mae', 'r2'), ('error', 'log_loss', 'accuracy'))
    """
    names = _BY_LOSS[loss]
    first = names[0] if asked is None else _AS.get(asked, asked)
    return (first, *(name for name in names if name != first))


def is_compatible(metric: str, loss: str) -> bool:
    """Whether the metric can be computed from the predictions of a network with that loss."""
    return (_AS.get(metric, metric) in _FOR_CLASSES) == (loss == "cross_entropy")


def scores(
    loss: str,
    predicted: Floats,
    y: NDArray[Any],
    q: float = 0.5,
    asked: str | None = None,
    weights: Weights = None,
) -> dict[str, float]:
    """Every metric of a loss by name; predictions that are not finite give scores that are not finite.

    Args:
        loss: The name of the loss.
        predicted: Numbers (n,) or probabilities (n, k).
        y: Targets (n,).
        q: The quantile, for the pinball loss.
        asked: The requested metric, if any.
        weights: The weight of each row (n,).
    """
    options = {"pinball": {"q": q}}
    with np.errstate(all="ignore"):
        return {
            name: METRICS[name](predicted, y, **options.get(name, {}), weights=weights)
            for name in metrics_for(loss, asked)
        }
