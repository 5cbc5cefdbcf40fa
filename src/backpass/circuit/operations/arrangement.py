"""Functions that rearrange the elements of arrays, composed of operations, under NumPy's names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy

from backpass.circuit.operations.functions import as_array
from backpass.circuit.operations.lookup import take
from backpass.circuit.operations.reduction import axes_of
from backpass.circuit.operations.shaping import broadcast_to, concatenate_, reshape, transpose
from backpass.circuit.operations.statistics import along, fixed_length
from backpass.circuit.primitive import Array
from backpass.circuit.spec import broadcast, spec_of, text_of
from backpass.circuit.traced import Traced
from backpass.errors import ShapeError

# Joining and splitting -----------------------------------------------------------------------------------------------


def concatenate(parts: Any, axis: int | None = 0) -> Array:
    """z = the parts joined along an axis; for axis None, all their elements as one vector

    Args:
        parts: The arrays, of equal lengths along all other axes.
        axis: The axis. Default 0.

    Raises:
        ShapeError: Lengths along another axis differ.
    """
    parts = tuple(as_array(part) for part in parts)
    if axis is None:
        parts, axis = tuple(ravel(part) for part in parts), 0
    return concatenate_(*parts, axis=axes_of(axis, parts[0].ndim)[0]) if len(parts) > 1 else parts[0]


def stack(parts: Any, axis: int = 0) -> Array:
    """z = the parts joined along a new axis

    Args:
        parts: The arrays, all of the same shape.
        axis: The position of the new axis. Default 0.

    Raises:
        ShapeError: The shapes differ.
    """
    parts = tuple(as_array(part) for part in parts)
    [position] = axes_of(axis, parts[0].ndim + 1)
    return concatenate([reshape(p, shape=(*p.shape[:position], 1, *p.shape[position:])) for p in parts], position)


def hstack(parts: Any) -> Array:
    """z = the parts joined along the second axis; vectors along their only axis"""
    parts = [atleast_1d(part) for part in parts]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1)


def vstack(parts: Any) -> Array:
    """z = the parts joined along the first axis; a vector counts as a row"""
    return concatenate([atleast_2d(part) for part in parts], 0)


def column_stack(parts: Any) -> Array:
    """z = the parts joined along the second axis; a vector counts as a column"""
    parts = [as_array(part) for part in parts]
    return concatenate([part if part.ndim > 1 else reshape(part, shape=(-1, 1)) for part in parts], 1)


def array_split(x: Array, sections: Any, axis: int = 0) -> list[Array]:
    """x split along an axis into nearly equal sections (an integer), or before the given indices"""
    x = as_array(x)
    [at] = axes_of(axis, x.ndim)
    length = fixed_length(x, at, "split")
    if isinstance(sections, int | numpy.integer):
        size, more = divmod(length, int(sections))
        cuts = numpy.cumsum([0] + [size + 1] * more + [size] * (int(sections) - more)).tolist()
    else:
        cuts = [0, *(slice(None, int(cut)).indices(length)[1] for cut in sections), length]
    return [along(x, at, start, max(start, stop)) for start, stop in pairwise(cuts)]


def split(x: Array, sections: Any, axis: int = 0) -> list[Array]:
    """x split along an axis into equal sections (an integer), or before the given indices

    Raises:
        ShapeError: If the length is not a multiple of the number of sections.
    """
    length = fixed_length(as_array(x), axes_of(axis, x.ndim)[0], "split")
    if isinstance(sections, int | numpy.integer) and length % sections:
        raise ShapeError(f"{text_of(x.shape)} cannot be split along axis {axis} into {sections} equal parts")
    return array_split(x, sections, axis)


def hsplit(x: Array, sections: Any) -> list[Array]:
    """x split along the second axis; a vector along its only axis"""
    return split(x, sections, 0 if x.ndim == 1 else 1)


def vsplit(x: Array, sections: Any) -> list[Array]:
    """x split along the first axis"""
    return split(x, sections, 0)


# Axes ----------------------------------------------------------------------------------------------------------------


def ravel(x: Array) -> Array:
    """z = all elements of x as one vector, row by row"""
    return reshape(as_array(x), shape=(-1,))


def squeeze(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """z = x without its axes of length 1, or without the given ones"""
    gone = [i for i, d in enumerate(x.shape) if d == 1] if axis is None else list(axes_of(axis, x.ndim))
    if any(x.shape[i] != 1 for i in gone):
        raise ShapeError(f"squeeze of {text_of(x.shape)} along {axis}: every axis must have length 1")
    return reshape(x, shape=tuple(d for i, d in enumerate(x.shape) if i not in gone))


def expand_dims(x: Array, axis: int | Sequence[int]) -> Array:
    """z = x with new axes of length 1 at the given positions"""
    places = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = x.ndim + len(places)
    new, lengths = axes_of(places, rank), iter(x.shape)
    return reshape(x, shape=tuple(1 if i in new else next(lengths) for i in range(rank)))


def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """z = x with two axes exchanged"""
    order = list(range(x.ndim))
    [a], [b] = axes_of(axis1, x.ndim), axes_of(axis2, x.ndim)
    order[a], order[b] = b, a
    return transpose(x, axes=tuple(order))


def moveaxis(x: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """z = x with some axes moved to new positions; the other axes keep their order"""
    pairs = [[places] if isinstance(places, int) else list(places) for places in (source, destination)]
    start, end = ([axes_of(i, x.ndim)[0] for i in places] for places in pairs)
    if len(start) != len(end):
        raise ShapeError(f"moveaxis from {source} to {destination}: both must have the same number of axes")
    order = [i for i in range(x.ndim) if i not in start]
    for place, i in sorted(zip(end, start, strict=True)):
        order.insert(place, i)
    return transpose(x, axes=tuple(order))


def rollaxis(x: Array, axis: int, start: int = 0) -> Array:
    """z = x with one axis moved in front of another"""
    [at] = axes_of(axis, x.ndim)
    to = start + x.ndim if start < 0 else start
    return moveaxis(x, at, to - 1 if at < to else to)


def atleast_1d(x: Array) -> Array:
    """z = x; a number becomes a vector of length 1"""
    x = as_array(x)
    return x if x.ndim else reshape(x, shape=(1,))


def atleast_2d(x: Array) -> Array:
    """z = x; a vector becomes a row"""
    x = atleast_1d(x)
    return x if x.ndim > 1 else reshape(x, shape=(1, *x.shape))


def flip(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """z = x with the order of elements reversed along the axes"""
    x = as_array(x)
    for i in axes_of(axis, x.ndim):
        x = along(x, i, fixed_length(x, i, "flip") - 1, -1, -1) if x.shape[i] != 0 else x
    return x


def roll(x: Array, shift: Any, axis: Any = None) -> Array:
    """z = x shifted along the axes; elements that leave at one end reappear at the other"""
    x = as_array(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), shape=x.shape)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    shifts = (shift,) * len(axes) if isinstance(shift, int | numpy.integer) else tuple(shift)
    for i, by in zip(axes, shifts, strict=True):
        [at] = axes_of(i, x.ndim)
        length = fixed_length(x, at, "roll")
        cut = -int(by) % length if length else 0
        x = concatenate_(along(x, at, cut, length), along(x, at, 0, cut), axis=at) if cut else x
    return x


# Repeating and stretching --------------------------------------------------------------------------------------------


def stretched(x: Array, shape: Any) -> Array:
    """z = x broadcast to a larger shape"""
    return broadcast_to(as_array(x), shape=(shape,) if isinstance(shape, int | str) else tuple(shape))


def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
    """The arrays, broadcast to their common shape"""
    found = [as_array(x) for x in arrays]
    shape = broadcast(*(x.shape for x in found))
    return tuple(x if x.shape == shape else broadcast_to(x, shape=shape) for x in found)


def meshgrid(*vectors: Array, indexing: str = "xy") -> tuple[Array, ...]:
    """One array per vector: its numbers vary along its own axis and are constant along the others"""
    found = [atleast_1d(x) for x in vectors]
    rank = len(found)
    places = list(range(rank))
    if indexing == "xy" and rank > 1:
        places[:2] = [1, 0]
    lined = [
        reshape(x, shape=tuple(x.shape[0] if i == place else 1 for i in range(rank)))
        for x, place in zip(found, places, strict=True)
    ]
    return broadcast_arrays(*lined)


def tile(x: Array, repeats: Any) -> Array:
    """z = x repeated along each axis, as blocks"""
    counts = (int(repeats),) if isinstance(repeats, int | numpy.integer) else tuple(int(n) for n in repeats)
    x = as_array(x)
    rank = max(len(counts), x.ndim)
    x = reshape(x, shape=(*(1,) * (rank - x.ndim), *x.shape))
    for i, count in enumerate((*(1,) * (rank - len(counts)), *counts)):
        if count != 1:
            x = concatenate_(*[x] * count, axis=i) if count else along(x, i, 0, 0)
    return x


def repeat(x: Array, repeats: Any, axis: int | None = None) -> Array:
    """z = x with each element repeated in place"""
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    [at] = axes_of(axis, x.ndim)
    places = numpy.repeat(numpy.arange(fixed_length(x, at, "repeat")), repeats)
    return take(x, places, axis=at)


# Arrays like others --------------------------------------------------------------------------------------------------


def shape_of(x: Array) -> Any:
    """The shape of an array, traced or not."""
    return x.shape if isinstance(x, Traced) else spec_of(numpy.asarray(x)).shape


def full_like(x: Array, fill_value: Any, dtype: Any = None) -> Array:
    """z = one number in the shape of x, which may have free lengths, and in the dtype of x unless given"""
    x, value = as_array(x), as_array(fill_value)
    wanted = numpy.dtype(dtype) if dtype is not None else x.dtype
    value = value if value.dtype == wanted else value.astype(wanted)
    if isinstance(x, Traced) and not isinstance(value, Traced):
        value = x.recorder.constant(value)
    return broadcast_to(value, shape=x.shape)


def zeros_like(x: Array, dtype: Any = None) -> Array:
    """z = zeros in the shape of x"""
    return full_like(x, 0, dtype)


def ones_like(x: Array, dtype: Any = None) -> Array:
    """z = ones in the shape of x"""
    return full_like(x, 1, dtype)
