"""scikit-learn's own tests of its networks, run on these estimators through an adapter (``make test-peers``).

The test module ships with scikit-learn. Its two classes are replaced by functions that take its parameters and make
ours; its tests run unchanged. A test that states how MLPClassifier works inside, and not what an estimator promises, is
listed with the reason.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from backpass import BackpassClassifier, BackpassRegressor

ACTIVATIONS = {"logistic": "sigmoid"}
OPTIMIZERS = {"adam": "adamw", "sgd": "momentum", "lbfgs": "adamw"}
LOSSES = {"squared_error": "squared", "log_loss": "cross_entropy"}


def adapted(kind: Any) -> Callable[..., Any]:
    """Ours from the parameters of theirs; L-BFGS, which we lack, is Adam with more steps on all rows at once."""

    def make(hidden_layer_sizes: Any = (100,), activation: str = "relu", **given: Any) -> Any:
        solver = given.get("solver", "adam")
        ours = {
            "hidden_layer_sizes": hidden_layer_sizes,
            "activation": ACTIVATIONS.get(activation, activation),
            "optimizer": OPTIMIZERS[solver],
            "learning_rate": 0.01 if solver == "lbfgs" else given.get("learning_rate_init", 0.001),
            "schedule": "constant",
            "epochs": given.get("max_iter", 200) * (5 if solver == "lbfgs" else 1),
            "weight_decay": 0.0 if solver == "lbfgs" else given.get("alpha", 0.0001),
            "validation_fraction": given.get("validation_fraction", 0.1) if given.get("early_stopping") else 0.0,
            "momentum": given.get("momentum", 0.9),
            "dropout": 0.0,
            "precision": "float64",
            "warm_start": given.get("warm_start", False),
            "random_state": given.get("random_state"),
        }
        if "loss" in given:
            ours["loss"] = LOSSES.get(given["loss"], given["loss"])
        if "batch_size" in given:
            ours["batch_size"] = given["batch_size"]
        return kind(**ours)

    return make


REGRESSOR, CLASSIFIER = adapted(BackpassRegressor), adapted(BackpassClassifier)

CONTRACT: dict[str, tuple[Any, ...]] = {
    "test_lbfgs_classification": (),
    "test_lbfgs_regression": (),
    "test_multilabel_classification": (),
    "test_multioutput_regression": (),
    "test_partial_fit_classes_error": (),
    "test_partial_fit_classification": (),
    "test_partial_fit_unseen_classes": (),
    "test_predict_proba_binary": (),
    "test_predict_proba_multiclass": (),
    "test_predict_proba_multilabel": (),
    "test_warm_start": (),
    "test_warm_start_full_iteration": (CLASSIFIER, REGRESSOR),
    "test_mlp_classifier_dtypes_casting": (),
    "test_mlp_regressor_dtypes_casting": (),
    "test_mlp_loading_from_joblib_partial_fit": (),
    "test_preserve_feature_names": (REGRESSOR,),
    "test_mlp_sample_weight_with_early_stopping": (),
}
"""The tests that run, with the makers for those that take a class."""

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
    "test_mlp_diverging_loss": INSIDE,
    "test_early_stopping": INSIDE,
    "test_adaptive_learning_rate": INSIDE,
    "test_learning_rate_warmstart": INSIDE,
    "test_lbfgs_classification_maxfun": "L-BFGS and its max_fun",
    "test_lbfgs_regression_maxfun": "L-BFGS and its max_fun",
    "test_mlp_vs_poisson_glm_equivalent": "needs the precision of L-BFGS, 1e-4 of a closed optimum",
    "test_partial_fit_errors": "L-BFGS has no partial_fit; an ensemble has none here (test_contract.py)",
    "test_partial_fit_regression": "fit and 100 calls of partial_fit agree to 1e-7; fit sorts its rows (decision 0007)",
    "test_tolerance": STOPPING,
    "test_n_iter_no_change": STOPPING,
    "test_n_iter_no_change_inf": STOPPING,
    "test_mlp_warm_start_no_convergence": "expects ConvergenceWarning where a run reaches its last epoch",
    "test_verbose_sgd": "verbose prints; nothing here does",
    "test_sparse_matrices": "sparse X is refused, by name and with a hint",
    "test_nonfinite_params": "expects an error for numbers near the largest float64, which are scaled here",
    "test_mlp_partial_fit_after_fit": "expects an error after early_stopping; here partial_fit continues",
    "test_early_stopping_stratified": "expects an error for a class of one row; here rows are set aside without strata",
    "test_minimum_input_sample_size": "expects an error for two rows; here all of them train",
}


def peers() -> ModuleType:
    """scikit-learn's test module with our makers in place of its classes, and without the wording of its messages."""
    module = importlib.import_module("sklearn.neural_network.tests.test_mlp")
    module.__dict__.update(
        MLPClassifier=CLASSIFIER, MLPRegressor=REGRESSOR, re=SimpleNamespace(escape=lambda _: "class")
    )
    return module


MODULE = peers()


def cases() -> Iterator[Any]:
    """Every test that runs with each set of its arguments."""
    for name, makers in CONTRACT.items():
        function = getattr(MODULE, name, None)
        if function is None:
            continue  # an older scikit-learn
        names = list(inspect.signature(function).parameters)
        sets = [mark.args[1] for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
        if makers:
            rows: list[tuple[Any, ...]] = [(maker,) for maker in makers]
        else:
            rows = [row if isinstance(row, tuple) else (row,) for row in sets[0]] if sets else [()]
        for j, row in enumerate(rows):
            yield pytest.param(function, dict(zip(names, row, strict=False)), id=f"{name}-{j}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("function", "arguments"), list(cases()))
def test_of_scikit_learn(function: Any, arguments: dict[str, Any], tmp_path: Any) -> None:
    more = {"tmp_path": tmp_path} if "tmp_path" in inspect.signature(function).parameters else {}
    function(**arguments, **more)


def test_every_test_runs_or_has_a_reason() -> None:
    there = {name for name in vars(MODULE) if name.startswith("test_")}
    assert not there - CONTRACT.keys() - LEFT_OUT.keys()
    assert not CONTRACT.keys() & LEFT_OUT.keys()
