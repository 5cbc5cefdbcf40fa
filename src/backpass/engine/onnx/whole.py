"""Whole numbers of a graph, with Python's operators: what is written for arrays of int64 can be written into a graph.

An expression of a ``Whole`` comes in; nodes are added to its graph, equal ones once. The numbers are int32, because
some runtimes narrow int64 to int32 without a word; and OpenVINO divides int32 in float32, so that results are exact in
every runtime only where all numbers stay below 2^24 = 16,777,216 in size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy

from backpass.engine.onnx.graph import Graph

WIDE: numpy.dtype[numpy.float64] = numpy.dtype(numpy.float64)
INT32: numpy.dtype[numpy.int32] = numpy.dtype(numpy.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """An int32 value of a graph, by its name; its results are called ``stem`` and the operator.

    ``//`` rounds down and ``%`` has the divisor's sign, as in Python and NumPy; a comparison is 1 or 0. ``made`` holds
    the nodes that are there already.
    """

    graph: Graph
    name: str
    stem: str
    made: dict[tuple[str, ...], str] = field(default_factory=dict)

    def __add__(self, other: Whole | int) -> Whole:
        return self._of("Add", self, other)

    __radd__ = __add__

    def __sub__(self, other: Whole | int) -> Whole:
        return self._of("Sub", self, other)

    def __mul__(self, other: Whole | int) -> Whole:
        return self._of("Mul", self, other)

    __rmul__ = __mul__

    def __mod__(self, other: Whole | int) -> Whole:
        return self._of("Mod", self, other)

    def __floordiv__(self, other: Whole | int) -> Whole:
        # ONNX's division of whole numbers drops what is behind the point; without the rest there is nothing to drop.
        return self._of("Div", self - self % other, other)

    def __divmod__(self, other: Whole | int) -> tuple[Whole, Whole]:
        return self // other, self % other

    def __ge__(self, other: Whole | int) -> Whole:
        return self._is("GreaterOrEqual", other)

    def __le__(self, other: Whole | int) -> Whole:
        return self._is("LessOrEqual", other)

    def wide(self) -> str:
        """The same numbers as float64."""
        return self._node("Cast", self.name, to=WIDE)

    def where(self, condition: str, other: int) -> Whole:
        """These where the condition holds, else the other."""
        return self._whole(self._node("Where", condition, self.name, self._name(other)))

    def is_at_least(self, other: int) -> str:
        """A condition."""
        return self._node("GreaterOrEqual", self.name, self._name(other))

    def _of(self, operator: str, a: Whole, b: Whole | int) -> Whole:
        return self._whole(self._node(operator, a.name, self._name(b)))

    def _is(self, operator: str, other: Whole | int) -> Whole:
        return self._whole(self._node("Cast", self._node(operator, self.name, self._name(other)), to=INT32))

    def _whole(self, name: str) -> Whole:
        return Whole(self.graph, name, self.stem, self.made)

    def _name(self, operand: Whole | int | float) -> str:
        if isinstance(operand, Whole):
            return operand.name
        dtype = INT32 if isinstance(operand, int) else WIDE
        return self.graph.name_of(numpy.array(operand, dtype), self.stem)

    def _node(self, operator: str, *names: str, **attributes: Any) -> str:
        key = (operator, *names, *map(str, attributes.values()))
        if key not in self.made:
            stem = f"{self.stem}/{operator.lower()}"
            self.made[key] = self.graph.add(operator, *names, stem=stem, **attributes)
        return self.made[key]
