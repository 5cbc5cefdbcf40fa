"""Initialization: the first theta of a run, drawn by a circuit from a seed.

Weights break the symmetry between units; biases start at 0 unless said. The draws are counter-based, one purpose number
per parameter, so theta depends on the seed and the network only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt
from types import MappingProxyType
from typing import Any

import numpy

from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.circuit.operations import concatenate, cos, greater, log, matmul, random_bits, take, to_unit, where
from backpass.circuit.operations import sqrt as root
from backpass.errors import UsageError, did_you_mean
from backpass.network.layers import Dense
from backpass.network.network import Network
from backpass.network.parameters import Parameter

_WEIGHT_PURPOSE = 0x1717_0000
_KINK_ROWS = 5
# A pre-activation that deviates by fewer units in the last place of the rows' mean length than this is a constant.
_ROUNDING = 16.0


def uniform_draws(key: Array, shape: tuple[int, ...], purpose: int, dtype: Any) -> Array:
    """Numbers in [0, 1), one per element."""
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
"""How weights are drawn, by name: the standard deviation or the bound is given by the numbers of inputs and outputs."""


def initialize(network: Network, scheme: str = "he", dtype: Any = numpy.float32) -> Circuit:
    """The circuit key -> theta: weights by the scheme, biases 0.

    key uint32 (2,)   ->   theta (P,)

    Errors: UsageError for an unknown scheme.
    """
    if scheme not in INITIALIZATIONS:
        raise UsageError(f"unknown initialization {scheme!r}", hint=did_you_mean(scheme, list(INITIALIZATIONS)))
    draw = INITIALIZATIONS[scheme]

    def theta_of(key: Array) -> Array:
        parts = []
        for i, p in enumerate(network.layout.parameters):
            with label(f"initialize {p.name}"):
                is_bias = p.group == "bias"
                parts.append(numpy.zeros(p.shape, dtype) if is_bias else draw(key, p, _WEIGHT_PURPOSE + i, dtype))
        return concatenate([part.reshape(-1) for part in parts])

    return trace(theta_of, [Spec((2,), numpy.dtype(numpy.uint32))])


@dataclass(frozen=True, slots=True)
class Fitted:
    """A dense layer fitted to the data that reach it: its W and b, and what it passes on."""

    W: Array
    b: Array
    a: Array


def fit_layer(key: Array, x: Array, layer: Dense, number: int, rows: int) -> Fitted:
    """Weights and biases of one dense layer from the data that reach it (RealMLP, Holzmueller et al. 2024).

    Every column of W is scaled so that its pre-activation has standard deviation 1 over the rows; every bias puts the
    unit's kink at a random convex combination of five projected rows.

    key uint32 (2,)   x (rows, d)   ->   W (d, m), b (m,), a (rows, m)
    """
    d, m = int(x.shape[1]), layer.units
    purpose = _WEIGHT_PURPOSE + 16 * number
    W = normal_draws(key, (d, m), purpose, x.dtype)
    z = matmul(x, W)
    z = z - z[0]  # constants become 0 here, or rounding error, and large means do not drown small deviations
    center = z.sum(axis=0) / float(rows)
    deviation = root(((z - center) * (z - center)).sum(axis=0) / float(rows))
    rounding = _ROUNDING * float(numpy.finfo(x.dtype).eps) * root((x * x).sum() / float(rows))
    # A unit that sees only constants keeps its weights.
    W = W / where(greater(deviation, rounding), deviation, 1.0)
    z = matmul(x, W)
    picked = uniform_draws(key, (_KINK_ROWS * m,), purpose + 1, x.dtype) * float(rows)
    points = take(z, picked.astype(numpy.int32), axis=0).reshape(_KINK_ROWS, m, m)
    own = (points * numpy.eye(m, dtype=x.dtype)).sum(axis=2)  # point k of unit j, projected by unit j
    shares = -log(1.0 - uniform_draws(key, (_KINK_ROWS, m), purpose + 2, x.dtype))
    b = -((shares * own).sum(axis=0) / shares.sum(axis=0))
    views = {f"W{number}": W, f"b{number}": b}
    return Fitted(W, b, layer(views, x, str(number), None))


def initialize_from_data(network: Network, rows: int, dtype: Any = numpy.float32) -> Circuit:
    """The circuit (key, x) -> theta with weights and biases fitted layer by layer to the data.

    key uint32 (2,)   x (rows, d)   ->   theta (P,)

    Errors: UsageError when a layer is not dense (wired units are few and keep a drawn start).
    """
    dense = [layer for layer in network.layers if layer.neurons]
    if not all(isinstance(layer, Dense) for layer in dense):
        raise UsageError("data-dependent initialization needs a network of dense layers")

    def theta_of(key: Array, x: Array) -> Array:
        parts = []
        for number, layer in enumerate(dense, start=1):
            assert isinstance(layer, Dense)
            with label(f"initialize layer {number}"):
                fitted = fit_layer(key, x, layer, number, rows)
            parts += [fitted.W.reshape(-1), fitted.b]
            x = fitted.a
        return concatenate(parts)

    return trace(theta_of, [Spec((2,), numpy.dtype(numpy.uint32)), Spec((rows, network.inputs), numpy.dtype(dtype))])
