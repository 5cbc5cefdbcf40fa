"""Labels: how well a model tells each of the labels that it predicts, beside always saying how often the label is on.

Probabilities (n, k) and truth (n, k) of 0 and 1 come in; a score for each label goes out, and its line of a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.head.heads import Heads
from backpass.model.metrics import error, log_loss
from backpass.model.model import Model
from backpass.report.bootstrap import Interval, intervals
from backpass.report.curves import roc
from backpass.report.style import label

METRICS = {"log_loss": log_loss, "error": error}
"""What is told of each label: the log-loss, and the share of rows that 1/2 puts on the wrong side."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A label: the share of rows on which it is on, its metrics, those of always saying that share, its ROC area.

    area: None where every row, or none, has the label
    """

    name: str
    share: float
    scores: Mapping[str, Interval]
    constant: Mapping[str, float]
    area: float | None


def label_names(model: Model) -> tuple[str, ...]:
    """The names of a model's labels; none where it predicts something else."""
    head = model.head
    return tuple(each.target.name for each in head.heads) if isinstance(head, Heads) and head.are_labels else ()


def label_scores(
    names: Sequence[str], predicted: NDArray[np.float64], truth: NDArray[Any], *, seed: int = 0
) -> tuple[LabelScore, ...]:
    """The score of each label, with intervals from rows drawn by the seed."""
    return tuple(_scored(name, predicted[:, j], truth[:, j], seed) for j, name in enumerate(names))


def _scored(name: str, p: NDArray[np.float64], y: NDArray[Any], seed: int) -> LabelScore:
    both, share = np.column_stack([1.0 - p, p]), float(y.mean())
    always = np.tile([1.0 - share, share], (len(y), 1))
    return LabelScore(
        name,
        share,
        intervals(
            lambda weights: {key: metric(both, y, weights) for key, metric in METRICS.items()}, len(y), seed=seed
        ),
        {key: metric(always, y) for key, metric in METRICS.items()},
        roc(p, y == 1).area if 0.0 < share < 1.0 else None,
    )


def constant_of(found: Sequence[LabelScore], metric: str) -> dict[str, float]:
    """The mean of a metric over labels that are always given their share; nothing for other metrics."""
    if not found or metric not in METRICS:
        return {}
    return {"always the share": float(np.mean([each.constant[metric] for each in found]))}


def label_rows(found: Sequence[LabelScore]) -> Iterator[dict[str, Any]]:
    """A line of the table for each label."""
    for each in found:
        loss, wrong = each.scores["log_loss"], each.scores["error"]
        yield {
            "name": label(each.name),
            "share": f"{each.share:.1%}",
            "cells": [
                (f"{loss.value:.4f}", f"{loss.low:.4f} to {loss.high:.4f}"),
                (f"{each.constant['log_loss']:.4f}", ""),
                (f"{wrong.value:.1%}", f"{wrong.low:.1%} to {wrong.high:.1%}"),
                (f"{each.constant['error']:.1%}", ""),
                ("" if each.area is None else f"{each.area:.3f}", ""),
            ],
        }
