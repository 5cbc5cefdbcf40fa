"""scikit-learn's contract: every check it has for these estimators, none expected to fail, at three seeds.

At the first seed with no parameter at all, at the others with few units, which is quicker. One check compares
predictions of single rows with those of all rows to 1e-7, which float32 products of NumPy's engine do not hold: where
there is no native engine, the checks run in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import estimator_checks_generator

from backpass import BackpassClassifier, BackpassRegressor
from backpass.engine import ENGINES

SMALL: dict[str, Any] = {"hidden_layer_sizes": (16,), "epochs": 40, "learning_rate": 0.05}
PARAMETERS: dict[int, dict[str, Any]] = {0: {}, 1: SMALL, 2: SMALL}
"""By seed."""

if "native" not in ENGINES:
    SMALL["precision"], PARAMETERS[0] = "float64", SMALL

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


PRESETS = ("plain", "fast", "default", "best", "realmlp")
SEEDS = (0, 1, 2)
"""Of each preset; ``make test`` runs the first, ``make test-checks`` all (the option ``--every-seed``)."""

TINY: dict[str, Any] = {"hidden_layer_sizes": (4,), "epochs": 2}
ACCURATE: dict[str, Any] = {"hidden_layer_sizes": (16,), "epochs": 100}
ACCURACY = {name for name in vars(checks) if name.startswith(("check_regressors_train", "check_classifiers_train"))} | {
    "check_class_weight_classifiers",
    "check_class_weight_balanced_classifiers",
}
"""Checks that ask for a good fit, which takes units and epochs; to the others the recipe matters, not its length."""

SINGLE = {"plain", "realmlp"}
"""The presets among them that train one network, so that there is ``partial_fit``."""

if "native" not in ENGINES:
    TINY["precision"] = ACCURATE["precision"] = "float64"


def checks_of(parameters: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Estimator, check, and a name for both."""
    for kind in ESTIMATORS:
        for number, (_, check) in enumerate(estimator_checks_generator(kind(**parameters))):
            name = getattr(check, "func", check).__name__
            yield kind, check, f"{kind.__name__}-{number}-{name}"


def every_check() -> Iterator[Any]:
    for kind, check, name in checks_of(SMALL):
        yield pytest.param(kind, check, id=name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every check of every preset, at the first seed or at all."""
    if "parameters" not in metafunc.fixturenames:
        return
    seeds = SEEDS if metafunc.config.getoption("every_seed") else SEEDS[:1]
    cases = [
        pytest.param(kind, check, of_preset(preset, seed, name), id=f"{preset}-{seed}-{name}")
        for preset in PRESETS
        for seed in seeds
        for kind, check, name in checks_of({"preset": preset})
    ]
    metafunc.parametrize(("kind", "check", "parameters"), cases)


def of_preset(preset: str, seed: int, check: str) -> dict[str, Any]:
    """The preset's recipe for a check, made small.

    The first seed has as many networks as the preset, 4 of the 16 of best, except where they train for long; other
    seeds have 2.
    """
    is_long = check.split("-")[-1] in ACCURACY
    is_whole = preset in SINGLE or (seed == SEEDS[0] and not is_long)
    count = {} if preset != "best" else {"ensemble_size": 4}
    size, networks = ACCURATE if is_long else TINY, count if is_whole else {"ensemble_size": 2}
    return {"preset": preset, "random_state": seed, **size, **networks}


@pytest.fixture(params=PARAMETERS)
def seed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The checks set a seed of their own; here it is moved."""
    given = checks.set_random_state
    monkeypatch.setattr(checks, "set_random_state", lambda e, random_state=0: given(e, random_state + request.param))
    return int(request.param)


@pytest.mark.parametrize(("kind", "check"), list(every_check()))
def test_every_check_of_the_generator(kind: Callable[..., Any], check: Callable[..., Any], seed: int) -> None:
    check(kind(**PARAMETERS[seed], random_state=seed))


def test_every_check_of_every_preset(
    kind: Any, check: Any, parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given, seed = checks.set_random_state, parameters["random_state"]
    monkeypatch.setattr(checks, "set_random_state", lambda e, random_state=0: given(e, random_state + seed))
    check(kind(**parameters))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_an_ensemble_has_no_partial_fit(kind: Any, preset: str) -> None:
    """scikit-learn leaves out the checks of ``partial_fit`` for that reason; no other check is lost."""
    estimator = kind(preset=preset)
    assert hasattr(estimator, "partial_fit") == (preset in SINGLE)
    assert hasattr(kind(preset=preset, ensemble_size=1), "partial_fit")
    if preset not in SINGLE:
        with pytest.raises(AttributeError) as caught:
            estimator.partial_fit  # noqa: B018
        assert "partial_fit goes on with one network" in str(caught.value.__cause__)
    lost = {name(c) for _, c in estimator_checks_generator(kind(**SMALL))} - {
        name(c) for _, c in estimator_checks_generator(estimator)
    }
    assert lost <= (set() if preset in SINGLE else {"check_estimators_partial_fit_n_features"})


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
    small = {"hidden_layer_sizes": (8,), "epochs": 4}
    repeated = kind(**small).fit(X.repeat(weights, axis=0), y.repeat(weights))
    weighted = kind(**small).fit(X[order], y[order], weights[order])
    np.testing.assert_array_equal(weighted.model_.theta, repeated.model_.theta)
