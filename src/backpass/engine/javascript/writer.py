"""Writer: collects the statements, buffers, constants and calls of one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy

from backpass.circuit.node import Node
from backpass.circuit.spec import Shape
from backpass.engine.javascript.index import Index, size_of
from backpass.engine.javascript.kernels import Kernels
from backpass.engine.javascript.value import DType, Literal, Value, View, number_text
from backpass.errors import CircuitError

TYPED_ARRAYS: Mapping[str, str] = MappingProxyType(
    {
        "bool": "Uint8Array",
        "float32": "Float32Array",
        "float64": "Float64Array",
        "int8": "Int8Array",
        "int16": "Int16Array",
        "int32": "Int32Array",
        "int64": "Float64Array",
        "uint8": "Uint8Array",
        "uint16": "Uint16Array",
        "uint32": "Uint32Array",
        "uint64": "Float64Array",
    }
)
"""dtype -> the typed array that holds it. int64 and uint64 are doubles, exact up to 2^53."""
ALLOCATORS: Mapping[str, str] = MappingProxyType(
    {"Float32Array": "F", "Float64Array": "D", "Int32Array": "I", "Uint8Array": "U"}
)
"""Typed array -> the short name of the function that makes one."""


def typed_array(dtype: DType) -> str:
    """The typed array that holds elements of a dtype.

    Raises:
        CircuitError: JavaScript has none.
    """
    if dtype.name not in TYPED_ARRAYS:
        raise CircuitError(f"JavaScript has no typed array of {dtype.name}", hint="use float32 or float64")
    return TYPED_ARRAYS[dtype.name]


class Writer:
    """Writes one function.

    Attributes:
        lengths: Free dimension -> the constant that holds its length.
        buffers: Definitions of the buffers, which are allocated once per set of lengths.
        statements: The statements of a step.
        constants: Arrays of constants; the function takes them as ``c``.
        functions: Names of the functions that the statements call.
        kernels: Where loops over whole arrays go; None if they stay loops.
    """

    def __init__(self, lengths: Mapping[str, str], kernels: Kernels | None = None) -> None:
        self.lengths = lengths
        self.kernels = kernels
        self.buffers: list[str] = []
        self.statements: list[str] = []
        self.constants: list[numpy.ndarray[Any, Any]] = []
        self.functions: set[str] = set()

    def shape(self, shape: Shape) -> tuple[Index, ...]:
        """A shape with the names of the constants that hold the free lengths."""
        return tuple(self.lengths[length] if isinstance(length, str) else length for length in shape)

    def needs(self, *names: str) -> None:
        """Record that the statements call these functions."""
        self.functions.update(names)

    def constant(self, array: numpy.ndarray[Any, Any]) -> Value:
        """An array fixed when the circuit was traced."""
        if array.size == 1:
            return Literal(array.shape, array.dtype, number_text(array.reshape(-1)[0]))
        typed_array(array.dtype)
        self.constants.append(array)
        return View.whole(array.shape, array.dtype, f"c[{len(self.constants) - 1}]")

    def buffer(self, shape: Sequence[Index], dtype: DType) -> View:
        """A new buffer."""
        name = f"t{len(self.buffers)}"
        maker = ALLOCATORS.get(typed_array(dtype), f"new {typed_array(dtype)}")
        if self.kernels is not None and dtype.name == "uint32":
            maker = "W"
        self.buffers.append(f"{name}={maker}({size_of(shape)})")
        return View.whole(shape, dtype, name)

    def stored(self, value: Value) -> View:
        """The value in memory; computed now if it is an expression."""
        return value if isinstance(value, View) else self.copied(value)

    def copied(self, value: Value) -> View:
        """The value in a buffer of its own, in row-major order."""
        target = self.buffer(value.shape, value.dtype)
        call = self.kernels.call(target, value) if self.kernels else None
        if call is None:
            self.assign(target, value)
        else:
            self.needs(call.partition("(")[0])
            self.statements.append(call)
        return target

    def assign(self, target: View, value: Value, operator: str = "=") -> None:
        """Write the elements of a value, which may broadcast, to those of a view."""
        here, there = target.flat("i", target.shape), value.flat("i", target.shape)
        # Without kernels, loops over each axis are alike more often, so that more of them merge.
        if here is not None and there is not None and (self.kernels is not None or len(target.shape) < 2):
            self.statements.append(loop("i", size_of(target.shape), f"{here}{operator}{there};"))
            return
        self.loops(target.shape, lambda index: f"{target.at(index)}{operator}{value.at(index)};")

    def loops(self, shape: Sequence[Index], body: Callable[[list[Index]], str]) -> None:
        """Write nested loops over a shape."""
        self.statements.append(nested(shape, body))


LOOPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "i": ("i", "j", "k", *(f"i{axis}" for axis in range(3, 32))),
        "j": ("p", "q", *(f"p{axis}" for axis in range(2, 32))),
    }
)
"""Names of the variables of loops, and of those within them."""


def nested(shape: Sequence[Index], body: Callable[[list[Index]], str], stem: str = "i") -> str:
    """Nested loops over a shape; an axis of length 1 needs none."""
    names = LOOPS[stem]
    index: list[Index] = [0 if length == 1 else names[axis] for axis, length in enumerate(shape)]
    text = body(index)
    for axis in reversed(range(len(shape))):
        if shape[axis] != 1:
            text = loop(names[axis], shape[axis], text)
    return text


def loop(name: str, length: Index, body: str) -> str:
    """A loop from 0 to a length."""
    if length == 1:
        return f"{{const {name}=0;{body}}}"
    is_one = body.startswith("for(") or body.count(";") == 1
    inner = body if is_one else f"{{{body}}}"
    return f"for(let {name}=0;{name}<{length};{name}++){inner}"


Form = Callable[[Writer, Node, Sequence[Value]], Value]
"""A form: (writer, node, arguments) -> result."""
