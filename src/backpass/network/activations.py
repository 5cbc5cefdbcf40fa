"""Activations: the functions sigma that make a network non-linear (CS229 (2.10), (2.14), (2.15) and relatives).

Each is composed of operations, so its derivative comes from automatic differentiation and is not written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt
from types import MappingProxyType
from typing import TypeAlias

from backpass.circuit import Array
from backpass.circuit.operations import elementwise, erf, exp, minimum, relu, sigmoid, softplus, tanh, where
from backpass.errors import looked_up
from backpass.network.custom_activation import CustomActivation

Activation: TypeAlias = str | CustomActivation
"""The name of an activation, or a function of the user's as operations."""

_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805
_LEAK = 0.01
_MISH_ENDS = 20.0


def identity(z: Array) -> Array:
    """a = z; a network with only this activation collapses to one linear map    CS229 (2.18)"""
    return z


def leaky_relu(z: Array) -> Array:
    """a = z for z >= 0, else 0.01 z; the slope at exactly 0 is 1 (Maas et al. 2013)"""
    return where(z >= 0.0, z, _LEAK * z)


def gelu(z: Array) -> Array:
    """a = z times the standard normal distribution function at z (Hendrycks & Gimpel 2016)"""
    return 0.5 * z * (1.0 + erf(z * (1.0 / sqrt(2.0))))


def selu(z: Array) -> Array:
    """a = s z for z >= 0, else s alpha (e^z - 1), with s = 1.0507 and alpha = 1.6733 (Klambauer et al. 2017)"""
    # The minimum keeps e^z finite where the other branch is taken. The operation expm1, whose slope is its value + 1,
    # is called rather than functions.expm1, so that results of trained networks do not change by a bit.
    return where(z >= 0.0, _SELU_SCALE * z, (_SELU_SCALE * _SELU_ALPHA) * elementwise.expm1(minimum(z, 0.0)))


def mish(z: Array) -> Array:
    """a = z tanh(ln(1 + e^z)) (Misra 2019)

    tanh(ln(1 + t)) is w / (w + 2) with w = t (t + 2): one exponential instead of four functions.
    """
    t = exp(minimum(z, _MISH_ENDS))  # beyond this bound a = z to the last place, also in float64
    w = t * (t + 2.0)
    return z * (w / (w + 2.0))


ACTIVATIONS: MappingProxyType[str, Callable[[Array], Array]] = MappingProxyType(
    {
        "relu": relu,
        "sigmoid": sigmoid,
        "tanh": tanh,
        "identity": identity,
        "softplus": softplus,
        "gelu": gelu,
        "selu": selu,
        "mish": mish,
        "leaky_relu": leaky_relu,
    }
)
"""Every activation by name."""

RANGES: MappingProxyType[str, tuple[float, float]] = MappingProxyType(
    {
        "relu": (0.0, inf),
        "sigmoid": (0.0, 1.0),
        "tanh": (-1.0, 1.0),
        "identity": (-inf, inf),
        "softplus": (0.0, inf),
        "gelu": (-0.16997120747990369, inf),
        "selu": (-_SELU_SCALE * _SELU_ALPHA, inf),
        "mish": (-0.30884341301725043, inf),
        "leaky_relu": (-inf, inf),
    }
)
"""The infimum and the supremum of every activation.

Where a bound is finite the slope vanishes on that side: a unit that saturates there on every row does not learn.
"""


def range_of(activation: Activation) -> tuple[float, float]:
    """The infimum and the supremum of an activation; that of a function is taken as unbounded.

    Args:
        activation: A key of ``RANGES``, or a ``CustomActivation``.
    """
    return RANGES[activation] if isinstance(activation, str) else (-inf, inf)


def saturates(activation: Activation) -> bool:
    """Whether an activation is known to be bounded, so that its slope vanishes on at least one side.

    Args:
        activation: A key of ``RANGES``, or a ``CustomActivation``.

    >>> saturates("relu"), saturates("leaky_relu")
    (True, False)
    """
    return range_of(activation) != (-inf, inf)


def activation_of(activation: Activation | Callable[[Array], Array]) -> Activation:
    """A name as it is, and a function as the operations that it is made of.

    Args:
        activation: A key of ``ACTIVATIONS``, or a function.

    Raises:
        UsageError: If the name is unknown, or a function is not elementwise, or not made of operations.
    """
    if isinstance(activation, str):
        looked_up(ACTIVATIONS, activation, "activation")
        return activation
    return activation if isinstance(activation, CustomActivation) else CustomActivation.of(activation)


def activation_named(name: Activation | Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Look up an activation by name; a function is returned as it is.

    Args:
        name: A key of ``ACTIVATIONS``, or a function.

    Raises:
        UsageError: If the name is unknown; the message gives the nearest name.
    """
    return name if callable(name) else looked_up(ACTIVATIONS, name, "activation")
