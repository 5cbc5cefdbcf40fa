"""Elementary functions: cosine, logarithm and sum in float64, using only +, -, * and /.

IEEE 754 fixes the rounding of these four operations everywhere; it does not fix cos and log of math libraries, or the
order of NumPy's additions. Numbers that are stored in a model file but computed outside circuits (scores, schedules,
initial levels of the outputs) come from these functions.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[numpy.float64]

# Taylor's series for |x| <= pi/4 and Gregory's for |s| <= 0.172; the truncation error is below 1e-17 of the result.
_COSINE = tuple((-1) ** k / factorial(2 * k) for k in range(9))
_SINE = tuple((-1) ** k / factorial(2 * k + 1) for k in range(9))
_ARTANH = tuple(1 / (2 * k + 1) for k in range(11))
_TURN = 6.283185307179586  # 2 pi
_ROOT_HALF = 0.7071067811865476
_LN_2 = 0.6931471805599453
# ln 2 in two parts: the first has so few digits that its product with an exponent is exact.
_LN_2_HIGH, _LN_2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10


def cosine_of_turns(turns: ArrayLike) -> Floats:
    """cos(2 pi t), within 1e-15

    >>> cosine_of_turns([0.0, 0.125, 0.25, 0.5, 7.0]).round(4).tolist()
    [1.0, 0.7071, 0.0, -1.0, 1.0]
    """
    t = numpy.asarray(turns, dtype=numpy.float64)
    # Each of these differences is exact: t is reduced to half a turn and then to a quarter, where cos changes sign.
    half = numpy.abs(t - numpy.rint(t))
    quarter = numpy.where(half > 0.25, 0.5 - half, half)
    near = _TURN * numpy.minimum(quarter, 0.125)
    far = _TURN * (0.25 - numpy.maximum(quarter, 0.125))
    size = numpy.where(quarter <= 0.125, _series(_COSINE, near * near), far * _series(_SINE, far * far))
    return numpy.where(half > 0.25, -size, size)


def log(x: ArrayLike) -> Floats:
    """ln x for x > 0, within 2 units in the last place (and 1e-16 near 1)

    x = 2^e m with m from sqrt(1/2) to sqrt(2), and ln m = 2 artanh((m - 1) / (m + 1))

    >>> log([1.0, 2.0, 1e-15]).round(4).tolist()
    [0.0, 0.6931, -34.5388]
    """
    m, e = numpy.frexp(numpy.asarray(x, dtype=numpy.float64))
    is_low = m < _ROOT_HALF
    m, e = numpy.where(is_low, 2.0 * m, m), e - is_low
    s = (m - 1.0) / (m + 1.0)
    return e * _LN_2_HIGH + (2.0 * s * _series(_ARTANH, s * s) + e * _LN_2_LOW)


def log2(x: ArrayLike) -> Floats:
    """The logarithm to base 2 for x > 0, within 2e-15

    >>> log2([1.0, 8.0]).round(12).tolist()
    [0.0, 3.0]
    """
    return log(x) / _LN_2


def total(x: ArrayLike) -> float:
    """The sum of a vector; 0 if it is empty.

    The second half is added to the first until one number is left, so the order of additions is fixed.

    >>> total([1.0, 2.0, 3.0, 4.0, 5.0])
    15.0
    """
    return float(totals(numpy.asarray(x, dtype=numpy.float64)[:, None])[0])


def totals(x: ArrayLike) -> Floats:
    """The sum of each column of a matrix, added as in ``total``: (n, k) -> (k,)

    >>> totals([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).tolist()
    [9.0, 12.0]
    """
    parts = numpy.asarray(x, dtype=numpy.float64)
    if len(parts) < 2:
        return parts[0] if len(parts) else numpy.zeros(parts.shape[1])
    n = len(parts) - len(parts) // 2
    second, parts = parts[n:], parts[:n].copy()
    parts[: len(second)] += second
    while n > 1:  # in place from here on
        half = n // 2
        parts[:half] += parts[n - half : n]
        n -= half
    sums: Floats = parts[0].copy()
    return sums


def mean(x: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The mean of a vector, with optional weights (n,): sum of w x / sum of w

    >>> mean([1.0, 4.0]), mean([1.0, 4.0], weights=[2.0, 1.0])
    (2.5, 2.0)
    """
    values: NDArray[Any] = numpy.asarray(x, dtype=numpy.float64)
    if weights is None:
        return total(values) / len(values)
    w: NDArray[Any] = numpy.asarray(weights, dtype=numpy.float64)
    return total(w * values) / total(w)


def median(x: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The median of a vector, with optional weights (n,); the mean of both neighbors if exactly half lies below.

    >>> median([4.0, 1.0, 2.0, 9.0]), median([1.0, 2.0, 4.0], weights=[1.0, 1.0, 5.0])
    (3.0, 4.0)
    """
    values: NDArray[Any] = numpy.asarray(x, dtype=numpy.float64)
    if weights is None:  # a case of what follows that takes a sixth of the memory
        ordered = numpy.sort(values, kind="stable")
        return 0.5 * (float(ordered[(len(values) - 1) // 2]) + float(ordered[len(values) // 2]))
    w: NDArray[Any] = numpy.asarray(weights, dtype=numpy.float64)
    order = numpy.argsort(values, kind="stable")
    order = order[w[order] > 0.0]
    below = numpy.cumsum(w[order])
    half = 0.5 * below[-1]
    low, high = (int(numpy.searchsorted(below, half, side=side)) for side in ("left", "right"))
    ordered = values[order]
    return 0.5 * (float(ordered[low]) + float(ordered[min(high, len(ordered) - 1)]))


def _series(coefficients: tuple[float, ...], t: Floats) -> Floats:
    """Horner's rule; the constant term comes first."""
    value = numpy.full_like(t, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = coefficient + t * value
    return value
