"""Calendar arithmetic: conversion between days since 1970-01-01 and year, month, day, in integers.

Takes and returns Python integers or int64 arrays; no clock, time zone or library is involved. All dates are in the
proleptic Gregorian calendar, as in Python's ``datetime``.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Whole = TypeVar("Whole", int, NDArray[np.int64])

FIRST_YEAR, LAST_YEAR = 1, 9999
DAYS_OF_ERA = 146_097  # in 400 years, after which the calendar repeats
DAYS_BEFORE = 719_468  # from 0000-03-01 to 1970-01-01


def days_of(year: Whole, month: Whole, day: Whole) -> Whole:
    """Return days since 1970-01-01.

    Years start in March, so that the leap day is their last day; the months from March on then average 30.6 days,
    rounded (after Hinnant 2013, "chrono-compatible low-level date algorithms").

    >>> days_of(1970, 1, 1), days_of(2024, 2, 29), days_of(1, 1, 1)
    (0, 19782, -719162)
    """
    from_march = (month + 9) % 12
    whole_years = year - (from_march >= 10)
    leap_days = whole_years // 4 - whole_years // 100 + whole_years // 400
    return 365 * whole_years + leap_days + (153 * from_march + 2) // 5 + day - 1 - DAYS_BEFORE


def date_of(days: Whole) -> tuple[Whole, Whole, Whole]:
    """Return year, month and day of a number of days since 1970-01-01.

    >>> date_of(19782), date_of(-719162)
    ((2024, 2, 29), (1, 1, 1))
    """
    era, day_of_era = divmod(days + DAYS_BEFORE, DAYS_OF_ERA)
    # Subtract the leap days of the 4-, 100- and 400-year rules, so that every year has 365 days.
    leap_days = day_of_era // 1_460 - day_of_era // 36_524 + day_of_era // 146_096
    year_of_era = (day_of_era - leap_days) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    from_march = (5 * day_of_year + 2) // 153
    month = (from_march + 2) % 12 + 1
    return 400 * era + year_of_era + (month <= 2), month, day_of_year - (153 * from_march + 2) // 5 + 1


def day_of_week(days: Whole) -> Whole:
    """Return the day of the week, 1 for Monday to 7 for Sunday (ISO 8601).

    >>> day_of_week(0)
    4
    """
    return (days + 3) % 7 + 1


def day_of_year(days: Whole) -> Whole:
    """Return the day of the year, 1 for January 1 to 365 or 366 for December 31.

    >>> day_of_year(days_of(2024, 12, 31))
    366
    """
    year, _, _ = date_of(days)
    return days - days_of(year, year // year, year // year) + 1


def is_date(year: int, month: int, day: int) -> bool:
    """Whether the date exists.

    >>> is_date(2024, 2, 29), is_date(2023, 2, 29), is_date(0, 1, 1)
    (True, False, False)
    """
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and day >= 1):
        return False
    return date_of(days_of(year, month, day)) == (year, month, day)
