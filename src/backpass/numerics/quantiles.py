"""Quantiles by linear interpolation between the two values beside them, with the bits of ``numpy.quantile``.

NumPy's function imports ``numpy.ma``, which takes a thirtieth of the start-up of a command.
"""

from __future__ import annotations

import numpy
from numpy.typing import ArrayLike, NDArray


def quantiles(values: NDArray[numpy.float64], shares: ArrayLike) -> NDArray[numpy.float64]:
    """The quantiles of finite values: (n,), (k,) -> (k,)

        place = (n - 1) share        quantile = x_(i) + (place - i) (x_(i+1) - x_(i)),   i = floor(place)

    The order of the values does not matter; n is at least 1.

    >>> quantiles(numpy.array([4.0, 1.0, 3.0, 2.0]), [0.0, 0.5, 1.0]).tolist()
    [1.0, 2.5, 4.0]
    """
    place = numpy.asarray(shares, dtype=numpy.float64) * (len(values) - 1)
    below = numpy.floor(place).astype(numpy.int64)
    above = numpy.minimum(below + 1, len(values) - 1)
    ordered = numpy.partition(values, sorted({*below.tolist(), *above.tolist()}))
    low, high, weight = ordered[below], ordered[above], place - below
    step = high - low
    # From the nearer end, as NumPy does it.
    return numpy.where(weight < 0.5, low + step * weight, high - step * (1.0 - weight))
