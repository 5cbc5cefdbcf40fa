"""The report's numbers: held-out rows, intervals, curves, importance, dependence; slow twins and known answers."""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fitted import FORMULA, IMAGE, MARKS, SCRIPT, Case, case_of, table_of

import backpass
from backpass.errors import UsageError
from backpass.model.anatomy.neuron import is_single_neuron
from backpass.model.profile import SHARES
from backpass.numerics.bootstrap import intervals
from backpass.reporting.explanation.dependence import dependence
from backpass.reporting.explanation.importance import importances, picked_classes
from backpass.reporting.numbers.columns import columns_of, typical_row
from backpass.reporting.numbers.curves import Curve, calibration, precision_recall, roc, thinned
from backpass.reporting.numbers.held_out import HeldOut, held_out
from backpass.reporting.numbers.learning_curve import learning_curves_of

RNG = np.random.default_rng(0)


def held(case: Case, **columns: Any) -> HeldOut:
    return held_out(case.model, case.model.table({**case.columns, **columns}, with_target=True))


# Held-out rows


def test_of_the_table_of_the_fit_the_test_rows_are_taken(case: Case) -> None:
    found = held(case)
    assert found.rows == case.model.record.rows["test"]
    assert "held out for testing" in found.origin
    scores = found.scores(case.model.head)
    assert scores == pytest.approx(case.model.record.scores["test"], rel=1e-6)


def test_without_test_rows_the_validation_rows_are_taken() -> None:
    case = case_of("price", test_fraction=0.0, epochs=2)
    assert "held out for validation" in held(case).origin


def test_of_a_fit_with_a_test_file_the_validation_rows_are_known() -> None:
    columns, other = table_of("price"), table_of("price", 100, 7)
    model = backpass.fit(columns, "price", test=other, hidden=(4,), epochs=2, validation_fraction=0.16)
    found = held_out(model, model.table(columns, with_target=True))
    assert found.rows == model.record.rows["validation"]
    assert held_out(model, model.table(other, with_target=True)).rows == 100


def test_all_rows_of_another_table_are_taken() -> None:
    case = case_of("price")
    table = case.model.table(table_of("price", 50, 3), with_target=True)
    found = held_out(case.model, table)
    assert found.rows == 50
    assert found.notes == table.notes
    assert "all 50 rows" in found.origin


def test_another_table_of_as_many_rows_is_doubted() -> None:
    case = case_of("price")
    others = case.model.table(table_of("price", 400, 3), with_target=True)
    earlier = held_out(replace(case.model, training_rows=None), others)  # a file that does not hold its rows' digests
    assert earlier.rows == 400
    assert "if it is the training table" in earlier.notes[-1]
    found = held_out(case.model, others)
    assert (found.rows, found.notes, found.warnings) == (400, (), ())


# Intervals


def test_an_interval_is_that_of_the_mean() -> None:
    values = RNG.normal(size=900)

    def mean(weights: Any) -> dict[str, float]:
        return {"mean": float(np.average(values, weights=weights))}

    found = intervals(mean, len(values))["mean"]
    half = 1.96 * values.std() / 30.0
    assert found.value == values.mean()
    assert found.low == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.2 * half)
    assert found == intervals(mean, len(values))["mean"]
    assert found != intervals(mean, len(values), seed=1)["mean"]


# Curves


def test_curves_are_scikit_learn_s() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    score = np.round(RNG.random(500), 2)  # with ties
    positive = RNG.random(500) < score
    curve = roc(score, positive)
    assert curve.area == pytest.approx(metrics.roc_auc_score(positive, score))
    x, y, _ = metrics.roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose(curve.x, x)
    np.testing.assert_allclose(curve.y, y)
    assert precision_recall(score, positive).area == pytest.approx(metrics.average_precision_score(positive, score))
    w = RNG.integers(0, 4, 500).astype(float)
    weighted = metrics.roc_auc_score(positive, score, sample_weight=w)
    assert roc(score, positive, w).area == pytest.approx(weighted)
    weighted = metrics.average_precision_score(positive, score, sample_weight=w)
    assert precision_recall(score, positive, w).area == pytest.approx(weighted)


def test_the_calibration_of_weighted_rows_is_that_of_repeated_ones() -> None:
    score = np.repeat(np.arange(10) / 10.0, 20)
    positive = np.tile(np.arange(20) < 7, 10)
    twice = np.where(positive, 2.0, 1.0)
    found = calibration(score, positive, twice)
    np.testing.assert_allclose(found.predicted, np.arange(10) / 10.0)
    np.testing.assert_allclose(found.observed, 14.0 / 27.0)
    np.testing.assert_allclose(found.rows, 27.0**2 / (4 * 7 + 13))
    equal = calibration(score, positive, np.full(200, 3.0))
    np.testing.assert_allclose(equal.low, calibration(score, positive).low)


def test_honest_probabilities_lie_within_their_intervals() -> None:
    score = RNG.random(20_000)
    found = calibration(score, RNG.random(20_000) < score)
    assert len(found.rows) == 10
    assert found.rows.sum() == 20_000
    assert np.count_nonzero((found.low <= found.predicted) & (found.predicted <= found.high)) >= 8
    wrong = calibration(score, RNG.random(20_000) < score**3)
    assert np.count_nonzero((wrong.low <= wrong.predicted) & (wrong.predicted <= wrong.high)) <= 2


def test_a_thinned_curve_keeps_its_ends_and_its_shape() -> None:
    x = np.sort(RNG.random(5000))
    curve = Curve(x, x**2, 1.0 / 3.0)
    few = thinned(curve, 100)
    assert len(few.x) <= 101
    assert (few.x[0], few.x[-1]) == (x[0], x[-1])
    np.testing.assert_allclose(np.interp(x, few.x, few.y), curve.y, atol=1e-3)
    assert thinned(few, 200) is few


# Importance


def test_what_the_target_rests_on_is_important_and_noise_is_not() -> None:
    found = {each.name: each for each in importances(case_of("price").model, held(case_of("price")))}
    assert list(found) == sorted(found, key=lambda name: -found[name].worse)
    assert next(iter(found)) == IMAGE
    assert found[IMAGE].worse > 5 * abs(found[FORMULA].worse)
    assert found[SCRIPT].worse > 2 * abs(found[FORMULA].worse)
    assert found[IMAGE].change > 3 * found[FORMULA].change


def test_importance_is_repeatable_and_of_every_column(variant: Case) -> None:
    first = importances(variant.model, held(variant), repeats=2)
    assert first == importances(variant.model, held(variant), repeats=2)
    assert {each.name for each in first} == {column.name for column in columns_of(variant.model)}
    assert all(np.isfinite([each.worse, each.spread, each.change]).all() for each in first)


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_changes_are_differences_of_predictions(scaling: str) -> None:
    """Between half an interquartile range below and above, whatever the scale of the inputs is."""
    case = case_of("price", precision="float64", epochs=3, numerical_scaling=scaling)
    model, rows = case.model, held(case)
    found = {each.name: each.change for each in importances(model, rows)}
    at = dict(zip(SHARES, model.record.columns[FORMULA].quantiles, strict=True))  # type: ignore[union-attr]
    j = [number.name for number in model.schema.numbers].index(FORMULA)
    up, down = rows.numbers.copy(), rows.numbers.copy()
    up[:, j] += 0.5 * (at[0.75] - at[0.25])
    down[:, j] -= 0.5 * (at[0.75] - at[0.25])
    ends = [
        model.head.predictions(model.ensemble.outputs(model.ensemble.inputs(each, rows.codes))) for each in (up, down)
    ]
    assert found[FORMULA] == pytest.approx(float(np.mean(np.abs(ends[0] - ends[1]))))


def test_a_probability_changes_by_at_most_1(variant: Case) -> None:
    if variant.model.classes:
        assert all(0.0 <= each.change <= 1.0 for each in importances(variant.model, held(variant), repeats=1))


def test_the_class_that_is_meant() -> None:
    two = np.array([[0.7, 0.3], [0.1, 0.9]])
    three = np.array([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]])
    np.testing.assert_array_equal(picked_classes(np.zeros(2)), [[1.0], [1.0]])
    np.testing.assert_array_equal(picked_classes(two), [[0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(picked_classes(two, 0), [[1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(picked_classes(three), [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


# Dependence


def test_dependence_is_the_mean_of_predictions_row_by_row() -> None:
    case = case_of("price")
    rows = held(case)
    for name in (FORMULA, SCRIPT):
        found = dependence(case.model, name, rows.numbers, rows.codes)
        for i in (0, len(found.at) // 2, len(found.at) - 1):
            test = {key: [values[n - 1] for n in rows.table.row_numbers] for key, values in case.columns.items()}
            value = found.at[i] if found.kind == "numeric" else str(found.at[i])
            predicted = case.model.predict({**test, name: [value] * rows.rows})
            assert found.mean[i] == pytest.approx(predicted.mean(), rel=1e-5)


def test_whole_numbers_take_whole_values() -> None:
    found = dependence(case_of("price").model, MARKS)
    assert found.lines.shape == (1, len(found.at))
    np.testing.assert_array_equal(found.at, np.rint(np.asarray(found.at)))


def test_another_column_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="no column 'nosie'"):
        dependence(case_of("price").model, "nosie")


def test_a_single_neuron_has_a_kink_where_its_prediction_leaves_zero() -> None:
    x = np.linspace(0.0, 10.0, 200)
    y = np.maximum(x - 4.0, 0.0)
    model = backpass.fit(
        {"x": x, "y": y}, "y", hidden=(), output_activation="relu", epochs=200, learning_rate=0.02, seed=2
    )
    assert is_single_neuron(model)
    found = dependence(model, "x")
    (kink,) = found.kinks
    assert 3.0 < kink < 5.0
    below, above = np.asarray(found.at) < kink, np.asarray(found.at) > kink + 0.2
    assert (found.mean[below] == 0.0).all()
    assert (found.mean[above] > 0.0).all()


def test_other_networks_are_no_single_neuron() -> None:
    assert not is_single_neuron(case_of("price").model)
    assert dependence(case_of("price").model, FORMULA).kinks == ()


# The typical row


def test_the_typical_row_has_medians_and_the_commonest_texts() -> None:
    model = case_of("price").model
    numbers, codes = typical_row(columns_of(model))
    profiles = [model.record.columns[number.name] for number in model.schema.numbers]
    medians = [profile.quantiles[SHARES.index(0.5)] for profile in profiles]  # type: ignore[union-attr]
    np.testing.assert_array_equal(numbers[0], medians)
    robust = case_of("price", numerical_scaling="robust").model
    np.testing.assert_array_equal(typical_row(columns_of(robust))[0][0], robust.feature_map.center[:3])
    counts = model.record.columns[SCRIPT].counts  # type: ignore[union-attr]
    assert counts[codes[0, 0] - 1] == max(counts)
    span = columns_of(model)[1].range
    assert span is not None
    assert span.whole
    assert (span.low, span.high) == (1.0, 59.0)


def test_an_old_model_file_has_one_too() -> None:
    model = case_of("price").model
    old = replace(model, record=replace(model.record, columns={}))
    assert typical_row(columns_of(old))[0] == pytest.approx(model.feature_map.center[None, :3])
    assert columns_of(old)[3].commonest == 1
    span = columns_of(old)[2].range
    assert span is not None
    assert span.low < span.middle < span.high


# Learning curves


def test_the_course_has_one_unit_where_it_can() -> None:
    curves = learning_curves_of(case_of("price").model)
    assert (curves.together, curves.train_name, curves.score_name) == (True, "rmse", "rmse")
    record = case_of("price").model.record
    assert curves.scores[record.best_epoch - 1] == pytest.approx(record.scores["validation"]["rmse"])
    assert min(curves.train) > 0.3 * min(curves.scores)
    assert learning_curves_of(case_of("sold").model).train_name == "log loss"
    absolute = learning_curves_of(case_of("price", loss="absolute", epochs=2).model)
    assert (absolute.together, absolute.train_name, absolute.score_name) == (False, "absolute loss", "mae")


def test_several_targets_have_a_course_without_a_common_unit() -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    model = backpass.BackpassRegressor(preset="plain", hidden_layer_sizes=(4,), epochs=3).fit(X, X[:, :2]).model_
    curves = learning_curves_of(model)
    assert (len(curves.epochs), curves.together) == (3, False)


def _calls_for(columns: int) -> int:
    """The number of Python functions that ``columns_of`` calls for a model of so many columns."""
    rng = np.random.default_rng(0)
    data = {f"x{j}": rng.normal(size=30) for j in range(columns)} | {"y": rng.normal(size=30)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", backpass.BackpassWarning)
        model = backpass.fit(data, "y", hidden=(2,), epochs=1)
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        columns_of(model)
    finally:
        sys.setprofile(None)
    return calls


def test_the_columns_of_a_wide_model_take_time_in_proportion() -> None:
    assert _calls_for(200) < 12 * _calls_for(20)
