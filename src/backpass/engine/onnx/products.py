"""ONNX forms of products, of operations along axes, and of lookups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy

from backpass.circuit.node import Node
from backpass.circuit.operations.reduction import axes_of
from backpass.engine.onnx.graph import Operand, Value
from backpass.engine.onnx.writer import Writer, whole, working


def matmul(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    dtype = working(node.spec.dtype)
    return w.recast(w("MatMul", *(w.cast(value, dtype) for value in values)), dtype, node.spec.dtype)


def affine(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    dtype = working(node.spec.dtype)
    x, W, b = (w.cast(value, dtype) for value in values)
    if values[2].ndim > 1:
        b = w("Unsqueeze", b, whole(-2))
    return w.recast(w("Add", w("MatMul", x, W), b), dtype, node.spec.dtype)


def largest(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    """The maximum, which is NaN if an element is.

    ONNX Runtime leaves out NaN except in the first place (its issue 10514).
    """
    z = _reduction("ReduceMax", w, node, values)
    axes = axes_of(node.params.get("axis"), values[0].ndim)
    if node.spec.dtype.kind != "f" or not axes:
        return z
    is_nan = w("Cast", w("IsNaN", values[0]), to=numpy.dtype(numpy.float32))
    any_nan = _reduced(w, "ReduceMax", is_nan, axes, keepdims=node.params.get("keepdims", False))
    return w("Where", w("Greater", any_nan, numpy.array(0, numpy.float32)), node.spec.dtype.type(numpy.nan), z)


def total(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    """The sum. ONNX Runtime adds int64 as doubles from version 1.28 on, so their halves of 32 bits are summed.

    x = 2^32 high + low with 0 <= low < 2^32; both sums are exact for fewer than 2^21 elements.
    """
    if values[0].dtype != numpy.int64 or node.spec.dtype != numpy.int64:
        return _reduction("ReduceSum", w, node, values)
    axes = axes_of(node.params.get("axis"), values[0].ndim)
    base = numpy.array(2**32, numpy.int64)
    low = w("Mod", values[0], base)
    high = w("Div", w("Sub", values[0], low), base)
    keepdims = node.params.get("keepdims", False)
    sums = [_reduced(w, "ReduceSum", half, axes, keepdims=keepdims) for half in (high, low)]
    return w("Add", w("Mul", sums[0], base), sums[1])


def _reduction(operator: str, w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    axes = axes_of(node.params.get("axis"), values[0].ndim)
    dtype = working(node.spec.dtype)
    z = _reduced(w, operator, w.cast(values[0], dtype), axes, keepdims=node.params.get("keepdims", False))
    return w.recast(z, dtype, node.spec.dtype)


def _reduced(w: Writer, operator: str, x: Operand, axes: Iterable[int], *, keepdims: bool) -> Operand:
    axes = tuple(axes)
    # ONNX reads an empty list of axes as all axes.
    return w(operator, x, whole(*axes), keepdims=int(keepdims)) if axes else x


def logsumexp(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    """As in the operation itself: the largest element is subtracted, unless it is not finite."""
    dtype = working(node.spec.dtype)
    x, axes = w.cast(values[0], dtype), axes_of(node.params.get("axis"), values[0].ndim)
    # ReduceMax of no elements is undefined before opset 20; -inf is appended along axes that may be empty.
    may_be_empty = [axis for axis in axes if isinstance(length := values[0].shape[axis], str) or length == 0]
    padding = whole(*[0] * len(may_be_empty), *[1] * len(may_be_empty))
    ranked = w("Pad", x, padding, dtype.type(-numpy.inf), whole(*may_be_empty)) if may_be_empty else x
    top = _reduced(w, "ReduceMax", ranked, axes, keepdims=True)
    top = w("Where", w("Less", w("Abs", top), dtype.type(numpy.inf)), top, dtype.type(0))
    total = _reduced(w, "ReduceSum", w("Exp", w("Sub", x, top)), axes, keepdims=True)
    z: Operand = w("Add", w("Log", total), top)
    if axes and not node.params.get("keepdims", False):
        z = w("Squeeze", z, whole(*axes))
    return w.recast(z, dtype, node.spec.dtype)


def _indices(w: Writer, value: Value) -> Operand:
    return w.cast(value, value.dtype if value.dtype in (numpy.int32, numpy.int64) else numpy.dtype(numpy.int64))


def take(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    return w("Gather", values[0], _indices(w, values[1]), axis=node.params["axis"])


def scatter_add(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    """Rows are added along the first axis, so the axis is moved to the front and back."""
    x, indices = values
    axis, shape = node.params["axis"], node.spec.shape
    dtype = working(node.spec.dtype)
    there = [*range(axis, axis + indices.ndim), *range(axis), *range(axis + indices.ndim, x.ndim)]
    back = [*range(1, axis + 1), 0, *range(axis + 1, len(shape))]
    rows = w("Transpose", w.cast(x, dtype), perm=there) if axis else w.cast(x, dtype)
    start = w("Expand", dtype.type(0), w.graph.shape((shape[axis], *shape[:axis], *shape[axis + 1 :])))
    places = w("Unsqueeze", w.cast(indices, numpy.dtype(numpy.int64)), whole(-1))
    z = w("ScatterND", start, places, rows, reduction="add")
    return w.recast(w("Transpose", z, perm=back) if axis else z, dtype, node.spec.dtype)
