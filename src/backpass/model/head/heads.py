"""Several heads: for several targets, several quantiles of one target, or labels (on or off).

The meaning of a single output is defined in ``head``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array
from backpass.circuit.operations import concatenate, sigmoid, softmax
from backpass.errors import UsageError
from backpass.model.head.head import CUSTOM, Head, MissingLoss, mean_of
from backpass.model.head.link import predicted
from backpass.model.settings.settings import Settings
from backpass.network import Loss, loss_named
from backpass.numerics.elementary import mean
from backpass.table import Table, Target


@dataclass(frozen=True, slots=True)
class Heads:
    """Head j reads output column j. All have the same loss, each its own scale (and quantile).

    Heads of two classes are labels: any number of them may be on, and the prediction is the probability of each.

    outputs o (n, k), targets (n, k)  ->  predictions float64 (n, k)

    Attributes:
        heads: The heads.
        own: A user-defined loss of all outputs, if any.
    """

    heads: tuple[Head, ...]
    own: Loss | None = None

    @property
    def target(self) -> Target:
        """The first of the targets."""
        return self.heads[0].target

    @property
    def are_labels(self) -> bool:
        """Whether the heads are labels (on or off), not numbers."""
        return self.target.task == "binary"

    @property
    def classes(self) -> tuple[str, ...]:
        """Empty: the outputs are not the classes of one target."""
        return ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The titles of the predictions: their targets, ``p(name)`` for labels, ``price q=0.9`` for quantiles."""
        names = [head.target.name for head in self.heads]
        if self.are_labels:
            return tuple(f"p({name})" for name in names)
        if len(set(names)) == len(names):
            return tuple(names)
        return tuple(f"{name} q={head.q}" for name, head in zip(names, self.heads, strict=True))

    @property
    def outputs(self) -> int:
        return len(self.heads)

    @property
    def loss_title(self) -> str:
        """The title of the loss in files and on screen: its name, or "custom"."""
        return self.loss_name if self.own is None else CUSTOM

    @property
    def loss_name(self) -> str:
        return self.heads[0].loss_name

    @property
    def options(self) -> Mapping[str, float]:
        """The options of the first head's loss."""
        return self.heads[0].options

    @property
    def q(self) -> float:
        """The quantile of the first head."""
        return self.heads[0].q

    @property
    def loss(self) -> Loss:
        """The sum of the heads' losses (the mean for labels), or the user-defined loss of all outputs."""
        return self.named if self.own is None else self.own

    @property
    def named(self) -> Loss:
        """The built-in loss, which also defines the meaning of the outputs."""
        if self.are_labels:
            return loss_named("label_cross_entropy", **self.options)
        return MultiOutputLoss(tuple(head.named for head in self.heads))

    @property
    def asked(self) -> str | None:
        """The requested metric, if any."""
        return self.heads[0].asked

    @property
    def metrics(self) -> tuple[str, ...]:
        """The reported metrics; the first one selects the best epoch."""
        named, own = self.heads[0].metrics, ("loss",) if self.own is not None else ()
        if self.asked == "r2":
            # Unlike for one target, the mean r2 of several need not have its optimum where their mean rmse has it.
            named = ("r2", *(name for name in named if name != "r2"))
        return (*own, *named) if self.asked is None else (*named, *own)

    def choosing(self, metric: str | None) -> Heads:
        """The same heads with this metric to select the epoch.

        Raises:
            UsageError: The metric does not fit the loss.
        """
        return replace(self, heads=tuple(head.choosing(metric) for head in self.heads))

    @property
    def metric(self) -> str:
        """The metric that selects the best epoch."""
        return self.metrics[0]

    def refitted(self, y: NDArray[Any], settings: Settings) -> Heads:
        """The heads refitted on other training targets (n, k)."""
        return replace(self, heads=tuple(head.refitted(y[:, j], settings) for j, head in enumerate(self.heads)))

    def updated(self, y: NDArray[Any]) -> Heads:
        """The heads for training that continues with these targets (n, k)."""
        return replace(self, heads=tuple(head.updated(y[:, j]) for j, head in enumerate(self.heads)))

    def truth(self, table: Table) -> NDArray[Any]:
        """The targets of a table's rows: (n, k), with equal columns for several quantiles.

        Raises:
            DataError: A target is missing or cannot be used.
        """
        return np.column_stack([head.truth(table) for head in self.heads])

    def level(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The constant outputs (k,) with the lowest loss on the encoded targets."""
        return np.concatenate([head.level(y[:, j]) for j, head in enumerate(self.heads)])

    def wanted(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The desired outputs (n, k) for the encoded targets, from which the initial parameters are fitted."""
        return np.concatenate([head.wanted(y[:, j]) for j, head in enumerate(self.heads)], axis=1)

    def encode(self, y: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """Targets (n, k) as the loss takes them, each on its own scale (n, k)."""
        if self.are_labels:
            return y.astype(dtype)
        return np.concatenate([head.encode(y[:, j], dtype) for j, head in enumerate(self.heads)], axis=1)

    def predictions(self, o: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers in the targets' units, or the probability of each label (n, k)."""
        if self.are_labels:
            return predicted(self.named, o).astype(np.float64)
        return np.column_stack([head.predictions(o[:, j : j + 1]) for j, head in enumerate(self.heads)])

    def scores(
        self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> dict[str, float]:
        """Every metric, averaged over the heads; and "loss" for a user-defined loss that is available."""
        each = [head.scores(o[:, j : j + 1], truth[:, j], weights) for j, head in enumerate(self.heads)]
        found = {name: mean([scores[name] for scores in each]) for name in each[0]}
        if self.own is None or isinstance(self.own, MissingLoss):
            return found
        return {**found, "loss": mean_of(self.own, o, self.encode(truth, o.dtype), weights)}

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file; it says only whether there was a user-defined loss."""
        return {"heads": [head.to_json() for head in self.heads], "loss": self.loss_title}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Heads:
        """The heads that ``to_json`` wrote.

        Raises:
            UsageError: They have no common loss.
        """
        losses = {each["loss"] for each in data["heads"]}
        if len(losses) != 1 or CUSTOM in losses or data["loss"] not in (*losses, CUSTOM):
            raise UsageError(f"several outputs need one loss by name, got {', '.join(sorted(losses)) or 'none'}")
        own = MissingLoss() if data["loss"] == CUSTOM else None
        return Heads(tuple(Head.from_json(each) for each in data["heads"]), own)


AnyHead: TypeAlias = Head | Heads


def head_from_json(data: Mapping[str, Any]) -> AnyHead:
    """The head, or the heads, that ``to_json`` wrote."""
    return Heads.from_json(data) if "heads" in data else Head.from_json(data)


@dataclass(frozen=True, slots=True)
class MultiOutputLoss(Loss):
    """J = sum over j of J_j(o_j, y_j): one loss per output column"""

    losses: tuple[Loss, ...]

    def per_example(self, o: Array, y: Array) -> Array:
        total = self.losses[0].per_example(o[:, :1], y[:, :1])
        for j, loss in enumerate(self.losses[1:], start=1):
            total = total + loss.per_example(o[:, j : j + 1], y[:, j : j + 1])
        return total

    def predicted(self, o: Array) -> Array:
        return concatenate([loss.predicted(o[:, j : j + 1]) for j, loss in enumerate(self.losses)], axis=1)

    def averaged(self, outputs: Sequence[Array]) -> Array:
        each = [loss.averaged([o[:, j : j + 1] for o in outputs]) for j, loss in enumerate(self.losses)]
        return concatenate(each, axis=1)


@dataclass(frozen=True, slots=True)
class UnscaledLoss(Loss):
    """J = loss(center + scale o, center + scale y'): a loss in the targets' units, of standardized outputs

    Attributes:
        loss: The loss in the targets' units.
        center: The center of each target.
        scale: The scale of each target.
        is_flat: Whether the loss takes outputs and targets (n,) in place of (n, 1).
    """

    loss: Loss
    center: tuple[float, ...]
    scale: tuple[float, ...]
    is_flat: bool

    def per_example(self, o: Array, y: Array) -> Array:
        center, scale = np.array(self.center, o.dtype), np.array(self.scale, o.dtype)
        o, y = center + scale * o, center + scale * y
        return self.loss.per_example(o[:, 0], y[:, 0]) if self.is_flat else self.loss.per_example(o, y)

    @staticmethod
    def of(loss: Loss, head: AnyHead) -> UnscaledLoss:
        """The loss in the units of a head's targets."""
        center, scale = (tuple(getattr(each.scale, name) for each in head.heads) for name in ("center", "scale"))
        return UnscaledLoss(loss, center, scale, is_flat=isinstance(head, Head))


def with_own_scale(head: AnyHead) -> AnyHead:
    """The head, with its user-defined loss adapted to its current scale."""
    return replace(head, own=UnscaledLoss.of(head.own.loss, head)) if isinstance(head.own, UnscaledLoss) else head


@dataclass(frozen=True, slots=True)
class LogitLoss(Loss):
    """J = loss(o, y) for class numbers y (n,), o the logits (n, k), or (n,) for two classes"""

    loss: Loss

    def per_example(self, o: Array, y: Array) -> Array:
        return self.loss.per_example(o[:, 0] if o.shape[1] == 1 else o, y)

    def predicted(self, o: Array) -> Array:
        """Probabilities, as for the cross-entropies."""
        return sigmoid(o) if o.shape[1] == 1 else softmax(o, axis=1)
