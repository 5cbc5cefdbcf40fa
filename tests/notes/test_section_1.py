"""Section 1 of the notes: costs, gradient descent and its stochastic forms, on models that are not linear."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy
import pytest
from drawn import drawn, gradient_at, network_of, run_of

from backpass import fit_function, notes
from backpass.circuit import operations
from backpass.network import loss_named, mean_loss
from backpass.training import SAMPLINGS

Floats = numpy.ndarray[Any, Any]


def test_footnote_1_any_nonlinear_h_can_be_trained() -> None:
    """Footnote 1: h = theta_1^2 x_1^2 + ... + theta_d^2 x_d^2 is no network, and |theta| is found all the same.

    CS229 footnote 1
    """
    truth = numpy.array([2.0, -0.5, 1.0])
    x = numpy.random.default_rng(0).normal(size=(300, 3))

    def h(theta: Any, x: Any) -> Any:
        return (theta**2 * x**2).sum(axis=1)

    fitted = fit_function(h, numpy.ones(3), x, h(truth, x), learning_rate=0.05, epochs=300, sampling="full")
    numpy.testing.assert_allclose(abs(fitted.theta), abs(truth), rtol=1e-5)


def test_theta_transposed_x_is_a_network_of_one_layer() -> None:
    """Linear regression, h = theta^T x: r = 1 with the identity, whose minimum is that of least squares."""
    rng = numpy.random.default_rng(1)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    network = network_of([3, 1])
    run = run_of(network, numpy.zeros(4), x, y, learning_rate=0.5, sampling="full", epochs=400)
    expected = numpy.linalg.lstsq(numpy.column_stack([x, numpy.ones(40)]), y[:, 0], rcond=None)[0]
    numpy.testing.assert_allclose(run.run().theta, expected, rtol=1e-10)


def test_theta_transposed_x_inside_a_sigmoid_is_logistic_regression() -> None:
    """Logistic regression is r = 1 too; at the minimum the gradient, sum of (sigmoid(o) - y) x, is zero."""
    rng = numpy.random.default_rng(2)
    x = rng.normal(size=(60, 2))
    y = (x[:, 0] - x[:, 1] + rng.normal(size=60) > 0).astype(float)
    h = lambda theta, x: x @ theta["w"] + theta["b"]
    theta = {"w": numpy.zeros(2), "b": 0.0}
    fitted = fit_function(
        h, theta, x, y, loss="binary_cross_entropy", optimizer="sgd", learning_rate=2.0, epochs=500, sampling="full"
    )
    residual = operations.sigmoid(x @ fitted.theta["w"] + fitted.theta["b"]) - y
    numpy.testing.assert_allclose(x.T @ residual / 60, 0, atol=1e-9)
    assert abs(residual.mean()) < 1e-9


def test_theta_transposed_phi_is_linear_on_a_given_feature_map() -> None:
    """h = theta^T phi(x) with phi(x) = (1, x, x^2, x^3), a handcrafted feature map: a network of one layer on phi."""
    x = numpy.linspace(-1, 1, 30)
    phi = numpy.stack([x**0, x, x**2, x**3], axis=1)
    y = phi @ [1.0, -2.0, 0.5, 3.0]
    fitted = fit_function(
        lambda theta, phi: phi @ theta, numpy.zeros(4), phi, y, optimizer="nesterov", learning_rate=0.1, epochs=1500,
        sampling="full",
    )  # fmt: skip
    numpy.testing.assert_allclose(fitted.theta, [1.0, -2.0, 0.5, 3.0], rtol=1e-8)


def test_eq_1_1_cost_of_one_example() -> None:
    """(1.1): J^(i) = 1/2 (h - y)^2.    CS229 (1.1)"""
    h, y = numpy.array([[0.0], [1.5], [-3.0]]), numpy.array([[2.0], [1.5], [1.0]])
    expected = [notes.squared_cost(h[i, 0], y[i, 0]) for i in range(3)]
    assert loss_named("squared").per_example(h, y).tolist() == expected == [2.0, 0.0, 8.0]


def test_eq_1_2_cost_of_the_data_set() -> None:
    """(1.2): J = 1/n sum of J^(i).    CS229 (1.2)"""
    rng = numpy.random.default_rng(3)
    h, y = rng.normal(size=(17, 1)), rng.normal(size=(17, 1))
    J = mean_loss(loss_named("squared"), h, y, numpy.ones(17))
    assert float(J) == pytest.approx(notes.mean_squared_cost(h[:, 0], y[:, 0]), rel=1e-14)


def nonlinear_problem() -> tuple[Any, Floats, Floats, Floats]:
    Ws, bs = drawn([2, 5, 1], seed=4)
    network = network_of([2, 5, 1], activation="tanh")
    rng = numpy.random.default_rng(5)
    x = rng.normal(size=(10, 2))
    return network, notes.theta_from_columns(network, Ws, bs), x, numpy.sin(x[:, :1]) + rng.normal(size=(10, 1))


def test_eq_1_3_gradient_descent() -> None:
    """(1.3): theta := theta - alpha grad J(theta), all rows at every step.    CS229 (1.3), footnote 2"""
    network, theta, x, y = nonlinear_problem()
    twin = notes.gradient_descent(theta, gradient_at(network, x, y), 0.1)
    for step, expected in enumerate(islice(twin, 20), 1):
        found = run_of(network, theta, x, y, learning_rate=0.1, sampling="full", epochs=step).run().theta
        numpy.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def batches(scheme: str, n: int, batch_size: int, steps: int, seed: int) -> list[list[int]]:
    """The rows that the scheme draws for the first steps."""
    found: list[list[int]] = []
    epoch = 0
    while len(found) < steps:
        rows, sizes = SAMPLINGS[scheme](n, batch_size, seed, epoch)
        found += [list(map(int, r[:size])) for r, size in zip(rows, sizes, strict=True)]
        epoch += 1
    return found[:steps]


def test_algorithm_1_stochastic_gradient_descent() -> None:
    """Algorithm 1, (1.4): one example drawn uniformly with replacement, n_iter max_steps.

    CS229 Algorithm 1, (1.4)
    """
    network, theta, x, y = nonlinear_problem()
    gradient_of = lambda theta, j: gradient_at(network, x[j : j + 1], y[j : j + 1])(theta)
    sampled = [batch[0] for batch in batches("uniform", 10, 1, 25, seed=6)]
    assert len(set(sampled[:10])) < 10, "with replacement some example comes twice in ten draws"
    for step, expected in enumerate(notes.algorithm_1(theta, gradient_of, 0.05, sampled), 1):
        run = run_of(network, theta, x, y, learning_rate=0.05, sampling="uniform", batch_size=1, max_steps=step, seed=6)
        result = run.run()
        assert result.progress.step == step
        numpy.testing.assert_allclose(result.theta, expected, rtol=1e-12, atol=1e-14)


def test_algorithm_2_mini_batch_stochastic_gradient_descent() -> None:
    """Algorithm 2, (1.5): B examples without replacement, drawn afresh in every iteration; alpha / B times the sum.

    CS229 Algorithm 2, (1.5)
    """
    network, theta, x, y = nonlinear_problem()
    gradient_of = lambda theta, j: gradient_at(network, x[j : j + 1], y[j : j + 1])(theta)
    sampled = batches("minibatch", 10, 4, 15, seed=7)
    assert all(len(set(batch)) == 4 for batch in sampled)
    assert any(set(a) & set(b) for a, b in zip(sampled[::3], sampled[1::3], strict=True)), "drawn afresh from all rows"
    for step, expected in enumerate(notes.algorithm_2(theta, gradient_of, 0.05, sampled), 1):
        run = run_of(
            network, theta, x, y, learning_rate=0.05, sampling="minibatch", batch_size=4, max_steps=step, seed=7
        )
        numpy.testing.assert_allclose(run.run().theta, expected, rtol=1e-12, atol=1e-14)


def test_hardware_parallelization_b_gradients_at_once() -> None:
    """The gradient of a batch is the mean of B gradients taken one by one."""
    network, theta, x, y = nonlinear_problem()
    singles = [gradient_at(network, x[j : j + 1], y[j : j + 1])(theta) for j in range(10)]
    numpy.testing.assert_allclose(gradient_at(network, x, y)(theta), numpy.mean(singles, axis=0), rtol=1e-12)
