"""The threshold: the probability of the positive class from which a row is given it, chosen on held-out rows.

It takes probabilities and true classes of rows that the networks did not train on, and what the threshold optimizes.
``decision`` applies it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.head.decision import Decision
from backpass.model.metrics import FEWEST_ROWS
from backpass.model.metrics.ranking import cumulated
from backpass.model.settings.settings import Settings
from backpass.table.messages import counted, shown

Floats = NDArray[np.float64]
_TIE = 1e-12
"""Values of an objective that differ by less than this share of it are equal, so that rounding chooses nothing."""

OBJECTIVES = {"f1": "the highest F1", "balanced": "the highest balanced accuracy", "cost": "the lowest cost"}
"""Rule -> what its threshold has on the held-out rows."""


def chosen_rule(settings: Settings) -> str | None:
    """What the threshold optimizes on held-out rows; None if it is not chosen on them.

    >>> chosen_rule(Settings.of({"cost": {"false_positive": 1, "false_negative": 9}}))
    'cost'
    """
    if settings.threshold is None:
        return None if settings.cost is None else "cost"
    return settings.threshold if isinstance(settings.threshold, str) else None


def with_threshold(
    decision: Decision, rule: str, probabilities: Floats, truth: NDArray[Any], weights: Floats | None = None
) -> Decision:
    """The decision with the threshold that is best on held-out rows.

    Args:
        decision: The decision so far, with the positive class and, for "cost", the costs.
        rule: What the threshold optimizes: "f1", "balanced" or "cost".
        probabilities: (n, 2). The predicted probabilities of the rows.
        truth: (n,). Their classes.
        weights: (n,). Their weights.
    """
    score, is_positive = probabilities[:, decision.positive], truth == decision.positive
    return replace(decision, threshold=best_threshold(score, is_positive, rule, decision.cost, weights), rule=rule)


def best_threshold(
    score: Floats,
    positive: NDArray[np.bool_],
    rule: str,
    cost: tuple[float, float] | None = None,
    weights: Floats | None = None,
) -> float:
    """The threshold t with the best value of a rule, if the rows with score >= t are called positive.

        f1        2 TP / (2 TP + FP + FN), highest
        balanced  TP / P + TN / N, highest
        cost      c_FP FP + c_FN FN, lowest

    It lies halfway between two scores. Of several that are equally good it is the one nearest to the threshold that is
    best for calibrated probabilities: c_FP / (c_FP + c_FN) for costs (Elkan 2001), P / (P + N) for the balanced
    accuracy; and nearest to 1/2 for F1.

    Args:
        score: (n,). The probability of the positive class.
        positive: (n,). Whether a row is positive.
        rule: "f1", "balanced" or "cost".
        cost: The cost of a false positive and of a false negative.
        weights: (n,). The weight of each row.

    >>> best_threshold(np.array([0.1, 0.2, 0.6]), np.array([False, True, True]), "f1")
    0.15000000000000002
    """
    at, hits, alarms = cumulated(score, positive, weights)
    P, N = float(hits[-1]), float(alarms[-1])
    # Nothing called positive comes first, then one more distinct score at a time.
    hits, alarms = np.insert(hits, 0, 0.0), np.insert(alarms, 0, 0.0)
    if rule == "cost":
        false_positive, false_negative = cost or (1.0, 1.0)
        value = -(false_positive * alarms + false_negative * (P - hits))
        ideal = false_positive / (false_positive + false_negative)
    elif rule == "balanced":
        value, ideal = hits / max(P, _TIE) + (N - alarms) / max(N, _TIE), P / (P + N)
    else:
        value, ideal = 2.0 * hits / (hits + alarms + max(P, _TIE)), 0.5
    between = _between(at)
    # Where a score is 1, no threshold calls nothing positive.
    possible = between < 1.0 if at[0] < 1.0 else np.arange(len(between)) > 0
    best = value[possible].max()
    ties = np.flatnonzero(possible & (value >= best - _TIE * abs(best)))
    return float(between[ties[np.argmin(np.abs(between[ties] - ideal))]])


def _between(at: Floats) -> Floats:
    """Thresholds halfway between the neighbors of 1, the scores in descending order, and 0."""
    above, below = np.insert(at, 0, 1.0), np.append(at, 0.0)
    middle = 0.5 * above + 0.5 * below
    return np.where(middle > below, middle, above)  # neighboring floats have nothing between them


def threshold_note(decision: Decision, classes: tuple[str, ...], truth: NDArray[Any]) -> str:
    """Return a note on how the threshold was chosen, on rows of these classes (n,).

    >>> threshold_note(Decision(1, 0.071, "cost"), ("no", "yes"), np.repeat([0, 1], [1150, 50]))
    "threshold 0.071 of 'yes': the lowest cost on the 1,200 validation rows, 50 of which are 'yes'"
    """
    rows, name = counted(len(truth), "validation row"), shown(classes[decision.positive])
    count = int(np.count_nonzero(truth == decision.positive))
    what = f"{OBJECTIVES[decision.rule]} on the {rows}, {count:,} of which {'is' if count == 1 else 'are'} {name}"
    return f"threshold {decision.threshold:.4g} of {name}: {what}"


def threshold_warnings(classes: tuple[str, ...], truth: NDArray[Any]) -> list[str]:
    """Return a warning if a threshold was chosen on so few rows of a class (n,) that chance decided.

    >>> threshold_warnings(("no", "yes"), np.repeat([0, 1], [1196, 4]))[0][:63]
    "the threshold was chosen on only 4 validation rows of class 'ye"
    """
    counts = np.bincount(truth, minlength=2)
    rarest = int(np.argmin(counts))
    if counts[rarest] >= FEWEST_ROWS:
        return []
    rows = f"{counted(int(counts[rarest]), 'validation row')} of class {shown(classes[rarest])}"
    return [
        f"the threshold was chosen on only {rows}, so it may be far from the best one: use more validation rows "
        "(--validation-fraction; --preset default chooses it on all training rows), or set --threshold to a number"
    ]
