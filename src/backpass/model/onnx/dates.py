"""Dates of an ONNX graph: an input of dates or times of day in, its parts as double values out.

A moment goes in as three whole numbers, the fields of Python's ``timedelta``: days, seconds and microseconds. One
int64 of microseconds would be simpler, but OpenVINO narrows it to int32 without a word and predicts something else.
Which parts there are is decided by ``backpass.table.date_components``; here they become nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from backpass.circuit import Spec
from backpass.engine.onnx import Graph, Value, Whole
from backpass.model.head.circuits import WIDE
from backpass.table.date_components import PARTS
from backpass.table.feature import DatetimeFeature
from backpass.table.timestamp import DAY, FIRST, SECOND

FIRST_DAY = FIRST // DAY
"""0001-01-01; what lies before it counts as missing."""

FIELDS: np.dtype[Any] = np.dtype(np.int32)
"""The dtype of an input."""

NO_DAY = int(np.iinfo(np.int32).min)
"""The day that stands for missing. NumPy's "not a time", divided into fields, is before the first day as well."""


@dataclass(frozen=True, slots=True, eq=False)
class GraphFields:
    """The fields of the moments of an input int32 (n, 3), as values of its graph (see ``MomentFields``).

    ``total`` counts from another day, so that float32, which is all that some runtimes compute in, keeps the time of
    day; ``from_origin`` are the days since then, None for times of day.
    """

    graph: Graph
    days: Whole
    seconds: Whole
    microseconds: Whole
    from_origin: Whole | None

    @classmethod
    def of(cls, graph: Graph, column: Value, feature: DatetimeFeature, origin: int = 0) -> tuple[GraphFields, str]:
        """The fields, the days 0 where a moment is missing; and the condition that it is there."""
        stem = f"parts/{feature.name}"
        made: dict[tuple[str, ...], str] = {}
        wide = graph.add("Cast", column, stem=f"{stem}/cast", to=WIDE)
        names = [
            graph.add("Gather", wide, np.array([i]), stem=f"{stem}/{field}", axis=1)
            for i, field in enumerate(("days", "seconds", "microseconds"))
        ]
        days, seconds, microseconds = (Whole(graph, name, stem, made) for name in names)
        is_there = days.is_at_least(FIRST_DAY)
        # The condition stands between the difference and the product by DAY, which OpenVINO would exchange in float32.
        from_origin = (days - origin).where(is_there, 0) if feature.kind == "date" else None
        return cls(graph, days.where(is_there, 0), seconds, microseconds, from_origin), is_there

    def total(self, unit: int) -> str:
        """The sum of all fields is rounded once, and divided: in float64 the bits that ``ticks / unit`` has."""
        clock = self.seconds * SECOND + self.microseconds
        return (clock if self.from_origin is None else self.from_origin * DAY + clock) / unit


def date_parts(graph: Graph, column: Value, feature: DatetimeFeature, origin: int = 0) -> Iterator[Value]:
    """The parts of a date or a time, double (n, 1), as ``part_values`` has them; days are counted from ``origin``."""
    fields, is_there = GraphFields.of(graph, column, feature, origin)
    rows: Any = column.shape[0]
    for part in feature.parts:
        found = PARTS[feature.kind][part].of(fields)
        number = found.name if isinstance(found, Whole) else found
        name = graph.add("Where", is_there, number, np.array(np.nan), stem=f"{fields.days.stem}/{part}")
        yield Value(name, Spec((rows, 1), WIDE))
