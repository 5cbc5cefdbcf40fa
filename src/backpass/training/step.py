"""The training step: gradient and update of one batch as a circuit (CS229 section 3, Algorithms 3 and 4).

It takes an objective J(theta, batch) and an optimizer. ``loop`` runs the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, trace, value_and_grad
from backpass.engine import Step, make_step
from backpass.network.layers import RandomKey
from backpass.training.optimizer import Optimizer, memory_like

Objective = Callable[[Array, tuple[Array, ...], RandomKey], Array]
"""J(theta, batch, draws): one number, from the parameters, the rows of a batch and the source of random numbers."""


def gradient_circuit(
    objective: Objective, parameters: int, batch: Sequence[Spec], dtype: Any, columns: Sequence[str] = ()
) -> Circuit:
    """The circuit (theta, key, step, batch) -> (J, dtheta): forward and backward pass.

    For two layers it computes CS229 Algorithm 3, (3.4), for r layers CS229 Algorithm 4; both follow from the chain rule
    alone.

    Args:
        objective: J(theta, batch, draws).
        parameters: P, the length of theta.
        batch: The specs of the batch arrays.
        dtype: The dtype of theta.
        columns: The columns of the settings table that the objective reads. If there are any, the circuit takes their
            values (columns,) as its last input.
    """

    def both(theta: Array, key: Array, number: Array, rows: tuple[Array, ...], *settings: Array) -> Any:
        named = {name: settings[0][i] for i, name in enumerate(columns)}
        return value_and_grad(lambda t: objective(t, rows, RandomKey(key, number, named)))(theta)

    whole = numpy.dtype(numpy.uint32)
    specs: list[Any] = [Spec((parameters,), numpy.dtype(dtype)), Spec((2,), whole), Spec((), whole), tuple(batch)]
    if columns:
        specs.append(Spec((len(columns),), numpy.dtype(dtype)))
    return trace(both, specs, names=["theta", "key", "number", "rows", "settings"][: len(specs)])


def training_step(
    objective: Objective,
    optimizer: Optimizer,
    theta: NDArray[Any],
    batch: Sequence[Spec],
    columns: Sequence[str] = (),
) -> Step:
    """One training step as a circuit: gradient and update in one, so that they can be fused.

    Args:
        objective: J(theta, batch, draws).
        optimizer: The optimizer.
        theta: The parameters, for their shape and dtype.
        batch: The specs of the batch arrays.
        columns: The columns of the settings table that the objective reads (see ``RandomKey``); they follow those of
            the optimizer.
    """
    gradient = gradient_circuit(objective, theta.size, batch, theta.dtype, columns)
    own = len(optimizer.columns)

    def step(state: tuple[Array, ...], settings: Array, key: Array, number: Array, rows: tuple[Array, ...]) -> Any:
        J, g = gradient(state[0], key, number, *rows, *([settings[own:]] if columns else []))
        new_theta, memory = optimizer(state[0], g, state[1:], settings)
        return (new_theta, *memory), J

    state = (theta, *memory_like(optimizer, theta))
    return make_step(step, state, own + len(columns), batch, theta.dtype)
