"""The calendar against Python's ``datetime``, on every day from year 1 to 9999."""

import datetime
from collections.abc import Callable

import numpy as np
import pytest

from backpass.table.datetimes import calendar
from backpass.table.datetimes.calendar import date_of, day_of_week, day_of_year, days_of, is_date

EPOCH = datetime.date(1970, 1, 1)
FIRST, LAST = (datetime.date.min - EPOCH).days, (datetime.date.max - EPOCH).days


def every_day() -> np.ndarray:  # type: ignore[type-arg]
    return np.arange(FIRST, LAST + 1)


def first_non_finite(date_of: Callable[..., tuple[np.ndarray, ...]]) -> datetime.date | None:  # type: ignore[type-arg]
    """The first day that ``date_of`` gets wrong, counting the days of each month one by one."""
    found = np.stack(date_of(every_day()))
    expected = np.empty_like(found)
    place = 0
    for year in range(1, 10_000):
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        for month, days in enumerate([31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], start=1):
            expected[:, place : place + days] = [[year] * days, [month] * days, range(1, days + 1)]
            place += days
    wrong = np.flatnonzero((found != expected).any(axis=0))
    return EPOCH + datetime.timedelta(int(wrong[0]) + FIRST) if wrong.size else None


def test_every_day_from_year_1_to_9999() -> None:
    assert first_non_finite(date_of) is None
    days = every_day()
    assert np.array_equal(days_of(*date_of(days)), days)


def test_a_wrong_leap_year_is_found() -> None:
    def julian(days: np.ndarray) -> tuple[np.ndarray, ...]:  # type: ignore[type-arg]
        year, month, day = date_of(days)
        return year, month, day + ((year == 1900) & (month == 3))

    assert first_non_finite(julian) == datetime.date(1900, 3, 1)


@pytest.mark.parametrize("step", [1, 7, 365, 997])
def test_days_of_week_and_year(step: int) -> None:
    days = every_day()[::step][:20_000]
    dates = [EPOCH + datetime.timedelta(int(day)) for day in days]
    assert day_of_week(days).tolist() == [date.isoweekday() for date in dates]
    assert day_of_year(days).tolist() == [date.timetuple().tm_yday for date in dates]
    assert [days_of(date.year, date.month, date.day) for date in dates] == days.tolist()


def test_days_that_are_none() -> None:
    def exists(year: int, month: int, day: int) -> bool:
        try:
            datetime.date(year, month, day)
        except ValueError:
            return False
        return True

    for year in (0, 1, 1900, 2000, 2023, 2024, 9999, 10_000):
        for month in range(14):
            for day in range(33):
                assert is_date(year, month, day) == exists(year, month, day)


def test_whole_numbers_of_any_size_are_kept() -> None:
    """Python's own whole numbers have no overflow; int64 days reach farther than any date."""
    assert date_of(10**9)[0] == date_of(np.array([10**9]))[0][0] == 2_739_877
    assert calendar.DAYS_OF_ERA == 365 * 400 + 97
