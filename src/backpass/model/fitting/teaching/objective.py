"""The objective of a network; with a teacher a convex mixture of the loss of the target and that of the teacher.

J^(i) = (1 - s^(i)) L(o, y^(i)) + s^(i) L(o, t^(i)),  s^(i) = ``teacher_weight``, or 0 in a row without a prediction

t are the predictions of the teacher in place of the target: numbers, or probabilities of the classes, whose loss is the
soft cross-entropy (Hinton, Vinyals & Dean 2015, at temperature 1; for numbers Bucilua et al. 2006).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array
from backpass.dataclass import dataclass
from backpass.errors import DataError, UsageError
from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.head.head import Head
from backpass.network import Loss, Network, RandomKey, loss_named, mean_loss, summed_loss, weighted_loss
from backpass.network.losses import SoftCrossEntropy
from backpass.numerics.elementary import total

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NetworkObjective:
    """J(theta) of a batch (x, y, weights), or with a teacher of (x, y, weights, predictions, their weights).

    Equal objectives compute the same, also those of networks whose initial parameters differ in scale.

    Attributes:
        network: The network.
        loss: The loss of the target.
        of_teacher: The loss of a teacher's predictions; None without a teacher.
        is_weighted: Whether the weights may differ from 1.
    """

    network: Network
    loss: Loss
    of_teacher: Loss | None
    is_weighted: bool

    def __call__(self, theta: Array, batch: tuple[Array, ...], draws: RandomKey) -> Array:
        x, y, weights, *taught = batch
        o = self.network(theta, x, draws)
        if self.of_teacher is not None:
            t, of_teacher = taught
            own = weighted_loss(self.loss, o, y, weights)
            return own + weighted_loss(self.of_teacher, o, t, of_teacher)
        J = weighted_loss if self.is_weighted else mean_loss
        return J(self.loss, o, y, weights)

    def summed(self, theta: Array, batch: tuple[Array, ...], draws: RandomKey) -> Array:
        """B J(theta) of a batch of B rows. Their mean weight is 1 where J divides by the sum of weights."""
        x, y, weights, *taught = batch
        o = self.network(theta, x, draws)
        own = summed_loss(self.loss, o, y, weights)
        return own if self.of_teacher is None else own + summed_loss(self.of_teacher, o, *taught)


def teaching_loss(head: Head) -> Loss:
    """The loss of outputs o (n, k) and encoded predictions of a teacher: that of the head, without label smoothing.

    Raises:
        UsageError: The loss is user-defined and takes classes.
    """
    if head.target.task == "regression":
        return head.loss
    if head.custom_loss is not None:
        raise UsageError(
            "a teacher of classes needs the cross-entropy; this loss is a function of the class",
            hint="leave out the loss, or the teacher",
        )
    return SoftCrossEntropy() if head.built_in == "cross_entropy" else loss_named(head.built_in)


def encoded(head: Head, teacher: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
    """Predictions of a teacher (n, k) as ``teaching_loss`` takes them; 0 in rows without.

    Scaled numbers (n, k), probabilities (n, classes) or (n,) of the second of two classes, or those of labels (n, k).

    Raises:
        DataError: The precision cannot represent a number.
    """
    if head.target.task == "regression":
        found = head.encode(teacher[:, 0] if head.is_flat else teacher, dtype)
        if np.isinf(found).any():
            raise DataError(f"the teacher predicts numbers too large for {np.dtype(dtype).name}", hint="correct them")
    else:
        found = (teacher[:, 1] if head.built_in == "binary_cross_entropy" else teacher).astype(dtype)
    return np.asarray(np.nan_to_num(found))


def taught_data(
    part: DataSplit, head: Head, of_classes: Weights | None, share: float, dtype: Any
) -> tuple[NDArray[Any], ...]:
    """What the objective takes in addition to x: y, weights, and with a teacher its predictions and their weights.

    A class weight w_c multiplies the loss of class c, so the loss of probabilities t is weighted by the sum of w_c t_c,
    and t becomes proportional to w_c t_c: the network is then corrected for the weights as it is without a teacher.

    Args:
        part: The rows.
        head: The meaning of the outputs.
        of_classes: The weight of each class (classes,); None if all are 1.
        share: The weight of the teacher.
        dtype: The dtype of the network.
    """
    weights = part.training_weights(of_classes)
    if part.teacher is None:
        return part.y, weights.astype(dtype)
    teacher, shares = part.teacher, np.where(np.isnan(part.teacher[:, 0]), 0.0, share)
    of_teacher = weights
    if of_classes is not None:
        tilted = teacher * of_classes
        sums = np.add.reduce(tilted, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            teacher, of_teacher = tilted / sums[:, None], weights / of_classes[part.truth] * sums
    of_teacher = np.where(shares > 0.0, shares * of_teacher, 0.0)
    own, t = (1.0 - shares) * weights, encoded(head, teacher, dtype)
    # Their mean is 1, as without a teacher.
    factor = part.rows / total(own + of_teacher)
    return part.y, (own * factor).astype(dtype), t, (of_teacher * factor).astype(dtype)
