"""Evidence in the numbers of a column that they are dates or times, beside what its name says.

Each function takes the name of a column and its different numbers, ascending, all of which have timestamps in one
notation, and returns whether they are meant in it: they are so many that chance is ruled out, or the name says so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.distinct import distinct_values
from backpass.table.datetimes.name_evidence import says_date, says_datetime, says_month, says_period, says_time

Numbers = NDArray[np.float64]

FEWEST_DATES = 3  # different numbers; by chance 1 in 27 of those from 19000101 to 21001231 is a date
FEWEST_MONTHS = 6  # different numbers; by chance 1 in 8 of those from 190001 to 210012 is a month
FEWEST_SHORT = 20  # different numbers; by chance 1 in 27 of those of six digits is a date, but codes may be dense
FEWEST_SPREAD = 6  # different months of them
FEWEST_TIMES = 20  # different numbers; by chance 6 in 10 have minutes below 60
FEWEST_ROUND = 5  # different numbers that are whole minutes
YEARS = (1800, 2200)  # of dates without a stated type
FOREVER = 99991231  # "no end" in many systems
SERIALS = (25569.0, 55153.0)  # 1970 to 2050
SERIALS_NOW, SERIALS_SPAN = (36526.0, 51136.0), 7305.0  # 2000 to 2040, and no more than 20 years
FEWEST_CLOCKED = 5  # different times of day among days, whose fractions are no decimal numbers, and no simple ones
SHARES = np.array([q for q in range(1, 73) if 86_400 % q == 0])  # means such as the twelfth of an income are no times
SHARE_TOLERANCE = 1e-3
MOST_ROUND = 0.5  # of different days that are multiples of 10; among days that name says, 1 in 10 is
DAY_SECONDS = 86_400.0
RECENT = 946_684_800.0  # 2000, in seconds since 1970
EPOCHS = (315_532_800.0, 2_524_608_000.0)  # 1980 to 2050, in seconds since 1970


def are_dates(name: str, different: Numbers, scale: float) -> bool:
    """Whether digits are dates of two centuries around now, enough of them or in a column called so."""
    days = np.floor(different / scale)
    years = np.floor(days[days != FOREVER] / 1e4)
    is_near = bool(years.size) and years.min() >= YEARS[0] and years.max() < YEARS[1]
    return is_near and (len(different) >= FEWEST_DATES or says_date(name))


def are_months(name: str, different: Numbers) -> bool:
    years = np.floor(different / 100.0)
    is_near = bool(years.min() >= YEARS[0] and years.max() < YEARS[1])
    return is_near and len(different) >= (2 if says_month(name) else FEWEST_MONTHS)


def are_pointed_months(name: str, different: Numbers) -> bool:
    """Whether digits such as 202401 of numbers with a point are months: of all months 1 to 12, some beyond the first.

    Versions such as 2024.1, 2024.2, 2024.3 are none, because 2024.2 has no month 20.
    """
    return are_months(name, different) and len(distinct_values(different % 100.0)) > 1


def are_reversed(name: str, different: Numbers) -> bool:
    """Whether digits such as 31012024 are dates of two centuries around now, some of which no other order allows."""
    first, second, years = np.floor(different / 1e6), np.floor(different / 1e4) % 100.0, different % 1e4
    is_near = bool(years.min() >= YEARS[0] and years.max() < YEARS[1])
    is_clear = bool(first.max() > 12.0 or second.max() > 12.0)
    return is_near and is_clear and len(different) >= (2 if says_date(name) else FEWEST_DATES)


def are_short(name: str, different: Numbers) -> bool:
    """Whether numbers of six digits are dates by their name, or many in several months."""
    if says_date(name):
        return len(different) >= FEWEST_DATES
    return len(different) >= FEWEST_SHORT and len(distinct_values(np.floor(different / 100.0))) >= FEWEST_SPREAD


def are_ordinal(name: str, different: Numbers) -> bool:
    """Whether numbers such as 2024031 are dates by their name; others may count the documents of a year."""
    years = np.floor(different / 1e3)
    is_near = bool(years.min() >= YEARS[0] and years.max() < YEARS[1])
    return is_near and len(different) >= FEWEST_DATES and says_date(name)


def are_epochs(name: str, different: Numbers, per_second: float) -> bool:
    """Whether numbers are recent, and either whole minutes (but not just round numbers) or in a column called so.

    Numbers that are rounded to thousands or millions are multiples of 60 only by chance. Milliseconds and finer units
    that are all whole seconds since 2000 are enough, too.
    """
    low, high = recent(per_second)
    if different[0] < low or different[-1] > high:
        return False
    seconds = different / per_second
    unit = 60.0 if per_second == 1.0 or seconds.min() < RECENT else 1.0
    is_even = len(different) >= FEWEST_ROUND and bool(np.all(seconds % unit == 0.0))
    return (is_even and bool(np.any(seconds % 1000.0 != 0.0))) or (len(different) > 1 and says_datetime(name))


def recent(per_second: float) -> tuple[float, float]:
    """The first and the last number of the years 1980 to 2050 in these units since 1970."""
    return EPOCHS[0] * per_second, EPOCHS[1] * per_second


def are_serials(name: str, different: Numbers) -> bool:
    """Whether numbers are days by their name, or by fractions that are times of day.

    A name such as ``start`` is weaker than ``date``: the days then lie in 20 years around now, and are whole days that
    are not mostly round, as amounts are, or times of day.
    """
    low, high = float(different[0]), float(different[-1])
    if not (SERIALS[0] <= low and high < SERIALS[1]):
        return False
    if len(different) > 1 and says_date(name):
        return True
    times = _times_of_day(different)
    is_now = SERIALS_NOW[0] <= low and high < SERIALS_NOW[1] and high - low <= SERIALS_SPAN
    if is_now and len(different) >= FEWEST_DATES and says_period(name):
        is_whole = bool(np.all(different % 1.0 == 0.0)) and float(np.mean(different % 10.0 == 0.0)) < MOST_ROUND
        return is_whole or len(times) > 0
    coarse = np.abs(times[:, np.newaxis] * SHARES - np.rint(times[:, np.newaxis] * SHARES)).min(axis=1, initial=1.0)
    return bool(np.count_nonzero(coarse > SHARE_TOLERANCE) >= FEWEST_CLOCKED)


def _times_of_day(different: Numbers) -> Numbers:
    """Return the different times of day (k,) among days, as fractions with many decimals; none if some are no times.

    All must be whole minutes or whole seconds. A fraction of 5 decimals, as spreadsheets show it, is within 0.5 seconds
    of a minute by chance 1 time in 60.
    """
    fractions = different % 1.0
    seconds = fractions * DAY_SECONDS
    for unit, tolerance, decimals in ((60.0, 0.5, 1e3), (1.0, 0.01, 1e6)):
        if (np.abs(seconds - np.rint(seconds / unit) * unit) <= tolerance).all():
            long = np.abs(fractions * decimals - np.rint(fractions * decimals)) > 1e-4
            return distinct_values(np.rint(seconds[long])) / DAY_SECONDS
    return np.zeros(0)


def are_times(name: str, different: Numbers, scale: float) -> bool:
    """Whether there are many times in several hours, and the name says so."""
    if len(different) < FEWEST_TIMES or not says_time(name):
        return False
    hours = np.floor(np.rint(different * scale) / 100.0)
    minutes = np.rint(different * scale) % 100.0
    return len(distinct_values(hours)) > 2 and len(distinct_values(minutes)) > 2
