"""Stacked step: one training step of several networks of the same layers, each on a batch of its own.

The parameters are a matrix theta (m, P), a row for each network. Operations that a single network applies to matrices
apply to stacks of matrices here (see ``affine``), so a network of the stack gets the bits that it gets alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Spec, operations, value_and_grad
from backpass.circuit.operations import equal, where
from backpass.engine import Step, make_step
from backpass.network import Dense, Loss, Network
from backpass.training.optimizer import Clip, Optimizer, memory_like


def stackable(network: Network, optimizer: Optimizer) -> bool:
    """Whether a step of several such networks computes for each of them what a step of its own does.

    Dropout would draw by the place in the stack, and clipping would take the norm of all gradients.
    """
    has_clip = any(isinstance(rule, Clip) for rule in optimizer.rules)
    return all(isinstance(layer, Dense) for layer in network.layers) and not has_clip


def stacked_views(network: Network, theta: Array) -> Mapping[str, Array]:
    """W^[k] (m, d, m_k) and b^[k] (m, m_k) of every network, by name, for theta (m, P)."""
    views, start, count = {}, 0, theta.shape[0]
    for parameter in network.layout.parameters:
        views[parameter.name] = theta[:, start : start + parameter.size].reshape(count, *parameter.shape)
        start += parameter.size
    return views


def stacked_outputs(network: Network, theta: Array, x: Array) -> Array:
    """The outputs of every network for rows of its own.

    theta (m, P)   x (m, B, d)   ->   o (m, B, k)
    """
    views = stacked_views(network, theta)
    for number, layer, _ in network.numbered():
        x = layer(views, x, number, None)
    return x


def stacked_step(
    network: Network, loss: Loss, optimizer: Optimizer, theta: NDArray[Any], batch: Sequence[Spec], rows: int
) -> Step:
    """One step of m networks, each on B rows, as a circuit.

    J = sum over the networks of (sum of w^(i) J^(i) / sum of w^(i)); the weights of rows that only fill a batch are 0.

    Args:
        network: The layers that all networks have.
        loss: The loss.
        optimizer: The optimizer; its factors (P,) apply to every network.
        theta: The parameters (m, P), for their shape and dtype.
        batch: The specs of one row of x (d,), of its target () or (k,), and of its weight ().
        rows: B, the rows of a batch of one network.
    """
    assert stackable(network, optimizer), "dense layers and no gradient clipping"
    count = len(theta)
    of_x, of_y, of_weight = batch

    def objective(theta: Array, x: Array, y: Array, weights: Array) -> Array:
        o = stacked_outputs(network, theta, x.reshape(count, rows, *of_x.shape))
        J = loss.per_example(o.reshape(count * rows, network.outputs), y)
        J, w = J.reshape(count, rows), weights.reshape(count, rows)
        whole = operations.sum(w, axis=1)
        weighted = operations.sum(w * J.astype(w.dtype), axis=1)
        return operations.sum(weighted / where(equal(whole, 0.0), 1.0, whole))

    def step(state: tuple[Array, ...], settings: Array, key: Array, number: Array, rows: tuple[Array, ...]) -> Any:
        J, g = value_and_grad(lambda theta: objective(theta, *rows))(state[0])
        new_theta, memory = optimizer(state[0], g, state[1:], settings)
        return (new_theta, *memory), J

    specs = [Spec((count * rows, *each.shape), each.dtype) for each in (of_x, of_y, of_weight)]
    state = (theta, *memory_like(optimizer, theta))
    return make_step(step, state, len(optimizer.columns), specs, numpy.dtype(theta.dtype))
