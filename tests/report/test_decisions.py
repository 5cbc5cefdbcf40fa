"""Thresholds, gain, lift and costs: each number is computed another way."""

from __future__ import annotations

import re

import numpy as np
import pytest

from backpass.model import fit
from backpass.reporting.numbers.curves import roc
from backpass.reporting.numbers.decisions import (
    THRESHOLDS,
    TOPS,
    at_threshold,
    at_tops,
    cost_curve,
    gain_curve,
    thresholds_for,
)
from backpass.reporting.page.facts import facts_of
from backpass.reporting.page.page import findings_on, page_of
from backpass.table import table_from

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
    for found in at_tops(score, POSITIVE, TOPS):
        expected = POSITIVE[order][: round(found.top * 300)].sum() / POSITIVE.sum()
        assert found.gain == pytest.approx(expected)
    (found,) = at_tops(np.ones(300), POSITIVE, [0.3])
    assert found.gain == pytest.approx(0.3), "rows with equal scores count in proportion"


def test_the_area_under_the_gain_curve_follows_from_that_under_the_roc_curve() -> None:
    """Each positive row is above p/2 of the positive rows and AUC of the others on average: A = p/2 + (1 - p) AUC."""
    x, y = gain_curve(SCORE, POSITIVE)
    share = POSITIVE.mean()
    expected = share / 2.0 + (1.0 - share) * roc(SCORE, POSITIVE).area
    assert np.trapezoid(y, x) == pytest.approx(expected)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_rows_at_the_top_are_those_from_their_threshold(weighted: bool) -> None:
    """Without ties, the share, the precision and the gain are those of the threshold."""
    from sklearn.metrics import precision_score, recall_score

    score, w = RNG.permutation(300) / 300.0, RNG.choice([0.5, 1.0, 2.0], 300) if weighted else None
    for each in at_tops(score, POSITIVE, TOPS, w):
        top, called = each.top, score >= each.threshold
        share = np.average(called, weights=w)
        assert top <= share + 1e-9 <= top + 2.0 / 150.0 + 1e-9
        (found,) = at_tops(score, POSITIVE, [float(share)], w)
        assert found.gain == pytest.approx(recall_score(POSITIVE, called, sample_weight=w))
        assert found.precision == pytest.approx(precision_score(POSITIVE, called, sample_weight=w))


def test_the_thresholds_of_a_rare_class_divide_its_rows() -> None:
    """At 1 positive row in 200, probabilities hardly reach 0.05: a table from 0.05 up would be empty."""
    score = np.linspace(0.0002, 0.03, 1000)
    rare = thresholds_for(score, 0.005, 0.5)
    assert rare == [0.005, 0.01, 0.02, 0.5]
    common = thresholds_for(1.0 - score, 0.995, 0.5)
    assert common == pytest.approx([0.5, 0.98, 0.99, 0.995])
    even = thresholds_for(np.linspace(0.0, 1.0, 1000), 0.4, 0.123)
    assert even == sorted([*THRESHOLDS, 0.123])


def test_the_page_and_the_facts_hold_these_numbers() -> None:
    """Of the positive class of the model, at its own threshold among others, with its costs."""
    decision = {"positive": "no", "cost": {"false_positive": 50, "false_negative": 500}}
    is_no = np.tile([True, False, False], 60)
    rows = {"x": np.where(is_no, 1.0, -1.0) + RNG.normal(size=180), "y": np.where(is_no, "no", "yes")}
    options = {"hidden": (), "epochs": 3, "validation_fraction": 0.2, "threshold": "cost"}
    model = fit(rows, "y", **options, **decision)  # type: ignore[arg-type]
    findings = findings_on(model, model.table(rows, with_target=True))
    held, facts = findings.held, facts_of(findings)
    assert held is not None
    p, truth, own = held.predicted[:, 0], held.truth == 0, model.head.decision.threshold  # type: ignore[union-attr]
    (row,) = (each for each in facts["thresholds"] if each["threshold"] == own)
    found = at_threshold(p, truth, own, (50.0, 500.0))
    assert row == {
        "threshold": own,
        "predicted_positive": found.called,
        "precision": None if np.isnan(found.precision) else found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "cost": found.cost,
    }
    assert row["recall"] == facts["scores"]["recall"]
    assert [each["rows"] for each in facts["gains"]] == [*TOPS]
    assert [each["gain"] for each in facts["gains"]] == [each.gain for each in at_tops(p, truth, TOPS)]
    assert [each["lift"] for each in facts["gains"]] == [each.gain / each.top for each in at_tops(p, truth, TOPS)]
    page = page_of(findings)
    strong = page[page.index('<tr class="strong"><td class="value">') :]
    cells = re.findall("<td[^>]*>([^<]*)</td>", strong[: strong.index("</tr>")])
    precision = "" if np.isnan(found.precision) else f"{found.precision:.1%}"
    assert cells == [
        f"{own:.4g}",
        f"{found.called:.1%}",
        precision,
        f"{found.recall:.1%}",
        f"{found.f1:.3f}",
        f"{found.cost:,.0f}",
    ]


def test_the_pictures_of_weighted_rows_have_the_scores_beside_them() -> None:
    x, w = RNG.normal(size=160), RNG.choice([0.0, 1.0, 5.0], 160)
    rows = {"x": x, "w": w, "y": np.where(x + RNG.normal(size=160) > 0.5, "yes", "no")}
    model = fit(rows, "y", weight="w", hidden=(), epochs=2)
    findings = findings_on(model, model.table(rows, with_target=True))
    scores, page = facts_of(findings)["scores"], page_of(findings)
    assert f"area {scores['roc_auc']:.3f}" in page
    assert f"average precision {scores['average_precision']:.3f}" in page
    assert "Numbers are sums of row weights." in page


def test_other_models_have_no_such_tables() -> None:
    rows = {"x": [*range(40)], "y": [*range(40)]}
    facts = facts_of(findings_on(fit(rows, "y", hidden=(), epochs=1), table_from(rows)))
    assert facts["thresholds"] is None
    assert facts["gains"] is None
