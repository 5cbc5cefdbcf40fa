"""Parts: the numbers that a date or a time of day is taken apart into.

Moments come in (see ``moment``), float64 columns go out, NaN where there is none. A part with a period comes round
again: the network sees it as a number, and as the cosine and sine of its turn (``backpass.network.feature_map``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.table.calendar import date_of, day_of_week, day_of_year
from backpass.table.moment import DAY, HOUR, MINUTE, NO_MOMENT, MomentKind

Ticks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """A number of a moment; after ``period`` of them it comes round, 0 where it does not.

    ``of`` takes ticks, or anything else with their arithmetic of whole numbers, such as a value of an ONNX graph.
    """

    of: Callable[[Any], Any]
    period: int = 0


PARTS: Mapping[MomentKind, Mapping[str, Part]] = {
    "date": {
        "days": Part(lambda ticks: ticks / DAY),  # since 1970-01-01, with the time of day as a fraction
        "year": Part(lambda ticks: date_of(ticks // DAY)[0]),
        "month": Part(lambda ticks: date_of(ticks // DAY)[1], 12),
        "day of month": Part(lambda ticks: date_of(ticks // DAY)[2]),
        "day of week": Part(lambda ticks: day_of_week(ticks // DAY), 7),
        "day of year": Part(lambda ticks: day_of_year(ticks // DAY), 366),
        "hour": Part(lambda ticks: ticks % DAY // HOUR, 24),
        "minute": Part(lambda ticks: ticks % HOUR // MINUTE, 60),
    },
    "time": {
        "hours": Part(lambda ticks: ticks / HOUR, 24),  # since midnight, minutes and seconds as a fraction
        "minute": Part(lambda ticks: ticks % HOUR // MINUTE, 60),
    },
}
"""Part by name, in the order of the columns. The first one holds the whole moment and is always there."""
UNITS: Mapping[MomentKind, int] = {"date": DAY, "time": HOUR}
"""The microseconds in one of the first part."""


def part_values(ticks: Ticks, kind: MomentKind, name: str) -> NDArray[np.float64]:
    """One part of every moment, float64 (n,).

    >>> part_values(np.array([0, NO_MOMENT]), "date", "year")
    array([1970.,   nan])
    """
    there = ticks != NO_MOMENT
    return np.where(there, PARTS[kind][name].of(np.where(there, ticks, 0)), np.nan)


def ticks_of(whole: NDArray[np.float64], kind: MomentKind) -> Ticks:
    """Moments by their first part, the days or hours that hold all of it, to the microsecond; the way back.

    >>> part_values(ticks_of(np.array([19782.5]), "date"), "date", "days")
    array([19782.5])
    """
    return np.rint(whole * UNITS[kind]).astype(np.int64)


def telling_parts(ticks: Ticks, kind: MomentKind) -> tuple[str, ...]:
    """The parts that differ from row to row, after the first, which is always there.

    >>> telling_parts(np.array([0, 3 * DAY]), "date")
    ('days', 'day of month', 'day of week', 'day of year')
    """
    there = ticks[ticks != NO_MOMENT]
    first, *others = PARTS[kind]
    values = ((name, PARTS[kind][name].of(there)) for name in others)
    return (first, *(name for name, found in values if len(found) and found.min() != found.max()))
