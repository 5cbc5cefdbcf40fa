"""Day-month dates: dates such as 31.12.2024, 12/31/24 1:30 PM or 24-12-31, which need a known order of their parts.

The order follows from numbers that only one order allows, from the user, or from the fitted model. Without an order,
such values remain strings. ``timestamp`` reads ISO 8601 dates, ``datetimes.written`` other dates that need no order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from backpass.table.datetimes.calendar import days_of, is_date
from backpass.table.datetimes.timestamp import DAY, since_midnight
from backpass.table.datetimes.written import BEFORE_CLOCK, full_year, hour_of_24
from backpass.table.notation.lazy_pattern import LazyPattern

Order: TypeAlias = Literal["day_first", "month_first", "year_first"]
ORDERS: tuple[Order, ...] = ("day_first", "month_first", "year_first")
PLACES: dict[Order, tuple[int, int, int]] = {  # of the day, the month and the year among the three numbers
    "day_first": (0, 1, 2),
    "month_first": (1, 0, 2),
    "year_first": (2, 1, 0),
}
MORE_YEARS = 3  # times as many different numbers in the place of the days as in that of the years

DATE = LazyPattern(
    r"([0-9]{1,2})([./-]) ?([0-9]{1,2})\2 ?([0-9]{4}|[0-9]{2})"
    rf"(?:(?:{BEFORE_CLOCK})([0-9]{{1,2}})[:h]([0-9]{{2}})(?::([0-9]{{2}})(?:[.,]([0-9]{{1,9}}))?)?"
    r"(?: ?([AaPp])\.?[ \u00a0\u202f]?[Mm]\.?| (?:Uhr|h))?)?"
)
VERSION = LazyPattern(r"[0-9]{1,3}\.[0-9]{1,3}\.(?:[0-9]|[0-9]{3})")
LIKE_A_DATE = LazyPattern(r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{1,4}(?:[ T].*)?")


def looks_like_date(text: str) -> bool:
    """Whether a string has three numbers arranged like a date, even if it cannot be read (a three-digit year, say).

    >>> looks_like_date("31.12.24"), looks_like_date("2024/12/31 noon"), looks_like_date("1/2")
    (True, True, False)
    """
    return LIKE_A_DATE.fullmatch(text) is not None


def are_versions(texts: Iterable[str]) -> bool:
    """Whether strings such as 1.2.10 are versions: one of them has a last number of one or three digits.

    >>> are_versions(["1.2.10", "1.2.9"]), are_versions(["1.2.10", "31.12.24"]), are_versions(["2024.1.5"])
    (True, False, False)
    """
    return any(VERSION.fullmatch(text) for text in texts)


def is_day_and_month(text: str) -> bool:
    """Whether a trimmed string has the form of such a date.

    >>> is_day_and_month("31.12.2024"), is_day_and_month("1/2/24 3:45 pm"), is_day_and_month("1/2.2024")
    (True, True, False)
    """
    return DATE.fullmatch(text) is not None


def has_short_year(text: str) -> bool:
    """Whether a trimmed string is such a date with a year of two digits.

    >>> has_short_year("31.12.24"), has_short_year("31.12.2024")
    (True, False)
    """
    match = DATE.fullmatch(text)
    return match is not None and len(match[4]) == 2


def order_in(texts: Iterable[str]) -> Order | None:
    """Return the order that a column's dates imply; None if they are ambiguous or contradictory.

    Dates with years of two digits may start with the year. Where the days could be the years, the place that varies
    more holds the days.

    >>> order_in(["1/2/2024", "1/31/2024"]), order_in(["1/2/2024"]), order_in(["1/31/2024", "31/1/2024"])
    ('month_first', None, None)
    >>> order_in(["04/18/23", "03/28/22"]), order_in(["99-12-31"]), order_in(["24-01-05", "24-02-06", "24-03-07"])
    ('month_first', 'year_first', 'year_first')
    """
    found = [match.groups() for text in texts if (match := DATE.fullmatch(text))]
    if not found or len({mark for _, mark, *_ in found}) > 1:
        return None
    numbers = [(int(first), int(second), int(third)) for first, _, second, third, *_ in found]
    if any(len(year) == 4 for _, _, _, year, *_ in found):
        return _order_of_long_years(numbers)
    short = [(len(first), len(second), len(year)) for first, _, second, year, *_ in found]
    possible = [order for order in ORDERS if all(_may_be(order, three) for three in numbers)]
    if "month_first" in possible and found[0][1] == ".":  # dates with points are nowhere written so, versions are
        possible.remove("month_first")
    if "year_first" in possible and any(lengths != (2, 2, 2) for lengths in short):
        possible.remove("year_first")
    if len(possible) == 1:
        return possible[0]
    if set(possible) == {"day_first", "year_first"}:
        first, last = (len({three[place] for three in numbers}) for place in (0, 2))
        if max(first, last) >= MORE_YEARS * min(first, last):
            return "year_first" if last > first else "day_first"
    return None


def _order_of_long_years(numbers: Sequence[tuple[int, int, int]]) -> Order | None:
    days_first, months_first = (any(three[place] > 12 for three in numbers) for place in (0, 1))
    if days_first == months_first:
        return None
    return "day_first" if days_first else "month_first"


def _may_be(order: Order, numbers: tuple[int, int, int]) -> bool:
    """Whether three numbers of at most two digits may be a date in this order."""
    day, month, _ = (numbers[place] for place in PLACES[order])
    return 1 <= day <= 31 and 1 <= month <= 12


def is_possible(text: str) -> bool:
    """Whether a string of this form is a date in some order.

    >>> is_possible("18.05.23"), is_possible("18.00.00")
    (True, False)
    """
    return any(microseconds_in(text, order) is not None for order in ORDERS)


def microseconds_in(text: str, order: Order) -> int | None:
    """Return a date's microseconds since 1970-01-01, or None if the day or time does not exist.

    Args:
        text: The trimmed string.
        order: Which number is the day.

    >>> microseconds_in("02.01.1970", "day_first"), microseconds_in("1/1/70 12:00 AM", "month_first")
    (86400000000, 0)
    >>> microseconds_in("70-01-02", "year_first")
    86400000000
    """
    match = DATE.fullmatch(text)
    if match is None:
        return None
    first, _, second, third, hour, *finer, half = match.groups()
    if order == "year_first" and len(third) == 4:
        return None
    day, month, year = ((first, second, third)[place] for place in PLACES[order])
    on_24 = None if hour is None else hour_of_24(hour, half)
    if hour is not None and on_24 is None:
        return None
    clock = since_midnight([None if on_24 is None else str(on_24), *finer])
    if clock is None or not is_date(full_year(year), int(month), int(day)):
        return None
    return days_of(full_year(year), int(month), int(day)) * DAY + clock
