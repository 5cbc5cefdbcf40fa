"""Scoring: which metrics belong to a loss, and their values for predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.metrics.metric import LOWER_IS_BETTER, METRICS

Floats = NDArray[np.float64]
Weights = NDArray[np.float64] | None

EQUIVALENTS = {"r2": "rmse", "accuracy": "error"}
"""Metric where more is better -> equivalent metric where less is better: both have their optimum at the same epoch."""

MAIN_METRICS = {
    "squared": ("rmse", "mae", "r2"),
    "absolute": ("mae", "rmse", "r2"),
    "huber": ("mae", "rmse", "r2"),
    "quantile": ("pinball", "mae"),
    "poisson": ("poisson_deviance", "rmse", "mae"),
    "cross_entropy": ("log_loss", "accuracy", "roc_auc", "average_precision", "f1", "balanced_accuracy"),
}
"""The metrics that are reported first, by loss that users can choose; the others follow where there is room for all."""

_BESIDE = {"pinball": "quantile", "poisson_deviance": "poisson"}
"""Metrics that go with one loss only."""


def metrics_for(loss: str, asked: str | None = None) -> tuple[str, ...]:
    """The main metrics of a loss. The first one, ``asked`` or its equivalent if given, selects the best epoch.

    >>> metrics_for("squared"), metrics_for("cross_entropy", "accuracy")[:3]
    (('rmse', 'mae', 'r2'), ('error', 'log_loss', 'accuracy'))
    """
    names = MAIN_METRICS[loss]
    first = names[0] if asked is None else EQUIVALENTS.get(asked, asked)
    return (first, *(name for name in names if name != first))


def all_metrics(loss: str, asked: str | None = None) -> tuple[str, ...]:
    """Every metric of a loss, the main ones first.

    >>> all_metrics("squared")
    ('rmse', 'mae', 'r2', 'median_absolute_error', 'mape')
    """
    main, task = metrics_for(loss, asked), METRICS[MAIN_METRICS[loss][0]].task
    others = [each.name for each in METRICS.values() if each.task == task and _BESIDE.get(each.name, loss) == loss]
    return (*main, *(name for name in others if name not in main and name != "error"))


def is_compatible(metric: str, loss: str) -> bool:
    """Whether the metric can be computed from the predictions of a network with that loss."""
    return METRICS[metric].task == METRICS[MAIN_METRICS[loss][0]].task


def as_loss(metric: str, value: float) -> float:
    """A score with the sign that makes smaller values better; its own inverse.

    >>> as_loss("roc_auc", 0.75), as_loss("rmse", 0.5)
    (-0.75, 0.5)
    """
    return value if metric in LOWER_IS_BETTER else -value


def why_undefined(metric: str, y: NDArray[Any], weights: Weights = None) -> str:
    """Why a metric is undefined for these targets (n,), in a few words; empty if it is defined.

    >>> why_undefined("mape", np.array([0.0, 1.0])), why_undefined("roc_auc", np.array([0, 1]))
    ('a target is 0', '')
    """
    needs = METRICS[metric].needs if metric in METRICS else ""
    counted = y if weights is None else y[weights > 0.0]
    if needs == "no zero" and (counted == 0).any():
        return "a target is 0"
    if needs == "two classes" and (not counted.size or (counted == counted[0]).all()):
        return "all rows have the same class"
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class ScoringOptions:
    """What metrics need in addition to predictions and targets.

    Attributes:
        q: The quantile, for the quantile loss.
        positive: The number of the positive class.
        decided: The predicted class of each row (n,); None: the most probable one.
    """

    q: float = 0.5
    positive: int = 1
    decided: NDArray[Any] | None = None


def scores(
    names: Sequence[str],
    predicted: Floats,
    y: NDArray[Any],
    weights: Weights = None,
    options: ScoringOptions | None = None,
) -> dict[str, float]:
    """The value of each named metric that is defined for these targets.

    Predictions that are not finite give scores that are not finite.

    Args:
        names: The names of the metrics.
        predicted: Numbers (n,) or probabilities (n, k).
        y: Targets (n,).
        weights: The weight of each row (n,).
        options: What metrics need in addition. Default None: the defaults.
    """
    chosen = options or ScoringOptions()
    if not np.isfinite(predicted).all() and predicted.ndim == 2:
        return {name: float("nan") for name in names}
    with np.errstate(all="ignore"):
        return {
            name: METRICS[name].function(
                predicted, y, weights=weights, **{each: getattr(chosen, each) for each in METRICS[name].options}
            )
            for name in names
            if not why_undefined(name, y, weights)
        }
