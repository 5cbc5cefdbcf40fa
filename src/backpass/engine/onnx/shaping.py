"""ONNX forms of operations that move numbers: shapes, slices and their adjoints, casts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from backpass.circuit.node import Node
from backpass.circuit.spec import Shape
from backpass.engine.onnx.graph import Operand, Value
from backpass.engine.onnx.writer import Writer, whole

_TO_THE_START = numpy.iinfo(numpy.int64).min
"""The end of a slice that runs backward past the first element."""


def same(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    return values[0]


def cast(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    return w.cast(values[0], node.spec.dtype)


def reshape(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    shape = node.spec.shape
    if shape == values[0].shape:
        return values[0]
    free = [dimension for dimension in shape if isinstance(dimension, str)]
    if len(free) == 1 and 0 not in shape:
        return w("Reshape", values[0], whole(*(-1 if isinstance(d, str) else d for d in shape)))
    return w("Reshape", values[0], w.graph.shape(shape), allowzero=1)


def transpose(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    return w("Transpose", values[0], perm=list(node.params["axes"])) if values[0].ndim > 1 else values[0]


def broadcast_to(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    shape = node.spec.shape
    return values[0] if shape == values[0].shape else w("Expand", values[0], w.graph.shape(shape))


def slice_(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    taken = {axis: r for axis, r in enumerate(node.params["ranges"]) if r is not None}
    if not taken:
        return values[0]
    starts, ends, steps = zip(*taken.values(), strict=True)
    ends = tuple(end if end >= 0 else _TO_THE_START for end in ends)
    return w("Slice", values[0], whole(*starts), whole(*ends), whole(*taken), whole(*steps))


def assemble(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    parts = [
        _spread(w, piece, place, node.spec.shape) for piece, place in zip(values, node.params["ranges"], strict=True)
    ]
    return _folded(w, "Add", parts)


def _spread(w: Writer, piece: Operand, place: Sequence[tuple[int, int, int] | None], shape: Shape) -> Operand:
    """Embed a piece in zeros: along each axis, append one zero, and gather it wherever the piece is not."""
    for axis, r in enumerate(place):
        if r is not None:
            length = shape[axis]
            assert isinstance(length, int)  # only fixed axes are sliced
            here = range(*r)
            source = numpy.full(length, len(here), dtype=numpy.int64)
            source[list(here)] = numpy.arange(len(here))
            padded = w("Pad", piece, whole(0, 1), "", whole(axis))
            piece = w("Gather", padded, source, axis=axis)
    return piece


def _folded(w: Writer, operator: str, parts: Sequence[Operand]) -> Operand:
    total = parts[0]
    for part in parts[1:]:
        total = w(operator, total, part)
    return total


def concatenate(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    parts = [w.cast(value, node.spec.dtype) for value in values]
    return w("Concat", *parts, axis=node.params["axis"]) if len(parts) > 1 else parts[0]
