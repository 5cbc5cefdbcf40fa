"""The metrics: worked by hand, against their formulas, and free of overflow."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from backpass.model.head.constant import CONSTANTS
from backpass.model.metrics import (
    CHOOSING,
    LOWER_IS_BETTER,
    MAIN_METRICS,
    METRICS,
    ScoringOptions,
    all_metrics,
    decision,
    metrics_for,
    probability,
    ranking,
    scores,
    why_undefined,
)
from backpass.model.metrics import regression as metrics
from backpass.model.settings.constraint import Choice
from backpass.model.settings.declarations import BY_NAME
from backpass.network import LOSSES

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
    assert decision.accuracy(SHARES, CLASSES) == 0.75
    assert probability.log_loss(SHARES, CLASSES) == pytest.approx(-math.log(0.5 * 0.8 * 0.2) / 4, rel=1e-14)


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
        found = scores(all_metrics(loss), np.eye(3)[CLASSES], CLASSES)
        assert found == {name: 0.0 if name in LOWER_IS_BETTER else 1.0 for name in all_metrics(loss)}
        return
    y = np.concatenate([Y, [0.0, 1e-300, 1e300, 0.1]])
    expected = {name: 1.0 if name == "r2" else 0.0 for name in metrics_for(loss)}
    assert scores(metrics_for(loss), y, y) == expected


def test_a_constant_target_has_r2_0() -> None:
    assert metrics.r2(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == 0.0


def test_predicting_the_mean_has_r2_0() -> None:
    assert metrics.r2(np.full(4, 3.0), Y) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e160, 1e200, 1e307])
def test_no_magnitude_overflows(unit: float) -> None:
    """Errors scale with the target; r2 does not."""
    for name in ("rmse", "mae", "pinball"):
        assert METRICS[name].function(unit * P, unit * Y) == pytest.approx(
            unit * METRICS[name].function(P, Y), rel=1e-13
        )
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
    assert probability.log_loss(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(15 * math.log(10), rel=1e-14)


@pytest.mark.parametrize("loss", ["squared", "quantile", "poisson"])
def test_predictions_that_are_not_finite_give_scores_that_are_not(loss: str) -> None:
    for wrong in (np.inf, np.nan):
        found = scores(metrics_for(loss), np.array([wrong, 1.0]), np.array([1.0, 2.0]))
        assert not np.isfinite(found[metrics_for(loss)[0]])


def test_every_loss_has_metrics_and_the_first_points_down() -> None:
    losses = BY_NAME["loss"].constraint
    assert isinstance(losses, Choice)
    for loss in losses.names:
        assert metrics_for(loss)[0] in LOWER_IS_BETTER
        assert set(metrics_for(loss)) <= METRICS.keys()


def test_every_metric_says_what_it_is() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert len(metric.formula) > 10
        assert metric.title
    assert set(CHOOSING) == METRICS.keys()
    assert METRICS.keys() - LOWER_IS_BETTER >= {"r2", "accuracy", "roc_auc", "f1"}


def test_the_quantile_reaches_the_metric() -> None:
    assert scores(["pinball"], P, Y, options=ScoringOptions(q=0.9))["pinball"] == metrics.pinball(P, Y, 0.9)


@pytest.mark.parametrize("name", METRICS)
def test_a_whole_weight_is_that_many_rows(name: str) -> None:
    rng = np.random.default_rng(0)
    w = np.array([1, 3, 0, 2])
    p, y = rng.uniform(0.1, 1.0, 4), rng.uniform(0.0, 1.0, 4)
    if METRICS[name].task == "classification":
        p, y = np.column_stack([p, 1.0 - p]), np.array([0, 1, 1, 0])
    weighted = METRICS[name].function(p, y, weights=w.astype(float))
    assert weighted == pytest.approx(METRICS[name].function(np.repeat(p, w, axis=0), np.repeat(y, w)), rel=1e-12)


def drawn(k: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities with many ties, classes, and weights of which some are 0."""
    rng = np.random.default_rng(k)
    p = np.round(rng.dirichlet(np.ones(k), n), 1 if k == 2 else 2)
    p += 0.01  # a probability of 0 is clipped at another place elsewhere
    p /= p.sum(axis=1, keepdims=True)
    if k == 2:
        p[:, 1] = 1.0 - p[:, 0]
    y = np.where(rng.uniform(size=n) < 0.5, p.argmax(axis=1), rng.integers(0, k, n))
    return p, y, rng.integers(0, 4, n).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("positive", [0, 1])
def test_two_classes_against_scikit_learn(positive: int, weighted: bool) -> None:
    from sklearn import metrics as theirs

    p, y, w = drawn(2)
    weights = w if weighted else None
    score, is_positive, taken = p[:, positive], y == positive, p.argmax(axis=1)
    decided = np.where(score >= 0.3, positive, 1 - positive)
    keywords = {"sample_weight": weights, "pos_label": positive, "zero_division": 0}
    for given in (taken, decided):
        found = scores(all_metrics("cross_entropy"), p, y, weights, ScoringOptions(positive=positive, decided=given))
        expected = {
            "log_loss": theirs.log_loss(y, p, sample_weight=weights),
            "accuracy": theirs.accuracy_score(y, given, sample_weight=weights),
            "roc_auc": theirs.roc_auc_score(is_positive, score, sample_weight=weights),
            "average_precision": theirs.average_precision_score(is_positive, score, sample_weight=weights),
            "f1": theirs.f1_score(y, given, **keywords),
            "precision": theirs.precision_score(y, given, **keywords),
            "recall": theirs.recall_score(y, given, **keywords),
            "balanced_accuracy": theirs.balanced_accuracy_score(y, given, sample_weight=weights),
            "mcc": theirs.matthews_corrcoef(y, given, sample_weight=weights),
            "brier": theirs.brier_score_loss(is_positive, score, sample_weight=weights),
        }
        assert found.keys() == {*expected, "calibration_error"}
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-12), name
        matrix = theirs.confusion_matrix(y, given, sample_weight=weights)
        np.testing.assert_allclose(decision.confusion(p, y, weights, decided=given), matrix)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [3, 7])
def test_several_classes_against_scikit_learn(k: int, weighted: bool) -> None:
    from sklearn import metrics as theirs

    p, y, w = drawn(k)
    weights, taken = w if weighted else None, p.argmax(axis=1)
    found = scores([*all_metrics("cross_entropy"), "error"], p, y, weights)
    macro = {"sample_weight": weights, "average": "macro", "zero_division": 0, "labels": range(k)}
    one_hot = np.eye(k)[y]
    expected = {
        "log_loss": theirs.log_loss(y, p, sample_weight=weights),
        "accuracy": theirs.accuracy_score(y, taken, sample_weight=weights),
        "error": theirs.zero_one_loss(y, taken, sample_weight=weights),
        "roc_auc": theirs.roc_auc_score(one_hot, p, average="macro", sample_weight=weights),
        "average_precision": theirs.average_precision_score(one_hot, p, average="macro", sample_weight=weights),
        "f1": theirs.f1_score(y, taken, **macro),
        "precision": theirs.precision_score(y, taken, **macro),
        "recall": theirs.recall_score(y, taken, **macro),
        "balanced_accuracy": theirs.balanced_accuracy_score(y, taken, sample_weight=weights),
        "mcc": theirs.matthews_corrcoef(y, taken, sample_weight=weights),
        "brier": np.average(((p - one_hot) ** 2).sum(axis=1), weights=weights),
    }
    assert found.keys() == {*expected, "calibration_error"}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
def test_numbers_against_scikit_learn(weighted: bool) -> None:
    from sklearn import metrics as theirs

    rng = np.random.default_rng(3)
    y = np.round(rng.normal(5.0, 2.0, 300), 1)
    y[y == 0.0] = 0.1
    p, w = np.round(y + rng.normal(size=300), 1), rng.integers(0, 4, 300)
    weights = w.astype(float) if weighted else None
    found = scores(all_metrics("squared"), p, y, weights)
    repeated = np.repeat(np.abs(p - y), w) if weighted else np.abs(p - y)
    expected = {
        "rmse": math.sqrt(theirs.mean_squared_error(y, p, sample_weight=weights)),
        "mae": theirs.mean_absolute_error(y, p, sample_weight=weights),
        "r2": theirs.r2_score(y, p, sample_weight=weights),
        "mape": theirs.mean_absolute_percentage_error(y, p, sample_weight=weights),
        "median_absolute_error": np.median(repeated),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name
    for q in (0.1, 0.9):
        pinball = theirs.mean_pinball_loss(y, p, alpha=q, sample_weight=weights)
        assert scores(["pinball"], p, y, weights, ScoringOptions(q=q))["pinball"] == pytest.approx(pinball, rel=1e-12)


@pytest.mark.parametrize("k", [2, 5])
def test_the_calibration_error_is_that_of_the_bins(k: int) -> None:
    p, y, w = drawn(k)
    confidence, is_right = p.max(axis=1), p.argmax(axis=1) == y
    edges = np.linspace(0.0, 1.0, 16)
    gap = 0.0
    for low, high in pairwise(edges):
        inside = (confidence > low + 1e-12) & (confidence <= high + 1e-12)
        if w[inside].sum():
            gap += w[inside].sum() * abs(
                np.average(is_right[inside], weights=w[inside]) - np.average(confidence[inside], weights=w[inside])
            )
    assert probability.calibration_error(p, y, w) == pytest.approx(gap / w.sum(), rel=1e-9)


def test_a_metric_that_is_undefined_is_left_out() -> None:
    one = scores(all_metrics("cross_entropy"), SHARES[:1], CLASSES[:1])
    assert "roc_auc" not in one
    assert "average_precision" not in one
    assert one["accuracy"] == 1.0
    assert "mape" not in scores(all_metrics("squared"), P, np.array([1.0, 0.0, 2.0, 3.0]))
    assert why_undefined("mape", np.array([1.0, 0.0]), np.array([1.0, 0.0])) == ""
    assert why_undefined("roc_auc", np.array([1, 0]), np.array([1.0, 0.0])) == "all rows have the same class"


def test_a_class_that_is_never_given_has_no_precision() -> None:
    p, y = np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1])
    found = scores(all_metrics("cross_entropy"), p, y)
    assert (found["precision"], found["recall"], found["f1"], found["mcc"]) == (0.0, 0.0, 0.0, 0.0)
    assert found["balanced_accuracy"] == 0.5


def test_ranking_ignores_what_preserves_the_order() -> None:
    p, y, w = drawn(2)
    squeezed = np.column_stack([1.0 - p[:, 1] ** 3, p[:, 1] ** 3])
    for name in ("roc_auc", "average_precision"):
        function = METRICS[name].function
        assert function(squeezed, y, w) == pytest.approx(function(p, y, w), rel=1e-12)
    assert ranking.roc_auc(p, y, w, positive=0) == pytest.approx(ranking.roc_auc(p, y, w, positive=1), rel=1e-12)


def test_every_loss_that_users_can_choose_is_complete() -> None:
    """A new loss needs its main metrics, all of one task, and the constant that it is compared with."""
    choices = {*LOSSES} - {"binary_cross_entropy", "label_cross_entropy"}
    assert not (missing := choices ^ {*MAIN_METRICS}), f"MAIN_METRICS of model/metrics/scoring.py: {missing}"
    assert not (missing := choices ^ {*CONSTANTS, "cross_entropy"}), f"CONSTANTS of model/head/constant.py: {missing}"
    constraint = BY_NAME["loss"].constraint
    assert isinstance(constraint, Choice)
    assert [*constraint.names] == [*MAIN_METRICS]
    for names in MAIN_METRICS.values():
        assert len({METRICS[name].task for name in names}) == 1
