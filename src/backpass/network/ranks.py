"""Quantile features: the position of a number among the training values of its column, as a second input.

A linear scale leaves little room for steep steps and long tails; quantiles spread the training values evenly. The knots
are fitted to training rows; the feature itself is part of the circuit of ``feature_map``.
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
    """The position of a number among the knots k_0 < ... < k_m of its column, linearly interpolated:

    r = 3 (t + (x - k_t) / (k_(t+1) - k_t)) / m - 3/2    with k_t <= x < k_(t+1)

    x float64 (n, p), NaN = missing, and p columns of knots   ->   r (n, p), from -1.5 to 1.5

    r is 0 where x is missing and where a column has one knot. Beyond the first and the last knot it is constant.
    """
    last = numpy.array([len(column) - 1 for column in knots], numpy.int32)
    width = 1 << max(int(last.max()).bit_length(), 1)
    flat = numpy.concatenate([numpy.pad(column, (0, width - len(column)), mode="edge") for column in knots])
    first = numpy.arange(len(knots), dtype=numpy.int32) * numpy.int32(width)
    t: Array = first
    step = width // 2
    while step:  # binary search for the last knot that is not above x
        ahead = t + numpy.int32(step)
        t = where(greater_equal(x, take(flat, ahead, axis=0)), ahead, t)
        step //= 2
    t = minimum(t, first + numpy.maximum(last - 1, 0))
    below, above = take(flat, t, axis=0), take(flat, t + numpy.int32(1), axis=0)
    # Halves, because the difference of two large numbers may overflow. Halves of the smallest knots may be equal.
    gap = 0.5 * above - 0.5 * below
    between = clip((0.5 * x - 0.5 * below) / where(greater(gap, 0.0), gap, 1.0), 0.0, 1.0)
    place = (t - first).astype(numpy.float64) + where(greater_equal(x, above), 1.0, between)
    scale, middle = _SPAN / numpy.maximum(last, 1) * (last > 0), 0.5 * _SPAN * (last > 0)
    return where(isnan(x), 0.0, place * scale - middle)


def knots_of(values: NDArray[numpy.float64]) -> Knots:
    """The knots of a column, in ascending order: its distinct values, or up to 256 of them at equal distances in rows.

    A value that occurs often counts for at most a 256th of all rows, so that room remains for the others.

    >>> knots_of(numpy.array([3.0, 1.0, 1.0, 2.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    if values.size == 0:
        return numpy.zeros(1)
    distinct, counts = numpy.unique(values, return_counts=True)
    if distinct.size <= _MOST:
        return distinct
    # Integer arithmetic only, so that every machine computes the same knots.
    rows = numpy.cumsum(numpy.minimum(counts, -(-values.size // _MOST)))
    wanted = 1 + numpy.arange(_MOST) * (int(rows[-1]) - 1) // (_MOST - 1)
    return distinct[numpy.unique(numpy.searchsorted(rows, wanted))]


def are_knots(knots: Knots) -> bool:
    """Whether there is at least one knot and the knots increase strictly."""
    return bool(knots.size >= 1 and (knots[:-1] < knots[1:]).all())
