"""Fitting: parameters, seeds, validation rows, early stopping, warm start, and what is learned."""

from __future__ import annotations

import inspect
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_regressor

import backpass
from backpass import BackpassClassifier, BackpassRegressor
from backpass.engine import ENGINES
from backpass.errors import DataError, DivergedError, UsageError
from backpass.estimators.parameters import FOLLOWING, OWN
from backpass.model.metrics.metric import METRICS
from backpass.model.metrics.scoring import MAIN_METRICS
from backpass.model.settings.declarations import BY_NAME
from backpass.model.settings.presets import PRESETS
from backpass.training import Callback, EpochRecord, Progress


@pytest.mark.parametrize("kind", [BackpassRegressor, BackpassClassifier])
def test_defaults_are_those_of_the_settings_or_left_to_the_preset(kind: Any) -> None:
    ours = {"hidden": "hidden_layer_sizes", "seed": "random_state"}
    parameters = kind().get_params()
    different = {"loss", "preset"}  # named, where the settings leave it to what else is known
    for name, setting in BY_NAME.items():
        if (theirs := ours.get(name, name)) in parameters and name not in different:
            assert parameters[theirs] == (None if name in FOLLOWING else setting.default), name
    for preset in PRESETS.values():
        assert {*preset.defaults("regression", None), *preset.defaults("binary", "error")} <= FOLLOWING


@pytest.mark.parametrize("kind", [BackpassRegressor, BackpassClassifier])
def test_every_setting_is_a_parameter_or_has_a_reason_not_to_be(kind: Any) -> None:
    ours = {"hidden": "hidden_layer_sizes", "seed": "random_state"}
    absent = {name for name in BY_NAME if ours.get(name, name) not in kind().get_params()}
    # The class sets the task, the caller holds test rows and fits again on all of them, ``fit`` takes groups and times,
    # and an estimator is one process, for which there is no need to cut batches.
    reasons = {"task", "test_fraction", "refit", "group", "time", "shards"}
    of_numbers = {"quantile", "huber_delta", "output_activation", "clip_predictions", "target_transform"}
    of_classes = {"label_smoothing", "calibration", "positive", "threshold", "cost", "class_weight"}
    known = reasons | (of_classes if kind is BackpassRegressor else of_numbers)
    wrong = sorted(absent ^ known)
    assert not wrong, f"a setting is a parameter of the estimators, or stands here with its reason: {wrong}"


@pytest.mark.parametrize("kind", [BackpassRegressor, BackpassClassifier])
def test_values_that_no_setting_has_are_named_before_anything_is_fitted(kind: Any) -> None:
    ours = {"hidden": "hidden_layer_sizes", "seed": "random_state"}
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20.0) if kind is BackpassRegressor else ["a", "b"] * 10
    accepted = {("random_state", True), ("huber_delta", True)}  # numbers to scikit-learn
    for name, setting in BY_NAME.items():
        if (theirs := ours.get(name, name)) not in kind().get_params():
            continue
        for value in [*setting.constraint.breaking(), object(), b"x"]:
            if not any(theirs == other and value is each for other, each in accepted):
                with pytest.raises(ValueError, match=theirs):
                    kind(**{"epochs": 1, "hidden_layer_sizes": (), theirs: value}).fit(X, y)


VALUES: dict[str, Any] = {
    "an object": object(),
    "bytes": b"x",
    "a complex number": 1j,
    "a name": "no such name",
    "an empty string": "",
    "a negative number": -1,
    "a fraction": 0.5,
    "NaN": math.nan,
    "infinity": math.inf,
    "beyond 64 bits": 2**80,
    "True": True,
    "a list of objects": [object()],
    "a list of strings": ["a"],
    "a list of None": [None],
    "nested lists": [[1], [2]],
    "a dict of objects": {"a": object()},
    "a dict of numbers": {1: "a"},
    "a set": {1},
    "a class": int,
    "a function without arguments": lambda: 0,
    "a matrix": np.array([[1.0, 2.0]]),
    "a generator": np.random.default_rng(0),
    "an old generator": np.random.RandomState(0),
}
FITTED = {  # values of the parameters that are no settings, or accept other values than theirs
    "quantile": {"a fraction"},
    "warm_start": {"True"},
    "random_state": {"True", "an old generator"},  # numbers to scikit-learn
}


@pytest.mark.parametrize("kind", [BackpassRegressor, BackpassClassifier])
@pytest.mark.parametrize("name", OWN)
def test_values_of_another_type_are_named_for_parameters_that_are_no_settings(kind: Any, name: str) -> None:
    if name not in kind().get_params():
        pytest.skip("a parameter of the other estimator")
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20.0) if kind is BackpassRegressor else ["a", "b"] * 10
    for what, value in VALUES.items():
        model = kind(**{"epochs": 1, "hidden_layer_sizes": (), "preset": "plain", name: value})
        if what in FITTED.get(name, ()):
            model.fit(X, y)
        else:
            with pytest.raises((ValueError, TypeError), match=name):
                model.fit(X, y)


@pytest.mark.parametrize("kind", [BackpassRegressor, BackpassClassifier])
def test_the_description_names_every_loss_and_metric(kind: Any) -> None:
    task = "regression" if kind is BackpassRegressor else "classification"
    metrics = [metric.name for metric in METRICS.values() if metric.task == task and metric.chooses]
    losses = [loss for loss, (main, *_) in MAIN_METRICS.items() if main in metrics]
    assert [name for name in (*losses, *metrics) if f'"{name}"' not in inspect.getdoc(kind)] == []


def test_the_same_as_the_library_makes_of_the_same_rows(regressor: Any, numbers: Any) -> None:
    """No second training loop and no second preprocessing: a table of distinct rows gives the same weights."""
    X, y, _ = numbers(40)
    estimator = regressor(validation_fraction=0.0).fit(X, y)
    rows = backpass.model.Rows(backpass.table.table_from({f"x{j}": X[:, j] for j in range(3)}), y).distinct()
    columns = {name: column.values for name, column in rows.table.columns.items()}
    model = backpass.fit(
        {**columns, "y": rows.truth},
        "y",
        hidden=(8,),
        epochs=5,
        learning_rate=0.05,
        validation_fraction=0.0,
        test_fraction=0.0,
    )
    np.testing.assert_array_equal(estimator.model_.theta, model.theta)


def test_runs_repeat_and_random_state_matters(case: Any) -> None:
    make, X, y = case
    theta = [make(random_state=seed).fit(X, y).model_.theta for seed in (0, 0, 1)]
    np.testing.assert_array_equal(theta[0], theta[1])
    assert (theta[0] != theta[2]).any()


def test_generators_and_none_are_seeds_too(case: Any) -> None:
    make, X, y = case
    one, two = (make(random_state=np.random.RandomState(5)).fit(X, y).model_.theta for _ in range(2))
    np.testing.assert_array_equal(one, two)
    np.random.seed(3)
    drawn = [make(random_state=None).fit(X, y).model_.theta for _ in range(2)]
    assert (drawn[0] != drawn[1]).any()


def test_rows_may_come_in_any_order(case: Any) -> None:
    make, X, y = case
    order = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_array_equal(make().fit(X, y).model_.theta, make().fit(X[order], y[order]).model_.theta)


def test_faults_of_parameters_are_value_errors_that_name_them(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(10)
    with pytest.raises(ValueError, match="'dropout' parameter of BackpassRegressor must be a float in the range"):
        regressor(dropout=1.0).fit(X, y)
    with pytest.raises(ValueError, match="'activation' parameter of BackpassRegressor must be a str among"):
        regressor(activation="rleu").fit(X, y)
    with pytest.raises(
        UsageError, match=r"precision 'bf16' needs the native engine .*; engine is 'numpy': use float32"
    ):
        regressor(precision="bf16", engine="numpy").fit(X, y)
    with pytest.raises(ValueError, match="'activation' parameter of BackpassRegressor must be a str among"):
        regressor(activation=3).fit(X, y)
    with pytest.raises(UsageError, match="hidden_layer_sizes must be"):
        regressor(hidden_layer_sizes=(4, 0)).fit(X, y)
    with pytest.raises(ValueError, match="'metric' parameter of BackpassRegressor must be a str among"):
        regressor(metric="rsme").fit(X, y)
    with pytest.raises(UsageError, match="metric 'accuracy' does not work with target 'y', which holds numbers"):
        regressor(metric="accuracy").fit(X, y)


def test_sizes_may_be_a_number_or_an_array(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(20)
    for sizes in (4, (4,), [4], np.array([4]), np.int64(4)):
        assert regressor(hidden_layer_sizes=sizes).fit(X, y).model_.network.widths == (4, 1)


def test_fitted_attributes(case: Any) -> None:
    make, X, y = case
    fitted = make(epochs=7).fit(X, y)
    assert fitted.n_iter_ == len(fitted.history_) == len(fitted.loss_curve_) == 7
    assert fitted.history_[0].keys() == {"epoch", "step", "learning_rate", "train_loss", "score"}
    assert fitted.n_features_in_ == 3
    assert not hasattr(fitted, "feature_names_in_")
    assert isinstance(fitted.model_, backpass.Model)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_history_is_a_frame_where_x_is_one(library: str, regressor: Any, numbers: Any) -> None:
    frames = pytest.importorskip(library)
    X, y, _ = numbers()
    columns = {f"x{j}": column for j, column in enumerate(X.T)}
    fitted = regressor().fit(frames.DataFrame(columns), y)
    history = fitted.history_
    assert isinstance(history, frames.DataFrame)
    assert list(history.columns) == ["epoch", "step", "learning_rate", "train_loss", "score"]
    assert [str(kind).lower() for kind in history.dtypes] == ["int64"] * 2 + ["float64"] * 3
    assert list(history["train_loss"]) == fitted.loss_curve_
    plain = regressor().fit(X, y).history_
    assert [dict(zip(history.columns, row, strict=True)) for row in history.to_numpy().tolist()] == plain
    bare = regressor(validation_fraction=0.0).fit(frames.DataFrame(columns), y).history_["score"]
    assert str(bare.dtype).lower() == "float64"
    assert not (bare > 0).any()


def test_the_best_epoch_is_kept_by_the_metric_that_is_named(classifier: Any, numbers: Any) -> None:
    X, _, label = numbers(200)
    for metric, reported in (("log_loss", "log_loss"), ("accuracy", "error")):
        fitted = classifier(epochs=30, metric=metric, learning_rate=0.2).fit(
            X[:100], label[:100], X_val=X[100:], y_val=label[100:]
        )
        scores = [epoch["score"] for epoch in fitted.history_]
        assert scores[fitted.best_epoch_ - 1] == min(scores)
        found = fitted.model_.record.scores["validation"]
        assert found[reported] == pytest.approx(min(scores))
    assert fitted.score(X[100:], label[100:]) == pytest.approx(found["accuracy"])


def test_patience_ends_a_run(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(100)
    fitted = regressor(epochs=500, patience=4, learning_rate=0.3).fit(X, y)
    assert fitted.n_iter_ == fitted.best_epoch_ + 4 < 500
    assert fitted.model_.record.reason == "patience"


def test_given_validation_rows_take_the_place_of_those_set_aside(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(60)
    fitted = regressor().fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert dict(fitted.model_.record.rows) == {"train": 40, "validation": 20}
    assert dict(regressor().fit(X, y).model_.record.rows) == {"train": 50, "validation": 10}
    assert dict(regressor(validation_fraction=0.0).fit(X, y).model_.record.rows) == {"train": 60}
    with pytest.raises(ValueError, match="validation rows need both X_val and y_val"):
        regressor().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="validation rows need both"):
        regressor().fit(X, y, sample_weight_val=np.ones(60))


def test_warm_start_goes_on_from_where_the_last_fit_ended(case: Any) -> None:
    make, X, y = case
    options = {"validation_fraction": 0.0, "dropout": 0.0}
    cold = make(**options).fit(X, y)
    warm = clone(cold).set_params(warm_start=True).fit(X, y)
    np.testing.assert_array_equal(cold.model_.theta, warm.model_.theta)
    first = warm.loss_curve_[-1]
    warm.fit(X, y)
    assert warm.loss_curve_[0] < cold.loss_curve_[0]
    assert warm.loss_curve_[-1] < first
    with pytest.raises(ValueError, match="warm_start continues the fitted network"):
        warm.set_params(hidden_layer_sizes=(3,)).fit(X, y)


def test_warm_start_keeps_the_classes(classifier: Any, numbers: Any) -> None:
    X, _, label = numbers()
    warm = classifier(warm_start=True).fit(X, label)
    with pytest.raises(DataError, match=r"classes that are not known: \['z'\]; the classes are \['a', 'b', 'c'\]"):
        warm.fit(X, ["z", *label[1:]])


def test_one_class_is_refused_with_its_name(classifier: Any) -> None:
    with pytest.raises(ValueError, match="y has only one class, 'a', among the rows whose weight is not 0"):
        classifier().fit([[1.0], [2.0]], ["a", "a"])


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_very_few_rows(rows: int, regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(rows)
    assert np.isfinite(regressor().fit(X, y).predict(X)).all()


def test_a_constant_target_is_predicted(regressor: Any, numbers: Any) -> None:
    X, _, _ = numbers(30)
    np.testing.assert_allclose(regressor().fit(X, np.full(30, 7.5)).predict(X), 7.5, rtol=1e-12)


def test_constant_columns_alone_are_no_fault(case: Any) -> None:
    make, _, y = case
    assert len(make().fit(np.ones((60, 2)), y).predict(np.ones((3, 2)))) == 3


def test_labels_come_back_as_they_were(classifier: Any, numbers: Any) -> None:
    X, y, label = numbers()
    for labels in (label, y > 0, np.digitize(y, [-1.0, 1.0]) * 10 - 3, label.astype(object), (y > 0).astype(float)):
        fitted = classifier(epochs=60).fit(X, labels)
        np.testing.assert_array_equal(fitted.classes_, np.unique(labels))
        assert fitted.classes_.dtype == fitted.predict(X).dtype == np.unique(labels).dtype
        assert fitted.score(X, labels) > 0.8


def test_probabilities_are_in_the_order_of_classes(classifier: Any, numbers: Any) -> None:
    X, _, label = numbers()
    fitted = classifier(epochs=60).fit(X, label)
    P = fitted.predict_proba(X)
    np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(fitted.classes_[P.argmax(axis=1)], fitted.predict(X))


def test_divergence_is_told(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    with pytest.raises(DivergedError, match="training diverged in epoch 1"):
        regressor(learning_rate=1e30, optimizer="sgd", validation_fraction=0.0).fit(X, y)


class Watcher(Callback):
    def __init__(self, last: int | None = None) -> None:
        self.last = last
        self.epochs: list[int] = []

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        self.epochs.append(record.epoch)
        return record.epoch == self.last


def test_our_callbacks_watch_and_stop(case: Any) -> None:
    make, X, y = case
    watcher = Watcher(3)
    assert make(callbacks=[watcher]).fit(X, y).n_iter_ == 3
    assert watcher.epochs == [1, 2, 3]


def test_an_interrupt_reaches_whoever_called(regressor: Any, numbers: Any) -> None:
    """As KeyboardInterrupt: a search would take any other exception for a candidate that failed."""
    import signal

    class Interrupter(Callback):
        def on_step(self, step: int) -> None:
            if step >= 2:
                signal.raise_signal(signal.SIGINT)

    X, y, _ = numbers()
    with pytest.raises(KeyboardInterrupt, match=r"interrupted after \d+ steps"):
        regressor(callbacks=[Interrupter()], epochs=10_000).fit(X, y)


@pytest.mark.parametrize("settings", [{}, {"ensemble_size": 2}, {"preset": "default", "learning_rate": None}], ids=str)
def test_single_rows_are_predicted_as_among_others(case: Any, settings: dict[str, Any]) -> None:
    """Bit for bit on the native engine; to 1e-6 with NumPy's."""
    make, X, y = case
    fitted = make(**settings).fit(X, y)
    predict = fitted.predict if is_regressor(make()) else fitted.predict_proba
    alone = np.concatenate([predict(X[i : i + 1]) for i in range(len(X))])
    parts = np.concatenate([predict(X[:1]), predict(X[1:33]), predict(X[33:])])
    for found in (alone, parts):
        if "native" in ENGINES:
            np.testing.assert_array_equal(found, predict(X))
        np.testing.assert_allclose(found, predict(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", ["predict", "transform"])
def test_threads_predict_the_same_bits(case: Any, method: str) -> None:
    """Eight at a time, few rows and many; those of many rows share the engine's own threads."""
    make, X, y = case
    fitted = make().fit(X, y)
    many = np.tile(X, (50, 1)) + np.arange(len(X) * 50)[:, None] * 1e-3
    ask = getattr(fitted, method)
    expected, wrong = {len(rows): ask(rows) for rows in (X, many)}, list[int]()

    def work() -> None:
        for _ in range(20):
            wrong.extend(1 for rows in (X, many, X, X) if not np.array_equal(ask(rows), expected[len(rows)]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_two_threads_fit_two_models_as_one_would(case: Any) -> None:
    make, X, y = case
    expected = [make(random_state=seed).fit(X, y).model_.theta for seed in range(2)]
    fitted: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda seed=seed: fitted.update({seed: make(random_state=seed).fit(X, y)}))
        for seed in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(2):
        np.testing.assert_array_equal(fitted[seed].model_.theta, expected[seed])


def test_the_model_inside_is_saved_and_predicts_the_same_bits(case: Any, tmp_path: Path) -> None:
    make, X, y = case
    fitted = make().fit(X, y)
    fitted.model_.save(tmp_path / "m.backpass")
    loaded = backpass.load(tmp_path / "m.backpass")
    columns = {f"x{j}": X[:, j] for j in range(3)}
    if is_regressor(make()):
        np.testing.assert_array_equal(loaded.predict(columns), fitted.predict(X))
    else:
        np.testing.assert_array_equal(loaded.predict_proba(columns), fitted.predict_proba(X))
        np.testing.assert_array_equal(loaded.predict(columns), fitted.predict(X))


def test_signatures_are_what_scikit_learn_users_expect() -> None:
    for kind in (BackpassRegressor, BackpassClassifier):
        assert list(inspect.signature(kind.fit).parameters)[1:] == [
            "X", "y", "sample_weight", "groups", "time", "X_val", "y_val", "sample_weight_val",
            "teacher",
        ]  # fmt: skip
