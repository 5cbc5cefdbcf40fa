"""NumPy's indexing: x[index] and related functions, composed of slices and takes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy

from backpass.circuit.node import user_line
from backpass.circuit.operations import elementwise as e
from backpass.circuit.operations import lookup
from backpass.circuit.operations.arrangement import moveaxis, ravel
from backpass.circuit.operations.functions import as_array
from backpass.circuit.operations.reduction import axes_of
from backpass.circuit.operations.shaping import Range, reshape, slice_
from backpass.circuit.operations.statistics import fixed_length
from backpass.circuit.primitive import Array
from backpass.circuit.spec import broadcast, check_unmasked, text_of
from backpass.circuit.traced import Traced
from backpass.errors import ShapeError, TraceError


def getitem(x: Array, index: Any) -> Array:
    """z = x[index] for integers, slices, None, ``...``, arrays of integers, and masks that are known while tracing"""
    items = _items(index if isinstance(index, tuple) else (index,), x)
    ranges: list[Range] = []
    shape: list[Any] = []
    arrays: dict[int, Array] = {}  # by their axis after slicing
    singles: list[int] = []  # axes indexed by an integer, which counts as an array when other indices are arrays
    has_arrays = any(_is_array(item) for item in items)
    places: list[int] = []
    for position, item in enumerate(items):
        if item is None:
            shape.append(1)
            continue
        axis = len(ranges)
        if _is_array(item):
            arrays[len(shape)] = _checked(item, x, axis)
            taken, kept = None, True
        else:
            taken, kept = _range_of(item, x, axis)
        if not kept and has_arrays:
            singles.append(len(shape))
            shape.append(1)
        elif kept:
            shape.append(x.shape[axis] if taken is None else len(range(*taken)))
        if _is_array(item) or not kept:
            places.append(position)
        ranges.append(taken)
    z = slice_(x, ranges=tuple(ranges)) if any(r is not None for r in ranges) else x
    z = z if tuple(shape) == z.shape else reshape(z, shape=tuple(shape))
    if not has_arrays:
        return z
    are_together = places[-1] - places[0] + 1 == len(places)
    return _taken(z, arrays, singles, are_together)


def _items(given: tuple[Any, ...], x: Array) -> list[Any]:
    """One item per axis and per None: masks become the positions where they are true, ``...`` becomes slices."""
    items: list[Any] = []
    for item in given:
        check_unmasked(item, "an index")
        if isinstance(item, list):
            item = numpy.asarray(item, dtype=None if item else numpy.intp)
        if isinstance(item, Traced | numpy.ndarray) and item.dtype == bool:
            if isinstance(item, Traced) or item.ndim == 0:
                raise TraceError(
                    f"{user_line()}: x[mask] returns an array whose length is not known while tracing",
                    hint="select with where(mask, x, 0), or take rows by their indices",
                )
            axis = sum(one is not None and one is not Ellipsis for one in items)
            length = x.shape[axis : axis + item.ndim]
            if not any(one is Ellipsis for one in items) and length != item.shape:
                raise ShapeError(f"x[mask] with x {text_of(x.shape)}: the mask has shape {text_of(item.shape)}")
            items += item.nonzero()
        else:
            items.append(item)
    count = sum(item is not None and item is not Ellipsis for item in items)
    if count > x.ndim:
        raise ShapeError(f"x[...] with x {text_of(x.shape)}: {count} indices for {x.ndim} dimensions")
    # Identity, because == would compare an array in the index element by element.
    at = next((i for i, item in enumerate(items) if item is Ellipsis), len(items))
    return [*items[:at], *[slice(None)] * (x.ndim - count), *items[at + 1 :]]


def _is_array(item: Any) -> bool:
    return isinstance(item, Traced | numpy.ndarray)


def _checked(item: Array, x: Array, axis: int) -> Array:
    """Check an array of indices against the length of its axis, where both are known."""
    if item.dtype.kind not in "iu":
        raise TraceError(
            f"{user_line()}: a traced array cannot be indexed with {item.dtype.name} along axis {axis}",
            hint="use integers, for example with .astype(int)",
        )
    length = x.shape[axis]
    if isinstance(item, numpy.ndarray) and isinstance(length, int):
        outside = item[(item < -length) | (item >= length)]
        if outside.size:
            raise ShapeError(f"x[...] with x {text_of(x.shape)}: index {outside[0]} is out of range for axis {axis}")
    return item


def _range_of(item: Any, x: Array, axis: int) -> tuple[Range, bool]:
    """The range that an index takes along one axis, and whether the axis is kept."""
    length = x.shape[axis]
    if isinstance(item, slice) and item.start is None and item.stop is None and item.step in (None, 1):
        return None, True
    is_number = isinstance(item, int | numpy.integer) and not isinstance(item, bool)
    if not (is_number or isinstance(item, slice)):
        raise TraceError(
            f"{user_line()}: a traced array cannot be indexed with {type(item).__name__} along axis {axis}",
            hint="use integers and slices, or take(x, indices, axis=...)",
        )
    if isinstance(length, str):
        raise ShapeError(f"x[...] with x {text_of(x.shape)}: axis {axis} has a free length and cannot be sliced")
    if isinstance(item, slice):
        return item.indices(length), True
    if not -length <= item < length:
        raise ShapeError(f"x[...] with x {text_of(x.shape)}: index {item} is out of range for axis {axis}")
    start = int(item) % length
    return (start, start + 1, 1), False


def _taken(z: Array, arrays: dict[int, Array], singles: list[int], are_together: bool) -> Array:
    """Take the given indices along their axes and drop the axes of ``singles``."""
    first = min([*arrays, *singles]) if are_together else 0
    if len(arrays) == 1:
        [(axis, places)] = arrays.items()
        found = lookup.take(z, places, axis=axis)
        new = list(range(axis, axis + places.ndim))
        gone = [i if i < axis else i + places.ndim - 1 for i in singles]
    else:
        axes = list(arrays)
        shape = broadcast(*(places.shape for places in arrays.values()))
        lengths = [fixed_length(z, axis, "x[i, j]") for axis in axes]
        rest = [d for i, d in enumerate(z.shape) if i not in axes]
        flat = reshape(moveaxis(z, axes, list(range(len(axes)))), shape=(prod(lengths), *rest))
        found = lookup.take(flat, _flat_places(list(arrays.values()), lengths), axis=0)
        new = list(range(len(shape)))
        gone = [sum(i not in axes for i in range(single)) + len(shape) for single in singles]
    found = reshape(found, shape=tuple(d for i, d in enumerate(found.shape) if i not in gone))
    new = [i - sum(one < i for one in gone) for i in new]
    return moveaxis(found, new, list(range(first, first + len(new))))


def _flat_places(places: list[Array], lengths: list[int]) -> Array:
    """Combine the indices of several axes into one index of the flattened axes; out of range stays out of range."""
    total, flat = prod(lengths), numpy.int64(0)
    outside: Any = numpy.bool_(False)
    for place, length in zip(places, lengths, strict=True):
        wide = place.astype(numpy.int64)
        flat = e.add(e.multiply(flat, length), e.where(e.greater(0, wide), wide + length, wide))
        is_out = e.where(e.greater(-length, wide), True, e.greater_equal(wide, length))
        outside = e.where(outside, True, is_out)
    return e.where(outside, total, flat)


def take(x: Array, indices: Any, axis: int | None = None) -> Array:
    """z = the slices of x at the given indices along an axis; for axis None, elements of the flattened x"""
    x, places = as_array(x), as_array(indices)
    if axis is None:
        x, axis = ravel(x), 0
    [at] = axes_of(axis, x.ndim)
    return lookup.take(x, _checked(places, x, at), axis=at)


def take_along_axis(x: Array, indices: Any, axis: int | None = -1) -> Array:
    """z[..., j, ...] = x[..., indices[..., j, ...], ...]; the lengths of the other axes must be known"""
    x, places = as_array(x), as_array(indices)
    if axis is None:
        return take_along_axis(ravel(x), places, 0)
    [at] = axes_of(axis, x.ndim)
    if places.ndim != x.ndim:
        raise ShapeError(f"take_along_axis of {text_of(x.shape)} with indices {text_of(places.shape)}: ranks differ")
    others = [
        numpy.arange(fixed_length(x, i, "take_along_axis")).reshape(tuple(-1 if i == j else 1 for j in range(x.ndim)))
        for i in range(x.ndim)
    ]
    return getitem(x, tuple(places if i == at else other for i, other in enumerate(others)))
