"""partial_fit: the first call settles everything, k calls equal one run over their batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_regressor

from backpass.circuit import Spec
from backpass.engine import Epoch
from backpass.errors import DataError, DivergedError, UsageError
from backpass.estimators import BackpassRegressor
from backpass.model.fitting.streaming.stream import Stream
from backpass.numerics.philox import key_of
from backpass.training import training_step


def fed(make: Any, X: Any, y: Any, size: int, **parameters: Any) -> Any:
    """An estimator that got the rows in portions."""
    estimator = make(**parameters)
    first = {} if is_regressor(estimator) else {"classes": np.unique(y)}
    for i in range(0, len(X), size):
        estimator.partial_fit(X[i : i + size], y[i : i + size], **first)
        first = {}
    return estimator


def by_hand(stream: Stream, batches: list[tuple[Any, ...]], rate: float) -> Any:
    """One run over the batches from the start of a stream: each a step, nothing in between."""
    problem, state = stream.problem, stream.state
    for number, data in enumerate(batches):
        specs = [Spec(("B", *array.shape[1:]), array.dtype) for array in data]
        step = training_step(problem.objective, problem.optimizer(), state[0], specs)
        settings = problem.optimizer().settings(np.array([rate]), number)
        rows = len(data[0])
        epoch = Epoch(np.arange(rows).reshape(1, rows), np.array([rows]), settings, number)
        state = problem.engine.run_epoch(
            step, state, key_of(problem.settings.seed), data, epoch, lambda *_: False
        ).state
    return state[0]


@pytest.mark.parametrize("optimizer", ["adamw", "momentum"])
def test_k_calls_equal_one_run_over_their_batches(case: Any, optimizer: str, numbers: Any) -> None:
    make, X, y = case
    parts = fed(make, X, y, 10, optimizer=optimizer, learning_rate=0.02)
    model = parts.model_
    start = fed(make, X[:10], y[:10], 10, optimizer=optimizer, learning_rate=0.02)._stream
    first = Stream.start(start.problem)
    first_theta = start.problem.first_theta()
    np.testing.assert_array_equal(first.theta, first_theta)
    table = {f"x{j}": X[:, j] for j in range(3)}
    encoded = model.schema.encode(model.table(table))
    x = start.problem.engine.run(model.feature_map.circuit(np.float32), encoded.numbers, encoded.codes)[0]
    truth = y if is_regressor(parts) else np.searchsorted(parts.classes_, y).astype(np.int32)
    goal = model.head.encode(truth, np.float32)
    ones = np.ones(10, np.float32)
    batches = [(x[i : i + 10], goal[i : i + 10], ones) for i in range(0, 60, 10)]
    np.testing.assert_array_equal(by_hand(first, batches, 0.02), model.theta)


def test_one_call_with_all_rows_takes_them_in_batches_of_the_same_size(case: Any) -> None:
    make, X, y = case
    pieces = fed(make, X, y, 10, batch_size=10, initialization="he")
    whole = fed(make, X[:10], y[:10], 10, batch_size=10)
    whole.partial_fit(X[10:], y[10:])
    np.testing.assert_array_equal(pieces.model_.theta, whole.model_.theta)
    assert whole._stream.step == pieces._stream.step == 6


def test_scales_and_columns_are_those_of_the_first_rows(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    estimator = fed(regressor, X, y, 20)
    center = estimator.model_.feature_map.center.copy()
    estimator.partial_fit(X + 100.0, y)
    np.testing.assert_array_equal(estimator.model_.feature_map.center, center)


def test_it_learns_and_remembers_each_call(case: Any) -> None:
    make, X, y = case
    estimator = fed(make, X, y, 20, learning_rate=0.02)
    for _ in range(60):
        estimator.partial_fit(X, y)
    assert estimator.score(X, y) > 0.9
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 63
    assert {epoch["learning_rate"] for epoch in estimator.history_} == {0.02}


def test_rows_of_weight_0_are_not_there(case: Any) -> None:
    make, X, y = case
    classes = {} if is_regressor(make()) else {"classes": np.unique(y)}
    weights = np.r_[np.zeros(20), np.ones(40)]
    one = make().partial_fit(X, y, **classes, sample_weight=weights)
    two = make().partial_fit(X[20:], y[20:], **classes)
    np.testing.assert_array_equal(one.model_.theta, two.model_.theta)


def test_after_fit_it_goes_on_from_there(case: Any) -> None:
    make, X, y = case
    estimator = make(epochs=30).fit(X, y)
    theta = estimator.model_.theta.copy()
    estimator.partial_fit(X[:20], y[:20])
    assert 0 < np.abs(estimator.model_.theta - theta).max() < 0.2
    estimator.fit(X, y)
    np.testing.assert_array_equal(estimator.model_.theta, theta)


def test_the_first_call_names_all_classes(classifier: Any, numbers: Any) -> None:
    X, _, label = numbers()
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        classifier().partial_fit(X, label)
    estimator = classifier().partial_fit(X[:2], ["a", "a"], classes=["c", "b", "a"])
    assert estimator.classes_.tolist() == ["a", "b", "c"]
    assert estimator.predict_proba(X).shape == (60, 3)
    with pytest.raises(DataError, match=r"classes that are not known: \['z'\]"):
        estimator.partial_fit(X[:2], ["a", "z"])
    with pytest.raises(ValueError, match="are not those of the first call"):
        estimator.partial_fit(X[:2], ["a", "b"], classes=["a", "b"])


def test_balanced_needs_all_rows(classifier: Any, numbers: Any) -> None:
    X, _, label = numbers()
    with pytest.raises(UsageError, match="'balanced' needs all rows at once"):
        classifier(class_weight="balanced").partial_fit(X, label, classes=np.unique(label))


def test_a_diverging_call_leaves_what_was_learned(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    estimator = regressor(learning_rate=0.1, optimizer="sgd").partial_fit(X, y)
    theta = estimator.model_.theta
    with pytest.raises(DivergedError, match=r"training diverged: first non-finite value: .* at step \d+"):
        estimator.partial_fit(X, y * 1e30)
    np.testing.assert_array_equal(estimator.model_.theta, theta)
    assert np.isfinite(estimator.partial_fit(X, y).predict(X)).all()


def test_negative_counts_are_refused_in_later_calls() -> None:
    x, counts = np.arange(8.0)[:, None], np.arange(8.0)
    estimator = BackpassRegressor((2,), loss="poisson", preset="plain").partial_fit(x, counts)
    before = estimator.predict(x)
    with pytest.raises(DataError, match="the poisson loss needs counts of at least 0; got -7"):
        estimator.partial_fit(x, -counts)
    np.testing.assert_array_equal(estimator.predict(x), before)


@pytest.mark.parametrize("first_is_boolean", [False, True])
def test_booleans_continue_zeros_and_ones(first_is_boolean: bool) -> None:
    draw = np.random.default_rng(0)
    flag, x = draw.integers(0, 2, 100), draw.normal(size=100)
    zero_one, boolean = (pd.DataFrame({"flag": each, "x": x}) for each in (flag, flag.astype(bool)))
    calls = [boolean, zero_one] if first_is_boolean else [zero_one, boolean]
    mixed, plain = BackpassRegressor(preset="plain"), BackpassRegressor(preset="plain")
    for each in calls:
        mixed.partial_fit(each, 3.0 * flag + x)
        plain.partial_fit(calls[0], 3.0 * flag + x)
    assert np.array_equal(mixed.predict(boolean), plain.predict(calls[0]))
    assert np.array_equal(mixed.predict(zero_one), mixed.predict(boolean))
