"""Decisions as numbers: what each threshold of a classifier finds and costs, and what its ranking gains.

``decisions_of`` takes a model and rows with known classes and returns two tables; the other functions take the
probability of the positive class and the truth of rows. Curves are drawn in ``pictures.evaluation``; the threshold
itself is chosen at the fit, see ``model.head.threshold``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model import Model
from backpass.model.head.decision import Decision
from backpass.model.metrics.ranking import cumulated
from backpass.reporting.numbers.held_out import HeldOut

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""The thresholds of the table, to which the model's own is added, and smaller ones for a rare class."""
SMALL = tuple(float(f"{digit}e-{place}") for place in (5, 4, 3, 2) for digit in (1, 2, 5))[:-1]
"""Thresholds below the usual ones: 1, 2 and 5 in each decade."""
TOPS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of the rows, those with the highest probabilities, whose gain and lift are shown."""


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """What happens if rows with at least this probability are called positive.

    Attributes:
        threshold: The threshold.
        called: The share of all rows that are called positive.
        precision: The share of these that are positive; NaN if there are none.
        recall: The share of the positive rows that are called positive.
        f1: The harmonic mean of precision and recall.
        cost: The cost of all false positives and false negatives.
    """

    threshold: float
    called: float
    precision: float
    recall: float
    f1: float
    cost: float


def at_threshold(
    score: Floats,
    positive: Flags,
    threshold: float,
    cost: tuple[float, float] = (1.0, 1.0),
    weights: Floats | None = None,
) -> AtThreshold:
    """Return what a threshold finds and costs.

    Args:
        score: (n,). The probability of the positive class.
        positive: (n,). Whether a row is positive.
        threshold: The threshold.
        cost: The cost of a false positive and of a false negative.
        weights: (n,). The weight of each row.

    >>> found = at_threshold(np.array([0.9, 0.6, 0.4]), np.array([True, False, True]), 0.5, (1.0, 10.0))
    >>> (found.precision, found.recall, found.cost)
    (0.5, 0.5, 11.0)
    """
    w = np.ones(len(score)) if weights is None else weights
    called = score >= threshold
    hits, alarms, missed = (
        float(w[rows].sum()) for rows in (called & positive, called & ~positive, ~called & positive)
    )
    return AtThreshold(
        threshold,
        (hits + alarms) / float(w.sum()),
        hits / (hits + alarms) if hits + alarms else float("nan"),
        hits / (hits + missed) if hits + missed else 0.0,
        2.0 * hits / (2.0 * hits + alarms + missed) if hits + alarms + missed else 0.0,
        cost[0] * alarms + cost[1] * missed,
    )


def cost_curve(
    score: Floats, positive: Flags, cost: tuple[float, float] = (1.0, 1.0), weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return thresholds in ascending order and the cost at each, from calling all rows positive to calling none."""
    at, hits, alarms = cumulated(score, positive, weights)
    costs = cost[0] * alarms + cost[1] * (hits[-1] - hits)
    none = cost[1] * hits[-1]
    return np.append(at[::-1], np.nextafter(at[0], np.inf)), np.append(costs[::-1], none)


def gain_curve(score: Floats, positive: Flags, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the share of rows, those with the highest probabilities first, and the share of positive rows in them."""
    _, hits, alarms = cumulated(score, positive, weights)
    return _gain_curve(hits, hits + alarms)


def _gain_curve(hits: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Return the points of the curve, given the positive rows and all rows that score at least each threshold."""
    return np.insert(rows / rows[-1], 0, 0.0), np.insert(hits / hits[-1], 0, 0.0)


def thresholds_for(score: Floats, share: float, own: float) -> list[float]:
    """Return the thresholds of the table: the model's own, and those that divide the rows.

    Those below 0.05 are listed down to half the share of positive rows, as for the other class those above 0.95, since
    probabilities of a rare class are small.

    Args:
        score: (n,). The probability of the positive class.
        share: The share of positive rows.
        own: The threshold of the model.

    >>> thresholds_for(np.array([0.001, 0.02, 0.3]), 0.01, 0.5)
    [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5]
    """
    small = [each for each in SMALL if each >= share / 2.0]
    large = [1.0 - each for each in SMALL if each >= (1.0 - share) / 2.0]
    lowest, highest = float(score.min()), float(score.max())
    return sorted({own, *(each for each in (*small, *THRESHOLDS, *large) if lowest < each <= highest)})


@dataclass(frozen=True, slots=True)
class AtTop:
    """What the rows with the highest probabilities contain.

    Attributes:
        top: The share of the rows.
        threshold: The lowest probability among them.
        precision: The share of them that is positive.
        gain: The share of all positive rows that is among them.
        lift: How many times that of as many random rows.
    """

    top: float
    threshold: float
    precision: float
    gain: float
    lift: float


def at_tops(score: Floats, positive: Flags, tops: Sequence[float], weights: Floats | None = None) -> tuple[AtTop, ...]:
    """Return what the rows with the highest probabilities contain, for several shares of the rows.

    Rows with equal probabilities count in proportion.

    Args:
        score: (n,). The probability of the positive class.
        positive: (n,). Whether a row is positive; at least one is.
        tops: The shares.
        weights: (n,). The weight of each row.

    >>> found = at_tops(np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, False, True, False]), [0.25])
    >>> (found[0].threshold, found[0].precision, found[0].gain, found[0].lift)
    (0.9, 1.0, 0.5, 2.0)
    """
    at, hits, alarms = cumulated(score, positive, weights)
    rows = hits + alarms
    share, (x, y) = float(hits[-1] / rows[-1]), _gain_curve(hits, rows)
    found = []
    for top in tops:
        gain = float(np.interp(top, x, y))
        lowest = float(at[np.searchsorted(rows, (top - 1e-9) * rows[-1])])
        found.append(AtTop(top, lowest, gain * share / top, gain, gain / top))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Decisions:
    """The tables of the decisions of a classifier of two classes.

    Attributes:
        positive: The positive class.
        own: The threshold of the model.
        has_cost: Whether the model knows the costs of errors; without, ``cost`` counts the errors.
        thresholds: What each threshold finds and costs; empty if all rows are of one class.
        tops: What the rows with the highest probabilities contain; empty if all rows are of one class.
    """

    positive: str
    own: float
    has_cost: bool
    thresholds: tuple[AtThreshold, ...]
    tops: tuple[AtTop, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "thresholds": [
                {
                    "threshold": each.threshold,
                    "predicted_positive": each.called,
                    "precision": None if np.isnan(each.precision) else each.precision,
                    "recall": each.recall,
                    "f1": each.f1,
                    "cost": each.cost if self.has_cost else None,
                }
                for each in self.thresholds
            ],
            "gains": [
                {
                    "rows": each.top,
                    "threshold": each.threshold,
                    "precision": each.precision,
                    "gain": each.gain,
                    "lift": each.lift,
                }
                for each in self.tops
            ],
        }


def decisions_of(model: Model, held: HeldOut) -> Decisions | None:
    """Return what thresholds and the ranking of a model give on labeled rows; None for anything but two classes."""
    if len(model.classes) != 2:
        return None
    decision, weights = model.head.decision or Decision(), held.weights
    score, is_positive = held.predicted[:, decision.positive], held.truth == decision.positive
    own, cost = decision.threshold, decision.cost or (1.0, 1.0)
    thresholds, tops = list[AtThreshold](), tuple[AtTop, ...]()
    if 0 < is_positive.sum() < held.rows:
        share = float(np.average(is_positive, weights=weights))
        for threshold in thresholds_for(score, share, own):
            thresholds.append(at_threshold(score, is_positive, threshold, cost, weights))
        tops = at_tops(score, is_positive, TOPS, weights)
    positive, has_cost = model.classes[decision.positive], decision.cost is not None
    return Decisions(positive, own, has_cost, tuple(thresholds), tops)
