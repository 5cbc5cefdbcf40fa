"""scikit-learn's contract: every check it has for these estimators, none expected to fail, at three seeds.

They run on the default construction, with short epochs, and on every other preset. One check compares predictions of
single rows with those of all rows to 1e-7, which float32 products of NumPy's engine do not hold: where there is no
native engine, the checks run in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import estimator_checks_generator

import backpass
from backpass import BackpassClassifier, BackpassRegressor
from backpass.engine import ENGINES
from backpass.errors import UsageError
from backpass.model.settings import presets

SMALL: dict[str, Any] = {"preset": "plain", "hidden_layer_sizes": (16,), "epochs": 40, "learning_rate": 0.05}

ESTIMATORS = (BackpassRegressor, BackpassClassifier)
AT_LEAST = {BackpassRegressor: 60, BackpassClassifier: 66}
"""Checks that scikit-learn 1.6 and later yield, at least."""

NOT_YIELDED = [
    getattr(checks, name)
    for name in (
        "check_dataframe_column_names_consistency",
        "check_get_feature_names_out_error",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_param_validation",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_set_output_transform_polars",
        "check_inplace_ensure_writeable",
    )
    if hasattr(checks, name)
]


BY_DEFAULT = "by default"
"""Stands for the construction without any of the parameters that describe a network."""
PRESETS = (BY_DEFAULT, *(name for name in presets.PRESETS if name != BackpassRegressor().preset))
SEEDS = (0, 1, 2)
"""Of each preset; ``make test`` runs the first, ``make test-checks`` all (the option ``--every-seed``).

Of ``best``, made small, ``make test`` takes every fourth check: it is the default with other frequencies.
"""

TINY: dict[str, Any] = {"hidden_layer_sizes": (4,), "epochs": 2}
ACCURATE: dict[str, Any] = {"hidden_layer_sizes": (16,), "epochs": 100}
ACCURACY = {name for name in vars(checks) if name.startswith(("check_regressors_train", "check_classifiers_train"))} | {
    "check_class_weight_classifiers",
    "check_class_weight_balanced_classifiers",
}
"""Checks that ask for a good fit, which takes units and epochs; to the others the recipe matters, not its length."""

SINGLE = {"plain", "notes", "realmlp"}
"""The presets among them that train one network, so that there is ``partial_fit``."""

SHORT: dict[str, Any] = {"epochs": 2}
LONG: dict[str, Any] = {"epochs": 20}
"""As TINY and ACCURATE, for the default construction, whose networks keep their size."""

if "native" not in ENGINES:
    for each in (SMALL, TINY, ACCURATE, SHORT, LONG):
        each["precision"] = "float64"


def checks_of(parameters: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Estimator, check, and a name for both."""
    for kind in ESTIMATORS:
        for number, (_, check) in enumerate(estimator_checks_generator(kind(**parameters))):
            name = getattr(check, "func", check).__name__
            yield kind, check, f"{kind.__name__}-{number}-{name}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every check of every preset, at the first seed or at all."""
    if "parameters" not in metafunc.fixturenames:
        return
    seeds = SEEDS if metafunc.config.getoption("every_seed") else SEEDS[:1]
    cases = [
        pytest.param(kind, check, of_preset(preset, seed, name), id=f"{preset}-{seed}-{name}")
        for preset in PRESETS
        for seed in seeds
        for kind, check, name in checks_of({} if preset == BY_DEFAULT else {"preset": preset})
        if len(seeds) > 1 or preset != "best" or crc32(name.encode()) % 4 == 0
    ]
    metafunc.parametrize(("kind", "check", "parameters"), cases)


def of_preset(preset: str, seed: int, check: str) -> dict[str, Any]:
    """The preset's recipe for a check, made small: two networks of an ensemble, four of the default construction."""
    is_long = check.split("-")[-1] in ACCURACY
    if preset == BY_DEFAULT:
        return {"random_state": seed, **(LONG if is_long else SHORT)}
    networks = {} if preset in SINGLE else {"ensemble_size": 2}
    return {"preset": preset, "random_state": seed, **(ACCURATE if is_long else TINY), **networks}


def test_every_check_of_every_preset(
    kind: Any, check: Any, parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks set a seed of their own; here it is moved."""
    given, seed = checks.set_random_state, parameters["random_state"]
    monkeypatch.setattr(checks, "set_random_state", lambda e, random_state=0: given(e, random_state + seed))
    check(kind(**parameters))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_default_construction_trains_what_fit_trains(kind: Any) -> None:
    """The settings of ``fit``, without the test rows, which scikit-learn's caller sets aside."""
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = X[:, 0] if kind is BackpassRegressor else np.where(X[:, 0] > 0.0, "b", "a")
    found = kind(epochs=1).fit(X, y).model_.record.settings
    columns = {f"x{j}": X[:, j] for j in range(3)}
    expected = backpass.fit({**columns, "y": y}, "y", epochs=1).record.settings
    assert {**found, "test_fraction": 0.2, "task": None} == {**expected}
    assert len(kind(epochs=1).fit(X, y).model_.theta) == 4


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_no_preset_selects_it_as_fit_does(kind: Any) -> None:
    assert kind(preset=None)._settings().preset == "default"
    assert kind(preset=None, hidden_layer_sizes=(8,))._settings().preset == "plain"


@pytest.mark.parametrize("preset", [*PRESETS[1:], "default"])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_an_ensemble_has_no_partial_fit(kind: Any, preset: str) -> None:
    """scikit-learn leaves out the checks of ``partial_fit`` for that reason; no other check is lost."""
    estimator = kind(preset=preset)
    assert hasattr(estimator, "partial_fit") == (preset in SINGLE)
    assert hasattr(kind(preset=preset, ensemble_size=1), "partial_fit")
    if preset not in SINGLE:
        with pytest.raises(AttributeError) as caught:
            estimator.partial_fit  # noqa: B018
        assert "partial_fit continues the training of one network" in str(caught.value)
    lost = {name(c) for _, c in estimator_checks_generator(kind(**SMALL))} - {
        name(c) for _, c in estimator_checks_generator(estimator)
    }
    assert lost <= (set() if preset in SINGLE else {"check_estimators_partial_fit_n_features"})


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_warm_start_says_that_the_default_is_an_ensemble(kind: Any) -> None:
    assert not hasattr(kind(), "partial_fit")
    with pytest.raises(UsageError, match="warm_start continues the training of one network"):
        kind(warm_start=True).fit([[0.0], [1.0]], [0, 1])


def name(check: Any) -> str:
    return str(getattr(check, "func", check).__name__)


@pytest.mark.parametrize("check", NOT_YIELDED, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names:UserWarning")  # the checks' own doing
def test_checks_that_the_generator_does_not_yield(kind: Callable[..., Any], check: Callable[..., Any]) -> None:
    check(kind.__name__, kind(**{**SMALL, "epochs": 2}))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_no_check_is_lost(kind: Any) -> None:
    assert len(list(estimator_checks_generator(kind(**SMALL)))) >= AT_LEAST[kind]


def test_several_outputs_are_checked_too() -> None:
    names = {getattr(c, "func", c).__name__ for _, c in estimator_checks_generator(BackpassRegressor(**SMALL))}
    assert "check_regressor_multioutput" in names


def test_labels_are_checked_too() -> None:
    names = {getattr(c, "func", c).__name__ for _, c in estimator_checks_generator(BackpassClassifier(**SMALL))}
    assert {name for name in vars(checks) if name.startswith("check_classifiers_multilabel_")} <= names
    # In float32 different logits can have the same probability, and this check compares their ranks.
    checks.check_classifier_multioutput("BackpassClassifier", BackpassClassifier(**{**SMALL, "precision": "float64"}))


def test_a_planted_fault_is_found() -> None:
    """An estimator that ignores its weights must fail."""

    class Careless(BackpassRegressor):
        def fit(self, X: Any, y: Any, sample_weight: Any = None, **others: Any) -> Careless:
            super().fit(X, y, **others)
            return self

    with pytest.raises(AssertionError):
        checks.check_sample_weight_equivalence_on_dense_data("Careless", Careless(**SMALL))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_equivalence_of_weights_and_repetitions_holds_by_default(kind: Any) -> None:
    """To the bit, in float32, with mini-batches, dropout and validation rows."""
    rng = np.random.default_rng(0)
    X, y, weights = rng.normal(size=(80, 4)), rng.integers(0, 3, 80), rng.integers(0, 4, 80)
    order = rng.permutation(80)
    small = {"epochs": 4}
    repeated = kind(**small).fit(X.repeat(weights, axis=0), y.repeat(weights))
    weighted = kind(**small).fit(X[order], y[order], weights[order])
    np.testing.assert_array_equal(weighted.model_.theta, repeated.model_.theta)
