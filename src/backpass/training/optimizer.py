"""Optimizers: chains of small rules on vectors (CS229 section 1, "other gradient-based optimizers").

Each rule transforms the update of the rule before it. The first rule receives the gradient g; the output u of the last
rule is subtracted: theta := theta - u. Rules are written in operations, so the whole update is a circuit. Values that
change from step to step (learning rate, bias corrections) come from the columns of the settings table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, label
from backpass.circuit.operations import maximum, norm, sqrt
from backpass.dataclass import dataclass
from backpass.errors import looked_up

Floats = NDArray[numpy.float64]


class Rule(ABC):
    """One link of the chain: (u, memories, theta, settings) -> (u, memories).

    Attributes:
        memories: The number of vectors like theta that the rule keeps between steps.
        columns: The columns of the settings table that the rule reads.
    """

    memories: ClassVar[int] = 0
    columns: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def update(
        self, u: Array, memory: Sequence[Array], theta: Array, settings: Mapping[str, Array]
    ) -> tuple[Array, Sequence[Array]]:
        """Compute the next update and the new memories, all (P,).

        Args:
            u: The update so far: g for the first rule (P,).
            memory: The memories of the rule, each (P,).
            theta: The parameters (P,).
            settings: The values of the columns in this step, each ().
        """

    def column(self, name: str, first: int, steps: int) -> Floats:
        """The values of a column for steps first+1 .. first+steps, counted from 1: (steps,)

        Args:
            name: One of ``columns``.
            first: The number of steps before these.
            steps: The number of steps.
        """
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Scale(Rule):
    """u := alpha f u, the learning rate of the step times fixed factors f per element of theta    CS229 (1.3)

    := overwrites the variable on its left, CS229 footnote 2.

    Attributes:
        factors: f, (P,); None for 1 everywhere.
    """

    factors: Floats | None = None
    columns: ClassVar[tuple[str, ...]] = ("learning_rate",)

    def update(
        self, u: Array, memory: Sequence[Array], theta: Array, settings: Mapping[str, Array]
    ) -> tuple[Array, Sequence[Array]]:
        factors = None if self.factors is None else self.factors.astype(theta.dtype)
        return settings["learning_rate"] * (u if factors is None else u * factors), ()


@dataclass(frozen=True, slots=True)
class Momentum(Rule):
    """v := mu v + u;  u := v, or mu v + u with Nesterov's look-ahead (Polyak 1964; Sutskever et al. 2013)

    Attributes:
        mu: The momentum coefficient.
        nesterov: Whether to look ahead.
    """

    mu: float = 0.9
    nesterov: bool = False
    memories: ClassVar[int] = 1

    def update(
        self, u: Array, memory: Sequence[Array], theta: Array, settings: Mapping[str, Array]
    ) -> tuple[Array, Sequence[Array]]:
        (v,) = memory
        v = self.mu * v + u
        return (self.mu * v + u if self.nesterov else v), (v,)


@dataclass(frozen=True, slots=True)
class Moments(Rule):
    """m := beta1 m + (1 - beta1) u;  v := beta2 v + (1 - beta2) u^2;  u := m' / (sqrt(v') + epsilon)

    with m' = m / (1 - beta1^t) and v' = v / (1 - beta2^t), t counted from 1 (Adam, Kingma & Ba 2015, Algorithm 1).

    Attributes:
        beta1: The decay rate of the first moment, m.
        beta2: The decay rate of the second moment, v.
        epsilon: Added to the denominator.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    memories: ClassVar[int] = 2
    columns: ClassVar[tuple[str, ...]] = ("bias_correction1", "bias_correction2")

    def update(
        self, u: Array, memory: Sequence[Array], theta: Array, settings: Mapping[str, Array]
    ) -> tuple[Array, Sequence[Array]]:
        m, v = memory
        m = self.beta1 * m + (1.0 - self.beta1) * u
        v = self.beta2 * v + (1.0 - self.beta2) * (u * u)
        corrected = sqrt(v * settings["bias_correction2"]) + self.epsilon
        return m * settings["bias_correction1"] / corrected, (m, v)

    def column(self, name: str, first: int, steps: int) -> Floats:
        beta = self.beta1 if name == "bias_correction1" else self.beta2
        # A running product, not a power: powers differ between math libraries.
        powers = numpy.multiply.accumulate(numpy.full(first + steps, beta))[first:]
        return 1.0 / (1.0 - powers)


@dataclass(frozen=True, slots=True)
class Decay(Rule):
    """u := u + lambda f theta, with fixed factors f per element of theta: by default 1 for weights and 0 for biases

    Before the moments this is the gradient of an L2 penalty; after them it is decoupled weight decay (AdamW, Loshchilov
    & Hutter 2019, with their lambda written alpha lambda, as in most libraries).

    Attributes:
        weight_decay: lambda.
        mask: f, (P,).
    """

    weight_decay: float
    mask: Floats
    columns: ClassVar[tuple[str, ...]] = ("weight_decay",)

    def update(
        self, u: Array, memory: Sequence[Array], theta: Array, settings: Mapping[str, Array]
    ) -> tuple[Array, Sequence[Array]]:
        return u + (settings["weight_decay"] * self.mask.astype(theta.dtype)) * theta, ()

    def column(self, name: str, first: int, steps: int) -> Floats:
        return numpy.full(steps, self.weight_decay)


@dataclass(frozen=True, slots=True)
class Clip(Rule):
    """u := u min(1, c / |u|): gradient clipping to the global norm c (Pascanu et al. 2013)

    Attributes:
        length: c, the largest norm.
    """

    length: float

    def update(
        self, u: Array, memory: Sequence[Array], theta: Array, settings: Mapping[str, Array]
    ) -> tuple[Array, Sequence[Array]]:
        return u * (self.length / maximum(norm(u), self.length)), ()


@dataclass(frozen=True, slots=True)
class Optimizer:
    """A chain of rules, followed by theta := theta - u.

    Attributes:
        rules: The rules, in order.
    """

    rules: tuple[Rule, ...]

    @property
    def memories(self) -> int:
        """The number of vectors like theta that the chain keeps between steps."""
        return sum(rule.memories for rule in self.rules)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the settings table, in order."""
        return tuple(name for rule in self.rules for name in rule.columns)

    def __call__(
        self, theta: Array, g: Array, memory: Sequence[Array], settings: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        """Compute the new theta and memories; theta, g (P,), settings (columns,)."""
        values = {name: settings[i] for i, name in enumerate(self.columns)}
        u, kept, start = g, [], 0
        for rule in self.rules:
            with label(f"optimizer: {type(rule).__name__.lower()}"):
                u, new = rule.update(u, memory[start : start + rule.memories], theta, values)
            kept += list(new)
            start += rule.memories
        with label("optimizer: update"):
            return theta - u, tuple(kept)

    def settings(self, learning_rates: Floats, first: int, factors: Mapping[str, Floats] | None = None) -> Floats:
        """The settings table for the steps after ``first``: (steps, columns)

        Args:
            learning_rates: alpha per step, (steps,).
            first: The number of steps before these.
            factors: Schedules of other columns, by column: factors (steps,) that multiply the values.
        """
        steps = len(learning_rates)
        table = [
            learning_rates if name == "learning_rate" else rule.column(name, first, steps)
            for rule in self.rules
            for name in rule.columns
        ]
        table = [values * (factors or {}).get(name, 1.0) for name, values in zip(self.columns, table, strict=True)]
        return numpy.stack(table, axis=1) if table else numpy.zeros((steps, 0))


@dataclass(frozen=True, slots=True)
class OptimizerOptions:
    """Options of the named optimizers; each optimizer reads those that it uses.

    Attributes:
        momentum: mu of ``momentum`` and ``nesterov``.
        beta1: The decay rate of Adam's first moment.
        beta2: The decay rate of Adam's second moment.
        epsilon: Added to the denominator of Adam.
        weight_decay: lambda.
        max_grad_norm: The maximum global gradient norm, or None.
    """

    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float | None = None


def _gradient_descent(options: OptimizerOptions, decay: Sequence[Rule], scale: Scale) -> list[Rule]:
    return [*decay, scale]


def _momentum(options: OptimizerOptions, decay: Sequence[Rule], scale: Scale) -> list[Rule]:
    return [*decay, Momentum(options.momentum), scale]


def _nesterov(options: OptimizerOptions, decay: Sequence[Rule], scale: Scale) -> list[Rule]:
    return [*decay, Momentum(options.momentum, nesterov=True), scale]


def _adam(options: OptimizerOptions, decay: Sequence[Rule], scale: Scale) -> list[Rule]:
    return [*decay, Moments(options.beta1, options.beta2, options.epsilon), scale]


def _adamw(options: OptimizerOptions, decay: Sequence[Rule], scale: Scale) -> list[Rule]:
    return [Moments(options.beta1, options.beta2, options.epsilon), *decay, scale]


OPTIMIZERS: MappingProxyType[str, Callable[[OptimizerOptions, Sequence[Rule], Scale], list[Rule]]] = MappingProxyType(
    {"sgd": _gradient_descent, "momentum": _momentum, "nesterov": _nesterov, "adam": _adam, "adamw": _adamw}
)
"""Every optimizer by name, as a chain of rules. ``sgd`` on all rows at once is gradient descent, eq. (1.3)."""


def optimizer_named(
    name: str,
    options: OptimizerOptions = OptimizerOptions(),  # noqa: B008  frozen
    *,
    decay_mask: Floats | float = 1.0,
    factors: Floats | None = None,
) -> Optimizer:
    """Create an optimizer by name.

    Args:
        name: A key of ``OPTIMIZERS``.
        options: The options.
        decay_mask: Where weight decay applies, (P,).
        factors: Factors of the learning rate per element of theta, (P,).

    Raises:
        UsageError: If the name is unknown; the message gives the nearest name.
    """
    make = looked_up(OPTIMIZERS, name, "optimizer")
    decay = [Decay(options.weight_decay, numpy.asarray(decay_mask))] if options.weight_decay else []
    rules = make(options, decay, Scale(factors))
    clip: list[Rule] = [Clip(options.max_grad_norm)] if options.max_grad_norm is not None else []
    return Optimizer((*clip, *rules))


def memory_like(optimizer: Optimizer, theta: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The memories before the first step: zeros.

    Args:
        optimizer: The optimizer, which says how many memories it keeps.
        theta: The parameters (P,), whose shape and dtype they have.
    """
    return tuple(numpy.zeros_like(theta) for _ in range(optimizer.memories))
