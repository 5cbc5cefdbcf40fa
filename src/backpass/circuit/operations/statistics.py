"""Functions along axes, composed of operations: means, variances, norms, products, running sums, extremes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod as product_of
from typing import Any

import numpy

from backpass.circuit.operations import elementwise as e
from backpass.circuit.operations import reduction
from backpass.circuit.operations.functions import as_array, invert, is_whole, isnan, square, truth
from backpass.circuit.operations.reduction import Axis, axes_of
from backpass.circuit.operations.shaping import Range, broadcast_to, concatenate_, reshape, slice_
from backpass.circuit.primitive import Array
from backpass.circuit.spec import text_of
from backpass.errors import ShapeError


def fixed_length(x: Array, axis: int, what: str) -> int:
    """The length of an axis.

    Raises:
        ShapeError: If the length is free.
    """
    length = x.shape[axis]
    if isinstance(length, str):
        raise ShapeError(f"{what} of {text_of(x.shape)} along axis {axis}, whose length is free")
    return int(length)


def along(x: Array, axis: int, start: int, stop: int, step: int = 1) -> Array:
    """A slice of x along one axis."""
    ranges: list[Range] = [None] * x.ndim
    ranges[axis] = (start, stop, step)
    return slice_(x, ranges=tuple(ranges))


def count_along(x: Array, axis: Axis, what: str) -> int:
    """The number of elements along the axes, whose lengths must be known."""
    lengths = [x.shape[i] for i in axes_of(axis, x.ndim)]
    if any(isinstance(length, str) for length in lengths):
        raise ShapeError(
            f"{what} over an axis of free length", hint="divide a sum by the sum of the weights, as the losses do"
        )
    return product_of(lengths)


def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = the mean of x over the axes, whose lengths must be known

    Over a free axis, divide a sum by the sum of weights instead: the number of rows is unknown while tracing.

    Args:
        x: The array.
        axis: An axis or a tuple of axes. Default None: all.
        keepdims: Whether to keep these axes, with length 1. Default False.

    Raises:
        ShapeError: The length of an axis is free.
    """
    return reduction.sum(x, axis=axis, keepdims=keepdims) / float(count_along(x, axis, "mean"))


def average(x: Array, axis: Axis = None, weights: Array = None, *, keepdims: bool = False) -> Array:
    """z = sum of w x / sum of w; weights w have the shape of x, or one number per position along the axis"""
    if weights is None:
        return mean(x, axis, keepdims)
    x, w = as_array(x), as_array(weights)
    if w.shape != x.shape:
        places = axes_of(axis, x.ndim)
        if w.shape != tuple(x.shape[i] for i in places):
            raise ShapeError(
                f"average of {text_of(x.shape)} along axis {axis}: weights cannot have shape {text_of(w.shape)}"
            )
        w = reshape(w, shape=tuple(d if i in places else 1 for i, d in enumerate(x.shape)))
        w = broadcast_to(w, shape=x.shape)
    return reduction.sum(e.multiply(x, w), axis=axis, keepdims=keepdims) / reduction.sum(
        w, axis=axis, keepdims=keepdims
    )


def var(
    x: Array, axis: Axis = None, ddof: float = 0, keepdims: bool = False, *, correction: float | None = None
) -> Array:
    """z = the sum of squared deviations from the mean, divided by the number of elements minus ``ddof``"""
    x = as_array(x)
    less = ddof if correction is None else correction
    distance = x - mean(x, axis, keepdims=True)
    total = reduction.sum(square(distance), axis=axis, keepdims=keepdims)
    return total / float(max(count_along(x, axis, "var") - less, 0))


def std(
    x: Array, axis: Axis = None, ddof: float = 0, keepdims: bool = False, *, correction: float | None = None
) -> Array:
    """z = the square root of ``var``; its derivative is NaN where all elements are equal"""
    return e.sqrt(var(x, axis, ddof, keepdims, correction=correction))


def min_(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = the smallest element of x along the axes; dx = dz there, divided evenly among equal ones"""
    x = as_array(x)
    turned = invert if is_whole(x) else e.negative  # -x may overflow for integers, -1 - x does not
    return turned(reduction.max(turned(x), axis=axis, keepdims=keepdims))


def ptp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = the largest element minus the smallest"""
    return reduction.max(x, axis=axis, keepdims=keepdims) - min_(x, axis, keepdims)


def any_(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = whether any element differs from 0"""
    return truth(count_nonzero(x, axis, keepdims=keepdims))


def all_(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = whether every element differs from 0"""
    return e.logical_not(count_nonzero(e.logical_not(truth(x)), axis, keepdims=keepdims))


def count_nonzero(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """z = the number of elements that differ from 0"""
    return reduction.sum(truth(x).astype(numpy.int64), axis=axis, keepdims=keepdims)


def softmax(x: Array, axis: int = -1) -> Array:
    """z = e^x divided by its sum along the axis

    Args:
        x: The array.
        axis: The axis. Default -1: the last one.
    """
    return e.exp(x - reduction.logsumexp(x, axis=axis, keepdims=True))


def norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = the length of x: Euclidean, or the vector norm ``ord`` (a number, inf, -inf, 0, "fro") along the axes

    Args:
        x: The array.
        ord: The order. Default None: Euclidean.
        axis: An axis or a tuple of axes. Default None: all.
        keepdims: Whether to keep these axes, with length 1. Default False.
    """
    x = as_array(x)
    if is_whole(x):
        x = x.astype(numpy.float64)
    count = x.ndim if axis is None else len(axes_of(axis, x.ndim))
    if ord is None or (ord == 2 and count == 1) or (ord == "fro" and count == 2):
        return e.sqrt(reduction.sum(square(x), axis=axis, keepdims=keepdims))
    if count != 1:
        raise ShapeError(
            f"the norm of a matrix is not supported with ord={ord!r}",
            hint="pass one axis; only ord=None and ord='fro' are supported for a matrix",
        )
    size = e.absolute(x)
    if ord in (numpy.inf, -numpy.inf):
        return (reduction.max if ord > 0 else min_)(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return reduction.sum(truth(x).astype(x.dtype), axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ShapeError(f"the norm of a vector is not supported with ord={ord!r}", hint="pass a number, inf or -inf")
    powers = size if ord == 1 else e.power(size, float(ord))
    return e.power(reduction.sum(powers, axis=axis, keepdims=keepdims), 1.0 / ord)


# Products and running sums -------------------------------------------------------------------------------------------


def _summable(x: Array) -> Array:
    """Convert x to the dtype of NumPy's sums: short integers and truth values become 64-bit integers."""
    dtype = numpy.sum(numpy.ones(1, x.dtype)).dtype
    return x if x.dtype == dtype else x.astype(dtype)


def prod(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = the product of x over the axes, whose lengths must be known

    Computed by repeated halving, so that the derivative is right where factors are zero.
    """
    x = _summable(as_array(x))
    gone = axes_of(axis, x.ndim)
    for i in gone:
        while (length := fixed_length(x, i, "prod")) > 1:
            half = length // 2
            pairs = along(x, i, 0, half) * along(x, i, half, 2 * half)
            x = concatenate_(pairs, along(x, i, 2 * half, length), axis=i) if length % 2 else pairs
        if length == 0:
            x = reduction.sum(x, axis=i, keepdims=True) + 1
    return x if keepdims else reshape(x, shape=tuple(d for i, d in enumerate(x.shape) if i not in gone))


def _running(x: Array, axis: int | None, join: Callable[[Array, Array], Array], what: str) -> Array:
    """Join each element with all before it along the axis, in log2(length) rounds of doubling distance."""
    x = _summable(as_array(x))
    if axis is None:
        x, axis = reshape(x, shape=(-1,)), 0
    [at] = axes_of(axis, x.ndim)
    length, reach = fixed_length(x, at, what), 1
    while reach < length:
        joined = join(along(x, at, 0, length - reach), along(x, at, reach, length))
        x = concatenate_(along(x, at, 0, reach), joined, axis=at)
        reach *= 2
    return x


def cumsum(x: Array, axis: int | None = None) -> Array:
    """z = the sums of the first 1, 2, 3 ... elements along an axis of known length"""
    return _running(x, axis, e.add, "cumsum")


def cumprod(x: Array, axis: int | None = None) -> Array:
    """z = the products of the first 1, 2, 3 ... elements along an axis of known length"""
    return _running(x, axis, e.multiply, "cumprod")


def diff(x: Array, n: int = 1, axis: int = -1) -> Array:
    """z = each element minus the one before it, repeated n times"""
    x = as_array(x)
    [at] = axes_of(axis, x.ndim)
    for _ in range(n):
        length = fixed_length(x, at, "diff")
        later, earlier = along(x, at, min(1, length), length), along(x, at, 0, max(length - 1, 0))
        x = e.logical_not(e.equal(later, earlier)) if x.dtype == bool else later - earlier
    return x


# Places --------------------------------------------------------------------------------------------------------------


def argmax(x: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """z int64 = the index of the first largest element, or of the first NaN; it has no derivative"""
    x = as_array(x)
    if axis is None:
        flat = argmax(reshape(x, shape=(-1,)), 0)
        return reshape(flat, shape=(1,) * x.ndim) if keepdims else flat
    [at] = axes_of(axis, x.ndim)
    length = fixed_length(x, at, "argmax")
    top = reduction.max(x, axis=at, keepdims=True)
    found = e.where(isnan(x), True, e.equal(x, top))
    behind = numpy.arange(length, 0, -1).reshape(tuple(length if i == at else 1 for i in range(x.ndim)))
    return length - reduction.max(e.where(found, behind, 0), axis=at, keepdims=keepdims)


def argmin(x: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """z int64 = the index of the first smallest element, or of the first NaN; it has no derivative"""
    x = as_array(x)
    return argmax((invert if is_whole(x) else e.negative)(x), axis, keepdims=keepdims)
