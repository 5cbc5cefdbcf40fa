"""scikit-learn's own tools around the estimators: pipelines, searches, calibration, routing, callbacks, pictures."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingRegressor, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

import backpass


def test_a_grid_search_in_two_processes_scores_as_in_one(case: Any) -> None:
    make, X, y = case
    grid = {"hidden_layer_sizes": [(4,), (8,)], "dropout": [0.0, 0.2]}
    serial = GridSearchCV(make(epochs=2), grid, cv=2).fit(X, y)
    parallel = GridSearchCV(make(epochs=2), grid, cv=2, n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(serial.cv_results_["mean_test_score"], parallel.cv_results_["mean_test_score"])
    assert serial.best_params_ == parallel.best_params_


def test_pipelines(case: Any, mixed: Any) -> None:
    make, X, y = case
    pipe = make_pipeline(StandardScaler(), make())
    Z = StandardScaler().fit_transform(X)
    np.testing.assert_array_equal(pipe.fit(X, y).predict(X), make().fit(Z, y).predict(Z))
    frame = mixed()
    columns = make_column_transformer(("passthrough", ["size", "rooms"]))
    assert make_pipeline(columns, make()).fit(frame, y).predict(frame).shape == (60,)


def test_learned_features_feed_other_models(classifier: Any, numbers: Any) -> None:
    """eq. (2.21): a linear model on the penultimate activations."""
    X, _, label = numbers(200)
    pipe = make_pipeline(classifier(epochs=20), RidgeClassifier()).fit(X, label)
    assert pipe.score(X, label) > 0.85
    fitted = pipe[0]
    np.testing.assert_array_equal(fitted.features(X), fitted.transform(X))
    np.testing.assert_array_equal(fitted.transform(X), fitted.model_.features({f"x{j}": X[:, j] for j in range(3)}))


def test_learned_features_of_an_ensemble_have_names(classifier: Any, numbers: Any) -> None:
    """Those of its networks, side by side."""
    X, _, label = numbers(200)
    fitted = classifier(ensemble_size=3).fit(X, label).set_output(transform="pandas")
    features = fitted.transform(X)
    assert list(features.columns) == [f"backpassclassifier{j}" for j in range(3 * 8)]
    np.testing.assert_array_equal(features.to_numpy(), fitted.features(X))


@pytest.mark.parametrize(("output", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_set_output(case: Any, mixed: Any, output: str, kind: Any) -> None:
    make, _, y = case
    fitted = make().set_output(transform=output).fit(mixed(), y)
    features = fitted.transform(mixed())
    assert isinstance(features, kind)
    name = type(fitted).__name__.lower()
    assert list(features.columns) == list(fitted.get_feature_names_out()) == [f"{name}{j}" for j in range(8)]
    assert isinstance(fitted.features(mixed()), np.ndarray)


def test_clone_copy_and_pickle(case: Any) -> None:
    make, X, y = case
    fitted = make(dropout=0.2).fit(X, y)
    assert clone(fitted).get_params() == fitted.get_params()
    assert not hasattr(clone(fitted), "model_")
    streaming = make().partial_fit(X, y, **({} if is_regressor(fitted) else {"classes": np.unique(y)}))
    for one in (fitted, streaming):
        for other in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
            np.testing.assert_array_equal(other.predict(X), one.predict(X))
            expected = copy.deepcopy(one).partial_fit(X, y).predict(X)
            np.testing.assert_array_equal(other.partial_fit(X, y).predict(X), expected)


def test_cross_validation(case: Any) -> None:
    make, X, y = case
    one, two = cross_val_predict(make(), X, y, cv=3), cross_val_predict(make(), X, y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(one, two)
    assert cross_val_score(make(), X, y, cv=3).shape == (3,)
    if is_classifier(make()):
        assert cross_val_predict(make(), X, y, cv=3, method="predict_proba").shape == (60, 3)


def test_calibration(classifier: Any, numbers: Any) -> None:
    X, _, label = numbers(120)
    P = CalibratedClassifierCV(classifier(), cv=2).fit(X, label).predict_proba(X)
    np.testing.assert_allclose(P.sum(axis=1), 1.0)


def test_ensembles_and_inspection(regressor: Any, classifier: Any, numbers: Any) -> None:
    X, y, label = numbers()
    assert BaggingRegressor(regressor(), n_estimators=2).fit(X, y).predict(X).shape == (60,)
    vote = VotingClassifier([("a", classifier()), ("b", GaussianNB())], voting="soft")
    assert vote.fit(X, label).score(X, label) > 0.5
    bent = TransformedTargetRegressor(regressor(), func=np.arcsinh, inverse_func=np.sinh)
    assert bent.fit(X, y).predict(X).shape == (60,)
    fitted = regressor(epochs=40).fit(X, y)
    importance = permutation_importance(fitted, X, y, random_state=0, n_repeats=2).importances_mean
    assert importance.argmax() == 1


@pytest.mark.parametrize("routing", [False, True])
def test_weights_through_a_search(case: Any, routing: bool) -> None:
    """The same weights reach fit with metadata routing on (asked for) and off (passed on)."""
    make, X, y = case
    weights = np.r_[np.zeros(6), np.ones(54)]
    with sklearn.config_context(enable_metadata_routing=routing):
        estimator = make()
        if routing:
            estimator = estimator.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        search = GridSearchCV(estimator, {"dropout": [0.0]}, cv=2).fit(X, y, sample_weight=weights)
        expected = make(dropout=0.0).fit(X[6:], y[6:])
    np.testing.assert_array_equal(search.best_estimator_.model_.theta, expected.model_.theta)


def test_validation_rows_through_a_pipeline(case: Any) -> None:
    make, X, y = case
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = make().set_fit_request(X_val=True, y_val=True)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), estimator)
        fitted = pipe.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])[-1]
    assert fitted.model_.record.rows["validation"] == 20


def test_scorers_by_name(case: Any) -> None:
    make, X, y = case
    names = ["neg_root_mean_squared_error", "r2"] if is_regressor(make()) else ["neg_log_loss", "accuracy"]
    assert np.isfinite(cross_validate(make(), X, y, cv=2, scoring=names)[f"test_{names[0]}"]).all()


# Callbacks ------------------------------------------------------------------------------------------------------------


def test_callbacks_of_scikit_learn_are_told_of_epochs_and_may_stop(case: Any) -> None:
    pytest.importorskip("sklearn.callback")

    class Recorder:
        def __init__(self) -> None:
            self.seen: list[Any] = []

        def setup(self, estimator: Any, context: Any) -> None:
            self.seen.append("setup")

        def teardown(self, estimator: Any, context: Any) -> None:
            self.seen.append("teardown")

        def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
            self.seen.append(("begin", context.task_name))

        def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any) -> bool:
            self.seen.append(("end", context.task_name, fitted_estimator.predict(X).shape))
            return context.task_name == "epoch" and context.task_id == 1

    make, X, y = case
    recorder = Recorder()
    fitted = make().set_callbacks(recorder).fit(X, y)
    epoch = [("begin", "epoch"), ("end", "epoch", (60,))]
    assert recorder.seen == ["setup", ("begin", "fit"), *epoch, *epoch, ("end", "fit", (60,)), "teardown"]
    assert fitted.n_iter_ == 2


def test_the_scoring_monitor_of_scikit_learn(regressor: Any, numbers: Any) -> None:
    callback = pytest.importorskip("sklearn.callback")
    X, y, _ = numbers()
    monitor = callback.ScoringMonitor(scoring="r2")
    regressor(epochs=4).set_callbacks(monitor).fit(X, y)


# Pictures -------------------------------------------------------------------------------------------------------------


def test_html_shows_the_network_and_its_loss(case: Any) -> None:
    make, X, y = case
    html = make().fit(X, y)._repr_html_()
    assert "training loss over 5 epochs" in html
    assert ">8 relu</text>" in html
    assert "training loss" not in make()._repr_html_()
    assert "BackpassRegressor" in html or "BackpassClassifier" in html
    assert estimator_html_repr(make_pipeline(StandardScaler(), make().fit(X, y)))


@pytest.mark.parametrize(
    "parameters", [{"hidden_layer_sizes": (64,) * 6}, {"preset": "default", "hidden_layer_sizes": (32, 32)}], ids=str
)
def test_the_picture_is_small_and_needs_no_matplotlib(parameters: Any, regressor: Any, monkeypatch: Any) -> None:
    """Wide and deep networks, ensembles, several targets, names that look like tags."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"<script>{j}": rng.normal(size=80) for j in range(30)})
    y = pd.DataFrame({"<b>one": X.iloc[:, 0], "two": X.iloc[:, 1]})
    fitted = regressor(epochs=2, **parameters).fit(X, y)
    picture = fitted._repr_html_().partition('<div style="display:flex')[2]
    assert picture.count("<svg") == 2
    assert len(picture.encode()) < 20_000
    assert "<script>" not in picture
    assert ("the first of 4 networks" in picture) == (parameters.get("preset") == "default")


def test_repr_is_short(case: Any) -> None:
    make, *_ = case
    assert repr(make()).startswith(
        ("BackpassRegressor(epochs=5, hidden_layer_sizes=(8,)", "BackpassClassifier(epochs=5,")
    )


# Imports --------------------------------------------------------------------------------------------------------------


def run(program: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout + done.stderr


def test_neither_the_library_nor_the_command_line_imports_scikit_learn() -> None:
    program = """
import sys, backpass
from backpass.cli import main
main(["--help"]); main(["fit", "--help"])
model = backpass.fit({"a": list(range(12)), "t": list(range(12))}, "t", hidden=(2,), epochs=1)
print("loaded:", "sklearn" in sys.modules, "backpass.estimators" in sys.modules)
"""
    assert "loaded: False False" in run(program)


def test_without_scikit_learn_there_is_a_hint() -> None:
    program = "import sys; sys.modules['sklearn'] = None; from backpass import BackpassRegressor"
    found = run(program)
    assert "ModuleNotFoundError: BackpassRegressor and BackpassClassifier need scikit-learn" in found
    assert "hint: pip install 'backpass[sklearn]'" in found


def test_an_older_scikit_learn_without_callbacks_will_do() -> None:
    program = """
import sys, sklearn.base, sklearn.metrics
sys.modules["sklearn.callback"] = None
from backpass import BackpassRegressor
assert not hasattr(BackpassRegressor, "set_callbacks")
print(BackpassRegressor((2,), preset="plain", epochs=1).fit([[0.0], [1.0]], [0.0, 1.0]).n_iter_, "epoch")
"""
    assert run(program, "-W", "ignore").strip() == "1 epoch"


# Python warns of every fork beside threads, from 3.12 on. That it does no harm here is what is tested.
FORKING = ("-W", "ignore:This process:DeprecationWarning")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_after_predicting_predicts_the_same_bits() -> None:
    program = """
import os, numpy as np
from backpass import BackpassRegressor
X = np.arange(20.0)[:, None]
model = BackpassRegressor((4,), preset="plain", epochs=2).fit(X, X[:, 0])
before = model.predict(X)
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(model.predict(X), before) else 1)
print("child", os.waitpid(child, 0)[1])
"""
    assert run(program, *FORKING).splitlines()[0] == "child 0"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_while_others_predict_does_not_hang() -> None:
    program = """
import os, threading, numpy as np
from backpass import BackpassRegressor
X = np.random.default_rng(0).normal(size=(3000, 3))
model = BackpassRegressor((64, 64), preset="plain", epochs=1).fit(X[:200], X[:200, 0])
expected, busy = model.predict(X), True

def work():
    while busy:
        model.predict(X)

threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
codes = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(model.predict(X), expected) else 1)
    codes.append(os.waitpid(child, 0)[1])
busy = False
for thread in threads:
    thread.join()
print("children", set(codes))
"""
    assert run(program, "-W", "ignore", *FORKING).strip() == "children {0}"


def test_several_targets_in_searches_and_validation(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    both = pd.DataFrame({"first": y, "second": 50.0 * X[:, 2]})
    one, two = (cross_val_predict(regressor(), X, both, cv=3, n_jobs=jobs) for jobs in (1, 2))
    assert one.shape == (60, 2)
    np.testing.assert_array_equal(one, two)
    search = GridSearchCV(regressor(), {"dropout": [0.0, 0.2]}, cv=2, n_jobs=2).fit(X, both)
    assert np.isfinite(search.best_score_)
    scaled = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, both)
    assert scaled.predict(X).shape == (60, 2)
    assert clone(search.best_estimator_).fit(X, both).predict(X).shape == (60, 2)


def test_public_names_are_those_of_the_room() -> None:
    from backpass import estimators

    assert backpass.BackpassRegressor is estimators.BackpassRegressor
    assert backpass.BackpassClassifier is estimators.BackpassClassifier
