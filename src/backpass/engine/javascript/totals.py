"""Forms of operations that add up or compare: sums in double precision, rounded once; matrix products by a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backpass.circuit.node import Node
from backpass.circuit.operations.reduction import axes_of
from backpass.engine.javascript.index import Index, place, size_of
from backpass.engine.javascript.value import Value, View, aligned
from backpass.engine.javascript.writer import Writer, loop, nested

Step = Callable[[str], str]
"""The text of an element -> the statement that takes it in."""


def total(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    if writer.kernels is not None and _is_sum_of_rows(node, values[0]):
        return _sum_of_rows(writer, node, values[0])
    return _reduced(writer, node, values[0], "let s=0;", lambda x: f"s+={x};")


def largest(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    return _reduced(writer, node, values[0], "let s=-Infinity;", lambda x: f"s=max(s,{x});")


def logsumexp(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    view = writer.stored(values[0])
    if view.is_dense and view.offset == 0 and len(view.shape) == 2 and _gone(node, view) == (1,):
        writer.needs("lse")
        target = writer.buffer(writer.shape(node.spec.shape), node.spec.dtype)
        writer.statements.append(f"lse({target.buffer},{view.buffer},{view.shape[0]},{view.shape[1]});")
        return target

    def body(over: Callable[[Step], str]) -> str:
        top = over(lambda x: f"m=max(m,{x});")
        return f"let m=-Infinity;{top}if(!isFinite(m))m=0;let s=0;{over(lambda x: f's+=exp({x}-m);')}"

    return _along(writer, node, view, body, "log(s)+m")


def _reduced(writer: Writer, node: Node, value: Value, start: str, step: Step) -> Value:
    """Reduce a value, which may be an expression: it is computed once per element."""
    flat = value.flat("i", value.shape)
    if flat is None or len(_gone(node, value)) < len(value.shape):
        return _along(writer, node, value, lambda over: start + over(step), "s")
    target = writer.buffer(writer.shape(node.spec.shape), node.spec.dtype)
    writer.statements.append(f"{{{start}{loop('i', size_of(value.shape), step(flat))}{target.buffer}[0]=s;}}")
    return target


def _is_sum_of_rows(node: Node, value: Value) -> bool:
    is_whole = isinstance(value, View) and value.flat("i", value.shape) is not None and value.dtype.name == "float32"
    return is_whole and len(value.shape) == 2 and _gone(node, value) == (0,)


def _sum_of_rows(writer: Writer, node: Node, value: Value) -> View:
    assert isinstance(value, View)
    writer.needs("sums")
    target = writer.buffer(writer.shape(node.spec.shape), node.spec.dtype)
    writer.statements.append(f"sums({target.buffer},{value.buffer},{value.shape[0]},{value.shape[1]});")
    return target


def _along(writer: Writer, node: Node, value: Value, body: Callable[[Callable[[Step], str]], str], result: str) -> View:
    """Write loops over the axes that stay, and in them what ``body`` makes of a loop over the others."""
    gone = _gone(node, value)
    kept = [axis for axis in range(len(value.shape)) if axis not in gone]
    flat = writer.buffer([value.shape[axis] for axis in kept], node.spec.dtype)

    def outer(index: list[Index]) -> str:
        def over(step: Step) -> str:
            def inner(others: list[Index]) -> str:
                places = dict(zip([*kept, *gone], [*index, *others], strict=True))
                return step(value.at(aligned(value, [places[axis] for axis in range(len(value.shape))])))

            return nested([value.shape[axis] for axis in gone], inner, "j")

        return f"{body(over)}{flat.at(index)}={result};"

    writer.statements.append(f"{{{nested(flat.shape, outer)}}}")
    return View.whole(writer.shape(node.spec.shape), flat.dtype, flat.buffer)


def _gone(node: Node, value: Value) -> tuple[int, ...]:
    return axes_of(node.params.get("axis"), len(value.shape))


def product(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    """z = x y + b for each pair of matrices; ``mm`` takes places and strides, so that a transpose needs no copy."""
    writer.needs("mm")
    x, y, *biases = (writer.stored(value) for value in values)
    target = writer.buffer(writer.shape(node.spec.shape), node.spec.dtype)
    n, m = target.shape[-2:]

    def body(index: list[Index]) -> str:
        arguments: list[Index] = [target.buffer, _start(target, index, 2)]
        for view in (x, y):
            arguments += [view.buffer, _start(view, index, 2), *view.strides[-2:]]
        arguments += [n, x.shape[-1], m]
        for bias in biases:
            arguments += [bias.buffer, _start(bias, index, 1), bias.strides[-1]]
        return f"mm({','.join(map(str, arguments))});"

    writer.loops(target.shape[:-2], body)
    return target


def _start(view: View, index: Sequence[Index], inner: int) -> Index:
    """The place of the matrix (inner 2) or vector (inner 1) of a stack with these indices."""
    lead = len(view.shape) - inner
    shape, strides = view.shape[:lead], view.strides[:lead]
    own = aligned(View(shape, view.dtype, view.buffer, strides), index)
    return place(view.offset, strides, own)
