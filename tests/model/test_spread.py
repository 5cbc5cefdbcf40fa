"""Spread: intervals are wide where errors are large and narrow where they are small, and hold as often as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backpass
import slow_twins
from backpass.model import from_bytes
from backpass.model.head.residuals import PredictedRows, Residuals
from backpass.model.head.spread import Spread

QUICK: dict[str, Any] = {"preset": "plain", "hidden": (16,), "epochs": 30, "batch_size": 64, "learning_rate": 0.02}


def cone(rows: int, seed: int) -> tuple[Any, Any]:
    """Predictions, and targets whose distance from them grows with the prediction."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(1.0, 10.0, rows)
    return predicted, predicted + 0.3 * predicted * rng.normal(size=rows)


@pytest.mark.parametrize("rows", [50, 149, 320])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_factors_are_those_of_the_definition(rows: int, weighted: bool) -> None:
    predicted, y = cone(rows, rows)
    errors = np.abs(y - predicted)
    weights = np.random.default_rng(1).integers(1, 4, rows) * 0.5 if weighted else np.ones(rows)
    found = Spread.of(predicted, errors, weights if weighted else None, rows)
    assert found is not None
    relative, factor = slow_twins.errors_by_spread(predicted, errors, weights)
    np.testing.assert_allclose(errors / found[1], relative, rtol=1e-9)
    new = np.linspace(-1.0, 12.0, 40)
    np.testing.assert_allclose(found[0].at(new), [factor(p) for p in new], rtol=1e-9)


def test_a_weight_of_three_is_three_rows() -> None:
    predicted, y = cone(200, 0)
    weights = np.arange(200) % 3 + 1.0
    repeated = weights.astype(int)
    one = Spread.of(predicted, np.abs(y - predicted), weights, 200)
    each = Spread.of(np.repeat(predicted, repeated), np.repeat(np.abs(y - predicted), repeated), None, 200)
    assert one is not None
    assert each is not None
    np.testing.assert_allclose(one[0].knots, each[0].knots)
    np.testing.assert_allclose(one[0].factors, each[0].factors)
    np.testing.assert_allclose(np.repeat(one[1], repeated), each[1])


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_small_and_large_predictions_are_covered_alike(level: float) -> None:
    inside: list[list[float]] = []
    for seed in range(20):
        found = Residuals.of(PredictedRows(*cone(1_500, seed)), with_spread=True)
        assert found is not None
        predicted, y = cone(4_000, seed + 1_000)
        low, high = (found.end(predicted, offset) for offset in (-found.half_width(level), found.half_width(level)))
        holds = (low <= y) & (y <= high)
        inside.append([holds[predicted < 4.0].mean(), holds[predicted > 7.0].mean(), holds.mean()])
    small, large, every = np.mean(inside, axis=0)
    assert every == pytest.approx(level, abs=0.01)
    assert small == pytest.approx(level, abs=0.04)
    assert large == pytest.approx(level, abs=0.04)


def test_one_width_for_all_would_be_noticed() -> None:
    """The check above can fail: without a spread, small predictions are held too often and large ones too rarely."""
    found = Residuals.of(PredictedRows(*cone(300, 0)))
    assert found is not None
    assert found.spread is None
    predicted, y = cone(4_000, 1_000)
    holds = np.abs(y - predicted) <= found.half_width(0.9)
    assert holds[predicted < 4.0].mean() > 0.95 > 0.85 > holds[predicted > 7.0].mean()


def test_what_tells_no_spread() -> None:
    predicted, y = cone(49, 0)
    assert Spread.of(predicted, np.abs(y - predicted), None, 49) is None  # too few rows
    assert Spread.of(*cone(500, 0), None, 49) is None  # too few groups of rows
    assert Spread.of(np.full(500, 3.0), cone(500, 0)[1], None, 500) is None  # a constant prediction
    assert Spread.of(cone(500, 0)[0], np.zeros(500), None, 500) is None  # no errors


@pytest.mark.parametrize("with_spread", [False, True])
def test_the_crps_is_that_of_the_distribution_drawn_out(with_spread: bool) -> None:
    found = Residuals.of(PredictedRows(*cone(120, 0)), with_spread=with_spread)
    assert found is not None
    predicted, y = cone(30, 1)
    for p, truth, score in zip(predicted, y, found.crps(predicted, y), strict=True):
        factor = 1.0 if found.spread is None else found.spread.at(np.array([p]))[0]
        x = p + factor * np.concatenate([-found.values, found.values])
        by_hand = np.abs(x - truth).mean() - 0.5 * np.abs(x[:, None] - x[None, :]).mean()
        assert score == pytest.approx(by_hand, rel=1e-12)


def test_predictions_at_the_ends_of_float64() -> None:
    predicted = 1.7e308 * np.linspace(-1.0, 1.0, 200)
    found = Spread.of(predicted, np.ones(200), None, 200)
    assert found is not None
    np.testing.assert_allclose(found[0].at(predicted), 1.0)
    tiny = Spread.of(np.arange(200) * 5e-324, np.ones(200), None, 200)
    assert tiny is not None
    np.testing.assert_allclose(tiny[0].at(np.arange(200) * 5e-324), 1.0)


def test_a_model_of_such_a_table_keeps_its_spread() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(1.0, 10.0, 1_200)
    model = backpass.fit({"x": x, "y": x + 0.2 * x * rng.normal(size=1_200)}, "y", validation_fraction=0.3, **QUICK)
    low, high = model.predict_interval({"x": [2.0, 9.0]}, 0.9).T
    assert (high - low)[1] > 2.0 * (high - low)[0]
    again = from_bytes(model.to_bytes())
    assert again.to_bytes() == model.to_bytes()
    assert np.array_equal(again.predict_interval({"x": x}), model.predict_interval({"x": x}))


def test_with_a_time_column_the_width_is_the_same_for_every_prediction() -> None:
    predicted = np.arange(800.0)
    data = {"t": predicted, "x": predicted % 7, "y": predicted % 7 + np.random.default_rng(0).normal(size=800)}
    model = backpass.fit(data, "y", time="t", validation_fraction=0.2, **QUICK)
    assert model.intervals is not None
    assert model.intervals.each[0].spread is None
