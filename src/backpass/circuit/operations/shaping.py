"""Operations that move numbers without changing them: names, shapes, slices and their adjoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy

from backpass.circuit.operation import free, operation, per_output
from backpass.circuit.primitive import Array
from backpass.circuit.row_rules import Params, aligned, in_place, mixed, shapes_with_rows
from backpass.circuit.spec import Shape, Spec, broadcast, fill_in, text_of
from backpass.circuit.traced import Traced
from backpass.errors import ShapeError

Range = tuple[int, int, int] | None
"""What a slice takes along one axis: (start, stop, step), or None for all of it."""


@operation(shape=lambda *, spec: spec, rows=mixed, count=free, is_view=True)
def argument(*, spec: Spec) -> Array:
    """z = an input of the circuit; it cannot be computed"""
    raise AssertionError("an argument is given, not computed")


@operation(shape=lambda *, value: Spec(value.shape, value.dtype), rows=mixed, count=free, is_view=True)
def constant(*, value: Array) -> Array:
    """z = value, an array fixed when the function was traced."""
    return value


@operation(shape=lambda x: x, rows=in_place, count=free, is_view=True, dx=lambda dz, z, x: dz)
def identity(x: Array) -> Array:
    """z = x, as a separate node: a gradient with respect to z is not one with respect to x"""
    return x


@operation(shape=lambda x: x, rows=in_place, count=free, is_view=True, dx=None)
def stop_gradient(x: Array) -> Array:
    """z = x, with no gradient"""
    return x


@operation(
    shape=lambda x, *, dtype: Spec(x.shape, numpy.dtype(dtype)),
    rows=in_place,
    is_elementwise=True,
    is_arithmetic=False,
    dx=lambda dz, z, x, *, dtype: dz.astype(x.dtype) if x.spec.is_float else None,
)
def cast(x: Array, *, dtype: Any) -> Array:
    """z = x in another dtype; true becomes 1

    dx = dz in the dtype of x

    Args:
        x: The array.
        dtype: The new dtype.
    """
    return x.astype(dtype)


def _reshaped(x: Spec, *, shape: Shape) -> Spec:
    return Spec(fill_in(shape, x.shape), x.dtype)


def _reshaped_rows(params: Params, inputs: Sequence[Spec], output: Spec, length: str) -> bool:
    """The axis of rows must keep its distance from the start of memory order."""
    x, z = inputs[0].shape, output.shape
    return length in x and prod(map(int, z[: z.index(length)])) == prod(map(int, x[: x.index(length)]))


@operation(
    shape=_reshaped,
    rows=_reshaped_rows,
    count=free,
    is_view=True,
    is_arithmetic=False,
    dx=lambda dz, z, x, *, shape: dz.reshape(x.shape),
)
def reshape(x: Array, *, shape: tuple[Any, ...]) -> Array:
    """z = the elements of x, row by row, in another shape; one dimension may be -1

    dx = dz in the shape of x

    Args:
        x: The array.
        shape: The new shape.

    Raises:
        ShapeError: It has another number of elements.
    """
    return x.reshape(shape)


def _transposed(x: Spec, *, axes: tuple[int, ...]) -> Spec:
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"axes {axes} are not a permutation of the axes of {text_of(x.shape)}")
    return Spec(tuple(x.shape[axis] for axis in axes), x.dtype)


@operation(
    shape=_transposed,
    rows=lambda params, inputs, output, length: (
        params["axes"][output.shape.index(length)] == inputs[0].shape.index(length)
    ),
    count=free,
    is_view=True,
    is_arithmetic=False,
    dx=lambda dz, z, x, *, axes: transpose(dz, axes=tuple(int(i) for i in numpy.argsort(axes))),
)
def transpose(x: Array, *, axes: tuple[int, ...]) -> Array:
    """z = x with its axes in another order

    dx = dz with the axes in their original order

    Args:
        x: The array.
        axes: The axes in their new order.

    Raises:
        ShapeError: They are not a permutation of the axes of x.
    """
    return x.transpose(axes)


def swap_last(x: Array) -> Array:
    """The transpose of each matrix in x (..., n, m)  ->  (..., m, n)."""
    return transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _stretched(x: Spec, *, shape: Shape) -> Spec:
    if broadcast(x.shape, shape) != shape:
        raise ShapeError(f"{text_of(x.shape)} cannot be broadcast to {text_of(shape)}")
    return Spec(shape, x.dtype)


def _stretched_back(dz: Array, z: Array, x: Array, *, shape: Shape) -> Array:
    extra = len(shape) - x.ndim
    axes = [i + extra for i, length in enumerate(x.shape) if length == 1 and shape[i + extra] != 1]
    return dz.sum(axis=(*range(extra), *axes)).reshape(x.shape)


@operation(shape=_stretched, rows=aligned, is_arithmetic=False, dx=_stretched_back)
def broadcast_to(x: Array, *, shape: tuple[Any, ...]) -> Array:
    """z = x broadcast to a larger shape

    dx = dz summed over the broadcast axes

    Args:
        x: The array.
        shape: The shape to broadcast to.

    Raises:
        ShapeError: x cannot be broadcast to it.
    """
    return numpy.broadcast_to(x, shape)


def _sliced(x: Spec, *, ranges: tuple[Range, ...]) -> Spec:
    shape = tuple(d if r is None else len(range(*r)) for d, r in zip(x.shape, ranges, strict=True))
    return Spec(shape, x.dtype)


@operation(
    shape=_sliced,
    rows=lambda params, inputs, output, length: params["ranges"][output.shape.index(length)] is None,
    is_arithmetic=False,
    is_view=True,
    dx=lambda dz, z, x, *, ranges: assemble(dz, ranges=(ranges,), shape=x.shape),
)
def slice_(x: Array, *, ranges: tuple[Range, ...]) -> Array:
    """z = a rectangle of x: (start, stop, step) per axis, or None for the whole axis

    dx = zeros, with dz in the rectangle
    """
    return x[index_of(ranges)]


def index_of(ranges: tuple[Range, ...]) -> tuple[slice, ...]:
    """The rectangle as an index of an array."""
    # A negative step that runs past the first element needs None as its stop.
    return tuple(slice(None) if r is None else slice(r[0], r[1] if r[1] >= 0 else None, r[2]) for r in ranges)


def _total(inputs: Sequence[Spec], output: Spec, lengths: Mapping[str, int]) -> int:
    return sum(spec.size(lengths) for spec in inputs)


def _merge_pieces(parts: Sequence[Traced]) -> Array:
    """Add several assembled arrays by assembling all their pieces at once."""
    recorder = parts[0].recorder
    pieces = [Traced(recorder, i, recorder.nodes[i].spec) for part in parts for i in part.node.inputs]
    ranges = tuple(r for part in parts for r in part.node.params["ranges"])
    return assemble(*pieces, ranges=ranges, shape=parts[0].shape)


def _assembled_rows(params: Params, inputs: Sequence[Spec], output: Spec, length: str) -> bool:
    axis = output.shape.index(length)
    return bool(shapes_with_rows(inputs, length)) and all(ranges[axis] is None for ranges in params["ranges"])


@operation(
    shape=lambda *pieces, ranges, shape: Spec(shape, pieces[0].dtype),
    rows=_assembled_rows,
    count=_total,
    is_arithmetic=False,
    merge=_merge_pieces,
    dpieces=lambda dz, z, *pieces, position, ranges, shape: slice_(dz, ranges=ranges[position]),
)
def assemble(*pieces: Array, ranges: tuple[tuple[Range, ...], ...], shape: tuple[Any, ...]) -> Array:
    """z = zeros of the given shape, with every piece added into its rectangle: the adjoint of slices

    d piece = dz in the piece's rectangle

    The gradients of all slices of one array merge into a single ``assemble``. Hence the gradient of a function that
    reads theta in slices costs the size of the slices, not their number times the size of theta (Theorem 3.1).
    """
    z = numpy.zeros(shape, pieces[0].dtype)
    for piece, place in zip(pieces, ranges, strict=True):
        z[index_of(place)] += piece
    return z


def _joined(*parts: Spec, axis: int) -> Spec:
    first = parts[0].shape
    for part in parts:
        if len(part.shape) != len(first) or part.shape[:axis] + part.shape[axis + 1 :] != (
            first[:axis] + first[axis + 1 :]
        ):
            raise ShapeError(f"arrays to concatenate must have equal shapes except along axis {axis}")
    lengths = [part.shape[axis] for part in parts]
    if len(lengths) > 1 and not all(isinstance(length, int) for length in lengths):
        raise ShapeError(f"cannot concatenate along axis {axis}, whose length is free")
    total = lengths[0] if len(lengths) == 1 else sum(length for length in lengths if isinstance(length, int))
    return Spec((*first[:axis], total, *first[axis + 1 :]), numpy.result_type(*(part.dtype for part in parts)))


def _part_of(dz: Array, z: Array, *parts: Array, position: int, axis: int) -> Array:
    start = sum(part.shape[axis] for part in parts[:position])
    ranges: list[Range] = [None] * dz.ndim
    ranges[axis] = (start, start + parts[position].shape[axis], 1)
    return slice_(dz, ranges=tuple(ranges))


@operation(
    shape=_joined,
    rows=lambda params, inputs, output, length: params["axis"] != output.shape.index(length),
    count=per_output,
    is_arithmetic=False,
    dparts=_part_of,
)
def concatenate_(*parts: Array, axis: int) -> Array:
    """z = the parts joined along an axis

    d part = the corresponding range of dz
    """
    return numpy.concatenate(parts, axis=axis)
