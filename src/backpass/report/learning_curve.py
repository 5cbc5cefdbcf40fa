"""The course of a training run: training and validation by epoch, in one unit where they have one.

A model comes in; numbers to draw go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt

from backpass.model.head.head import Head
from backpass.model.model import Model


@dataclass(frozen=True, slots=True)
class Course:
    """Epochs 1 .. m: training loss, validation scores (none where no rows validated) and learning rates.

    ``train_name`` and ``score_name`` say what they are; ``together``: whether they have the same unit.
    """

    epochs: tuple[int, ...]
    train: tuple[float, ...]
    scores: tuple[float, ...]
    rates: tuple[float, ...]
    best: int
    train_name: str
    score_name: str
    together: bool


def course_of(model: Model) -> Course:
    """The course of the (first) network's run.

    A squared loss is shown as rmse in the target's unit, sqrt(2 J) times the target's scale, where that is the metric;
    the cross-entropy is the log loss (smoothed labels and dropout aside).
    """
    history, head = model.history, model.head
    scores = tuple(epoch.score for epoch in history if epoch.score is not None)
    losses = tuple(epoch.train_loss for epoch in history)
    name, together = f"{head.loss_name.replace('_', ' ')} loss", False
    if head.loss_name == "cross_entropy" and head.metric == "log_loss" and head.own is None:
        name, together = "log loss", True
    elif not isinstance(head, Head):  # several targets, each of its own unit
        name = "loss"
    elif head.loss_name == "squared" and head.metric == "rmse" and head.own is None:
        losses = tuple(sqrt(2.0 * loss) * (head.scale.scale or 1.0) if loss >= 0 else loss for loss in losses)
        name, together = "rmse", True
    return Course(
        tuple(epoch.epoch for epoch in history),
        losses,
        scores if len(scores) == len(history) and all(map(isfinite, scores)) else (),
        tuple(epoch.learning_rate for epoch in history),
        model.record.best_epoch,
        name,
        head.metric.replace("_", " "),
        together,
    )
