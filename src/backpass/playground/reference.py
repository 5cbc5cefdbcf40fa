"""Reference: five training steps by Python on fixed rows, which the page repeats and compares.

They run ``Network``, ``Loss`` and ``Optimizer`` in float32 with NumPy, node by node; the page runs its own programs.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array, trace, value_and_grad
from backpass.network import dense_network
from backpass.network.losses import Squared, mean_loss
from backpass.numerics.philox import key_of, philox_bits
from backpass.training import OptimizerOptions, optimizer_named
from backpass.training.optimizer import memory_like

STEPS, BATCH, WIDTHS = 5, 32, (6, 16, 16, 1)
ALPHA, ACTIVATION, RULE = 0.01, "tanh", "adam"


@cache
def reference() -> dict[str, Any]:
    """The rows, theta before the first step and after the last one, and J of every step, as the page reads them."""
    uniform = philox_bits(key_of(229), 0, 0, (STEPS * BATCH, WIDTHS[0])) * 2.0**-32
    x = (4.0 * uniform - 2.0).astype(np.float32)
    y = (np.sign(x[:, :1]) * 0.7 + x[:, 1:2] * x[:, 2:3]).astype(np.float32)
    network = dense_network(WIDTHS[0], WIDTHS[1:-1], WIDTHS[-1], activation=ACTIVATION)
    theta = network.initialize(0, dtype=np.float32)
    optimizer = optimizer_named(RULE, OptimizerOptions())

    def step(theta: Array, mu: Array, nu: Array, settings: Array, x: Array, y: Array) -> tuple[Array, ...]:
        ones = np.ones(BATCH, np.float32)
        J, g = value_and_grad(lambda theta: mean_loss(Squared(), network(theta, x), y, ones))(theta)
        new, memory = optimizer(theta, g, (mu, nu), settings)
        return (J, new, *memory)

    settings = optimizer.settings(np.full(STEPS, ALPHA), 0).astype(np.float32)
    state: tuple[NDArray[Any], ...] = (theta, *memory_like(optimizer, theta))
    circuit = trace(step, [*state, settings[0], x[:BATCH], y[:BATCH]])
    J = []
    for t in range(STEPS):
        rows = slice(t * BATCH, (t + 1) * BATCH)
        loss, *new = circuit.evaluate([*state, settings[t], x[rows], y[rows]])
        state = tuple(new)
        J.append(float(loss))
    return {
        "widths": list(WIDTHS),
        "activation": ACTIVATION,
        "optimizer": RULE,
        "alpha": ALPHA,
        "B": BATCH,
        "theta": _text(theta),
        "x": _text(x),
        "y": _text(y),
        "J": J,
        "last": _text(state[0]),
    }


def _text(array: NDArray[Any]) -> str:
    return b64encode(array.astype("<f4").tobytes()).decode("ascii")
