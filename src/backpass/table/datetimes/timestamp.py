"""Timestamps: which strings are dates or times of day in ISO 8601, and their values in microseconds.

``2024-02-29``, ``2024/2/29``, ``2024-02-29T12:30`` and ``2024-02-29 12:30:05.25+01:00`` are dates; ``12:30`` and
``12:30:05.25`` are times. Time zones are converted to UTC; fractions of a microsecond are rounded down. ``day_month``
reads ``29.02.2024`` and ``2/29/2024``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.datetimes.calendar import FIRST_YEAR, LAST_YEAR, date_of, days_of, is_date
from backpass.table.notation.lazy_pattern import LazyPattern

DatetimeKind: TypeAlias = Literal["date", "time"]

DAY = 86_400_000_000  # microseconds
HOUR, MINUTE, SECOND = DAY // 24, DAY // 1_440, 1_000_000
NAT = np.iinfo(np.int64).min  # the bit pattern of NumPy's NaT
FIRST, LAST = days_of(FIRST_YEAR, 1, 1) * DAY, days_of(LAST_YEAR + 1, 1, 1) * DAY - 1
BEYOND = LAST + 1  # stands for every date outside the calendar, including infinite ones
FAR_DATES = (
    "an infinite date is one of these: if it means that there is none, make it missing (NULL, None, NaT); "
    "or leave the column out (drop)"
)
FINER = {"ns": 10**3, "ps": 10**6, "fs": 10**9, "as": 10**12}  # NumPy's units per microsecond

_CLOCK = r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
_DAY = r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2})|/([0-9]{1,2})/([0-9]{1,2}))"
DATE = LazyPattern(_DAY + r"(?:[T ]" + _CLOCK + r" ?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?")
TIME = LazyPattern(_CLOCK)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A parsed timestamp.

    Attributes:
        kind: "date" or "time".
        microseconds: Since 1970-01-01 UTC for dates, since midnight for times.
        zoned: Whether the string names a time zone.
    """

    kind: DatetimeKind
    microseconds: int
    zoned: bool = False


def timestamp_in(text: str) -> Timestamp | None:
    """Return the timestamp that a trimmed string spells, or None.

    >>> timestamp_in("1970-01-02T00:00:01+01:00")
    Timestamp(kind='date', microseconds=82801000000, zoned=True)
    >>> timestamp_in("00:00:00.5"), timestamp_in("2023-02-29"), timestamp_in("24:00")
    (Timestamp(kind='time', microseconds=500000, zoned=False), None, None)
    """
    if found := DATE.fullmatch(text):
        year, month, day = (int(part) for part in found.groups()[:5] if part)
        *clock, zone = found.groups()[5:]
        microseconds, offset = since_midnight(clock), _offset(zone)
        if microseconds is None or offset is None or not is_date(year, month, day):
            return None
        return Timestamp("date", days_of(year, month, day) * DAY + microseconds - offset, bool(zone))
    if found := TIME.fullmatch(text):
        microseconds = since_midnight(found.groups())
        return None if microseconds is None else Timestamp("time", microseconds)
    return None


def since_midnight(clock: Sequence[str | None]) -> int | None:
    """Return the microseconds of hours, minutes, seconds and fractional digits; None if the time does not exist."""
    hour, minute, second = (int(part or 0) for part in clock[:3])
    if hour > 23 or minute > 59 or second > 59:
        return None
    return hour * HOUR + minute * MINUTE + second * SECOND + int((clock[3] or "")[:6].ljust(6, "0"))


def _offset(zone: str | None) -> int | None:
    """Return a zone's offset from UTC in microseconds, positive to the east; None if the zone does not exist."""
    if zone in (None, "Z"):
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        return None
    return (hours * HOUR + minutes * MINUTE) * (-1 if zone[0] == "-" else 1)


def microseconds_of_dates(dates: NDArray[Any]) -> NDArray[np.int64]:
    """Return microseconds since 1970 of datetime64 (n,), rounded down; ``NAT`` for NaT.

    Dates outside the calendar become ``BEYOND``, because their microseconds may not fit into 64 bits.

    >>> microseconds_of_dates(np.array(["1970-01-01T00:00:01", "300000-01-01"], "M8[s]")) == [1_000_000, BEYOND]
    array([ True,  True])
    """
    unit = np.datetime_data(dates.dtype)[0]
    if unit in FINER:
        whole = dates.astype(f"M8[{unit}]").astype(np.int64)
        return np.where(np.isnat(dates), NAT, whole // FINER[unit])
    first, last = (np.datetime64(microseconds, "us").astype(dates.dtype) for microseconds in (FIRST, LAST))
    far = (dates < first) | (dates > last)
    return np.where(far, BEYOND, np.where(far, first, dates).astype("M8[us]").astype(np.int64))


def microseconds_of_days(days: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return microseconds since 1970 of days since 1970 (n,).

    ``NAT`` for NaN; ``BEYOND`` for dates outside the calendar.
    """
    there, near = ~np.isnan(days), np.abs(days) <= LAST // DAY
    microseconds = np.where(there & near, days, 0).astype(np.int64) * DAY
    return np.where(there, np.where(near, microseconds, BEYOND), NAT)


def timestamp_texts(microseconds: NDArray[np.int64], kind: DatetimeKind) -> list[str | None]:
    """Format timestamps, all with the same fields: time of day and fraction appear only if some row needs them.

    >>> timestamp_texts(np.array([0, 86_400_000_000, NAT]), "date")
    ['1970-01-01', '1970-01-02', None]
    >>> timestamp_texts(np.array([3_600_000_000]), "time")
    ['01:00:00']
    """
    there = microseconds[microseconds != NAT]
    has_clock, has_fraction = bool((there % DAY).any()) or kind == "time", bool((there % SECOND).any())
    return [
        None if timestamp == NAT else _written(timestamp, kind, has_clock, has_fraction)
        for timestamp in microseconds.tolist()
    ]


def _written(timestamp: int, kind: DatetimeKind, has_clock: bool, has_fraction: bool) -> str:
    days, rest = divmod(timestamp, DAY)
    year, month, day = date_of(days)
    seconds, fraction = divmod(rest, SECOND)
    clock = f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    clock += f".{fraction:06}" if has_fraction else ""
    date = f"{year:04}-{month:02}-{day:02}"
    return clock if kind == "time" else f"{date}T{clock}" if has_clock else date
