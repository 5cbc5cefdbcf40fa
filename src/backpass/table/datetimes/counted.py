"""Counted datetimes: numbers that are dates or times, such as 20240131, 1706659200 or the spreadsheet serial 45322.

Takes the numbers of a column and its name; returns the notation that they are in, or None, and their timestamps. A
number alone proves nothing: 20240131 may be an amount. A notation is chosen only if every number of the column fits it
and either the numbers are so many that chance is ruled out, or the name of the column says what they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.distinct import distinct_values
from backpass.table.datetimes.digits import (
    calendar_microseconds,
    clock_microseconds,
    epoch_microseconds,
    month_microseconds,
    ordinal_microseconds,
    reversed_microseconds,
    serial_microseconds,
    short_year_microseconds,
)
from backpass.table.datetimes.name_evidence import says_date, says_time
from backpass.table.datetimes.number_evidence import (
    SERIALS,
    YEARS,
    Numbers,
    are_dates,
    are_epochs,
    are_months,
    are_ordinal,
    are_pointed_months,
    are_reversed,
    are_serials,
    are_short,
    are_times,
    recent,
)
from backpass.table.datetimes.timestamp import DAY, NAT, DatetimeKind
from backpass.table.datetimes.written import TURN

Microseconds = NDArray[np.int64]

LOOKED_AT = 200  # rows that rule out most columns
YEAR = 366 * DAY
AGES = 62_135_596_800.0  # seconds from the year 1 to 1970


@dataclass(frozen=True, slots=True)
class Counted:
    """One notation of dates or times as numbers.

    Attributes:
        key: Name in the schema of a model.
        name: Name for messages.
        cells: Examples.
        values: The examples in ISO 8601.
        caution: What is required of a column.
        bounds: The smallest and the largest number that may be a timestamp.
        convert: Computes timestamps (n,) of numbers within the bounds, ``NAT`` for those that are not timestamps.
        is_meant: Whether the column's name and its different numbers, ascending, prove the notation if all of them have
            timestamps.
        kind: "date" or "time".
        meant: The smallest and the largest number that a column of this notation may have, which is quick to see.
        may_be_named: Whether a column of this name may have this notation, which is quick to see.
        may_be: Whether a number within the bounds may be a timestamp, which is quick to see.
    """

    key: str
    name: str
    cells: tuple[float, ...]
    values: tuple[str, ...]
    caution: str
    bounds: tuple[float, float]
    convert: Callable[[Numbers], Microseconds]
    is_meant: Callable[[str, Numbers], bool]
    kind: DatetimeKind = "date"
    meant: tuple[float, float] = (-np.inf, np.inf)
    may_be_named: Callable[[str], bool] = lambda name: True
    may_be: Callable[[float], bool] = lambda number: True

    @property
    def required_kind(self) -> str:
        """The required kind of a column in this notation."""
        return f"{self.kind} {self.key}"

    def may_have(self, low: float, high: float) -> bool:
        """Return whether a column of this notation may have numbers from ``low`` to ``high``."""
        (smallest, largest), others = LIMITS[self.key], PLACEHOLDERS.get(self.key, ())
        return (smallest <= low or low in others) and smallest <= high and (high <= largest or high in others)

    def microseconds(self, values: Numbers) -> Microseconds:
        """Return timestamps (n,), ``NAT`` for numbers that are not datetimes and for NaN."""
        there = (values >= self.bounds[0]) & (values <= self.bounds[1])
        return np.where(there, self.convert(np.where(there, values, self.bounds[0])), NAT)


COUNTED = (
    Counted(
        "yyyymmdd",
        "yyyymmdd",
        (20240131.0, 20231224.0, 19991231.0),
        ("2024-01-31", "2023-12-24", "1999-12-31"),
        "every number is a date in the years 1800 to 2199, and at least three differ; 0 is a missing value",
        (10000101.0, 99991231.0),
        lambda values: calendar_microseconds(values, 0),
        lambda name, different: are_dates(name, different, 1.0),
    ),
    Counted(
        "yyyymmddhh",
        "yyyymmddhh",
        (2024013115.0, 2023122408.0, 1999123123.0),
        ("2024-01-31T15:00:00", "2023-12-24T08:00:00", "1999-12-31T23:00:00"),
        "as yyyymmdd, with the hour",
        (10000101e2, 99991231e2 + 23.0),
        lambda values: calendar_microseconds(values, 2),
        lambda name, different: are_dates(name, different, 1e2),
    ),
    Counted(
        "yyyymmddhhmm",
        "yyyymmddhhmm",
        (202401311530.0, 202312240815.0, 199912312359.0),
        ("2024-01-31T15:30:00", "2023-12-24T08:15:00", "1999-12-31T23:59:00"),
        "as yyyymmdd, with the time",
        (10000101e4, 99991231e4 + 2359.0),
        lambda values: calendar_microseconds(values, 4),
        lambda name, different: are_dates(name, different, 1e4),
    ),
    Counted(
        "yyyymmddhhmmss",
        "yyyymmddhhmmss",
        (20240131153000.0, 20231224081500.0, 19991231235959.0),
        ("2024-01-31T15:30:00", "2023-12-24T08:15:00", "1999-12-31T23:59:59"),
        "as yyyymmdd, with the time",
        (10000101e6, 99991231e6 + 235959.0),
        lambda values: calendar_microseconds(values, 6),
        lambda name, different: are_dates(name, different, 1e6),
    ),
    Counted(
        "yyyymm",
        "yyyymm",
        (202401.0, 202312.0, 199912.0, 202006.0, 202007.0, 202008.0),
        ("2024-01-01", "2023-12-01", "1999-12-01", "2020-06-01", "2020-07-01", "2020-08-01"),
        "every number is a month in the years 1800 to 2199, and at least six differ, or the column is called month, "
        "period, date or similar",
        (100001.0, 999912.0),
        lambda values: calendar_microseconds(values * 100.0 + 1.0, 0),
        are_months,
    ),
    Counted(
        "ddmmyyyy",
        "ddmmyyyy",
        (31012024.0, 24122023.0, 1121999.0),
        ("2024-01-31", "2023-12-24", "1999-12-01"),
        "as yyyymmdd; some days are above 12; a leading zero may be lost",
        (1011000.0, 31129999.0),
        lambda values: reversed_microseconds(values, is_month_first=False),
        lambda name, different: are_reversed(name, different),
    ),
    Counted(
        "mmddyyyy",
        "mmddyyyy",
        (1312024.0, 12242023.0, 12311999.0),
        ("2024-01-31", "2023-12-24", "1999-12-31"),
        "as ddmmyyyy",
        (1011000.0, 12319999.0),
        lambda values: reversed_microseconds(values, is_month_first=True),
        lambda name, different: are_reversed(name, different),
    ),
    Counted(
        "yyyy.mm",
        "yyyy.mm",
        (2024.01, 2023.12, 1999.1, 2020.06, 2020.07, 2020.08),
        ("2024-01-01", "2023-12-01", "1999-10-01", "2020-06-01", "2020-07-01", "2020-08-01"),
        "as yyyymm; 2024.1 is October",
        (1000.01, 9999.12),
        lambda values: month_microseconds(values, is_month_first=False),
        lambda name, different: are_pointed_months(name, np.rint(different * 1e2)),
        may_be=lambda number: 1.0 <= round(number * 1e2) % 100 <= 12.0,
    ),
    Counted(
        "mm.yyyy",
        "mm.yyyy",
        (1.2024, 12.2023, 12.1999, 6.202, 7.202, 8.202),
        ("2024-01-01", "2023-12-01", "1999-12-01", "2020-06-01", "2020-07-01", "2020-08-01"),
        "as yyyymm, also with a leading zero: 01.2024",
        (1.1, 12.9999),
        lambda values: month_microseconds(values, is_month_first=True),
        lambda name, different: are_pointed_months(name, np.rint(different * 1e4) % 1e4 * 100.0 + np.floor(different)),
        may_be=lambda number: YEARS[0] <= round(number * 1e4) % 10_000 < YEARS[1],
    ),
    Counted(
        "yymmdd",
        "yymmdd",
        (240131.0, 231224.0, 991231.0),
        ("2024-01-31", "2023-12-24", "1999-12-31"),
        "every number is a date, and at least three differ in a column called date, day, datum or similar, or twenty "
        f"in six months; years 00 to {TURN - 1} are 2000 to {2000 + TURN - 1}",
        (101.0, 991231.0),
        short_year_microseconds,
        lambda name, different: bool(1e5 <= different[-1] <= 991231.0) and are_short(name, different),
        may_be=lambda number: 1.0 <= number // 100.0 % 100.0 <= 12.0 and 1.0 <= number % 100.0 <= 31.0,
    ),
    Counted(
        "yyyyddd",
        "year and day of the year",
        (2024031.0, 2024366.0, 1999365.0),
        ("2024-01-31", "2024-12-31", "1999-12-31"),
        "every number has a day of the year, in the years 1800 to 2199, and at least three differ, in a column called "
        "date, day, julian or similar",
        (1000001.0, 9999366.0),
        ordinal_microseconds,
        are_ordinal,
        may_be_named=says_date,
    ),
    Counted(
        "epoch_seconds",
        "seconds since 1970",
        (1706715000.0, 1703405700.0, 946684740.0, 1706715060.0, 1706715120.0),
        (
            "2024-01-31T15:30:00",
            "2023-12-24T08:15:00",
            "1999-12-31T23:59:00",
            "2024-01-31T15:31:00",
            "2024-01-31T15:32:00",
        ),
        "all between 1980 and 2050, and either whole minutes or in a column called time, date, created at or similar",
        (-AGES, AGES),
        lambda values: epoch_microseconds(values, 1),
        lambda name, different: are_epochs(name, different, 1.0),
        meant=recent(1.0),
    ),
    Counted(
        "epoch_milliseconds",
        "milliseconds since 1970",
        (1706715000000.0, 1703405700000.0, 946684740000.0, 1706715060000.0, 1706715120000.0),
        (
            "2024-01-31T15:30:00",
            "2023-12-24T08:15:00",
            "1999-12-31T23:59:00",
            "2024-01-31T15:31:00",
            "2024-01-31T15:32:00",
        ),
        "as seconds since 1970; from 2000 on, whole seconds are enough",
        (-AGES * 1e3, AGES * 1e3),
        lambda values: epoch_microseconds(values, 1_000),
        lambda name, different: are_epochs(name, different, 1e3),
        meant=recent(1e3),
    ),
    Counted(
        "epoch_microseconds",
        "microseconds since 1970",
        (1706715000e6, 1703405700e6, 946684740e6, 1706715060e6, 1706715120e6),
        (
            "2024-01-31T15:30:00",
            "2023-12-24T08:15:00",
            "1999-12-31T23:59:00",
            "2024-01-31T15:31:00",
            "2024-01-31T15:32:00",
        ),
        "as milliseconds since 1970",
        (-AGES * 1e6, AGES * 1e6),
        lambda values: epoch_microseconds(values, 10**6),
        lambda name, different: are_epochs(name, different, 1e6),
        meant=recent(1e6),
    ),
    Counted(
        "epoch_nanoseconds",
        "nanoseconds since 1970",
        (1706715000e9, 1703405700e9, 946684740e9, 1706715060e9, 1706715120e9),
        (
            "2024-01-31T15:30:00",
            "2023-12-24T08:15:00",
            "1999-12-31T23:59:00",
            "2024-01-31T15:31:00",
            "2024-01-31T15:32:00",
        ),
        "as milliseconds since 1970, rounded to a microsecond",
        (-9.2e18, 9.2e18),
        lambda values: epoch_microseconds(values, 10**9),
        lambda name, different: are_epochs(name, different, 1e9),
        meant=recent(1e9),
    ),
    Counted(
        "spreadsheet_serial",
        "days of a spreadsheet, since 1899-12-30",
        (45322.0, 45322.5, 45284.25),
        ("2024-01-31T00:00:00", "2024-01-31T12:00:00", "2023-12-24T06:00:00"),
        "either all between 1970 and 2050, and the column is called date, day, datum, fecha or similar, or has "
        "fractions that are times of day, not only simple shares of a day; or all within 20 years between 2000 and "
        "2040, not mostly round, and the column is called start, end, since or similar",
        (61.0, 2958465.0),
        serial_microseconds,
        are_serials,
        meant=SERIALS,
    ),
    Counted(
        "hh.mm",
        "hh.mm",
        tuple(hour + minute / 100.0 for hour in range(5, 12) for minute in (0, 15, 30, 59)),
        tuple(f"{hour:02}:{minute:02}:00" for hour in range(5, 12) for minute in (0, 15, 30, 59)),
        "at least 20 different numbers below 24 in several hours, no minute above 59, in a column called time, hour, "
        "Uhrzeit or similar",
        (0.0, 24.0),
        lambda values: clock_microseconds(values, 100.0),
        lambda name, different: are_times(name, different, 100.0) and bool(np.any(different != np.rint(different))),
        "time",
        may_be_named=says_time,
    ),
    Counted(
        "hhmm",
        "hhmm",
        tuple(float(100 * hour + minute) for hour in range(5, 12) for minute in (0, 15, 30, 59)),
        tuple(f"{hour:02}:{minute:02}:00" for hour in range(5, 12) for minute in (0, 15, 30, 59)),
        "as hh.mm, with whole numbers up to 2359",
        (0.0, 2400.0),
        lambda values: clock_microseconds(values, 1.0),
        lambda name, different: are_times(name, different, 1.0) and bool(np.all(different == np.rint(different))),
        "time",
        may_be_named=says_time,
    ),
)
PLACEHOLDERS = {"yyyymmdd": (0.0, 99999999.0), "yyyymm": (0.0,)}
"""Numbers that mean "no date" where all others are dates."""
ALL_PLACEHOLDERS = frozenset(number for numbers in PLACEHOLDERS.values() for number in numbers)
LIMITS = {each.key: (max(each.bounds[0], each.meant[0]), min(each.bounds[1], each.meant[1])) for each in COUNTED}
"""The smallest and the largest number, placeholders aside, that a column of each notation may have."""
BY_KEY = {each.key: each for each in COUNTED}
BY_REQUIRED_KIND = {each.required_kind: each for each in COUNTED}


def counted_in(name: str, values: Numbers, extent: tuple[float, float]) -> Counted | None:
    """Return the notation of a column of numbers, None if they are numbers.

    Args:
        name: Name of the column.
        values: The numbers (n,), NaN where missing.
        extent: The smallest and the largest of them.

    >>> counted_in("sold", np.array([20240131, 20240201, 20231224.0]), (20231224.0, 20240201.0)).key
    'yyyymmdd'
    >>> counted_in("id", np.array([20240131, 20240132.0]), (20240131.0, 20240132.0))
    >>> counted_in("size", np.array([45322, 45323.0]), (45322.0, 45323.0))
    """
    likely = likely_notations(name, values, extent)
    if not likely:  # nearly all columns
        return None
    different = distinct_values(values[~np.isnan(values)])
    for each in likely:
        dates = _without_placeholders(each, different)
        if dates.size and each.is_meant(name, dates) and _fits(each, dates):  # the first is quicker and mostly decides
            return each
    return None


def likely_notations(name: str, values: Numbers, extent: tuple[float, float]) -> list[Counted]:
    """Return the notations that a column may have by its extent, its name and its first numbers, which is quick to see.

    >>> [each.key for each in likely_notations("sold", np.array([20240131.0]), (20240131.0, 20240131.0))]
    ['yyyymmdd']
    """
    low, high = extent
    likely = [each for each in COUNTED if LIMITS[each.key][0] <= high and each.may_have(low, high)]
    asked = {each.may_be_named for each in likely}
    named = {may_be_named for may_be_named in asked if may_be_named(name)}
    likely = [each for each in likely if each.may_be_named in named]
    if not likely:
        return []
    head = values[:LOOKED_AT]
    head = head[~np.isnan(head)]
    one = next((value for value in head.tolist() if value not in ALL_PLACEHOLDERS), None)
    return [each for each in likely if (one is None or each.may_be(one)) and _fits(each, head)]


PADDED = {4: ("hhmm",), 6: ("yymmdd",), 7: ("mm.yyyy",), 8: ("ddmmyyyy", "mmddyyyy")}
"""Characters of all numbers -> the notations in which some of them may start with a zero."""


def counted_in_padded(name: str, values: Numbers, length: int) -> Counted | None:
    """Return the notation of numbers of one length, some of which start with a zero, as 050131; None if they are codes.

    >>> counted_in_padded("date", np.array([50131.0, 61224.0, 70704.0]), 6).key
    'yymmdd'
    >>> counted_in_padded("since", np.array([1.2024, 2.2024, 12.2023, 6.2023, 7.2023, 8.2023]), 7).key
    'mm.yyyy'
    """
    different = distinct_values(values)
    for each in (BY_KEY[key] for key in PADDED.get(length, ())):
        is_meant = are_short if each.key == "yymmdd" else each.is_meant  # without zeros, its numbers have six digits
        if _fits(each, different) and is_meant(name, different):
            return each
    return None


def serial_beside(values: Numbers, dates: Microseconds) -> Counted | None:
    """Return the notation of days of a spreadsheet if numbers beside dates lie within a year of them; None if not.

    >>> days = np.array(["2024-01-31", "2024-06-30"], "M8[us]").astype(np.int64)
    >>> serial_beside(np.array([45400.0]), days).key, serial_beside(np.array([20240430.0]), days)
    ('spreadsheet_serial', None)
    """
    notation = BY_KEY["spreadsheet_serial"]
    found = notation.microseconds(values)
    near = (found != NAT) & (found >= dates.min() - YEAR) & (found <= dates.max() + YEAR)
    return notation if near.all() else None


def counted_without_evidence(values: Numbers) -> Counted | None:
    """Return the notation of numbers that must be dates: the first one in which all of them are recent dates.

    >>> counted_without_evidence(np.array([1706659200.0])).key, counted_without_evidence(np.array([12.0]))
    ('epoch_seconds', None)
    """
    there = distinct_values(values[np.isfinite(values)])
    if not there.size:
        return None
    ambiguous = ("spreadsheet_serial", "yyyymm", "yymmdd", "yyyyddd")
    certain = (each for each in COUNTED if each.kind == "date" and each.key not in ambiguous)
    return next((each for each in certain if _fits(each, there) and each.is_meant("date", np.repeat(there, 2))), None)


def _fits(notation: Counted, numbers: Numbers) -> bool:
    return bool(np.all(notation.microseconds(_without_placeholders(notation, numbers)) != NAT))


def _without_placeholders(notation: Counted, numbers: Numbers) -> Numbers:
    placeholders = PLACEHOLDERS.get(notation.key, ())
    return numbers[~np.isin(numbers, placeholders)] if placeholders else numbers
