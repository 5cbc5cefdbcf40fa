"""Elementwise forms: an operation as an expression of the elements of its arguments, rounded to its dtype."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from backpass.circuit.node import Node
from backpass.engine.javascript.value import DType, Elementwise, Literal, Value
from backpass.engine.javascript.writer import Form, Writer

INTEGERS: Mapping[str, str] = MappingProxyType(
    {
        "int8": "({}<<24>>24)",
        "int16": "({}<<16>>16)",
        "int32": "({}|0)",
        "uint8": "({}&255)",
        "uint16": "({}&65535)",
        "uint32": "({}>>>0)",
    }
)
"""How an integer is reduced to its type. int64 and uint64 are doubles, exact up to 2^53."""


def rounded(text: str, dtype: DType) -> str:
    """An expression, rounded to a dtype."""
    if dtype.name == "float32":
        return f"f({bare(text)})"
    is_call = re.fullmatch(r"\w+\(.*\)", text) is not None and is_closed(text)
    return INTEGERS.get(dtype.name, "{}").format(text if is_call else f"({text})")


def bare(text: str) -> str:
    """An expression without parentheses around the whole of it.

    >>> bare("((a+b)*c)"), bare("(a+b)*(c+d)")
    ('(a+b)*c', '(a+b)*(c+d)')
    """
    return bare(text[1:-1]) if text.startswith("(") and is_closed(text) else text


def is_closed(text: str) -> bool:
    """Whether the first parenthesis of an expression is closed by the last one."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == ")" and depth == 0:
            return place == len(text) - 1
    return False


def expression(template: str) -> Form:
    """The form of an operation: ``$0``, ``$1``, ... stand for the elements of the arguments, each used once."""

    def form(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
        dtype = node.spec.dtype
        return written(writer, node, values, lambda texts: rounded(filled(template, texts), dtype))

    return form


def condition(template: str) -> Form:
    """The form of a comparison: true or false, which typed arrays store, and arithmetic takes, as 1 and 0."""
    return lambda writer, node, values: written(writer, node, values, lambda texts: f"({filled(template, texts)})")


def logical_not(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    def render(texts: Sequence[str]) -> str:
        equation = re.fullmatch(r"\((.+)==(.+)\)", texts[0])  # of a number with itself: whether it is NaN
        is_nan = equation is not None and equation[1] == equation[2]
        return texts[0].replace("==", "!=") if is_nan else f"(!{texts[0]})"

    return written(writer, node, values, render)


def calling(name: str) -> Form:
    """The form of an operation of which a function of functions.js computes the elements."""

    def form(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
        dtype = node.spec.dtype
        writer.needs(name)
        return written(writer, node, values, lambda texts: rounded(f"{name}({','.join(map(bare, texts))})", dtype))

    return form


def where(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    return written(writer, node, values, lambda texts: f"({texts[0]}?{texts[1]}:{texts[2]})")


def product(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    is_short = node.spec.dtype.name in INTEGERS  # products of doubles lose the last digits
    return expression("imul($0,$1)" if is_short else "$0*$1")(writer, node, values)


def cast(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    before, after = values[0].dtype, node.spec.dtype
    if after.kind == "b":
        return condition("$0!=0")(writer, node, values)
    if before.kind == "b" and after.name not in INTEGERS:
        return written(writer, node, values, lambda texts: f"(+{texts[0]})")
    if after.kind in "iu" and before.kind == "f":
        return expression("trunc($0)")(writer, node, values)
    if after == before or (after.kind == "f" and after.itemsize >= before.itemsize and before.name != "int32"):
        return written(writer, node, values, lambda texts: texts[0])
    return expression("$0")(writer, node, values)


def written(
    writer: Writer, node: Node, values: Sequence[Value], render: Callable[[Sequence[str]], str]
) -> Elementwise | Literal:
    """An expression of its operands; one that is smaller than the result and costs something is computed before."""
    shape = writer.shape(node.spec.shape)
    if values and all(isinstance(value, Literal) for value in values):
        return Literal(shape, node.spec.dtype, render([value.at(()) for value in values]))
    operands = tuple(
        writer.stored(value) if not isinstance(value, Literal) and value.shape != shape else value for value in values
    )
    return Elementwise(shape, node.spec.dtype, render, operands, node.operation.name)


def filled(template: str, texts: Sequence[str]) -> str:
    if re.fullmatch(r"\w+\(.*\)", template):
        texts = [bare(text) for text in texts]
    parts = template.split("$")
    return parts[0] + "".join(texts[int(part[0])] + part[1:] for part in parts[1:])
