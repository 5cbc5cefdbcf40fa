"""Properties of random circuits: up to 30 operations with shared subexpressions, kinks, broadcasting, slices and takes.

A program is a list of instructions. It runs on NumPy's own functions, on the operations eagerly, and under a trace.
All values broadcast against each other: their shapes are (3, 4), (1, 4), (3, 1), (4,) and ().
"""
# ruff: noqa: N802  the notes call the loss J

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.circuit import Circuit, check_gradient, operations, trace, value_and_grad
from backpass.circuit.gradient import THEOREM_3_1_CONSTANT

ROWS = numpy.array([2, 0, 2])
Rule = Callable[[Any, Any, Any], Any]

PLAIN = SimpleNamespace(
    exp=numpy.exp,
    sin=numpy.sin,
    tanh=numpy.tanh,
    sqrt=numpy.sqrt,
    absolute=numpy.abs,
    maximum=numpy.maximum,
    minimum=numpy.minimum,
    where=numpy.where,
    power=numpy.power,
    relu=lambda x: x * (x >= 0),
    sigmoid=lambda x: 1 / (1 + numpy.exp(-x)),
    softplus=lambda x: numpy.log(1 + numpy.exp(x)),
    logsumexp=lambda x: numpy.log(numpy.sum(numpy.exp(x), axis=-1, keepdims=True)),
    take=lambda x: x[ROWS],
    reshape=lambda x, shape: numpy.reshape(x, shape),
)
OURS = SimpleNamespace(
    **{name: getattr(operations, name) for name in vars(PLAIN)}
    | {
        "logsumexp": lambda x: operations.logsumexp(x, axis=-1, keepdims=True),
        "take": lambda x: operations.take(x, ROWS, axis=0),
        "reshape": lambda x, shape: operations.reshape(x, shape=shape),
    }
)


def rows_of(a: Any) -> bool:
    return len(a.shape) == 2 and a.shape[0] == 3


# Every rule keeps the shapes above and the size of the numbers within bounds.
RULES: dict[str, Rule] = {
    "add": lambda o, a, b: (a + b) * 0.5,
    "subtract": lambda o, a, b: (a - b) * 0.5,
    "multiply": lambda o, a, b: o.tanh(a * b),
    "divide": lambda o, a, b: a / (1.5 + b * b),
    "power": lambda o, a, b: o.tanh(o.power(0.5 + o.softplus(a), o.tanh(b))),
    "exp": lambda o, a, b: o.exp(o.tanh(a)) - 1.0,
    "sin": lambda o, a, b: o.sin(a + 0.3),
    "sqrt": lambda o, a, b: o.sqrt(1.0 + a * a),
    "sigmoid": lambda o, a, b: o.sigmoid(a),
    "softplus": lambda o, a, b: o.softplus(a) * 0.5,
    "relu": lambda o, a, b: o.relu(a),
    "absolute": lambda o, a, b: o.absolute(a),
    "maximum": lambda o, a, b: o.maximum(a, b),
    "minimum": lambda o, a, b: o.minimum(a, b),
    "where": lambda o, a, b: o.where(a > b, a * 0.5, a - b * 0.5),  # continuous where a = b
    "sum of rows": lambda o, a, b: a.sum(axis=0) / 3.0 if len(a.shape) == 2 else a,
    "sum of columns": lambda o, a, b: o.tanh(a.sum(axis=1, keepdims=True)) if len(a.shape) == 2 else a,
    "sum": lambda o, a, b: o.tanh(a.sum()) if len(a.shape) else a,
    "max": lambda o, a, b: a.max(axis=-1, keepdims=True) if len(a.shape) == 2 else a,
    "logsumexp": lambda o, a, b: o.logsumexp(a) * 0.5 if len(a.shape) == 2 else a,
    "first row": lambda o, a, b: a[:1] if rows_of(a) else a,
    "reversed": lambda o, a, b: a[..., ::-1] if len(a.shape) else a,
    "row": lambda o, a, b: a[1] if a.shape == (3, 4) else a,
    "number": lambda o, a, b: a[..., 2] if a.shape == (4,) else a,
    "take": lambda o, a, b: o.take(a) if rows_of(a) else a,
    "stretch": lambda o, a, b: o.reshape(a, (1, 4)) if a.shape == (4,) else a,
    "product": lambda o, a, b: o.tanh(a @ a.T @ a) if a.shape == (3, 4) else a,
    "product with vector": lambda o, a, b: o.reshape(a @ b, (3, 1)) if (a.shape, b.shape) == ((3, 4), (4,)) else a,
}

INSTRUCTIONS = st.tuples(st.sampled_from(sorted(RULES)), st.integers(0, 40), st.integers(0, 40))
PROGRAMS = st.lists(INSTRUCTIONS, min_size=1, max_size=30)
SEEDS = st.integers(0, 10_000)
Program = list[tuple[str, int, int]]


def run(program: Program, o: Any, x: Any, y: Any, s: Any) -> Any:
    values = [x, y, s]
    for name, i, j in program:
        values.append(RULES[name](o, values[i % len(values)], values[j % len(values)]))
    total = values[-1].sum()
    for k, value in enumerate(values[3:-1]):
        total = total + value.sum() * (0.1 + 0.01 * k)
    return total


def drawn(seed: int) -> list[Any]:
    rng = numpy.random.default_rng(seed)
    return [rng.normal(size=(3, 4)), rng.normal(size=4), numpy.asarray(rng.normal())]


def both(program: Program, scale: float = 1.0) -> Circuit:
    J = lambda x, y, s: run(program, OURS, x, y, s) * scale
    return trace(value_and_grad(J, (0, 1, 2)), [(3, 4), (4,), ()])


@given(PROGRAMS, SEEDS)
@settings(max_examples=300)
def test_gradient_is_the_slope(program: Program, seed: int) -> None:
    assert check_gradient(lambda x, y, s: run(program, OURS, x, y, s), *drawn(seed)).ok


@given(PROGRAMS, SEEDS)
@settings(max_examples=100)
def test_value_is_numpys(program: Program, seed: int) -> None:
    arguments = drawn(seed)
    expected = run(program, PLAIN, *arguments)
    eager = run(program, OURS, *arguments)
    traced = trace(lambda x, y, s: run(program, OURS, x, y, s), [(3, 4), (4,), ()])(*arguments)
    numpy.testing.assert_allclose(eager, expected, rtol=1e-11, atol=1e-12)
    numpy.testing.assert_array_equal(traced, eager)


@given(PROGRAMS, SEEDS, st.sampled_from([-2.0, 0.5, 1024.0]))
@settings(max_examples=60)
def test_gradient_is_linear(program: Program, seed: int, c: float) -> None:
    arguments = drawn(seed)
    J, dJ = both(program)(*arguments)
    cJ, dcJ = both(program, c)(*arguments)
    assert cJ == c * J  # c is a power of two, so nothing is rounded
    for scaled, plain in zip(dcJ, dJ, strict=True):
        numpy.testing.assert_array_equal(scaled, c * plain)


@given(PROGRAMS)
@settings(max_examples=300)
def test_theorem_3_1(program: Program) -> None:
    """The circuit for J and dJ is at most a constant times larger than the circuit for J."""
    forward = trace(lambda x, y, s: run(program, OURS, x, y, s), [(3, 4), (4,), ()])
    views = [node.spec.size({}) for _, node in forward.operations if node.operation.name in ("reshape", "transpose")]
    arguments = 12 + 4 + 1
    assert both(program).size() <= THEOREM_3_1_CONSTANT * (forward.size() + arguments + sum(views))


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_by_itself(name: str) -> None:
    program = [(name, 0, 1), (name, 1, 0), (name, 2, 0), (name, 3, 1), (name, 4, 5)]
    assert check_gradient(lambda x, y, s: run(program, OURS, x, y, s), *drawn(1)).ok


def network(widths: list[int]) -> Callable[..., Any]:
    def J(parameters: Any, x: Any, y: Any) -> Any:
        a = x
        for W, b in parameters[:-1]:
            a = operations.relu(operations.affine(a, W, b))
        return 0.5 * ((operations.affine(a, *parameters[-1]) - y) ** 2).sum()

    return J


@pytest.mark.parametrize("widths", [[8, 16, 1], [30, 64, 64, 1], [10, 32, 32, 32, 32, 3]])
def test_the_gradient_of_a_network_is_three_times_its_size(widths: list[int]) -> None:
    """Forward one product per layer, backward two (one in the first layer)."""
    shapes = [((d, m), (m,)) for d, m in pairwise(widths)]
    inputs = [shapes, ("n", widths[0]), ("n", widths[-1])]
    forward = trace(network(widths), inputs)
    whole = trace(value_and_grad(network(widths)), inputs)
    ratio = whole.size(n=256) / forward.size(n=256)
    assert 2.0 < ratio < 3.1
