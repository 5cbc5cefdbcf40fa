"""scikit-learn's own tests of its networks, run on these estimators through an adapter (``make test-peers``).

The test module ships with scikit-learn. Its two classes are replaced by functions that take its parameters and make
ours; its tests run unchanged. A test that states how MLPClassifier works inside, and not what an estimator promises, is
listed with the reason; it is expected to fail, and no longer listed once it passes. ``pytest -rx`` prints the reasons.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from itertools import product
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from backpass import BackpassClassifier, BackpassRegressor

ACTIVATIONS = {"logistic": "sigmoid"}
OPTIMIZERS = {"adam": "adamw", "sgd": "momentum", "lbfgs": "adamw"}
ALL_ROWS = 4096  # more than any of the tests has
LOSSES = {"squared_error": "squared", "log_loss": "cross_entropy"}


def adapted(kind: Any, labels: int = 1) -> Callable[..., Any]:
    """Ours from the parameters of theirs; L-BFGS, which we lack, is Adam with more steps on all rows at once.

    Their loss is the sum over labels, ours the mean: with as many labels the same step takes so many times the rate.
    """

    def make(hidden_layer_sizes: Any = (100,), activation: str = "relu", **given: Any) -> Any:
        solver = given.get("solver", "adam")
        ours = {
            "preset": "plain",
            "hidden_layer_sizes": hidden_layer_sizes,
            "activation": ACTIVATIONS.get(activation, activation),
            "optimizer": OPTIMIZERS[solver],
            "learning_rate": 0.01 if solver == "lbfgs" else labels * given.get("learning_rate_init", 0.001),
            "schedule": "constant",
            "epochs": given.get("max_iter", 200) * (5 if solver == "lbfgs" else 1),
            "weight_decay": 0.0 if solver == "lbfgs" else given.get("alpha", 0.0001),
            "validation_fraction": given.get("validation_fraction", 0.1) if given.get("early_stopping") else 0.0,
            "momentum": given.get("momentum", 0.9),
            "precision": "float64",
            "warm_start": given.get("warm_start", False),
            "random_state": given.get("random_state"),
        }
        if "loss" in given:
            ours["loss"] = LOSSES.get(given["loss"], given["loss"])
        if solver == "lbfgs" or "batch_size" in given:
            ours["batch_size"] = given.get("batch_size", ALL_ROWS)
        return kind(**ours)

    return make


REGRESSOR, CLASSIFIER = adapted(BackpassRegressor), adapted(BackpassClassifier)
MAKERS: dict[type, Callable[..., Any]] = {MLPClassifier: CLASSIFIER, MLPRegressor: REGRESSOR}

CONTRACT = {
    "test_lbfgs_classification",
    "test_lbfgs_regression",
    "test_multilabel_classification",
    "test_multioutput_regression",
    "test_partial_fit_classes_error",
    "test_partial_fit_classification",
    "test_partial_fit_regression",
    "test_partial_fit_unseen_classes",
    "test_predict_proba_binary",
    "test_predict_proba_multiclass",
    "test_warm_start",
    "test_warm_start_full_iteration",
    "test_mlp_classifier_dtypes_casting",
    "test_mlp_regressor_dtypes_casting",
    "test_mlp_loading_from_joblib_partial_fit",
    "test_preserve_feature_names",
    "test_mlp_sample_weight_with_early_stopping",
    "test_sparse_matrices",
}
"""The tests that pass."""

LABELS = {"test_multilabel_classification": 5}
"""The number of labels in a test that trains on several."""

INSIDE = "reads attributes of MLP's own (coefs_, validation_scores_, best_loss_, _optimizer)"
STOPPING = "tol and n_iter_no_change end a run on the training loss; here patience counts validation scores"
LEFT_OUT = {
    "test_alpha": INSIDE,
    "test_fit": INSIDE,
    "test_gradient": INSIDE,
    "test_shuffle": INSIDE,
    "test_mlp_param_dtypes": INSIDE,
    "test_mlp_early_stopping_string_labels": INSIDE,
    "test_mlp_warm_start_with_early_stopping": INSIDE,
    "test_mlp_diverging_loss": "a run that diverges raises DivergedError; theirs ends with a NaN as its loss",
    "test_preserve_feature_names-0": "a classifier refuses a y of one class",
    "test_early_stopping": INSIDE,
    "test_adaptive_learning_rate": INSIDE,
    "test_learning_rate_warmstart": INSIDE,
    "test_lbfgs_classification_maxfun": "L-BFGS and its max_fun",
    "test_lbfgs_regression_maxfun": "L-BFGS and its max_fun",
    "test_partial_fit_errors": "L-BFGS has no partial_fit; an ensemble has none here (test_contract.py)",
    "test_predict_proba_multilabel": "log(predict_proba) has fewer digits near 1 than predict_log_proba",
    "test_tolerance": STOPPING,
    "test_n_iter_no_change": STOPPING,
    "test_n_iter_no_change_inf": STOPPING,
    "test_mlp_warm_start_no_convergence": "expects ConvergenceWarning where a run reaches its last epoch",
    "test_verbose_sgd": "verbose prints; nothing here does",
    "test_nonfinite_params": "expects an error for numbers near the largest float64, which are scaled here",
    "test_mlp_partial_fit_after_fit": "expects an error after early_stopping; here partial_fit continues",
    "test_early_stopping_stratified": "expects an error for a class of one row; here rows are set aside without strata",
    "test_minimum_input_sample_size": "expects an error for two rows; here all of them are used for training",
}


def peers() -> ModuleType:
    """scikit-learn's test module with our makers in place of its classes, and without the wording of its messages."""
    module = importlib.import_module("sklearn.neural_network.tests.test_mlp")
    module.__dict__.update(
        MLPClassifier=CLASSIFIER, MLPRegressor=REGRESSOR, re=SimpleNamespace(escape=lambda _: "class")
    )
    return module


MODULE = peers()


def arguments_of(function: Any) -> Iterator[dict[str, Any]]:
    """Every set of arguments that a test is marked with, with our makers in place of their classes."""
    axes = []
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            names, rows = [name.strip() for name in mark.args[0].split(",")], mark.args[1]
            axes.append([dict(zip(names, row if len(names) > 1 else (row,), strict=True)) for row in rows])
    for chosen in product(*axes):
        found = {name: value for row in chosen for name, value in row.items()}
        yield {name: MAKERS.get(value, value) if isinstance(value, type) else value for name, value in found.items()}


def cases() -> Iterator[Any]:
    """Every test with each set of its arguments; one with a reason to fail has to fail."""
    for name, function in vars(MODULE).items():
        if name.startswith("test_"):
            for j, arguments in enumerate(arguments_of(function)):
                reason = LEFT_OUT.get(name) or LEFT_OUT.get(f"{name}-{j}")
                marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
                yield pytest.param(function, arguments, id=f"{name}-{j}", marks=marks)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("function", "arguments"), list(cases()))
def test_of_scikit_learn(
    function: Any, arguments: dict[str, Any], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = LABELS.get(function.__name__, 1)
    monkeypatch.setattr(MODULE, "MLPClassifier", adapted(BackpassClassifier, labels))
    wanted = [name for name in inspect.signature(function).parameters if name not in arguments]
    fixtures = {name: 42 if name == "global_random_seed" else request.getfixturevalue(name) for name in wanted}
    function(**arguments, **fixtures)


def test_every_test_runs_or_has_a_reason() -> None:
    there = {name for name in vars(MODULE) if name.startswith("test_")}
    assert not there - CONTRACT - LEFT_OUT.keys()
    assert not CONTRACT & LEFT_OUT.keys()
