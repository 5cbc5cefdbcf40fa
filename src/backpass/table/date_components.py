"""Parts: the numbers that a date or a time of day is taken apart into.

Moments come in (see ``moment``), float64 columns go out, NaN where there is none. A part with a period comes round
again: the network sees it as a number, and as the cosine and sine of its turn (``backpass.network.feature_map``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backpass.table.calendar import date_of, day_of_week, day_of_year
from backpass.table.timestamp import DAY, HOUR, NAT, SECOND, DatetimeKind

Ticks = NDArray[np.int64]


class MomentFields(Protocol):
    """Whole numbers of moments that are less than 2^22 in size; arrays, or values of an ONNX graph."""

    @property
    def days(self) -> Any:
        """Days since 1970-01-01, rounded down."""

    @property
    def seconds(self) -> Any:
        """Seconds since midnight, rounded down."""

    def total(self, unit: int) -> Any:
        """All of the moment as float64, in units of so many microseconds."""


@dataclass(frozen=True, slots=True)
class TickFields:
    """The fields of ticks (n,), as those of Python's ``timedelta``: days, seconds and microseconds.

    >>> fields = TickFields(np.array([-1]))
    >>> fields.days, fields.seconds, fields.microseconds
    (array([-1]), array([86399]), array([999999]))
    """

    since_epoch: Ticks

    @property
    def days(self) -> Ticks:
        return self.since_epoch // DAY

    @property
    def seconds(self) -> Ticks:
        return self.since_epoch % DAY // SECOND

    @property
    def microseconds(self) -> Ticks:
        """Microseconds since the second began."""
        return self.since_epoch % SECOND

    def total(self, unit: int) -> NDArray[np.float64]:
        return self.since_epoch / unit


@dataclass(frozen=True, slots=True)
class Part:
    """A number of a moment; after ``period`` of them it comes round, 0 where it does not.

    ``of`` takes the fields of a moment, and has only whole numbers that are less than 2^22 in size on its way.
    """

    of: Callable[[MomentFields], Any]
    period: int = 0


PARTS: Mapping[DatetimeKind, Mapping[str, Part]] = {
    "date": {
        "days": Part(lambda moment: moment.total(DAY)),  # since 1970-01-01, with the time of day as a fraction
        "year": Part(lambda moment: date_of(moment.days)[0]),
        "month": Part(lambda moment: date_of(moment.days)[1], 12),
        "day of month": Part(lambda moment: date_of(moment.days)[2]),
        "day of week": Part(lambda moment: day_of_week(moment.days), 7),
        "day of year": Part(lambda moment: day_of_year(moment.days), 366),
        "hour": Part(lambda moment: moment.seconds // 3_600, 24),
        "minute": Part(lambda moment: moment.seconds % 3_600 // 60, 60),
    },
    "time": {
        "hours": Part(lambda moment: moment.total(HOUR), 24),  # since midnight, minutes and seconds as a fraction
        "minute": Part(lambda moment: moment.seconds % 3_600 // 60, 60),
    },
}
"""Part by name, in the order of the columns. The first one holds the whole moment and is always there."""
UNITS: Mapping[DatetimeKind, int] = {"date": DAY, "time": HOUR}
"""The microseconds in one of the first part."""


def part_values(microseconds: Ticks, kind: DatetimeKind, name: str) -> NDArray[np.float64]:
    """One part of every moment, float64 (n,).

    >>> part_values(np.array([0, NAT]), "date", "year")
    array([1970.,   nan])
    """
    there = microseconds != NAT
    return np.where(there, PARTS[kind][name].of(TickFields(np.where(there, microseconds, 0))), np.nan)


def ticks_of(whole: NDArray[np.float64], kind: DatetimeKind) -> Ticks:
    """Moments by their first part, the days or hours that hold all of it, to the microsecond; the way back.

    >>> part_values(ticks_of(np.array([19782.5]), "date"), "date", "days")
    array([19782.5])
    """
    return np.rint(whole * UNITS[kind]).astype(np.int64)


def telling_parts(microseconds: Ticks, kind: DatetimeKind) -> tuple[str, ...]:
    """The parts that differ from row to row, after the first, which is always there.

    >>> telling_parts(np.array([0, 3 * DAY]), "date")
    ('days', 'day of month', 'day of week', 'day of year')
    """
    there = microseconds[microseconds != NAT]
    first, *others = PARTS[kind]
    values = ((name, PARTS[kind][name].of(TickFields(there))) for name in others)
    return (first, *(name for name, found in values if len(found) and found.min() != found.max()))
