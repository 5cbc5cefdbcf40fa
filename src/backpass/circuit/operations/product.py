"""Matrix products: Claims 3.2 and 3.4 of the notes.

The notes write examples as columns, z = W x + b with W (m, d). Here examples are rows, as in eq. (4.4): every vector
and matrix is transposed and products reverse their order, so z = x W + b with x (n, d), W (d, m), b (m,). The
translation is made only here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy

from backpass.circuit.operation import operation, sum_to
from backpass.circuit.operations.shaping import swap_last
from backpass.circuit.primitive import Array
from backpass.circuit.row_rules import Params, shapes_with_rows
from backpass.circuit.spec import Spec, broadcast, text_of
from backpass.errors import ShapeError


def _product_shape(x: Spec, y: Spec) -> Spec:
    if x.ndim < 2 or y.ndim < 2:
        raise ShapeError("a matrix product needs arrays of at least two dimensions")
    if x.shape[-1] != y.shape[-2]:
        raise ShapeError(f"{text_of(x.shape)} has {x.shape[-1]} columns but {text_of(y.shape)} has {y.shape[-2]} rows")
    stack = broadcast(x.shape[:-2], y.shape[:-2])
    return Spec((*stack, x.shape[-2], y.shape[-1]), numpy.result_type(x.dtype, y.dtype))


def _multiply_add(inputs: Sequence[Spec], output: Spec, lengths: Mapping[str, int]) -> int:
    """2 d multiplications and additions per element of the output."""
    return 2 * output.size(lengths) * Spec(inputs[0].shape[-1:], output.dtype).size(lengths)


def _product_rows(params: Params, inputs: Sequence[Spec], output: Spec, length: str) -> bool:
    """Rows must be those of the first factor, not its columns, and of no other argument."""
    x = inputs[0].shape
    return shapes_with_rows(inputs, length) == [x] and x.index(length) < len(x) - 1


@operation(
    shape=_product_shape,
    rows=_product_rows,
    count=_multiply_add,
    dx=lambda dz, z, x, y: sum_to(matmul_(dz, swap_last(y)), x),
    dy=lambda dz, z, x, y: sum_to(matmul_(swap_last(x), dz), y),
)
def matmul_(x: Array, y: Array) -> Array:
    """z = x y, for each pair of matrices

    x (..., n, d)   y (..., d, m)   ->   z (..., n, m)

    dx = dz y^T    dy = x^T dz
    """
    return numpy.matmul(x, y)


def _affine_shape(x: Spec, W: Spec, b: Spec) -> Spec:
    if b.ndim != W.ndim - 1 or b.shape != W.shape[:-2] + W.shape[-1:]:
        raise ShapeError(f"expected a bias of shape {text_of(W.shape[:-2] + W.shape[-1:])}; got {text_of(b.shape)}")
    return _product_shape(x, W)


@operation(
    shape=_affine_shape,
    rows=_product_rows,
    count=_multiply_add,
    dx=lambda dz, z, x, W, b: sum_to(matmul_(dz, swap_last(W)), x),
    dW=lambda dz, z, x, W, b: sum_to(matmul_(swap_last(x), dz), W),
    db=lambda dz, z, x, W, b: sum_to(dz.sum(axis=-2), b),
)
def affine(x: Array, W: Array, b: Array) -> Array:
    """z = x W + b    CS229 (2.5), (2.8), (2.9), (4.4)

    x (n, d)   W (d, m)   b (m,)   ->   z (n, m); leading axes stack k networks side by side:
    x (n, d) or (k, n, d)   W (k, d, m)   b (k, m)   ->   z (k, n, m)

    dx = dz W^T    dW = x^T dz    db = sum of dz over rows

    The pullbacks are CS229 Claim 3.2, (3.8), (3.9), (3.10), (3.11), and CS229 Claim 3.4, (3.14). The notes stack
    examples as columns, CS229 (4.1), (4.2), (4.3), footnote 7: z is the transpose of theirs, and b is broadcast.
    """
    return numpy.matmul(x, W) + b[..., None, :]
