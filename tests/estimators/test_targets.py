"""Targets and losses: several targets, several quantiles, every loss by name, and a loss that somebody wrote."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import d2_pinball_score, r2_score

import backpass
from backpass.circuit import operations
from backpass.cli import main
from backpass.errors import ShapeError, UsageError

LONG: dict[str, Any] = {"epochs": 120, "dropout": 0.0, "learning_rate": 0.03, "validation_fraction": 0.0}


def absolute_error(o: Any, y: Any) -> Any:
    return operations.absolute(o - y)


def squared_error(o: Any, y: Any) -> Any:
    return (o - y) ** 2 * 0.5


def squared_errors(o: Any, y: Any) -> Any:
    return ((o - y) ** 2).sum(axis=1)


def logistic(o: Any, y: Any) -> Any:
    return operations.softplus(o) - y.astype(o.dtype) * o


def one_against_all(o: Any, y: Any) -> Any:
    hot = operations.one_hot(y, 3, o.dtype)
    return (operations.softplus(o) - hot * o).sum(axis=1)


def test_several_targets_of_different_scales(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(200)
    both = np.column_stack([y, 1e6 + 1e4 * X[:, 2]])
    fitted = regressor(**LONG).fit(X, both)
    assert fitted.predict(X).shape == (200, 2)
    assert fitted.n_outputs_ == 2
    assert min(r2_score(both, fitted.predict(X), multioutput="raw_values")) > 0.9
    assert fitted.score(X, both) > 0.9
    with pytest.raises(ValueError, match=r"y must have shape \('n', 2\) as before; got \(200,\)"):
        regressor(warm_start=True).fit(X, both).fit(X, y)


def test_a_column_of_targets_gives_a_column_of_predictions(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    flat, column = regressor().fit(X, y), regressor().fit(X, y[:, None])
    assert column.predict(X).shape == (60, 1)
    np.testing.assert_array_equal(column.predict(X)[:, 0], flat.predict(X))


def test_several_quantiles_at_once(regressor: Any) -> None:
    rng = np.random.default_rng(0)
    X, q = rng.uniform(size=(600, 1)), (0.1, 0.5, 0.9)
    y = 10.0 + X[:, 0] + rng.normal(size=600)
    fitted = regressor(**LONG, loss="quantile", quantile=q).fit(X, y)
    predicted = fitted.predict(X)
    assert predicted.shape == (600, 3)
    np.testing.assert_allclose((y[:, None] <= predicted).mean(axis=0), q, atol=0.06)
    each = [d2_pinball_score(y, predicted[:, j], alpha=q[j]) for j in range(3)]
    assert fitted.score(X, y) == pytest.approx(np.mean(each))
    np.testing.assert_array_equal(
        regressor(**LONG, loss="quantile", quantile=np.array(q)).fit(X, y).predict(X), predicted
    )
    with pytest.raises(ValueError, match="several quantiles at once need a single target"):
        regressor(loss="quantile", quantile=q).fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match=r"quantile contains 0\.5 twice"):
        regressor(loss="quantile", quantile=(0.5, 0.1, 0.5)).fit(X, y)
    with pytest.raises(ValueError, match=r"quantile must be a number greater than 0 and less than 1; got 1.5"):
        regressor(loss="quantile", quantile=(0.5, 1.5)).fit(X, y)


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "quantile", "poisson"])
def test_every_loss_by_name(loss: str, regressor: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(300, 2))
    y = rng.poisson(np.exp(1.0 + X[:, 0])).astype(float)
    fitted = regressor(**LONG, loss=loss).fit(X, y)
    assert fitted.score(X, y) > 0.2
    assert fitted.model_.head.loss_name == loss
    two = regressor(**LONG, loss=loss).fit(X, np.column_stack([y, y + 1.0]))
    assert two.score(X, np.column_stack([y, y + 1.0])) > 0.2


def test_negative_counts_are_refused(regressor: Any) -> None:
    with pytest.raises(ValueError, match="the poisson loss needs counts of at least 0; got -1"):
        regressor(loss="poisson").fit([[0.0], [1.0]], [2.0, -1.0])


def test_a_written_loss_is_asked_in_units_of_y(regressor: Any, numbers: Any) -> None:
    """The squared loss written out gives the network that the named one gives, whatever the unit: Adam has none."""
    X, y, _ = numbers(100)
    big = 5e3 + 1e3 * y
    options = {**LONG, "epochs": 30, "precision": "float64"}
    named = regressor(**options).fit(X, big)
    written = regressor(**options, loss=squared_error).fit(X, big)
    np.testing.assert_allclose(written.predict(X), named.predict(X), rtol=1e-3)
    assert written.loss_curve_[-1] == pytest.approx(
        named.loss_curve_[-1] * written.model_.head.scales[0].scale ** 2, rel=0.01
    )


def test_a_written_loss_chooses_the_epoch(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(100)
    fitted = regressor(loss=absolute_error, epochs=10).fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    expected = np.abs(fitted.predict(X[60:]) - y[60:]).mean()
    assert fitted.model_.record.scores["validation"]["loss"] == pytest.approx(expected, rel=1e-5)
    assert min(epoch["score"] for epoch in fitted.history_) == pytest.approx(expected, rel=1e-5)


def test_a_written_loss_of_several_targets(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(100)
    both = np.column_stack([y, 3.0 * X[:, 2]])
    assert regressor(**LONG, loss=squared_errors).fit(X, both).score(X, both) > 0.9


def test_a_written_loss_for_classes(classifier: Any, numbers: Any) -> None:
    X, y, label = numbers(200)
    assert classifier(**LONG, loss=logistic).fit(X, y > 0).score(X, y > 0) > 0.9
    assert classifier(**LONG, loss=one_against_all).fit(X, label).score(X, label) > 0.85


def columns_of(X: Any) -> dict[str, Any]:
    return {f"x{j}": X[:, j] for j in range(X.shape[1])}


SEVERAL: dict[str, dict[str, Any]] = {
    "targets": {},
    "an ensemble": {"ensemble_size": 2},
    "quantiles": {"loss": "quantile", "quantile": (0.1, 0.5, 0.9)},
    "a preset": {"preset": "default", "learning_rate": None},
    "a written loss": {"loss": squared_errors},
}


@pytest.mark.parametrize("sort", SEVERAL)
def test_models_of_several_outputs_are_saved(sort: str, regressor: Any, numbers: Any, tmp_path: Path) -> None:
    X, y, _ = numbers()
    target = y if sort == "quantiles" else pd.DataFrame({"price": y, "rent": 100.0 * X[:, 2]})
    fitted = regressor(**SEVERAL[sort]).fit(X, target)
    fitted.model_.save(tmp_path / "m.backpass")
    model = backpass.load(tmp_path / "m.backpass")
    assert model.to_bytes() == fitted.model_.to_bytes()
    np.testing.assert_array_equal(model.predict(columns_of(X)), fitted.predict(X))
    if sort == "quantiles":
        assert model.labels == ("y q=0.1", "y q=0.5", "y q=0.9")
        known = {"y": y}
    else:
        assert model.labels == ("price", "rent")
        known = {"price": y, "rent": 100.0 * X[:, 2]}
    truths = [known[each.target.name] for each in model.head.targets]
    errors = [np.abs(predicted - truth).mean() for predicted, truth in zip(fitted.predict(X).T, truths, strict=True)]
    assert model.evaluate({**columns_of(X), **known})["mae"] == pytest.approx(np.mean(errors))


def test_targets_without_names_are_numbered(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    frame = pd.DataFrame({"y0": X[:, 0], "b": X[:, 1]})
    assert regressor().fit(frame, np.column_stack([y, y])).model_.labels == ("y0_", "y1_")
    assert regressor().fit(X, y[:, None]).model_.labels == ("y",)
    assert regressor().fit(X, pd.DataFrame({0: y, 1: y})).model_.labels == ("y0", "y1")


def test_a_model_of_a_written_loss_is_saved(regressor: Any, numbers: Any, tmp_path: Path) -> None:
    """Of the function it keeps one word; whoever goes on training gives the function again."""
    X, y, _ = numbers()
    fitted = regressor(loss=absolute_error, warm_start=True).fit(X, y)
    fitted.model_.save(tmp_path / "m.backpass")
    data = (tmp_path / "m.backpass").read_bytes()
    assert b"absolute_error" not in data.replace(b"median_absolute_error", b"")
    assert b"custom" in data
    model = backpass.load(tmp_path / "m.backpass")
    np.testing.assert_array_equal(model.predict(columns_of(X)), fitted.predict(X))
    loaded = clone(fitted)
    loaded.fit(X, y).model_ = model
    np.testing.assert_array_equal(loaded.fit(X, y).predict(X), fitted.fit(X, y).predict(X))
    assert fitted.model_.record.scores["validation"]["loss"] > 0
    with pytest.raises(UsageError, match="the loss of this model is a function, which its file does not store"):
        model.head.loss.per_example(np.zeros((1, 1)), np.zeros((1, 1)))


def test_a_function_may_be_changed_between_runs(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    options = {"warm_start": True, "validation_fraction": 0.0}
    warm = regressor(**options, loss=absolute_error).fit(X, y)
    assert warm.model_.head.loss_title == "custom"
    warm.set_params(loss=lambda o, y: 100.0 * squared_error(o, y)).fit(X, y)
    assert warm.loss_curve_[-1] > 10.0
    assert warm.set_params(loss="squared").fit(X, y).model_.head.loss_title == "squared"
    assert warm.loss_curve_[-1] < 10.0


def test_estimators_of_any_loss_are_pickled(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    for loss in (squared_error, "squared"):
        fitted = regressor(loss=loss).fit(X, y)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))


def test_a_loss_that_forgets_the_rows_is_told(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    with pytest.raises(ShapeError, match=r"the loss returned shape \[\]; expected one number per example"):
        regressor(loss=lambda o, y: ((o - y) ** 2).sum()).fit(X, y)


def test_labels_may_be_smoothed(classifier: Any, numbers: Any) -> None:
    X, _, label = numbers()
    P = [classifier(**LONG, label_smoothing=s).fit(X, label).predict_proba(X).max(axis=1).mean() for s in (0.0, 0.3)]
    assert P[1] < 0.85 < P[0]


def test_intervals_around_numbers(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(200)
    fitted = regressor(epochs=20).fit(X[:150], y[:150])
    low, high = fitted.predict_interval(X, 0.8).T
    np.testing.assert_allclose(0.5 * (low + high), fitted.predict(X))
    assert 0.5 < np.mean((low <= y) & (y <= high)) <= 1.0
    narrow = fitted.predict_interval(X, 0.5)
    assert (narrow[:, 1] - narrow[:, 0] < high - low).all()


def test_quantiles_are_the_ends_of_intervals(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(200)
    fitted = regressor(epochs=20).fit(X, y)
    low, middle, high = fitted.predict_quantiles(X).T
    np.testing.assert_array_equal(np.column_stack([low, high]), fitted.predict_interval(X))
    np.testing.assert_array_equal(middle, fitted.predict(X))
    assert fitted.predict_quantiles(X, [0.8, 0.3]).shape == (200, 2)
    assert (np.diff(fitted.predict_quantiles(X, [0.8, 0.3])) > 0).all(), "ascending, however they are asked for"


@pytest.mark.parametrize("ensemble_size", [1, 3])
def test_intervals_and_quantiles_are_those_of_the_command_line(
    regressor: Any, numbers: Any, ensemble_size: int, tmp_path: Path
) -> None:
    """One network's validation rows, or the rows of all folds, each by the network that left it out."""
    X, y, _ = numbers(200)
    fitted = regressor(epochs=5, ensemble_size=ensemble_size).fit(X, y)
    fitted.model_.save(tmp_path / "m.backpass")
    frame = pd.DataFrame({f"x{j}": X[:, j] for j in range(X.shape[1])})
    frame.to_csv(tmp_path / "X.csv", index=False)
    options = ["--interval", "0.8", "--quantiles", "0.1,0.5,0.7", "-o", str(tmp_path / "out.csv"), "-q"]
    assert main(["predict", str(tmp_path / "m.backpass"), str(tmp_path / "X.csv"), *options]) == 0
    said = pd.read_csv(tmp_path / "out.csv", dtype=str).astype(float)
    np.testing.assert_array_equal(said[["low(y)", "high(y)"]], fitted.predict_interval(X, 0.8))
    np.testing.assert_array_equal(said[["q0.1(y)", "q0.5(y)", "q0.7(y)"]], fitted.predict_quantiles(X, [0.7, 0.1, 0.5]))


def test_where_there_are_no_intervals_and_quantiles(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(60)
    with pytest.raises(NotFittedError):
        regressor().predict_quantiles(X)
    none, median = regressor(validation_fraction=0.0).fit(X, y), regressor(loss="quantile", quantile=0.5).fit(X, y)
    several = regressor(loss="quantile", quantile=(0.1, 0.5)).fit(X, y)
    with pytest.raises(ValueError, match="the model has no residuals for quantiles"):
        none.predict_quantiles(X)
    with pytest.raises(ValueError, match="the outputs of this model are quantiles of 'y'; they have no intervals"):
        several.predict_interval(X)
    with pytest.raises(ValueError, match="the model has no residuals for intervals"):
        none.predict_interval(X)
    with pytest.raises(ValueError, match="the outputs of this model are quantiles already"):
        median.predict_quantiles(X)
    with pytest.raises(ValueError, match="these quantiles cannot be predicted") as caught:
        regressor().fit(X, y).predict_quantiles(X, [0.5, 1.5, 0.0001])
    assert len(caught.value.details) == 2
