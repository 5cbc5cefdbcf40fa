"""Whole numbers of a graph, with Python's operators: what is written for arrays of int64 can be written into a graph.

An expression of a ``Whole`` comes in; nodes are added to its graph, equal ones once. The numbers are held as float64,
because runtimes differ most in integers: OpenVINO narrows int64 to int32, and divides int32 in float32. It computes
float64 in float32, too, where whole numbers are exact up to 2^24. Some runtimes multiply by a rounded 1 / b instead of
dividing by b; so a // b, b > 0, is the floor of (a + 1/2) / b, which is 1 / (2 b) or more away from a whole number. In
float32 that is more than the two roundings, 2^-23 a / b, for a < 2^22 = 4,194,304: more than all days of the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy

from backpass.engine.onnx.graph import Graph

WIDE: numpy.dtype[numpy.float64] = numpy.dtype(numpy.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A float64 value of a graph that holds whole numbers, by its name; its results are called ``stem`` and the
    operator.

    ``//`` and ``%``, by positive numbers, round down as in Python and NumPy; a comparison is 1 or 0. ``/`` gives a
    value that need not be whole. ``made`` holds the nodes that are there already.
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
        """These where the condition holds, else the other."""
        return self._whole(self._node("Where", condition, self.name, self._name(other)))

    def is_at_least(self, other: int) -> str:
        """A condition."""
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
