"""The head of one target: its loss, its scale, and the meaning of its outputs.

It takes the outputs of one target and returns predictions; it encodes targets for the loss. ``head`` joins the heads of
all targets of a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array, label
from backpass.dataclass import dataclass
from backpass.errors import DataError, UsageError
from backpass.model.head.constant import constant_outputs
from backpass.model.head.decoding import class_probabilities, number
from backpass.model.head.losses import CUSTOM
from backpass.model.head.scaling import LogScale, TargetScale
from backpass.model.metrics import is_compatible
from backpass.model.settings.settings import Settings
from backpass.network import Loss, loss_named
from backpass.numerics.elementary import mean
from backpass.table import Table, Target
from backpass.table.messages import rows_listed
from backpass.table.targets import Targets


@dataclass(frozen=True, slots=True)
class TargetHead:
    """Loss, target and scale of one target.

    outputs o (n, k)  ->  predictions: float64 (n,) for numbers, probabilities float64 (n, classes) for classes

    Attributes:
        target: The target column.
        loss_name: The built-in loss.
        options: The options of that loss.
        scale: The scale of the target.
    """

    target: Target
    loss_name: str
    options: Mapping[str, float] = field(hash=False)
    scale: TargetScale

    @staticmethod
    def fit(target: Target, y: NDArray[Any], settings: Settings) -> TargetHead:
        """The head for a target, with its scale fitted on the training targets (n,).

        Raises:
            UsageError: The loss or the transform does not fit the target.
            DataError: A count is negative, or a target to be learned as its logarithm is not above 0.
        """
        name = settings.loss or _usual_loss(target)
        if (name == "cross_entropy") != (target.task != "regression"):
            raise UsageError(
                f"loss {name!r} does not work with target {target.name!r}, which holds {target.content}",
                hint="--task sets the task; without --loss, the loss follows from it",
            )
        is_log = settings.target_transform == "log"
        if is_log and target.task != "regression":
            raise UsageError(
                f"--target-transform log does not work with target {target.name!r}, which holds {target.content}",
                hint="the logarithm is that of a number; leave the setting out, or set --task regression",
            )
        unfitted = TargetScale(log=LogScale(0.0, 1.0) if is_log else None)
        head = TargetHead(target, name, options_of(name, settings), unfitted)
        head.check(y)
        if target.task == "regression":
            has_log_link = head.builtin_loss.has_log_link
            scale = TargetScale.fit(y, str(settings.output_activation), has_log_link=has_log_link, is_log=is_log)
            head = replace(head, scale=scale.bounded(y) if head.bounded(settings) else scale)
        return head

    def check(self, y: NDArray[Any], table: Table | None = None) -> None:
        """Check that the loss and the scale are defined for targets (n,).

        Args:
            y: The targets.
            table: The table of these rows, which the error names. Default None: unknown.

        Raises:
            DataError: A count is negative, or a target that is learned as its logarithm is not above 0.
        """
        if not self.is_logarithmic or not y.size:
            return
        wrong = y <= 0.0 if self.is_log else y < 0.0
        if not wrong.any():
            return
        source, rows = (
            ("", "") if table is None else (f"{table.source}: ", f" ({rows_listed(table.row_numbers[wrong])})")
        )
        least = float(np.min(y))
        if self.is_log:
            needed = f"it is learned as its logarithm, which needs numbers above 0; got {least:g}"
            hint = "leave the cells of such rows empty, so that they are left out, or fit with --target-transform none"
        else:
            needed = f"the {self.loss_name} loss needs counts of at least 0; got {least:g}"
            hint = "correct the negative counts, or leave their cells empty: rows without a target are left out"
        raise DataError(f"{source}target {self.target.name!r}: {needed}{rows}", hint=hint)

    @property
    def is_log(self) -> bool:
        """Whether the logarithm of the target is learned."""
        return self.scale.log is not None

    @property
    def is_logarithmic(self) -> bool:
        """Whether outputs are logarithms of the predicted numbers, by the loss or by the scale of the target."""
        return self.is_log or self.builtin_loss.has_log_link

    @property
    def outputs(self) -> int:
        """k: one output for a number or for two classes, else one per class."""
        return len(self.target.classes) if self.target.task == "multiclass" else 1

    @property
    def built_in(self) -> str:
        """The name of the built-in loss in the table of losses."""
        return "binary_cross_entropy" if self.target.task == "binary" else self.loss_name

    @property
    def builtin_loss(self) -> Loss:
        """The built-in loss, which also defines the meaning of the outputs."""
        return loss_named(self.built_in, **self.options)

    @property
    def q(self) -> float:
        """The predicted quantile; the median if the loss has no quantile."""
        return self.options.get("q", 0.5)

    def bounded(self, settings: Settings) -> bool:
        """Whether predictions are clipped to the range of the training targets."""
        return self.target.task == "regression" and settings.clip_predictions == "training"

    def check_metric(self, metric: str | None) -> None:
        """Check that a requested metric, if any, fits the loss.

        Raises:
            UsageError: It does not.
        """
        if metric is not None and not is_compatible(metric, self.loss_name):
            raise UsageError(
                f"metric {metric!r} does not work with target {self.target.name!r}, which holds {self.target.content}",
                hint="without --metric, it follows from the loss",
            )

    def refitted(self, y: NDArray[Any], settings: Settings) -> TargetHead:
        """The head refitted on other training targets (n,); the quantile stays."""
        return TargetHead.fit(self.target, y, replace(settings, quantile=self.options.get("q", settings.quantile)))

    def updated(self, y: NDArray[Any]) -> TargetHead:
        """The head for training that continues with these targets (n,): see ``TargetScale.updated``."""
        return replace(self, scale=self.scale.updated(y)) if self.target.task == "regression" else self

    @property
    def without_log(self) -> TargetHead:
        """The head of the target itself, if its logarithm is learned."""
        return replace(self, scale=replace(self.scale, log=None))

    def corrected(self, amount: float) -> TargetHead:
        """The head whose predictions are multiplied by exp(amount), see ``LogScale``."""
        assert self.scale.log is not None
        return replace(self, scale=replace(self.scale, log=replace(self.scale.log, correction=amount)))

    def level(self, y: NDArray[Any], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """The constant outputs (k,) with the lowest loss on the encoded targets, of rows with these weights (n,)."""
        if self.target.task == "regression":
            return constant_outputs(self.loss_name, y, 1, self.q, weights)
        return constant_outputs("cross_entropy", y.astype(np.int64), self.outputs, weights=weights)

    def wanted(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The desired outputs (n, k) for the encoded targets, from which the initial parameters are fitted.

        Numbers: the scaled targets. Counts: level + (y - mean) / mean, log(y) to first order, from level - 1 to
        level + 3. Classes: 1 for the class of the row and -1 for the others.
        """
        if self.target.task != "regression":
            own = y.reshape(-1, 1) == np.arange(1 if self.outputs == 1 else 0, max(self.outputs, 2))
            return np.where(own, 1.0, -1.0)
        values = y.reshape(-1, 1).astype(np.float64)
        if self.builtin_loss.has_log_link:
            center = max(mean(values[:, 0]), 1e-9)
            return self.level(y) + np.minimum((values - center) / center, 3.0)
        return values

    def encode(self, y: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """Targets (n,) as the loss takes them: scaled numbers (n, 1), or class codes (n,)."""
        if self.target.task != "regression":
            return y
        with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, which training reports
            return self.scale.encode(y)[:, None].astype(dtype)

    def decoded(self, o: Array) -> Array:
        """outputs o (n, k)  ->  numbers (n,) in the target's unit, or probabilities (n, classes); can be traced"""
        with label("head"):
            return (
                class_probabilities(self.builtin_loss, o)
                if self.target.classes
                else number(self.builtin_loss, self.scale, o)
            )

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {
            "target": self.target.to_json(),
            "loss": self.loss_name,
            "options": dict(self.options),
            "center": self.scale.center,
            "scale": self.scale.scale,
            "low": self.scale.low,
            "high": self.scale.high,
            **({} if self.scale.log is None else {"log": self.scale.log.to_json()}),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> TargetHead:
        """The head that ``to_json`` wrote; a user-defined loss leaves the usual one as the meaning of the outputs."""
        low, high = (None if data.get(end) is None else float(data[end]) for end in ("low", "high"))
        logs = LogScale(**{name: float(value) for name, value in data["log"].items()}) if "log" in data else None
        scale = TargetScale(float(data["center"]), float(data["scale"]), low, high, logs)
        target, name = Target.from_json(data["target"]), data["loss"]
        return TargetHead(target, _usual_loss(target) if name == CUSTOM else name, dict(data["options"]), scale)


def require_positive(targets: Targets, tables: Sequence[Table]) -> None:
    """Check that every target that is learned as its logarithm is above 0 in all rows.

    Raises:
        DataError: Names the rows of the first table where a target is not.
    """
    for table in tables:
        for target, y in targets.columns(targets.encode(table)):
            TargetHead(target, _usual_loss(target), {}, TargetScale(log=LogScale(0.0, 1.0))).check(y, table)


def _usual_loss(target: Target) -> str:
    return "squared" if target.task == "regression" else "cross_entropy"


def options_of(loss: str, settings: Settings) -> dict[str, float]:
    """The options of a loss, from the settings."""
    options = {
        "quantile": {"q": settings.quantile},
        "huber": {"delta": settings.huber_delta},
        "cross_entropy": {"label_smoothing": settings.label_smoothing},
    }
    return options.get(loss, {})
