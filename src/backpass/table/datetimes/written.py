"""Written datetimes: dates and times in unambiguous notations other than ISO 8601.

Takes a trimmed string; returns its timestamp and its notation. Each entry of ``WRITTEN`` is one notation with a pattern
whose named groups are the parts of the timestamp. Messages, documentation and tests are made from
this table. ``day_month`` reads dates that need a known order, ``counted`` numbers such as 20240131.
"""

from __future__ import annotations

from collections.abc import Mapping

from backpass.dataclass import dataclass
from backpass.table.datetimes.calendar import date_of, days_of, is_date
from backpass.table.datetimes.month_names import is_weekday, month_of
from backpass.table.datetimes.timestamp import DAY, FIRST, HOUR, LAST, MINUTE, DatetimeKind, Timestamp, since_midnight
from backpass.table.notation.lazy_pattern import LazyPattern

LONGEST = 72  # characters of a string that may be a timestamp
TURN = 69  # two-digit years from here on are of the 20th century (POSIX.1-2017, strptime, %y)
_HALF = r"(?: ?(?P<half>[AaPp])\.?[ \u00a0\u202f]?[Mm]\.?)"
_ZONE = (
    r"(?: ?(?P<zone>Z|UTC|GMT|(?:UTC|GMT)?[+-][0-9]{1,2}(?::?[0-9]{2})?)(?: \([^()]{1,40}\)|\[[A-Za-z_/+-]{1,40}\])?)?"
)
_MINUTES = r"(?P<hour>[0-9]{1,2})[:h](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
BEFORE_CLOCK = r"T|,? {1,2}|,? (?:at|um|à|às|a las|om|kl\.?|в) | - "
"""What stands between a date and its time."""
_CLOCK = rf"(?:(?:{BEFORE_CLOCK}){_MINUTES}{_HALF}?{_ZONE}(?: Uhr| h)?)?"
_QUARTER = r"(?:quartal|quarter|qtr|trimestre|trimester|trim\.?|kwartaal|kwartał|kvartal|квартал)"
_YEAR = r"(?P<year>[0-9]{4}|'?[0-9]{2})"
_WORD = r"(?P<month_name>[^\W\d_]{3,12}\.?)"
_WEEKDAY = r"(?:(?P<weekday>[^\W\d_]{2,12}\.?),? )?"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th|er|º|ª|\.)?"
FIRST_LETTERS = frozenset({"q", "t", "h", "s", "w", "wk", "week", "kw", "cw", "kl"})  # of quarters, half-years, weeks
_FIRST = LazyPattern(r"[0-9]|[^\W\d_]+")
_CALLS = ("/Date(", "new Date(")


@dataclass(frozen=True, slots=True)
class Written:
    """One notation of dates or times.

    Attributes:
        name: Name for messages.
        cells: Examples.
        values: The examples in ISO 8601.
        caution: What is assumed, and when a column is kept as text instead.
        pattern: Pattern of a whole string.
        kind: "date" or "time".
    """

    name: str
    cells: tuple[str, ...]
    values: tuple[str, ...]
    caution: str
    pattern: LazyPattern[str]
    kind: DatetimeKind = "date"


WRITTEN = (
    Written(
        "year first, other than ISO 8601",
        ("2024.01.31", "2024-1-5", "2024-01-31 1:30 PM", "2024-01-31 9:05", "2024-01-31 15:30:00,123"),
        ("2024-01-31", "2024-01-05", "2024-01-31T13:30:00", "2024-01-31T09:05:00", "2024-01-31T15:30:00.123000"),
        "year, month and day with one separator; 24:00 is the start of the next day",
        LazyPattern(rf"(?P<year>[0-9]{{4}})([-./]) ?(?P<month>[0-9]{{1,2}})\2 ?(?P<day>[0-9]{{1,2}})\.?{_CLOCK}"),
    ),
    Written(
        "year first, the time with other signs",
        ("2024-01-31 15.30.00", "2024-01-31-15.30.00.123456", "2024-01-31_15-30-00", "2024-01-31 15"),
        ("2024-01-31T15:30:00", "2024-01-31T15:30:00.123456", "2024-01-31T15:30:00", "2024-01-31T15:00:00"),
        "periods, hyphens or underscores between the parts; two digits alone are the hour",
        LazyPattern(
            r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?:[T _-](?P<hour>[0-9]{2})(?P<mark>[._-])"
            r"(?P<minute>[0-9]{2})(?:(?P=mark)(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
            r"|[T ](?P<bare_hour>[0-9]{2}))"
        ),
    ),
    Written(
        "basic ISO 8601",
        ("20240131T1530", "20240131T153000Z", "20240131 15:30"),
        ("2024-01-31T15:30:00", "2024-01-31T15:30:00", "2024-01-31T15:30:00"),
        "digits without separators, with a time; 20240131 alone is a number, see below",
        LazyPattern(
            r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})[T ](?P<hour>[0-9]{2}):?(?P<minute>[0-9]{2})"
            rf"(?::?(?P<second>[0-9]{{2}})(?:[.,](?P<fraction>[0-9]{{1,9}}))?)?{_ZONE}"
        ),
    ),
    Written(
        "day, name of the month, year",
        ("31 Dec 2024", "31-Dec-24", "31. Dezember 2024", "Tue, 31 Dec 2024 23:59:59 GMT", "31DEC2024:10:20:30"),
        ("2024-12-31", "2024-12-31", "2024-12-31", "2024-12-31T23:59:59", "2024-12-31T10:20:30"),
        "months of common languages, whole or abbreviated",
        LazyPattern(
            rf"{_WEEKDAY}{_DAY}[ ./-]{{0,2}}(?:de |d'|of )?{_WORD},?[ ./-]{{0,2}}(?:de |del )?"
            rf"{_YEAR}(?: г\.?| года| р\.?| року| r\.?| roku)?"
            rf"(?:{_CLOCK}|(?<=[0-9]{{4}}):(?P<clock>[0-9:]{{8}})(?:\.0+)?)"
        ),
    ),
    Written(
        "name of the month, day, year",
        ("Dec 31, 2024", "December 31st, 2024 11:59 PM", "Tuesday, December 31, 2024"),
        ("2024-12-31", "2024-12-31T23:59:00", "2024-12-31"),
        "months of common languages, whole or abbreviated",
        LazyPattern(rf"{_WEEKDAY}{_WORD}[ -]{_DAY}(?:, ?|[ -]){_YEAR}{_CLOCK}"),
    ),
    Written(
        "year, name of the month, day",
        ("2024-Dec-31", "2024 December 31", "2024-Dec-31 08:15:00", "2024. március 3."),
        ("2024-12-31", "2024-12-31", "2024-12-31T08:15:00", "2024-03-03"),
        "months of common languages, whole or abbreviated",
        LazyPattern(rf"(?P<year>[0-9]{{4}})(?:\. |[ ./-]){_WORD}[ ./-]{_DAY}{_CLOCK}"),
    ),
    Written(
        "name of the month and year",
        ("Jan-2010", "January 2010", "Jan-10", "mars 2010", "2010-Jan"),
        ("2010-01-01", "2010-01-01", "2010-01-01", "2010-03-01", "2010-01-01"),
        "the first day of the month",
        LazyPattern(
            rf"{_WORD},?(?: de | del |[ ./-]{{0,2}}){_YEAR}(?: г\.?| р\.?)?"
            r"|(?P<year_first>[0-9]{4})[ ./-](?P<name_last>[^\W\d_]{3,12}\.?)"
        ),
    ),
    Written(
        "date and time of a log",
        ("31/Jan/2024:15:30:00 +0000", "Wed Jan 31 15:30:00 2024", "Wed Jan 31 15:30:00 UTC 2024"),
        ("2024-01-31T15:30:00", "2024-01-31T15:30:00", "2024-01-31T15:30:00"),
        "as web servers and C programs write them",
        LazyPattern(
            rf"(?P<day>[0-9]{{1,2}})/{_WORD}/(?P<year>[0-9]{{4}}):{_MINUTES}{_ZONE}"
            r"|(?P<weekday>[^\W\d_]{3}) (?P<month_between>[^\W\d_]{3}) {1,2}(?P<day_last>[0-9]{1,2}) "
            r"(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})(?: (?P<zone_between>UTC|GMT|[+-][0-9]{4}))? "
            r"(?P<year_first>[0-9]{4})"
        ),
    ),
    Written(
        "year and month",
        ("2024-01", "2024/1", "01/2024", "1-2024", "2024M01", "01.2024"),
        ("2024-01-01", "2024-01-01", "2024-01-01", "2024-01-01", "2024-01-01", "2024-01-01"),
        "the first day of the month; seasons such as 2010-11, 2011-12 stay categories",
        LazyPattern(
            r"(?P<year>[12][0-9]{3})(?:[-/]|-?[mM])(?P<month>[0-9]{1,2})|(?P<month_first>[0-9]{1,2})[-/.](?P<year_last>[12][0-9]{3})"
        ),
    ),
    Written(
        "quarter",
        ("2024-Q1", "2024Q3", "Q2 2024", "4Q24", "Q4/24", "T1 2024"),
        ("2024-01-01", "2024-07-01", "2024-04-01", "2024-10-01", "2024-10-01", "2024-01-01"),
        "the first day of the quarter; also 3. Quartal 2024, 3rd quarter 2024, 2e trimestre 2024",
        LazyPattern(
            r"(?P<year>[12][0-9]{3})[- /]?[QqT](?P<quarter>[1-4])"
            r"|[QqT](?P<quarter_first>[1-4])[- /.]?(?P<year_last>[12][0-9]{3})"
            r"|[QqT](?P<quarter_short>[1-4])(?:/| ?')(?P<year_short>[0-9]{2})"
            r"|(?P<quarter_lead>[1-4])[- ]?[Qq](?:[- /]?(?P<year_end>[12][0-9]{3})|'?(?P<short_year>[0-9]{2}))"
            rf"|(?i:(?P<quarter_named>[1-4])(?:\.|st|nd|rd|th|er|e|ème|º|°|-й)? ?{_QUARTER},?(?: de| del| of)?) "
            r"(?P<year_named>[12][0-9]{3})"
        ),
    ),
    Written(
        "half-year",
        ("2024-H1", "H2 2024", "H1/2024", "2H2024", "2024-S2"),
        ("2024-01-01", "2024-07-01", "2024-01-01", "2024-07-01", "2024-07-01"),
        "the first day of the half-year",
        LazyPattern(
            r"(?P<year>[12][0-9]{3})[- /]?[HS](?P<half_year>[12])"
            r"|[HS](?P<half_first>[12])[- /]?(?P<year_last>[12][0-9]{3})"
            r"|(?P<half_lead>[12])[- ]?[HS][- /]?(?P<year_end>[12][0-9]{3})"
        ),
    ),
    Written(
        "week of ISO 8601",
        ("2024-W05", "2024W05", "2024-W05-3", "KW 05/2024", "2024w5", "KW05/24"),
        ("2024-01-29", "2024-01-29", "2024-01-31", "2024-01-29", "2024-01-29", "2024-01-29"),
        "the Monday of the week; also Week 5, 2024",
        LazyPattern(
            r"(?P<year>[12][0-9]{3})-?W(?P<week>[0-9]{2})(?:-?(?P<day_of_week>[1-7]))?"
            r"|(?P<year_first>[12][0-9]{3})[- /]?(?:[wW]|KW|CW) ?(?P<week_last>[0-9]{1,2})"
            r"|(?:[wW]|[wW]k|[wW]eek|KW|CW) ?(?P<week_first>[0-9]{1,2})[- /,]{1,3}(?P<year_last>[12][0-9]{3})"
            r"|(?:[wW]k|[wW]eek|KW|CW) ?(?P<week_short>[0-9]{1,2})(?:[-/]| ?')(?P<short_year>[0-9]{2})"
        ),
    ),
    Written(
        "year and day of the year",
        ("2024-032", "2024-366", "2024-032T15:30"),
        ("2024-02-01", "2024-12-31", "2024-02-01T15:30:00"),
        "ordinal dates of ISO 8601; without a time of day only in a column whose name says that it holds dates, "
        "because 2024-032 may be a serial number",
        LazyPattern(rf"(?P<year>[12][0-9]{{3}})-(?P<day_of_year>[0-3][0-9]{{2}}){_CLOCK}"),
    ),
    Written(
        "year, month and day in Chinese, Japanese or Korean",
        ("2024年1月31日", "2024年1月31日 15:30", "2024년 1월 31일", "2024年1月"),
        ("2024-01-31", "2024-01-31T15:30:00", "2024-01-31", "2024-01-01"),
        "a month without a day means its first day",
        LazyPattern(
            rf"(?P<year>[0-9]{{4}})[年년] ?(?P<month>[0-9]{{1,2}})[月월](?: ?(?P<day>[0-9]{{1,2}})[日일]{_CLOCK})?"
        ),
    ),
    Written(
        "milliseconds since 1970 in /Date()/",
        ("/Date(1577836800000)/", "/Date(1577880000500+0200)/", "new Date(1577836800000)"),
        ("2020-01-01", "2020-01-01T12:00:00.500000", "2020-01-01"),
        "as .NET and JavaScript write them in JSON; the number is in UTC, whatever zone stands behind it",
        LazyPattern(r"(?:/|new )Date\((?P<milliseconds>-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/?"),
    ),
    Written(
        "time of a 12-hour clock",
        ("6:30 PM", "12:05 a.m.", "11 pm", "06:30:15PM", "9.30pm", "930pm"),
        ("18:30:00", "00:05:00", "23:00:00", "18:30:15", "21:30:00", "21:30:00"),
        "154 pm, with a space, is a number and its unit",
        LazyPattern(
            rf"(?:{_MINUTES}|(?P<bare_hour>[0-9]{{1,2}})"
            r"|(?P<hour_of_half>[0-9]{1,2})(?:\.(?=[0-9]{2})|(?=[0-9]{2}\S))(?P<minute_of_half>[0-9]{2}))"
            rf"{_HALF}"
        ),
        "time",
    ),
    Written(
        "time of day, other than ISO 8601",
        ("9:30", "9:05:30", "18h30", "18:30 Uhr", "18.30 Uhr", "kl. 7.05", "T18:30:00Z", "24:00"),
        (
            "09:30:00",
            "09:05:30",
            "18:30:00",
            "18:30:00",
            "18:30:00",
            "07:05:00",
            "18:30:00",
            "00:00:00",
        ),
        "also 0730 hrs and 7時30分; a column with hours beyond 24 holds durations; "
        "zones of times without a date are left out",
        LazyPattern(
            rf"(?:T|kl\.? ?)?{_MINUTES}(?: ?(?:h|hs|Uhr|uur|Z|UTC))?"
            r"|(?P<hour_first>[0-9]{1,2}) ?[hH] ?(?P<minute_last>[0-9]{2})"
            r"|(?P<hour_pointed>[0-9]{1,2})\.(?P<minute_pointed>[0-9]{2}) (?:Uhr|uur|h)"
            r"|kl\.? ?(?P<hour_called>[0-9]{1,2})[.:](?P<minute_called>[0-9]{2})"
            r"|(?P<hour_joined>[0-9]{2})(?P<minute_joined>[0-9]{2})(?: ?(?:hrs|hours|Uhr|uur)|h)"
            r"|(?P<hour_east>[0-9]{1,2})[時时点](?P<minute_east>[0-9]{1,2})分"
        ),
        "time",
    ),
    Written(
        "time of day with periods",
        ("18.00.00", "18.59.30", "00.00.00", "23.15.00"),
        ("18:00:00", "18:59:30", "00:00:00", "23:15:00"),
        "hours, minutes and seconds; if every row could be a date (18.05.23), the column contains dates",
        LazyPattern(r"(?P<hour>[0-9]{2})\.(?P<minute>[0-9]{2})\.(?P<second>[0-9]{2})"),
        "time",
    ),
)
_ALIASES = {
    "year": ("year_first", "year_last", "year_end", "short_year", "year_short", "year_named"),
    "week": ("week_first", "week_last", "week_short"),
    "half_year": ("half_first", "half_lead"),
    "month": ("month_first",),
    "month_name": ("name_last", "month_between"),
    "day": ("day_last",),
    "quarter": ("quarter_first", "quarter_lead", "quarter_short", "quarter_named"),
    "hour": (
        "bare_hour",
        "hour_first",
        "hour_of_half",
        "hour_pointed",
        "hour_called",
        "hour_joined",
        "hour_east",
    ),
    "minute": (
        "minute_last",
        "minute_of_half",
        "minute_pointed",
        "minute_called",
        "minute_joined",
        "minute_east",
    ),
    "zone": ("zone_between",),
}
"""Other names of a part, because the alternatives of one pattern need names of their own."""
POINTED_TIME = WRITTEN[-1]


def written_in(text: str, first: Written | None = None) -> tuple[Timestamp, Written] | None:
    """Return the timestamp that a trimmed string spells and its notation, or None.

    Args:
        text: The string.
        first: The notation to try first, because another string of the column is written so.

    >>> timestamp, notation = written_in("Jan-2010")
    >>> timestamp.microseconds // DAY, notation.name
    (14610, 'name of the month and year')
    >>> written_in("12 kg"), written_in("31 Foo 2024"), written_in("2024-13-01")
    (None, None, None)
    """
    if len(text) > LONGEST or not _may_start(text):
        return None
    for notation in WRITTEN if first is None else (first, *WRITTEN):
        if (found := notation.pattern.fullmatch(text)) and (timestamp := _timestamp(found.groupdict(), notation.kind)):
            return timestamp, notation
    return None


def _may_start(text: str) -> bool:
    """Whether a string starts with a digit, the name of a month or a weekday, a quarter, a week or ``/Date(``."""
    if text.startswith(_CALLS):
        return True
    first = _FIRST.match(text)
    if first is None:
        return False
    word = first.group()
    return word.isdigit() or month_of(word) is not None or is_weekday(word) or word.lower() in FIRST_LETTERS


def full_year(text: str) -> int:
    """Return a year of two or four digits.

    >>> full_year("2024"), full_year("24"), full_year("'98")
    (2024, 2024, 1998)
    """
    digits = text.lstrip("'")
    year = int(digits)
    return year if len(digits) > 2 else year + (1900 if year >= TURN else 2000)


def hour_of_24(hour: str, half: str | None) -> int | None:
    """Return the hour on a 24-hour clock, None if a 12-hour clock doesn't have it.

    >>> hour_of_24("12", "a"), hour_of_24("1", "P"), hour_of_24("13", "P"), hour_of_24("13", None)
    (0, 13, None, 13)
    """
    if half is None:
        return int(hour)
    return int(hour) % 12 + (12 if half in "pP" else 0) if 1 <= int(hour) <= 12 else None


def _timestamp(parts: Mapping[str, str | None], kind: DatetimeKind) -> Timestamp | None:
    """Return the timestamp of the named groups of a match, None if it doesn't exist."""
    found = {
        name: parts.get(name) or next((p for alias in others if (p := parts.get(alias))), None)
        for name, others in _ALIASES.items()
    }
    clock = _clock(found["hour"], found["minute"], parts)
    if clock is None:
        return None
    if kind == "time":
        return Timestamp("time", clock % DAY)
    if milliseconds := parts.get("milliseconds"):
        since = int(milliseconds) * 1000
        return Timestamp("date", since, zoned=True) if FIRST <= since <= LAST else None
    if (word := parts.get("weekday")) and not is_weekday(word):
        return None
    days = _days(found, parts)
    offset = _offset(found["zone"])
    if days is None or offset is None:
        return None
    return Timestamp("date", days * DAY + clock - offset, bool(found["zone"]))


def _clock(hour: str | None, minute: str | None, parts: Mapping[str, str | None]) -> int | None:
    """Return the microseconds since midnight; 24:00 is a whole day."""
    if whole := parts.get("clock"):
        return since_midnight([*whole.split(":"), None])
    if hour is None:
        return 0
    on_24 = hour_of_24(hour, parts.get("half"))
    finer = [minute, parts.get("second"), parts.get("fraction")]
    if on_24 == 24 and not any(int(part or 0) for part in finer):
        return DAY
    return None if on_24 is None else since_midnight([str(on_24), *finer])


def _days(found: Mapping[str, str | None], parts: Mapping[str, str | None]) -> int | None:
    """Return the days since 1970-01-01, None if the date doesn't exist."""
    year = full_year(found["year"] or "")
    if week := found["week"]:
        return _days_of_week(year, int(week), int(parts.get("day_of_week") or 1))
    if day_of_year := parts.get("day_of_year"):
        return _days_of_year(year, int(day_of_year))
    if found["month_name"]:
        month = month_of(found["month_name"])
    elif found["quarter"]:
        month = 3 * int(found["quarter"]) - 2
    elif found["half_year"]:
        month = 6 * int(found["half_year"]) - 5
    else:
        month = int(found["month"] or 1)
    day = int(found["day"] or 1)
    return days_of(year, month, day) if month is not None and is_date(year, month, day) else None


def _days_of_year(year: int, day: int) -> int | None:
    """Return the days since 1970-01-01 of a day of a year, from 1."""
    days = days_of(year, 1, 1) + day - 1
    return days if day >= 1 and date_of(days)[0] == year else None


def _days_of_week(year: int, week: int, day: int) -> int | None:
    """Return the days since 1970-01-01 of a day of an ISO 8601 week; the first week is that of January 4."""
    if not 1 <= week <= 53 or not is_date(year, 1, 4):
        return None
    fourth = days_of(year, 1, 4)
    monday = fourth - (fourth + 3) % 7 + 7 * (week - 1)
    return monday + day - 1 if date_of(monday + 3)[0] == year else None  # week 53 exists in some years only


def _offset(zone: str | None) -> int | None:
    """Return the offset of a time zone in microseconds, positive to the east."""
    digits = (zone or "").lstrip("ZUTCGM").replace(":", "")
    if not digits:
        return 0
    size = digits[1:] if len(digits) > 3 else f"{digits[1:]}00"  # +530, +5
    hours, minutes = divmod(int(size), 100)
    if hours > 23 or minutes > 59:
        return None
    return (hours * HOUR + minutes * MINUTE) * (-1 if digits[0] == "-" else 1)
