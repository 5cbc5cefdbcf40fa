"""Diagnostics: what is wrong with a model is found and said, and a good model gives no warning."""

from __future__ import annotations

import warnings
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import backpass
from backpass import BackpassClassifier, BackpassRegressor, BackpassWarning, fit
from backpass.engine import NumpyEngine
from backpass.model.evaluation.diagnostics import constant_warnings
from backpass.model.fitting.outcome.diagnostics import notes_on_scored_groups
from backpass.model.loading import from_bytes
from backpass.model.model import Model
from backpass.model.split.units import Units
from backpass.network import Dense, Network, ParametricActivation, Unit, Wired, dead_units
from backpass.training import Callback

RNG = np.random.default_rng(5)
X = RNG.uniform(0.0, 10.0, 120)
LINE = {"x": X, "y": 3.0 * X}
BELOW = {"x": X, "y": -X - 20.0}
ZERO: dict[str, Any] = {"hidden": (), "output_activation": "relu", "epochs": 1, "validation_fraction": 0.16}


def said(model: Model) -> str:
    return " | ".join(model.record.warnings)


# Dead units


def test_dead_units_are_named_by_layer() -> None:
    network = Network(1, (Dense(3, "relu"), Dense(2, "sigmoid"), Dense(1)))
    theta = network.layout.vector(
        {
            "W1": [[1.0, -1.0, 0.0]],
            "b1": [0.0, -0.5, -1.0],
            "W2": np.eye(3)[:, :2],
            "b2": [0.0, 200.0],
            "W3": [[1.0], [1.0]],
            "b3": [0.0],
        }
    )
    found = dead_units(network, theta, np.array([[0.0], [1.0], [2.0]]), NumpyEngine())
    assert [(each.layer, each.units, each.count, each.activation) for each in found] == [
        (1, ("2", "3"), 3, "relu"),
        (2, ("2",), 2, "sigmoid"),
    ]


def test_a_unit_that_answers_to_the_last_row_alone_is_alive() -> None:
    network = Network(1, (Dense(1, "relu"),))
    x = np.array([[-1.0]] * 30 + [[1.0]])
    assert dead_units(network, np.array([1.0, 0.0]), x, NumpyEngine(), rows=4) == []
    assert dead_units(network, np.array([1.0, -1.5]), x, NumpyEngine(), rows=4) != []
    assert dead_units(network, np.array([1.0, 0.0]), x[:0], NumpyEngine()) == []


def test_wired_units_go_by_their_names_and_learned_slopes_count() -> None:
    wired = Network(2, (Wired((Unit("a", (0,)), Unit("b", (1,)))), Dense(1)))
    theta = np.array([1.0, 0.0, 1.0, -9.0, 1.0, 1.0, 0.0])
    assert [each.units for each in dead_units(wired, theta, np.eye(2), NumpyEngine())] == [("b",)]
    learned = Network(1, (Dense(2), ParametricActivation("relu"), Dense(1)))
    arrays = {"W1": [[1.0, 1.0]], "b1": [-9.0, -9.0], "alpha1": [1.0, 0.5], "W2": [[1.0], [1.0]], "b2": [0.0]}
    found = dead_units(learned, learned.layout.vector(arrays), np.ones((2, 1)), NumpyEngine())
    assert [each.units for each in found] == [("1",)]  # unit 2 is half the identity


def test_dead_hidden_units_of_a_fit_are_said() -> None:
    model = fit({"x": X, "y": X}, "y", hidden=(64,), epochs=2, learning_rate=3.0, optimizer="sgd", max_grad_norm=50.0)
    assert "layer 1: " in said(model)
    assert " of 64 units " in said(model)
    assert " on every training row (unit" in said(model)


def test_members_of_an_ensemble_are_told_apart() -> None:
    settings = {"hidden": (), "output_activation": "relu", "ensemble_size": 2, "epochs": 60}
    model = fit({"x": X, "y": -X - 1.0}, "y", **settings)
    assert "network 1 of 2, layer 1: 1 of 1 unit is 0 on every training row (unit 1)" in said(model)
    assert "network 2 of 2, layer 1:" in said(model)


# Targets out of reach


@pytest.mark.parametrize(
    ("activation", "y", "text"),
    [
        ("relu", X - 5.0, "below 0 in"),
        ("softplus", X - 5.0, "but the output activation softplus cannot be negative"),
        ("sigmoid", X, "above 1 in"),
        ("sigmoid", X - 5.0, "below 0 or above 1 in"),
        ("tanh", 0.3 * X - 1.5, "the output activation tanh never outputs a number below -1 or above 1"),
        ("mish", X - 5.0, "the output activation mish never outputs a number below"),
    ],
)
def test_targets_that_the_output_cannot_reach(activation: str, y: Any, text: str) -> None:
    model = fit({"x": X, "y": y}, "y", hidden=(), output_activation=activation, epochs=1)
    assert model.record.warnings[0].startswith("the target 'y' is ")
    assert text in model.record.warnings[0]
    count = int(model.record.warnings[0].split(" in ")[1].split(" of ")[0])
    assert 0 < count <= model.record.rows["train"]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "identity", "selu", "softplus"])
def test_targets_in_reach_are_not_spoken_of(activation: str) -> None:
    model = fit({"x": X, "y": X}, "y", hidden=(), output_activation=activation, epochs=1)
    assert "the target" not in said(model)


# Scores and predictions


def test_a_score_that_the_mean_beats() -> None:
    model = fit(BELOW, "y", **ZERO)
    assert "the network is no better than always predicting the mean on the test rows: rmse " in said(model)
    assert ", r2 -" in said(model)


def test_r2_is_left_out_where_the_target_is_constant() -> None:
    model = fit(BELOW, "y", **ZERO)
    alike = {"x": X[:20], "y": np.full(20, float(np.mean(BELOW["y"])))}
    with pytest.warns(BackpassWarning, match=r"the mean on these rows: rmse \S+ against \S+$"):
        model.evaluate(alike)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"loss": "absolute"}, "always predicting the median on the test rows: mae "),
        ({"loss": "quantile", "quantile": 0.9}, "always predicting the quantile on the test rows: pinball "),
        ({"metric": "mae"}, "the mean on the test rows: mae "),
        ({"test_fraction": 0.0}, "the mean on the validation rows: rmse "),
        ({"test_fraction": 0.0, "validation_fraction": 0.0}, "the mean on the training rows: rmse "),
        ({"ensemble_size": 2, "test_fraction": 0.0}, "the mean on the validation rows: rmse "),
    ],
)
def test_which_constant_and_which_rows(settings: dict[str, Any], text: str) -> None:
    assert text in said(fit(BELOW, "y", **{**ZERO, **settings}))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_log_loss_that_the_class_shares_beat(classes: int) -> None:
    y = [f"class {int(v * classes / 10.01)}" for v in X]
    model = fit({"x": X, "y": y}, "y", hidden=(), epochs=4, learning_rate=30.0, metric="error", dropout=0.0)
    wrong = {"x": X, "y": [f"class {(int(v * classes / 10.01) + 1) % classes}" for v in X]}
    with pytest.warns(BackpassWarning, match="always predicting the class frequencies on these rows: .*log loss"):
        model.evaluate(wrong)


def test_good_models_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        noisy = {"x": X, "y": LINE["y"] + RNG.normal(size=120)}
        model = fit(noisy, "y", hidden=(), epochs=60, learning_rate=0.1)
        model.evaluate({"x": X, "y": LINE["y"] + RNG.normal(size=120)})
        model.evaluate({"x": [1.0, 1.01], "y": [3.0, 3.5]})  # two rows say nothing about a mean
    assert model.record.warnings == ()
    assert b'"warnings"' not in model.to_bytes()


def test_predictions_that_are_all_the_same() -> None:
    model = fit({"x": X, "y": -X - 1.0}, "y", hidden=(), output_activation="relu", epochs=5)
    assert "the prediction of 'y' is 0 on all of the test rows" in said(model)
    constant = fit({"x": X, "y": np.full(120, 7.0)}, "y", hidden=(4,), epochs=1)
    assert said(constant).count("prediction of") == 0  # right, since the target is constant, too


def test_every_row_of_one_class() -> None:
    y = ["rare" if i % 8 == 0 else "usual" for i in range(120)]
    model = fit({"x": X, "y": y}, "y", hidden=(), epochs=30, learning_rate=0.1)
    assert "all of the test rows are predicted to be 'usual'" in said(model)
    alike = {"x": X[:20], "y": ["usual"] * 20}
    text = " ".join(model.evaluation(model.table(alike, with_target=True)).warnings)
    assert "predicted to be" not in text  # all of them are


def test_labels_and_several_numbers_are_judged_each() -> None:
    both = np.column_stack([X, 100.0 - X])
    model = (
        BackpassRegressor(preset="plain", hidden_layer_sizes=(4,), epochs=40, dropout=0.0).fit(X[:, None], both).model_
    )
    o = np.column_stack([np.zeros(120), model.outputs(model.table({"x0": X}))[:, 1]])
    found = constant_warnings(model.head, o, both)
    assert len([each for each in found if each.startswith("the prediction of 'y0' is ")]) == 1
    tags = np.column_stack([X > 5.0, X > 2.0]).astype(int)
    labels = BackpassClassifier(preset="plain", hidden_layer_sizes=(4,), epochs=2).fit(X[:, None], tags).model_
    found = constant_warnings(labels.head, np.tile([9.0, -9.0], (120, 1)), tags)
    assert sum("is 0." in each or "is 1 " in each or "e-" in each for each in found) >= 1
    assert "no better than always predicting the label frequencies on these rows: log loss " in found[-1]


def test_scores_that_are_not_finite_are_worse_than_any() -> None:
    model = fit(LINE, "y", hidden=(), epochs=2)
    found = constant_warnings(model.head, np.full((120, 1), np.nan), LINE["y"])
    assert any("no better than always predicting the mean" in each for each in found)


# How warnings travel


def by_fit() -> None:
    fit(BELOW, "y", **ZERO)


def by_estimator() -> None:
    BackpassRegressor(preset="plain", hidden_layer_sizes=(), output_activation="relu", epochs=1).fit(
        X[:, None], BELOW["y"]
    )


def by_evaluate() -> None:
    model = fit(LINE, "y", hidden=(), epochs=60, learning_rate=0.1)
    model.evaluate(BELOW)


@pytest.mark.parametrize("act", [by_fit, by_estimator, by_evaluate])
def test_python_warnings_point_at_the_line_that_called(act: Any) -> None:
    with pytest.warns(BackpassWarning, match="no better than always predicting the mean") as caught:
        act()
    assert {each.filename for each in caught} == {__file__}
    assert issubclass(BackpassWarning, UserWarning)
    assert backpass.BackpassWarning is BackpassWarning


def test_callbacks_hear_every_warning_once_and_the_file_keeps_them() -> None:
    class Heard(Callback):
        def __init__(self) -> None:
            self.texts: list[str] = []

        def on_warning(self, text: str) -> None:
            self.texts.append(text)

    heard = Heard()
    model = fit({"x": X, "y": X - 9.0}, "y", callbacks=[heard], hidden=(), output_activation="relu", epochs=1)
    assert tuple(heard.texts) == model.record.warnings
    assert len(set(heard.texts)) == len(heard.texts) >= 1
    again = from_bytes(model.to_bytes())
    assert again.record.warnings == model.record.warnings
    assert again.to_bytes() == model.to_bytes()
    plain = replace(model, record=replace(model.record, warnings=()))
    assert from_bytes(plain.to_bytes()).record.warnings == ()


def test_a_run_that_is_retry_note_is_a_python_warning_too() -> None:
    y = 1e3 * X
    with pytest.warns(BackpassWarning, match="training diverged in .*: retrying once with learning_rate"):
        fit({"x": X, "y": y * y}, "y", hidden=(8,) * 12, activation="selu", optimizer="sgd", epochs=30, dropout=0.0)


def test_a_score_that_rests_on_few_groups_is_said() -> None:
    def notes(groups: int, group: str | None = "id") -> list[str]:
        problem = SimpleNamespace(settings=SimpleNamespace(group=group))
        rows = SimpleNamespace(units=Units(np.repeat(np.arange(groups) + 5, 3), are_groups=True))
        return notes_on_scored_groups(problem, rows, "test")  # type: ignore[arg-type]

    assert notes(12) == [
        "the test score rests on 12 groups: its 95% interval does not allow for groups that differ much from these; "
        "cross-validation scores every group"
    ]
    assert notes(20) == notes(12, group=None) == []
