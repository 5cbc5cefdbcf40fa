"""The backward pass of a network: against Algorithm 4 line by line, for every layer type, its table and its drawing."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy
import pytest

from backpass import dense_network, grad, notes
from backpass.circuit.drawing.picture import Picture
from backpass.errors import ShapeError, UsageError
from backpass.network import (
    Dense,
    Dropout,
    LearnedInputScale,
    Network,
    ParametricActivation,
    ScaledDense,
    Unit,
    Wired,
    loss_named,
    mean_loss,
)

RNG = numpy.random.default_rng(0)


@pytest.mark.parametrize("widths", [[3, 1], [2, 4, 1], [3, 5, 4, 3, 1]], ids=str)
def test_algorithm_4_line_by_line(widths: list[int]) -> None:
    """CS229 Algorithm 3, Algorithm 4, (3.15), (3.16): every z, a, delta, dW and db of every layer."""
    W = [RNG.normal(size=shape) for shape in zip(widths[1:], widths[:-1], strict=True)]
    b = [RNG.normal(size=(m, 1)) for m in widths[1:]]
    network = dense_network(widths[0], widths[1:-1], 1)
    x, y = RNG.normal(size=widths[0]), 0.7
    back = network.backward(notes.theta_from_columns(network, W, b), x, y)
    twin = notes.algorithm_4(W, b, x[:, None], y)
    assert pytest.approx(twin.J, rel=1e-13) == back.J
    assert [*back.z] == [*range(1, len(widths))]
    for k in back.z:
        for name in ("z", "a", "delta", "dW"):
            numpy.testing.assert_allclose(getattr(back, name)[k].T, getattr(twin, name)[k], rtol=1e-12, atol=1e-14)
        numpy.testing.assert_allclose(back.db[k], twin.db[k][:, 0], rtol=1e-12, atol=1e-14)
    assert back.a[0].tolist() == [x.tolist()]


LAYERS: dict[str, tuple[Any, ...]] = {
    "dense": (Dense(4, "tanh"), Dense(2)),
    "scaled": (ScaledDense(4, "selu"), ScaledDense(2)),
    "dropout": (Dense(4, "relu"), Dropout(0.5), Dense(2)),
    "parametric": (Dense(4), ParametricActivation("mish"), Dense(2)),
    "input scale": (LearnedInputScale(), Dense(3, "sigmoid"), Dense(2, "softplus")),
    "wired": (Wired((Unit("u", (0, 2)), Unit("v", (1,)))), Dense(2)),
}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("loss", ["squared", "huber", "cross_entropy"])
def test_every_layer_and_loss_has_the_gradient_of_training(kind: str, loss: str) -> None:
    network = Network(3, LAYERS[kind])
    theta, x = network.initialize(1) + 0.1, RNG.normal(size=(5, 3))
    y = numpy.array([0, 1, 1, 0, 1]) if loss == "cross_entropy" else RNG.normal(size=(5, 2))
    back = network.backward(theta, x, y, loss)

    def J(theta: Any) -> Any:  # noqa: N802  the notes' name
        return mean_loss(loss_named(loss), network(theta, x), y, numpy.ones(5))

    assert pytest.approx(float(J(theta)), rel=1e-13) == back.J
    numpy.testing.assert_allclose(network.layout.vector(back.gradients), grad(J)(theta), rtol=1e-12, atol=1e-15)
    numpy.testing.assert_allclose(back.a[2], network(theta, x), rtol=1e-14)
    for k, a in enumerate(network.activations(theta, x), 1):
        numpy.testing.assert_allclose(back.a[k], a, rtol=1e-14)


def test_eq_2_13_every_activation_can_be_read() -> None:
    """CS229 (2.13): a^[k] for every k, not the penultimate alone."""
    network = dense_network(2, (3, 4), 1)
    theta, x = network.initialize(0), RNG.normal(size=(6, 2))
    a = network.activations(theta, x)
    assert [each.shape for each in a] == [(6, 3), (6, 4), (6, 1)]
    views = network.layout.views(theta)
    numpy.testing.assert_allclose(a[0], numpy.maximum(x @ views["W1"] + views["b1"], 0), rtol=1e-14)
    numpy.testing.assert_allclose(a[1], numpy.maximum(a[0] @ views["W2"] + views["b2"], 0), rtol=1e-14)
    numpy.testing.assert_allclose(a[2], network(theta, x), rtol=0)


def test_the_circuit_reads_like_algorithm_4() -> None:
    network = dense_network(2, (3,), 1)
    back = network.backward(network.initialize(0), [1.0, 2.0], 0.5)
    lines = [line.strip() for line in str(back.circuit).splitlines()]
    for start in ("z1 = affine(x, W1, b1)", "a1 = relu(z1)", "delta1 = where(", "dW2 = matmul(", "db1 = sum(delta1,"):
        assert any(line.startswith(start) for line in lines), start
    assert "delta2 = add(" in str(back.circuit)
    assert ">z1 = affine<" in back.to_svg()
    assert back._repr_svg_() == back.to_svg()


def test_the_table_has_every_number_of_a_small_network() -> None:
    network = dense_network(1, (), 1)
    back = network.backward([2.0, 1.0], [[3.0], [0.0]], [5.0, 1.0])
    assert str(back).splitlines() == [
        "J = 1",
        "",
        "layer   z        a        delta",
        "1       [[7.]    [[7.]    [[1.]",
        "         [1.]]    [1.]]    [0.]]",
        "",
        "dW1 = [[3.]]",
        "",
        "db1 = [1.]",
    ]
    assert repr(back) == "BackwardPass(J 1, 2 examples, 1 layers)"


def test_a_wide_table_has_z_a_and_delta_below_one_another() -> None:
    network = dense_network(1, (5,), 1)
    back = network.backward(network.initialize(0), [[0.123456]], [5.0])
    lines = str(back).splitlines()
    assert [line[:13] for line in lines[2:9]] == [
        *("layer", "1       z    ", "        a    ", "        delta"),
        *("2       z    ", "        a    ", "        delta"),
    ]
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("y", [[1.0, 2.0], numpy.ones((1, 3)), 1.0, numpy.ones((3, 2))], ids=str)
def test_targets_that_do_not_fit_are_named(y: Any) -> None:
    network = dense_network(2, (2,), 1)
    with pytest.raises(ShapeError, match=r"^y expected shape \[3, 1\] to match x; got "):
        network.backward(network.initialize(0), numpy.ones((3, 2)), y)


def test_footnote_5_a_vector_is_one_example() -> None:
    """CS229 footnote 5: a vector of d numbers is one example; ``Network`` itself wants rows, and says so."""
    network = dense_network(2, (2,), 1)
    theta = network.initialize(0)
    assert network.backward(theta, [1.0, 2.0], 0.0).J == network.backward(theta, [[1.0, 2.0]], [0.0]).J
    with pytest.raises(ShapeError, match="expected 2 columns") as caught:
        network(theta, numpy.ones(2))
    assert "footnote 5" in caught.value.hint


def lines_of(picture: Picture) -> list[str]:
    return re.findall(r'<path class="line (s-\w+)"', picture.svg)


def test_the_picture_has_the_values_of_the_example() -> None:
    network = dense_network(2, (2,), 1)
    theta = network.layout.vector({"W1": [[1, 0], [1, -1]], "b1": [0, 1], "W2": [[2], [3]], "b2": [0.5]})
    back = network.backward(theta, [[9.0, 9.0], [1.0, 2.0]], [0.0, 6.0])
    picture = back.draw(1)
    texts = re.findall(r">([^<>]+)</text>", picture.svg)
    assert texts[:4] == ["x", "x₁ = 1", "x₂ = 2", "layer 1"]
    assert texts[4:10] == ["a₁ = 3", "z = 3", "δ = 0.5", "a₂ = 0", "z = −1", "δ = 0"]
    assert texts[10:14] == ["layer 2", "a₁ = 6.5", "z = 6.5", "δ = 0.25"]
    assert texts[-2].startswith("J = ")
    assert "example 1 of 2" in texts[-2]
    assert picture.svg.count('opacity="0.45"') == 1  # the unit whose ReLU is at 0
    assert sorted(lines_of(picture)) == ["s-c1"] * 3 + ["s-grid"] * 3
    ElementTree.fromstring(picture.svg)


def test_the_picture_has_only_the_wires_of_wired_units() -> None:
    wired = Network(4, (Wired((Unit("a", (0, 1)), Unit("b", (2,)))), Dense(1)))
    back = wired.backward(wired.initialize(0), numpy.ones(4), 1.0)
    assert back.wires[1].tolist() == [[True, False], [True, False], [False, True], [False, False]]
    assert len(lines_of(back.draw())) == 3 + 2


def test_the_picture_of_a_wide_layer_has_its_first_units() -> None:
    network = dense_network(3, (40,), 1)
    picture = network.backward(network.initialize(0), numpy.ones(3), 1.0).draw()
    assert "and 28 more" in picture.svg
    assert len(lines_of(picture)) == 3 * 12 + 12


def test_there_is_no_picture_of_an_example_that_is_not_there() -> None:
    network = dense_network(1, (1,), 1)
    back = network.backward(network.initialize(0), [[1.0], [2.0]], [1.0, 2.0])
    with pytest.raises(UsageError, match="example must be from 0 to 1; got 2"):
        back.draw(2)
