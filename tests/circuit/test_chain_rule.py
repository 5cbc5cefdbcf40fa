"""The chain rule with several intermediate variables (CS229 eqs. 3.1 to 3.3), and what adding over all paths costs."""
# ruff: noqa: N802  the notes call the loss J

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from backpass.circuit import Circuit, Spec, check_gradient, grad, operations, trace, value_and_grad


def names_of(circuit: Circuit) -> list[str]:
    return [node.operation.name for _, node in circuit.operations]


@pytest.mark.parametrize("k", [1, 2, 7])
def test_equation_3_3(k: int) -> None:
    """g_j = g_j(theta) (3.1), J = J(g_1 .. g_k) (3.2): dJ/dtheta_i = sum over j of dJ/dg_j dg_j/dtheta_i (3.3)."""
    rng = numpy.random.default_rng(k)
    A, theta = rng.normal(size=(k, 3)), rng.normal(size=3)

    def J(theta: Any) -> Any:
        g = [numpy.tanh((A[j] * theta).sum()) for j in range(k)]
        total = g[0]
        for j in range(1, k):
            total = total * g[j] + numpy.sin(g[j])
        return total

    def J_of_g(g: Any) -> Any:
        total = g[0]
        for j in range(1, k):
            total = total * g[j] + numpy.sin(g[j])
        return total

    g = numpy.tanh(A @ theta)
    dJ_dg = grad(J_of_g)(g)
    dg_dtheta = (1 - g**2)[:, None] * A
    expected = [sum(dJ_dg[j] * dg_dtheta[j, i] for j in range(k)) for i in range(3)]
    numpy.testing.assert_allclose(grad(J)(theta), expected, rtol=1e-13)


def test_a_value_used_twice_by_one_operation() -> None:
    assert grad(lambda a: a * a)(3.0) == 6.0
    assert grad(lambda a: a + a)(3.0) == 2.0
    assert grad(lambda a: a / a)(3.0) == 0.0
    numpy.testing.assert_array_equal(grad(lambda a: numpy.concatenate([a, a]).sum())(numpy.ones(2)), [2.0, 2.0])


def test_shared_subexpressions_are_differentiated_once() -> None:
    """2^20 paths, 20 shared values: the circuit grows with the values, not with the paths."""

    def J(x: Any) -> Any:
        for _ in range(20):
            x = x + x * 0.5
        return x

    circuit = trace(value_and_grad(J), [()])
    assert len(circuit.nodes) < 20 * 6
    assert circuit(1.0)[1] == pytest.approx(1.5**20)


def test_parts_of_theta_are_gathered_once() -> None:
    """m slices of one n-vector: the gradient is one ``assemble`` of size O(n + m), not m vectors of length n."""
    n, m = 1000, 50
    width = n // m

    def J(theta: Any) -> Any:
        total = 0.0
        for j in range(m):
            total = total + numpy.sin(theta[j * width : (j + 1) * width]).sum()
        return total

    circuit = trace(value_and_grad(J), [(n,)])
    assert names_of(circuit).count("assemble") == 1
    assert circuit.size() <= 10 * (n + m)
    theta = numpy.linspace(0, 1, n)
    numpy.testing.assert_allclose(circuit(theta)[1], numpy.cos(theta))


@pytest.mark.parametrize("m", [2, 40])
def test_overlapping_slices_and_single_elements_are_gathered_once(m: int) -> None:
    def J(theta: Any) -> Any:
        total = theta[-1]
        for j in range(m):
            total = total + theta[j] * theta[j + 1] + theta[j : j + 3].sum() + theta[::-1][0]
        return total

    circuit = trace(value_and_grad(J), [(m + 3,)])
    assert names_of(circuit).count("assemble") <= 2 + m  # one per array that is sliced: theta, and each reversed theta
    assert check_gradient(J, numpy.linspace(-1, 1, m + 3)).ok


SHAPES_OF_INDICES: dict[str, Callable[[int], Any]] = {
    "rows": lambda j: numpy.array([j, 0, j]),
    "one row": lambda j: numpy.array(j),
    "tables of rows": lambda j: numpy.array([[j, 0], [1, j]]),
}


@pytest.mark.parametrize("kind", SHAPES_OF_INDICES)
def test_rows_taken_are_scattered_once(kind: str) -> None:
    n, m = 100, 20

    def J(theta: Any) -> Any:
        total = 0.0
        for j in range(m):
            total = total + (operations.take(theta, SHAPES_OF_INDICES[kind](j), axis=0) * float(j + 1)).sum()
        return total

    circuit = trace(value_and_grad(J), [(n, 2)])
    assert names_of(circuit).count("scatter_add") == 1
    assert circuit.size() < 20 * (n + 8 * m)
    expected = numpy.zeros((n, 2))
    for j in range(m):
        numpy.add.at(expected, SHAPES_OF_INDICES[kind](j), j + 1.0)
    numpy.testing.assert_array_equal(circuit(numpy.ones((n, 2)))[1], expected)


def test_rows_by_indices_of_free_length_are_added() -> None:
    J = lambda theta, i, j: (theta[i] * theta[i]).sum() + theta[j].sum()
    whole = numpy.dtype(int)
    circuit = trace(grad(J), [(4,), Spec(("n",), whole), Spec(("m",), whole)])
    numpy.testing.assert_array_equal(circuit(numpy.arange(4.0), [1, 3, 3], [0, 1]), [1.0, 3.0, 0.0, 12.0])


def test_slices_takes_and_the_whole_meet() -> None:
    rows = numpy.array([2, 0, 2])

    def J(theta: Any) -> Any:
        by_columns = operations.take(theta, numpy.array([1, 1]), axis=1)
        return (theta[1:] ** 2).sum() + (theta[rows] * 3.0).sum() + numpy.sin(theta).sum() + (by_columns**3).sum()

    assert check_gradient(J, numpy.linspace(-1, 1, 12).reshape(4, 3)).ok


def test_gradient_of_a_step_of_slices_is_differentiable_again() -> None:
    J = lambda t: (t[:2] * t[1:3] * t[2:] * t[1]).sum()
    assert check_gradient(grad(J), numpy.array([0.5, -1.0, 2.0, 1.5])).ok
