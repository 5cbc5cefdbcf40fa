"""Programs: the circuits of the page as JavaScript, traced with free widths and a free batch size.

One program serves every width, so a few dozen cover every choice of the page: the number of hidden layers, the
activation, the task, and dropout or none. Layers, losses and optimizers are those of ``network`` and ``training``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise, product
from typing import Any

import numpy as np

from backpass.circuit import Array, Circuit, Spec, named, trace
from backpass.circuit.gradient import traced_named_gradients
from backpass.circuit.operations import affine, logsumexp, sigmoid, softmax
from backpass.dataclass import dataclass
from backpass.engine.javascript import Kernels, functions_source, script_of
from backpass.engine.webassembly import accepts
from backpass.errors import UsageError
from backpass.network import ACTIVATIONS, Dropout, RandomKey
from backpass.network.losses import BinaryCrossEntropy, Squared
from backpass.training import OptimizerOptions, optimizer_named

DEEPEST = 3
"""The largest number of hidden layers."""
CHOSEN = ("relu", "tanh", "sigmoid", "gelu", "identity")
"""Activations of the hidden layers."""
TASKS = ("regression", "binary", "multiclass")
RULES = ("sgd", "momentum", "adam")
"""Optimizers."""
_FLOAT: np.dtype[Any] = np.dtype(np.float32)
_WORD: np.dtype[Any] = np.dtype(np.uint32)
_HALF = Dropout(0.5)


def losses(task: str, o: Array, y: Array) -> Array:
    """J^(i) per example (B,), of outputs o (B, k) and targets y (B, k): scaled numbers, 0 and 1, or one-hot classes"""
    if task == "regression":
        return Squared().per_example(o, y)
    if task == "binary":
        return BinaryCrossEntropy().per_example(o, y[:, 0])
    return logsumexp(o, axis=1) - (y * o).sum(axis=1)


def mean_of(task: str, o: Array, y: Array, w: Array) -> Array:
    """J, the mean over the examples; w (B,) is 1 for each."""
    return (w * losses(task, o, y)).sum() / w.sum()


def outputs(parameters: Sequence[Array], x: Array, activation: str, draws: RandomKey | None = None) -> Array:
    """o (B, k) of parameters W^[1], b^[1], ..., with the names z1, a1, ..."""
    depth = len(parameters) // 2
    for k in range(1, depth + 1):
        W, b = parameters[2 * k - 2 : 2 * k]
        x = named(affine(x, W, b), f"z{k}")
        if k < depth:
            x = ACTIVATIONS[activation](x)
            x = x if draws is None else _HALF({}, x, str(k), draws)
        x = named(x, f"a{k}")
    return x


def gradient_circuit(hidden: int, activation: str, task: str, *, dropout: bool) -> Circuit:
    """(W1, b1, ..., x, y, w[, rate / 0.5, key, step]) -> (J, dW1, db1, ..., z1, a1, delta1, ...)"""

    def step(*arrays: Array) -> tuple[Array, ...]:
        parameters, (x, y, w, *random) = arrays[: 2 * hidden + 2], arrays[2 * hidden + 2 :]
        draws = RandomKey(random[1], random[2], {"dropout": random[0]}) if random else None

        def J(*inner: Array) -> Array:  # noqa: N802  the notes' name
            theta = [named(array, name) for array, name in zip(inner, names, strict=True)]
            return mean_of(task, outputs(theta, x, activation, draws), y, w)

        loss, values, gradients = traced_named_gradients(J, *parameters)
        layers = range(1, hidden + 2)
        watched = [each for k in layers for each in (values[f"z{k}"], values[f"a{k}"], gradients[f"z{k}"])]
        return (loss, *(gradients[name] for name in names), *watched)

    specs = parameter_specs(hidden, 1 if task != "multiclass" else "k")
    names = [f"{letter}{k}" for k in range(1, hidden + 2) for letter in "Wb"]
    batch = [*_batch(1 if task != "multiclass" else "k")]
    random = [Spec((), _FLOAT), Spec((2,), _WORD), Spec((), _WORD)] if dropout else []
    return trace(step, [*specs, *batch, *random])


def parameter_specs(hidden: int, outputs: int | str) -> list[Spec]:
    """The shapes of W^[1], b^[1], ..., with the free widths d, m1, m2, ..."""
    widths: list[int | str] = ["d", *(f"m{k}" for k in range(1, hidden + 1)), outputs]
    shapes: list[tuple[int | str, ...]] = []
    for before, after in pairwise(widths):
        shapes += [(before, after), (after,)]
    return [Spec(shape, _FLOAT) for shape in shapes]


def _batch(outputs: int | str) -> Iterator[Spec]:
    yield Spec(("B", "d"), _FLOAT)
    yield Spec(("B", outputs), _FLOAT)
    yield Spec(("B",), _FLOAT)


def forward_circuit(hidden: int, activation: str, outputs_: int | str) -> Circuit:
    """(W1, b1, ..., x) -> o"""
    specs = [*parameter_specs(hidden, outputs_), Spec(("B", "d"), _FLOAT)]
    return trace(lambda *arrays: outputs(arrays[:-1], arrays[-1], activation), specs)


def update_circuit(rule: str) -> Circuit:
    """(theta, g, memories ..., settings) -> (theta, memories ...)"""
    optimizer = optimizer_named(rule, OptimizerOptions())

    def update(theta: Array, g: Array, *rest: Array) -> tuple[Array, ...]:
        new, memories = optimizer(theta, g, rest[:-1], rest[-1])
        return (new, *memories)

    vector = Spec(("p",), _FLOAT)
    return trace(update, [vector] * (2 + optimizer.memories) + [Spec((len(optimizer.columns),), _FLOAT)])


def loss_circuit(task: str) -> Circuit:
    """(o, y, w) -> J"""
    k: int | str = "k" if task == "multiclass" else 1
    shapes: list[tuple[int | str, ...]] = [("B", k), ("B", k), ("B",)]
    return trace(partial(mean_of, task), [Spec(shape, _FLOAT) for shape in shapes])


def prediction_circuit(task: str) -> Circuit:
    """o -> the probability of the second class (B, 1), or of each class (B, k)"""
    if task == "binary":
        return trace(sigmoid, [Spec(("B", 1), _FLOAT)])
    return trace(partial(softmax, axis=1), [Spec(("B", "k"), _FLOAT)])


def circuits() -> Iterator[tuple[str, Circuit]]:
    """Every program: its name and its circuit."""
    yield from ((f"loss {task}", loss_circuit(task)) for task in TASKS)
    yield from ((f"predict {task}", prediction_circuit(task)) for task in TASKS[1:])
    yield from ((f"update {rule}", update_circuit(rule)) for rule in RULES)
    for hidden, activation in product(range(DEEPEST + 1), CHOSEN):
        if not hidden and activation != "identity":
            continue
        yield f"forward {hidden} {activation} one", forward_circuit(hidden, activation, 1)
        yield f"forward {hidden} {activation} several", forward_circuit(hidden, activation, "k")
        for task, dropout in product(TASKS, (False, True) if hidden else (False,)):
            name = f"step {hidden} {activation} {task}{' dropout' if dropout else ''}"
            yield name, gradient_circuit(hidden, activation, task, dropout=dropout)


@dataclass(frozen=True, slots=True, eq=False)
class Programs:
    """The programs of the page.

    Attributes:
        sources: Name of a program -> its source; see ``Script``.
        functions: The source of what all programs call.
        kernels: The loops that they share.
    """

    sources: Mapping[str, str]
    functions: str
    kernels: Kernels


@cache
def programs() -> Programs:
    """All programs, with the kernels that they share.

    Raises:
        UsageError: A program needs arrays of constants.
    """
    kernels = Kernels(accepts)
    scripts = {name: script_of(circuit, kernels) for name, circuit in circuits()}
    if large := [name for name, script in scripts.items() if script.constants]:
        raise UsageError("programs of the page have no arrays of constants", details=large)
    calls = {name for script in scripts.values() for name in script.functions} - kernels.names
    return Programs({name: each.source for name, each in scripts.items()}, functions_source(calls), kernels)


def settings_of(rule: str) -> tuple[str, ...]:
    """The columns of an optimizer's settings, in their order."""
    return optimizer_named(rule, OptimizerOptions()).columns
