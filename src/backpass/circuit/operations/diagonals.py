"""Functions of diagonals and triangles of matrices, composed of operations, under NumPy's names."""

from __future__ import annotations

import numpy

from backpass.circuit.operations.arrangement import moveaxis
from backpass.circuit.operations.elementwise import where
from backpass.circuit.operations.functions import as_array
from backpass.circuit.operations.reduction import sum as sum_of
from backpass.circuit.operations.shaping import concatenate_, reshape
from backpass.circuit.operations.statistics import along, fixed_length
from backpass.circuit.primitive import Array


def diagonal(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """z = the elements on a diagonal of each matrix, along a new last axis"""
    x = moveaxis(as_array(x), (axis1, axis2), (-2, -1))
    n, m = (fixed_length(x, x.ndim - k, "diagonal") for k in (2, 1))
    start = offset if offset >= 0 else -offset * m
    count = max(min(n, m - offset) if offset >= 0 else min(n + offset, m), 0)
    flat = reshape(x, shape=(*x.shape[:-2], n * m))
    return along(flat, flat.ndim - 1, start, start + count * (m + 1) if count else start, m + 1)


def diag(x: Array, k: int = 0) -> Array:
    """z = the diagonal of a matrix, or the matrix with a vector on its diagonal and zeros elsewhere"""
    x = as_array(x)
    if x.ndim != 1:
        return diagonal(x, k)
    n, size = fixed_length(x, 0, "diag"), fixed_length(x, 0, "diag") + abs(k)
    row = concatenate_(numpy.zeros(max(-k, 0), x.dtype), x, numpy.zeros(max(k, 0), x.dtype), axis=0) if k else x
    where_it_is = numpy.eye(size, k=k, dtype=bool)
    assert where_it_is.sum() == n
    return where(where_it_is, reshape(row, shape=(size, 1)), numpy.zeros((), x.dtype))


def trace_of(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """z = the sum of a diagonal"""
    return sum_of(diagonal(x, offset, axis1, axis2), axis=-1)


def triu(x: Array, k: int = 0) -> Array:
    """z = x with zeros below a diagonal"""
    return _triangle(x, k, upper=True)


def tril(x: Array, k: int = 0) -> Array:
    """z = x with zeros above a diagonal"""
    return _triangle(x, k, upper=False)


def _triangle(x: Array, k: int, *, upper: bool) -> Array:
    x = as_array(x)
    n, m = (fixed_length(x, x.ndim - i, "triu or tril") for i in (2, 1))
    kept = numpy.tri(n, m, k - 1 if upper else k, dtype=bool)
    return where(~kept if upper else kept, x, numpy.zeros((), x.dtype))
