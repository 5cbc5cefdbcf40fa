"""Peers: what other libraries do in a training step, written as their own users would for speed.

A turn trains for some steps and gives the seconds per step. The libraries are imported where they are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from turns import Turn, now

LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Case:
    """A network d - ... - 1 with its batch size, and the steps of one turn."""

    widths: tuple[int, ...]
    batch_size: int
    steps: int

    @property
    def name(self) -> str:
        return "-".join(map(str, self.widths))

    @property
    def flops(self) -> int:
        """Multiplications and additions of the products of one step (the first layer needs no dx)."""
        pairs = list(zip(self.widths, self.widths[1:], strict=False))
        return sum(2 * a * b * self.batch_size * (3 if i else 2) for i, (a, b) in enumerate(pairs))

    def data(self) -> tuple[Any, Any]:
        random = np.random.default_rng(0)
        x = random.standard_normal((self.batch_size * self.steps, self.widths[0])).astype(np.float32)
        return x, (np.sin(x[:, :1]) + 0.3 * x[:, 1:2] ** 2).astype(np.float32)

    def weights(self) -> list[tuple[Any, Any]]:
        random = np.random.default_rng(1)
        return [
            ((random.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32), np.zeros(b, np.float32))
            for a, b in zip(self.widths, self.widths[1:], strict=False)
        ]


def by_hand_turn(case: Case) -> Turn:
    """NumPy as a careful person writes it: buffers kept, in place, one vector for all parameters."""
    x, y = case.data()
    theta = np.concatenate([part.reshape(-1) for pair in case.weights() for part in pair])
    g, m, v, u = (np.zeros_like(theta) for _ in range(4))

    def views(vector: Any) -> list[tuple[Any, Any]]:
        pairs, start = [], 0
        for a, b in zip(case.widths, case.widths[1:], strict=False):
            pairs.append((vector[start : start + a * b].reshape(a, b), vector[start + a * b : start + a * b + b]))
            start += a * b + b
        return pairs

    W, dW = views(theta), views(g)
    B = case.batch_size
    a = [np.empty((B, width), np.float32) for width in case.widths]
    dz = [np.empty((B, width), np.float32) for width in case.widths]

    def turn() -> float:
        rows = np.random.default_rng(2).permutation(len(x)).reshape(case.steps, B)
        begin = now()
        for t in range(case.steps):
            np.take(x, rows[t], axis=0, out=a[0])
            for k, (w, b) in enumerate(W):
                np.matmul(a[k], w, out=a[k + 1])
                a[k + 1] += b
                if k < len(W) - 1:
                    np.maximum(a[k + 1], 0, out=a[k + 1])
            np.subtract(a[-1], y[rows[t]], out=dz[-1])
            dz[-1] *= np.float32(1 / B)
            for k in range(len(W) - 1, -1, -1):
                np.matmul(a[k].T, dz[k + 1], out=dW[k][0])
                np.sum(dz[k + 1], axis=0, out=dW[k][1])
                if k:
                    np.matmul(dz[k + 1], W[k][0].T, out=dz[k])
                    dz[k] *= a[k] > 0
            m.__imul__(np.float32(0.9)).__iadd__(np.multiply(g, np.float32(0.1), out=u))
            np.multiply(g, g, out=u)
            v.__imul__(np.float32(0.999)).__iadd__(np.multiply(u, np.float32(0.001), out=u))
            np.sqrt(v, out=u)
            u.__iadd__(np.float32(1e-8))
            np.divide(m, u, out=u)
            theta.__isub__(np.multiply(u, np.float32(LEARNING_RATE), out=u))
        return (now() - begin) / case.steps

    return turn


def scikit_learn_turn(case: Case) -> Turn:
    from sklearn.neural_network import MLPRegressor

    x, y = case.data()
    model = MLPRegressor(hidden_layer_sizes=case.widths[1:-1], batch_size=case.batch_size, alpha=0.0, max_iter=1)

    def turn() -> float:
        begin = now()
        model.partial_fit(x, y.reshape(-1))
        return (now() - begin) / case.steps

    return turn


def torch_turn(case: Case, fused: bool, compiled: bool = False, autocast: bool = False) -> Turn:
    """``compiled``: forward and backward pass through torch.compile, which needs a C++ compiler.

    ``autocast``: products of bfloat16, as torch.autocast makes them; parameters, loss and Adam are float32
    """
    import torch

    layers: list[Any] = []
    for W, b in case.weights():
        linear = torch.nn.Linear(*W.shape)
        linear.weight.data, linear.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=fused)
    x, y = (torch.tensor(array) for array in case.data())

    def loss_of(x: Any, y: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            return torch.nn.functional.mse_loss(model(x), y)

    if compiled:
        loss_of = torch.compile(loss_of)
        loss_of(x[: case.batch_size], y[: case.batch_size]).backward()  # compiles, or says why it cannot

    def turn() -> float:
        rows = torch.randperm(len(x)).reshape(case.steps, case.batch_size)
        begin = now()
        for row in rows:
            adam.zero_grad()
            loss_of(x[row], y[row]).backward()
            adam.step()
        return (now() - begin) / case.steps

    return turn


def jax_turn(case: Case) -> Turn:
    import jax
    import jax.numpy as jnp

    def loss_of(parameters: Any, x: Any, y: Any) -> Any:
        for k, (W, b) in enumerate(parameters):
            x = x @ W + b
            x = jnp.maximum(x, 0) if k < len(parameters) - 1 else x
        return jnp.mean((x - y) ** 2)

    def step(carry: Any, rows: Any) -> Any:
        parameters, m, v, t = carry
        loss, g = jax.value_and_grad(loss_of)(parameters, x[rows], y[rows])
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        scale = LEARNING_RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        parameters = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), parameters, m, v)
        return (parameters, m, v, t + 1.0), loss

    x, y = (jnp.asarray(array) for array in case.data())
    weights = [(jnp.asarray(W), jnp.asarray(b)) for W, b in case.weights()]
    zeros = jax.tree.map(jnp.zeros_like, weights)
    carry = (weights, zeros, zeros, jnp.float32(1.0))
    epoch = jax.jit(lambda carry, rows: jax.lax.scan(step, carry, rows))

    def turn() -> float:
        nonlocal carry
        rows = jnp.asarray(np.random.default_rng(2).permutation(len(x)).reshape(case.steps, case.batch_size))
        begin = now()
        carry, losses = epoch(carry, rows)
        losses.block_until_ready()
        return (now() - begin) / case.steps

    return turn
