"""Initialization: draws the initial theta of a run with a circuit, from a seed.

Random weights break the symmetry between units; biases start at 0 unless fitted. Draws are counter-based, with one
purpose number per parameter, so theta depends only on the seed and the network (and on the data it is fitted to).
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.circuit.operations import concatenate, greater, log, matmul, where
from backpass.circuit.operations import sqrt as root
from backpass.circuit.operations.indexing import take_along_axis
from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.network.layers import Dense, ScaledDense
from backpass.network.network import Network
from backpass.network.parameters import FREQUENCY
from backpass.network.schemes import WEIGHT_PURPOSE, Fixed, initial_numbers, initial_theta, normal_draws, uniform_draws
from backpass.once import Once

_OTHER_PURPOSE = 0x1718_0000
_KINK_ROWS = 5
# A pre-activation counts as constant if it deviates by less than this many units in the last place of the mean length
# of the rows.
_ROUNDING = 16.0


def initialize(network: Network, scheme: str = "he", dtype: Any = numpy.float32, fixed: Fixed | None = None) -> Circuit:
    """The circuit key -> theta: weights by the scheme, biases 0, ``fixed`` as given, the other groups by ``STARTS``.

    ``Network.initialize`` runs it for a seed.

    key uint32 (2,)   ->   theta (P,)

    Args:
        network: The network.
        scheme: A key of ``INITIALIZATIONS``. Default "he".
        dtype: The dtype of theta. Default float32.
        fixed: The values of the parameters in the group ``FIXED``, by name. Default None: there are none.

    Raises:
        UsageError: If the scheme is unknown.
    """
    return initial_theta(network.layout, scheme, dtype, fixed)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A dense layer fitted to its input data.

    Attributes:
        W: The weights.
        b: The biases.
        a: The outputs of the layer on the data.
    """

    W: Array
    b: Array
    a: Array


def fit_layer(key: Array, x: Array, layer: Dense | ScaledDense, number: int, rows: int) -> Fitted:
    """Fit the weights and biases of one dense layer to its input data (RealMLP, Holzmueller et al. 2024).

    Every column of W is scaled so that its pre-activation has standard deviation 1 over the rows. Every bias puts the
    breakpoint of its unit at a random convex combination of five projected rows.

    key uint32 (2,)   x (rows, d)   ->   W (d, m), b (m,), a (rows, m)
    """
    d, m = int(x.shape[1]), layer.units
    purpose, inputs = WEIGHT_PURPOSE + 16 * number, x
    if isinstance(layer, ScaledDense):
        x = x * (1.0 / sqrt(d))
    W = normal_draws(key, (d, m), purpose, x.dtype)
    z = matmul(x, W)
    z = z - z[0]  # constants become 0, up to rounding, and large means do not drown small deviations
    center = z.sum(axis=0) / float(rows)
    deviation = root(((z - center) * (z - center)).sum(axis=0) / float(rows))
    rounding = _ROUNDING * float(numpy.finfo(x.dtype).eps) * root((x * x).sum() / float(rows))
    # A unit that sees only constants keeps its weights.
    W = W / where(greater(deviation, rounding), deviation, 1.0)
    z = matmul(x, W)
    picked = uniform_draws(key, (_KINK_ROWS * m,), purpose + 1, x.dtype) * float(rows)
    # Point k of unit j, projected by unit j.
    own = take_along_axis(z, picked.astype(numpy.int32).reshape(_KINK_ROWS, m), axis=0)
    shares = -log(1.0 - uniform_draws(key, (_KINK_ROWS, m), purpose + 2, x.dtype))
    b = -((shares * own).sum(axis=0) / shares.sum(axis=0))
    views = {f"W{number}": W, f"b{number}": b}
    return Fitted(W, b, layer(views, inputs, str(number), None))


def initialize_from_data(
    network: Network, rows: int, dtype: Any = numpy.float32, fixed: Fixed | None = None
) -> Circuit:
    """The circuit (key, x, scales) -> theta with weights and biases fitted to the data, layer by layer.

    key uint32 (2,)   x (rows, d)   scales as ``frequency_scales``   ->   theta (P,)

    The scales are an input, so that networks that differ in them only share the plan of this circuit. ``fixed`` is
    as given.

    Args:
        network: The network, of dense layers.
        rows: The number of rows of x.
        dtype: The dtype of x and theta. Default float32.
        fixed: The values of the parameters in the group ``FIXED``, by name. Default None: there are none.

    Raises:
        UsageError: If a layer is not dense (wired layers are small and keep random weights).
    """
    if not all(isinstance(layer, Dense | ScaledDense) for layer in network.layers if layer.neurons):
        raise UsageError("data-dependent initialization needs a network of dense layers")
    if fixed:  # arrays of these data
        return _traced(network, rows, numpy.dtype(dtype), fixed)
    return _of_shape(network.without_scales, rows, numpy.dtype(dtype))


@Once
def _of_shape(network: Network, rows: int, dtype: numpy.dtype[Any]) -> Circuit:
    """``initialize_from_data`` without fixed parameters, traced once for all networks of a shape."""
    return _traced(network, rows, dtype, None)


def _traced(network: Network, rows: int, dtype: numpy.dtype[Any], fixed: Fixed | None) -> Circuit:
    frequencies = [p.name for p in network.layout.parameters if p.group == FREQUENCY]

    def theta_of(key: Array, x: Array, scales: Array) -> Array:
        scale_of = {name: scales[i] for i, name in enumerate(frequencies)}
        parts: list[Array] = []
        for number, layer, width in network.numbered():
            if isinstance(layer, Dense | ScaledDense):
                with label(f"initialize layer {number}"):
                    fitted = fit_layer(key, x, layer, int(number), rows)
                parts += [fitted.W.reshape(-1), fitted.b]
                x = fitted.a
                continue
            others = enumerate(layer.parameters(width, number), start=_OTHER_PURPOSE + len(parts))
            views = {
                p.name: initial_numbers(key, p, purpose, dtype, fixed=fixed, init_scale=scale_of.get(p.name))
                for purpose, p in others
            }
            parts += [view.reshape(-1) for view in views.values()]
            x = layer(views, x, number, None)
        return concatenate(parts)

    x, scales = (Spec(shape, dtype) for shape in ((rows, network.inputs), (len(frequencies),)))
    return trace(theta_of, [Spec((2,), numpy.dtype(numpy.uint32)), x, scales])


def frequency_scales(network: Network, dtype: Any = numpy.float32) -> NDArray[Any]:
    """The standard deviation of the initial frequencies of each periodic embedding of a network, in their order.

    Args:
        network: The network.
        dtype: The dtype of the result. Default float32.
    """
    return numpy.array([p.init_scale for p in network.layout.parameters if p.group == FREQUENCY], dtype)


def fit_output(network: Network, rows: int, dtype: Any = numpy.float32) -> Circuit:
    """The circuit (theta, x, z, weights) -> (theta with an output layer fitted by least squares, the fitted line).

        c = cov(h, z)    a = cov(h c, z) / var(h c)    W = c a    b = mean(z) - mean(h) W    line = h W + b

    h are the inputs of the output layer and z the target pre-activations. The line of each output follows the direction
    in which the inputs covary most with its targets (the first component of partial least squares, Wold 1975); with one
    input it is the least-squares line. Means and covariances of output j are weighted by column j.

    theta (P,)   x (rows, d)   z (rows, k)   weights (rows, k)   ->   theta (P,), line (rows, k)

    Args:
        network: The network.
        rows: The number of rows of x.
        dtype: The dtype of the arrays. Default float32.
    """
    number, width = str(len(network.widths)), list(network.numbered())[-1][2]
    factor = sqrt(width) if isinstance(network.layers[-1], ScaledDense) else 1.0
    rounding = _ROUNDING * float(numpy.finfo(dtype).eps)

    def theta_of(theta: Array, x: Array, z: Array, weights: Array) -> tuple[Array, Array]:
        with label("fit output layer"):
            h = network.features(theta, x)
            center = h.sum(axis=0) / float(rows)
            h, share = h - center, weights / weights.sum(axis=0)
            mean = (share * z).sum(axis=0)
            direction = matmul(h.T, share * (z - mean))
            p = matmul(h, direction)
            p_mean = (share * p).sum(axis=0)
            variance = (share * (p - p_mean) * (p - p_mean)).sum(axis=0)
            least = (rounding * rounding / float(rows)) * (h * h).sum() * (direction * direction).sum(axis=0)
            known = greater(variance, least)  # the line is flat if all rows with weight are equal
            slope = where(known, (share * (p - p_mean) * z).sum(axis=0) / where(known, variance, 1.0), 0.0)
            W = direction * slope
            b = mean - p_mean * slope - matmul(center.reshape(1, -1), W)[0]
            views = {**network.layout.views(theta), f"W{number}": W * factor, f"b{number}": b}
            fitted = concatenate([views[p.name].reshape(-1) for p in network.layout.parameters])
            return fitted, mean + (p - p_mean) * slope

    shapes = [(network.parameter_count,), (rows, network.inputs), *[(rows, network.outputs)] * 2]
    return trace(theta_of, [Spec(shape, numpy.dtype(dtype)) for shape in shapes])
