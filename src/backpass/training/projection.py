"""Projection on principal components: the parameters of a ``Projection`` layer, fitted to training rows.

It takes network inputs and returns P and c. Targets take no part, so rows that validate a fold may share them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit, Spec, trace
from backpass.circuit.operations import matmul
from backpass.engine import Engine
from backpass.network.input_layers import Projection
from backpass.numerics.eigen import leading_eigen, symmetric_eigen
from backpass.numerics.elementary import total, totals

Floats = NDArray[numpy.float64]

FITTED_ROWS = 1024
"""The maximum number of rows that the components are fitted to, evenly spaced over the training rows."""

_DENSE = 64
_LEAST = 1e-5


def projection_of(layer: Projection, x: NDArray[Any], number: str, engine: Engine) -> dict[str, NDArray[Any]]:
    """The parameters of a projection, by name.

        Z = x - mean(x)    Z Z^T u_i = l_i u_i    P_i = Z^T u_i / (sqrt(l_i) g)    c = -mean(x) P
        g = sqrt(mean over i of l_i / n)

    All components of the training rows together have a root mean square of 1; their variances differ as they do in the
    rows. A component without variance is 0.

    x (n, d)   ->   P (columns, size), c (size,)

    Args:
        layer: The layer.
        x: Network inputs of the training rows.
        number: The number in the names of the layer's parameters.
        engine: The engine of the large products.

    Source: Pearson 1901; the eigenvectors of the smaller matrix Z Z^T, as in Turk & Pentland 1991.
    """
    step = -(-len(x) // FITTED_ROWS)
    rows = x[::step, : layer.columns].astype(numpy.float64)
    n = len(rows)
    mean = totals(rows) / n
    Z = (rows - mean).astype(numpy.float32)
    columns = numpy.ascontiguousarray(Z.T)
    G = _product(Z, columns, engine)
    known = min(layer.size, n)
    values, U = symmetric_eigen(G) if n <= _DENSE else leading_eigen(lambda B: _product(G, B, engine), n, known)
    values, U = numpy.maximum(values[:known], 0.0), U[:, :known]
    is_known = values > _LEAST * max(float(values[0]), numpy.finfo(numpy.float64).tiny)
    spread = numpy.sqrt(total(values) / known / n) or 1.0
    scale = numpy.where(is_known, 1.0 / (numpy.sqrt(numpy.where(is_known, values, 1.0)) * spread), 0.0)
    P = numpy.zeros((layer.columns, layer.size))
    P[:, :known] = _product(columns, U * scale, engine)
    return {f"P{number}": P, f"c{number}": -totals(P * mean[:, None])}


def _product(A: NDArray[Any], B: NDArray[Any], engine: Engine) -> Floats:
    """A B, with the same bits on every machine that has the native engine, whose fast kernels take float32."""
    circuit = _matmul(A.shape, B.shape)
    found = engine.run(circuit, A.astype(numpy.float32), B.astype(numpy.float32))[0]
    return numpy.asarray(found, dtype=numpy.float64)


@lru_cache(maxsize=4)  # subspace iteration asks for the same product again and again
def _matmul(A: tuple[int, ...], B: tuple[int, ...]) -> Circuit:
    return trace(matmul, [Spec(shape, numpy.dtype(numpy.float32)) for shape in (A, B)])
