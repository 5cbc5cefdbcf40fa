"""Initialization: moments of the draws, seeds, symmetry; and starts fitted to the data."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy
import pytest

from backpass.engine import NumpyEngine
from backpass.errors import UsageError
from backpass.network import (
    INITIALIZATIONS,
    Dense,
    Network,
    Unit,
    Wired,
    dense_network,
    frequency_scales,
    initialize,
    initialize_from_data,
)
from backpass.numerics.philox import key_of

Floats = numpy.ndarray[Any, Any]
NETWORK = dense_network(100, (200,), 50)
DEVIATIONS = {
    "he": lambda d, m: sqrt(2 / d),
    "glorot": lambda d, m: sqrt(2 / (d + m)),
    "uniform": lambda d, m: sqrt(1 / (3 * d)),
    "normal": lambda d, m: sqrt(1 / d),
}


def start(network: Network, scheme: str, seed: int, dtype: Any = numpy.float64) -> dict[str, Floats]:
    theta = NumpyEngine().run(initialize(network, scheme, dtype), key_of(seed))[0]
    assert theta.dtype == dtype
    return network.layout.views(theta)


@pytest.mark.parametrize("scheme", INITIALIZATIONS)
def test_moments(scheme: str) -> None:
    """Mean 0 and the scheme's standard deviation, within five standard errors; the bell's fourth moment is 3."""
    views = start(NETWORK, scheme, 1)
    for name, (d, m) in {"W1": (100, 200), "W2": (200, 50)}.items():
        w = views[name] / DEVIATIONS[scheme](d, m)
        assert abs(w.mean()) < 5 / sqrt(w.size)
        kurtosis = 3.0 if scheme in ("he", "normal") else 1.8
        assert w.std() == pytest.approx(1.0, abs=5 * sqrt((kurtosis - 1) / 4 / w.size))
        assert numpy.mean(w**4) == pytest.approx(kurtosis, rel=0.1)
        if kurtosis == 1.8:
            assert abs(w).max() <= sqrt(3)


@pytest.mark.parametrize("scheme", INITIALIZATIONS)
def test_biases_start_at_zero(scheme: str) -> None:
    views = start(NETWORK, scheme, 1)
    assert not views["b1"].any()
    assert not views["b2"].any()


@pytest.mark.parametrize("scheme", INITIALIZATIONS)
def test_same_seed_same_bytes_other_seed_other_numbers(scheme: str) -> None:
    first, again, other = (start(NETWORK, scheme, seed) for seed in (7, 7, 8))
    assert first["W1"].tobytes() == again["W1"].tobytes()
    assert not numpy.isin(first["W1"][0], other["W1"][0]).all()


def test_layers_draw_numbers_of_their_own() -> None:
    views = start(dense_network(20, (20, 20), 20), "normal", 3)
    correlation = numpy.corrcoef([views[f"W{k}"].reshape(-1) for k in (1, 2, 3)])
    assert abs(correlation - numpy.eye(3)).max() < 5 / 20


def test_symmetry_is_broken() -> None:
    """No two units of a layer start equal, in float32 either."""
    for scheme in INITIALIZATIONS:
        columns = start(NETWORK, scheme, 2, numpy.float32)["W1"].T
        assert len({column.tobytes() for column in columns}) == 200


def test_wired_units_are_drawn_by_their_own_inputs() -> None:
    network = Network(9, (Wired((Unit("few", (0,)), Unit("many", tuple(range(9))))), Dense(1)))
    few, many = [], []
    for seed in range(300):
        views = start(network, "normal", seed)
        few += views["W1.few"].tolist()
        many += views["W1.many"].tolist()
    assert numpy.std(few) == pytest.approx(1.0, abs=0.2)
    assert numpy.std(many) == pytest.approx(1 / 3, abs=0.03)


def test_an_unknown_scheme_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown initialization 'glorod'") as caught:
        initialize(NETWORK, "glorod")
    assert caught.value.hint == "did you mean 'glorot'?"


# From data ------------------------------------------------------------------------------------------------------------


def fitted(network: Network, x: Floats, seed: int = 0) -> tuple[dict[str, Floats], Floats]:
    circuit = initialize_from_data(network, len(x), x.dtype)
    theta = NumpyEngine().run(circuit, key_of(seed), x, frequency_scales(network, x.dtype))[0]
    assert theta.dtype == x.dtype
    return network.layout.views(theta), theta


@pytest.mark.parametrize("mean", [0.0, 50.0])
@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_pre_activations_have_deviation_1_and_kinks_inside_the_data(dtype: Any, mean: float) -> None:
    x = numpy.random.default_rng(0).normal(mean, [1.0, 0.1, 10.0], size=(500, 3)).astype(dtype)
    network = dense_network(3, (40, 30), 2)
    views, _ = fitted(network, x)
    a = x
    for k in (1, 2, 3):
        z = a.astype(numpy.float64) @ views[f"W{k}"].astype(numpy.float64)
        numpy.testing.assert_allclose(z.std(axis=0), 1.0, rtol=1e-4 if dtype == numpy.float32 else 1e-10)
        kink = -views[f"b{k}"]
        assert (z.min(axis=0) <= kink).all()
        assert (kink <= z.max(axis=0)).all()
        assert numpy.ptp(kink - z.mean(axis=0)) > 0.1, "kinks differ from unit to unit"
        a = numpy.maximum(a @ views[f"W{k}"] + views[f"b{k}"], 0)


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize("rows", [1, 2, 7, 1000, 4096])
def test_constant_columns_keep_drawn_weights(rows: int, dtype: Any) -> None:
    """Rounding errors around a mean are no deviation: weights divided by them would be in the millions."""
    x = numpy.tile(numpy.array([0.1, -2.3, 1.7], dtype), (rows, 1))
    network = dense_network(3, (20, 8), 1)
    views, theta = fitted(network, x)
    assert numpy.isfinite(theta).all()
    assert abs(views["W1"]).max() < 6
    numpy.testing.assert_allclose(x[:1] @ views["W1"], -views["b1"][None], rtol=1e-4, atol=1e-5)


def test_one_constant_column_among_others_does_no_harm() -> None:
    x = numpy.random.default_rng(1).normal(size=(200, 3))
    x[:, 1] = 5.0
    views, _ = fitted(dense_network(3, (20,), 1), x)
    numpy.testing.assert_allclose((x @ views["W1"]).std(axis=0), 1.0, rtol=1e-12)


def test_data_dependent_start_is_a_function_of_seed_and_data() -> None:
    x = numpy.random.default_rng(2).normal(size=(60, 3)).astype(numpy.float32)
    network = dense_network(3, (8,), 1)
    assert fitted(network, x, 5)[1].tobytes() == fitted(network, x, 5)[1].tobytes()
    assert fitted(network, x, 5)[1].tobytes() != fitted(network, x, 6)[1].tobytes()


def test_data_dependent_start_passes_dropout_by() -> None:
    x = numpy.random.default_rng(3).normal(size=(60, 3))
    plain, dropping = dense_network(3, (8, 8), 1), dense_network(3, (8, 8), 1, dropout=0.5)
    assert fitted(plain, x)[1].tobytes() == fitted(dropping, x)[1].tobytes()


def test_data_dependent_start_of_wired_units_is_refused() -> None:
    with pytest.raises(UsageError, match="dense layers"):
        initialize_from_data(Network(2, (Wired((Unit("a", (0,)),)), Dense(1))), 10)


def test_a_network_initializes_itself_from_a_seed() -> None:
    """``Network.initialize`` is the circuit of ``initialize`` at the key of the seed, to the bit."""
    network = dense_network(3, (4,), 1)
    for scheme in INITIALIZATIONS:
        for dtype in (numpy.float32, numpy.float64):
            theta = network.initialize(7, scheme, dtype)
            assert theta.dtype == dtype
            assert theta.tobytes() == initialize(network, scheme, dtype)(key_of(7)).tobytes()
    assert network.initialize(7).tobytes() != network.initialize(8).tobytes()
    for seed in (-1, 1.5, 2**64, "0", None):
        with pytest.raises(UsageError, match="seed must be a whole number from 0"):
            network.initialize(seed)  # type: ignore[arg-type]
