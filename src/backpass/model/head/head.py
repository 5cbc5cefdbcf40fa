"""The head of one target: decodes a network's outputs to predictions and encodes targets for the loss."""

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
    """Loss, target and scale of one target.

    outputs o (n, k)  ->  predictions: float64 (n,) for numbers, probabilities float64 (n, classes) for classes

    Attributes:
        target: The target column.
        loss_name: The built-in loss.
        options: The options of that loss.
        scale: The scale of the target.
        asked: The requested metric, if any.
        own: A user-defined loss: it is minimized in place of the built-in one, and selects the epoch unless a metric is
            requested.
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

        Raises:
            UsageError: The loss does not fit the target.
            DataError: A count is negative.
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
        """A tuple of this head alone, as ``Heads`` has several."""
        return (self,)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, if a class is predicted; empty for a number."""
        return self.target.classes

    @property
    def labels(self) -> tuple[str, ...]:
        """The titles of the predictions."""
        return (self.target.name,)

    @property
    def outputs(self) -> int:
        """k: one output for a number or for two classes, else one per class."""
        return len(self.target.classes) if self.target.task == "multiclass" else 1

    @property
    def loss(self) -> Loss:
        """The loss of encoded targets."""
        return self.named if self.own is None else self.own

    @property
    def loss_title(self) -> str:
        """The title of the loss in files and on screen: its name, or "custom"."""
        return self.loss_name if self.own is None else CUSTOM

    @property
    def named(self) -> Loss:
        """The built-in loss, which also defines the meaning of the outputs."""
        name = "binary_cross_entropy" if self.target.task == "binary" else self.loss_name
        return loss_named(name, **self.options)

    def bounded(self, settings: Settings) -> bool:
        """Whether predictions are clipped to the range of the training targets."""
        return self.target.task == "regression" and settings.clip_predictions == "training"

    @property
    def q(self) -> float:
        """The predicted quantile; the median if the loss has no quantile."""
        return self.options.get("q", 0.5)

    @property
    def metric(self) -> str:
        """The metric that selects the best epoch."""
        return self.metrics[0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The reported metrics; the first one selects the best epoch."""
        named, own = metrics_for(self.loss_name, self.asked), ("loss",) if self.own is not None else ()
        return (*own, *named) if self.asked is None else (*named, *own)

    def choosing(self, metric: str | None) -> Head:
        """The same head with this metric to select the epoch.

        Raises:
            UsageError: The metric does not fit the loss.
        """
        if metric is not None and not is_compatible(metric, self.loss_name):
            raise UsageError(
                f"metric {metric!r} does not go with target {self.target.name!r}, which holds {_held(self.target)}",
                hint="leave --metric out to let it follow from the loss",
            )
        return replace(self, asked=metric)

    def refitted(self, y: NDArray[Any], settings: Settings) -> Head:
        """The head refitted on other training targets; a user-defined loss and the quantile stay."""
        head = Head.fit(self.target, y, replace(settings, quantile=self.options.get("q", settings.quantile)))
        return replace(head, own=self.own)

    def updated(self, y: NDArray[Any]) -> Head:
        """The head for training that continues with these targets: see ``TargetScale.updated``."""
        return replace(self, scale=self.scale.updated(y)) if self.target.task == "regression" else self

    def truth(self, table: Table) -> NDArray[Any]:
        """The targets of a table's rows: numbers or class codes (n,).

        Raises:
            DataError: A target is missing or cannot be used.
        """
        return self.target.encode(table)

    def level(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The constant outputs (k,) with the lowest loss on the encoded targets."""
        return constant_outputs(self.loss_name, y, 1, self.q)

    def wanted(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The desired outputs (n, k) for the encoded targets, from which the initial parameters are fitted.

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
        """Targets as the loss takes them: scaled numbers (n, 1), or class codes (n,)."""
        if self.target.task != "regression":
            return y
        with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, which training reports
            return self.scale.encode(y)[:, None].astype(dtype)

    def predictions(self, o: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers in the target's unit, or probabilities of the classes."""
        values = predicted(self.named, o).astype(np.float64)
        if self.target.task == "regression":
            return self.scale.decode(values[:, 0])
        if self.outputs == 1:
            return np.column_stack([1.0 - values[:, 0], values[:, 0]])
        # In float32 they sum only approximately to 1, which scikit-learn's metrics reject. Summed column by column.
        return values / sum(values.T, start=np.zeros(len(values)))[:, None]

    def scores(
        self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> dict[str, float]:
        """Every metric of the loss, and "loss" for a user-defined loss that is available."""
        found = scores(self.loss_name, self.predictions(o), truth, self.q, self.asked, weights)
        if self.own is None or isinstance(self.own, MissingLoss):
            return found
        return {**found, "loss": mean_of(self.own, o, self.encode(truth, o.dtype), weights)}

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file; it says only whether there was a user-defined loss."""
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
"""Stands for a user-defined loss in a file."""


@dataclass(frozen=True, slots=True)
class MissingLoss(Loss):
    """Stands for a user-defined loss in a model loaded from a file: files hold no code, and predictions need none."""

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
