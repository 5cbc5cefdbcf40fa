"""Losses: the distance of outputs o from targets y, per example (CS229 (1.1), (1.2)).

A loss maps outputs (n, k) and targets to J^(i), one number per example; ``mean_loss`` computes the weighted mean.
Losses take the network's outputs before any link function (logits, log-rates), so they do not overflow unless J itself
does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import reduce
from types import MappingProxyType
from typing import Any, ClassVar

from backpass.circuit import Array
from backpass.circuit.operations import (
    absolute,
    equal,
    exp,
    log,
    logsumexp,
    maximum,
    minimum,
    one_hot,
    sigmoid,
    softmax,
    softplus,
    where,
)
from backpass.dataclass import dataclass
from backpass.errors import looked_up
from backpass.numerics import elementary


class Loss(ABC):
    """J^(i) per example, and the link function from outputs to predictions.

    Attributes:
        has_log_link: Whether outputs are logarithms of the predicted numbers, so that these are positive, and targets
            are neither shifted nor negative.
    """

    has_log_link: ClassVar[bool] = False

    @abstractmethod
    def per_example(self, o: Array, y: Array) -> Array:
        """outputs o (n, k), targets y   ->   J^(i) (n,)

        Args:
            o: The outputs of the network, before any link function.
            y: The targets: (n, k), or class numbers (n,).
        """

    def predicted(self, o: Array) -> Array:
        """outputs o (n, k)   ->   predictions in units of the target; by default the outputs themselves

        Args:
            o: The outputs (n, k).
        """
        return o

    def averaged(self, outputs: Sequence[Array], weights: Sequence[float] = ()) -> Array:
        """outputs of several networks, each (n, k)   ->   outputs (n, k) that predict the average

        Args:
            outputs: The outputs of each network.
            weights: The weight of each network, with sum 1. Default (): equal weights.
        """
        if weights:
            return sum(w * o for w, o in zip(weights, outputs, strict=True))
        return sum(outputs) / float(len(outputs))


@dataclass(frozen=True, slots=True)
class Squared(Loss):
    """J = 1/2 (o - y)^2, summed over the outputs of an example    CS229 (1.1)"""

    def per_example(self, o: Array, y: Array) -> Array:
        e = o - y
        return (0.5 * (e * e)).sum(axis=1)


@dataclass(frozen=True, slots=True)
class Absolute(Loss):
    """J = |o - y|: the best constant is the median"""

    def per_example(self, o: Array, y: Array) -> Array:
        return absolute(o - y).sum(axis=1)


@dataclass(frozen=True, slots=True)
class Huber(Loss):
    """J = 1/2 e^2 for |e| <= delta, else delta (|e| - delta/2), with e = o - y (Huber 1964)

    delta is in units of the standardized target.

    Attributes:
        delta: Where the loss becomes linear.
    """

    delta: float = 1.0

    def per_example(self, o: Array, y: Array) -> Array:
        e = absolute(o - y)
        inner = minimum(e, self.delta)
        return (inner * (e - 0.5 * inner)).sum(axis=1)


@dataclass(frozen=True, slots=True)
class Quantile(Loss):
    """J = max(q e, (q - 1) e) with e = y - o, the pinball loss: the best constant is the q-quantile (Koenker 1978)

    Attributes:
        q: The quantile, between 0 and 1.
    """

    q: float = 0.5

    def per_example(self, o: Array, y: Array) -> Array:
        e = y - o
        return maximum(self.q * e, (self.q - 1.0) * e).sum(axis=1)


@dataclass(frozen=True, slots=True)
class Poisson(Loss):
    """J = e^o - y o for counts y >= 0, where e^o is the expected count (up to ln y!, which has no gradient)"""

    has_log_link: ClassVar[bool] = True

    def per_example(self, o: Array, y: Array) -> Array:
        return (exp(o) - y * o).sum(axis=1)

    def predicted(self, o: Array) -> Array:
        return exp(o)

    def averaged(self, outputs: Sequence[Array], weights: Sequence[float] = ()) -> Array:
        return _mean_of_logs(outputs, weights)


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy(Loss):
    """J = ln(1 + e^o) - y o for y in {0, 1}, from one logit o; y may be smoothed toward 1/2

    With label smoothing s the target is (1 - s) y + s / 2 (Szegedy et al. 2016).

    Attributes:
        label_smoothing: s, from 0 to below 1.
    """

    label_smoothing: float = 0.0

    def per_example(self, o: Array, y: Array) -> Array:
        smooth = (1.0 - self.label_smoothing) * y.astype(o.dtype) + 0.5 * self.label_smoothing
        return softplus(o[:, 0]) - smooth * o[:, 0]

    def predicted(self, o: Array) -> Array:
        """The probability of class 1: (n, 1)"""
        return sigmoid(o)

    def averaged(self, outputs: Sequence[Array], weights: Sequence[float] = ()) -> Array:
        """ln p - ln(1 - p), with p and 1 - p averaged first"""
        return _mean_of_logits(outputs, weights)


@dataclass(frozen=True, slots=True)
class LabelCrossEntropy(Loss):
    """J = the mean over k labels of ln(1 + e^o_j) - y_j o_j, for y (n, k) in {0, 1}: multi-label classification

    With label smoothing s the target of a label is (1 - s) y + s / 2.

    Attributes:
        label_smoothing: s, from 0 to below 1.
    """

    label_smoothing: float = 0.0

    def per_example(self, o: Array, y: Array) -> Array:
        smooth = (1.0 - self.label_smoothing) * y.astype(o.dtype) + 0.5 * self.label_smoothing
        return (softplus(o) - smooth * o).sum(axis=1) * (1.0 / int(o.shape[1]))

    def predicted(self, o: Array) -> Array:
        """The probability of each label: (n, k)"""
        return sigmoid(o)

    def averaged(self, outputs: Sequence[Array], weights: Sequence[float] = ()) -> Array:
        """ln p - ln(1 - p), with p and 1 - p averaged first"""
        return _mean_of_logits(outputs, weights)


@dataclass(frozen=True, slots=True)
class CrossEntropy(Loss):
    """J = ln(sum of e^o) - o_y, from k logits and a class number y in 0 .. k-1

    With label smoothing s the target is (1 - s) at y plus s / k everywhere.

    Attributes:
        label_smoothing: s, from 0 to below 1.
    """

    label_smoothing: float = 0.0

    def per_example(self, o: Array, y: Array) -> Array:
        k = int(o.shape[1])
        s = self.label_smoothing
        at_y = (one_hot(y, k, o.dtype) * o).sum(axis=1)
        everywhere = o.sum(axis=1) * (s / k) if s else 0.0
        return logsumexp(o, axis=1) - ((1.0 - s) * at_y + everywhere)

    def predicted(self, o: Array) -> Array:
        """Probabilities of the classes: (n, k)"""
        return softmax(o, axis=1)

    def averaged(self, outputs: Sequence[Array], weights: Sequence[float] = ()) -> Array:
        """ln p, with p averaged first"""
        return _mean_of_logs([o - logsumexp(o, axis=1, keepdims=True) for o in outputs], weights)


@dataclass(frozen=True, slots=True)
class SoftCrossEntropy(Loss):
    """J = ln(sum of e^o) - sum over c of p_c o_c, for the probabilities p (n, k) of the classes (Hinton et al. 2015)"""

    def per_example(self, o: Array, y: Array) -> Array:
        return logsumexp(o, axis=1) - (y * o).sum(axis=1)

    def predicted(self, o: Array) -> Array:
        """Probabilities of the classes: (n, k)"""
        return softmax(o, axis=1)


def _mean_of_logits(logits: Sequence[Array], weights: Sequence[float]) -> Array:
    """The logit of the mean of the probabilities with these logits: ln p - ln(1 - p)."""
    return _mean_of_logs([-softplus(-o) for o in logits], weights) - _mean_of_logs(
        [-softplus(o) for o in logits], weights
    )


def _mean_of_logs(logs: Sequence[Array], weights: Sequence[float]) -> Array:
    """The logarithm of the mean of the numbers with these logarithms, weighted if there are weights."""
    largest = reduce(maximum, logs)
    if weights:
        return largest + log(sum(w * exp(each - largest) for w, each in zip(weights, logs, strict=True)))
    return largest + log(sum(exp(each - largest) for each in logs)) - float(elementary.log(len(logs)))


LOSSES: MappingProxyType[str, Callable[..., Loss]] = MappingProxyType(
    {
        "squared": Squared,
        "absolute": Absolute,
        "huber": Huber,
        "quantile": Quantile,
        "poisson": Poisson,
        "binary_cross_entropy": BinaryCrossEntropy,
        "label_cross_entropy": LabelCrossEntropy,
        "cross_entropy": CrossEntropy,
    }
)
"""Every loss by name."""


def loss_named(name: str, **options: Any) -> Loss:
    """Create a loss by name, with its options.

    Args:
        name: A key of ``LOSSES``.
        **options: The options of the loss, such as ``q`` of ``quantile``.

    Raises:
        UsageError: If the name is unknown; the message gives the nearest name.
    """
    return looked_up(LOSSES, name, "loss")(**options)


def mean_loss(loss: Loss, o: Array, y: Array, weights: Array) -> Array:
    """J = sum of w^(i) J^(i) / sum of w^(i)    CS229 (1.2), (1.5)

    The divisor is the weight of the rows in the batch, so a smaller last batch is handled correctly. A batch with all
    weights 0 has J = 0 and no gradient.

    Args:
        loss: The loss.
        o: The outputs (n, k).
        y: The targets.
        weights: w, one number per row (n,).
    """
    total = weights.sum()
    return _weighted(loss, o, y, weights).sum() / where(equal(total, 0.0), 1.0, total)


def summed_loss(loss: Loss, o: Array, y: Array, weights: Array) -> Array:
    """sum of w^(i) J^(i): what ``mean_loss`` and ``weighted_loss`` divide

    Args:
        loss: The loss.
        o: The outputs (n, k).
        y: The targets.
        weights: w, one number per row (n,).
    """
    return _weighted(loss, o, y, weights).sum()


def weighted_loss(loss: Loss, o: Array, y: Array, weights: Array) -> Array:
    """J = sum of w^(i) J^(i) / B, B the number of rows

    For weights with mean 1 over all rows, its expectation over batches is ``mean_loss`` of all rows. If it were divided
    by the weight of its own batch instead, a row of weight 1000 would count no more than one whole batch.

    Args:
        loss: The loss.
        o: The outputs (n, k).
        y: The targets.
        weights: w, one number per row (n,).
    """
    rows = equal(weights, weights).astype(weights.dtype).sum()
    return _weighted(loss, o, y, weights).sum() / rows


def _weighted(loss: Loss, o: Array, y: Array, weights: Array) -> Array:
    """w^(i) J^(i) in the dtype of the weights; a user-defined loss may return float64, as NumPy's promotion has it."""
    J = loss.per_example(o, y)
    return weights * (J if J.dtype == weights.dtype else J.astype(weights.dtype))
