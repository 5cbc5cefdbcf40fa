"""Attribution: contributions sum to what they explain, and are those of a linear model where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from fitted import FORMULA, SCRIPT, Case, case_of, table_of

import backpass
from backpass.errors import DataError, UsageError
from backpass.reporting import explain
from backpass.reporting.explanation.importance import picked_classes
from backpass.reporting.explanation.smooth import SmoothModel
from backpass.reporting.numbers.columns import by_column, columns_of, typical_row


def test_contributions_sum_to_the_difference_of_predictions(variant: Case) -> None:
    found = explain(variant.model, variant.columns)
    moved = np.abs(found.contributions).sum(axis=1)
    difference = found.predicted - found.baseline
    np.testing.assert_array_less(np.abs(found.contributions.sum(axis=1) - difference), 1e-5 * moved + 1e-9)
    features = sorted(variant.model.schema.features, key=lambda feature: feature.kind == "categorical")
    assert found.columns == tuple(feature.name for feature in features)


def test_contributions_are_those_of_a_long_integration(variant: Case) -> None:
    """The slow twin: the plain mean over 4,000 steps, which nothing corrects; it sums to the difference by itself."""
    model = variant.model
    smooth = SmoothModel(model)
    table = model.table(variant.columns).take(range(25))
    found = explain(model, table)
    encoded = model.schema.encode(table)
    s, base = (
        smooth.inputs(model.ensemble.inputs(*rows))
        for rows in ((encoded.numbers, encoded.codes), typical_row(columns_of(model)))
    )
    pick = picked_classes(smooth.predictions(s))
    for i in range(25):
        t = (np.arange(4000)[:, None] + 0.5) / 4000
        path = (base + t * (s[i] - base)).astype(s.dtype)
        phi = (s[i] - base[0]) * smooth.slopes(path, np.repeat(pick[i : i + 1], 4000, axis=0)).mean(axis=0, dtype=float)
        expected = np.array([phi[group].sum() for group in by_column(columns_of(model), smooth.groups())])
        difference = found.predicted[i] - found.baseline[i]
        assert abs(phi.sum() - difference) <= 0.01 * abs(difference) + 0.005 * np.abs(phi).sum()
        np.testing.assert_allclose(found.contributions[i], expected, atol=0.03 * np.abs(phi).sum())


def test_predictions_are_those_of_the_model(variant: Case) -> None:
    model, table = variant.model, variant.model.table(variant.columns)
    found, expected = explain(model, table), model.predictions(table)
    if expected.probabilities is None:
        np.testing.assert_allclose(found.predicted, expected.values, rtol=1e-4, atol=1e-2)
        assert found.classes == ()
        return
    places = [model.classes.index(name) for name in found.classes]
    np.testing.assert_allclose(found.predicted, expected.probabilities[range(len(places)), places], atol=1e-5)
    if len(model.classes) > 2:
        assert list(found.classes) == list(expected.values)
    else:
        assert set(found.classes) == {model.classes[1]}


def test_of_a_linear_model_they_are_weights_times_distances() -> None:
    case = case_of("price", hidden=(), epochs=5, precision="float64", numerical_scaling="robust")
    model = case.model
    table = model.table(case.columns)
    found = explain(model, table)
    encoded = model.schema.encode(table)
    x = model.ensemble.inputs(encoded.numbers, encoded.codes)
    W = model.network.layout.views(model.theta)["W1"][:, 0]
    base = np.zeros(x.shape[1])
    profile = model.record.columns[SCRIPT]
    base[model.feature_map.groups()[3][profile.commonest - 1]] = 1.0  # type: ignore[union-attr]
    by_input = model.head.scales[0].scale * W * (x - base)
    expected = [by_input[:, list(group)].sum(axis=1) for group in model.feature_map.groups()]
    np.testing.assert_allclose(found.contributions, np.column_stack(expected), rtol=1e-6, atol=1e-6)


def test_the_smooth_model_s_gradient_is_that_of_its_predictions(variant: Case) -> None:
    smooth = SmoothModel(variant.model)
    encoded = variant.model.schema.encode(variant.model.table(variant.columns))
    s = smooth.inputs(variant.model.ensemble.inputs(encoded.numbers[:20], encoded.codes[:20])).astype(np.float64)
    outputs = max(len(variant.model.classes), 1)
    pick = np.zeros((20, outputs))
    pick[:, -1] = 1.0
    found = smooth.slopes(s.astype(variant.model.theta.dtype), pick)
    wide = smooth.theta.astype(np.float64)
    for j in range(0, s.shape[1], max(s.shape[1] // 5, 1)):
        up, down = s.copy(), s.copy()
        up[:, j] += 1e-6
        down[:, j] -= 1e-6
        ends = [np.reshape(smooth.predicted(wide, each), (20, outputs))[:, -1] for each in (up, down)]
        expected = (ends[0] - ends[1]) / 2e-6
        close = np.isclose(found[:, j], expected, rtol=1e-2, atol=1e-3 * np.abs(expected).max() + 1e-12)
        assert close.mean() >= 0.9  # a kink may lie between


def test_a_class_can_be_chosen() -> None:
    case = case_of("grade")
    table = case.model.table(table_of("grade", 30, 5))
    found = explain(case.model, table, "c")
    assert set(found.classes) == {"c"}
    probabilities = case.model.predictions(table).probabilities
    assert probabilities is not None
    np.testing.assert_allclose(found.predicted, probabilities[:, case.model.classes.index("c")], atol=1e-6)


def test_what_is_not_there_is_refused() -> None:
    case = case_of("grade")
    with pytest.raises(UsageError, match="has no class 'd'"):
        explain(case.model, case.model.table(case.columns), "d")
    with pytest.raises(UsageError, match="has no classes"):
        explain(case_of("price").model, case_of("price").model.table(case.columns), "d")
    with pytest.raises(DataError):
        explain(case.model, case.model.table({FORMULA: [1.0]}))


def test_a_column_that_nothing_rests_on_contributes_nothing() -> None:
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=200), rng.normal(size=200)
    model = backpass.fit(
        {"x": x, "z": z, "y": x**2}, "y", wire=(("unit", ("x",)), ("other", ("x",))), hidden=(4,), epochs=3
    )
    found = explain(model, model.table({"x": x, "z": z}))
    assert (found.contributions[:, 1] == 0.0).all()
    assert (found.contributions[:, 0] != 0.0).any()
