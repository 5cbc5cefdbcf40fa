"""Networks: whole gradients against differences, dropout, symmetries, plain data and refusals."""

from __future__ import annotations

import json
from typing import Any

import numpy
import pytest

from backpass.circuit import check_gradient, grad
from backpass.engine import NumpyEngine
from backpass.errors import ShapeError, UsageError
from backpass.network import (
    ACTIVATIONS,
    LOSSES,
    Dense,
    Dropout,
    Network,
    RandomKey,
    Unit,
    Wired,
    dense_network,
    initialize,
    loss_named,
    mean_loss,
)
from backpass.numerics.philox import key_of

Floats = numpy.ndarray[Any, Any]
OUTPUTS = {"binary_cross_entropy": 1, "cross_entropy": 3}


def drawn_theta(network: Network, seed: int = 0) -> Floats:
    """Weights and biases that are all at work."""
    theta = NumpyEngine().run(initialize(network, "normal", numpy.float64), key_of(seed))[0]
    return theta + numpy.random.default_rng(seed).normal(scale=0.3, size=theta.size)


def targets(loss: str, rows: int, k: int) -> Floats:
    rng = numpy.random.default_rng(1)
    if loss == "cross_entropy":
        return rng.integers(0, k, rows)
    if loss == "binary_cross_entropy":
        return rng.integers(0, 2, rows).astype(float)
    if loss == "label_cross_entropy":
        return rng.integers(0, 2, (rows, k)).astype(float)
    return rng.poisson(2.0, size=(rows, k)).astype(float) if loss == "poisson" else rng.normal(size=(rows, k))


def draws(seed: int, step: int) -> RandomKey:
    return RandomKey(key_of(seed), numpy.asarray(step, numpy.uint32))


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_of_the_whole_network(activation: str, loss: str, dropout: float) -> None:
    """Each activation x each loss x dropout, with an L2 penalty on top, element by element."""
    k = OUTPUTS.get(loss, 2)
    network = dense_network(2, (3, 2), k, activation=activation, dropout=dropout)
    rng = numpy.random.default_rng(2)
    x, y, w = rng.normal(size=(4, 2)), targets(loss, 4, k), numpy.array([1.0, 2.0, 0.5, 1.0])

    def J(theta: Any) -> Any:  # noqa: N802  the notes' name
        o = network(theta, x, draws(3, 5) if dropout else None)
        return mean_loss(loss_named(loss), o, y, w) + 0.5 * 0.1 * (theta * theta).sum()

    report = check_gradient(J, drawn_theta(network))
    assert report.ok
    assert len(report.kinks) <= report.compared // 4


def test_gradient_by_the_inputs_and_of_wired_units() -> None:
    network = Network(3, (Wired((Unit("a", (0, 2)), Unit("b", (1,)), Unit("c", (2, 0, 1))), "tanh"), Dense(2)))
    x = numpy.random.default_rng(4).normal(size=(4, 3))
    assert check_gradient(lambda theta, x: network(theta, x), drawn_theta(network), x).ok


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_permuting_hidden_units_permutes_gradients(activation: str) -> None:
    network = dense_network(3, (6,), 2, activation=activation)
    rng = numpy.random.default_rng(5)
    x, y, order = rng.normal(size=(9, 3)), rng.normal(size=(9, 2)), rng.permutation(6)
    views = network.layout.views(drawn_theta(network))

    def permuted(arrays: dict[str, Floats]) -> Floats:
        W1, b1, W2, b2 = (arrays[name] for name in ("W1", "b1", "W2", "b2"))
        return network.layout.vector({"W1": W1[:, order], "b1": b1[order], "W2": W2[order], "b2": b2})

    J = lambda theta: mean_loss(loss_named("squared"), network(theta, x), y, numpy.ones(9))
    straight = network.layout.views(grad(J)(network.layout.vector(views)))
    numpy.testing.assert_allclose(grad(J)(permuted(views)), permuted(straight), rtol=1e-12, atol=1e-15)


def test_rows_twice_are_weight_2_in_the_gradient_of_theta() -> None:
    network = dense_network(3, (5,), 1)
    rng = numpy.random.default_rng(6)
    x, y, theta = rng.normal(size=(8, 3)), rng.normal(size=(8, 1)), drawn_theta(network)
    J = lambda theta, x, y, w: mean_loss(loss_named("squared"), network(theta, x), y, w)
    rows = numpy.array([0, 0, 1, 2, 3, 3, 5, 6, 7])  # row 4 is left out
    w = numpy.array([2.0, 1, 1, 2, 0, 1, 1, 1])
    once = grad(J)(theta, x, y, w)
    numpy.testing.assert_allclose(once, grad(J)(theta, x[rows], y[rows], numpy.ones(9)), rtol=1e-12, atol=1e-15)
    numpy.testing.assert_allclose(grad(lambda t: 3.0 * J(t, x, y, w))(theta), 3.0 * once, rtol=1e-14)


def test_float32_and_the_circuit_agree_with_float64() -> None:
    network = dense_network(4, (16, 8), 3, activation="gelu")
    theta, x = drawn_theta(network), numpy.random.default_rng(7).normal(size=(11, 4))
    wide = NumpyEngine().run(network.forward(numpy.float64), theta, x)[0]
    assert wide.tobytes() == network(theta, x).tobytes()
    narrow = NumpyEngine().run(network.forward(), theta.astype("f4"), x.astype("f4"))[0]
    assert narrow.dtype == numpy.float32
    numpy.testing.assert_allclose(narrow, wide, rtol=1e-4, atol=1e-5)


# Dropout --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_at_its_rate_and_keeps_the_expectation(rate: float) -> None:
    x = numpy.ones((400, 100))
    a = Dropout(rate)({}, x, "1", draws(1, 0))
    kept = a[a != 0]
    assert numpy.mean(a == 0) == pytest.approx(rate, abs=5 * (rate * (1 - rate) / a.size) ** 0.5)
    numpy.testing.assert_allclose(kept, 1 / (1 - rate), rtol=1e-12)
    assert a.mean() == pytest.approx(1.0, abs=5 * (rate / (1 - rate) / a.size) ** 0.5)


def test_dropout_depends_on_seed_step_and_layer_alone() -> None:
    x = numpy.ones((20, 30))
    masks = [
        Dropout(0.5)({}, values, number, draws(seed, step)) != 0
        for seed, step, number, values in [
            (1, 4, "1", x),
            (1, 4, "1", 7 * x),
            (2, 4, "1", x),
            (1, 5, "1", x),
            (1, 4, "2", x),
        ]
    ]
    assert (masks[0] == masks[1]).all()
    for other in masks[2:]:
        assert 0.3 < numpy.mean(masks[0] == other) < 0.7


def test_dropout_is_off_outside_training_and_at_rate_0() -> None:
    x = numpy.random.default_rng(8).normal(size=(5, 3))
    assert Dropout(0.5)({}, x, "1", None) is x
    assert Dropout(0.0)({}, x, "1", draws(0, 0)) is x
    plain, dropping = dense_network(3, (8,), 1), dense_network(3, (8,), 1, dropout=0.5)
    theta = drawn_theta(plain)
    assert plain(theta, x).tobytes() == dropping(theta, x).tobytes()
    assert plain(theta, x).tobytes() != dropping(theta, x, draws(0, 0)).tobytes()


# Plain data and refusals ----------------------------------------------------------------------------------------------

NETWORKS = [
    dense_network(3, (4, 5), 2, activation="mish", dropout=0.25),
    dense_network(1, (), 1),
    Network(
        4, (Wired((Unit("family size", (0, 1)), Unit("walkable", (2,))), "sigmoid"), Dropout(0.5), Dense(1, "relu"))
    ),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: str(network.widths))
def test_plain_data_round_trip(network: Network) -> None:
    assert Network.from_json(json.loads(json.dumps(network.to_json()))) == network


@pytest.mark.parametrize(
    "layer",
    [
        {"kind": "conv", "units": 1, "activation": "relu"},
        {"kind": "dense", "units": 1, "activation": "rleu"},
        {"kind": "dense", "activation": "relu"},
        {"kind": "dense", "units": -3, "activation": "relu"},
        {"kind": "dropout", "rate": 1.0},
        {"kind": "wired", "units": [{"name": "a", "inputs": [3]}], "activation": "relu"},
        {"kind": "wired", "units": [{"name": "a", "inputs": [-1]}], "activation": "relu"},
        {},
    ],
    ids=str,
)
def test_plain_data_that_describes_no_network_is_refused(layer: dict[str, Any]) -> None:
    last = {"kind": "dense", "units": 1, "activation": "identity"}
    with pytest.raises((UsageError, ValueError, KeyError)):
        Network.from_json({"inputs": 3, "layers": [layer, last]})


def test_every_fault_of_a_network_is_named_at_once() -> None:
    units = (Unit("a", (0,)), Unit("a", (4,)), Unit("b", ()))
    with pytest.raises(UsageError) as caught:
        Network(3, (Wired(units), Dropout(-0.5), Dense(0)))
    assert str(caught.value).splitlines() == [
        "the network cannot be built",
        "  - layer 1 of 2: two units are named 'a'",
        "  - layer 1 of 2: unit 'b' is wired to no input",
        "  - layer 1 of 2: unit 'a' is wired to input 4, but there are inputs 0 to 2",
        "  - dropout expected a rate from 0 to below 1; got -0.5",
        "  - layer 2 of 2: expected at least 1 unit; got 0",
    ]


def test_a_network_ends_in_neurons() -> None:
    for layers in ((), (Dense(3), Dropout(0.5))):
        with pytest.raises(UsageError, match="one at its end"):
            Network(3, layers)


def test_layout_vectors_and_groups() -> None:
    layout = dense_network(2, (3,), 1).layout
    assert [p.name for p in layout.parameters] == ["W1", "b1", "W2", "b2"]
    assert layout.per_group({"bias": 0.0}).tolist() == [1.0] * 6 + [0.0] * 3 + [1.0] * 3 + [0.0]
    theta = numpy.arange(13.0)
    assert layout.vector(layout.views(theta)).tolist() == theta.tolist()
    layout.views(theta)["b1"][1] = -1.0
    assert theta[7] == -1.0, "views share memory with theta"
    with pytest.raises(ShapeError, match=r"theta expected shape \[13\]; got \[12\]"):
        layout.views(numpy.zeros(12))


@pytest.mark.parametrize("value", [None, "x", [1, 2], 3, object()])
def test_theta_and_x_are_arrays(value: Any) -> None:
    network = dense_network(2, (3,), 1)
    kind, x, theta = type(value).__name__, numpy.zeros((4, 2)), numpy.zeros(13)
    with pytest.raises(ShapeError, match=rf"theta expected an array of shape \[13\]; got a value of type {kind}"):
        network(value, x)
    with pytest.raises(ShapeError, match=rf"^apply expected a dict of the arrays W1, b1, .*got a value of type {kind}"):
        network.apply(value, x)
    with pytest.raises(ShapeError, match=rf"^x expected an array \(n, 2\); got a value of type {kind}"):
        network(theta, value)
    with pytest.raises(ShapeError, match="expected the arrays W1, b1, W2, b2; got none named b1, W2, b2"):
        network.apply({"W1": numpy.zeros((2, 3))}, x)
