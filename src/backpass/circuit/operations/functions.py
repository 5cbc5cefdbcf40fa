"""Elementwise functions composed of operations, under NumPy's names."""

from __future__ import annotations

from math import log as natural
from typing import Any

import numpy

from backpass.circuit.node import user_line
from backpass.circuit.operation import is_weak
from backpass.circuit.operations import elementwise as e
from backpass.circuit.operations.shaping import reshape, stop_gradient
from backpass.circuit.primitive import Array
from backpass.circuit.spec import check_unmasked
from backpass.circuit.traced import Traced
from backpass.errors import TraceError


def as_array(x: Any) -> Array:
    """Return a traced value unchanged, and anything else as a NumPy array.

    Raises:
        TraceError: If the value is a masked array.
    """
    check_unmasked(x, "an argument")
    return x if isinstance(x, Traced) else numpy.asarray(x)


def with_common_dtype(*values: Any) -> list[Array]:
    """Convert values to arrays of their common NumPy dtype; plain numbers take the dtype of the arrays."""
    strong = [as_array(value).dtype for value in values if not is_weak(value)]
    dtype = numpy.result_type(*strong, *(value for value in values if is_weak(value)))
    return [x if x.dtype == dtype else x.astype(dtype) for x in map(as_array, values)]


def positive(x: Array) -> Array:
    """z = x"""
    return as_array(x)


def square(x: Array) -> Array:
    """z = x^2"""
    return e.multiply(x, x)


def reciprocal(x: Array) -> Array:
    """z = 1 / x; for integers truncated"""
    return e.where(e.equal(e.absolute(x), 1), x, 0) if is_whole(x) else e.divide(1.0, x)


def clip(x: Array, low: Array = None, high: Array = None) -> Array:
    """z = x, limited to the range from low to high; None means no limit

    Args:
        x: The array.
        low: The lower limit, a number or an array that broadcasts with x.
        high: The upper limit, likewise.
    """
    z = x if low is None else e.maximum(x, low)
    return z if high is None else e.minimum(z, high)


# Exponentials and logarithms -----------------------------------------------------------------------------------------


def expm1(x: Array) -> Array:
    """z = e^x - 1, exact near 0; its slope e^x is exact at both ends of the range

    The slope of the operation, z + 1, loses its digits where z is close to -1; e^x - 1 is used there.
    """
    near = e.greater(x, -0.7)
    return e.where(near, e.expm1(e.where(near, x, 0.0)), e.exp(e.where(near, -1.0, x)) - 1.0)


def exp2(x: Array) -> Array:
    """z = 2^x"""
    return e.power(2.0, x)


def log2(x: Array) -> Array:
    """z = the logarithm of x to base 2"""
    return e.log(x) / natural(2.0)


def log10(x: Array) -> Array:
    """z = the logarithm of x to base 10"""
    return e.log(x) / natural(10.0)


def logaddexp(x: Array, y: Array) -> Array:
    """z = ln(e^x + e^y), without overflow

    Computed as the larger argument plus ln(1 + e^-d), d the distance, in two forms, so that the derivative is right.
    """
    d = e.subtract(y, x)
    d = e.where(e.equal(d, d), d, 0.0)  # equal infinities have distance NaN
    return e.where(e.greater_equal(x, y), e.add(x, e.softplus(d)), e.add(y, e.softplus(-d)))


# Angles and hyperbolic functions -------------------------------------------------------------------------------------


def tan(x: Array) -> Array:
    """z = tan x (x in radians)"""
    return e.sin(x) / e.cos(x)


def sinh(x: Array) -> Array:
    """z = (e^x - e^-x) / 2, exact near 0; computed from x / 2, so that nothing overflows before z does"""
    up, down = e.expm1(0.5 * x), e.expm1(-0.5 * x)
    return (0.5 * (up - down)) * (up + down + 2.0)


def cosh(x: Array) -> Array:
    """z = (e^x + e^-x) / 2 = 1 + 2 sinh(x / 2)^2"""
    half = 0.5 * (e.expm1(0.5 * x) - e.expm1(-0.5 * x))
    return 2.0 * half * half + 1.0


# Integers ------------------------------------------------------------------------------------------------------------


def is_whole(x: Array) -> bool:
    """Whether an array holds integers or truth values."""
    return as_array(x).dtype.kind in "biu"


def ceil(x: Array) -> Array:
    """z = the smallest integer not below x"""
    return e.floor(x) if is_whole(x) else -e.floor(-x)


def trunc(x: Array) -> Array:
    """z = x without its fraction"""
    return e.floor(x) if is_whole(x) else e.where(e.greater(0.0, x), ceil(x), e.floor(x))


def rint(x: Array) -> Array:
    """z = the nearest integer; the even one for ties"""
    below = e.floor(x)
    distance = stop_gradient(x) - below
    is_odd = not_equal(e.floor(below * 0.5) * 2.0, below)
    up = logical_or(e.greater(distance, 0.5), logical_and(e.equal(distance, 0.5), is_odd))
    # At -0.5 and above the result is -0, as in NumPy.
    return e.where(up, -(-1.0 - below), below)


def around(x: Array, decimals: int = 0) -> Array:
    """z = x rounded to the given number of decimals"""
    if is_whole(x) and decimals >= 0:
        return as_array(x)
    if is_whole(x):
        return rint(x / 10.0**-decimals).astype(x.dtype) * 10**-decimals
    if decimals == 0:
        return rint(x)
    scale = 10.0 ** abs(decimals)
    return rint(x * scale) / scale if decimals > 0 else rint(x / scale) * scale


def floor_divide(x: Array, y: Array) -> Array:
    """z = floor(x / y), exactly; integers give integers, and 0 for y = 0, as in NumPy

    The remainder with the sign of x is subtracted first: the rest is a multiple of y, and no farther from 0 than x.
    """
    rest = e.remainder(x, y)
    x, y = (as_array(value).astype(rest.dtype) for value in (x, y))
    if not is_whole(rest):
        x, y = stop_gradient(x), stop_gradient(y)
        rest = fmod(x, y)
        quotient = rint((x - rest) / y)
        lower = e.where(_have_other_signs(rest, y), quotient - 1.0, quotient)
        return e.where(e.equal(y, 0.0), x / y, lower)
    is_zero = e.equal(y, 0)
    toward_zero = e.where(_have_other_signs(rest, x), rest - y, rest)
    divisor, multiple = e.where(is_zero, 1, y), x - toward_zero
    quotient = rint(e.divide(multiple, divisor)).astype(rest.dtype)
    # The float64 quotient of 64-bit integers has 53 bits; dividing what is left corrects it.
    quotient = quotient + rint(e.divide(multiple - quotient * divisor, divisor)).astype(rest.dtype)
    lower = e.where(_have_other_signs(toward_zero, y), quotient - 1, quotient)
    return e.where(is_zero, 0, lower)


def _have_other_signs(x: Array, y: Array) -> Array:
    """Whether one is positive and the other negative."""
    return logical_or(
        logical_and(e.greater(x, 0), e.greater(0, y)),
        logical_and(e.greater(0, x), e.greater(y, 0)),
    )


def fmod(x: Array, y: Array) -> Array:
    """z = the remainder with the sign of x, as in C"""
    x, y = with_common_dtype(x, y)
    size = e.remainder(e.absolute(x), e.absolute(y))
    return e.where(e.greater(0, x), -size, size)


# Comparison and logic ------------------------------------------------------------------------------------------------


def not_equal(x: Array, y: Array) -> Array:
    """z = whether x and y differ"""
    return e.logical_not(e.equal(x, y))


def less(x: Array, y: Array) -> Array:
    """z = x < y"""
    return e.greater(y, x)


def less_equal(x: Array, y: Array) -> Array:
    """z = x <= y"""
    return e.greater_equal(y, x)


def isnan(x: Array) -> Array:
    """z = whether x is NaN, the only value that does not equal itself"""
    return e.logical_not(e.equal(x, x))


def isinf(x: Array) -> Array:
    """z = whether x is infinite"""
    return e.equal(e.absolute(x), numpy.inf)


def isfinite(x: Array) -> Array:
    """z = whether x is neither infinite nor NaN"""
    return e.greater(numpy.inf, e.absolute(x))


def one_hot(codes: Array, levels: int, dtype: Any) -> Array:
    """z[..., j] = 1 where the code is j, else 0

    codes int (n,)   ->   z (n, levels); a code outside 0 .. levels-1 becomes a row of zeros

    Args:
        codes: Integers (n,), or of any other shape.
        levels: The number of codes.
        dtype: The dtype of z.
    """
    return e.equal(reshape(codes, shape=(*codes.shape, 1)), numpy.arange(levels, dtype=codes.dtype)).astype(dtype)


def truth(x: Any) -> Array:
    """x as truth values: whether it differs from 0."""
    x = as_array(x)
    return x if x.dtype == bool else x.astype(bool)


def logical_and(x: Array, y: Array) -> Array:
    """z = x and y"""
    return e.where(truth(x), truth(y), False)


def logical_or(x: Array, y: Array) -> Array:
    """z = x or y"""
    return e.where(truth(x), True, truth(y))


def logical_xor(x: Array, y: Array) -> Array:
    """z = exactly one of x and y"""
    y = truth(y)
    return e.where(truth(x), e.logical_not(y), y)


def _masks(symbol: str, *values: Any) -> None:
    """Check that all values are truth values.

    Raises:
        TraceError: If one is not.
    """
    for value in values:
        dtype = as_array(value).dtype
        if dtype.kind != "b":
            raise TraceError(
                f"{user_line()}: {symbol} of {dtype.name}: only booleans support {symbol} while tracing",
                hint="compare first, in parentheses: (x > 0) & (x < 1)",
            )


def bitwise_and(x: Array, y: Array) -> Array:
    """z = x & y of truth values"""
    _masks("&", x, y)
    return logical_and(x, y)


def bitwise_or(x: Array, y: Array) -> Array:
    """z = x | y of truth values"""
    _masks("|", x, y)
    return logical_or(x, y)


def bitwise_xor(x: Array, y: Array) -> Array:
    """z = x ^ y of truth values"""
    _masks("^", x, y)
    return logical_xor(x, y)


def invert(x: Array) -> Array:
    """z = not x for truth values, -1 - x for integers"""
    x = as_array(x)
    if x.dtype.kind == "i":
        return -1 - x
    if x.dtype.kind == "u":
        return int(numpy.iinfo(x.dtype).max) - x
    _masks("~", x)
    return e.logical_not(x)
