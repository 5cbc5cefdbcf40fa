"""Ranks: where a number stands among those of its column, as a second view of it.

A scale leaves steep steps and long tails little room; a rank gives every value that training rows have its own. Knots
are fitted to training rows; the rank itself is circuit, a part of the ``feature_map``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array
from backpass.circuit.operations import clip, greater, greater_equal, isnan, minimum, take, where

Knots = NDArray[numpy.float64]

_MOST = 256
_SPAN = 3.0


def quantile_ranks(x: Array, knots: Sequence[Knots]) -> Array:
    """The place of a number among the knots k_0 < ... < k_m of its column, straight between them:

    r = 3 (t + (x - k_t) / (k_(t+1) - k_t)) / m - 3/2    with k_t <= x < k_(t+1)

    x float64 (n, p), NaN = missing, and p columns of knots   ->   r (n, p), from -1.5 to 1.5

    0 where x is missing, and where a column has one knot. Beyond the ends r stays what it is there.
    """
    last = numpy.array([len(column) - 1 for column in knots], numpy.int32)
    width = 1 << max(int(last.max()).bit_length(), 1)
    flat = numpy.concatenate([numpy.pad(column, (0, width - len(column)), mode="edge") for column in knots])
    first = numpy.arange(len(knots), dtype=numpy.int32) * numpy.int32(width)
    t: Array = first
    step = width // 2
    while step:  # the last knot that is not above x, by halving
        ahead = t + numpy.int32(step)
        t = where(greater_equal(x, take(flat, ahead, axis=0)), ahead, t)
        step //= 2
    t = minimum(t, first + numpy.maximum(last - 1, 0))
    below, above = take(flat, t, axis=0), take(flat, t + numpy.int32(1), axis=0)
    # Halves, because the difference of two large numbers may overflow; those of the smallest knots may be equal.
    gap = 0.5 * above - 0.5 * below
    between = clip((0.5 * x - 0.5 * below) / where(greater(gap, 0.0), gap, 1.0), 0.0, 1.0)
    place = (t - first).astype(numpy.float64) + where(greater_equal(x, above), 1.0, between)
    scale, middle = _SPAN / numpy.maximum(last, 1) * (last > 0), 0.5 * _SPAN * (last > 0)
    return where(isnan(x), 0.0, place * scale - middle)


def knots_of(values: NDArray[numpy.float64]) -> Knots:
    """Values that stand for a column, ascending: all that occur, or up to 256 with about as many rows between them.

    A value that many rows share counts as no more than a 256th of all rows, so that the others keep their room.

    >>> knots_of(numpy.array([3.0, 1.0, 1.0, 2.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    if values.size == 0:
        return numpy.zeros(1)
    distinct, counts = numpy.unique(values, return_counts=True)
    if distinct.size <= _MOST:
        return distinct
    # Whole numbers throughout: every machine finds the same knots.
    rows = numpy.cumsum(numpy.minimum(counts, -(-values.size // _MOST)))
    wanted = 1 + numpy.arange(_MOST) * (int(rows[-1]) - 1) // (_MOST - 1)
    return distinct[numpy.unique(numpy.searchsorted(rows, wanted))]


def are_knots(knots: Knots) -> bool:
    """Whether there is one at least, and each is above the one before."""
    return bool(knots.size >= 1 and (knots[:-1] < knots[1:]).all())
