"""Schemes: how the initial numbers of each parameter are drawn, from a key.

A scheme maps a key and a parameter to an array. ``initialization`` also fits parameters to data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi, sqrt
from types import MappingProxyType
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.circuit.operations import concatenate, cos, log, random_bits, to_unit
from backpass.circuit.operations import sqrt as root
from backpass.errors import looked_up
from backpass.network.parameters import FIXED, Layout, Parameter

WEIGHT_PURPOSE = 0x1717_0000

Fixed = Mapping[str, NDArray[Any]]
"""Numbers of the parameters that are not drawn, by name."""


def uniform_draws(key: Array, shape: tuple[int, ...], purpose: int, dtype: Any) -> Array:
    """Uniform numbers in [0, 1), one per element."""
    step = numpy.zeros((), numpy.uint32)
    return to_unit(random_bits(key, step, purpose=purpose, shape=shape), dtype=dtype)


def normal_draws(key: Array, shape: tuple[int, ...], purpose: int, dtype: Any) -> Array:
    """Standard normal numbers by z = sqrt(-2 ln(1 - u)) cos(2 pi v) (Box & Muller 1958)."""
    pair = uniform_draws(key, (2, *shape), purpose, dtype)
    u, v = pair[0], pair[1]
    return root(-2.0 * log(1.0 - u)) * cos((2.0 * pi) * v)


def _normal(std: Callable[[Parameter], float]) -> Callable[[Array, Parameter, int, Any], Array]:
    return lambda key, p, purpose, dtype: std(p) * normal_draws(key, p.shape, purpose, dtype)


def _uniform(bound: Callable[[Parameter], float]) -> Callable[[Array, Parameter, int, Any], Array]:
    return lambda key, p, purpose, dtype: bound(p) * (2.0 * uniform_draws(key, p.shape, purpose, dtype) - 1.0)


INITIALIZATIONS: MappingProxyType[str, Callable[[Array, Parameter, int, Any], Array]] = MappingProxyType(
    {
        "he": _normal(lambda p: sqrt(2.0 / p.fan_in)),  # He et al. 2015
        "glorot": _uniform(lambda p: sqrt(6.0 / (p.fan_in + p.fan_out))),  # Glorot & Bengio 2010
        "uniform": _uniform(lambda p: 1.0 / sqrt(p.fan_in)),
        "normal": _normal(lambda p: 1.0 / sqrt(p.fan_in)),
    }
)
"""Weight initializations by name; fan-in and fan-out determine the standard deviation or the bound."""


def _constant(value: float) -> Callable[[Array, Parameter, int, Any], Array]:
    return lambda key, p, purpose, dtype: numpy.full(p.shape, value, dtype)


def _levels(key: Array, p: Parameter, purpose: int, dtype: Any) -> Array:
    """Row 0, for unknown categories, is 0; the others are standard normal."""
    levels, size = p.shape
    drawn = normal_draws(key, (levels - 1, size), purpose, dtype)
    return concatenate([numpy.zeros((1, size), dtype), drawn], axis=0)


STARTS: MappingProxyType[str, Callable[[Array, Parameter, int, Any], Array]] = MappingProxyType(
    {
        "bias": _constant(0.0),
        "alpha": _constant(1.0),
        "learned_input_scale": _constant(1.0),
        "frequency": _normal(lambda p: 1.0),
        "phase": _uniform(lambda p: pi),
        "mixture": _uniform(lambda p: 1.0 / sqrt(p.fan_in)),
        "embedding": _levels,
    }
)
"""Initializations of the other parameter groups, before the multiplication by ``init_scale``."""


def initial_numbers(
    key: Array,
    p: Parameter,
    purpose: int,
    dtype: Any,
    scheme: str = "he",
    fixed: Fixed | None = None,
    init_scale: Array | None = None,
) -> Array:
    """The initial numbers of one parameter; those in ``fixed`` if it is not trained.

    ``init_scale`` is a traced number in place of that of the parameter.
    """
    if p.group == FIXED:
        return (fixed or {})[p.name].astype(dtype)
    with label(f"initialize {p.name}"):
        drawn = (INITIALIZATIONS[scheme] if p.group == "weight" else STARTS[p.group])(key, p, purpose, dtype)
        if init_scale is not None:
            return drawn * init_scale
        return drawn if p.init_scale == 1.0 else drawn * p.init_scale


def initial_theta(
    layout: Layout, scheme: str = "he", dtype: Any = numpy.float32, fixed: Fixed | None = None
) -> Circuit:
    """The circuit key -> theta: weights by the scheme, biases 0, ``fixed`` as given, the other groups by ``STARTS``.

    key uint32 (2,)   ->   theta (P,)

    Raises:
        UsageError: If the scheme is unknown.
    """
    looked_up(INITIALIZATIONS, scheme, "initialization")

    def theta_of(key: Array) -> Array:
        parameters = enumerate(layout.parameters, start=WEIGHT_PURPOSE)
        numbers = (initial_numbers(key, p, purpose, dtype, scheme, fixed) for purpose, p in parameters)
        return concatenate([each.reshape(-1) for each in numbers])

    return trace(theta_of, [Spec((2,), numpy.dtype(numpy.uint32))])
