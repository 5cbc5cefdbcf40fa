"""The start of networks whose output activation has a flat side: every seed learns, wherever the kink is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backpass import fit
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.problem.start import fitted_rows
from backpass.model.prediction.forward import outputs_of
from backpass.model.settings.settings import Settings
from backpass.network import ACTIVATIONS, Dense, Network, Periodic, dense_network, saturates
from backpass.network.activations import RANGES
from backpass.table import table_from

ROWS = 60
X = np.linspace(0.0, 10.0, ROWS)
QUICK: dict[str, Any] = {"hidden": (), "output_activation": "relu", "epochs": 20, "test_fraction": 0.0}
BENT = [name for name in ACTIVATIONS if saturates(name)]


def problem_of(columns: dict[str, Any], **settings: Any) -> Problem:
    return make_problem(table_from(columns), "y", Settings.of({**QUICK, **settings}))


def r2(columns: dict[str, Any], seed: int = 0, **settings: Any) -> float:
    model = fit(columns, "y", seed=seed, **{**QUICK, **settings})
    assert not any("no longer learn" in each for each in model.record.warnings if "layer 1: 1 of 1" in each)
    return float(model.evaluate(columns)["r2"])


@pytest.mark.parametrize("seed", range(100))
def test_the_first_example_of_the_notes_finds_its_kink_for_every_seed(seed: int) -> None:
    columns = {"x": X, "y": np.maximum(X - 4.0, 0.0)}
    model = fit(columns, "y", seed=seed, **{**QUICK, "epochs": 10})
    assert model.evaluate(columns)["r2"] > 0.98
    at_zero, at_ten, at_three = model.predict({"x": [0.0, 10.0, 3.0]})
    assert at_zero == at_three == 0.0
    assert at_ten == pytest.approx(6.0, abs=0.7)
    assert model.record.warnings == ()


@pytest.mark.parametrize("kink", [1.0, 3.0, 5.0, 7.0, 8.5])
@pytest.mark.parametrize("slope", [1.0, -1.0, 2000.0, -0.001])
def test_kinks_anywhere_rising_and_falling(kink: float, slope: float) -> None:
    y = np.maximum(slope * (X - kink), 0.0)
    assert min(r2({"x": X, "y": y}, seed, epochs=10) for seed in range(2)) > 0.95


@pytest.mark.parametrize("origin", [-1e6, -3.0, 1e6])
def test_kinks_of_inputs_that_are_shifted(origin: float) -> None:
    assert min(r2({"x": origin + X, "y": np.maximum(X - 4.0, 0.0)}, seed) for seed in range(3)) > 0.95


@pytest.mark.parametrize("shift", [0.5, 3.0, 1000.0])
def test_targets_that_are_shifted_up_have_no_kink_at_0_and_get_a_line(shift: float) -> None:
    y = np.maximum(X - 4.0, 0.0) + shift
    assert min(r2({"x": X, "y": y}, seed, epochs=40) for seed in range(3)) > 0.7


def test_several_columns() -> None:
    rng = np.random.default_rng(3)
    columns: dict[str, Any] = {f"x{j}": rng.normal(size=200) for j in range(5)}
    columns["town"] = rng.choice(["north", "south"], 200).tolist()
    y = columns["x0"] - 2.0 * columns["x1"] + 1.5 * (np.array(columns["town"]) == "north") - 1.0
    assert min(r2({**columns, "y": np.maximum(y, 0.0)}, seed, epochs=40) for seed in range(5)) > 0.9


@pytest.mark.parametrize(
    "network",
    [
        {"hidden": (1,)},
        {"hidden": (8,)},
        {"hidden": (8, 8), "activation": "tanh"},
        {"hidden": (), "wire": (("low", ("x",)), ("both", ("x", "z")))},
        {"hidden": (8,), "parametrization": "ntk", "initialization": "data", "activation": "mish"},
        {"hidden": (8,), "parametric_activation": True},
    ],
    ids=["one", "dense", "deep", "wired", "scaled", "learned"],
)
def test_a_relu_output_over_hidden_units_answers_for_every_seed(network: dict[str, Any]) -> None:
    columns = {"x": X, "z": np.cos(X), "y": np.maximum(X - 4.0, 0.0)}
    for seed in range(10):
        problem = problem_of(columns, seed=seed, dropout=0.0, **network)
        part, theta = problem.parts["train"], problem.first_theta()
        o = outputs_of(problem.network, theta, part.x, problem.engine)
        # Active where the target is above 0, so that the first gradient goes the right way.
        assert (o[part.truth > 0.0] > 0.0).any(), seed
        assert np.corrcoef(o[:, 0], part.truth)[0, 1] > 0.0, seed
    assert min(r2(columns, seed, dropout=0.0, **network) for seed in range(3)) > 0.0


@pytest.mark.parametrize("activation", BENT)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_every_output_activation_with_a_flat_side_learns_a_slope(activation: str, sign: float) -> None:
    low, high = (bound if np.isfinite(bound) else 1.0 for bound in RANGES[activation])
    y = low + (high - low) * (0.1 + 0.08 * (X if sign > 0 else 10.0 - X))
    assert min(r2({"x": X, "y": y}, seed, output_activation=activation) for seed in range(2)) > 0.5


@pytest.mark.parametrize("activation", BENT)
@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e6, -1e6])
def test_targets_outside_the_range_do_not_start_deep_in_the_flat_side(activation: str, factor: float) -> None:
    problem = problem_of({"x": X, "y": factor * (X + 1.0)}, output_activation=activation)
    part, theta = problem.parts["train"], problem.first_theta()
    assert np.isfinite(theta).all()
    if activation != "relu" or factor > 0.0:
        z = part.x @ theta[: part.x.shape[1]] + theta[-1]
        assert (np.abs(z) < 5.0).all() if np.isfinite(RANGES[activation][1]) else (z > -2.5).all()


@pytest.mark.parametrize("activation", BENT)
@pytest.mark.parametrize("classes", [2, 3])
def test_classes_start_on_the_side_of_their_own_rows(activation: str, classes: int) -> None:
    y = [f"class {int(x * classes / 10.01)}" for x in X]
    for seed in range(5):
        problem = problem_of({"x": X, "y": y}, output_activation=activation, seed=seed)
        part = problem.parts["train"]
        o = outputs_of(problem.network, problem.first_theta(), part.x, problem.engine)
        last = part.truth == classes - 1
        assert o[last, -1].mean() > o[part.truth == 0, -1].mean()


def test_counts_under_a_bounded_output() -> None:
    y = np.floor(X).tolist()
    model = fit({"x": X, "y": y}, "y", **{**QUICK, "loss": "poisson", "output_activation": "softplus"})
    assert model.record.warnings == ()
    assert np.corrcoef(model.predict({"x": X}), y)[0, 1] > 0.9


def test_weights_decide_where_the_output_starts() -> None:
    columns = {"x": [0.0] * 20 + [1.0] * 20, "y": [*range(20), *range(20, 0, -1)]}
    settings = Settings.of({**QUICK, "validation_fraction": 0.0})
    theta = {}
    for name, weight in (("rising", 10.0), ("falling", 0.1)):
        table = table_from({**columns, "w": np.where(np.arange(40) >= 35, weight, 1.0)})
        theta[name] = make_problem(table, "y", settings, weight="w").first_theta()
    assert not np.array_equal(theta["rising"], theta["falling"])


def test_rare_targets_above_0_are_found_in_a_long_table_in_order() -> None:
    x = np.arange(20_000.0)
    problem = problem_of({"x": x, "y": np.maximum(x - 19_000.0, 0.0)}, validation_fraction=0.0)
    part = problem.parts["train"]
    o = outputs_of(problem.network, problem.first_theta(), part.x, problem.engine)[:, 0]
    assert (o[part.truth > 0.0] > 0.0).mean() > 0.9
    assert (o[part.truth == 0.0] > 0.0).mean() < 0.1


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_ranges_are_those_of_the_activations(name: str) -> None:
    low, high = RANGES[name]
    a = ACTIVATIONS[name](np.linspace(-30.0, 30.0, 600_001))
    assert (a >= low).all()
    assert (a <= high).all()
    for bound, end in ((low, a.min()), (high, a.max())):
        assert end == pytest.approx(bound, abs=1e-8) if np.isfinite(bound) else abs(end) > 0.2


@pytest.mark.parametrize("settings", [{}, {"output_activation": "leaky_relu"}, {"loss": "poisson"}])
def test_outputs_without_a_flat_side_start_as_drawn(settings: dict[str, Any]) -> None:
    problem = problem_of({"x": X, "y": X}, **{"output_activation": "identity", **settings})
    theta = problem.first_theta()
    other = problem_of({"x": X, "y": X[::-1].copy()}, **{"output_activation": "identity", **settings}).first_theta()
    np.testing.assert_array_equal(theta[:-1], other[:-1])


def test_wide_networks_start_from_fewer_rows() -> None:
    """Tables of usual width start from the same 4,096 rows as ever; no array of a wide one is larger than the bound."""
    ordinary = problem_of({**{f"c{j}": X + j for j in range(20)}, "y": X})
    assert fitted_rows(ordinary.network) == 4096
    assert fitted_rows(dense_network(16_384, (8,), 1)) == 4096
    assert fitted_rows(dense_network(65_536, (8,), 1)) == 1024
    assert fitted_rows(dense_network(4, (65_536, 8), 1)) == 1024
    assert fitted_rows(dense_network(10**7, (8,), 1)) == 256
    waves = Network(2_000, (Periodic(2_000), Dense(8, "relu"), Dense(1)))
    assert fitted_rows(waves) == 2**26 // (2_000 * waves.layers[0].frequencies) < 4096
