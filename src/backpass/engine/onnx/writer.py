"""The writer: writes the nodes of one operation into a graph, and knows in which dtypes runtimes compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from backpass.circuit.traced import Node
from backpass.engine.onnx.graph import Graph, Operand, Value

DType = numpy.dtype[Any]

_WORKING = {
    numpy.dtype(narrow): numpy.dtype(wide)
    for wide, several in {"int32": "?bBhH", "int64": "IQ", "float32": "e"}.items()
    for narrow in several
}
"""Dtypes that runtimes do not compute in -> the one that does their work, with the same result when cast back."""


def working(dtype: DType) -> DType:
    """The dtype that arithmetic on this one is done in."""
    return _WORKING.get(dtype, dtype)


class Writer:
    """Writes the nodes of one operation into a graph, under names that begin with ``stem``."""

    def __init__(self, graph: Graph, stem: str) -> None:
        self.graph = graph
        self.stem = stem

    def __call__(self, operator: str, *operands: Operand, **attributes: Any) -> str:
        """One node; returns its output's name."""
        return self.graph.add(operator, *operands, stem=self.stem, **attributes)

    def cast(self, value: Value, dtype: Any) -> Operand:
        """The value in a dtype."""
        if value.dtype == dtype:
            return value
        if value.array is not None:
            return value.array.astype(dtype)
        return self.recast(value, value.dtype, numpy.dtype(dtype))

    def recast(self, name: Operand, now: DType, dtype: DType) -> Operand:
        """A value that is in the dtype ``now``, in another."""
        return name if now == dtype else self("Cast", name, to=dtype)


def whole(*numbers: int) -> Any:
    """An int64 vector, as axes and shapes are given."""
    return numpy.array(numbers, dtype=numpy.int64)


Form = Callable[[Writer, Node, Sequence[Value]], Operand]
"""How an operation is written: from its node and arguments to the result."""
