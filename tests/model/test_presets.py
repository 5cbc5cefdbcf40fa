"""Presets: what each gives, that a wish always wins; what they make trains, predicts, and comes back from a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backpass.engine import ENGINES, NumpyEngine
from backpass.errors import ModelFileError, UsageError
from backpass.model import Model, fit, from_bytes
from backpass.model.file.container import pack, unpack
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.settings.declarations import BY_NAME
from backpass.model.settings.defaults import default_settings, not_in_notes
from backpass.model.settings.presets import PRESETS
from backpass.model.settings.settings import Settings
from backpass.network import Embedding, LearnedInputScale, ParametricActivation, Periodic, ScaledDense
from backpass.table import table_from

Columns = dict[str, list[Any]]
QUICK = {"preset": "default", "hidden": (8,), "epochs": 3, "batch_size": 16, "ensemble_size": 1}


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("metric", [None, "error"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_default_of_a_preset_is_a_setting_that_can_be_used(name: str, metric: str | None, task: str) -> None:
    defaults = PRESETS[name].defaults(task, metric)
    assert not {*defaults} & {"preset", "task", "seed", "metric", "engine", "test_fraction"}
    assert [BY_NAME[setting].problem(value) for setting, value in defaults.items()] == [""] * len(defaults)
    settings = Settings.of({"preset": name, "metric": metric}, task)
    assert all(getattr(settings, setting) == value for setting, value in defaults.items())


def test_plain_gives_nothing() -> None:
    plain = Settings.of({"preset": "plain"})
    assert plain.suited("binary") == plain
    others = {name: setting.default for name, setting in BY_NAME.items() if setting.default is not None}
    assert {name: getattr(plain, name) for name in others} == others


def test_notes_trains_by_algorithm_2_and_deviates_in_the_scaling_alone() -> None:
    """CS229 Algorithm 2"""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    data = {"a": x[:, 0], "b": x[:, 1], "y": np.maximum(x[:, 0], 0.0) + 0.5 * x[:, 1]}
    model = fit(data, "y", preset="notes", hidden=(8,), epochs=40)
    assert {*not_in_notes(model.record.settings)} == {"numerical_scaling"}
    same = {"optimizer": "sgd", "schedule": "constant", "sampling": "minibatch", "learning_rate": 0.01}
    plain = fit(data, "y", hidden=(8,), epochs=40, batch_size=32, **same)
    assert model.theta.tobytes() == plain.theta.tobytes()
    assert model.history[-1].train_loss < 0.3 * model.history[0].train_loss


@pytest.mark.parametrize("asked", [{}, {"epochs": 3, "seed": 1}, {"loss": "absolute", "ensemble_size": 2}])
def test_the_recipe_is_what_nothing_said_means(asked: dict[str, Any]) -> None:
    assert Settings.of(asked) == Settings.of({"preset": "default", **asked})
    assert Settings.of(asked).suited("binary") == Settings.of({"preset": "default", **asked}, "binary")


@pytest.mark.parametrize(
    "asked", [{"hidden": ()}, {"hidden": (8,)}, {"optimizer": "sgd"}, {"learning_rate": 0.1}, {"max_steps": 5}]
)
def test_who_describes_a_network_gets_nothing_of_a_recipe(asked: dict[str, Any]) -> None:
    assert Settings.of(asked) == Settings.of({"preset": "plain", **asked})


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_a_wish_wins_over_the_preset_whatever_the_task(task: str) -> None:
    wished = {
        "hidden": (5,),
        "learning_rate": 0.001,
        "dropout": 0.0,
        "learning_rate_multiplier": (),
        "activation": "relu",
    }
    settings = Settings.of({"preset": "default", **wished}).suited(task)
    assert {name: getattr(settings, name) for name in wished} == wished
    assert settings.schedule == "coslog4"


def test_the_task_and_the_metric_decide_where_the_recipe_depends_on_them() -> None:
    of = lambda task, **more: Settings.of({"preset": "default", **more}).suited(task)
    names = ("activation", "learning_rate", "label_smoothing")
    values = lambda settings: tuple(getattr(settings, name) for name in names)
    assert values(of("regression")) == ("mish", 0.2, 0.0)
    assert values(of("binary")) == values(of("multiclass", metric="log_loss")) == ("selu", 0.04, 0.0)
    assert values(of("binary", metric="error")) == values(of("multiclass", metric="accuracy")) == ("selu", 0.04, 0.1)


def test_settings_of_a_file_come_back_whatever_the_preset_says_by_then() -> None:
    settings = Settings.of({"preset": "default", "epochs": 9}, "binary")
    data = json.loads(json.dumps(settings.to_json()))
    assert Settings.from_json(data) == settings
    assert Settings.from_json({**data, "schedule": "cosine"}).schedule == "cosine"
    usual = default_settings(settings.to_json(), "binary")
    assert {name for name in data if data[name] != usual[name]} == {"preset", "epochs"}


FIRST = """task validation_fraction test_fraction hidden activation output_activation wire dropout initialization loss
quantile huber_delta label_smoothing optimizer learning_rate schedule momentum beta1 beta2 weight_decay max_grad_norm
batch_size epochs max_steps sampling patience seed precision"""
"""The settings that the first model files hold."""


def test_settings_that_the_first_files_lack_mean_what_they_meant() -> None:
    data = Settings.of({"preset": "plain"}).to_json()
    meant = Settings.of({"preset": "plain", "numerical_scaling": "robust"})
    assert Settings.from_json({name: data[name] for name in FIRST.split()}) == meant


@pytest.mark.parametrize(
    ("asked", "share"),
    [
        ({}, 0.0),
        ({"patience": 5}, 0.16),
        ({"metric": "rmse"}, 0.16),
        ({"calibration": "temperature"}, 0.16),
        ({"patience": 5, "validation_fraction": 0.3}, 0.3),
        ({"validation_fraction": 0.0, "patience": 5}, 0.0),
    ],
)
def test_plain_sets_rows_aside_only_if_a_setting_needs_them(asked: dict[str, Any], share: float) -> None:
    assert Settings.of({"preset": "plain", **asked}).validation_fraction == share


def test_what_plain_adds_to_the_notes() -> None:
    plain = Settings.of({"preset": "plain"}).to_json()
    added = {"numerical_scaling": "standard", "optimizer": "adamw", "schedule": "cosine", "sampling": "epoch"}
    assert not_in_notes(plain) == added
    algorithm_2 = {"optimizer": "sgd", "schedule": "constant", "sampling": "minibatch", "numerical_scaling": "none"}
    assert not_in_notes(Settings.of({"hidden": (8,), **algorithm_2}).to_json()) == {}
    assert not_in_notes({**plain, "activation": "custom", "dropout": 0.1}) == {
        "activation": "custom",
        "dropout": 0.1,
        **added,
    }
    assert {"numerical_embedding", "ensemble_size", "clip_predictions"} <= {*not_in_notes(Settings.of({}).to_json())}


@pytest.mark.parametrize(
    "values",
    [
        {"numerical_embedding": "periodic"},
        {"quantile_features": True},
        {"max_one_hot_levels": 8},
        {"preset": "default", "initialization": "he"},
    ],
    ids=str,
)
def test_wired_units_take_columns_as_they_are(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="cannot be combined with wire"):
        Settings.of({**values, "wire": (("u", ("a",)),)})


def test_a_group_has_one_factor() -> None:
    with pytest.raises(UsageError, match="names 'bias' twice"):
        Settings.of({"learning_rate_multiplier": (("bias", 0.1), ("bias", 0.2))})


@pytest.mark.parametrize(
    ("rows", "epochs"),
    [(0, 64), (1, 128), (999, 128), (1_000, 64), (30_000, 64), (30_001, 32), (100_000, 32), (100_001, 16)],
)
def test_the_number_of_rows_decides_on_the_epochs_unless_they_are_asked_for(rows: int, epochs: int) -> None:
    settings = Settings.of({"preset": "default", "hidden": (5,)}).suited("regression", rows)
    assert (settings.epochs, settings.hidden) == (epochs, (5,))
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    asked = Settings.of({"preset": "default", "epochs": 7}).suited("regression", rows)
    assert asked.epochs == 7


@pytest.mark.parametrize(
    ("preset", "asked", "rows", "patience"),
    [
        ("fast", {}, 0, 40),
        ("default", {}, 5_000, 40),
        ("best", {}, 200_000, 10),
        ("default", {}, 999, 80),
        ("default", {"epochs": 7}, 999, 5),
        ("default", {"epochs": 1}, 5_000, 1),
        ("default", {"patience": 3}, 5_000, 3),
        ("default", {"patience": None}, 5_000, None),
        ("default", {"max_steps": 900}, 5_000, None),
        ("realmlp", {}, 5_000, None),
        ("plain", {}, 5_000, None),
        ("notes", {"epochs": 7}, 5_000, None),
    ],
)
def test_runs_of_a_recipe_end_after_five_eighths_of_their_epochs_without_improvement(
    preset: str, asked: dict[str, Any], rows: int, patience: int | None
) -> None:
    settings = Settings.of({"preset": preset, **asked}).suited("regression", rows)
    assert settings.patience == patience
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    if "patience" not in asked:  # what is not asked for is a default, which ``show`` does not list
        assert default_settings(settings.to_json(), "regression", rows)["patience"] == patience


@pytest.mark.parametrize("epochs", [0, -3, 10**10, "many", 2.5])
def test_epochs_that_cannot_be_used_are_the_only_problem(epochs: Any) -> None:
    with pytest.raises(UsageError, match="invalid setting") as caught:
        Settings.of({"preset": "default", "epochs": epochs})
    (fault,) = caught.value.details
    assert fault.startswith("epochs must be")


def test_networks_that_no_longer_improve_end_their_run_early() -> None:
    """The target is noise: the best epoch is among the first."""
    rng = np.random.default_rng(3)
    data = {"a": rng.normal(size=120), "b": rng.normal(size=120), "y": rng.normal(size=120)}
    quick = {**QUICK, "ensemble_size": 4, "epochs": 24}
    model, whole = fit(data, "y", **quick), fit(data, "y", patience=None, **quick)
    epochs = [(each["best_epoch"], each["epochs"]) for each in model.record.members]
    assert all(done == min(best + 15, 24) for best, done in epochs)
    assert min(done for _, done in epochs) < 24
    assert [each["epochs"] for each in whole.record.members] == [24] * 4
    same = [a["best_epoch"] == b["best_epoch"] for a, b in zip(model.record.members, whole.record.members, strict=True)]
    equal = [bool((a == b).all()) for a, b in zip(model.theta, whole.theta, strict=True)]
    assert equal == same
    assert sum(same) >= 3


# What the default preset makes ----------------------------------------------------------------------------------------


@pytest.fixture
def streets(houses: Columns) -> Columns:
    """The mixed table, and a column of more levels than one-hot takes."""
    rng = np.random.default_rng(7)
    street = [None if i % 40 == 0 else f"street {k:02}" for i, k in enumerate(rng.integers(0, 20, len(houses["age"])))]
    return {**houses, "street": street}


def test_the_network_of_the_recipe(streets: Columns) -> None:
    problem = make_problem(table_from(streets), "price", Settings.of({"preset": "realmlp"}))
    kinds = [type(layer).__name__ for layer in problem.network.layers]
    block = ["ScaledDense", "ParametricActivation", "Dropout"]
    assert kinds == ["Periodic", "Embedding", "LearnedInputScale", *block * 3, "ScaledDense"]
    assert problem.network.layers[:3] == (Periodic(2), Embedding((20,)), LearnedInputScale())
    assert problem.network.layers[3:5] == (ScaledDense(256), ParametricActivation("mish"))
    assert problem.feature_map.coding == ("one_hot", "sign", "code")
    assert problem.input_names[-1] == "street"


def test_every_group_learns_and_decays_at_its_own_rate(streets: Columns) -> None:
    """A step moves theta by alpha f times that of a step without factors, and decay takes alpha lambda f^2 theta."""
    problem = make_problem(table_from(streets), "price", Settings.of({"preset": "default"}))
    optimizer, layout = problem.optimizer(), problem.network.layout
    theta, g = np.full(layout.size, 2.0), np.linspace(-1.0, 1.0, layout.size)
    memory = [np.zeros(layout.size)] * 2
    row = optimizer.settings(np.array([0.01]), 0)[0]
    still = {**dict(zip(optimizer.columns, row, strict=True)), "weight_decay": 0.0}
    decayed, _ = optimizer(theta, g, memory, row)
    plain, _ = optimizer(theta, g, memory, np.array([still[name] for name in optimizer.columns]))
    factors = {"bias": 0.1, "alpha": 0.1, "learned_input_scale": 6.0, "frequency": 0.1, "phase": 0.1, "mixture": 0.1}
    f = layout.per_group(factors)
    np.testing.assert_allclose(theta - plain, 0.01 * f * np.sign(g), rtol=2e-3)
    expected = 0.01 * 0.02 * 2.0 * layout.per_group({name: each**2 for name, each in factors.items()} | {"bias": 0.0})
    np.testing.assert_allclose(plain - decayed, expected, rtol=1e-6, atol=1e-12)


def test_it_trains_predicts_and_comes_back_from_its_file(each_target: tuple[str, Columns]) -> None:
    target, columns = each_target
    street = [f"street {i % 11:02}" for i in range(len(columns["age"]))]
    columns = {**columns, "street": street}
    model = fit(columns, target, **QUICK)
    again = from_bytes(model.to_bytes())
    new = {**columns, "street": [None, "no such street", *street[2:]], "size": [None] * len(street)}
    assert again.predict(new).tolist() == model.predict(new).tolist()
    assert again.to_bytes() == model.to_bytes() == fit(columns, target, **QUICK).to_bytes()


def test_numbers_of_the_presets_have_ranks_of_the_training_rows(houses: Columns) -> None:
    problem = make_problem(table_from(houses), "price", Settings.of(QUICK))
    count = len(problem.schema.numbers)
    assert [each.size > 1 for each in problem.feature_map.knots] == [True] * count
    assert problem.network.layers[0] == Periodic(2 * count)
    assert problem.parts["train"].x[:, count : 2 * count].max() == 1.5


@pytest.mark.parametrize(
    ("sizes", "forge", "reason"),
    [
        (None, lambda knots: knots[::-1].copy(), "knots and numeric columns do not match"),
        (None, lambda knots: knots.astype(np.float32), "dtypes of knots differ"),
        (None, lambda knots: knots[:-1], "the facts declare"),
        ([1], lambda knots: knots[:1], "knots and numeric columns do not match"),
        ([0], lambda knots: knots, r"knots\[0\] must be a whole number"),
    ],
)
def test_forged_knots_are_refused(
    houses: Columns, sizes: list[int] | None, forge: Callable[[Any], Any], reason: str
) -> None:
    facts, arrays = unpack(fit(houses, "price", **QUICK).to_bytes(), "model", "here")
    arrays["knots"] = forge(arrays["knots"])
    facts["features"]["knots"] = facts["features"]["knots"] if sizes is None else sizes
    with pytest.raises(ModelFileError) as raised:
        from_bytes(pack("model", facts, arrays))
    assert re.search(reason, str(raised.value))


@pytest.mark.skipif("native" not in ENGINES, reason="the compiled core was not built")
@pytest.mark.parametrize("preset", [name for name in PRESETS if name not in ("plain", "best")])  # best: as default
def test_engines_agree_and_threads_change_no_bit(each_target: tuple[str, Columns], preset: str) -> None:
    """A few steps of each recipe, embeddings and schedules of dropout and decay included."""
    target, columns = each_target
    columns = {**columns, "street": [f"street {i % 11:02}" for i in range(len(columns["age"]))]}
    wishes = {**QUICK, "preset": preset, "epochs": 2, "ensemble_size": 2}
    slow = fit(columns, target, **wishes, engine="numpy")
    fast, again = (fit(columns, target, **wishes, engine="native", threads=threads) for threads in (1, 2))
    assert fast.to_bytes() == again.to_bytes()
    np.testing.assert_allclose(fast.theta, slow.theta, rtol=1e-2, atol=1e-3)
    together = fast.predictions(fast.table(columns))
    for i in (0, 7, 119):
        alone = fast.predictions(fast.table({name: values[i : i + 1] for name, values in columns.items()}))
        assert alone.values[0] == together.values[i]
        if alone.probabilities is not None and together.probabilities is not None:
            assert alone.probabilities[0].tobytes() == together.probabilities[i].tobytes()


def test_numbers_stay_within_the_range_of_the_training_targets(houses: Columns) -> None:
    model = fit(houses, "price", **{**QUICK, "learning_rate": 5.0})
    low, high = model.head.scales[0].low, model.head.scales[0].high
    assert low is not None
    assert high is not None
    assert min(houses["price"]) <= low < high <= max(houses["price"])
    far = {name: [value] * 3 for name, value in {"size": 1e9, "age": -1e9, "town": "x", "heating": "gas"}.items()}
    assert ((model.predict(far) >= low) & (model.predict(far) <= high)).all()
    free = fit(houses, "price", **{**QUICK, "learning_rate": 5.0, "clip_predictions": "none"})
    predicted = free.predict(houses)
    assert predicted.min() < low or predicted.max() > high, "without bounds they leave it"


@pytest.mark.parametrize("metric", ["mae", "rmse", "r2"])
def test_the_metric_asked_for_chooses_the_epoch(houses: Columns, metric: str) -> None:
    model = fit(houses, "price", **QUICK, metric=metric)
    chosen = model.head.metric
    assert chosen == ("rmse" if metric == "r2" else metric)
    scores = [epoch.score for epoch in model.history]
    assert model.record.scores["validation"][chosen] == pytest.approx(min(scores))  # type: ignore[type-var]
    assert from_bytes(model.to_bytes()).head.metric == chosen


def test_classes_by_their_error(table_with: Callable[..., Columns]) -> None:
    model = fit(table_with("grade"), "grade", **QUICK, metric="accuracy")
    assert model.head.metrics[:3] == ("error", "log_loss", "accuracy")
    assert model.record.scores["test"]["error"] == pytest.approx(1 - model.record.scores["test"]["accuracy"])
    assert model.head.options == {"label_smoothing": 0.1}


@pytest.mark.parametrize(("target", "metric"), [("price", "error"), ("price", "log_loss"), ("sold", "rmse")])
def test_a_metric_of_another_task_is_refused(table_with: Callable[..., Columns], target: str, metric: str) -> None:
    with pytest.raises(UsageError, match=f"metric '{metric}' does not work with target '{target}'"):
        fit(table_with(target), target, **QUICK, metric=metric)


# Guards ---------------------------------------------------------------------------------------------------------------


def finite(model: Model, columns: Columns) -> bool:
    return bool(np.isfinite(np.asarray(model.predict(columns), dtype=float)).all() and np.isfinite(model.theta).all())


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 10, 11, 17])
def test_any_number_of_rows(rows: int) -> None:
    rng = np.random.default_rng(rows)
    columns = {"a": rng.normal(size=rows).tolist(), "b": ["u", "v"] * (rows // 2) + ["u"] * (rows % 2)}
    columns["y"] = rng.normal(size=rows).tolist()
    assert finite(fit(columns, "y", preset="default", hidden=(16, 16), epochs=20), columns)


ODD_COLUMNS: dict[str, Any] = {
    "near-constant": lambda rng: np.where(np.arange(300) == 17, 1.0, 0.0),
    "nothing but gaps and one value": lambda rng: np.where(np.arange(300) % 2, np.nan, 3.0),
    "heavy tails": lambda rng: rng.standard_cauchy(300) ** 3,
    "huge": lambda rng: 1e300 * rng.normal(size=300),
    "tiny": lambda rng: 1e-300 * rng.normal(size=300),
    "a large mean": lambda rng: 1e9 + 1e-3 * rng.normal(size=300),
}


@pytest.mark.parametrize("name", ODD_COLUMNS)
def test_odd_columns(name: str) -> None:
    rng = np.random.default_rng(0)
    columns = {"odd": ODD_COLUMNS[name](rng).tolist(), "x": rng.normal(size=300).tolist()}
    columns["y"] = (np.array(columns["x"]) + 0.1 * rng.normal(size=300)).tolist()
    model = fit(columns, "y", preset="default", hidden=(32, 32), epochs=30)
    assert finite(model, columns)
    assert model.record.scores["test"]["r2"] > 0.7


@pytest.mark.parametrize("unit", [1e-300, 1e300, 1e9])
def test_odd_targets(unit: float) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=300)
    columns = {"x": x.tolist(), "y": (unit * (x + 3.0)).tolist()}
    model = fit(columns, "y", preset="default", hidden=(32, 32), epochs=30)
    assert finite(model, columns)
    assert model.record.scores["test"]["r2"] > 0.9


def test_heavy_tails_of_the_target() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=300)
    columns = {"x": x.tolist(), "y": (x + rng.standard_cauchy(300) ** 3).tolist()}
    assert finite(fit(columns, "y", preset="default", hidden=(32, 32), epochs=30), columns)


def test_one_in_ten_thousand() -> None:
    x = np.random.default_rng(3).normal(size=10_000)
    columns = {"x": x.tolist(), "y": np.where(np.arange(10_000) % 5_000 == 1, "rare", "usual").tolist()}
    for metric in ("log_loss", "error"):
        model = fit(columns, "y", preset="default", hidden=(8,), epochs=2, metric=metric, test_fraction=0.0)
        assert np.isfinite(model.predict_proba(columns)).all()
        assert model.record.scores["validation"]["error" if metric == "error" else "log_loss"] < 0.1


def test_units_that_only_see_constants_start_finite() -> None:
    """Every column is constant where the start is fitted; weights that divide by 0 would not be finite."""
    columns = {"x": [*([0.0] * 299), 1.0], "y": np.random.default_rng(4).normal(size=300).tolist()}
    problem = make_problem(table_from(columns), "y", Settings.of({"preset": "default", "test_fraction": 0.0}))
    theta = problem.first_theta()
    assert np.isfinite(theta).all()
    o = NumpyEngine().run(problem.network.forward(), theta, problem.parts["train"].x)[0]
    assert np.isfinite(o).all()
