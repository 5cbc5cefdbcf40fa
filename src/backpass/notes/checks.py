"""Checks: each item of the notes, computed slowly as the notes write it and by the library, and the difference.

A check draws its numbers from a fixed seed and returns the largest difference relative to the size of the numbers;
about 1e-15 is rounding in float64. It takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import grad, named, named_gradients, operations, trace, value_and_grad
from backpass.engine import NumpyEngine
from backpass.errors import GradientError
from backpass.network import Dense, Network, Unit, Wired, dense_network, loss_named, mean_loss
from backpass.notes import backpropagation, columns, costs, networks
from backpass.training import SAMPLINGS, OptimizerOptions, TrainingRun, TrainingSettings, optimizer_named

Floats = NDArray[Any]
Check = Callable[[], float]

TOLERANCE = 1e-12
"""The largest difference that a check may have."""

CHECKS: dict[str, Check] = {}
"""The check of each item."""


def _checks(*keys: str) -> Callable[[Check], Check]:
    def declare(check: Check) -> Check:
        CHECKS.update(dict.fromkeys(keys, check))
        return check

    return declare


def is_right(difference: float) -> bool:
    """Whether a difference is that of rounding; NaN is not."""
    return difference <= TOLERANCE


def _distance(found: Any, expected: Any) -> float:
    """The largest absolute difference, relative to the largest expected number if that is above 1."""
    found, expected = numpy.asarray(found, float), numpy.asarray(expected, float)
    if found.shape != expected.shape:
        return numpy.inf
    return float(abs(found - expected).max(initial=0.0) / max(1.0, abs(expected).max(initial=0.0)))


def _drawn(*widths: int) -> tuple[Network, Floats, list[Floats], list[Floats], Floats]:
    """A network, its theta, W and b in columns, and 6 examples (d, 6)."""
    rng = numpy.random.default_rng(sum(widths))
    W = [rng.normal(size=shape) for shape in zip(widths[1:], widths[:-1], strict=True)]
    b = [rng.normal(size=(m, 1)) for m in widths[1:]]
    network = dense_network(widths[0], widths[1:-1], widths[-1])
    return network, columns.theta_from_columns(network, W, b), W, b, rng.normal(size=(widths[0], 6))


def _cost(network: Network) -> Callable[..., Any]:
    """J(theta, (x, y, weights), draws), the mean squared cost."""

    def J(theta: Any, batch: Any, draws: Any = None) -> Any:  # noqa: N802  the notes' name
        x, y, weights = batch
        return mean_loss(loss_named("squared"), network(theta, x, draws), y, weights)

    return J


# Section 1 ------------------------------------------------------------------------------------------------------------


@_checks("footnote 1")
def nonlinear_model() -> float:
    """h = theta_1^2 x_1^2 + ... as a circuit"""
    rng = numpy.random.default_rng(0)
    theta, x = rng.normal(size=4), rng.normal(size=(5, 4))
    h = trace(lambda theta, x: (theta**2 * x**2).sum(axis=1), [(4,), ("n", 4)])
    return _distance(h(theta, x), [costs.nonlinear_model(theta.tolist(), row) for row in x.tolist()])


@_checks("1.1")
def squared_cost() -> float:
    """``loss_named("squared")``, example by example"""
    h, y = numpy.random.default_rng(1).normal(size=(2, 9))
    found = loss_named("squared").per_example(h[:, None], y[:, None])
    return _distance(found, [costs.squared_cost(float(h[i]), float(y[i])) for i in range(9)])


@_checks("1.2")
def mean_squared_cost() -> float:
    """``mean_loss``"""
    h, y = numpy.random.default_rng(2).normal(size=(2, 9))
    found = mean_loss(loss_named("squared"), h[:, None], y[:, None], numpy.ones(9))
    return _distance(found, costs.mean_squared_cost(h.tolist(), y.tolist()))


def _descent(sampling: str, batch_size: int, twin: Callable[..., Any]) -> float:
    """theta after 10 steps of SGD by the training loop, against the algorithm with the same draws."""
    network, theta, _, _, X = _drawn(2, 4, 1)
    x, y, steps, seed = X.T, X.sum(axis=0)[:, None], 10, 3
    J = _cost(network)

    def gradient(theta: Floats, *rows: int) -> Floats:
        chosen = list(rows) or list(range(len(x)))
        both: Floats = grad(lambda t: J(t, (x[chosen], y[chosen], numpy.ones(len(chosen)))))(theta)
        return both

    draws = [[int(j) for j in row] for row in _draws(sampling, len(x), batch_size, seed, steps)]
    settings = TrainingSettings(0.05, "constant", batch_size, 100, steps, sampling, seed)
    optimizer = optimizer_named("sgd", OptimizerOptions())
    found = TrainingRun(J, theta, (x, y, numpy.ones(len(x))), optimizer, settings, NumpyEngine()).run().theta
    *_, last = islice(twin(theta, gradient, draws), steps)
    return _distance(found, last)


def _draws(sampling: str, n: int, batch_size: int, seed: int, steps: int) -> list[Floats]:
    """The rows of the first steps."""
    found: list[Floats] = []
    for epoch in range(steps):
        rows, sizes = SAMPLINGS[sampling](n, batch_size, seed, epoch)
        found += [row[:size] for row, size in zip(rows, sizes, strict=True)]
    return found[:steps]


@_checks("1.3", "footnote 2")
def gradient_descent() -> float:
    """``optimizer="sgd", sampling="full"``, ten steps"""
    return _descent("full", 6, lambda theta, gradient, draws: costs.gradient_descent(theta, gradient, 0.05))


@_checks("Algorithm 1", "1.4")
def algorithm_1() -> float:
    """``optimizer="sgd", sampling="uniform", batch_size=1``, ten steps with the same draws"""
    return _descent(
        "uniform", 1, lambda t, gradient, draws: costs.algorithm_1(t, gradient, 0.05, [j for (j,) in draws])
    )


@_checks("Algorithm 2", "1.5")
def algorithm_2() -> float:
    """``optimizer="sgd", sampling="minibatch"``, ten steps with the same draws"""
    return _descent("minibatch", 3, lambda theta, gradient, draws: costs.algorithm_2(theta, gradient, 0.05, draws))


# Section 2 ------------------------------------------------------------------------------------------------------------


@_checks("2.1", "Figure 1")
def neuron_on_one_input() -> float:
    """``dense_network(1, (), 1, output_activation="relu")``, at the kink, too"""
    neuron, x = dense_network(1, (), 1, output_activation="relu"), numpy.linspace(-3, 3, 13)
    return _distance(
        neuron(numpy.array([2.0, -1.0]), x[:, None])[:, 0], [networks.single_neuron([2.0], -1.0, [t]) for t in x]
    )


@_checks("2.2")
def neuron_on_many_inputs() -> float:
    """``dense_network(d, (), 1, output_activation="relu")``"""
    neuron, rng = dense_network(4, (), 1, output_activation="relu"), numpy.random.default_rng(3)
    theta, x = rng.normal(size=5), rng.normal(size=(9, 4))
    return _distance(
        neuron(theta, x)[:, 0], [networks.single_neuron(theta[:4].tolist(), theta[4], row) for row in x.tolist()]
    )


@_checks("2.3", "Figure 2")
def wired_units() -> float:
    """A network with a ``Wired`` layer, whose theta is theta_1 to theta_12"""
    units = (Unit("family size", (0, 1)), Unit("walkable", (2,)), Unit("school quality", (2, 3)))
    house, rng = Network(4, (Wired(units), Dense(1))), numpy.random.default_rng(4)
    theta, x = rng.normal(size=12), rng.normal(size=(9, 4))
    return _distance(house(theta, x)[:, 0], [networks.wired_house(theta.tolist(), row) for row in x.tolist()])


@_checks("2.4", "2.5", "2.6", "Figure 3", "footnote 3")
def two_layers_by_loops() -> float:
    """``Network.backward`` for z and a, ``Network`` for h, against loops"""
    network, theta, W, b, X = _drawn(4, 3, 1)
    rows = [
        networks.two_layers_by_loops(W[0].tolist(), b[0][:, 0].tolist(), W[1][0].tolist(), b[1].item(), x) for x in X.T
    ]
    back = network.backward(theta, X.T, numpy.zeros(6))
    return max(_distance(back.z[1], [z for z, _, _ in rows]), _distance(back.a[1], [a for _, a, _ in rows]),
               _distance(network(theta, X.T)[:, 0], [h for _, _, h in rows]))  # fmt: skip


@_checks("2.7")
def weight_matrix() -> float:
    """Column j of the library's W has the weights of unit j, row j of the notes' W"""
    network, theta, W, _, _ = _drawn(3, 2, 1)
    w = [W[0][j].tolist() for j in range(2)]
    return _distance(network.layout.views(theta)["W1"].T, networks.stack_rows(w))


@_checks("2.8", "2.9", "2.10", "2.11")
def two_layers_by_matrices() -> float:
    """``Network`` and its hidden layer, against W x + b"""
    network, theta, W, b, X = _drawn(3, 5, 1)
    z, a, h = networks.two_layers_by_matrices(W[0], b[0], W[1], b[1], X)
    back = network.backward(theta, X.T, numpy.zeros(6))
    return max(_distance(back.z[1].T, z), _distance(back.a[1].T, a), _distance(network(theta, X.T).T, h))


@_checks("2.12", "2.13")
def many_layers() -> float:
    """``Network.activations``: every a^[k]"""
    network, theta, W, b, X = _drawn(3, 5, 4, 4, 1)
    expected = networks.many_layers(W, b, X)[1:]
    return max(_distance(a.T, twin) for a, twin in zip(network.activations(theta, X.T), expected, strict=True))


@_checks("2.14")
def sigmoid() -> float:
    """``operations.sigmoid``"""
    z = numpy.linspace(-30, 30, 61)
    return _distance(operations.sigmoid(z), [networks.sigmoid(t) for t in z])


@_checks("2.15")
def tanh() -> float:
    """``operations.tanh``"""
    z = numpy.linspace(-15, 15, 61)
    return _distance(operations.tanh(z), [networks.tanh(t) for t in z])


@_checks("2.16", "2.17", "2.18", "2.19", "2.20")
def collapse() -> float:
    """``Network.collapse`` of a network of identity activations without biases"""
    network, rng = dense_network(3, (4,), 1, activation="identity"), numpy.random.default_rng(5)
    W1, W2, x = rng.normal(size=(4, 3)), rng.normal(size=(1, 4)), rng.normal(size=(3, 1))
    theta = columns.theta_from_columns(network, [W1, W2], [numpy.zeros((4, 1)), numpy.zeros((1, 1))])
    h, W = networks.two_linear_layers(W1, W2, x)
    found, b = network.collapse(theta)
    return max(_distance(network(theta, x.T).T, h), _distance(found.T, W), _distance(b, [0.0]))


@_checks("2.21")
def learned_features() -> float:
    """``Network.features`` with the last layer on top"""
    network, theta, W, b, X = _drawn(3, 5, 4, 1)
    return _distance(networks.linear_on_features(W[2], b[2], network.features(theta, X.T).T), network(theta, X.T).T)


# Section 3 ------------------------------------------------------------------------------------------------------------


@_checks("Theorem 3.1")
def gradient_in_linear_size() -> float:
    """The size of J and dJ is at most 4 N for networks of 1 to 12 layers: how far the ratio is above 4"""
    ratios = []
    for depth in (1, 4, 12):
        network = dense_network(8, [16] * (depth - 1), 1)
        shapes: Sequence[Any] = [(network.parameter_count,), ("n", 8)]

        def J(theta: Any, x: Any, network: Network = network) -> Any:  # noqa: N802  the notes' name
            return (0.5 * network(theta, x) ** 2).sum()

        ratios.append(trace(value_and_grad(J), shapes).size(n=64) / trace(J, shapes).size(n=64))
    return max(0.0, max(ratios) - 4.0)


@_checks("footnote 4")
def unused_argument() -> float:
    """The gradient with respect to an unused argument is zero, and its length does not count"""
    J = value_and_grad(lambda t, u: (t * t).sum(), (0, 1))
    sizes = [trace(J, [(3,), (m,)]).size() for m in (1, 10**6)]
    return float(abs(J(numpy.ones(3), numpy.ones(4))[1][1]).max()) + abs(sizes[1] - sizes[0])


@_checks("3.1", "3.2", "3.3")
def chain_rule() -> float:
    """``named_gradients`` for dJ/dg, ``grad`` for dJ/dtheta"""
    theta = numpy.array([0.3, -1.2])

    def J(t: Any) -> Any:  # noqa: N802  the notes' name
        return named(t[0] * t[1], "g1") * named(operations.sin(t[0]), "g2")

    found = named_gradients(J)(theta).gradients
    dg = numpy.array([[theta[1], theta[0]], [numpy.cos(theta[0]), 0.0]])
    return _distance(grad(J)(theta), backpropagation.chain_rule(numpy.array([found["g1"], found["g2"]]), dg))


def _against(twin: backpropagation.BackwardPass, network: Network, theta: Floats, x: Floats, y: float) -> float:
    """The largest difference of any z, a, delta, dW or db."""
    back = network.backward(theta, x[:, 0], y)
    parts = [_distance(back.J, twin.J)]
    for k in back.z:
        parts += [_distance(getattr(back, name)[k].T, getattr(twin, name)[k]) for name in ("z", "a", "delta", "dW")]
        parts.append(_distance(back.db[k][:, None], twin.db[k]))
    return max(parts)


@_checks("Algorithm 3", "3.4", "3.5", "3.6", "3.7", "3.13", "footnote 5")
def algorithm_3() -> float:
    """``Network.backward`` of two layers, for a vector x"""
    network, theta, W, b, X = _drawn(3, 5, 1)
    x = X[:, :1]
    return _against(backpropagation.algorithm_3(W[0], b[0], W[1], b[1], x, 0.7), network, theta, x, 0.7)


@_checks("Algorithm 4", "3.15", "3.16", "3.17", "3.18", "3.19")
def algorithm_4() -> float:
    """``Network.backward`` of four layers"""
    network, theta, W, b, X = _drawn(3, 5, 4, 3, 1)
    x = X[:, :1]
    return _against(backpropagation.algorithm_4(W, b, x, 0.7), network, theta, x, 0.7)


@_checks("footnote 6")
def real_valued() -> float:
    """``grad`` of a vector is refused; that of a number has the shape of its argument"""
    try:
        grad(lambda t: t * 2.0)(numpy.ones(3))
    except GradientError:
        return float(grad(lambda A: (A * A).sum())(numpy.ones((2, 3))).shape != (2, 3))
    return numpy.inf


@_checks("Claim 3.2", "Claim 3.4", "3.8", "3.9", "3.10", "3.11", "3.14")
def affine_gradients() -> float:
    """The pullbacks of ``operations.affine``, for J = 1/2 sum of z^2"""
    rng = numpy.random.default_rng(6)
    W, u, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 1)), rng.normal(size=(4, 1))

    def J(W: Any, b: Any, u: Any) -> Any:  # noqa: N802  the notes' name
        return (0.5 * operations.affine(u, W, b) ** 2).sum()

    dW, db, du = grad(J, (0, 1, 2))(W.T, b[:, 0], u.T)
    expected = backpropagation.affine_gradients(W @ u + b, W, u)
    return max(map(_distance, (dW.T, db[:, None], du.T), expected))


@_checks("Claim 3.3", "3.12")
def activation_gradient() -> float:
    """The pullbacks of sigmoid, tanh and ReLU (at exactly 0, too), for J = 1/2 sum of a^2"""
    z = numpy.array([[-1.5], [-0.3], [0.0], [0.4], [2.0]])
    s, t = 1 / (1 + numpy.exp(-z)), numpy.tanh(z)
    slopes = {"sigmoid": (s, s * (1 - s)), "tanh": (t, 1 - t**2), "relu": (numpy.maximum(z, 0), (z >= 0).astype(float))}
    differences = []
    for name, (a, slope) in slopes.items():
        sigma = getattr(operations, name)
        found = grad(lambda z, sigma=sigma: (0.5 * sigma(z) ** 2).sum())(z)
        differences.append(_distance(found, backpropagation.activation_gradient(a, slope)))
    return max(differences)


# Section 4 ------------------------------------------------------------------------------------------------------------


@_checks("4.1", "4.2", "4.3", "footnote 7")
def examples_as_columns() -> float:
    """``operations.affine`` on rows is the transpose of W X + b~"""
    _, _, W, b, X = _drawn(5, 4)
    stacked = columns.stack_columns([X[:, i : i + 1] for i in range(6)])
    return _distance(operations.affine(X.T, W[0].T, b[0][:, 0]).T, columns.pre_activations(W[0], b[0], stacked))


@_checks("4.4")
def examples_as_rows() -> float:
    """``operations.affine``"""
    _, _, W, b, X = _drawn(5, 4)
    return _distance(
        operations.affine(X.T, W[0].T, b[0][:, 0]), columns.pre_activations_of_rows(X.T, W[0].T, b[0][:, 0])
    )
