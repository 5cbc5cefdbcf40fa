"""The learning curves of a run: training loss and validation score by epoch, in a common unit if they have one.

``learning_curves_of`` takes a model and returns numbers, which ``pictures.history`` draws.
"""

from __future__ import annotations

from math import isfinite, sqrt

from backpass.dataclass import dataclass
from backpass.model.metrics import as_loss
from backpass.model.model import Model


@dataclass(frozen=True, slots=True)
class LearningCurves:
    """The history of a run over epochs 1 .. m.

    Attributes:
        epochs: The numbers of the epochs.
        train: The training losses.
        scores: The validation scores; empty without validation rows.
        rates: The learning rates.
        best: The best epoch.
        train_name: The name of the training loss.
        score_name: The name of the validation score.
        together: Whether loss and score have the same unit.
    """

    epochs: tuple[int, ...]
    train: tuple[float, ...]
    scores: tuple[float, ...]
    rates: tuple[float, ...]
    best: int
    train_name: str
    score_name: str
    together: bool


def learning_curves_of(model: Model) -> LearningCurves:
    """Return the history of a model; for an ensemble, that of its first network.

    If the metric is rmse, a squared loss J is converted to it: sqrt(2 J) times the scale of the target. If the metric
    is the log loss, the cross-entropy has the same unit, apart from label smoothing and dropout.
    """
    history, head = model.history, model.head
    scores = tuple(as_loss(head.metric, epoch.score) for epoch in history if epoch.score is not None)
    losses = tuple(epoch.train_loss for epoch in history)
    name, together = f"{head.loss_name.replace('_', ' ')} loss", False
    if head.loss_name == "cross_entropy" and head.metric == "log_loss" and head.custom_loss is None:
        name, together = "log loss", True
    elif not head.is_flat:  # several targets in different units
        name = "loss"
    elif head.loss_name == "squared" and head.metric == "rmse" and head.custom_loss is None and not head.is_log:
        losses = tuple(sqrt(2.0 * loss) * (head.scales[0].scale or 1.0) if loss >= 0 else loss for loss in losses)
        name, together = "rmse", True
    return LearningCurves(
        tuple(epoch.epoch for epoch in history),
        losses,
        scores if len(scores) == len(history) and all(map(isfinite, scores)) else (),
        tuple(epoch.learning_rate for epoch in history),
        model.record.best_epoch,
        name,
        head.metric.replace("_", " "),
        together,
    )
