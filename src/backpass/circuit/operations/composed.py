"""Functions made of operations, under the names that NumPy users know."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy

from backpass.circuit.operations import elementwise as e
from backpass.circuit.operations import reduction
from backpass.circuit.operations.lookup import take
from backpass.circuit.operations.product import matmul_
from backpass.circuit.operations.reduction import Axis, axes_of
from backpass.circuit.operations.shaping import Range, concatenate_, reshape, slice_, transpose
from backpass.circuit.spec import spec_of, text_of
from backpass.circuit.traced import NUMPY_NAMES, OPERATIONS, Array, Traced, user_line
from backpass.errors import ShapeError, TraceError


def square(x: Array) -> Array:
    """z = x^2"""
    return e.multiply(x, x)


def reciprocal(x: Array) -> Array:
    """z = 1 / x"""
    return e.divide(1.0, x)


def log1p(x: Array) -> Array:
    """z = ln(1 + x)"""
    return e.log(1.0 + x)


def clip(x: Array, low: Array, high: Array) -> Array:
    """z = x, kept between low and high"""
    return e.minimum(e.maximum(x, low), high)


def isnan(x: Array) -> Array:
    """z = whether x is not a number: the only value that does not equal itself"""
    return e.logical_not(e.equal(x, x))


def not_equal(x: Array, y: Array) -> Array:
    """z = whether x and y differ"""
    return e.logical_not(e.equal(x, y))


def less(x: Array, y: Array) -> Array:
    """z = x < y"""
    return e.greater(y, x)


def less_equal(x: Array, y: Array) -> Array:
    """z = x <= y"""
    return e.greater_equal(y, x)


def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = the mean of x over the axes, whose lengths must be known

    Over a free axis divide a sum by the sum of weights instead: the number of rows is not known while tracing.
    """
    lengths = [x.shape[i] for i in axes_of(axis, x.ndim)]
    if any(isinstance(length, str) for length in lengths):
        raise ShapeError(
            "mean over an axis of free length", hint="divide a sum by the sum of the weights, as the losses do"
        )
    return reduction.sum(x, axis=axis, keepdims=keepdims) / float(prod(lengths))


def softmax(x: Array, axis: int = -1) -> Array:
    """z = e^x divided by its sum along the axis"""
    return e.exp(x - reduction.logsumexp(x, axis=axis, keepdims=True))


def concatenate(parts: Any, axis: int = 0) -> Array:
    """z = the parts laid side by side along an axis"""
    parts = tuple(parts)
    return concatenate_(*parts, axis=axis % parts[0].ndim) if len(parts) > 1 else parts[0]


def stack(parts: Any, axis: int = 0) -> Array:
    """z = the parts laid side by side along a new axis"""
    parts = tuple(parts)
    position = axis % (parts[0].ndim + 1)
    return concatenate([reshape(p, shape=(*p.shape[:position], 1, *p.shape[position:])) for p in parts], position)


def one_hot(codes: Array, levels: int, dtype: Any) -> Array:
    """z[..., j] = 1 where the code is j, else 0

    codes int (n,)   ->   z (n, levels); a code outside 0 .. levels-1 gives a row of zeros
    """
    return e.equal(reshape(codes, shape=(*codes.shape, 1)), numpy.arange(levels, dtype=codes.dtype)).astype(dtype)


def matmul(x: Array, y: Array) -> Array:
    """z = x y as NumPy's ``@``: vectors count as one row or one column"""
    x, y = (value if isinstance(value, Traced) else numpy.asarray(value) for value in (x, y))
    if x.ndim == 0 or y.ndim == 0:
        raise ShapeError(
            f"matmul({text_of(x.shape)}, {text_of(y.shape)}): arrays of at least one dimension were expected"
        )
    left = reshape(x, shape=(1, *x.shape)) if x.ndim == 1 else x
    right = reshape(y, shape=(*y.shape, 1)) if y.ndim == 1 else y
    z = matmul_(left, right)
    if x.ndim == 1:
        z = reshape(z, shape=(*z.shape[:-2], z.shape[-1]))
    return reshape(z, shape=z.shape[:-1]) if y.ndim == 1 else z


def dot(x: Array, y: Array) -> Array:
    """z = the sum of x y over two vectors, or the matrix product"""
    return matmul(x, y)


def getitem(x: Array, index: Any) -> Array:
    """z = x[index] for whole numbers, slices, None, ``...``, or one array of row numbers"""
    if isinstance(index, Traced | numpy.ndarray | list):
        index = index if isinstance(index, Traced) else numpy.asarray(index)
        if index.dtype == bool:
            raise TraceError(
                f"{user_line()}: x[mask] gives an array whose length is not known while tracing",
                hint="choose with where(mask, x, 0), or take rows by their numbers",
            )
        return take(x, index, axis=0)
    items = index if isinstance(index, tuple) else (index,)
    given = len([item for item in items if item is not None and item is not Ellipsis])
    if given > x.ndim:
        raise ShapeError(f"x[...] with x {text_of(x.shape)}: {given} indices for {x.ndim} dimensions")
    # Compared by identity: an array in the index would compare element by element.
    at = next((i for i, item in enumerate(items) if item is Ellipsis), len(items))
    items = (*items[:at], *(slice(None),) * (x.ndim - given), *items[at + 1 :])
    ranges: list[Range] = []
    shape: list[Any] = []
    for item in items:
        if item is None:
            shape.append(1)
            continue
        taken, kept = _range_of(item, x, len(ranges))
        if kept:
            shape.append(x.shape[len(ranges)] if taken is None else len(range(*taken)))
        ranges.append(taken)
    z = slice_(x, ranges=tuple(ranges)) if any(r is not None for r in ranges) else x
    return z if tuple(shape) == z.shape else reshape(z, shape=tuple(shape))


def _range_of(item: Any, x: Traced, axis: int) -> tuple[Range, bool]:
    """What an index takes along one axis, and whether the axis stays."""
    length = x.shape[axis]
    if isinstance(item, slice) and item.start is None and item.stop is None and item.step is None:
        return None, True
    is_number = isinstance(item, int | numpy.integer) and not isinstance(item, bool)
    if not (is_number or isinstance(item, slice)):
        raise TraceError(
            f"{user_line()}: a traced array cannot be indexed with {type(item).__name__} along axis {axis}",
            hint="use whole numbers and slices, or take(x, indices, axis=...)",
        )
    if isinstance(length, str):
        raise ShapeError(f"x[...] with x {text_of(x.shape)}: axis {axis} has a free length and can only be taken whole")
    if isinstance(item, slice):
        return item.indices(length), True
    if not -length <= item < length:
        raise ShapeError(f"x[...] with x {text_of(x.shape)}: index {item} is out of range for axis {axis}")
    start = int(item) % length
    return (start, start + 1, 1), False


def norm(x: Array) -> Array:
    """z = the Euclidean length of x, all elements together"""
    return e.sqrt(reduction.sum(square(x)))


def shape_of(x: Array) -> Any:
    """The shape of an array, traced or not."""
    return x.shape if isinstance(x, Traced) else spec_of(numpy.asarray(x)).shape


def _numpy_transpose(x: Array, axes: Any = None) -> Array:
    return transpose(x, axes=tuple(axes) if axes is not None else tuple(reversed(range(x.ndim))))


def _numpy_reshape(x: Array, shape: Any) -> Array:
    return reshape(x, shape=shape if isinstance(shape, tuple) else (shape,))


def _numpy_sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return reduction.sum(x, axis=axis, keepdims=keepdims)


def _numpy_max(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return reduction.max(x, axis=axis, keepdims=keepdims)


_UFUNCS = """add subtract multiply divide power negative exp expm1 log sqrt sin cos tanh absolute sign maximum minimum
greater greater_equal equal logical_not"""
for _ufunc in _UFUNCS.split():
    NUMPY_NAMES[getattr(numpy, _ufunc)] = OPERATIONS[_ufunc]

NUMPY_NAMES |= {
    "getitem": getitem,
    numpy.square: square,
    numpy.reciprocal: reciprocal,
    numpy.log1p: log1p,
    numpy.isnan: isnan,
    numpy.not_equal: not_equal,
    numpy.less: less,
    numpy.less_equal: less_equal,
    numpy.matmul: matmul,
    numpy.dot: dot,
    numpy.clip: clip,
    numpy.where: e.where,
    numpy.concatenate: concatenate,
    numpy.stack: stack,
    numpy.mean: mean,
    numpy.sum: _numpy_sum,
    numpy.max: _numpy_max,
    numpy.transpose: _numpy_transpose,
    numpy.reshape: _numpy_reshape,
    numpy.shape: shape_of,
}
