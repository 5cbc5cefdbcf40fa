"""ONNX graph under construction: nodes, constants, inputs and outputs as plain values.

It assigns the names: every value has a unique one, and equal constants share one. ``forms`` decides which nodes to
write; ``file`` converts the graph to a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit.spec import Dimension, Shape, Spec
from backpass.dataclass import dataclass

TEXT = numpy.dtype(object)
"""The dtype that represents ONNX's strings."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A value of the graph.

    Attributes:
        name: The name; a constant gets one when a node first reads it.
        spec: The shape and dtype.
        array: The array of a constant, else None.
    """

    name: str
    spec: Spec
    array: NDArray[Any] | None = None

    @property
    def shape(self) -> Shape:
        return self.spec.shape

    @property
    def ndim(self) -> int:
        return self.spec.ndim

    @property
    def dtype(self) -> numpy.dtype[Any]:
        return self.spec.dtype

    @staticmethod
    def constant(array: NDArray[Any]) -> Value:
        """A constant."""
        return Value("", Spec(array.shape, array.dtype), array)


Operand = str | Value | NDArray[Any]
"""What a node reads: the name of a value, a value, or an array that becomes a constant."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One node.

    Attributes:
        operator: The operator.
        domain: The domain of the operator; "" for ONNX's own.
        inputs: The names of its inputs.
        output: The name of its only output.
        attributes: The attributes.
    """

    operator: str
    domain: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]


class Graph:
    """A graph to which nodes are appended."""

    def __init__(self, name: str, doc: str = "") -> None:
        self.name = name
        self.doc = doc
        self.inputs: list[tuple[Value, str]] = []
        self.outputs: list[tuple[Value, str]] = []
        self.calls: list[Call] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}
        self._contents: dict[tuple[Any, ...], str] = {}
        self._lengths: dict[str, tuple[str, int]] = {}
        self._measured: dict[str, str] = {}

    def reserve(self, name: str) -> str:
        """Reserve a name for a later value: the given name, or a similar one if it is taken."""
        chosen = self._fresh(name)
        self._taken.add(chosen)
        return chosen

    def input(self, name: str, spec: Spec, doc: str = "") -> Value:
        """Add an input. Its free dimensions become available to ``shape``."""
        value = Value(self.reserve(name), spec)
        self.inputs.append((value, doc))
        for axis, dimension in enumerate(spec.shape):
            if isinstance(dimension, str):
                self._lengths.setdefault(dimension, (value.name, axis))
        return value

    def output(self, value: Value, name: str, doc: str = "") -> None:
        """Add an output under a reserved name."""
        self.calls.append(Call("Identity", "", (self.name_of(value, name),), name, {}))
        self.outputs.append((Value(name, value.spec), doc))

    def add(self, operator: str, *operands: Operand, stem: str, domain: str = "", **attributes: Any) -> str:
        """Add a node.

        Returns:
            The name of its output, which begins with ``stem``.
        """
        inputs = tuple(self.name_of(operand, stem) for operand in operands)
        output = self.reserve(stem)
        self.calls.append(Call(operator, domain, inputs, output, attributes))
        return output

    def name_of(self, operand: Operand, stem: str) -> str:
        """The name under which a node reads an operand."""
        if isinstance(operand, str):
            return operand
        array = operand.array if isinstance(operand, Value) else operand
        if array is None:
            assert isinstance(operand, Value)
            return operand.name
        key = _content(array)
        name = self._contents.get(key)
        if name is None:
            name = self._contents[key] = self.reserve(_literal(array) or f"{stem}/constant")
        self.constants.setdefault(name, numpy.asarray(array))
        return name

    def call(self, array: NDArray[Any], name: str) -> None:
        """Name the constant with this content, if a node reads it later."""
        self._contents.setdefault(_content(array), self.reserve(name))

    def shape(self, dimensions: Sequence[Dimension]) -> Operand:
        """A shape as an int64 vector; free dimensions are read from the inputs at run time."""
        if all(isinstance(dimension, int) for dimension in dimensions):
            return numpy.array(dimensions, dtype=numpy.int64)
        parts: list[Operand] = [
            self._length(dimension) if isinstance(dimension, str) else numpy.array([dimension], dtype=numpy.int64)
            for dimension in dimensions
        ]
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, stem="shape", axis=0)

    def _length(self, dimension: str) -> str:
        if dimension not in self._measured:
            name, axis = self._lengths[dimension]
            self._measured[dimension] = self.add("Shape", name, stem=f"length/{dimension}", start=axis, end=axis + 1)
        return self._measured[dimension]

    def _fresh(self, stem: str) -> str:
        name = stem or "unnamed"
        while name in self._taken:
            self._counts[stem] = self._counts.get(stem, 1) + 1
            name = f"{stem}_{self._counts[stem]}"
        return name


def _content(array: NDArray[Any]) -> tuple[Any, ...]:
    contents = tuple(array.ravel().tolist()) if array.dtype == TEXT else array.tobytes()
    return array.dtype.str, array.shape, contents


def _literal(array: NDArray[Any]) -> str:
    """The name of a number or a short int64 vector, such as axes, from its value: ``float32/0.5``, ``int64/[0, 1]``."""
    is_short = array.ndim == 0 or (array.ndim == 1 and array.size <= 4 and array.dtype == numpy.int64)
    return f"{array.dtype.name}/{array.tolist()!r}" if is_short else ""
