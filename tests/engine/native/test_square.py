"""Equal lengths: where all arrays are square, shapes say nothing of what lies where, and no pass may rely on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.circuit import Spec, grad, trace
from backpass.circuit import operations as ops
from backpass.engine import Epoch, NumpyEngine
from backpass.engine.native.native_engine import NativeEngine
from backpass.numerics.philox import key_of
from backpass.training.optimizer import memory_like, optimizer_named
from backpass.training.step import training_step

SINGLE = numpy.dtype(numpy.float32)
N = 6

TURNED: dict[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = {
    "transposed": ((N, N), lambda x: ops.exp(x).T),
    "transposed, and on": ((N, N), lambda x: ops.exp(x).T * 2.0),
    "beside itself": ((N, N), lambda x: x * ops.exp(x).T),
    "there and back": ((N, N), lambda x: ops.tanh(ops.exp(x).T).T + x),
    "backwards": ((N,), lambda x: ops.exp(ops.exp(x)[::-1])),
    "rows and columns backwards": ((N, N), lambda x: ops.tanh(ops.tanh(x)[::-1])[:, ::-1] * x),
    "three axes": ((N, N, 5), lambda x: numpy.transpose(ops.exp(x), (1, 0, 2))),
    "as many parts as rows": ((N, 5), lambda x: numpy.transpose(ops.tanh(stacked(x)), (1, 0, 2))),
    "relu behind a product": ((N, N), lambda x: ops.relu(x @ x).T + ops.relu(x @ x)),
    "relu of a product that is turned": ((N, N), lambda x: ops.relu((x @ x).T)),
    "the slope of relu, turned": ((N, N), lambda x: grad(lambda z: (ops.relu(z @ z).T * x).sum())(x)),
}


def stacked(x: Any) -> Any:
    """(n, k) -> (n, n, k)"""
    return numpy.concatenate([(x * (i + 0.3)).reshape(1, N, 5) for i in range(N)], axis=0)


def compare(function: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    circuit = trace(function, [Spec(shape, SINGLE)])
    x = numpy.random.default_rng(0).uniform(-1, 1, shape).astype(SINGLE)
    for found, wanted in zip(NativeEngine().run(circuit, x), NumpyEngine().run(circuit, x), strict=True):
        numpy.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", TURNED)
def test_what_is_turned_is_not_taken_for_what_is_not(name: str) -> None:
    shape, function = TURNED[name]
    compare(function, shape)


KINDS: dict[str, Callable[[Any, Any], Any]] = {
    "tanh": lambda z, other: ops.tanh(z),
    "relu": lambda z, other: ops.relu(z),
    "times": lambda z, other: z * other + 0.5,
    "difference": lambda z, other: z - other,
    "larger": lambda z, other: ops.maximum(z, other),
    "turned": lambda z, other: z.T,
    "rows backwards": lambda z, other: z[::-1],
    "columns backwards": lambda z, other: z[:, ::-1],
    "product": lambda z, other: ops.tanh(z @ other),
    "product with the turned": lambda z, other: ops.tanh(z @ other.T),
    "share of the row": lambda z, other: z / (1.0 + (other * other).sum(axis=1, keepdims=True)),
    "share of the column": lambda z, other: z - other.max(axis=0),
    "halves": lambda z, other: numpy.concatenate([other[N // 2 :], z[: N // 2]], axis=0),
    "slope": lambda z, other: grad(lambda a: (ops.tanh(a @ other).T * a).sum())(z),
}


@given(st.lists(st.tuples(st.sampled_from([*KINDS]), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=10))
@settings(max_examples=300, deadline=None)
def test_square_circuits_made_at_random(recipe: list[tuple[str, int, int]]) -> None:
    def made(x: Any) -> list[Any]:
        values = [x]
        for kind, i, j in recipe:
            values.append(KINDS[kind](values[i % len(values)], values[j % len(values)]))
        return values

    compare(made, (N, N))


@given(
    st.lists(st.tuples(st.sampled_from([*KINDS]), st.integers(0, 99), st.integers(0, 99)), max_size=8),
    st.sampled_from(["sgd", "momentum", "nesterov", "adam", "adamw"]),
)
@settings(max_examples=100, deadline=None)
def test_steps_whose_parameters_are_square(recipe: list[tuple[str, int, int]], optimizer: str) -> None:
    """The state is overwritten where it lies: nobody may still want to read it turned."""

    def objective(theta: Any, batch: Any, draws: Any) -> Any:
        x, y = batch
        values = [theta.reshape(N, N), ops.tanh(theta.reshape(N, N)).T]
        for kind, i, j in recipe:
            values.append(KINDS[kind](values[i % len(values)], values[j % len(values)]))
        return ((ops.tanh(x @ values[-1]) @ values[0].T - y) ** 2).sum() * 0.01

    rule, random = optimizer_named(optimizer), numpy.random.default_rng(0)
    theta = random.uniform(-1, 1, N * N).astype(SINGLE)
    data = [random.uniform(-1, 1, (3 * N, N)).astype(SINGLE) for _ in range(2)]
    step = training_step(objective, rule, theta, [Spec(("B", N), SINGLE)] * 2)
    rows, sizes = numpy.arange(3 * N).reshape(3, N), numpy.full(3, N)
    epoch = Epoch(rows, sizes, rule.settings(numpy.full(3, 0.001), 0), 0)
    state = (theta, *memory_like(rule, theta))
    found, wanted = (
        engine.run_epoch(step, state, key_of(0), data, epoch, lambda done: False)
        for engine in (NativeEngine(), NumpyEngine())
    )
    assert found.failed == wanted.failed
    numpy.testing.assert_allclose(found.losses, wanted.losses, rtol=1e-3, atol=1e-3)
    numpy.testing.assert_allclose(found.state[0], wanted.state[0], rtol=1e-3, atol=1e-3)
