"""The constant outputs that minimize each loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.network.column_scales import quantile_of
from backpass.numerics.elementary import log, mean, total

CONSTANTS = {"squared": "mean", "huber": "mean", "poisson": "mean", "absolute": "median", "quantile": "quantile"}
"""Loss of numbers -> the name of the constant prediction that it is compared with."""


def constant_outputs(loss: str, y: NDArray[Any], outputs: int, q: float = 0.5) -> NDArray[np.float64]:
    """The constant outputs (k,) with the lowest loss.

    Args:
        loss: The name of the loss.
        y: Encoded targets.
        outputs: The number of outputs, k.
        q: The quantile, for the quantile loss.
    """
    if loss in ("cross_entropy", "binary_cross_entropy"):
        counts = np.bincount(y, minlength=max(outputs, 2)) + 1e-9
        logs = log(counts / total(counts))
        return logs[1:] - logs[:1] if outputs == 1 else logs
    values = y.reshape(-1).astype(np.float64)
    if loss == "poisson":
        return np.array([float(log(max(mean(values), 1e-9)))])
    if loss in ("absolute", "quantile"):
        return np.array([quantile_of(np.sort(values), q)])
    return np.array([mean(values)])
