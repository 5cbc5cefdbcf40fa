"""Forms of operations that move numbers: views where strides suffice, loops elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backpass.circuit.node import Node
from backpass.engine.javascript.elementwise import written
from backpass.engine.javascript.index import Index, plus, times
from backpass.engine.javascript.value import Elementwise, Literal, Lookup, Value, View, wrapped
from backpass.engine.javascript.writer import Writer


def same(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    return values[0]


def constant(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    return writer.constant(node.params["value"])


def reshape(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    shape = writer.shape(node.spec.shape)
    (value,) = values
    if isinstance(value, Literal):
        return replace(value, shape=shape)
    view = writer.stored(value)
    before = [(length, stride) for length, stride in zip(view.shape, view.strides, strict=True) if length != 1]
    if [length for length, _ in before] == [length for length in shape if length != 1]:
        strides = iter(stride for _, stride in before)
        return replace(view, shape=shape, strides=tuple(0 if length == 1 else next(strides) for length in shape))
    whole = view if view.is_dense else writer.copied(view)
    return replace(View.whole(shape, whole.dtype, whole.buffer), offset=whole.offset)


def transpose(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    shape, axes = writer.shape(node.spec.shape), node.params["axes"]
    if isinstance(values[0], Literal):
        return replace(values[0], shape=shape)
    view = writer.stored(values[0])
    return replace(view, shape=shape, strides=tuple(view.strides[axis] for axis in axes))


def broadcast_to(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    shape = writer.shape(node.spec.shape)
    if isinstance(values[0], Literal):
        return replace(values[0], shape=shape)
    view = writer.stored(values[0])
    lead = len(shape) - len(view.shape)
    strides = (0,) * lead + tuple(
        0 if length == 1 else stride for length, stride in zip(view.shape, view.strides, strict=True)
    )
    return replace(view, shape=shape, strides=strides)


def slice_(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    if isinstance(values[0], Literal):
        return replace(values[0], shape=writer.shape(node.spec.shape))
    return rectangle(writer.stored(values[0]), writer.shape(node.spec.shape), node.params["ranges"])


def rectangle(view: View, shape: tuple[Index, ...], ranges: Sequence[tuple[int, int, int] | None]) -> View:
    """The part of a view within ranges (start, stop, step), one per axis; None for all of it."""
    offset, strides = view.offset, list(view.strides)
    for axis, taken in enumerate(ranges):
        if taken is not None:
            offset = plus(offset, times(strides[axis], taken[0]))
            strides[axis] = times(strides[axis], taken[2])
    strides = [0 if length == 1 else stride for length, stride in zip(shape, strides, strict=True)]
    return View(shape, view.dtype, view.buffer, tuple(strides), offset)


def assemble(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    target = writer.buffer(writer.shape(node.spec.shape), node.spec.dtype)
    writer.statements.append(f"{target.buffer}.fill(0);")
    for piece, ranges in zip(values, node.params["ranges"], strict=True):
        writer.assign(rectangle(target, piece.shape, ranges), piece, "+=")
    return target


def concatenate(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    axis = node.params["axis"]
    target = writer.buffer(writer.shape(node.spec.shape), node.spec.dtype)
    offset: Index = 0
    for part in values:
        strides = tuple(0 if length == 1 else stride for length, stride in zip(part.shape, target.strides, strict=True))
        writer.assign(View(part.shape, target.dtype, target.buffer, strides, offset), part)
        offset = plus(offset, times(target.strides[axis], part.shape[axis]))
    return target


def take(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    writer.needs("at")
    source, indices = (writer.stored(value) for value in values)
    return Lookup(writer.shape(node.spec.shape), node.spec.dtype, source, indices, node.params["axis"])


def scatter_add(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    writer.needs("at")
    source, indices = (writer.stored(value) for value in values)
    target = writer.buffer(writer.shape(node.spec.shape), node.spec.dtype)
    axis = node.params["axis"]
    end = axis + len(indices.shape)
    writer.statements.append(f"{target.buffer}.fill(0);")

    def body(index: list[Index]) -> str:
        row = wrapped(indices.at(index[axis:end]), target.shape[axis])
        return f"{target.at([*index[:axis], row, *index[end:]])}+={source.at(index)};"

    writer.loops(source.shape, body)
    return target


def random_bits(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    writer.needs("philox")
    key, step = (writer.stored(value) for value in values)
    target = writer.buffer(writer.shape(node.spec.shape), node.spec.dtype)
    purpose = node.params["purpose"]
    writer.statements.append(
        f"philox({target.buffer},{key.at([0])},{key.at([1])},{step.at([0] * len(step.shape))},{purpose});"
    )
    return target


def to_unit(writer: Writer, node: Node, values: Sequence[Value]) -> Elementwise | Literal:
    return written(writer, node, values, lambda texts: f"(({texts[0]}>>>8)/16777216)")
