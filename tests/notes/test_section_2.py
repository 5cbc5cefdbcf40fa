"""Section 2 of the notes: from one neuron to r layers, their other activations, and what a linear network loses."""

from __future__ import annotations

from itertools import pairwise
from math import nextafter
from typing import Any

import numpy
import pytest
from drawn import drawn, gradient_at, network_of, run_of, squared_objective

from backpass import notes
from backpass.circuit import grad
from backpass.engine import NumpyEngine
from backpass.errors import ShapeError, UsageError
from backpass.network import (
    ACTIVATIONS,
    Dense,
    Dropout,
    Network,
    Unit,
    Wired,
    activation_named,
    dense_network,
    frequency_scales,
    initialize,
    initialize_from_data,
)
from backpass.numerics.philox import key_of
from backpass.training import OptimizerOptions, TrainingRun, TrainingSettings, optimizer_named

Floats = numpy.ndarray[Any, Any]

HOUSE = Network(
    4,
    (Wired((Unit("family size", (0, 1)), Unit("walkable", (2,)), Unit("school quality", (2, 3)))), Dense(1)),
)
"""Figure 2: inputs size, bedrooms, zip code, wealth."""


# One neuron -----------------------------------------------------------------------------------------------------------


def test_eq_2_1_a_single_neuron_fits_a_line_with_a_kink() -> None:
    """(2.1), Figure 1: max(w x + b, 0) finds w, b and the kink at -b / w.    CS229 (2.1), Figure 1"""
    x = numpy.linspace(-1, 3, 81)[:, None]
    y = numpy.maximum(2.0 * x - 1.0, 0)
    neuron = Network(1, (Dense(1, "relu"),))
    run = run_of(
        neuron,
        numpy.array([0.5, 0.1]),
        x,
        y,
        "adam",
        learning_rate=0.05,
        sampling="full",
        epochs=800,
        schedule="cosine",
    )
    w, b = run.run().theta
    assert (w, b, -b / w) == pytest.approx((2.0, -1.0, 0.5), abs=1e-4)
    assert (neuron(numpy.array([w, b]), x) >= 0).all(), "no negative prices"


def test_eq_2_2_a_single_neuron_on_many_inputs() -> None:
    """(2.2): ReLU(w^T x + b), a network of 1 layer.    CS229 (2.2)"""
    rng = numpy.random.default_rng(0)
    w, b, x = rng.normal(size=5), 0.3, rng.normal(size=(20, 5))
    neuron = dense_network(5, (), 1, output_activation="relu")
    assert len(neuron.widths) == 1
    expected = [notes.single_neuron(w, b, row) for row in x]
    numpy.testing.assert_allclose(neuron(numpy.append(w, b), x)[:, 0], expected, rtol=1e-12, atol=1e-15)


# Stacked neurons ------------------------------------------------------------------------------------------------------


def test_figure_2_eq_2_3_wired_hidden_units() -> None:
    """Figure 2, (2.3): theta_1, ..., theta_12 in the notes' order are the parameters of named, wired units.

    CS229 Figure 2, (2.3)
    """
    rng = numpy.random.default_rng(1)
    theta, x = rng.normal(size=12), rng.normal(size=(50, 4))
    assert HOUSE.parameter_count == 12
    expected = [notes.wired_house(theta, row) for row in x]
    numpy.testing.assert_allclose(HOUSE(theta, x)[:, 0], expected, rtol=1e-12, atol=1e-14)


def test_figure_2_units_see_only_their_columns() -> None:
    """Figure 2: the zip code and the wealth do not reach "family size".    CS229 Figure 2"""
    theta, x = numpy.arange(1.0, 13.0), numpy.ones((1, 4))
    first = grad(lambda x: HOUSE.features(theta, x)[:, 0].sum())(x)
    assert first.tolist() == [[1.0, 2.0, 0.0, 0.0]]


def test_eq_2_4_fully_connected() -> None:
    """(2.4): a_j = ReLU(w_j^T x + b_j) with every w_j in R^4; the output is (2.3)'s.    CS229 (2.3), (2.4)"""
    rng = numpy.random.default_rng(2)
    w, b, w2, b2 = rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=3), rng.normal()
    network = dense_network(4, (3,), 1)
    theta = network.layout.vector({"W1": w.T, "b1": b, "W2": w2[:, None], "b2": [b2]})
    for x in rng.normal(size=(10, 4)):
        a = [notes.single_neuron(w[j], b[j], x) for j in range(3)]
        expected = w2[0] * a[0] + w2[1] * a[1] + w2[2] * a[2] + b2
        numpy.testing.assert_allclose(network.features(theta, x[None])[0], a, rtol=1e-12)
        assert network(theta, x[None])[0, 0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("d", "m"), [(1, 1), (3, 2), (4, 7)])
def test_eq_2_5_to_2_11_loops_matrices_and_engine_agree(d: int, m: int) -> None:
    """(2.5), (2.6), Figure 3 by loops = (2.7)-(2.11) by matrices = the circuit on an engine (Vectorization).

    CS229 Figure 3, (2.5), (2.6), (2.7), (2.8), (2.9), (2.10), (2.11)
    """
    Ws, bs = drawn([d, m, 1], seed=d)
    network = network_of([d, m, 1])
    theta = notes.theta_from_columns(network, Ws, bs)
    X = numpy.random.default_rng(3).normal(size=(6, d))
    by_engine = NumpyEngine().run(network.forward(numpy.float64), theta, X)[0]
    for x, found in zip(X, by_engine, strict=True):
        z, a, h = notes.two_layers_by_loops(Ws[0].tolist(), bs[0][:, 0].tolist(), Ws[1][0].tolist(), bs[1].item(), x)
        Z, A, H = notes.two_layers_by_matrices(Ws[0], bs[0], Ws[1], bs[1], x[:, None])
        numpy.testing.assert_allclose(Z[:, 0], z, rtol=1e-12, atol=1e-14)  # (2.8), (2.9)
        numpy.testing.assert_allclose(A[:, 0], a, rtol=1e-12, atol=1e-14)  # (2.10)
        numpy.testing.assert_allclose(H.item(), h, rtol=1e-12, atol=1e-14)  # (2.11)
        numpy.testing.assert_allclose(found, [h], rtol=1e-12, atol=1e-14)


def test_eq_2_7_the_weight_matrix_stacks_the_vectors() -> None:
    """(2.7): row j of W^[1] is w_j^T; in the library's row form it is column j.    CS229 (2.7)"""
    network = network_of([3, 2, 1])
    w = numpy.arange(6.0).reshape(2, 3)
    theta = network.layout.vector({"W1": w.T, "b1": [0, 0], "W2": [[0], [0]], "b2": [0]})
    assert network.layout.views(theta)["W1"][:, 1].tolist() == w[1].tolist()


# r layers -------------------------------------------------------------------------------------------------------------

DEPTHS = [[3, 1], [3, 4, 1], [2, 5, 4, 1], [4, 3, 3, 3, 3, 2], [1] * 12]


@pytest.mark.parametrize("widths", DEPTHS, ids=str)
def test_eq_2_12_eq_2_13_any_depth(widths: list[int]) -> None:
    """(2.12), (2.13): a^[k] = ReLU(W^[k] a^[k-1] + b^[k]), the last layer linear.    CS229 (2.12), (2.13)"""
    Ws, bs = drawn(widths, seed=4)
    network = network_of(widths)
    X = numpy.random.default_rng(5).normal(size=(8, widths[0]))
    a = notes.many_layers(Ws, bs, X.T)
    theta = notes.theta_from_columns(network, Ws, bs)
    numpy.testing.assert_allclose(network(theta, X), a[-1].T, rtol=1e-12, atol=1e-13)
    numpy.testing.assert_allclose(network.features(theta, X), a[-2].T, rtol=1e-12, atol=1e-13)


def test_eq_2_12_a_network_of_a_thousand_layers() -> None:
    """CS229 (2.12), Algorithm 4: the outputs and the gradient of 1,000 layers of 4 units, 3,997 neurons."""
    widths = [2, *[4] * 999, 1]
    rng = numpy.random.default_rng(11)
    Ws = [numpy.sqrt(2 / d) * rng.normal(size=(m, d)) + 0.2 for m, d in zip(widths[1:], widths[:-1], strict=True)]
    Ws = [W / numpy.linalg.norm(W, 2) for W in Ws]  # neither vanishes nor explodes
    bs = [0.1 * rng.normal(size=(m, 1)) for m in widths[1:]]
    network = network_of(widths)
    assert (network.neuron_count, len(network.widths)) == (3997, 1000)
    theta = notes.theta_from_columns(network, Ws, bs)
    x, y = rng.normal(size=(2, 1)), 1.0
    twin = notes.algorithm_4(Ws, bs, x, y)
    numpy.testing.assert_allclose(network(theta, x.T).T, twin.a[1000], rtol=1e-9)
    found = network.layout.views(gradient_at(network, x.T, numpy.array([[y]]))(theta))
    assert abs(twin.dW[1000]).max() > 0
    for k in (1, 2, 500, 999, 1000):
        numpy.testing.assert_allclose(found[f"W{k}"].T, twin.dW[k], rtol=1e-9, atol=1e-300)


def test_eq_2_13_holds_for_the_last_layer_with_an_output_activation() -> None:
    """(2.13) for k = r too, "if there were an additional ReLU".    CS229 (2.13)"""
    Ws, bs = drawn([2, 3, 1], seed=6)
    network = network_of([2, 3, 1], output_activation="relu")
    X = numpy.random.default_rng(7).normal(size=(20, 2))
    expected = numpy.maximum(notes.many_layers(Ws, bs, X.T)[-1], 0).T
    numpy.testing.assert_allclose(network(notes.theta_from_columns(network, Ws, bs), X), expected, rtol=1e-12)


def test_footnote_3_the_last_layer_has_no_relu() -> None:
    """Outputs of both signs unless an output activation is given.    CS229 footnote 3"""
    network = network_of([2, 8, 1])
    theta, x = network.initialize(0), numpy.random.default_rng(8).normal(size=(50, 2))
    opposite = theta.copy()
    opposite[-9:] *= -1.0  # the last layer
    outputs = network(theta, x), network(opposite, x)
    numpy.testing.assert_allclose(outputs[0], -outputs[1], rtol=1e-12)
    assert outputs[0].max() > 0 > outputs[1].min()


@pytest.mark.parametrize("widths", DEPTHS, ids=str)
def test_counts_after_eq_2_13(widths: list[int]) -> None:
    """Neurons m_1 + ... + m_r; parameters (d+1) m_1 + (m_1+1) m_2 + ... + (m_{r-1}+1) m_r.    CS229 (2.13)"""
    network = network_of(widths)
    assert network.neuron_count == sum(widths[1:])
    assert network.parameter_count == sum((d + 1) * m for d, m in pairwise(widths))
    Ws, bs = drawn(widths, seed=0)
    assert network.parameter_count == sum(W.size for W in Ws) + sum(b.size for b in bs)


def test_compatible_dimensions() -> None:
    """W^[k] is m_k x m_{k-1}: an array that does not fit is an error that names the layer."""
    network = network_of([4, 3, 2])
    arrays = {"W1": numpy.zeros((4, 3)), "b1": numpy.zeros(3), "W2": numpy.zeros((4, 2)), "b2": numpy.zeros(2)}
    with pytest.raises(ShapeError, match=r"^W2 expected shape \[3, 2\]; got \[4, 2\]$"):
        network.layout.vector(arrays)
    with pytest.raises(ShapeError, match=r"^layer 1 of 2 \(4 -> 3\) expected 4 columns; got shape \[5, 3\]$"):
        network(numpy.zeros(23), numpy.zeros((5, 3)))
    with pytest.raises(ShapeError, match=r"^theta expected shape \[23\]; got \[22\]$"):
        network(numpy.zeros(22), numpy.zeros((5, 4)))


# Activations ----------------------------------------------------------------------------------------------------------


def test_eq_2_10_relu_and_its_slope_at_zero() -> None:
    """(2.10): element by element max(t, 0); the slope is the notes' 1{z >= 0}, at exactly 0 too.    CS229 (2.10)"""
    z = numpy.array([-2.0, -5e-324, -0.0, 0.0, 5e-324, 3.0])
    assert activation_named("relu")(z).tolist() == [0, 0, 0, 0, 5e-324, 3]
    assert grad(lambda z: activation_named("relu")(z).sum())(z).tolist() == [0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(("name", "twin"), [("sigmoid", notes.sigmoid), ("tanh", notes.tanh)])
def test_eq_2_14_eq_2_15_sigmoid_and_tanh(name: str, twin: Any) -> None:
    """(2.14), (2.15) as written, and stable where the written form overflows.    CS229 (2.14), (2.15)"""
    z = numpy.linspace(-20, 20, 41)
    numpy.testing.assert_allclose(activation_named(name)(z), [twin(t) for t in z], rtol=1e-14)
    low = 0.0 if name == "sigmoid" else -1.0
    for dtype in (numpy.float32, numpy.float64):
        extreme = numpy.array([-numpy.inf, -1e30, -800, 800, 1e30, numpy.inf], dtype)
        with numpy.errstate(all="raise", under="ignore"):
            assert ACTIVATIONS[name](extreme).tolist() == [low] * 3 + [1.0] * 3
            assert grad(lambda z: ACTIVATIONS[name](z).sum())(extreme).tolist() == [0.0] * 6


# Identity -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [[3, 1], [3, 5, 2], [2, 4, 3, 4, 1]], ids=str)
def test_eq_2_16_to_2_20_identity_networks_collapse(widths: list[int]) -> None:
    """(2.16)-(2.20): with sigma(z) = z the network is one linear map; W~ = W^[2] W^[1], and b~ with biases.

    CS229 (2.16), (2.17), (2.18), (2.19), (2.20)
    """
    Ws, bs = drawn(widths, seed=8)
    network = network_of(widths, activation="identity")
    assert network.is_linear
    theta = notes.theta_from_columns(network, Ws, bs)
    W, b = network.collapse(theta)
    expected_W, expected_b = Ws[0], bs[0]
    for next_W, next_b in zip(Ws[1:], bs[1:], strict=True):
        expected_W, expected_b = next_W @ expected_W, next_W @ expected_b + next_b
    numpy.testing.assert_allclose(W, expected_W.T, rtol=1e-12)
    numpy.testing.assert_allclose(b, expected_b[:, 0], rtol=1e-12)
    X = numpy.random.default_rng(9).normal(size=(6, widths[0]))
    numpy.testing.assert_allclose(X @ W + b, network(theta, X), rtol=1e-12, atol=1e-13)


def test_eq_2_20_a_large_bias_does_not_cost_digits_of_the_collapsed_weights() -> None:
    """CS229 (2.20)"""
    network = network_of([1, 1, 1], activation="identity")
    W, b = network.collapse(numpy.array([1e-3, 1e9, 1e-3, 0.0]))
    assert W.item() == pytest.approx(1e-6, rel=1e-15)
    assert b.item() == pytest.approx(1e6, rel=1e-15)


def test_eq_2_16_other_networks_do_not_collapse() -> None:
    """CS229 (2.16)"""
    network = network_of([2, 3, 1], activation="tanh")
    assert not network.is_linear
    with pytest.raises(UsageError, match="identity"):
        network.collapse(numpy.zeros(network.parameter_count))


def test_eq_2_20_dropout_does_not_stand_in_the_way() -> None:
    """CS229 (2.20)"""
    network = Network(2, (Dense(3), Dropout(0.5), Dense(1)))
    theta = numpy.linspace(-1.0, 1.0, network.parameter_count)
    W, b = network.collapse(theta)
    x = numpy.array([[1.0, 2.0], [-3.0, 0.5]])
    numpy.testing.assert_allclose(x @ W + b, network(theta, x), rtol=1e-14)


# Learned features -----------------------------------------------------------------------------------------------------


def trained_on_a_sine() -> tuple[Network, Floats, Floats]:
    x = numpy.linspace(-2, 2, 64)[:, None]
    network = network_of([1, 12, 8, 1], activation="tanh")
    circuit = initialize_from_data(network, 64, numpy.float64)
    theta = NumpyEngine().run(circuit, key_of(0), x, frequency_scales(network, numpy.float64))[0]
    run = run_of(network, theta, x, numpy.sin(2 * x), "adam", learning_rate=0.02, sampling="full", epochs=400)
    return network, run.run().theta, x


def test_eq_2_21_a_linear_model_on_the_features_is_the_network() -> None:
    """(2.21): h = W^[r] phi_beta(x) + b^[r], where phi_beta(x) = a^[r-1].    CS229 (2.21)"""
    network, theta, x = trained_on_a_sine()
    phi = NumpyEngine().run(network.forward(numpy.float64, features=True), theta, x)[0]
    views = network.layout.views(theta)
    numpy.testing.assert_allclose(phi @ views["W3"] + views["b3"], network(theta, x), rtol=1e-12, atol=1e-13)
    best = numpy.linalg.lstsq(numpy.column_stack([phi, numpy.ones(64)]), numpy.sin(2 * x), rcond=None)[0]
    residual = numpy.column_stack([phi, numpy.ones(64)]) @ best - numpy.sin(2 * x)
    assert numpy.abs(residual).max() < 0.02, "linear regression on the learned features fits the sine"


def test_eq_2_21_features_of_one_data_set_serve_another() -> None:
    """(2.21): beta frozen, a new last layer trained on other targets: beta keeps its bytes, J falls to its minimum.

    CS229 (2.21)
    """
    network, theta, x = trained_on_a_sine()
    phi = numpy.column_stack([network.features(theta, x), numpy.ones(64)])
    y = numpy.cos(2 * x) * x
    last = 9  # 8 weights and a bias
    start = numpy.concatenate([theta[:-last], numpy.zeros(last)])
    factors = numpy.concatenate([numpy.zeros(theta.size - last), numpy.ones(last)])
    optimizer = optimizer_named("nesterov", OptimizerOptions(momentum=0.99), factors=factors)
    settings = TrainingSettings(learning_rate=0.05, sampling="full", epochs=4000)
    run = TrainingRun(squared_objective(network), start, (x, y, numpy.ones(64)), optimizer, settings, NumpyEngine())
    found = run.run().theta
    assert found[:-last].tobytes() == theta[:-last].tobytes()
    least = 0.5 * numpy.mean((phi @ numpy.linalg.lstsq(phi, y, rcond=None)[0] - y) ** 2)
    reached = 0.5 * numpy.mean((network(found, x) - y) ** 2)
    assert least <= reached < 2 * least
    assert reached < 0.1 * 0.5 * numpy.mean(y**2)


# Initialization -------------------------------------------------------------------------------------------------------


def test_theta_is_initialized_randomly() -> None:
    """ "Initialize theta randomly": units that start equal stay equal, so the draw has to break the symmetry."""
    network = network_of([3, 4, 1])
    theta = NumpyEngine().run(initialize(network, "he", numpy.float64), key_of(1))[0]
    W1 = network.layout.views(theta)["W1"]
    assert len({column.tobytes() for column in W1.T}) == 4
    rng = numpy.random.default_rng(10)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    equal = network.layout.vector({"W1": numpy.ones((3, 4)), "b1": numpy.ones(4), "W2": numpy.ones((4, 1)), "b2": [0]})
    trained = run_of(network, equal, x, y, learning_rate=0.01, sampling="full", epochs=10).run().theta
    columns = network.layout.views(trained)["W1"].T
    assert len({column.tobytes() for column in columns}) == 1, "without it four units are one"


def test_smallest_negative_number_is_negative() -> None:
    """1{z >= 0} (2.10) at the neighbours of 0.    CS229 (2.10)"""
    below = nextafter(0.0, -1.0)
    assert float(grad(activation_named("relu"))(below)) == 0.0
