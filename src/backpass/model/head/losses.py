"""The losses of a head: those of several outputs, and user-defined losses in the units of the targets.

It takes the losses of ``network`` or of the user and returns losses of encoded targets. ``head`` chooses among them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backpass.circuit import Array
from backpass.circuit.operations import concatenate, sigmoid, softmax
from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.head.scaling import TargetScale
from backpass.network import Loss

CUSTOM = "custom"
"""Stands for a user-defined loss in a file."""


@dataclass(frozen=True, slots=True)
class MissingLoss(Loss):
    """Stands for a user-defined loss in a model loaded from a file: files hold no code, and predictions need none."""

    def per_example(self, o: Array, y: Array) -> Array:
        raise UsageError(
            "the loss of this model is a function, which its file does not store",
            hint="pass the function again to continue training",
        )


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

    def averaged(self, outputs: Sequence[Array], weights: Sequence[float] = ()) -> Array:
        each = [loss.averaged([o[:, j : j + 1] for o in outputs], weights) for j, loss in enumerate(self.losses)]
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
    def of(loss: Loss, scales: Sequence[TargetScale], *, is_flat: bool) -> UnscaledLoss:
        """The loss in the units of targets with these scales."""
        return UnscaledLoss(loss, tuple(each.center for each in scales), tuple(each.scale for each in scales), is_flat)


@dataclass(frozen=True, slots=True)
class LogitLoss(Loss):
    """J = loss(o, y) for class numbers y (n,), o the logits (n, k), or (n,) for two classes"""

    loss: Loss

    def per_example(self, o: Array, y: Array) -> Array:
        return self.loss.per_example(o[:, 0] if o.shape[1] == 1 else o, y)

    def predicted(self, o: Array) -> Array:
        """Probabilities, as for the cross-entropies."""
        return sigmoid(o) if o.shape[1] == 1 else softmax(o, axis=1)
