"""Derivatives beside an independent automatic differentiation: 300 random functions, first and second derivatives.

A function is a program: a list of steps, drawn with a seed, on values whose shapes broadcast. It runs on NumPy's
functions under a trace here, and on JAX's functions of the same names there. Run by ``make test-peers``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from backpass.circuit import grad, trace

# What is compiled runs once.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"
jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

COUNT = 300
ROWS = numpy.array([2, 0, 2])
MASK = numpy.array([True, False, True, True])
TABLE = numpy.cos(numpy.arange(24.0)).reshape(2, 4, 3)
SPREAD = TABLE[0].T
"""Makes rows differ: where all are equal a standard deviation has no slope."""
Rule = Callable[[Any, Any, Any], Any]

OURS = SimpleNamespace(np=numpy, norm=numpy.linalg.norm)
PEER = SimpleNamespace(np=jnp, norm=jnp.linalg.norm)


def wide(a: Any) -> bool:
    return bool(a.shape == (3, 4))


# Every rule gives one of the shapes (3, 4), (1, 4), (3, 1), (4,) and (), and keeps the size of the numbers in bounds.
ELEMENTWISE: dict[str, Rule] = {
    "add": lambda m, a, b: (a + b) * 0.5,
    "subtract": lambda m, a, b: (a - b) * 0.5,
    "multiply": lambda m, a, b: m.np.tanh(a * b),
    "divide": lambda m, a, b: a / (1.5 + b * b),
    "power": lambda m, a, b: m.np.tanh((1.5 + m.np.sin(a)) ** m.np.tanh(b)),
    "whole powers": lambda m, a, b: m.np.tanh(a**2 - 0.1 * a**3 + a**0 + b**1 + (2.0 + m.np.cos(b)) ** -1),
    "exp": lambda m, a, b: m.np.exp(m.np.tanh(a)) - 1.0,
    "exp2": lambda m, a, b: m.np.exp2(m.np.tanh(a)),
    "expm1": lambda m, a, b: m.np.tanh(m.np.expm1(a)),
    "log": lambda m, a, b: m.np.log(1.1 + a * a) - m.np.log2(2.0 + b * b) + m.np.log10(3.0 + a * a),
    "log1p": lambda m, a, b: m.np.log1p(a * a),
    "logaddexp": lambda m, a, b: m.np.logaddexp(a, b) * 0.5,
    "sqrt": lambda m, a, b: m.np.sqrt(1.0 + a * a),
    "sin": lambda m, a, b: m.np.sin(a + 0.3) + m.np.cos(b),
    "tan": lambda m, a, b: m.np.tan(0.7 * m.np.sin(a)),
    "arctan": lambda m, a, b: m.np.arctan(2.0 * a),
    "sinh": lambda m, a, b: m.np.tanh(m.np.sinh(a) - m.np.cosh(m.np.tanh(b))),
    "absolute": lambda m, a, b: m.np.abs(a) - m.np.sign(b) * 0.1,
    "maximum": lambda m, a, b: m.np.maximum(a, b + 0.01),
    "minimum": lambda m, a, b: m.np.minimum(a, b - 0.01),
    "clip": lambda m, a, b: m.np.clip(a, -0.8, 0.9) + 0.1 * a,
    "mask": lambda m, a, b: m.np.where((a > -0.5) & (b < 0.5) | ~(a < 1.0), a * b * 0.3, m.np.sin(a)),
    "either": lambda m, a, b: m.np.where((a > 0) ^ (b > 0), a, 0.5 * a - 0.2),
    "logic": lambda m, a, b: m.np.where(m.np.logical_and(a > 0, m.np.logical_not(b > 0)), a, 0.1),
    "remainder": lambda m, a, b: a % 0.77 + a // 0.77 + m.np.remainder(a, 1.5 + b * b),
    "rounding": lambda m, a, b: a - m.np.floor(a) + m.np.ceil(b) * 0.1 + m.np.round(a) * a * 0.1 + m.np.trunc(a) * 0.1,
    "unary plus": lambda m, a, b: +a - -b * 0.2,
    "square": lambda m, a, b: m.np.tanh(m.np.square(a)) + m.np.reciprocal(2.0 + m.np.square(b)),
}
REDUCTIONS: dict[str, Rule] = {
    "sums": lambda m, a, b: m.np.tanh(a.sum(axis=0) - a.sum()),
    "mean": lambda m, a, b: a.mean(axis=1, keepdims=True),
    "average": lambda m, a, b: m.np.average(a, axis=0, weights=numpy.array([1.0, 2.0, 0.5])),
    "max": lambda m, a, b: a.max(axis=0) - a.min(axis=1, keepdims=True),
    "var": lambda m, a, b: m.np.var(a, axis=0) + m.np.std(a + SPREAD, axis=1, keepdims=True, ddof=1),
    "norm": lambda m, a, b: m.norm(a + SPREAD, axis=1, keepdims=True) - 0.1 * m.norm(a),
    "prod": lambda m, a, b: m.np.tanh(m.np.prod(a, axis=1, keepdims=True)),
    "cumsum": lambda m, a, b: m.np.tanh(m.np.cumsum(a, axis=1) - m.np.cumprod(m.np.tanh(a), axis=0)),
    "nested": lambda m, a, b: (m.np.exp(m.np.tanh(a) - a.max()).sum(axis=0) / m.np.exp(m.np.tanh(a)).sum()).reshape(
        1, 4
    ),
    "extremes": lambda m, a, b: m.np.take_along_axis(a, m.np.argmax(a, axis=0, keepdims=True), axis=0),
    "ptp": lambda m, a, b: m.np.ptp(a, axis=0),
    "masked mean": lambda m, a, b: m.np.where(a > 0, a, 0).sum(axis=0) / (1.0 + m.np.count_nonzero(a > 0, axis=0)),
}
ARRANGEMENT: dict[str, Rule] = {
    "slices": lambda m, a, b: a[::-1, ::-1] + a[1] - a[:, 2:3],
    "rows": lambda m, a, b: a[ROWS] * 0.7,
    "columns": lambda m, a, b: a[:, [0, 2, 2, 1]],
    "pairs": lambda m, a, b: a[ROWS, [3, 1, 0]].reshape(3, 1),
    "grid": lambda m, a, b: a[ROWS[:, None], numpy.array([3, 1, 0, 0])],
    "known mask": lambda m, a, b: m.np.hstack([a[:, MASK], a[:, ~MASK]]),
    "take": lambda m, a, b: m.np.take(a, ROWS, axis=0) + m.np.repeat(a[:1], 3, axis=0),
    "flip": lambda m, a, b: m.np.flip(a, 1) - m.np.roll(a, 1, axis=0),
    "split": lambda m, a, b: m.np.concatenate(m.np.split(a, 2, axis=1)[::-1], axis=1),
    "stack": lambda m, a, b: m.np.stack([a, a * a], axis=1).sum(axis=1) * 0.5,
    "vstack": lambda m, a, b: m.np.vstack([a[1:], a[0]]),
    "tile": lambda m, a, b: m.np.tile(a[:, :2], (1, 2)),
    "axes": lambda m, a, b: (
        m.np.moveaxis(a[None, :, :, None], 1, 2).squeeze().swapaxes(0, 1) + m.np.expand_dims(a[0], 0)
    ),
    "ravel": lambda m, a, b: m.np.ravel(a)[3:].reshape([3, 3]).T.reshape(-1)[:4],
    "diff": lambda m, a, b: m.np.diff(a, axis=1, n=3),
    "triangles": lambda m, a, b: m.np.triu(a) - m.np.tril(a, -1),
    "diagonals": lambda m, a, b: m.np.tanh(m.np.trace(a) + (m.np.diag(m.np.diagonal(a, 1)) @ a).sum()),
    "meshgrid": lambda m, a, b: (m.np.meshgrid(a[0], a[:, 0])[0] - m.np.meshgrid(a[0], a[:, 0])[1]) * 0.5,
    "likes": lambda m, a, b: (
        a * m.np.ones_like(a) + m.np.zeros_like(a) + m.np.full_like(a, 0.1) * m.np.broadcast_to(a[0], (3, 4))
    ),
}
PRODUCTS: dict[str, Rule] = {
    "matmul": lambda m, a, b: m.np.tanh(a @ a.T @ a),
    "dot": lambda m, a, b: m.np.tanh(m.np.dot(m.np.dot(a, TABLE).sum(axis=1), numpy.ones((3, 4)))),
    "inner": lambda m, a, b: m.np.tanh(m.np.inner(a, a).sum(axis=1, keepdims=True) * 0.3),
    "outer": lambda m, a, b: m.np.tanh(m.np.outer(a[:, 0], a[1])),
    "tensordot": lambda m, a, b: m.np.tanh(m.np.tensordot(a, TABLE, axes=([1], [1])).sum(axis=2) @ numpy.ones((2, 4))),
    "einsum": lambda m, a, b: m.np.tanh(m.np.einsum("ij,kjl,il->ij", a, TABLE, a[:, :3])),
    "einsum of one": lambda m, a, b: m.np.tanh(m.np.einsum("ii->i", a[:, :3]).reshape(3, 1) + m.np.einsum("ij->", a)),
    "vdot": lambda m, a, b: m.np.tanh(m.np.vdot(a, a)),
}
RULES = {**ELEMENTWISE, **REDUCTIONS, **ARRANGEMENT, **PRODUCTS}
Program = list[tuple[str, int, int]]


def program_of(seed: int) -> Program:
    random = numpy.random.default_rng(seed)
    names = sorted(RULES)
    return [
        (names[int(random.integers(len(names)))], *(int(k) for k in random.integers(0, 100, 2)))
        for _ in range(int(random.integers(3, 13)))
    ]


def run(program: Program, m: Any, x: Any, y: Any, s: Any) -> Any:
    values = [x, y, s]
    for name, i, j in program:
        a, b = values[i % len(values)], values[j % len(values)]
        if name not in ELEMENTWISE and not wide(a):
            a = x * 0.5 + a  # the other rules take a matrix
        values.append(RULES[name](m, a, b))
    total = values[-1].sum()
    for k, value in enumerate(values[3:-1]):
        total = total + m.np.sin(value).sum() * (0.1 + 0.01 * k)
    return total


def drawn(seed: int) -> list[Any]:
    random = numpy.random.default_rng(seed)
    return [random.normal(size=(3, 4)), random.normal(size=4), numpy.asarray(random.normal())]


def assert_close(found: Any, expected: Any) -> None:
    expected = numpy.asarray(expected)
    assert numpy.isfinite(expected).all()
    numpy.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * max(1.0, float(numpy.abs(expected).max())))


def derivatives(f: Any, gradient_of: Any, np: Any, v: Any) -> Callable[..., Any]:
    """J, its gradient, and its second derivative along v: the gradient of <dJ, v>."""
    first = gradient_of(f, (0, 1, 2))
    second = gradient_of(lambda *a: sum(np.sum(g * w) for g, w in zip(first(*a), v, strict=True)), (0, 1, 2))
    return lambda *a: (f(*a), *first(*a), *second(*a))


def compare(program: Program, seed: int) -> None:
    arguments, v = drawn(seed), drawn(seed + 1_000_000)
    ours = derivatives(lambda *a: run(program, OURS, *a), grad, numpy, v)
    peer = derivatives(lambda *a: run(program, PEER, *a), jax.grad, jnp, v)
    # As one program: XLA needs longer for its operations one by one. But then a value may be worked out twice, with
    # other roundings, and find no element equal to the maximum, whose slope becomes 0/0: one by one, then.
    expected = jax.jit(peer)(*arguments)
    if not all(numpy.isfinite(numpy.asarray(z)).all() for z in expected):
        expected = peer(*arguments)
    for found, wanted in zip(trace(ours, arguments)(*arguments), expected, strict=True):
        assert_close(found, wanted)


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_random_function_and_its_derivatives(seed: int) -> None:
    compare(program_of(seed), seed)


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_by_itself(name: str) -> None:
    compare([(name, 0, 1), (name, 1, 0), (name, 3, 2)], 7)


def test_the_functions_hold_every_rule_often() -> None:
    used = [name for seed in range(COUNT) for name, _, _ in program_of(seed)]
    assert min(used.count(name) for name in RULES) >= 10


def test_a_wrong_derivative_would_be_noticed() -> None:
    from backpass.circuit import operations as o

    wrong = SimpleNamespace(np=SimpleNamespace(**vars(numpy)), norm=numpy.linalg.norm)
    wrong.np.tanh = lambda x: numpy.tanh(x) + 1e-6 * (x - o.stop_gradient(x))
    program, arguments = [("multiply", 0, 1)], drawn(3)
    dx = grad(lambda x, y, s: run(program, wrong, x, y, s))(*arguments)
    with pytest.raises(AssertionError):
        assert_close(dx, jax.grad(lambda x, y, s: run(program, PEER, x, y, s))(*arguments))


# Conventions ---------------------------------------------------------------------------------------------------------

X = numpy.array([numpy.inf, -numpy.inf, 0.0, -2.0, 2.0, numpy.nan])


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.0, 1.0, 2.0, 0.5, -0.5, -2.0])
def test_the_slope_of_a_power_by_its_base(exponent: float) -> None:
    with numpy.errstate(all="ignore"):
        dx = grad(lambda x: (x**exponent).sum())(X)
        expected = jax.grad(lambda x: (x**exponent).sum())(X)
    if exponent == 0:  # of x ** 0.0 JAX has NaN at 0 and at NaN; the slope of a constant is 0
        expected = numpy.zeros(len(X))
    numpy.testing.assert_allclose(dx, expected, rtol=1e-12)


def test_the_slopes_of_a_power_of_arrays() -> None:
    x, y = (grid.ravel() for grid in numpy.meshgrid([0.0, 0.5, 2.0, -2.0], [0.0, 1.0, 2.0, 3.0, 0.5]))
    dx, dy = grad(lambda x, y: (x**y).sum(), (0, 1))(x, y)
    expected = jax.grad(lambda x, y: (x**y).sum(), (0, 1))(x, y)
    numpy.testing.assert_allclose(dx, numpy.where(y == 0, 0.0, expected[0]), rtol=1e-12)
    numpy.testing.assert_allclose(dy, expected[1], rtol=1e-12)
    # Where 0 is raised to less than 0, JAX has NaN and the slope by y is taken as 0 here.
    assert grad(lambda y: (0.0**y).sum())(numpy.array([-1.0])) == 0.0


# Without expm1, whose slope JAX takes as its value + 1, without digits at -30; tests/circuit/test_values.py has it.
SMOOTH = ["log1p", "arctan", "tan", "sinh", "cosh", "log2", "log10", "exp2", "logaddexp"]


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_keep_their_digits_where_they_are_small(name: str) -> None:
    x = numpy.array([1e-300, -1e-300, 1e-12, 1e-5, 0.3, 3.0, 30.0, *([] if name.startswith("log") else [-30.0, -3.0])])
    f, g = (
        (lambda x, m=m: getattr(m, name)(x, 0.5 * x) if name == "logaddexp" else getattr(m, name)(x))
        for m in (numpy, jnp)
    )
    if name.startswith("log1"):
        x = numpy.abs(x)
    if name in ("log2", "log10"):
        x = numpy.abs(x) + 1e-3
    for order in (1, 2):
        one = lambda x, f=f, k=order: grad(f)(x) if k == 1 else grad(grad(f))(x)
        two = jax.grad(g) if order == 1 else jax.grad(jax.grad(g))
        # The second derivatives of these two are differences: what they keep is their digits beside 1.
        absolute = 2e-15 if order == 2 and name in ("sinh", "logaddexp") else 0.0
        numpy.testing.assert_allclose([one(v) for v in x], [two(v) for v in x], rtol=1e-11, atol=absolute)
