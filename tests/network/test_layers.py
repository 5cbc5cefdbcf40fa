"""Layers one by one: each kind against a twin written out by hand, its gradient against differences, its plain data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import cos, exp, pi, sqrt, tanh
from typing import Any

import numpy
import pytest

from backpass.circuit import Array, check_gradient
from backpass.engine import NumpyEngine
from backpass.errors import UsageError
from backpass.network import (
    GROUPS,
    LAYERS,
    Dense,
    Dropout,
    Embedding,
    KernelRegression,
    Layer,
    LearnedInputScale,
    Network,
    ParametricActivation,
    Periodic,
    Projection,
    ScaledDense,
    Selection,
    Unit,
    Wired,
    frequency_scales,
    initialize,
    initialize_from_data,
)
from backpass.network.schemes import STARTS
from backpass.numerics.philox import key_of

Floats = numpy.ndarray[Any, Any]
Theta = Mapping[str, Any]

EXAMPLES: dict[str, Layer] = {
    "dense": Dense(3, "tanh"),
    "scaled_dense": ScaledDense(3, "tanh"),
    "parametric_activation": ParametricActivation("tanh"),
    "wired": Wired((Unit("a", (0, 3)), Unit("b", (1,))), "tanh"),
    "dropout": Dropout(0.25),
    "selection": Selection(2, 1),
    "projection": Projection(2, 1),
    "periodic": Periodic(2, frequencies=3, mixtures=2),
    "embedding": Embedding((2, 3), size=2),
    "learned_input_scale": LearnedInputScale(),
    "kernel_regression": KernelRegression(3, 2),
}
"""A layer of every kind, on four inputs of which the last two are codes where the layer takes codes."""

X = numpy.array([[0.3, -1.2, 1.0, 3.0], [1.7, 0.4, 0.0, 0.0], [-0.8, 2.1, 2.0, 1.0], [0.3, 0.0, 2.0, 3.0]])


def dense_twin(theta: Theta, x: Any, i: int, gain: float = 1.0) -> list[float]:
    W, b = theta["W1"], theta["b1"]
    return [tanh(sum(gain * x[j] * W[j, m] for j in range(4)) + b[m]) for m in range(3)]


def periodic_twin(theta: Theta, x: Any, i: int) -> list[float]:
    found = []
    for j in range(2):
        waves = [cos(2 * pi * theta["frequency1"][j, k] * x[j] + theta["phase1"][j, k]) for k in range(3)]
        found += [sum(waves[k] * theta["V1"][j, k, m] for k in range(3)) + theta["v1"][j, m] for m in range(2)]
        found.append(x[j])
    return [*found, x[2], x[3]]


def kernel_twin(theta: Theta, x: Any) -> list[float]:
    kernel = [exp(sum(x[j] * theta["K1"][j, m] for j in range(4)) + theta["c1"][m]) for m in range(3)]
    return [sum(kernel[m] * theta["Y1"][m, k] for m in range(3)) / sum(kernel) for k in range(2)]


TWINS: dict[str, Callable[[Theta, Any, int], list[float]]] = {
    "dense": dense_twin,
    "scaled_dense": lambda theta, x, i: dense_twin(theta, x, i, 1 / sqrt(4)),
    "parametric_activation": lambda theta, x, i: [
        v + a * (tanh(v) - v) for v, a in zip(x, theta["alpha1"], strict=True)
    ],
    "wired": lambda theta, x, i: [
        tanh(theta["W1.a"][0] * x[0] + theta["W1.a"][1] * x[3] + theta["b1.a"][0]),
        tanh(theta["W1.b"][0] * x[1] + theta["b1.b"][0]),
    ],
    "dropout": lambda theta, x, i: list(x),
    "selection": lambda theta, x, i: [x[0], *x[2:]],
    "projection": lambda theta, x, i: [
        x[0] * theta["P1"][0, 0] + x[1] * theta["P1"][1, 0] + theta["c1"][0],
        *x[2:],
    ],
    "periodic": periodic_twin,
    "embedding": lambda theta, x, i: [*x[:2], *theta["E1.1"][int(x[2])], *theta["E1.2"][int(x[3])]],
    "learned_input_scale": lambda theta, x, i: [v * s for v, s in zip(x, theta["s1"], strict=True)],
    "kernel_regression": lambda theta, x, i: kernel_twin(theta, x),
}


def theta_of(layer: Layer, seed: int = 0) -> dict[str, Floats]:
    rng = numpy.random.default_rng(seed)
    return {p.name: rng.normal(size=p.shape) for p in layer.parameters(4, "1")}


def test_every_kind_has_an_example_and_a_twin() -> None:
    assert EXAMPLES.keys() == LAYERS.keys() == TWINS.keys()
    assert all(type(EXAMPLES[kind]) is LAYERS[kind] for kind in LAYERS)


@pytest.mark.parametrize("kind", LAYERS)
def test_values_by_hand(kind: str) -> None:
    layer = EXAMPLES[kind]
    theta = theta_of(layer)
    a = layer(theta, X, "1", None)
    assert a.shape == (4, layer.width(4))
    numpy.testing.assert_allclose(a, [TWINS[kind](theta, x, i) for i, x in enumerate(X)], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_element_by_element(kind: str) -> None:
    """By every parameter, and by the inputs that are numbers: codes are whole and have no slope."""
    layer = EXAMPLES[kind]
    theta = theta_of(layer)
    names = list(theta)

    def outputs(x: Array, *arrays: Array) -> Array:
        x = numpy.concatenate([x, X[:, 2:]], axis=1)
        return layer(dict(zip(names, arrays, strict=True)), x, "1", None)

    report = check_gradient(outputs, X[:, :2], *theta.values())
    assert report.ok
    assert not report.kinks


@pytest.mark.parametrize("kind", LAYERS)
def test_float32_stays_float32_and_free_rows_are_the_same_bits(kind: str) -> None:
    network = Network(4, (EXAMPLES[kind], Dense(2)))
    fixed = {"P0": numpy.ones((2, 1)), "c0": numpy.ones(1)}
    theta = NumpyEngine().run(initialize(network, fixed=fixed), key_of(3))[0]
    assert theta.dtype == numpy.float32
    x = X.astype(numpy.float32)
    o = NumpyEngine().run(network.forward(), theta, x)[0]
    assert o.dtype == numpy.float32
    assert o.tobytes() == network(theta, x).tobytes()


@pytest.mark.parametrize("kind", LAYERS)
def test_plain_data_and_back(kind: str) -> None:
    network = Network(4, (EXAMPLES[kind], Dense(2)))
    assert Network.from_json(json.loads(json.dumps(network.to_json()))) == network


@pytest.mark.parametrize("kind", LAYERS)
def test_a_linear_layer_says_so(kind: str) -> None:
    """Affine along a line through two rows with the same codes, or not."""
    layer = EXAMPLES[kind]
    theta, ends = theta_of(layer), X[[0, 3]] * [1, 1, 1, 0]
    middle, (first, last) = layer(theta, ends.mean(axis=0)[None], "1", None)[0], layer(theta, ends, "1", None)
    if kind == "embedding":
        assert not layer.is_linear, "a table of codes is no linear map of them"
    else:
        assert layer.is_linear == numpy.allclose(middle, (first + last) / 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("layer", "fault"),
    [
        (Periodic(0), "periodic takes 0 of 4 inputs"),
        (Periodic(5), "periodic takes 5 of 4 inputs"),
        (Periodic(1, 0), "periodic expected at least 1 frequency; got 0"),
        (Periodic(1, 1, 0), "periodic expected at least 1 mixture; got 0"),
        (Embedding(()), "embedding takes 0 of 4 inputs"),
        (Embedding((1, 1, 1, 1, 1)), "embedding takes 5 of 4 inputs"),
        (Embedding((3, 0)), "embedding expected at least 1 level a column"),
        (Embedding((3,), 0), "embedding expected a size of at least 1; got 0"),
        (KernelRegression(0, 1), "layer 1 of 2: kernel_regression expected at least 1 row; got 0"),
        (KernelRegression(1, 0), "layer 1 of 2: kernel_regression expected at least 1 unit; got 0"),
        (
            KernelRegression(1, 1, "x"),
            "layer 1 of 2: kernel_regression has the links identity, logit, log; got 'x'",
        ),
        (ScaledDense(0), "layer 1 of 2: expected at least 1 unit; got 0"),
    ],
    ids=str,
)
def test_faults(layer: Layer, fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        Network(4, (layer, Dense(1)))
    assert caught.value.details == (fault,)


def test_two_arrays_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two arrays are named s0"):
        Network(4, (LearnedInputScale(), LearnedInputScale(), Dense(1)))


# Starts ---------------------------------------------------------------------------------------------------------------

RECIPE = Network(
    6,
    (
        Periodic(3),
        Embedding((9, 12)),
        LearnedInputScale(),
        ScaledDense(40),
        ParametricActivation("selu"),
        Dropout(0.15),
        ScaledDense(30),
        ParametricActivation("selu"),
        ScaledDense(2),
    ),
)


def rows(count: int, dtype: Any = numpy.float64) -> Floats:
    rng = numpy.random.default_rng(5)
    codes = [rng.integers(0, levels + 1, count) for levels in (9, 12)]
    return numpy.column_stack([rng.normal(size=(count, 3)), rng.integers(0, 2, count), *codes]).astype(dtype)


def test_every_group_has_a_start_and_the_recipe_has_every_group() -> None:
    assert {*STARTS, "weight"} == set(GROUPS) == {p.group for p in RECIPE.layout.parameters}


@pytest.mark.parametrize("fitted", [False, True])
def test_where_groups_start(fitted: bool) -> None:
    x = rows(400)
    circuit = initialize_from_data(RECIPE, 400, numpy.float64) if fitted else initialize(RECIPE, "he", numpy.float64)
    theta = NumpyEngine().run(circuit, key_of(1), *([x, frequency_scales(RECIPE, numpy.float64)] if fitted else []))[0]
    views = RECIPE.layout.views(theta)
    assert (views["s0"] == 1).all()
    assert (views["alpha1"] == 1).all()
    assert abs(views["frequency0"]).max() < 0.5
    assert views["frequency0"].std() == pytest.approx(0.1, rel=0.3)
    assert abs(views["phase0"]).max() <= pi
    assert views["phase0"].std() == pytest.approx(pi / sqrt(3), rel=0.3)
    assert abs(views["V0"]).max() <= 0.25
    assert abs(views["v0"]).max() <= 0.25
    assert not views["E0.1"][0].any(), "what was never seen starts at 0"
    assert views["E0.2"][1:].std() == pytest.approx(1.0, abs=0.3)
    drawn = [view.reshape(-1)[-5:].tobytes() for view in views.values() if view.std() > 0]
    assert len(set(drawn)) == len(drawn), "no two parameters share their draws"


def test_scaled_weights_start_as_dense_ones_do() -> None:
    """sqrt(d) times the numbers of a dense layer, so that both networks start as the same function."""
    plain, scaled = Network(4, (Dense(5, "relu"), Dense(1))), Network(4, (ScaledDense(5, "relu"), ScaledDense(1)))
    first, second = (NumpyEngine().run(initialize(n, "he", numpy.float64), key_of(2))[0] for n in (plain, scaled))
    numpy.testing.assert_allclose(scaled(second, X), plain(first, X), rtol=1e-12)


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_data_give_every_pre_activation_deviation_1_behind_the_front(dtype: Any) -> None:
    x = rows(500, dtype)
    theta = NumpyEngine().run(initialize_from_data(RECIPE, 500, dtype), key_of(4), x, frequency_scales(RECIPE, dtype))[
        0
    ]
    assert theta.dtype == dtype
    views = RECIPE.layout.views(theta)
    a = x
    for number, layer, _ in RECIPE.numbered():
        if isinstance(layer, ScaledDense):
            z = layer.pre_activation(views, a, number).astype(numpy.float64)
            numpy.testing.assert_allclose(z.std(axis=0), 1.0, rtol=1e-3 if dtype == numpy.float32 else 1e-10)
        a = layer(views, a, number, None)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_start_from_few_or_equal_rows_is_finite(count: int) -> None:
    for x in (rows(count, numpy.float32), numpy.repeat(rows(1, numpy.float32), count, axis=0)):
        theta = NumpyEngine().run(initialize_from_data(RECIPE, count), key_of(4), x, frequency_scales(RECIPE))[0]
        assert numpy.isfinite(theta).all()
        assert abs(theta).max() < 1e4


@pytest.mark.parametrize(
    ("link", "inverse"), [("logit", lambda o: 1 / (1 + numpy.exp(-o))), ("log", numpy.exp), ("identity", lambda o: o)]
)
def test_the_links_of_a_kernel_regression_make_outputs_of_means(link: str, inverse: Callable[[Floats], Floats]) -> None:
    theta = {**theta_of(KernelRegression(3, 2)), "Y1": numpy.array([[0.25, 0.5], [0.5, 0.75], [0.125, 0.25]])}
    means = KernelRegression(3, 2)(theta, X, "1", None)
    numpy.testing.assert_allclose(inverse(KernelRegression(3, 2, link)(theta, X, "1", None)), means, rtol=1e-12)
