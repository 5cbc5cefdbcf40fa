"""Layers: the building blocks of a network (CS229 section 2).

A layer declares the parameters that it needs for its inputs and maps inputs to outputs. Layers are plain values; their
numbers are stored in theta. Layers before the first layer of neurons live in ``input_layers``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import field
from math import sqrt
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, named
from backpass.circuit.operations import affine, concatenate, exp, log, matmul, random_bits, take, to_unit, where
from backpass.circuit.operations import max as max_
from backpass.circuit.operations import sum as sum_
from backpass.dataclass import dataclass
from backpass.network.activations import Activation, activation_named, activation_of
from backpass.network.parameters import Parameter

_DROPOUT_PURPOSE = 0x0D09_0000


@dataclass(frozen=True, slots=True)
class RandomKey:
    """Source of random numbers in a training step: the run's key and the number of the step.

    key uint32 (2,)   step uint32 ()

    Attributes:
        key: The key of the run.
        step: The number of the step.
        settings: What else the step reads from its row of the settings table, each a number (): "dropout" is the factor
            by which its schedule multiplies every dropout rate.
    """

    key: Array
    step: Array
    settings: Mapping[str, Array] = field(default_factory=dict)


class Layer(ABC):
    """A map from inputs (n, d) to outputs (n, m).

    Attributes:
        kind: The type of the layer, as in model files.
    """

    kind: ClassVar[str]

    @abstractmethod
    def width(self, inputs: int) -> int:
        """m, the number of outputs for d inputs.

        Args:
            inputs: d, the number of inputs.
        """

    @abstractmethod
    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        """The parameters for d inputs.

        Args:
            inputs: d, the number of inputs.
            number: The number k of the layer, as in W1.
        """

    @abstractmethod
    def pre_activation(self, theta: Mapping[str, Array], x: Array, number: str) -> Array:
        """z of the layer; x itself for a layer that has no pre-activation.

        Args:
            theta: The parameters of the network, by name.
            x: The inputs (n, d).
            number: The number k of the layer, as in W1.
        """

    @abstractmethod
    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        """The outputs a; ``draws`` is None outside training."""

    def errors(self, inputs: int) -> list[str]:
        """The problems that prevent the use of the layer on d inputs.

        Args:
            inputs: d, the number of inputs.
        """
        units: Any = self.width(inputs)
        return [] if isinstance(units, Integral) and int(units) >= 1 else [f"expected at least 1 unit; got {units!r}"]

    @property
    def neurons(self) -> bool:
        """Whether the layer counts among the r layers of weight matrices."""
        return True

    @property
    def is_linear(self) -> bool:
        """Whether the layer is an affine map outside training."""
        return getattr(self, "activation", "identity") == "identity"


def _named_z(z: Array, number: str) -> Array:
    """z^[k] under its name in circuits; its gradient is delta^[k]    CS229 (3.16)"""
    return named(z, f"z{number}", gradient=f"delta{number}")


@dataclass(frozen=True, slots=True)
class Dense(Layer):
    """Fully connected layer: a = sigma(x W + b)    CS229 (2.4), (2.11), (4.4)

    x (n, d)   W (d, m)   b (m,)   ->   a (n, m)

    Rows are examples; the notes' columns are the transpose. Backward, with delta = dJ/dz: delta = da * sigma'(z),
    dW = x^T delta, db = sum of delta over rows, dx = delta W^T; CS229 (3.12), (3.13), (3.14).

    Attributes:
        units: m, the number of units.
        activation: sigma: a key of ``ACTIVATIONS``, or a function.
    """

    units: int
    activation: Activation | Callable[[Array], Array] = "identity"
    kind: ClassVar[str] = "dense"

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", activation_of(self.activation))

    def width(self, inputs: int) -> int:
        return self.units

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        return (
            Parameter(f"W{number}", (inputs, self.units), "weight", inputs, self.units),
            Parameter(f"b{number}", (self.units,), "bias", inputs, self.units),
        )

    def pre_activation(self, theta: Mapping[str, Array], x: Array, number: str) -> Array:
        return affine(x, theta[f"W{number}"], theta[f"b{number}"])

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        return activation_named(self.activation)(_named_z(self.pre_activation(theta, x, number), number))


@dataclass(frozen=True, slots=True)
class ScaledDense(Layer):
    """Fully connected layer in NTK parametrization: a = sigma(x W / sqrt(d) + b)

    x (n, d)   W (d, m)   b (m,)   ->   a (n, m)

    It represents the same functions as ``Dense``, but its weights are of order 1 for any number of inputs, and a step
    of length alpha on W moves z by alpha in wide and narrow layers alike, so that one learning rate suits all of them
    (the neural tangent parametrization, Jacot et al. 2018).

    Attributes:
        units: m, the number of units.
        activation: sigma: a key of ``ACTIVATIONS``, or a function.
    """

    units: int
    activation: Activation | Callable[[Array], Array] = "identity"
    kind: ClassVar[str] = "scaled_dense"

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", activation_of(self.activation))

    def width(self, inputs: int) -> int:
        return self.units

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        return (
            Parameter(f"W{number}", (inputs, self.units), "weight", inputs, self.units, init_scale=sqrt(inputs)),
            Parameter(f"b{number}", (self.units,), "bias", inputs, self.units),
        )

    def pre_activation(self, theta: Mapping[str, Array], x: Array, number: str) -> Array:
        return affine(x * (1.0 / sqrt(x.shape[1])), theta[f"W{number}"], theta[f"b{number}"])

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        return activation_named(self.activation)(_named_z(self.pre_activation(theta, x, number), number))


@dataclass(frozen=True, slots=True)
class ParametricActivation(Layer):
    """Parametric activation with one slope parameter per unit: a = z + alpha (f(z) - z)    (Holzmueller et al. 2024)

    z (n, m)   alpha (m,), 1 at the start   ->   a (n, m)

    alpha = 1 gives the activation f, alpha = 0 the identity. Backward: dz = da (1 - alpha + alpha f'(z)),
    dalpha = sum of da (f(z) - z) over rows.

    Attributes:
        activation: f: a key of ``ACTIVATIONS``, or a function.
    """

    activation: Activation | Callable[[Array], Array]
    kind: ClassVar[str] = "parametric_activation"

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", activation_of(self.activation))

    def width(self, inputs: int) -> int:
        return inputs

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        return (Parameter(f"alpha{number}", (inputs,), "alpha", inputs, inputs),)

    def pre_activation(self, theta: Mapping[str, Array], x: Array, number: str) -> Array:
        return x

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        return x + theta[f"alpha{number}"] * (activation_named(self.activation)(x) - x)

    @property
    def neurons(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Unit:
    """A named hidden unit.

    Attributes:
        name: The name.
        inputs: The indices of the inputs that it is connected to.
    """

    name: str
    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wired(Layer):
    """Named hidden units, each connected to some inputs: a_j = sigma(sum over its inputs of w x + b)    CS229 (2.3)

    x (n, d)   w of unit j (number of its inputs,)   b of unit j (1,)   ->   a (n, units)

    In theta the weights of a unit precede its bias, unit by unit: theta_1, theta_2 | theta_3 | theta_4 ... (as in
    the notes).

    Attributes:
        units: The units, in order.
        activation: sigma: a key of ``ACTIVATIONS``, or a function.
    """

    units: tuple[Unit, ...]
    activation: Activation | Callable[[Array], Array] = "relu"
    kind: ClassVar[str] = "wired"

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", activation_of(self.activation))

    def width(self, inputs: int) -> int:
        return len(self.units)

    def wires(self, inputs: int) -> NDArray[numpy.bool_]:
        """Which inputs each unit reads, (inputs, units)."""
        return numpy.array([[i in unit.inputs for unit in self.units] for i in range(inputs)])

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        parameters: list[Parameter] = []
        for unit in self.units:
            fan_in = len(unit.inputs)
            parameters.append(Parameter(f"W{number}.{unit.name}", (fan_in,), "weight", fan_in, 1))
            parameters.append(Parameter(f"b{number}.{unit.name}", (1,), "bias", fan_in, 1))
        return tuple(parameters)

    def errors(self, inputs: int) -> list[str]:
        names = [unit.name for unit in self.units]
        outside = [(unit.name, i) for unit in self.units for i in unit.inputs if not 0 <= i < inputs]
        return [
            *(["expected at least 1 unit; got 0"] if not self.units else []),
            *(f"two units are named {name!r}" for name in sorted(set(names)) if names.count(name) > 1),
            *(f"unit {unit.name!r} is wired to no input" for unit in self.units if not unit.inputs),
            *(f"unit {name!r} is wired to input {i}, but there are inputs 0 to {inputs - 1}" for name, i in outside),
        ]

    def pre_activation(self, theta: Mapping[str, Array], x: Array, number: str) -> Array:
        columns = []
        for unit in self.units:
            wired = take(x, numpy.array(unit.inputs, dtype=numpy.int32), axis=1)
            w = theta[f"W{number}.{unit.name}"].reshape(-1, 1)
            columns.append(affine(wired, w, theta[f"b{number}.{unit.name}"]))
        return concatenate(columns, axis=1)

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        return activation_named(self.activation)(_named_z(self.pre_activation(theta, x, number), number))


@dataclass(frozen=True, slots=True)
class Dropout(Layer):
    """In training each value is kept with probability 1 - rate and divided by it, else 0 (Srivastava et al. 2014)

    Outside training it is the identity. The mask depends on (seed, step, layer, position) only. A dropout schedule, if
    any, multiplies the rate of the step.

    Attributes:
        rate: The probability that a value becomes 0, from 0 to below 1.
    """

    rate: float
    kind: ClassVar[str] = "dropout"

    def width(self, inputs: int) -> int:
        return inputs

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        return ()

    def errors(self, inputs: int) -> list[str]:
        if isinstance(self.rate, Real) and 0.0 <= self.rate < 1.0:
            return []
        return [f"dropout expected a rate from 0 to below 1; got {self.rate!r}"]

    def pre_activation(self, theta: Mapping[str, Array], x: Array, number: str) -> Array:
        return x

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        if draws is None or self.rate == 0.0:
            return x
        purpose = _DROPOUT_PURPOSE + int(number)
        u = to_unit(random_bits(draws.key, draws.step, purpose=purpose, shape=x.shape), dtype=x.dtype)
        rate = self.rate * draws.settings.get("dropout", 1.0)
        return where(u >= rate, x * (1.0 / (1.0 - rate)), 0.0)

    @property
    def neurons(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class KernelRegression(Layer):
    """Kernel regression on rows that it stores: o = link(p Y), p = softmax(x K + c)    (Nadaraya 1964, Watson 1964)

    x (n, d)   K (d, m)   c (m,)   Y (m, k)   ->   o (n, k)

    With K = h / s^2 and c = -|h|^2 / (2 s^2) for stored rows h (m, d), p is the Gaussian kernel
    exp(-|x - h|^2 / (2 s^2)) of each stored row, divided by the sum of all: |x|^2 is the same for every row and cancels
    out. So p Y is the mean of the targets Y near x, and with a small s the target of the nearest row. The parameters
    are computed, not trained (see ``model.fitting.outcome.neighbors``).

    Attributes:
        rows: m.
        units: k.
        link: "identity" for numbers, "logit" or "log" for Y that are probabilities above 0 and, for logit, below 1.
    """

    rows: int
    units: int
    link: str = "identity"
    kind: ClassVar[str] = "kernel_regression"

    def width(self, inputs: int) -> int:
        return self.units

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        return (
            Parameter(f"K{number}", (inputs, self.rows), "weight", inputs, self.rows),
            Parameter(f"c{number}", (self.rows,), "bias", inputs, self.rows),
            Parameter(f"Y{number}", (self.rows, self.units), "weight", self.rows, self.units),
        )

    def errors(self, inputs: int) -> list[str]:
        return [
            *([] if self.rows >= 1 else [f"kernel_regression expected at least 1 row; got {self.rows}"]),
            *([] if self.units >= 1 else [f"kernel_regression expected at least 1 unit; got {self.units}"]),
            *([] if self.link in LINKS else [f"kernel_regression has the links {', '.join(LINKS)}; got {self.link!r}"]),
        ]

    def pre_activation(self, theta: Mapping[str, Array], x: Array, number: str) -> Array:
        return affine(x, theta[f"K{number}"], theta[f"c{number}"])

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        z = self.pre_activation(theta, x, number)
        e = exp(z - max_(z, axis=1, keepdims=True))  # stored rows are many: softmax takes each exponential twice
        return LINKS[self.link](matmul(e, theta[f"Y{number}"]) / sum_(e, axis=1, keepdims=True))

    @property
    def is_linear(self) -> bool:
        return False


LINKS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {"identity": lambda p: p, "logit": lambda p: log(p) - log(1.0 - p), "log": log}
)
"""What turns the means of a kernel regression into outputs of a network."""
