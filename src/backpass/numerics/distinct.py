"""Distinct values and membership, by sorting.

``numpy.unique`` and ``numpy.isin`` hash integers: NumPy 2.4.6 takes up to 75 times as long for a million different ones
as sorting them takes (numpy/numpy#31969). Its first call also imports ``numpy.ma``.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray


def distinct_values(values: NDArray[Any]) -> NDArray[Any]:
    """The different values in ascending order, NaN once: (n,) -> (k,), as ``numpy.unique``.

    >>> distinct_values(numpy.array([3, 1, 3, 2, 1])).tolist()
    [1, 2, 3]
    """
    if values.dtype.kind not in "iuf":
        return numpy.unique(values)
    ordered = numpy.sort(values, axis=None)
    is_first = numpy.ones(len(ordered), dtype=numpy.bool_)
    numpy.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    if values.dtype.kind == "f":
        is_first[1:] &= ~numpy.isnan(ordered[:-1])  # NaN is the last, and differs from itself
    return ordered[is_first]


def are_among(values: NDArray[Any], others: ArrayLike) -> NDArray[numpy.bool_]:
    """Which values are among others, as ``numpy.isin`` for integers: (n,), (m,) -> bool (n,)

    >>> are_among(numpy.array([5, 2, 9]), numpy.array([9, 1, 5])).tolist()
    [True, False, True]
    """
    ordered = numpy.sort(numpy.asarray(others))
    if not len(ordered):
        return numpy.zeros(values.shape, dtype=numpy.bool_)
    found = ordered[numpy.minimum(numpy.searchsorted(ordered, values), len(ordered) - 1)]
    return numpy.asarray(found == values, dtype=numpy.bool_)
