"""Networks in the notes' form (columns, W is m x d), drawn from a seed, and runs of the library's on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from backpass.circuit import value_and_grad
from backpass.engine import NumpyEngine
from backpass.network import Network, dense_network, loss_named, mean_loss
from backpass.training import OptimizerOptions, TrainingRun, TrainingSettings, optimizer_named

Floats = numpy.ndarray[Any, Any]


def drawn(widths: Sequence[int], seed: int) -> tuple[list[Floats], list[Floats]]:
    """W^[k] (m_k, m_{k-1}) and b^[k] (m_k, 1) for widths d, m_1, ..., m_r."""
    rng = numpy.random.default_rng(seed)
    pairs = list(zip(widths[1:], widths[:-1], strict=True))
    return [rng.normal(size=(m, d)) for m, d in pairs], [rng.normal(size=(m, 1)) for m, _ in pairs]


def network_of(widths: Sequence[int], **options: Any) -> Network:
    return dense_network(widths[0], widths[1:-1], widths[-1], **options)


def squared_objective(network: Network) -> Callable[..., Any]:
    """J(theta, (x, y, weights), draws) with the squared loss."""

    def J(theta: Any, batch: Any, draws: Any) -> Any:  # noqa: N802  the notes' name
        x, y, weights = batch
        return mean_loss(loss_named("squared"), network(theta, x, draws), y, weights)

    return J


def gradient_at(network: Network, x: Floats, y: Floats) -> Callable[[Floats], Floats]:
    """theta -> the gradient of the mean squared cost over the rows of x (n, d), y (n, 1)."""
    J = squared_objective(network)
    both = value_and_grad(lambda theta: J(theta, (x, y, numpy.ones(len(x))), None))
    return lambda theta: both(theta)[1]  # type: ignore[no-any-return]


def run_of(
    network: Network, theta: Floats, x: Floats, y: Floats, optimizer: str = "sgd", **settings: Any
) -> TrainingRun:
    """A run of the squared loss on x (n, d), y (n, 1)."""
    data = (x, y, numpy.ones(len(x), x.dtype))
    chosen = optimizer_named(optimizer, OptimizerOptions())
    return TrainingRun(squared_objective(network), theta, data, chosen, TrainingSettings(**settings), NumpyEngine())
