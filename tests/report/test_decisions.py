"""Thresholds, gain, lift and costs: each number is computed another way."""

from __future__ import annotations

import numpy as np
import pytest

from backpass.reporting.numbers.curves import roc
from backpass.reporting.numbers.decisions import (
    TOPS,
    at_threshold,
    cost_curve,
    gain,
    gain_curve,
    gain_rows,
    threshold_rows,
)

RNG = np.random.default_rng(0)
SCORE = np.round(RNG.uniform(size=300), 2)
POSITIVE = RNG.uniform(size=300) < SCORE
WEIGHTS = RNG.integers(0, 3, 300).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_a_row_of_the_table_is_that_of_scikit_learn(threshold: float, weighted: bool) -> None:
    from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

    w, called = WEIGHTS if weighted else None, threshold <= SCORE
    found = at_threshold(SCORE, POSITIVE, threshold, (50.0, 500.0), w)
    (_, alarms), (missed, _) = confusion_matrix(POSITIVE, called, sample_weight=w)
    assert found.precision == pytest.approx(
        precision_score(POSITIVE, called, sample_weight=w, zero_division=np.nan), nan_ok=True
    )
    assert found.recall == pytest.approx(recall_score(POSITIVE, called, sample_weight=w))
    assert found.f1 == pytest.approx(f1_score(POSITIVE, called, sample_weight=w))
    assert found.called == pytest.approx(np.average(called, weights=w))
    assert found.cost == pytest.approx(50.0 * alarms + 500.0 * missed)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_cost_curve_has_the_costs_of_its_thresholds(weighted: bool) -> None:
    w = WEIGHTS if weighted else None
    at, costs = cost_curve(SCORE, POSITIVE, (3.0, 7.0), w)
    assert (np.diff(at) > 0.0).all()
    for threshold, cost in zip(at, costs, strict=True):
        assert cost == pytest.approx(at_threshold(SCORE, POSITIVE, threshold, (3.0, 7.0), w).cost)


def test_the_gain_is_that_of_the_sorted_rows() -> None:
    score = RNG.permutation(300) / 300.0
    order = np.argsort(-score)
    for top in TOPS:
        expected = POSITIVE[order][: round(top * 300)].sum() / POSITIVE.sum()
        assert gain(score, POSITIVE, top) == pytest.approx(expected)
    assert gain(np.ones(300), POSITIVE, 0.3) == pytest.approx(0.3), "rows with equal scores count in proportion"


def test_the_area_under_the_gain_curve_follows_from_that_under_the_roc_curve() -> None:
    """Each positive row is above p/2 of the positive rows and AUC of the others on average: A = p/2 + (1 - p) AUC."""
    x, y = gain_curve(SCORE, POSITIVE)
    share = POSITIVE.mean()
    expected = share / 2.0 + (1.0 - share) * roc(SCORE, POSITIVE).area
    assert np.trapezoid(y, x) == pytest.approx(expected)


def test_the_tables_hold_these_numbers() -> None:
    rows = threshold_rows(SCORE, POSITIVE, 0.123, (50.0, 500.0))
    (own,) = (row for row in rows if row["strong"])
    found = at_threshold(SCORE, POSITIVE, 0.123, (50.0, 500.0))
    assert own["threshold"] == "0.123"
    assert own["cells"] == [
        f"{found.called:.1%}",
        f"{found.precision:.1%}",
        f"{found.recall:.1%}",
        f"{found.f1:.3f}",
        f"{found.cost:,.0f}",
    ]
    assert all(len(row["cells"]) == 4 for row in threshold_rows(SCORE, POSITIVE, 0.5, None))
    for row, top in zip(gain_rows(SCORE, POSITIVE), TOPS, strict=True):
        share = gain(SCORE, POSITIVE, top)
        assert row == {"top": f"{top:.0%}", "gain": f"{share:.1%}", "lift": f"{share / top:.2f}"}
