"""The constant outputs that minimize each loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.network.column_scales import quantile_of
from backpass.numerics.elementary import log, mean, total

CONSTANTS = {"squared": "mean", "huber": "mean", "poisson": "mean", "absolute": "median", "quantile": "quantile"}
"""Loss of numbers -> the name of the constant prediction that it is compared with."""

CLASS_FREQUENCIES = "class_frequencies"
"""The name of the constant prediction of classes."""


def constant_outputs(
    loss: str, y: NDArray[Any], outputs: int, q: float = 0.5, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """The constant outputs (k,) with the lowest loss.

    A weighted quantile is the smallest value with at least a share q of the weight at or below it.

    Args:
        loss: The name of the loss.
        y: Encoded targets.
        outputs: The number of outputs, k.
        q: The quantile, for the quantile loss.
        weights: The weight of each row (n,). Default None: all are 1.

    >>> constant_outputs("squared", np.array([1.0, 4.0]), 1, weights=np.array([2.0, 1.0]))
    array([2.])
    """
    if loss in ("cross_entropy", "binary_cross_entropy"):
        counts = np.bincount(y, weights, minlength=max(outputs, 2)) + 1e-9
        logs = log(counts / total(counts))
        return logs[1:] - logs[:1] if outputs == 1 else logs
    values = y.reshape(-1).astype(np.float64)
    if weights is not None:
        weights = np.repeat(weights, values.size // len(weights))  # several targets of one row
    if loss == "poisson":
        return np.array([float(log(max(mean(values, weights), 1e-9)))])
    if loss in ("absolute", "quantile"):
        if weights is not None:
            order = np.argsort(values, kind="stable")
            shares = np.cumsum(weights[order])
            return np.array([values[order][np.searchsorted(shares, q * shares[-1] * (1.0 - 1e-12))]])
        return np.array([quantile_of(np.sort(values), q)])
    return np.array([mean(values, weights)])
