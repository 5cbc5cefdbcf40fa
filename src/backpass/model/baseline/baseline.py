"""The baselines: simple models that a network's scores are compared with.

The constant baseline predicts the training mean (or the class frequencies) for every row. The linear baseline is a
linear or logistic model on the same features. Both are linear models, the first one with the constant column alone, so
a model file keeps them as vectors. ``work`` limits what a fit costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Spec, trace
from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.model.baseline.linear import Linear
from backpass.model.baseline.work import Method
from backpass.model.head.constant import constant_outputs
from backpass.network import Loss, loss_named
from backpass.network.activity import InputRows

if TYPE_CHECKING:
    from backpass.training.newton import Effort

_CONVEX = ("squared", "poisson", "binary_cross_entropy", "label_cross_entropy", "cross_entropy")
_CHUNK = 8192
KEPT = 32_768
"""The maximum number of parameters of a baseline that a model file keeps: 256 KiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """A simple model on the same features: inputs (n, d)  ->  outputs (n, k), on the network's scale.

    Attributes:
        name: The name under which its scores are reported.
        linear: The linear model.
        theta: Its parameters (columns k,).
    """

    name: str
    linear: Linear
    theta: NDArray[np.float64]

    @property
    def is_constant(self) -> bool:
        """Whether the outputs are the same for every row."""
        return self.linear.columns == 1

    def outputs(
        self, x: InputRows, engine: Engine, fold: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    ) -> NDArray[np.float64]:
        """o (n, k) for inputs x (n, d), which are read in slices of rows.

        Args:
            x: The inputs, with the codes of categorical columns last.
            engine: The engine.
            fold: Makes such rows from inputs of the network, see ``FeatureMap.folded``. Default None: x are such rows.
        """
        if self.is_constant:
            return np.broadcast_to(self.theta, (len(x), self.linear.outputs))
        found, forward = np.empty((len(x), self.linear.outputs)), None
        for i in range(0, len(x), _CHUNK):
            rows = x[i : i + _CHUNK] if fold is None else fold(x[i : i + _CHUNK])
            specs = [Spec(self.theta.shape, self.theta.dtype), Spec(("n", rows.shape[1]), rows.dtype)]
            forward = trace(self.linear, specs) if forward is None else forward
            found[i : i + _CHUNK] = engine.run(forward, self.theta, rows)[0]
        return found


def constant_baseline(
    name: str,
    loss: str,
    y: NDArray[Any],
    outputs: int,
    q: float = 0.5,
    weights: NDArray[np.float64] | None = None,
) -> Baseline:
    """The best constant output for a loss: mean, median or quantile, log-mean, or the log-shares of the classes."""
    row = constant_outputs(loss, y, outputs, q, weights)
    return Baseline(name, Linear(0, (), outputs), np.broadcast_to(row, (outputs,)).astype(np.float64))


def linear_baseline(
    name: str,
    loss_name: str,
    x: NDArray[Any],
    y: NDArray[Any],
    outputs: int,
    engine: Engine,
    levels: Sequence[int] = (),
    method: Method = Method.EXACT,
    effort: Effort | None = None,
    weights: NDArray[np.float64] | None = None,
    several: Loss | None = None,
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
        method: How the Hessian is approximated.
        effort: Limits the passes over the rows. Default None: the search ends when it has converged.
        weights: The weight of each row (n,). Default None: all are 1.
        several: The loss of several targets together, if ``loss_name`` is that of one. Default None: a single target.
    """
    model = Linear(x.shape[1] - len(levels), tuple(levels), outputs)
    smooth = loss_name if loss_name in _CONVEX else "squared"
    if several is not None and smooth == loss_name:
        theta = model.fit(several, x, y, np.zeros(outputs), engine, method, effort, weights)
    else:
        level = constant_outputs(smooth, y, outputs, weights=weights)
        theta = model.fit(loss_named(smooth), x, y, level, engine, method, effort, weights)
    return Baseline(name, model, theta)


def kept(baselines: Sequence[Baseline]) -> tuple[Baseline, ...]:
    """The baselines that a model file keeps: those with few parameters."""
    return tuple(each for each in baselines if each.theta.size <= KEPT)
