"""Eigenvectors and orthonormal bases against NumPy's own."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass.numerics.eigen import leading_eigen, orthonormal, symmetric_eigen

Floats = numpy.ndarray[Any, Any]


def symmetric(n: int, seed: int = 0) -> Floats:
    A = numpy.random.default_rng(seed).normal(size=(n, n))
    return A @ A.T


@pytest.mark.parametrize("n", [1, 2, 3, 8, 17, 40])
@pytest.mark.parametrize("scale", [1.0, 1e-120, 1e120])
def test_eigenvectors_of_a_symmetric_matrix(n: int, scale: float) -> None:
    A = symmetric(n, n) * scale
    values, V = symmetric_eigen(A)
    numpy.testing.assert_allclose(values, numpy.linalg.eigvalsh(A)[::-1], rtol=1e-9, atol=1e-12 * scale * n)
    numpy.testing.assert_allclose(V.T @ V, numpy.eye(n), atol=1e-12)
    numpy.testing.assert_allclose(A @ V, V * values, atol=1e-11 * scale * n * n)


@pytest.mark.parametrize(
    "A", [numpy.zeros((3, 3)), numpy.eye(4), numpy.diag([3.0, -1.0, 2.0]), numpy.ones((5, 5))], ids=str
)
def test_repeated_and_zero_eigenvalues(A: Floats) -> None:
    values, V = symmetric_eigen(A)
    numpy.testing.assert_allclose(values, numpy.linalg.eigvalsh(A)[::-1], atol=1e-12)
    numpy.testing.assert_allclose(V @ numpy.diag(values) @ V.T, A, atol=1e-12)


def test_a_dependent_column_becomes_0() -> None:
    Y = numpy.random.default_rng(1).normal(size=(20, 4))
    Y[:, 2] = 2.0 * Y[:, 0] - Y[:, 1]
    Q = orthonormal(Y)
    numpy.testing.assert_allclose(Q.T @ Q, numpy.diag([1.0, 1.0, 0.0, 1.0]), atol=1e-12)
    numpy.testing.assert_allclose(Q @ (Q.T @ Y), Y, atol=1e-12)


def test_leading_eigenvectors_of_a_large_matrix() -> None:
    rng = numpy.random.default_rng(2)
    basis = numpy.linalg.qr(rng.normal(size=(200, 200)))[0]
    spectrum = 1.0 / numpy.arange(1, 201) ** 2
    A = (basis * spectrum) @ basis.T
    values, V = leading_eigen(lambda B: A @ B, 200, 5)
    numpy.testing.assert_allclose(values, spectrum[:5], rtol=1e-6)
    numpy.testing.assert_allclose(abs((V * basis[:, :5]).sum(axis=0)), 1.0, atol=1e-5)


def test_bits_do_not_depend_on_the_call() -> None:
    A = symmetric(80)
    first, second = (leading_eigen(lambda B: A @ B, 80, 6) for _ in range(2))
    assert all(one.tobytes() == other.tobytes() for one, other in zip(first, second, strict=True))
