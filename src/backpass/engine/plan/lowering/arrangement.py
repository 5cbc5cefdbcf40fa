"""Lowering of operations that move no numbers: views where strides can express them, else assembled arrays."""

from __future__ import annotations

from typing import Any

import numpy

from backpass.circuit.node import Node
from backpass.engine.plan.builder import GraphBuilder
from backpass.engine.plan.lowering.elementwise import cast
from backpass.engine.plan.strides import Lengths
from backpass.engine.plan.term import TermKind, View


def same(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return x[0]


def constant(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return builder.constant(numpy.ascontiguousarray(node.params["value"]).reshape(shape))


def reshape(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return builder.reshaped(x[0], shape)


def transpose(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return x[0].transposed(params["axes"])


def broadcast_to(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return x[0].stretched(shape)


def slice_(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return x[0].sliced(node.params["ranges"])


def concatenate(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    axis, start, places = params["axis"], 0, []
    for part in x:
        ranges = [(0, n, 1) for n in shape]
        ranges[axis] = (start, start + part.shape[axis], 1)
        start += part.shape[axis]
        places.append(tuple(ranges))
    parts = [cast(builder, part, node.spec.dtype) for part in x]
    return _assembled(builder, parts, places, shape, node.spec.dtype)


def assemble(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    """Pieces that do not overlap share an array; the arrays of overlapping pieces are added."""
    layers: list[tuple[list[View], list[Any]]] = []
    for piece, ranges in zip(x, node.params["ranges"], strict=True):
        place = tuple(_place(r, n) for r, n in zip(ranges, shape, strict=True))
        layer = next((one for one in layers if not any(_touch(place, other) for other in one[1])), None)
        if layer is None:
            layers.append(layer := ([], []))
        layer[0].append(piece)
        layer[1].append(place)
    parts = [_assembled(builder, pieces, places, shape, node.spec.dtype) for pieces, places in layers]
    total = parts[0]
    for part in parts[1:]:
        total = builder.map(f"add.{node.spec.dtype.name}", node.spec.dtype, shape, total, part)
    return total


def _place(taken: tuple[int, int, int] | None, length: int) -> tuple[int, int, int]:
    """What a slice takes of an axis, with step 1 if that is one element.

    Such a step may exceed the axis by far, and would then be mistaken for a symbolic length.
    """
    start, stop, step = taken or (0, length, 1)
    return (start, start + 1, 1) if step != 1 and -((start - stop) // step) == 1 else (start, stop, step)


def _touch(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return all(p == q or _meet(range(*p), range(*q)) for p, q in zip(a, b, strict=True))


def _meet(p: range, q: range) -> bool:
    if p.step == q.step == 1:
        return max(p.start, q.start) < min(p.stop, q.stop)
    short, long = sorted((p, q), key=lambda r: abs(r.stop - r.start))
    return any(i in long for i in short)


def _assembled(
    builder: GraphBuilder, pieces: list[View], places: list[Any], shape: Lengths, dtype: numpy.dtype[Any]
) -> View:
    kept = [(piece, place) for piece, place in zip(pieces, places, strict=True) if piece.size]
    covered = sum(piece.size for piece, _ in kept)
    whole = View(builder.constant(numpy.zeros((), dtype)).term, 0, (), ()).stretched(shape)
    if len(kept) == 1 and covered == whole.size and all(step == 1 for _, _, step in kept[0][1]):
        return kept[0][0]
    if covered < whole.size:
        zeros = builder.copy(whole)
        kept.insert(0, (builder.reshaped(zeros.whole, shape), tuple((0, n, 1) for n in shape)))
    term = builder.append(
        TermKind.ASSEMBLE, "assemble", tuple(v for v, _ in kept), shape, dtype,
        {"places": tuple(p for _, p in kept), "has_background": covered < whole.size},
    )  # fmt: skip
    return term.whole
