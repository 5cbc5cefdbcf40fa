"""Claims 3.2 to 3.4 of the notes, equation by equation, against loops over single numbers.

The notes write z = W u + b with columns; the library z = u W + b with rows, so its W is the transpose of theirs.
"""
# ruff: noqa: N802  the notes call the loss J

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from backpass.circuit import grad, operations

Floats = numpy.ndarray[Any, Any]
SIZES = [(1, 1), (3, 2), (4, 5)]


def drawn(m: int, d: int) -> tuple[Floats, Floats, Floats, Floats]:
    """W (m, d), u (d,), b (m,) in the notes' form, and weights c (m,) of J(z) = sum of c_i sin(z_i)."""
    rng = numpy.random.default_rng(10 * m + d)
    return rng.normal(size=(m, d)), rng.normal(size=d), rng.normal(size=m), rng.normal(size=m)


def by_loops(W: Floats, u: Floats, b: Floats, c: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """dJ/dz, dJ/dW, dJ/db, dJ/du one number at a time, by the chain rule (3.3)."""
    m, d = W.shape
    dz, dW, db, du = numpy.zeros(m), numpy.zeros((m, d)), numpy.zeros(m), numpy.zeros(d)
    for i in range(m):
        zi = b[i]
        for j in range(d):
            zi += W[i, j] * u[j]
        dz[i] = c[i] * numpy.cos(zi)
        db[i] = dz[i]
        for j in range(d):
            dW[i, j] = dz[i] * u[j]
            du[j] += W[i, j] * dz[i]
    return dz, dW, db, du


def J_of_affine(u: Any, W: Any, b: Any, c: Any) -> Any:
    return (c * operations.sin(operations.affine(u, W, b))).sum()


@pytest.mark.parametrize(("m", "d"), SIZES)
def test_claim_3_2(m: int, d: int) -> None:
    """z = W u + b (3.8), J = J(z) (3.9): dJ/dW = dJ/dz u^T (3.10), dJ/db = dJ/dz (3.11).

    CS229 Claim 3.2, (3.8), (3.9), (3.10), (3.11)
    """
    W, u, b, c = drawn(m, d)
    dz, dW, db, _ = by_loops(W, u, b, c)
    found_dW, found_db = grad(J_of_affine, (1, 2))(u[None], W.T, b, c)
    numpy.testing.assert_allclose(found_dW.T, dW, rtol=1e-14, atol=1e-15)
    numpy.testing.assert_allclose(found_dW.T, numpy.outer(dz, u), rtol=1e-14, atol=1e-15)
    numpy.testing.assert_allclose(found_db, db, rtol=1e-14, atol=1e-15)


ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "relu": lambda z: 1.0 if z >= 0 else 0.0,
    "sigmoid": lambda z: numpy.exp(-z) / (1 + numpy.exp(-z)) ** 2,
    "tanh": lambda z: 1 / numpy.cosh(z) ** 2,
    "softplus": lambda z: 1 / (1 + numpy.exp(-z)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_claim_3_3(name: str) -> None:
    """a = sigma(z), J = J(a): dJ/dz = dJ/da * sigma'(z), element by element.    CS229 Claim 3.3, (3.12)"""
    rng = numpy.random.default_rng(3)
    z, c = numpy.append(rng.normal(size=6), 0.0), rng.normal(size=7)
    found = grad(lambda z: (c * getattr(operations, name)(z)).sum())(z)
    expected = [c[i] * ACTIVATIONS[name](z[i]) for i in range(7)]
    numpy.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("m", [1, 4])
def test_equation_3_13(m: int) -> None:
    """o = W2 a + b2, J = (y - o)^2 / 2: dJ/da = W2^T (o - y).    CS229 (3.13)"""
    rng = numpy.random.default_rng(m)
    W2, a, b2, y = rng.normal(size=(1, m)), rng.normal(size=m), rng.normal(), rng.normal()
    J = lambda a: 0.5 * ((y - operations.affine(a, W2.T, numpy.array([b2]))) ** 2).sum()
    o = sum(W2[0, i] * a[i] for i in range(m)) + b2
    numpy.testing.assert_allclose(grad(J)(a[None])[0], [W2[0, i] * (o - y) for i in range(m)], rtol=1e-13)


@pytest.mark.parametrize(("m", "d"), SIZES)
def test_claim_3_4(m: int, d: int) -> None:
    """v = W u + b, J = J(v): dJ/du = W^T dJ/dv.    CS229 Claim 3.4, (3.14)"""
    W, u, b, c = drawn(m, d)
    dv, _, _, du = by_loops(W, u, b, c)
    found = grad(J_of_affine)(u[None], W.T, b, c)[0]
    numpy.testing.assert_allclose(found, du, rtol=1e-13, atol=1e-15)
    numpy.testing.assert_allclose(found, W.T @ dv, rtol=1e-13, atol=1e-15)


def test_rows_are_examples_and_add_up() -> None:
    """The gradient with respect to W and b over a batch is the sum over its rows.    CS229 (4.4)"""
    W, _, b, c = drawn(3, 2)
    rows = numpy.random.default_rng(4).normal(size=(5, 2))
    dW, db = grad(J_of_affine, (1, 2))(rows, W.T, b, c)
    singles = [by_loops(W, row, b, c) for row in rows]
    numpy.testing.assert_allclose(dW.T, sum(single[1] for single in singles), rtol=1e-13)
    numpy.testing.assert_allclose(db, sum(single[2] for single in singles), rtol=1e-13)


def test_algorithm_3() -> None:
    """Backpropagation for two layers, line by line."""
    rng = numpy.random.default_rng(5)
    W1, b1, W2, b2 = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=(1, 4)), rng.normal(size=1)
    x, y = rng.normal(size=3), rng.normal()
    z = W1 @ x + b1
    a = numpy.maximum(z, 0)
    o = W2 @ a + b2
    delta2 = o - y
    delta1 = (W2.T @ delta2) * (z >= 0)

    def J(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        hidden = operations.relu(operations.affine(x[None], W1, b1))
        return 0.5 * ((operations.affine(hidden, W2, b2) - y) ** 2).sum()

    dW1, db1, dW2, db2 = grad(J, (0, 1, 2, 3))(W1.T, b1, W2.T, b2)
    numpy.testing.assert_allclose(dW2.T, numpy.outer(delta2, a), rtol=1e-13)  # (3.5)
    numpy.testing.assert_allclose(db2, delta2, rtol=1e-13)  # (3.6)
    numpy.testing.assert_allclose(dW1.T, numpy.outer(delta1, x), rtol=1e-13)  # (3.7)
    numpy.testing.assert_allclose(db1, delta1, rtol=1e-13)
