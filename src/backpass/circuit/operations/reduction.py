"""Operations that sum or compare along axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from backpass.circuit.operation import dtype_rule, operation, per_input
from backpass.circuit.operations.elementwise import equal, exp, where
from backpass.circuit.operations.shaping import broadcast_to
from backpass.circuit.primitive import Array
from backpass.circuit.row_rules import Params
from backpass.circuit.spec import Dimension, Spec
from backpass.errors import ShapeError

Axis = int | tuple[int, ...] | None


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes as non-negative numbers: None stands for all axes, -1 for the last."""
    axes = tuple(range(ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    for one in axes:
        if not -ndim <= one < ndim:
            raise ShapeError(f"axis {one} does not exist in an array of {ndim} dimensions")
    found = tuple(sorted(one % ndim for one in axes))
    if len(set(found)) < len(found):
        raise ShapeError(f"duplicate axis in {axes}")
    return found


def _reduced(x: Spec, *, axis: Axis = None, keepdims: bool = False) -> Spec:
    gone = axes_of(axis, x.ndim)
    kept: list[Dimension] = [1 if i in gone else d for i, d in enumerate(x.shape) if keepdims or i not in gone]
    return Spec(tuple(kept), x.dtype)


def _reduced_rows(params: Params, inputs: Sequence[Spec], output: Spec, length: str) -> bool:
    """Rows stay by themselves unless their own axis is reduced."""
    x = inputs[0].shape
    return x.index(length) not in axes_of(params.get("axis"), len(x))


def _along(reduced: Array, x: Array, axis: Axis) -> Array:
    """Restore the reduced axes with length 1, so that the array broadcasts against x."""
    gone = axes_of(axis, x.ndim)
    return reduced.reshape(tuple(1 if i in gone else d for i, d in enumerate(x.shape)))


_sum_dtype = dtype_rule(numpy.sum)


def _summed(x: Spec, *, axis: Axis = None, keepdims: bool = False) -> Spec:
    # NumPy counts booleans and sums short integers in 64 bits.
    return Spec(_reduced(x, axis=axis, keepdims=keepdims).shape, _sum_dtype(x.dtype))


@operation(
    shape=_summed,
    rows=_reduced_rows,
    count=per_input,
    dx=lambda dz, z, x, *, axis=None, keepdims=False: broadcast_to(_along(dz, x, axis), shape=x.shape),
)
def sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = the sum of x over the axes

    dx = dz, the same for every summand

    Args:
        x: The array.
        axis: An axis or a tuple of axes. Default None: all.
        keepdims: Whether to keep these axes, with length 1. Default False.
    """
    return numpy.sum(x, axis=axis, keepdims=keepdims)


def _to_the_largest(dz: Array, z: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    largest = equal(x, _along(z, x, axis)).astype(x.dtype)
    return _along(dz, x, axis) * largest / sum(largest, axis=axis, keepdims=True)


def _compared(x: Spec, *, axis: Axis = None, keepdims: bool = False) -> Spec:
    if any(x.shape[i] == 0 for i in axes_of(axis, x.ndim)):
        raise ShapeError("the maximum of an empty array is undefined")
    return _reduced(x, axis=axis, keepdims=keepdims)


@operation(shape=_compared, rows=_reduced_rows, count=per_input, dx=_to_the_largest)
def max(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = the largest element of x along the axes

    dx = dz at the largest element, divided evenly among equal ones

    Args:
        x: The array.
        axis: An axis or a tuple of axes. Default None: all.
        keepdims: Whether to keep these axes, with length 1. Default False.

    Raises:
        ShapeError: There is no element.
    """
    return numpy.max(x, axis=axis, keepdims=keepdims)


def _softmax_share(dz: Array, z: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    # Where x is -inf its share is 0, even if z is -inf too.
    share = exp(x - _along(z, x, axis))
    return _along(dz, x, axis) * where(x > -numpy.inf, share, 0.0)


_exp_dtype = dtype_rule(numpy.exp)


@operation(
    shape=lambda x, *, axis=None, keepdims=False: Spec(
        _reduced(x, axis=axis, keepdims=keepdims).shape, _exp_dtype(x.dtype)
    ),
    rows=_reduced_rows,
    count=lambda inputs, output, lengths: 3 * per_input(inputs, output, lengths) + 2 * output.size(lengths),
    dx=_softmax_share,
)
def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """z = ln of the sum of e^x along the axes, without overflow; -inf for no elements

    dx = dz e^(x - z), the softmax of x

    Args:
        x: The array.
        axis: An axis or a tuple of axes. Default None: all.
        keepdims: Whether to keep these axes, with length 1. Default False.
    """
    x = numpy.asarray(x, dtype=_exp_dtype(x.dtype))
    top = numpy.max(x, axis=axis, keepdims=True, initial=-numpy.inf)
    top = numpy.where(numpy.isfinite(top), top, 0).astype(x.dtype)
    z = numpy.log(numpy.sum(numpy.exp(x - top), axis=axis, keepdims=True)) + top
    return z if keepdims else numpy.squeeze(z, axis=axis)
