"""The head: what a network's outputs mean for a target, and what the target looks like to the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array
from backpass.errors import DataError, UsageError
from backpass.model.head.constant import constant_outputs
from backpass.model.head.link import predicted
from backpass.model.head.scaling import TargetScale
from backpass.model.metrics import is_compatible, metrics_for, scores
from backpass.model.settings.settings import Settings
from backpass.network import Loss, loss_named
from backpass.numerics.elementary import mean
from backpass.table import Table, Target


@dataclass(frozen=True, slots=True)
class Head:
    """Loss, target and scale together; ``asked`` is the metric asked for, if any.

    ``own`` is a loss somebody wrote: it is minimized in place of the one ``loss_name`` names, and chooses the epoch
    unless a metric is asked for.

    outputs o (n, k)  ->  predictions: float64 (n,) for numbers, probabilities float64 (n, classes) for classes
    """

    target: Target
    loss_name: str
    options: Mapping[str, float]
    scale: TargetScale
    asked: str | None = None
    own: Loss | None = None

    @staticmethod
    def fit(target: Target, y: NDArray[Any], settings: Settings) -> Head:
        """The head for a target, with its scale fitted on the training targets.

        Errors: UsageError when the loss does not go with the target; DataError for a negative count.
        """
        name = settings.loss or _usual_loss(target)
        if (name == "cross_entropy") != (target.task != "regression"):
            raise UsageError(
                f"loss {name!r} does not go with target {target.name!r}, which holds {_held(target)}",
                hint="--task says what the target asks for; leave --loss out to let it follow",
            )
        if name == "poisson" and float(np.min(y)) < 0:
            least = float(np.min(y))
            raise DataError(f"target {target.name!r}: the poisson loss needs counts from 0 up, got {least:g}")
        is_number = target.task == "regression"
        scale = TargetScale.fit(y, name, settings.output_activation) if is_number else TargetScale()
        head = Head(target, name, options_of(name, settings), scale).choosing(settings.metric)
        return replace(head, scale=scale.bounded(y)) if head.bounded(settings) else head

    @property
    def heads(self) -> tuple[Head, ...]:
        """Itself, where others have several."""
        return (self,)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, one of which is predicted; none for a number."""
        return self.target.classes

    @property
    def labels(self) -> tuple[str, ...]:
        """What the predictions are called."""
        return (self.target.name,)

    @property
    def outputs(self) -> int:
        """k: one output for a number and for two classes, else one per class."""
        return len(self.target.classes) if self.target.task == "multiclass" else 1

    @property
    def loss(self) -> Loss:
        """The loss in the network's own terms."""
        return self.named if self.own is None else self.own

    @property
    def loss_title(self) -> str:
        """The loss as files and screens have it: its name, or "custom"."""
        return self.loss_name if self.own is None else CUSTOM

    @property
    def named(self) -> Loss:
        """The loss of that name, which also says what the outputs mean."""
        name = "binary_cross_entropy" if self.target.task == "binary" else self.loss_name
        return loss_named(name, **self.options)

    def bounded(self, settings: Settings) -> bool:
        """Whether predictions are kept within the range of the training targets."""
        return self.target.task == "regression" and settings.clip_predictions == "training"

    @property
    def q(self) -> float:
        """The quantile that is predicted; the median unless the loss says otherwise."""
        return self.options.get("q", 0.5)

    @property
    def metric(self) -> str:
        """The metric that chooses the best epoch."""
        return self.metrics[0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are reported, the one that chooses the best epoch first."""
        named, own = metrics_for(self.loss_name, self.asked), ("loss",) if self.own is not None else ()
        return (*own, *named) if self.asked is None else (*named, *own)

    def choosing(self, metric: str | None) -> Head:
        """The same head, the epoch chosen by this metric.    Errors: UsageError when it does not go with the loss."""
        if metric is not None and not is_compatible(metric, self.loss_name):
            raise UsageError(
                f"metric {metric!r} does not go with target {self.target.name!r}, which holds {_held(self.target)}",
                hint="leave --metric out to let it follow from the loss",
            )
        return replace(self, asked=metric)

    def refitted(self, y: NDArray[Any], settings: Settings) -> Head:
        """The head fitted anew on other training targets; the user's loss and the quantile stay."""
        head = Head.fit(self.target, y, replace(settings, quantile=self.options.get("q", settings.quantile)))
        return replace(head, own=self.own)

    def updated(self, y: NDArray[Any]) -> Head:
        """The head for training that continues with these targets: see ``TargetScale.updated``."""
        return replace(self, scale=self.scale.updated(y)) if self.target.task == "regression" else self

    def truth(self, table: Table) -> NDArray[Any]:
        """The targets of a table's rows: numbers or class codes (n,).    Errors: DataError."""
        return self.target.encode(table)

    def level(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The outputs (k,) that are best for every row alike, given the encoded targets."""
        return constant_outputs(self.loss_name, y, 1, self.q)

    def wanted(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The outputs (n, k) that suit each row, given the encoded targets: where a network may start.

        Numbers: the scaled targets. Counts: level + (y - mean) / mean, log(y) to first order, from level - 1 to
        level + 3. Classes: 1 for the class of the row and -1 for the others.
        """
        if self.target.task != "regression":
            own = y.reshape(-1, 1) == np.arange(1 if self.outputs == 1 else 0, max(self.outputs, 2))
            return np.where(own, 1.0, -1.0)
        values = y.reshape(-1, 1).astype(np.float64)
        if self.loss_name == "poisson":
            center = max(mean(values[:, 0]), 1e-9)
            return self.level(y) + np.minimum((values - center) / center, 3.0)
        return values

    def encode(self, y: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """What the loss compares outputs with: scaled numbers (n, 1), or class codes (n,)."""
        if self.target.task != "regression":
            return y
        with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, and training says so
            return self.scale.encode(y)[:, None].astype(dtype)

    def predictions(self, o: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers in the target's unit, or probabilities of the classes."""
        values = predicted(self.named, o).astype(np.float64)
        if self.target.task == "regression":
            return self.scale.decode(values[:, 0])
        if self.outputs == 1:
            return np.column_stack([1.0 - values[:, 0], values[:, 0]])
        # In float32 they sum to 1 only nearly, which scikit-learn's metrics do not take. One column after another.
        return values / sum(values.T, start=np.zeros(len(values)))[:, None]

    def scores(
        self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> dict[str, float]:
        """Every metric of the loss, and "loss" where it is a function that is at hand."""
        found = scores(self.loss_name, self.predictions(o), truth, self.q, self.asked, weights)
        if self.own is None or isinstance(self.own, MissingLoss):
            return found
        return {**found, "loss": mean_of(self.own, o, self.encode(truth, o.dtype), weights)}

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file; of a loss that somebody wrote it says only that there was one."""
        return {
            "target": self.target.to_json(),
            "loss": self.loss_title,
            "options": dict(self.options),
            "center": self.scale.center,
            "scale": self.scale.scale,
            "low": self.scale.low,
            "high": self.scale.high,
            "metric": self.asked,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Head:
        """The head that ``to_json`` wrote."""
        low, high = (None if data.get(end) is None else float(data[end]) for end in ("low", "high"))
        scale = TargetScale(float(data["center"]), float(data["scale"]), low, high)
        target, name, own = Target.from_json(data["target"]), data["loss"], None
        if name == CUSTOM:
            name, own = _usual_loss(target), MissingLoss()
        return Head(target, name, dict(data["options"]), scale, data.get("metric"), own)


CUSTOM = "custom"
"""What a file says of a loss that somebody wrote."""


@dataclass(frozen=True, slots=True)
class MissingLoss(Loss):
    """A loss that somebody wrote, in a model from a file, which holds nothing that can run; predictions need none."""

    def per_example(self, o: Array, y: Array) -> Array:
        raise UsageError(
            "the loss of this model is a function that its file does not hold",
            hint="give the function again to go on training",
        )


def _usual_loss(target: Target) -> str:
    return "squared" if target.task == "regression" else "cross_entropy"


def _held(target: Target) -> str:
    return "numbers" if target.task == "regression" else f"{len(target.classes)} classes"


def options_of(loss: str, settings: Settings) -> dict[str, float]:
    """The options of a loss, from the settings."""
    options = {
        "quantile": {"q": settings.quantile},
        "huber": {"delta": settings.huber_delta},
        "cross_entropy": {"label_smoothing": settings.label_smoothing},
    }
    return options.get(loss, {})


def mean_of(loss: Loss, o: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64] | None) -> float:
    """The weighted mean of a loss over rows."""
    with np.errstate(all="ignore"):
        return mean(loss.per_example(o, y), weights)
