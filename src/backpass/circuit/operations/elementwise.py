"""Elementwise operations, each with its derivative; broadcasting follows NumPy.

In a pullback dz is dJ/dz, z the output, x and y the arguments (Claim 3.3: dJ/dx = dJ/dz * dz/dx, element by element).
Products with comparisons use ``where``, so that an infinite or undefined branch that was not taken contributes exactly
zero.
"""

from __future__ import annotations

from math import pi
from math import sqrt as square_root

import numpy

from backpass.circuit.operation import elementwise
from backpass.circuit.operations.error_function import erf_of
from backpass.circuit.primitive import Array

# Arithmetic ---------------------------------------------------------------------------------------------------------


@elementwise(dx=lambda dz, z, x, y: dz, dy=lambda dz, z, x, y: dz)
def add(x: Array, y: Array) -> Array:
    """z = x + y"""
    return numpy.add(x, y)


@elementwise(dx=lambda dz, z, x, y: dz, dy=lambda dz, z, x, y: -dz)
def subtract(x: Array, y: Array) -> Array:
    """z = x - y"""
    return numpy.subtract(x, y)


@elementwise(dx=lambda dz, z, x, y: dz * y, dy=lambda dz, z, x, y: dz * x)
def multiply(x: Array, y: Array) -> Array:
    """z = x y"""
    return numpy.multiply(x, y)


@elementwise(dx=lambda dz, z, x, y: dz / y, dy=lambda dz, z, x, y: -dz * z / y)
def divide(x: Array, y: Array) -> Array:
    """z = x / y"""
    return numpy.divide(x, y)


def _by_exponent(dz: Array, z: Array, x: Array, y: Array) -> Array:
    is_zero = equal(x, 0.0)
    return where(is_zero, 0.0, dz * z * log(where(is_zero, 1.0, x)))


@elementwise(
    # Where y is 0 the slope is 0 at every x, but x^(y - 1) may be infinite; x^0 = 1 replaces it.
    dx=lambda dz, z, x, y: dz * y * x ** where(equal(y, 0.0), 0.0, y - 1.0),
    dy=_by_exponent,
)
def power(x: Array, y: Array) -> Array:
    """z = x ** y; the derivative with respect to y is defined as 0 where x = 0, and is NaN where x < 0"""
    return numpy.power(x, y)


@elementwise(dx=lambda dz, z, x, y: dz, dy=lambda dz, z, x, y: -dz * floor((x - z) / y + 0.5))
def remainder(x: Array, y: Array) -> Array:
    """z = x - floor(x / y) y, exactly, with the sign of y; the derivative with respect to y is -floor(x / y)"""
    return numpy.remainder(x, y)


@elementwise(dx=lambda dz, z, x: -dz)
def negative(x: Array) -> Array:
    """z = -x"""
    return numpy.negative(x)


# Elementary functions -----------------------------------------------------------------------------------------------


@elementwise(dx=lambda dz, z, x: dz * z)
def exp(x: Array) -> Array:
    """z = e^x"""
    return numpy.exp(x)


@elementwise(dx=lambda dz, z, x: dz * (z + 1.0))
def expm1(x: Array) -> Array:
    """z = e^x - 1, exact near 0"""
    return numpy.expm1(x)


@elementwise(dx=lambda dz, z, x: dz / x)
def log(x: Array) -> Array:
    """z = ln x"""
    return numpy.log(x)


@elementwise(dx=lambda dz, z, x: dz / (x + 1.0))
def log1p(x: Array) -> Array:
    """z = ln(1 + x), exact near 0"""
    return numpy.log1p(x)


@elementwise(dx=lambda dz, z, x: dz * 0.5 / z)
def sqrt(x: Array) -> Array:
    """z = the square root of x"""
    return numpy.sqrt(x)


@elementwise(dx=lambda dz, z, x: dz * cos(x))
def sin(x: Array) -> Array:
    """z = sin x (x in radians)"""
    return numpy.sin(x)


@elementwise(dx=lambda dz, z, x: -dz * sin(x))
def cos(x: Array) -> Array:
    """z = cos x (x in radians)"""
    return numpy.cos(x)


@elementwise(dx=lambda dz, z, x: dz / (x * x + 1.0))
def arctan(x: Array) -> Array:
    """z = the angle in radians, from -pi/2 to pi/2, whose tangent is x"""
    return numpy.arctan(x)


@elementwise(dx=lambda dz, z, x: dz * (1.0 - z * z))
def tanh(x: Array) -> Array:
    """z = (e^x - e^-x) / (e^x + e^-x)    CS229 (2.15)"""
    return numpy.tanh(x)


@elementwise(dx=lambda dz, z, x: dz * z * (1.0 - z))
def sigmoid(x: Array) -> Array:
    """z = 1 / (1 + e^-x), without overflow at either end    CS229 (2.14)"""
    tail = numpy.exp(-numpy.abs(x))
    return numpy.where(x >= 0, 1, tail) / (1 + tail)


@elementwise(dx=lambda dz, z, x: dz * sigmoid(x))
def softplus(x: Array) -> Array:
    """z = ln(1 + e^x), without overflow"""
    return numpy.maximum(x, 0) + numpy.log1p(numpy.exp(-numpy.abs(x)))


@elementwise(dx=lambda dz, z, x: dz * (2.0 / square_root(pi)) * exp(-x * x))
def erf(x: Array) -> Array:
    """z = 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x"""
    return erf_of(x)


# Kinks --------------------------------------------------------------------------------------------------------------


@elementwise(dx=lambda dz, z, x: where(x >= 0.0, dz, 0.0))
def relu(x: Array) -> Array:
    """z = max(x, 0), with slope 1{x >= 0}    CS229 (2.10)

    The slope at exactly 0 is 1, as in the notes (Algorithm 3); PyTorch and JAX take 0 there.
    """
    return numpy.maximum(0, x, dtype=x.dtype)


@elementwise(dx=lambda dz, z, x: dz * sign(x))
def absolute(x: Array) -> Array:
    """z = |x|, with slope 0 at exactly 0"""
    return numpy.absolute(x)


@elementwise(dx=None)
def sign(x: Array) -> Array:
    """z = -1, 0 or 1"""
    return numpy.sign(x)


@elementwise(dx=None)
def floor(x: Array) -> Array:
    """z = the largest integer not above x"""
    return numpy.floor(x)


@elementwise(
    dx=lambda dz, z, x, y: where(x >= y, dz, 0.0),
    dy=lambda dz, z, x, y: where(x >= y, 0.0, dz),
)
def maximum(x: Array, y: Array) -> Array:
    """z = the larger of x and y; where they are equal the whole gradient goes to x"""
    return numpy.maximum(x, y)


@elementwise(
    dx=lambda dz, z, x, y: where(y >= x, dz, 0.0),
    dy=lambda dz, z, x, y: where(y >= x, 0.0, dz),
)
def minimum(x: Array, y: Array) -> Array:
    """z = the smaller of x and y; where they are equal the whole gradient goes to x"""
    return numpy.minimum(x, y)


# Comparison and selection -------------------------------------------------------------------------------------------


@elementwise(is_arithmetic=False, is_comparison=True, dx=None, dy=None)
def greater(x: Array, y: Array) -> Array:
    """z = x > y"""
    return numpy.greater(x, y)


@elementwise(is_arithmetic=False, is_comparison=True, dx=None, dy=None)
def greater_equal(x: Array, y: Array) -> Array:
    """z = x >= y"""
    return numpy.greater_equal(x, y)


@elementwise(is_arithmetic=False, is_comparison=True, dx=None, dy=None)
def equal(x: Array, y: Array) -> Array:
    """z = (x = y); a NaN equals nothing, not even itself"""
    return numpy.equal(x, y)


@elementwise(is_arithmetic=False, dx=None)
def logical_not(x: Array) -> Array:
    """z = not x"""
    return numpy.logical_not(x)


def _chosen(dz: Array, z: Array, condition: Array, x: Array, y: Array) -> Array:
    return where(condition, dz, 0.0)


def _not_chosen(dz: Array, z: Array, condition: Array, x: Array, y: Array) -> Array:
    return where(condition, 0.0, dz)


@elementwise(is_arithmetic=False, own_dtype=("condition",), dcondition=None, dx=_chosen, dy=_not_chosen)
def where(condition: Array, x: Array, y: Array) -> Array:
    """z = x where the condition holds, y elsewhere

    dx = dz where the condition holds, else 0    dy = dz where it does not hold, else 0
    """
    return numpy.where(condition, x, y)
