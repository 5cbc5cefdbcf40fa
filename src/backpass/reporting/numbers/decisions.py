"""Decisions as numbers: what each threshold of a classifier finds and costs, and what its ranking gains.

Functions take the probability of the positive class and the truth of rows and return rows of tables or points of
curves. Curves are drawn in ``pictures.evaluation``; the threshold itself is chosen at the fit, see
``model.head.threshold``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.metrics.ranking import cumulated

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""The thresholds of the table, to which the model's own is added."""
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
    rows = hits + alarms
    return np.insert(rows / rows[-1], 0, 0.0), np.insert(hits / hits[-1], 0, 0.0)


def gain(score: Floats, positive: Flags, top: float, weights: Floats | None = None) -> float:
    """Return the share of the positive rows among the ``top`` share of rows with the highest probabilities.

    Rows with equal probabilities count in proportion. The lift is this divided by ``top``.

    >>> gain(np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, False, True, False]), 0.25)
    0.5
    """
    x, y = gain_curve(score, positive, weights)
    return float(np.interp(top, x, y))


def threshold_rows(
    score: Floats,
    positive: Flags,
    own: float,
    cost: tuple[float, float] | None,
    weights: Floats | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of the threshold table, the model's own threshold among them."""
    rows = []
    for threshold in sorted({*THRESHOLDS, own}):
        found = at_threshold(score, positive, threshold, cost or (1.0, 1.0), weights)
        cells = [f"{found.called:.1%}", _share(found.precision), _share(found.recall), f"{found.f1:.3f}"]
        if cost is not None:
            cells.append(f"{found.cost:,.0f}")
        rows.append({"threshold": f"{threshold:.4g}", "cells": cells, "strong": threshold == own})
    return rows


def gain_rows(score: Floats, positive: Flags, weights: Floats | None = None) -> list[dict[str, Any]]:
    """Return the rows of the table of gain and lift."""
    found = [(top, gain(score, positive, top, weights)) for top in TOPS]
    return [{"top": f"{top:.0%}", "gain": f"{share:.1%}", "lift": f"{share / top:.2f}"} for top, share in found]


def _share(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1%}"
