"""The baselines: simple models that a network's scores are compared with.

The constant baseline predicts the training mean (or the class shares) for every row. The linear baseline is a linear
or logistic model on the same features, fitted until its score no longer changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Spec, trace
from backpass.engine import Engine
from backpass.model.baseline.linear import Linear
from backpass.model.head.constant import constant_outputs
from backpass.network import loss_named

_CONVEX = ("squared", "poisson", "binary_cross_entropy", "cross_entropy")


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """A simple model on the same features: inputs (n, d)  ->  outputs (n, k), on the network's scale.

    Attributes:
        name: The name under which its scores are reported.
        outputs: Maps inputs to outputs.
    """

    name: str
    outputs: Callable[[NDArray[Any]], NDArray[Any]]


def constant_baseline(name: str, loss: str, y: NDArray[Any], outputs: int, q: float = 0.5) -> Baseline:
    """The best constant output for a loss: mean, median or quantile, log-mean, or the log-shares of the classes."""
    row = constant_outputs(loss, y, outputs, q)
    return Baseline(name, lambda x: np.broadcast_to(row, (len(x), outputs)))


def linear_baseline(
    name: str,
    loss_name: str,
    x: NDArray[Any],
    y: NDArray[Any],
    outputs: int,
    engine: Engine,
    levels: Sequence[int] = (),
) -> Baseline:
    """The linear model with the same loss (squared loss if that loss is not smooth), fitted by Newton's method.

    Args:
        name: The name under which its scores are reported.
        loss_name: The network's loss.
        x: Inputs (n, d), with the codes of categorical columns in the last columns, see ``FeatureMap.folded``.
        y: Encoded targets.
        outputs: The number of outputs, k.
        engine: The engine that runs the circuits.
        levels: The number of categories of each code column.
    """
    model = Linear(x.shape[1] - len(levels), tuple(levels), outputs)
    smooth = loss_name if loss_name in _CONVEX else "squared"
    theta = model.fit(loss_named(smooth), x, y, constant_outputs(smooth, y, outputs), engine)
    forward = trace(model, [Spec(theta.shape, theta.dtype), Spec(("n", x.shape[1]), x.dtype)])
    return Baseline(name, lambda rows: engine.run(forward, theta, rows)[0])
