"""Eigenvectors of symmetric matrices, and orthonormal bases, from elementwise NumPy operations alone.

Neither LAPACK nor BLAS is called, whose results differ between machines: what is computed here is stored in model
files. Large products come from the caller, who has an engine with the same bits everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy
from numpy.typing import NDArray

from backpass.numerics.elementary import total, totals
from backpass.numerics.philox import key_of, philox_bits

Floats = NDArray[numpy.float64]

_PURPOSE = 0x5E16_0000
_SWEEPS = 30
_ROUNDING = 1e-15
_EXTRA = 8
_ROUNDS = 8


def symmetric_eigen(A: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues in descending order and eigenvectors of a symmetric matrix: A V = V diag(values)

    A (n, n)   ->   values (n,), V (n, n), one eigenvector per column

    Each sweep rotates every pair of rows and columns once, n / 2 disjoint pairs at a time (Jacobi 1846; the order of
    the pairs is the round robin of Brent & Luk 1985).

    >>> values, V = symmetric_eigen(numpy.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> values.round(6).tolist()
    [3.0, 1.0]
    """
    n = len(A)
    size = n + n % 2  # an odd matrix gets a row and a column of zeros, which no rotation touches
    B, V = numpy.zeros((size, size)), numpy.eye(size)
    B[:n, :n] = A
    least = _ROUNDING * float(numpy.abs(A).max(initial=0.0))
    order = numpy.arange(size)
    for _ in range(_SWEEPS):
        if float(numpy.abs(B - numpy.diag(numpy.diagonal(B))).max(initial=0.0)) <= least:
            break
        for _ in range(size - 1):
            _rotate(B, V, order[: size // 2], order[: size // 2 - 1 : -1])
            order = numpy.concatenate([order[:1], order[-1:], order[1:-1]])
    values = numpy.diagonal(B)[:n]
    ranks = numpy.argsort(-values, kind="stable")
    return values[ranks], V[:n, ranks]


def _rotate(B: Floats, V: Floats, p: NDArray[numpy.intp], q: NDArray[numpy.intp]) -> None:
    """Rotate the planes (p, q) in place, so that B[p, q] becomes 0."""
    off, difference = B[p, q], B[q, q] - B[p, p]
    is_zero = off == 0.0
    ratio = difference / (2.0 * numpy.where(is_zero, 1.0, off))
    sign = numpy.where(ratio < 0.0, -1.0, 1.0)
    with numpy.errstate(over="ignore"):  # the square of a large ratio: t is 0 then
        t = numpy.where(is_zero, 0.0, sign / (numpy.abs(ratio) + numpy.sqrt(ratio * ratio + 1.0)))
    c = 1.0 / numpy.sqrt(t * t + 1.0)
    s = t * c
    for matrix in (B.T, B, V.T):  # columns of B, then rows of B, then columns of V; views of the same numbers
        upper, lower = matrix[p].copy(), matrix[q].copy()
        matrix[p] = c[:, None] * upper - s[:, None] * lower
        matrix[q] = s[:, None] * upper + c[:, None] * lower
    B[p, q] = B[q, p] = 0.0


def orthonormal(Y: Floats) -> Floats:
    """An orthonormal basis of the columns of Y (n, k); a column that depends on the ones before it becomes 0.

    Modified Gram-Schmidt, each column twice (Giraud et al. 2005).
    """
    rows = Y.T.copy()
    for j in range(len(rows)):
        before = total(rows[j] * rows[j])
        for _ in range(2):
            shares = totals((rows[:j] * rows[j]).T) if j else numpy.zeros(0)
            rows[j] -= totals(shares[:, None] * rows[:j]) if j else 0.0
        length = total(rows[j] * rows[j])
        rows[j] = rows[j] / numpy.sqrt(length) if length > 1e-20 * before else 0.0
    return rows.T


def leading_eigen(
    product: Callable[[Floats], Floats], n: int, count: int, *, seed: int = 0, rounds: int = _ROUNDS
) -> tuple[Floats, Floats]:
    """The largest eigenvalues of a positive semidefinite matrix, and their eigenvectors, from products with it.

    Subspace iteration with ``count`` + 8 random starting vectors and a Rayleigh-Ritz step (Halko et al. 2011).
    Eigenvectors whose eigenvalues are close may be mixtures of each other.

    Args:
        product: B (n, k) -> A B (n, k).
        n: The number of rows of A.
        count: The number of eigenvalues; at most n.
        seed: The seed of the starting vectors.
        rounds: The number of products before the last one.

    Returns:
        Values (count,) in descending order and vectors (n, count).
    """
    width = min(count + _EXTRA, n)
    bits = philox_bits(key_of(seed), 0, _PURPOSE, (n, width))
    Q = orthonormal(bits.astype(numpy.float64) / 2.0**31 - 1.0)
    for _ in range(rounds):
        Q = orthonormal(product(Q))
    image = product(Q)
    T = numpy.stack([totals(Q * image[:, j : j + 1]) for j in range(width)], axis=1)
    values, vectors = symmetric_eigen(0.5 * (T + T.T))
    found = numpy.stack([totals((Q * vectors[:, j]).T) for j in range(min(count, width))], axis=1)
    return values[:count], found
