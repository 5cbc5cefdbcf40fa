"""Streams: whatever the chunks a table arrives in, from single rows up, partial_fit learns from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from backpass import BackpassClassifier, BackpassRegressor
from backpass.model.fitting.streaming.provisional import FEWEST, MOST, WARM_UP
from backpass.model.fitting.streaming.stream import _step_of

ROWS = 320
STEADY: dict[str, Any] = {
    "preset": "plain",
    "numerical_scaling": "robust",
    "hidden_layer_sizes": (16,),
    "learning_rate": 0.03,
}

Frame = pd.DataFrame
Cuts = list[int]


def table(seed: int = 0) -> tuple[Frame, Any, Any]:
    """Numbers far from 0 and of small spread, a rare flag, gaps, texts, dates; a number and a class that follow."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, ROWS))
    town = rng.choice(["east", "north", "south", "west"], ROWS)
    flag = (rng.random(ROWS) < 0.1).astype(float)
    frame = pd.DataFrame(
        {
            "height": 5000.0 + 20.0 * a,
            "share": np.where(rng.random(ROWS) < 0.1, np.nan, 1e-4 * b),
            "town": np.where(rng.random(ROWS) < 0.05, None, town),
            "flag": flag,
            "day": pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 300, ROWS), unit="D"),
            "one": 1.0,
        }
    )
    y = 1000.0 + 50.0 * (a - np.nan_to_num(b) + 2.0 * (town == "north") + flag)
    return frame, y, np.array(["cheap", "dear"])[(y > np.median(y)).astype(int)]


def fed(estimator: Any, X: Frame, y: Any, cuts: Cuts, **first: Any) -> Any:
    """The estimator after the rows between one cut and the next."""
    for start, stop in zip([0, *cuts], [*cuts, len(X)], strict=True):
        estimator.partial_fit(X[start:stop], y[start:stop], **first)
    return estimator


def every(size: int) -> Cuts:
    return list(range(size, ROWS, size))


CHUNKS = {"rows": every(1), "threes": every(3), "tens": every(10), "64": every(64), "whole": []}


@pytest.mark.parametrize("cuts", CHUNKS.values(), ids=CHUNKS)
def test_a_regressor_learns_from_any_chunks(cuts: Cuts) -> None:
    X, y, _ = table()
    assert fed(BackpassRegressor(**STEADY, batch_size=8), X, y, cuts).score(X, y) > 0.75


@pytest.mark.parametrize("cuts", CHUNKS.values(), ids=CHUNKS)
def test_a_classifier_learns_from_any_chunks(cuts: Cuts) -> None:
    X, _, label = table()
    fitted = fed(BackpassClassifier(**STEADY, batch_size=8), X, label, cuts, classes=["cheap", "dear"])
    assert fitted.score(X, label) > 0.8


@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(st.integers(1, ROWS - 1), max_size=8, unique=True), seed=st.integers(0, 3))
def test_random_chunks(cuts: Cuts, seed: int) -> None:
    X, y, label = table(seed)
    assert fed(BackpassRegressor(**STEADY, batch_size=8), X, y, sorted(cuts)).score(X, y) > 0.7
    classes = {"classes": ["cheap", "dear"]}
    fitted = fed(BackpassClassifier(**STEADY, batch_size=8), X, label, sorted(cuts), **classes)
    assert fitted.score(X, label) > 0.75


@pytest.mark.parametrize("constant", [FEWEST, 50, MOST, 300])
def test_a_target_that_is_constant_at_first(constant: int) -> None:
    X, y, _ = table()
    y = np.where(np.arange(ROWS) < constant, 700.0, y)
    estimator = fed(BackpassRegressor(**STEADY, batch_size=8), X, y, [constant])
    for _ in range(19):
        estimator.partial_fit(X[constant:], y[constant:])
    assert estimator.score(X[constant:], y[constant:]) > 0.9
    assert [epoch["epoch"] for epoch in estimator.history_.to_dict("records")] == list(range(1, 22))
    assert estimator.model_.record.rows["train"] == constant + 20 * (ROWS - constant)


@pytest.mark.parametrize("constant", [FEWEST, 50, MOST, 300])
@pytest.mark.parametrize("value", [5000.0, 4980.0, np.nan])
def test_a_column_that_is_constant_or_empty_at_first(constant: int, value: float) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal([5000.0, 0.0], [20.0, 1.0], (ROWS, 2))
    y = X[:, 0] - 5000.0
    X[:constant, 0] = value
    estimator = BackpassRegressor(**STEADY, batch_size=8).partial_fit(X[:constant], y[:constant])
    for _ in range(40):
        estimator.partial_fit(X[constant:], y[constant:])
    # A column without any value in the first 256 rows keeps 0 for its center, which 5000 is far from.
    assert estimator.score(X[constant:], y[constant:]) > (0.9 if value > 0 or constant < MOST else -1.0)


def test_predictions_for_the_rows_so_far_stay_when_a_late_column_gets_its_scale() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(MOST + 10, 2)), rng.normal(size=MOST + 10)
    X[:-1, 1] = 3.0
    estimator = BackpassRegressor(**STEADY).partial_fit(X[:MOST], y[:MOST])
    stream = estimator._stream
    later = stream._updated(_rows(estimator, X[MOST:], y[MOST:]))
    assert stream.problem.feature_map.scale[1] == 0.0
    assert later.problem.feature_map.scale[1] == pytest.approx(2.0 / abs(X[-1, 1] - 3.0))
    np.testing.assert_array_equal(later.model().predict(X[:-1]), stream.model().predict(X[:-1]))
    assert later.model().predict(X[-1:]) != stream.model().predict(X[-1:])


def _rows(estimator: Any, X: Any, y: Any) -> Any:
    from backpass.model import Rows

    return Rows(estimator._rows(X), y)


def test_first_rows_in_which_everything_varies_fix_columns_and_scales(case: Any) -> None:
    make, X, y = case
    classes = {} if y.dtype.kind == "f" else {"classes": np.unique(y)}
    stream = make().partial_fit(X[:FEWEST], y[:FEWEST], **classes)._stream
    assert stream.first is None
    assert stream.batch_size == FEWEST
    center = stream.problem.feature_map.center
    np.testing.assert_allclose(center, X[:FEWEST].mean(axis=0), rtol=1e-12)


def test_small_chunks_are_fitted_on_64_rows_and_learned_in_their_order() -> None:
    """After them the stream is that of an estimator that knew the scales from the start: no row is lost."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(WARM_UP + 6, 2)), rng.normal(size=WARM_UP + 6)
    estimator = BackpassRegressor(**STEADY, batch_size=1)
    open_for = 0
    for i in range(len(X)):
        estimator.partial_fit(X[i : i + 1], y[i : i + 1])
        open_for += estimator._stream.first is not None
    assert open_for == WARM_UP - 1
    assert estimator._stream.step == estimator.n_iter_ == estimator.model_.record.rows["train"] == len(X)
    feature_map = estimator.model_.feature_map
    np.testing.assert_array_equal(feature_map.center, np.median(X[:WARM_UP], axis=0))
    known = BackpassRegressor(**STEADY, batch_size=1).partial_fit(X[:WARM_UP], y[:WARM_UP])
    known.partial_fit(X[WARM_UP:], y[WARM_UP:])
    np.testing.assert_array_equal(known.model_.theta, estimator.model_.theta)


def test_a_column_that_never_varies_changes_nothing() -> None:
    """The rows of a stream are kept up to the 256th; what they teach is what they teach without being kept."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(ROWS, 3)), rng.normal(size=ROWS)
    X[:, 1] = 1.0
    estimator = fed(BackpassRegressor(**STEADY), X, y, every(50))
    assert estimator._stream.first is None
    stream = BackpassRegressor(**STEADY).partial_fit(X[:50], y[:50])._stream
    assert stream.first is not None
    for start in range(50, ROWS, 50):
        stream = stream._passed(_rows(estimator, X[start : start + 50], y[start : start + 50]))
    np.testing.assert_array_equal(stream.theta, estimator.model_.theta)


def test_chunks_of_weight_0_are_not_there() -> None:
    X, y, label = table()
    weights = np.where(np.arange(ROWS) % 3 == 0, 0.0, 1.0)
    for make, goal, first in (
        (BackpassRegressor, y, {}),
        (BackpassClassifier, label, {"classes": ["cheap", "dear"]}),
    ):
        one, two = make(**STEADY), make(**STEADY)
        for i in range(30):
            one.partial_fit(X[i : i + 1], goal[i : i + 1], sample_weight=weights[i : i + 1], **first)
            if weights[i]:
                two.partial_fit(X[i : i + 1], goal[i : i + 1], **first)
        assert one.n_iter_ == 20
        np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_a_column_without_a_value_may_be_of_any_kind_later() -> None:
    y = np.arange(12.0)
    town = ["north", "south"] * 6
    for nothing in (None, np.nan):
        estimator = BackpassRegressor(**STEADY)
        for i in range(12):
            value = nothing if i < 3 else town[i]
            estimator.partial_fit(pd.DataFrame({"a": [y[i]], "town": [value]}), y[i : i + 1])
        assert estimator.model_.schema.texts[0].levels == ("north", "south")


@pytest.mark.parametrize(("at_first", "later"), [(10, 8), (300, ROWS)])
def test_one_of_several_targets_that_is_constant_for_long_is_learned_as_well_as_the_other(
    at_first: int, later: int
) -> None:
    """Its center and scale are those of the rows since it first varied, far from the constant as these may be."""
    X, y, _ = table()
    both, first = np.column_stack([y, -y]), np.column_stack([y, np.full(ROWS, 5.0)])
    estimator = fed(
        BackpassRegressor(**STEADY, batch_size=8), X[:300], first[:300], list(range(at_first, 300, at_first))
    )
    assert estimator.model_.head.scales[1].scale == 0.0
    before = r2_score(y, estimator.predict(X)[:, 0])
    for _ in range(4):
        fed(estimator, X, both, every(later))
    scores = r2_score(both, estimator.predict(X), multioutput="raw_values")
    assert scores.min() > 0.85
    assert scores[0] > before
    assert estimator.model_.record.rows["train"] == 300 + 4 * ROWS


@pytest.mark.parametrize("size", [1, 3, 64, 100])
def test_a_late_scale_follows_the_rows_since(size: int) -> None:
    """Of single rows it is that of the first 64, not that of the first one, which may differ by next to nothing."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(MOST + 100, 2)), rng.normal(1e3, 2.0, size=(MOST + 100, 2))
    X[:MOST, 1], y[:MOST, 1], X[MOST, 1] = 0.0, 7.0, 1e-9
    estimator = BackpassRegressor(**STEADY, batch_size=1).partial_fit(X[:MOST], y[:MOST])
    later, goal = X[MOST:], y[MOST:]
    for start in range(0, 100, size):
        estimator.partial_fit(later[start : start + size], goal[start : start + size])
    assert estimator._stream.late is None
    rows = WARM_UP + -WARM_UP % size
    target, feature_map = estimator.model_.head.scales[1], estimator.model_.feature_map
    assert target.center == pytest.approx(goal[:rows, 1].mean())
    assert target.scale == pytest.approx(goal[:rows, 1].std())
    span = np.ptp(np.append(later[:rows, 1], 0.0))
    assert (feature_map.center[1], feature_map.scale[1]) == (0.0, pytest.approx(2.0 / span))


def test_columns_that_become_late_one_after_another_all_follow_their_rows() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(MOST + 120, 3)), rng.normal(size=MOST + 120)
    X[:MOST, 1:] = 0.0
    X[MOST : MOST + 40, 2] = 0.0
    estimator = BackpassRegressor(**STEADY, batch_size=8).partial_fit(X[:MOST], y[:MOST])
    for i in range(MOST, MOST + 120):
        estimator.partial_fit(X[i : i + 1], y[i : i + 1])
    assert estimator._stream.late is None
    for column, first in ((1, 0), (2, 40)):
        values = np.append(X[MOST : MOST + 40 + WARM_UP, column], 0.0)
        assert estimator.model_.feature_map.scale[column] == pytest.approx(2.0 / np.ptp(values)), first


def test_warm_start_after_a_constant_target_among_several() -> None:
    X, y, _ = table()
    both = np.column_stack([y, -y])
    estimator = BackpassRegressor(**STEADY, warm_start=True, epochs=30)
    estimator.fit(X[:40], np.column_stack([y[:40], np.full(40, 5.0)]))
    assert r2_score(both, estimator.fit(X, both).predict(X), multioutput="raw_values").min() > 0.85


def test_several_targets_and_quantiles_and_losses_of_ones_own() -> None:
    X, y, _ = table()
    both = np.column_stack([y, np.where(np.arange(ROWS) < 30, 5.0, -y)])
    estimator = fed(BackpassRegressor(**STEADY, batch_size=8), X, both, every(1)[:40])
    for _ in range(10):  # with the first 30 rows each time no network fits the others: they contradict them
        estimator.partial_fit(X[30:], both[30:])
    assert estimator.score(X[30:], both[30:]) > 0.75
    quantiles = BackpassRegressor(**STEADY, loss="quantile", quantile=(0.1, 0.9), batch_size=8)
    low, high = fed(quantiles, X, y, every(4)).predict(X).T
    assert 0.6 < np.mean((low <= y) & (y <= high)) < 0.99
    squared = BackpassRegressor(**STEADY, loss=lambda o, t: 1e-4 * (o - t) * (o - t), batch_size=8)
    assert fed(squared, X, y, every(4)).score(X, y) > 0.75


@pytest.mark.parametrize("cuts", [every(8), every(20)], ids=["eights", "twenties"])
def test_the_published_recipe_as_a_stream(cuts: Cuts) -> None:
    """Its predictions are kept within the targets seen so far, not within those of the first rows."""
    X, y, _ = table()
    order = np.argsort(y)
    estimator = BackpassRegressor(preset="realmlp", hidden_layer_sizes=(16,), learning_rate=0.05)
    estimator = fed(estimator, X.iloc[order], y[order], cuts)
    scale = estimator.model_.head.scales[0]
    assert (scale.low, scale.high) == (y.min(), y.max())
    estimator = BackpassRegressor(preset="realmlp", hidden_layer_sizes=(16,), learning_rate=0.02, dropout=0.0)
    assert fed(fed(estimator, X, y, cuts), X, y, cuts).score(X, y) > 0.6


def own_squared(o: Any, t: Any) -> Any:
    return (0.5 * (o - t) * (o - t)).sum(axis=1)


@pytest.mark.parametrize(
    ("options", "is_traced_again"),
    [({"clip_predictions": "training"}, False), ({}, False), ({"loss": own_squared}, True)],
    ids=["a growing range", "a late column", "a loss in the units of a late target"],
)
def test_new_scales_trace_the_step_again_only_if_it_contains_them(
    options: dict[str, Any], is_traced_again: bool
) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(MOST + 12, 2)), np.sort(rng.normal(size=MOST + 12))
    X[:MOST, 1] = 0.0
    both = np.column_stack([y, np.where(np.arange(MOST + 12) < MOST, 7.0, y)])
    kept, fresh = (BackpassRegressor(**STEADY, **options).partial_fit(X[:MOST], both[:MOST]) for _ in range(2))
    for i in range(MOST, MOST + 12):
        fresh._stream = replace(fresh._stream, traced=None)  # its step is traced for every problem
        fresh.partial_fit(X[i : i + 1], both[i : i + 1])
    before = _step_of.cache_info().misses
    for i in range(MOST, MOST + 12):
        kept.partial_fit(X[i : i + 1], both[i : i + 1])
    assert (_step_of.cache_info().misses > before) == is_traced_again
    np.testing.assert_array_equal(kept._stream.theta, fresh._stream.theta)


def test_labels_one_row_at_a_time() -> None:
    X, y, _ = table()
    tags = np.column_stack([y > np.median(y), X["flag"]]).astype(int)
    estimator = fed(BackpassClassifier(**STEADY), X, tags, every(2))
    assert np.mean(estimator.predict(X) == tags) > 0.8


def test_warm_start_after_a_constant_target_or_column() -> None:
    X, y, _ = table()
    estimator = BackpassRegressor(**STEADY, warm_start=True, epochs=40)
    first = X[:20].assign(height=5000.0)
    estimator.fit(first, np.zeros(20))
    assert estimator.fit(X, y).score(X, y) > 0.9
    np.testing.assert_array_equal(estimator.predict(X), estimator.model_.predict(X))


def test_a_stream_goes_on_after_a_constant_fit() -> None:
    X, y, _ = table()
    estimator = BackpassRegressor(**STEADY, epochs=5, batch_size=8).fit(X[:20].assign(height=5000.0), np.zeros(20))
    assert fed(estimator, X, y, every(10)).score(X, y) > 0.75
