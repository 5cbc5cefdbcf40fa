"""Spans: durations as people write them, such as 26:30:00, 1 day 02:30:00, 2h 30m and PT1H30M, in seconds.

Takes a string; returns its seconds. ``spans_among`` decides whether the strings of a column are durations rather than
times of day. ``duration`` converts the time spans of typed sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from backpass.table.notation.lazy_pattern import LazyPattern

INCHES = 12  # of a foot; 3'45" has too many
DAY = 24  # hours; 59:30 is rather minutes and seconds
FEWEST_SPANS = 3  # different durations; fewer are as good as categories
_AND = r"[, ]{0,2}(?:(?:and|und|et|y|e|en|och|og|и) )?"
_DAY = r"d|days?|tage?n?|jours?|días?|dias?|giorni|giorno|dagen|dag|дн(?:ей|я|\.)?|天|日"
_DAYS = rf"(?:(?P<days>[0-9]+)(?: ?(?:{_DAY}){_AND}|[. ](?=[0-9]{{2}}:[0-9]{{2}}:)))"
_HOURS = (
    r"h|hrs?|hours?|std|stunden?|heures?|horas?|ore|ora|uur|timer|timmar|tim|час(?:а|ов)?|ч"
    r"|小时|小時|時間|时|時|시간"
)
_MINUTES = r"m|mins?|minutes?|minuten?|minutos?|minuti|minuto|minuter|minutter|минут[аы]?|мин|分钟|分鐘|分|분"
_SECONDS = r"s|secs?|seconds?|sek|sekunden?|secondes?|segundos?|seg|secondi|seconden|sekunder|секунд[аы]?|сек|с|秒|초"
MARKED = LazyPattern(
    r"(?P<sign>-?)(?P<minutes>[0-9]{1,3})['′’](?P<seconds>[0-9]{2}(?:[.,][0-9]+)?)(?:\"|″|”|''|′′|’’)?"
)
CLOCK = LazyPattern(
    rf"(?P<sign>[-+]?){_DAYS}?(?P<hours>[0-9]{{1,5}}):(?P<minutes>[0-9]{{2}})(?::(?P<seconds>[0-9]{{2}}(?:[.,][0-9]+)?))?"
)
LAP = LazyPattern(r"(?P<sign>-?)(?P<minutes>[0-9]{1,4}):(?P<seconds>[0-9]{2}[.,][0-9]+)")
PACED = LazyPattern(
    r"(?P<sign>-?)(?P<minutes>[0-9]{1,3}):(?P<seconds>[0-9]{2}(?:[.,][0-9]+)?)"
    r" ?(?:min(?:utes|uten)?\.?|(?:min)? ?/ ?(?:km|mi))"
)
WORDED = LazyPattern(
    rf"(?P<sign>-?){_DAYS}?(?:(?P<hours>[0-9]+(?:[.,][0-9]+)?) ?(?:{_HOURS})\.?{_AND})?"
    rf"(?:(?P<minutes>[0-9]+(?:[.,][0-9]+)?) ?(?:{_MINUTES})\.?{_AND})?"
    rf"(?:(?P<seconds>[0-9]+(?:[.,][0-9]+)?) ?(?:{_SECONDS})\.?)?",
    re.IGNORECASE,
)
ISO = LazyPattern(
    r"(?P<sign>-?)P(?:(?P<days>[0-9]+)D)?(?:T(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?"
    r"(?:(?P<seconds>[0-9]+(?:[.,][0-9]+)?)S)?)?"
)
STARTS = frozenset("0123456789-+P")
UNITS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}


def span_in(text: str) -> float | None:
    """Return the seconds of a duration, None for any other string. Two numbers are minutes and seconds.

    >>> span_in("26:30:00"), span_in("1 day, 2:30:00"), span_in("59:30"), span_in("2h 30m"), span_in("PT1H30M")
    (95400.0, 95400.0, 3570.0, 9000.0, 5400.0)
    >>> span_in("26:75:00"), span_in("12"), span_in("P"), span_in("2h"), span_in("1.5h")
    (None, None, None, 7200.0, 5400.0)
    >>> span_in("3:45.2"), span_in("3:75.2"), span_in("3'45\\""), span_in("1 Stunde und 5 Minuten")
    (225.2, None, 225.0, 3900.0)
    >>> span_in("1.02:30:00"), span_in("1 02:30:00"), span_in("5:30 min"), span_in("5:30 /km")
    (95400.0, 95400.0, 330.0, 330.0)
    """
    if text[:1] not in STARTS:
        return None  # most texts, without a pattern
    if found := CLOCK.fullmatch(text):
        return _of_clock(found)
    if (found := LAP.fullmatch(text) or MARKED.fullmatch(text) or PACED.fullmatch(text)) and (
        seconds := _number(found["seconds"])
    ) < 60.0:
        return _signed(found, {"minutes": _number(found["minutes"]), "seconds": seconds})
    for pattern in (WORDED, ISO):
        if (found := pattern.fullmatch(text)) and any(found[unit] for unit in UNITS):
            return _signed(found, {unit: _number(found[unit]) for unit in UNITS})
    return None


def _of_clock(found: re.Match[str]) -> float | None:
    first, second, third = (_number(found[part]) for part in ("hours", "minutes", "seconds"))
    is_long = found["seconds"] is not None or found["days"] is not None
    if second >= 60.0 or third >= 60.0:
        return None
    parts = {"hours": first, "minutes": second, "seconds": third} if is_long else {"minutes": first, "seconds": second}
    return _signed(found, {"days": _number(found["days"]), **parts})


def _signed(found: re.Match[str], parts: Mapping[str, float]) -> float:
    return (-1.0 if found["sign"] == "-" else 1.0) * sum(UNITS[unit] * number for unit, number in parts.items())


def _number(digits: str | None) -> float:
    return float((digits or "0").replace(",", "."))


def names_hours(texts: Iterable[str]) -> bool:
    """Whether some strings are durations whose hours have a unit. Beside them, 1:45 may be 1 h 45 min or 1 min 45 s.

    >>> names_hours(["1h 30m", "45m"]), names_hours(["PT1H"]), names_hours(["5m 10s", "1:30:00"])
    (True, True, False)
    """
    return any((found := WORDED.fullmatch(text) or ISO.fullmatch(text)) and found["hours"] for text in texts)


def overflows(text: str) -> bool:
    """Whether a duration with units has 60 or more minutes beside hours, or seconds beside minutes: a slip?

    >>> overflows("1h 75m"), overflows("1h 15m"), overflows("75m")
    (True, False, False)
    """
    found = WORDED.fullmatch(text) or ISO.fullmatch(text)
    if found is None:
        return False
    below = ("minutes", "hours"), ("seconds", "minutes")
    return any(found[larger] and found[smaller] and _number(found[smaller]) >= 60.0 for smaller, larger in below)


def is_open(text: str) -> bool:
    """Whether a string is two numbers that may be hours and minutes, or minutes and seconds.

    >>> is_open("1:45"), is_open("59:30"), is_open("1:45:00"), is_open("1 day, 1:45"), is_open("1:45.2")
    (True, False, False, False, False)
    """
    found = CLOCK.fullmatch(text)
    return found is not None and found["seconds"] is None and found["days"] is None and int(found["hours"]) <= DAY


def are_spans(texts: Iterable[str]) -> bool:
    """Whether strings that are all durations are not times of day: some last a day, are negative or name their units.

    A single unit (2 h, 45 min) makes a number with a unit, which ``notation`` reads.

    >>> are_spans(["26:30:00", "3:15:00", "2:00:00"]), are_spans(["06:30:00", "03:15:00", "02:00:00"])
    (True, False)
    >>> are_spans(["2 h", "3 h", "4 h"]), are_spans(["2h 5m", "3h", "4h"])
    (False, True)
    >>> are_spans(["3'45", "3'05", "4'11"]), are_spans(["5'10", "6'11", "5'11"])  # feet and inches
    (True, False)
    """
    different = {*texts}
    return len(different) >= FEWEST_SPANS and any(map(_is_certain, different))


def _is_certain(text: str) -> bool:
    found = CLOCK.fullmatch(text)
    if found:
        return bool(found["days"]) or found["sign"] == "-" or int(found["hours"]) > DAY
    if found := MARKED.fullmatch(text):
        return not found["seconds"].isdigit() or int(found["seconds"]) >= INCHES
    found = WORDED.fullmatch(text)
    return found is None or sum(found[unit] is not None for unit in UNITS) > 1
