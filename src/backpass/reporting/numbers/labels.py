"""Labels: the scores of each label of a multi-label model, next to those of always predicting the label's frequency.

``label_scores`` takes probabilities (n, k) and true labels (n, k) of 0 and 1 and returns a score for each label;
``label_rows`` formats the scores as rows of a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.head.head import Head
from backpass.model.metrics import scores
from backpass.numerics.bootstrap import Interval, drawn_weights, intervals
from backpass.reporting.numbers.curves import roc
from backpass.reporting.numbers.names import label

METRICS = ("log_loss", "error")
"""The metrics of each label: the log loss, and the error rate at the threshold 1/2."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """The scores of one label.

    Attributes:
        name: The name of the label.
        share: The share of rows with the label.
        scores: The metrics of the model.
        constant: The metrics of always predicting ``share``.
        area: The area under the ROC curve; None if all rows or no rows have the label.
    """

    name: str
    share: float
    scores: Mapping[str, Interval]
    constant: Mapping[str, float]
    area: float | None


def label_names(head: Head) -> tuple[str, ...]:
    """Return the names of the labels; empty for other tasks."""
    return tuple(each.target.name for each in head.targets) if head.are_labels else ()


def label_scores(
    names: Sequence[str],
    predicted: NDArray[np.float64],
    truth: NDArray[Any],
    weights: NDArray[np.float64] | None = None,
    *,
    unit: NDArray[Any] | None = None,
    seed: int = 0,
) -> tuple[LabelScore, ...]:
    """Return the scores of each label.

    Args:
        names: The names of the labels.
        predicted: (n, k). The predicted probabilities.
        truth: (n, k). The true labels, 0 or 1.
        weights: (n,). The weight of each row. Default None: equal weights.
        unit: (n,). The number of the group of each row, see ``intervals``.
        seed: The seed of the bootstrap intervals.
    """
    return tuple(_scored(name, predicted[:, j], truth[:, j], weights, unit, seed) for j, name in enumerate(names))


def _scored(
    name: str,
    p: NDArray[np.float64],
    y: NDArray[Any],
    own: NDArray[np.float64] | None,
    unit: NDArray[Any] | None,
    seed: int,
) -> LabelScore:
    """Score one label; the label is treated as two classes, so that the metrics of classifiers apply."""
    both, share = np.column_stack([1.0 - p, p]), float(np.average(y, weights=own))
    always = np.tile([1.0 - share, share], (len(y), 1))
    return LabelScore(
        name,
        share,
        intervals(lambda drawn: scores(METRICS, both, y, drawn_weights(drawn, own)), len(y), unit=unit, seed=seed),
        scores(METRICS, always, y, own),
        roc(p, y == 1, own).area if 0.0 < share < 1.0 else None,
    )


def constant_of(found: Sequence[LabelScore], metric: str) -> dict[str, float]:
    """Return the mean over labels of a metric of the constant prediction; empty if it is not one of ``METRICS``."""
    if not found or metric not in METRICS:
        return {}
    return {"label frequencies": float(np.mean([each.constant[metric] for each in found]))}


def label_rows(found: Sequence[LabelScore]) -> Iterator[dict[str, Any]]:
    """Yield a row of the table for each label."""
    for each in found:
        loss, wrong = each.scores["log_loss"], each.scores["error"]
        yield {
            "name": label(each.name),
            "share": f"{each.share:.1%}",
            "cells": [
                (f"{loss.value:.4f}", f"{loss.low:.4f} to {loss.high:.4f}" if loss.is_known else ""),
                (f"{each.constant['log_loss']:.4f}", ""),
                (f"{wrong.value:.1%}", f"{wrong.low:.1%} to {wrong.high:.1%}" if wrong.is_known else ""),
                (f"{each.constant['error']:.1%}", ""),
                ("" if each.area is None else f"{each.area:.3f}", ""),
            ],
        }
