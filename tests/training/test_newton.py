"""Newton's method: linear and logistic models to the end, whatever the chunks; overflow ends it quietly."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass.engine import NumpyEngine
from backpass.network import loss_named
from backpass.training import newton
from backpass.training.newton import minimize_convex

Floats = numpy.ndarray[Any, Any]
RNG = numpy.random.default_rng(0)
X = numpy.column_stack([RNG.normal(size=(200, 3)) * [1.0, 10.0, 0.1], numpy.ones(200)])


def objective(loss: str) -> Any:
    """The sum of J over the rows of x (n, 4), y."""

    def J(theta: Any, rows: Any) -> Any:  # noqa: N802  the notes' name
        x, y = rows
        return loss_named(loss).per_example((x * theta).sum(axis=1).reshape(-1, 1), y).sum()

    return J


@pytest.mark.parametrize("chunk", [8192, 64, 7])
def test_least_squares_is_the_normal_equations(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(newton, "_CHUNK", chunk)
    y = RNG.normal(size=(200, 1))
    found = minimize_convex(objective("squared"), numpy.zeros(4), (X, y), NumpyEngine(), ridge=0.5)
    numpy.testing.assert_allclose(found, numpy.linalg.solve(X.T @ X + 0.5 * numpy.eye(4), X.T @ y[:, 0]), rtol=1e-8)


def test_logistic_regression_ends_where_the_gradient_is_zero() -> None:
    y = (X @ [1.0, -0.2, 3.0, 0.5] + RNG.normal(size=200) > 0).astype(float)
    theta = minimize_convex(objective("binary_cross_entropy"), numpy.zeros(4), (X, y), NumpyEngine(), ridge=1e-3)
    p = 1 / (1 + numpy.exp(-X @ theta))
    gradient = X.T @ (p - y) + 1e-3 * theta
    assert abs(gradient).max() < 1e-6 * abs(X.T @ (0.5 - y)).max()


def test_separable_classes_have_a_minimum_thanks_to_the_ridge() -> None:
    y = (X[:, 1] > 0).astype(float)
    theta = minimize_convex(objective("binary_cross_entropy"), numpy.zeros(4), (X, y), NumpyEngine())
    assert numpy.isfinite(theta).all()
    assert ((X @ theta > 0) == (y == 1)).mean() > 0.97


def test_equal_columns_share_their_weight() -> None:
    """The ridge makes the answer unique where columns depend on one another."""
    x = numpy.column_stack([X[:, 0], X[:, 0]])
    y = 2.0 * X[:, :1]
    found = minimize_convex(objective("squared"), numpy.zeros(2), (x, y), NumpyEngine(), ridge=1e-6)
    numpy.testing.assert_allclose(found, [1.0, 1.0], rtol=1e-6)


def test_a_start_at_the_minimum_stays() -> None:
    found = minimize_convex(objective("squared"), numpy.zeros(4), (X, numpy.zeros((200, 1))), NumpyEngine())
    assert found.tolist() == [0.0] * 4


def test_rates_that_overflow_take_no_step() -> None:
    """e^o beyond float64 at the start: theta stays, nothing is raised, nothing warns."""
    found = minimize_convex(objective("poisson"), numpy.full(4, 1e3), (X, numpy.ones((200, 1))), NumpyEngine())
    assert numpy.isfinite(found).all()


# What Newton's method is made of

LABELS = {
    "squared": X @ [[1.0], [-0.2], [3.0], [0.5]],
    "binary_cross_entropy": (X[:, 1] + 5.0 * X[:, 0] > 1.0).astype(float),
    "poisson": RNG.poisson(2.0, size=(200, 1)).astype(float),
}


@pytest.fixture
def directions(monkeypatch: pytest.MonkeyPatch) -> list[Floats]:
    """Filled with the direction of each Newton step."""
    taken: list[Floats] = []
    solve = newton._conjugate_gradients

    def noted(*arguments: Any) -> Floats:
        taken.append(solve(*arguments))
        return taken[-1]

    monkeypatch.setattr(newton, "_conjugate_gradients", noted)
    return taken


def test_one_step_solves_a_quadratic_and_a_second_polishes(directions: list[Floats]) -> None:
    minimize_convex(objective("squared"), numpy.zeros(4), (X, LABELS["squared"]), NumpyEngine(), ridge=0.5)
    exact = numpy.linalg.solve(X.T @ X + 0.5 * numpy.eye(4), X.T @ LABELS["squared"][:, 0])
    numpy.testing.assert_allclose(directions[0], exact, rtol=1e-4)
    assert len(directions) <= 2


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "poisson"])
def test_a_far_start_ends_at_the_same_place(loss: str, directions: list[Floats]) -> None:
    near, far = (
        minimize_convex(objective(loss), start, (X, LABELS[loss]), NumpyEngine(), ridge=1.0)
        for start in (numpy.zeros(4), numpy.array([0.5, -0.2, 3.0, -3.0]))
    )
    numpy.testing.assert_allclose(far, near, rtol=1e-6, atol=1e-8)
    assert len(directions) <= 40


@pytest.mark.parametrize("loss", LABELS)
def test_hessian_products_against_differences(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """H v = (g(theta + h v) - g(theta - h v)) / 2h, column by column; and H is symmetric."""
    made: list[Any] = []
    real = newton._Sums

    def noted(*arguments: Any) -> Any:
        made.append(real(*arguments))
        return made[-1]

    monkeypatch.setattr(newton, "_Sums", noted)
    minimize_convex(objective(loss), numpy.zeros(4), (X, LABELS[loss]), NumpyEngine())
    theta, h = numpy.array([0.1, -0.02, 0.3, 0.4]), 1e-5
    H = numpy.stack([made[0].hessian_product(theta, v) for v in numpy.eye(4)])
    for v, Hv in zip(numpy.eye(4), H, strict=True):
        ahead, behind = (made[0].value_and_gradient(theta + s * h * v)[1] for s in (1.0, -1.0))
        numpy.testing.assert_allclose(Hv, (ahead - behind) / (2.0 * h), rtol=1e-6, atol=1e-4)
    numpy.testing.assert_allclose(H, H.T, rtol=1e-9, atol=1e-9)


def test_conjugate_gradients_solve_a_system_and_stop_where_there_is_no_minimum() -> None:
    A, b = X.T @ X, numpy.array([1.0, 2.0, 3.0, 4.0])
    found = newton._conjugate_gradients(lambda v: A @ v, b, 1e-12, newton._plain(b))
    numpy.testing.assert_allclose(found, numpy.linalg.solve(A, b), rtol=1e-8)
    assert newton._conjugate_gradients(lambda v: -v, b, 1e-12, newton._plain(b)).tolist() == [0.0] * 4


@pytest.mark.parametrize("loss", LABELS)
def test_a_preconditioner_changes_the_way_and_not_the_end(loss: str) -> None:
    scales = numpy.array([1e3, 1.0, 1e-2, 1.0])
    plain, better = (
        minimize_convex(objective(loss), numpy.zeros(4), (X, LABELS[loss]), NumpyEngine(), 1.0, 1e-9, *given)
        for given in ((), (lambda theta: lambda v: scales * v,))
    )
    numpy.testing.assert_allclose(better, plain, rtol=1e-6, atol=1e-8)


def test_with_the_inverse_for_preconditioner_one_product_is_enough() -> None:
    A, b, products = X.T @ X, numpy.array([1.0, 2.0, 3.0, 4.0]), list[Floats]()

    def product(v: Floats) -> Floats:
        products.append(v)
        return A @ v

    found = newton._conjugate_gradients(product, b, 1e-9, lambda v: numpy.linalg.solve(A, v))
    numpy.testing.assert_allclose(found, numpy.linalg.solve(A, b), rtol=1e-8)
    assert len(products) == 1


def test_more_columns_than_rows() -> None:
    x = RNG.normal(size=(10, 40))
    found = minimize_convex(objective("squared"), numpy.zeros(40), (x, numpy.ones((10, 1))), NumpyEngine())
    numpy.testing.assert_allclose(x @ found, 1.0, atol=1e-3)
