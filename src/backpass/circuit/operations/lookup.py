"""Row lookup by index (embeddings, column selection), and its adjoint, which adds rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy

from backpass.circuit.node import OPERATIONS
from backpass.circuit.operation import operation
from backpass.circuit.operations.shaping import concatenate_
from backpass.circuit.primitive import Array
from backpass.circuit.row_rules import Params, mixed
from backpass.circuit.spec import Dimension, Spec, text_of
from backpass.circuit.traced import Traced
from backpass.errors import ShapeError


def _looked_up(x: Spec, indices: Spec, *, axis: int) -> Spec:
    if not 0 <= axis < x.ndim:
        raise ShapeError(f"axis {axis} does not exist in an array of {x.ndim} dimensions")
    if not numpy.issubdtype(indices.dtype, numpy.integer):
        raise ShapeError(f"indices must be integers; got {indices.dtype.name}")
    return Spec((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)


def _looked_up_rows(params: Params, inputs: Sequence[Spec], output: Spec, length: str) -> bool:
    """It takes rows of a table by the indices in each row, or the same columns of every row."""
    x, indices = (spec.shape for spec in inputs)
    if length in indices:
        return length not in x and indices[0] == length and params["axis"] == 0
    return x[0] == length and params["axis"] != 0


@operation(
    shape=_looked_up,
    rows=_looked_up_rows,
    is_arithmetic=False,
    own_dtype=("indices",),
    dx=lambda dz, z, x, indices, *, axis: scatter_add(dz, indices, axis=axis, length=x.shape[axis]),
    dindices=None,
)
def take(x: Array, indices: Array, *, axis: int) -> Array:
    """z = the rows (or, along another axis, the slices) of x with the given indices

    x (l, m)   indices (n,)   ->   z (n, m)

    dx = zeros, with every row of dz added to the row it was taken from

    Args:
        x: The array.
        indices: Integers; negative ones count from the end.
        axis: The axis.
    """
    return numpy.take(x, indices, axis=axis)


def _scattered(dz: Spec, indices: Spec, *, axis: int, length: Dimension) -> Spec:
    if dz.shape[axis : axis + indices.ndim] != indices.shape:
        raise ShapeError(
            f"expected one row per index, with the lengths {text_of(indices.shape)} from axis {axis} on; "
            f"got {text_of(dz.shape)}"
        )
    return Spec((*dz.shape[:axis], length, *dz.shape[axis + indices.ndim :]), dz.dtype)


def _merge_rows(parts: Sequence[Traced]) -> Array:
    """Add several scattered arrays by scattering all their rows at once."""
    recorder, params = parts[0].recorder, parts[0].node.params
    axis = params["axis"]
    pairs = [[Traced(recorder, i, recorder.nodes[i].spec) for i in part.node.inputs] for part in parts]
    if any(isinstance(length, str) for _, index in pairs for length in index.shape):
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total
    rows = [dz.reshape((*dz.shape[:axis], prod(i.shape), *dz.shape[axis + i.ndim :])) for dz, i in pairs]
    indices = [index.reshape((prod(index.shape),)) for _, index in pairs]
    return scatter_add(concatenate_(*rows, axis=axis), concatenate_(*indices, axis=0), **params)


@operation(
    shape=_scattered,
    rows=mixed,
    count=lambda inputs, output, lengths: inputs[0].size(lengths),
    merge=_merge_rows,
    own_dtype=("indices",),
    dx=lambda dz, z, x, indices, *, axis, length: OPERATIONS["take"](dz, indices, axis=axis),
    dindices=None,
)
def scatter_add(x: Array, indices: Array, *, axis: int, length: Dimension) -> Array:
    """z = zeros, with row i of x added to row indices[i]: the adjoint of ``take``

    x (n, m)   indices (n,)   ->   z (length, m)

    dx = the rows of dz with the given indices

    Args:
        x: The slices.
        indices: Integers; negative ones count from the end.
        axis: The axis along which slices are added.
        length: The length of z along this axis.
    """
    kept, after = x.shape[:axis], x.shape[axis + indices.ndim :]
    z = numpy.zeros((*kept, length, *after), x.dtype)
    numpy.add.at(z, (*(slice(None),) * axis, indices), x)
    return z
