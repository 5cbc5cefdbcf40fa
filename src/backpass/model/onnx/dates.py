"""Dates of an ONNX graph: converts an input of dates or times of day to its components, as double values.

A timestamp is passed as three whole numbers, the fields of Python's ``timedelta``: days, seconds and microseconds. One
int64 of microseconds would be simpler, but OpenVINO silently narrows it to int32 and gives wrong predictions.
``backpass.table.datetimes.date_components`` defines the components; this module makes nodes of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backpass.circuit import Spec
from backpass.dataclass import dataclass
from backpass.engine.onnx import Graph, Value, Whole
from backpass.model.head.decoding import WIDE
from backpass.table.datetimes.date_components import PARTS
from backpass.table.datetimes.timestamp import DAY, FIRST, SECOND
from backpass.table.feature import DatetimeFeature

FIRST_DAY = FIRST // DAY
"""0001-01-01; anything earlier counts as missing."""

FIELDS: np.dtype[Any] = np.dtype(np.int32)
"""The dtype of an input."""

NO_DAY = int(np.iinfo(np.int32).min)
"""The day that stands for missing. NumPy's NaT, divided into fields, is before the first day as well."""


@dataclass(frozen=True, slots=True, eq=False)
class GraphFields:
    """The fields of timestamps in an input int32 (n, 3), as values of its graph (see ``DatetimeFields``).

    ``total`` counts from the origin, so that float32, the only precision of some runtimes, keeps the time of day.

    Attributes:
        graph: The graph.
        days: The days since 1970-01-01.
        seconds: The seconds of the day.
        microseconds: The microseconds of the second.
        from_origin: The days since the origin; None for times of day.
    """

    graph: Graph
    days: Whole
    seconds: Whole
    microseconds: Whole
    from_origin: Whole | None

    @classmethod
    def of(cls, graph: Graph, column: Value, feature: DatetimeFeature, origin: int = 0) -> tuple[GraphFields, str]:
        """The fields, with 0 days for a missing timestamp; and the condition that it is present."""
        stem = f"parts/{feature.name}"
        made: dict[tuple[str, ...], str] = {}
        wide = graph.add("Cast", column, stem=f"{stem}/cast", to=WIDE)
        names = [
            graph.add("Gather", wide, np.array([i]), stem=f"{stem}/{field}", axis=1)
            for i, field in enumerate(("days", "seconds", "microseconds"))
        ]
        days, seconds, microseconds = (Whole(graph, name, stem, made) for name in names)
        is_there = days.is_at_least(FIRST_DAY)
        # The condition separates the difference from the product with DAY, which OpenVINO would reorder in float32.
        from_origin = (days - origin).where(is_there, 0) if feature.kind == "date" else None
        return cls(graph, days.where(is_there, 0), seconds, microseconds, from_origin), is_there

    def total(self, unit: int) -> str:
        """The sum of all fields, rounded once and divided: in float64 the same bits as ``microseconds / unit``."""
        clock = self.seconds * SECOND + self.microseconds
        return (clock if self.from_origin is None else self.from_origin * DAY + clock) / unit


def date_parts(graph: Graph, column: Value, feature: DatetimeFeature, origin: int = 0) -> Iterator[Value]:
    """The components of a date or a time, double (n, 1), equal to ``part_values``; days count from ``origin``."""
    fields, is_there = GraphFields.of(graph, column, feature, origin)
    rows: Any = column.shape[0]
    for part in feature.parts:
        found = PARTS[feature.kind][part].of(fields)
        number = found.name if isinstance(found, Whole) else found
        name = graph.add("Where", is_there, number, np.array(np.nan), stem=f"{fields.days.stem}/{part}")
        yield Value(name, Spec((rows, 1), WIDE))
