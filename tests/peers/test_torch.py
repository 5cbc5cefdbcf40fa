"""PyTorch: another library's losses, gradients and optimizers on random networks. Skipped where it is not installed."""
# ruff: noqa: N802  the notes call the loss J

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy
import pytest

from backpass.circuit import trace, value_and_grad
from backpass.network import dense_network, loss_named, mean_loss
from backpass.training import OptimizerOptions, optimizer_named

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]
pytestmark = pytest.mark.skipif(torch is None, reason="torch is not installed: pip install torch")

Floats = numpy.ndarray[Any, Any]
NETWORKS = 500
STEPS = 100


def activations() -> dict[str, Callable[[Any], Any]]:
    F = torch.nn.functional
    return {
        "relu": torch.relu,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "identity": lambda z: z,
        "softplus": lambda z: torch.logaddexp(z, torch.zeros_like(z)),
        "gelu": F.gelu,
        "selu": torch.selu,
        "mish": F.mish,
        "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    }


def losses() -> dict[str, Callable[[Any, Any], Any]]:
    F = torch.nn.functional
    return {
        "squared": lambda o, y: 0.5 * ((o - y) ** 2).sum(dim=1),
        "absolute": lambda o, y: (o - y).abs().sum(dim=1),
        "huber": lambda o, y: F.huber_loss(o, y, reduction="none").sum(dim=1),
        "poisson": lambda o, y: F.poisson_nll_loss(o, y, reduction="none").sum(dim=1),
        "binary_cross_entropy": lambda o, y: F.binary_cross_entropy_with_logits(o[:, 0], y, reduction="none"),
        "cross_entropy": lambda o, y: F.cross_entropy(o, y, reduction="none"),
    }


class Case:
    """A random network with data, weights of rows and a start, here and there."""

    def __init__(self, seed: int) -> None:
        rng = numpy.random.default_rng(seed)
        self.activation = str(rng.choice(list(activations())))
        self.loss = str(rng.choice(list(losses())))
        rows, d = int(rng.integers(1, 9)), int(rng.integers(1, 6))
        k = {"binary_cross_entropy": 1, "cross_entropy": 4}.get(self.loss, int(rng.integers(1, 4)))
        hidden = tuple(int(m) for m in rng.integers(1, 8, size=int(rng.integers(0, 4))))
        self.network = dense_network(d, hidden, k, activation=self.activation)
        self.widths = [d, *hidden, k]
        self.x, self.w = rng.normal(size=(rows, d)), rng.uniform(0.5, 2.0, rows)
        self.y: Any = {
            "binary_cross_entropy": rng.integers(0, 2, rows).astype(float),
            "cross_entropy": rng.integers(0, 4, rows),
            "poisson": rng.poisson(2.0, size=(rows, k)).astype(float),
        }.get(self.loss, rng.normal(size=(rows, k)))
        self.theta = rng.normal(size=sum(a * b + b for a, b in pairwise(self.widths)))

    def J(self, theta: Any) -> Any:
        return mean_loss(loss_named(self.loss), self.network(theta, self.x), self.y, self.w)

    def torch_J(self, theta: Any) -> Any:
        a, at, w = torch.tensor(self.x), 0, torch.tensor(self.w)
        for layer, (d, m) in enumerate(pairwise(self.widths)):
            W, b = theta[at : at + d * m].reshape(d, m), theta[at + d * m : at + d * m + m]
            at, z = at + d * m + m, a @ W + b
            a = activations()[self.activation](z) if layer < len(self.widths) - 2 else z
        return (losses()[self.loss](a, torch.tensor(self.y)) * w).sum() / w.sum()

    def torch_theta(self) -> Any:
        return torch.tensor(self.theta, requires_grad=True)


@pytest.mark.parametrize("block", range(10))
def test_losses_and_gradients_of_random_networks(block: int) -> None:
    """Each of 500 networks of up to four layers: J and dJ/dtheta agree to 1e-10 of the largest element (or 0.001)."""
    for seed in range(block * NETWORKS // 10, (block + 1) * NETWORKS // 10):
        case = Case(seed)
        theirs = case.torch_theta()
        their_J = case.torch_J(theirs)
        their_J.backward()
        our_J, dtheta = value_and_grad(case.J)(case.theta)
        assert float(our_J) == pytest.approx(their_J.item(), rel=1e-10, abs=1e-12), (seed, case.activation, case.loss)
        expected = theirs.grad.numpy()
        scale = max(1e-3, float(numpy.abs(expected).max()))
        assert float(numpy.abs(dtheta - expected).max()) <= 1e-10 * scale, (seed, case.activation, case.loss)


def optimizers() -> dict[str, tuple[dict[str, Any], Callable[[Any], Any]]]:
    """Ours by name with options, and theirs. Their decay of adamw is ours: alpha lambda theta a step."""
    return {
        "sgd": ({}, lambda p: torch.optim.SGD(p, lr=0.01)),
        "momentum": ({"momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
        "nesterov": ({"momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True)),
        "adam": ({"weight_decay": 0.1}, lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1)),
        "adamw": ({"weight_decay": 0.1}, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1)),
    }


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam", "adamw"])
@pytest.mark.parametrize("seed", range(6))
def test_a_hundred_steps_of_every_optimizer(name: str, seed: int) -> None:
    """Smooth networks: theta agrees to 1e-8 after each of a hundred steps."""
    case = Case(1000 + seed)
    case.activation, case.loss, case.y = "tanh", "squared", numpy.tanh(case.x @ numpy.ones((case.widths[0], 1)))
    case.widths[-1] = 1
    case.network = dense_network(case.widths[0], tuple(case.widths[1:-1]), 1, activation="tanh")
    case.theta = numpy.random.default_rng(seed).normal(size=case.network.layout.size)
    options, make = optimizers()[name]
    optimizer = optimizer_named(name, OptimizerOptions(**options))
    theirs = case.torch_theta()
    their_optimizer = make([theirs])
    theta, memory = case.theta, [numpy.zeros_like(case.theta) for _ in range(optimizer.memories)]
    step = trace(optimizer, [theta, theta, list(memory), numpy.zeros(len(optimizer.columns))])
    gradient = value_and_grad(case.J)
    for row in optimizer.settings(numpy.full(STEPS, 0.01), 0):
        theta, memory = step(theta, gradient(theta)[1], memory, row)
        their_optimizer.zero_grad()
        case.torch_J(theirs).backward()
        their_optimizer.step()
        numpy.testing.assert_allclose(theta, theirs.detach().numpy(), rtol=1e-8, atol=1e-8)


def test_a_planted_difference_is_found() -> None:
    case = Case(3)
    theirs = case.torch_theta()
    case.torch_J(theirs).backward()
    other = value_and_grad(lambda theta: case.J(theta * (1.0 + 1e-8)))(case.theta)[1]
    assert float(numpy.abs(other - theirs.grad.numpy()).max()) > 1e-10 * float(theirs.grad.abs().max())
