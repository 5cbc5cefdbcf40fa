"""Day-month dates: dates such as 31.12.2024 or 12/31/2024 1:30 PM, which need a known order of day and month.

The order follows from a number above 12 in the column, from the user, or from the fitted model. Without an order, such
values remain strings. ``timestamp`` reads ISO 8601 dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, TypeAlias

from backpass.table.calendar import days_of, is_date
from backpass.table.timestamp import DAY, since_midnight

Order: TypeAlias = Literal["day_first", "month_first"]
ORDERS: tuple[Order, ...] = ("day_first", "month_first")

DATE = re.compile(
    r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})"
    r"(?:[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(?: ?([AP])M)?)?",
    re.IGNORECASE,
)
LIKE_A_DATE = re.compile(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}(?:[ T].*)?")


def looks_like_date(text: str) -> bool:
    """Whether a string has three numbers arranged like a date, even if it cannot be read (a two-digit year, say).

    >>> looks_like_date("31.12.24"), looks_like_date("2024/12/31 noon"), looks_like_date("1/2")
    (True, True, False)
    """
    return LIKE_A_DATE.fullmatch(text) is not None


def is_day_and_month(text: str) -> bool:
    """Whether a trimmed string has the form of such a date.

    >>> is_day_and_month("31.12.2024"), is_day_and_month("1/2/2024 3:45 pm"), is_day_and_month("1/2.2024")
    (True, True, False)
    """
    return DATE.fullmatch(text) is not None


def order_in(texts: Iterable[str]) -> Order | None:
    """Return the day-month order that a column's dates imply; None if they are ambiguous or contradictory.

    >>> order_in(["1/2/2024", "1/31/2024"]), order_in(["1/2/2024"]), order_in(["1/31/2024", "31/1/2024"])
    ('month_first', None, None)
    """
    found = [match.groups() for text in texts if (match := DATE.fullmatch(text))]
    if len({mark for _, mark, *_ in found}) > 1:
        return None
    days_first, months_first = (any(int(parts[place]) > 12 for parts in found) for place in (0, 2))
    if days_first == months_first:
        return None
    return "day_first" if days_first else "month_first"


def ticks_in(text: str, order: Order) -> int | None:
    """Return a date's microseconds since 1970-01-01, or None if the day or time does not exist.

    Args:
        text: The trimmed string.
        order: Which number is the day.

    >>> ticks_in("02.01.1970", "day_first"), ticks_in("1/1/1970 12:00 AM", "month_first")
    (86400000000, 0)
    """
    match = DATE.fullmatch(text)
    if match is None:
        return None
    first, _, second, year, hour, *finer, half = match.groups()
    day, month = (int(first), int(second)) if order == "day_first" else (int(second), int(first))
    clock = since_midnight([_on_24(hour, half), *finer])
    if clock is None or not is_date(int(year), month, day):
        return None
    return days_of(int(year), month, day) * DAY + clock


def _on_24(hour: str | None, half: str | None) -> str | None:
    """Return the hour on a 24-hour clock; an hour that a 12-hour clock does not have becomes 24, which is invalid."""
    if hour is None or half is None:
        return hour
    if not 1 <= int(hour) <= 12:
        return "24"
    return str(int(hour) % 12 + (12 if half in "pP" else 0))
