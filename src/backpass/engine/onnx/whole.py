"""Integer arithmetic of a graph, with Python's operators, so that code for int64 arrays can also write graph nodes.

An expression of ``Whole`` values adds nodes to its graph; equal nodes are added once. The integers are stored as
float64, because runtimes differ most in integer arithmetic: OpenVINO narrows int64 to int32 and divides int32 in
float32. It also computes float64 in float32, where integers are exact up to 2^24. Some runtimes multiply by a rounded
1 / b instead of dividing by b. Therefore a // b, b > 0, is computed as the floor of (a + 1/2) / b, which is at least
1 / (2 b) away from an integer. In float32 this margin exceeds the two roundings, 2^-23 a / b, for a < 2^22 = 4,194,304,
more than the number of days of the calendar.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

import numpy

from backpass.dataclass import dataclass
from backpass.engine.onnx.graph import Graph

WIDE: numpy.dtype[numpy.float64] = numpy.dtype(numpy.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A float64 value of a graph that holds integers.

    ``//`` and ``%``, by positive numbers, round down as in Python and NumPy; a comparison is 1 or 0. ``/`` gives a
    value that need not be an integer.

    Attributes:
        graph: The graph.
        name: The name of the value.
        stem: The prefix of the names of results; the operator follows.
        made: The nodes written so far.
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
        return self - (self // other) * other

    def __floordiv__(self, other: Whole | int) -> Whole:
        middle = self._node("Add", self.name, self._name(0.5))
        return self._whole(self._node("Floor", self._node("Div", middle, self._name(other))))

    def __divmod__(self, other: Whole | int) -> tuple[Whole, Whole]:
        return self // other, self % other

    def __truediv__(self, other: Whole | int) -> str:
        return self._node("Div", self.name, self._name(other))

    def __ge__(self, other: Whole | int) -> Whole:
        return self._is("GreaterOrEqual", other)

    def __le__(self, other: Whole | int) -> Whole:
        return self._is("LessOrEqual", other)

    def where(self, condition: str, other: int) -> Whole:
        """This value where the condition holds, else the other."""
        return self._whole(self._node("Where", condition, self.name, self._name(other)))

    def is_at_least(self, other: int) -> str:
        """The name of the condition self >= other."""
        return self._node("GreaterOrEqual", self.name, self._name(other))

    def _of(self, operator: str, a: Whole, b: Whole | int) -> Whole:
        return self._whole(self._node(operator, a.name, self._name(b)))

    def _is(self, operator: str, other: Whole | int) -> Whole:
        return self._whole(self._node("Cast", self._node(operator, self.name, self._name(other)), to=WIDE))

    def _whole(self, name: str) -> Whole:
        return Whole(self.graph, name, self.stem, self.made)

    def _name(self, operand: Whole | float) -> str:
        if isinstance(operand, Whole):
            return operand.name
        return self.graph.name_of(numpy.array(operand, WIDE), self.stem)

    def _node(self, operator: str, *names: str, **attributes: Any) -> str:
        key = (operator, *names, *map(str, attributes.values()))
        if key not in self.made:
            stem = f"{self.stem}/{operator.lower()}"
            self.made[key] = self.graph.add(operator, *names, stem=stem, **attributes)
        return self.made[key]
