"""Digits: the timestamps of numbers that are dates or times, such as 20240131, 1706659200 or the serial 45322.

Takes numbers within the bounds of a notation; returns timestamps, ``NAT`` for other numbers. ``counted``
decides which notation a column has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backpass.table.datetimes.calendar import date_of, days_of
from backpass.table.datetimes.timestamp import DAY, HOUR, MINUTE, NAT, SECOND
from backpass.table.datetimes.written import TURN

Numbers = NDArray[np.float64]
Microseconds = NDArray[np.int64]

SERIAL_ORIGIN = int(days_of(1899, 12, 30))  # day 0 of spreadsheets, which take 1900 for a leap year


def calendar_microseconds(values: Numbers, clock_digits: int) -> Microseconds:
    """Return the timestamps of digits such as 20240131, followed by hours, minutes and seconds."""
    scale = 10**clock_digits
    digits = np.floor(values).astype(np.int64)
    day_digits, clock = digits // scale, digits % scale * 10 ** (6 - clock_digits)
    year, month, day = day_digits // 10_000, day_digits // 100 % 100, day_digits % 100
    hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
    days = days_of(year, np.clip(month, 1, 12), np.clip(day, 1, 31))
    found_year, found_month, found_day = date_of(days)
    exists = (values == digits) & (found_year == year) & (found_month == month) & (found_day == day)
    exists &= (hour < 24) & (minute < 60) & (second < 60)
    return np.where(exists, days * DAY + hour * HOUR + minute * MINUTE + second * SECOND, NAT)


def short_year_microseconds(values: Numbers) -> Microseconds:
    """Return the timestamps of digits such as 240131, whose year has two digits; a leading zero may be lost."""
    digits = np.floor(values)
    year = np.floor(digits / 1e4)
    century = np.where(year < TURN, 2000.0, 1900.0)
    return calendar_microseconds(np.where(values == digits, century * 1e4 + digits, np.nan_to_num(values) + 0.5), 0)


def reversed_microseconds(values: Numbers, *, is_month_first: bool) -> Microseconds:
    """Return the timestamps of digits such as 31012024, whose year stands last; a leading zero may be lost."""
    digits = np.floor(values)
    first, second, year = np.floor(digits / 1e6), np.floor(digits / 1e4) % 100.0, digits % 1e4
    month, day = (first, second) if is_month_first else (second, first)
    return calendar_microseconds(np.where(values == digits, year * 1e4 + month * 100.0 + day, 0.5), 0)


def month_microseconds(values: Numbers, *, is_month_first: bool) -> Microseconds:
    """Return the timestamps of numbers such as 2024.01 or 1.2024: a year and a month with a point between them."""
    scale = 1e4 if is_month_first else 1e2
    digits = np.rint(values * scale)
    before, behind = np.floor(digits / scale), digits % scale
    year, month = (behind, before) if is_month_first else (before, behind)
    is_such = np.abs(values * scale - digits) < 1e-6 * scale
    return calendar_microseconds(np.where(is_such, year * 1e4 + month * 100.0 + 1.0, 0.5), 0)


def ordinal_microseconds(values: Numbers) -> Microseconds:
    """Return the timestamps of digits such as 2024031: the year and the day of the year."""
    digits = np.floor(values).astype(np.int64)
    year, day = digits // 1_000, digits % 1_000
    first = days_of(year, np.ones_like(year), np.ones_like(year))
    lengths = days_of(year + 1, np.ones_like(year), np.ones_like(year)) - first
    exists = (values == digits) & (day >= 1) & (day <= lengths)
    return np.where(exists, (first + day - 1) * DAY, NAT)


def epoch_microseconds(values: Numbers, per_second: int) -> Microseconds:
    """Return the timestamps of numbers of units since 1970, rounded down to microseconds."""
    whole = np.floor(values)
    if per_second > SECOND:
        return whole.astype(np.int64) // (per_second // SECOND)
    factor = SECOND // per_second
    return whole.astype(np.int64) * factor + np.floor((values - whole) * factor).astype(np.int64)


def serial_microseconds(values: Numbers) -> Microseconds:
    """Return the timestamps of spreadsheet serials, days since 1899-12-30 with the time as fraction, to the second."""
    return np.rint((values + SERIAL_ORIGIN) * 86_400.0).astype(np.int64) * SECOND


def clock_microseconds(values: Numbers, scale: float) -> Microseconds:
    """Return the times of day of numbers such as 18.30 (scale 100) or 1830 (scale 1)."""
    digits = np.rint(values * scale)
    exists = (np.abs(values * scale - digits) < 1e-6) & (digits < 2400.0)
    hour, minute = (each.astype(np.int64) for each in (digits // 100.0, digits % 100.0))
    return np.where(exists & (minute < 60), hour * HOUR + minute * MINUTE, NAT)
