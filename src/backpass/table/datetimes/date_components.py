"""Date components: the numbers that represent a date or a time of day in the network's input.

Takes timestamps in microseconds (see ``timestamp``); returns float64 columns, NaN where missing. The network receives a
cyclic component as a number and as the cosine and sine of its phase (``backpass.network.feature_map``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.datetimes.calendar import date_of, day_of_week, day_of_year
from backpass.table.datetimes.timestamp import DAY, HOUR, NAT, SECOND, DatetimeKind

Microseconds = NDArray[np.int64]


class DatetimeFields(Protocol):
    """Integer fields of timestamps, each less than 2^22 in size; arrays, or values of an ONNX graph."""

    @property
    def days(self) -> Any:
        """Days since 1970-01-01, rounded down."""

    @property
    def seconds(self) -> Any:
        """Seconds since midnight, rounded down."""

    def total(self, unit: int) -> Any:
        """The whole timestamp as float64, in multiples of ``unit`` microseconds."""


@dataclass(frozen=True, slots=True)
class TimestampFields:
    """Fields of timestamps (n,) as in Python's ``timedelta``: days, seconds and microseconds.

    >>> fields = TimestampFields(np.array([-1]))
    >>> fields.days, fields.seconds, fields.microseconds
    (array([-1]), array([86399]), array([999999]))
    """

    since_epoch: Microseconds

    @property
    def days(self) -> Microseconds:
        return self.since_epoch // DAY

    @property
    def seconds(self) -> Microseconds:
        return self.since_epoch % DAY // SECOND

    @property
    def microseconds(self) -> Microseconds:
        """Microseconds since the start of the second."""
        return self.since_epoch % SECOND

    def total(self, unit: int) -> NDArray[np.float64]:
        return self.since_epoch / unit


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a date or time.

    Attributes:
        of: Computes the component from the fields of a timestamp. Every integer in its computation is less than 2^22 in
            size.
        period: Number of values after which the component repeats, 0 if it is not cyclic.
    """

    of: Callable[[DatetimeFields], Any]
    period: int = 0


PARTS: Mapping[DatetimeKind, Mapping[str, Part]] = {
    "date": {
        "days": Part(lambda timestamp: timestamp.total(DAY)),  # since 1970-01-01, with the time of day as a fraction
        "year": Part(lambda timestamp: date_of(timestamp.days)[0]),
        "month": Part(lambda timestamp: date_of(timestamp.days)[1], 12),
        "day of month": Part(lambda timestamp: date_of(timestamp.days)[2]),
        "day of week": Part(lambda timestamp: day_of_week(timestamp.days), 7),
        "day of year": Part(lambda timestamp: day_of_year(timestamp.days), 366),
        "hour": Part(lambda timestamp: timestamp.seconds // 3_600, 24),
        "minute": Part(lambda timestamp: timestamp.seconds % 3_600 // 60, 60),
    },
    "time": {
        "hours": Part(lambda timestamp: timestamp.total(HOUR), 24),  # since midnight, minutes and seconds as a fraction
        "minute": Part(lambda timestamp: timestamp.seconds % 3_600 // 60, 60),
    },
}
"""Component by name, in column order. The first one holds the whole timestamp and is always included."""
UNITS: Mapping[DatetimeKind, int] = {"date": DAY, "time": HOUR}
"""Length of one unit of the first component, in microseconds."""


def part_values(microseconds: Microseconds, kind: DatetimeKind, name: str) -> NDArray[np.float64]:
    """Return one component of every timestamp, float64 (n,).

    >>> part_values(np.array([0, NAT]), "date", "year")
    array([1970.,   nan])
    """
    there = microseconds != NAT
    return np.where(there, PARTS[kind][name].of(TimestampFields(np.where(there, microseconds, 0))), np.nan)


def microseconds_of(whole: NDArray[np.float64], kind: DatetimeKind) -> Microseconds:
    """Return timestamps in microseconds from their first component (days or hours); inverse of ``part_values``.

    >>> part_values(microseconds_of(np.array([19782.5]), "date"), "date", "days")
    array([19782.5])
    """
    return np.rint(whole * UNITS[kind]).astype(np.int64)


def varying_parts(microseconds: Microseconds, kind: DatetimeKind) -> tuple[str, ...]:
    """Return the first component and those that vary between rows.

    >>> varying_parts(np.array([0, 3 * DAY]), "date")
    ('days', 'day of month', 'day of week', 'day of year')
    """
    there = microseconds[microseconds != NAT]
    first, *others = PARTS[kind]
    values = ((name, PARTS[kind][name].of(TimestampFields(there))) for name in others)
    return (first, *(name for name, found in values if len(found) and found.min() != found.max()))
