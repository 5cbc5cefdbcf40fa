"""Writer: writes the nodes of one operation into a graph, and knows the dtypes in which runtimes compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from backpass.circuit.node import Node
from backpass.engine.onnx.graph import Graph, Operand, Value

DType = numpy.dtype[Any]

_WORKING = {
    numpy.dtype(narrow): numpy.dtype(wide)
    for wide, several in {"int32": "?bBhH", "int64": "IQ", "float32": "e"}.items()
    for narrow in several
}
"""Dtypes that runtimes do not compute in -> a wider dtype with the same results after casting back."""


def working(dtype: DType) -> DType:
    """The dtype in which arithmetic on this dtype is done."""
    return _WORKING.get(dtype, dtype)


class Writer:
    """Writes the nodes of one operation into a graph, with names that begin with ``stem``."""

    def __init__(self, graph: Graph, stem: str) -> None:
        self.graph = graph
        self.stem = stem

    def __call__(self, operator: str, *operands: Operand, **attributes: Any) -> str:
        """Write one node and return the name of its output."""
        return self.graph.add(operator, *operands, stem=self.stem, **attributes)

    def cast(self, value: Value, dtype: Any) -> Operand:
        """The value cast to a dtype."""
        if value.dtype == dtype:
            return value
        if value.array is not None:
            return value.array.astype(dtype)
        return self.recast(value, value.dtype, numpy.dtype(dtype))

    def recast(self, name: Operand, now: DType, dtype: DType) -> Operand:
        """A value with the dtype ``now`` cast to another."""
        return name if now == dtype else self("Cast", name, to=dtype)


def whole(*numbers: int) -> Any:
    """An int64 vector, the form of axes and shapes."""
    return numpy.array(numbers, dtype=numpy.int64)


Form = Callable[[Writer, Node, Sequence[Value]], Operand]
"""A form: (writer, node, arguments) -> result."""
