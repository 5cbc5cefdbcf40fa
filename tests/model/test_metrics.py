"""The metrics: worked by hand, against their formulas, and free of overflow."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backpass.model import metrics
from backpass.model.metrics import LOWER_IS_BETTER, METRICS, metrics_for, scores
from backpass.model.settings.constraint import Choice
from backpass.model.settings.settings import BY_NAME

Y = np.array([1.0, 2.0, 3.0, 6.0])
P = np.array([2.0, 2.0, 1.0, 5.0])
CLASSES = np.array([0, 1, 2, 1])
SHARES = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.6, 0.2], [0.0, 1.0, 0.0]])
RNG = np.random.default_rng(0)
LARGEST = np.finfo(np.float64).max


def test_by_hand() -> None:
    assert metrics.rmse(P, Y) == pytest.approx(math.sqrt((1 + 0 + 4 + 1) / 4), rel=1e-15)
    assert metrics.mae(P, Y) == 1.0
    assert metrics.r2(P, Y) == pytest.approx(1 - 6 / 14, rel=1e-14)  # deviations from 3: 4 + 1 + 0 + 9
    assert metrics.pinball(P, Y, 0.9) == pytest.approx((0.1 * 1 + 0 + 0.9 * 2 + 0.9 * 1) / 4, rel=1e-14)
    assert metrics.pinball(P, Y) == 0.5 * metrics.mae(P, Y)
    assert metrics.accuracy(SHARES, CLASSES) == 0.75
    assert metrics.log_loss(SHARES, CLASSES) == pytest.approx(-math.log(0.5 * 0.8 * 0.2) / 4, rel=1e-14)


def test_poisson_deviance_by_hand() -> None:
    predicted, y = np.array([1.0, 2.0, 0.5]), np.array([0.0, 4.0, 0.5])
    assert metrics.poisson_deviance(predicted, y) == pytest.approx(2 * (1 + (4 * math.log(2) - 2) + 0) / 3, rel=1e-14)


def test_against_the_formulas() -> None:
    y, p = RNG.normal(size=1000), RNG.normal(size=1000)
    e = p - y
    assert metrics.rmse(p, y) == pytest.approx(np.sqrt(np.mean(e**2)), rel=1e-13)
    assert metrics.mae(p, y) == pytest.approx(np.mean(np.abs(e)), rel=1e-13)
    assert metrics.r2(p, y) == pytest.approx(1 - np.sum(e**2) / np.sum((y - np.mean(y)) ** 2), rel=1e-13)
    for q in (0.1, 0.5, 0.9):
        expected = np.mean(np.where(e <= 0, -q * e, (1 - q) * e))
        assert metrics.pinball(p, y, q) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "quantile", "poisson", "cross_entropy"])
def test_perfect_predictions(loss: str) -> None:
    if loss == "cross_entropy":
        assert scores(loss, np.eye(3)[CLASSES], CLASSES) == {"log_loss": 0.0, "accuracy": 1.0}
        return
    y = np.concatenate([Y, [0.0, 1e-300, 1e300, 0.1]])
    expected = {name: 1.0 if name == "r2" else 0.0 for name in metrics_for(loss)}
    assert scores(loss, y, y) == expected


def test_a_constant_target_has_r2_0() -> None:
    assert metrics.r2(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == 0.0


def test_predicting_the_mean_has_r2_0() -> None:
    assert metrics.r2(np.full(4, 3.0), Y) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e160, 1e200, 1e307])
def test_no_magnitude_overflows(unit: float) -> None:
    """Errors scale with the target; r2 does not."""
    for name in ("rmse", "mae", "pinball"):
        assert METRICS[name](unit * P, unit * Y) == pytest.approx(unit * METRICS[name](P, Y), rel=1e-13)
    assert metrics.r2(unit * P, unit * Y) == pytest.approx(metrics.r2(P, Y), rel=1e-13)


def test_differences_beyond_float64_do_not_overflow() -> None:
    y, p = np.array([LARGEST, 0.0, 0.0, 0.0]), np.array([-LARGEST, 0.0, 0.0, 0.0])
    assert metrics.mae(p, y) == pytest.approx(LARGEST / 2, rel=1e-15)
    assert metrics.rmse(p, y) == pytest.approx(LARGEST, rel=1e-15)
    assert metrics.r2(p, y) < 0


def test_a_hopeless_r2_is_still_a_number() -> None:
    y = np.array([0.0, 1e-200])
    assert metrics.r2(np.array([1e200, 1e200]), y) == -LARGEST


def test_counts_beyond_all_measure() -> None:
    predicted, y = np.array([1e-300, 0.0, 1e300]), np.array([1e3, 0.0, 1.0])
    assert np.isfinite(metrics.poisson_deviance(predicted, y))


def test_a_certain_mistake_costs_as_much_as_a_probability_of_1e_15() -> None:
    assert metrics.log_loss(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(15 * math.log(10), rel=1e-14)


@pytest.mark.parametrize("loss", ["squared", "quantile", "poisson"])
def test_predictions_that_are_not_finite_give_scores_that_are_not(loss: str) -> None:
    for wrong in (np.inf, np.nan):
        found = scores(loss, np.array([wrong, 1.0]), np.array([1.0, 2.0]))
        assert not np.isfinite(found[metrics_for(loss)[0]])


def test_every_loss_has_metrics_and_the_first_points_down() -> None:
    losses = BY_NAME["loss"].constraint
    assert isinstance(losses, Choice)
    for loss in losses.names:
        assert metrics_for(loss)[0] in LOWER_IS_BETTER
        assert set(metrics_for(loss)) <= METRICS.keys()
    assert METRICS.keys() - LOWER_IS_BETTER == {"r2", "accuracy"}


def test_every_metric_says_what_it_is() -> None:
    assert all(metric.__doc__ for metric in METRICS.values())


def test_the_quantile_reaches_the_metric() -> None:
    assert scores("quantile", P, Y, 0.9)["pinball"] == metrics.pinball(P, Y, 0.9)


@pytest.mark.parametrize("name", METRICS)
def test_a_whole_weight_is_that_many_rows(name: str) -> None:
    rng = np.random.default_rng(0)
    w = np.array([1, 3, 0, 2])
    p, y = rng.uniform(0.1, 1.0, 4), rng.uniform(0.0, 1.0, 4)
    if name in ("accuracy", "error", "log_loss"):
        p, y = np.column_stack([p, 1.0 - p]), np.array([0, 1, 1, 0])
    weighted = METRICS[name](p, y, weights=w.astype(float))
    assert weighted == pytest.approx(METRICS[name](np.repeat(p, w, axis=0), np.repeat(y, w)), rel=1e-12)
