"""The projection layer and the principal components that it is fitted to."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass.engine import NumpyEngine, engine_named
from backpass.errors import UsageError
from backpass.network import Dense, Network, Projection, initialize
from backpass.numerics.philox import key_of
from backpass.training.projection import projection_of

Floats = numpy.ndarray[Any, Any]


def factors(rows: int, columns: int, rank: int = 3, noise: float = 0.1) -> Floats:
    rng = numpy.random.default_rng(rows)
    x = rng.normal(size=(rows, rank)) * numpy.arange(rank, 0, -1) @ rng.normal(size=(rank, columns))
    return (x + noise * rng.normal(size=(rows, columns)) + 5.0).astype(numpy.float32)


@pytest.mark.parametrize("rows", [10, 64, 65, 300])
def test_components_are_those_of_the_singular_value_decomposition(rows: int) -> None:
    x = factors(rows, 120)
    found = projection_of(Projection(120, 3), x, "0", engine_named("auto"))
    Z = x.astype(numpy.float64) - x.mean(axis=0, dtype=numpy.float64)
    s, V = numpy.linalg.svd(Z, full_matrices=False)[1:]
    wanted = Z @ V[:3].T / (s[:3] ** 2).mean() ** 0.5 * rows**0.5
    signs = numpy.sign((wanted * (x @ found["P0"] + found["c0"])).sum(axis=0))
    numpy.testing.assert_allclose((x @ found["P0"] + found["c0"]) * signs, wanted, atol=2e-3)


def test_all_components_together_have_mean_square_1_and_mean_0() -> None:
    x = factors(50, 400)
    found = projection_of(Projection(400, 20), x, "0", engine_named("auto"))
    z = x @ found["P0"] + found["c0"]
    numpy.testing.assert_allclose(z.mean(axis=0), 0.0, atol=1e-4)
    assert (z * z).mean() == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_components_that_the_rows_do_not_have_are_0(rows: int) -> None:
    x = numpy.repeat(factors(rows, 30), 3, axis=0)
    found = projection_of(Projection(30, 8), x, "0", engine_named("auto"))
    assert numpy.isfinite(found["P0"]).all()
    assert not found["P0"][:, max(rows - 1, 0) :].any()
    assert (rows == 1) == (not found["P0"].any())


def test_codes_pass_through() -> None:
    network = Network(5, (Projection(3, 2), Dense(1)))
    fixed = {"P0": numpy.arange(6.0).reshape(3, 2), "c0": numpy.array([1.0, -1.0])}
    theta = NumpyEngine().run(initialize(network, "he", numpy.float64, fixed), key_of(0))[0]
    views = network.layout.views(theta)
    numpy.testing.assert_array_equal(views["P0"], fixed["P0"])
    x = numpy.array([[1.0, 2.0, 3.0, 7.0, 9.0]])
    found = network.layers[0](views, x, "0", None)
    numpy.testing.assert_array_equal(found, [[1 * 0 + 2 * 2 + 3 * 4 + 1, 1 * 1 + 2 * 3 + 3 * 5 - 1, 7.0, 9.0]])
    assert network.fixed_count == 8


def test_a_projection_is_the_first_layer_of_inputs_that_are_there() -> None:
    with pytest.raises(UsageError, match="cannot be built") as caught:
        Network(3, (Dense(3), Projection(3, 2), Dense(1)))
    assert caught.value.details == ("a projection must be the first layer",)
    with pytest.raises(UsageError) as caught:
        Network(3, (Projection(4, 2), Dense(1)))
    assert caught.value.details == ("projection takes 4 of 3 inputs",)


def test_a_linear_network_behind_a_projection_collapses() -> None:
    network = Network(4, (Projection(4, 2), Dense(3), Dense(2)))
    rng = numpy.random.default_rng(3)
    theta, x = rng.normal(size=network.parameter_count), rng.normal(size=(6, 4))
    assert network.is_linear
    W, b = network.collapse(theta)
    numpy.testing.assert_allclose(x @ W + b, network(theta, x), rtol=1e-12)
