"""Datetimes among strings: which distinct strings of a column are dates or times, in any notation, and their values.

Takes strings with their row counts; returns their datetimes. ISO 8601 comes first, then dates that need an order of day
and month, then the notations of ``written``. ``text_classification`` puts the result beside numbers and other strings.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import field
from itertools import compress
from operator import not_

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.datetimes.day_month import (
    Order,
    has_short_year,
    is_day_and_month,
    is_possible,
    microseconds_in,
    order_in,
)
from backpass.table.datetimes.month_names import DAYS_BEFORE_DIGITS
from backpass.table.datetimes.name_evidence import are_ratios, says_datetime
from backpass.table.datetimes.timestamp import DAY, Timestamp, timestamp_in
from backpass.table.datetimes.written import LONGEST, POINTED_TIME, WRITTEN, Written, written_in
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.words import means_missing
from backpass.table.presentation.scripts import with_ascii_digits
from backpass.table.presentation.spaces import with_plain_spaces

FEWEST_SHORT = 3  # different dates with years of two digits; fewer may be versions
FEWEST_MONTHS = 3  # different dates without a day; fewer may be anything
LOOKED_AT = 200  # strings that show whether a column is worth a closer look
WORTH = 0.5  # share of them that may be datetimes
CERTAIN = 1000  # stands for the number of different values beside a word that may mean missing
DIGIT = re.compile("[0-9]")
ALL_DIGIT = re.compile(r"(?:[^0-9\0]*+[0-9][^\0]*+\0)*+")
"""Strings joined by NUL, and one behind the last, of which each holds a digit."""
DAY_BEFORE = LazyPattern(
    r"(?:'|(?P<weekday>[^\W\d_]{1,12})\.?,?[ \u00a0])(?=[0-9]{1,4}[./-] ?[0-9]{1,2}[./-] ?[0-9]{1,4}(?![0-9]))"
)
EASTERN = re.compile("[年月日月火水木金土曜星周週期전후午μ]")
WEEKDAY_BEHIND = LazyPattern(
    r"(?<=[0-9日일])\s?(?:[(（][月火水木金土日](?:曜日?)?[)）]|(?:星期|周|週)[一二三四五六日天])"
)
HALF_BEFORE = LazyPattern(r"(上午|午前|오전|下午|午後|오후)\s?([0-9]{1,2}:[0-9:.]{2,})")
HALF_BEHIND = LazyPattern(r"(?<=[0-9])\s?([πμ])\.?μ\.?")
ERA = LazyPattern(r"(令和|平成|昭和|大正|民國|民国)([0-9]{1,3}|元)年")
MORNINGS = frozenset(["上午", "午前", "오전", "π"])
BEFORE_ERA = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "民國": 1911, "民国": 1911}
"""Years before the first one of an era, in Japan and Taiwan."""
ORDINAL = "year and day of the year"
YEAR_AND_MONTH, MONTH_AND_YEAR = "year and month", "name of the month and year"


@dataclass(frozen=True, slots=True)
class Datetimes:
    """The datetimes among the distinct strings of a column.

    Attributes:
        found: The timestamp by index of the string.
        order: Order of day and month with which dates were read; None if no string needs it or it is unknown.
        ambiguous: Indices of day-month dates that could not be read.
        written: An example by notation, for those that are neither ISO 8601 nor a day-month date.
        other_digits: Index of a string in the digits of another script that is a timestamp, None without such.
    """

    found: dict[int, Timestamp] = field(default_factory=dict)
    order: Order | None = None
    ambiguous: tuple[int, ...] = ()
    written: dict[str, str] = field(default_factory=dict)
    other_digits: int | None = None


def without_weekday(text: str) -> str:
    """Return a date in digits without the weekday or the apostrophe before it; unchanged if there is none.

    >>> without_weekday("Mi, 15.05.2024"), without_weekday("ven. 17/05/2024"), without_weekday("Mon 5")
    ('15.05.2024', '17/05/2024', 'Mon 5')
    >>> without_weekday("'2024-05-15")  # as spreadsheets mark text
    '2024-05-15'
    """
    found = DAY_BEFORE.match(text)
    is_such = found is not None and (found["weekday"] is None or found["weekday"].lower() in DAYS_BEFORE_DIGITS)
    return text[found.end() :] if found is not None and is_such else text


def with_common_signs(text: str) -> str:
    """Return a date without an East Asian weekday behind it, with AM or PM behind its time and a Gregorian year.

    >>> [with_common_signs(text) for text in ("2020/1/5(日)", "2020-01-05 星期日", "2020/1/5 下午 2:30:05")]
    ['2020/1/5', '2020-01-05', '2020/1/5 2:30:05 PM']
    >>> [with_common_signs(text) for text in ("令和2年1月5日", "民國109年1月5日", "5/1/2020 2:30 μ.μ.")]
    ['2020年1月5日', '2020年1月5日', '5/1/2020 2:30 PM']
    """
    if EASTERN.search(text) is None:
        return text
    text = ERA.sub(lambda found: f"{BEFORE_ERA[found[1]] + (1 if found[2] == '元' else int(found[2]))}年", text)
    text = WEEKDAY_BEHIND.sub("", text)
    text = HALF_BEFORE.sub(lambda found: f"{found[2]} {_half(found[1])}", text)
    return HALF_BEHIND.sub(lambda found: f" {_half(found[1])}", text)


def _half(word: str) -> str:
    return "AM" if word in MORNINGS else "PM"


def _may_start_with_weekday(text: str) -> bool:
    first = text[:1]
    return (first == "'" or first.isalpha()) and text[-1:].isalnum() and DAY_BEFORE.match(text) is not None


def datetimes_among(
    texts: Sequence[str],
    counts: NDArray[np.int64],
    candidates: Sequence[int],
    *,
    required: str | None = None,
    order: Order | None = None,
    detects: bool = True,
    name: str = "",
) -> Datetimes:
    """Find the datetimes of a column.

    Args:
        texts: The distinct strings, trimmed.
        counts: Number of rows of each.
        candidates: Indices of the strings that are neither numbers nor missing.
        required: Required kind of the column, or None.
        order: Required order of day and month, or None.
        detects: Whether other notations than ISO 8601 and day-month dates with four digits of the year are read.
        name: Name of the column.
    """
    given = texts
    spaced = texts = [*map(without_weekday, texts)] if any(map(_may_start_with_weekday, texts)) else texts
    if not all(map(str.isascii, texts)):
        spaced = [with_common_signs(with_plain_spaces(text)) for text in texts]
        texts = [with_ascii_digits(text) for text in spaced]
    short = [j for j in candidates if len(texts[j]) <= LONGEST]
    if not short:
        return Datetimes()
    starts = [texts[j][:1].isdigit() for j in short]
    found, ambiguous, others = dict[int, Timestamp](), list[int](), list[int]()
    for j in compress(short, starts):
        if timestamp := timestamp_in(texts[j]):
            found[j] = timestamp
        elif is_day_and_month(texts[j]) and (detects or not has_short_year(texts[j])):
            ambiguous.append(j)
        else:
            others.append(j)
    inner = [*compress(short, map(not_, starts))] if any(starts) else short
    others = sorted([*others, *_with_digit_inside(texts, inner)])
    reads_written = required in ("date", "time") if required is not None else detects
    times = _pointed_times(texts, ambiguous, required) if reads_written else {}
    if ambiguous and not times:
        remaining = [texts[j] for j in candidates if j not in found and counts[j]]
        order = order or _order_among(remaining, required)
        for j in ambiguous:
            if order is not None and (microseconds := microseconds_in(texts[j], order)) is not None:
                found[j] = Timestamp("date", microseconds)
    written = dict[str, str]()
    for j, (timestamp, notation) in (
        (times or _written_among(texts, others, required, name)).items() if reads_written else ()
    ):
        found[j] = timestamp
        if counts[j]:
            written.setdefault(notation.name, given[j])
    if required is None and are_ratios(name, (texts[j] for j in found)):
        found, written = {}, {}
    still_unsure = tuple(j for j in ambiguous if j not in found)
    other_digits = next((j for j in found if texts[j] != spaced[j] and counts[j]), None)
    return Datetimes(found, order if ambiguous and not times else None, still_unsure, written, other_digits)


def _with_digit_inside(texts: Sequence[str], indices: Sequence[int]) -> list[int]:
    """Return the indices of the strings that hold a digit: mostly all of them do, or none."""
    joined = "\0".join([*[texts[j] for j in indices], ""])
    if not joined.isascii():
        return [j for j in indices if any(map(str.isdigit, texts[j]))]
    if DIGIT.search(joined) is None:
        return []
    return [*indices] if ALL_DIGIT.fullmatch(joined) else [j for j in indices if DIGIT.search(texts[j])]


def _order_among(remaining: Sequence[str], required: str | None) -> Order | None:
    """Return the order of the day-month dates among the strings of a column that are not ISO 8601.

    A date with a year of two digits (1.12.10) may be a version: it counts only where all strings are such dates.
    """
    dates = [text for text in remaining if is_day_and_month(text)]
    if required is None and any(map(has_short_year, dates)):
        others = [text for text in remaining if not is_day_and_month(text) and not means_missing(text, CERTAIN)]
        if others or len(dates) < FEWEST_SHORT:
            return None
    return order_in(dates)


def _pointed_times(
    texts: Sequence[str], ambiguous: Sequence[int], required: str | None
) -> dict[int, tuple[Timestamp, Written]]:
    """Return the datetimes of times such as 18.00.00, none if every one of them may be a date such as 18.05.23."""
    if required == "date" or not ambiguous or not all(POINTED_TIME.pattern.fullmatch(texts[j]) for j in ambiguous):
        return {}
    if required is None and all(is_possible(texts[j]) for j in ambiguous):
        return {}
    read = {j: timestamp for j in ambiguous if (timestamp := written_in(texts[j], POINTED_TIME))}
    return read if required is not None or len(read) == len(ambiguous) else {}


def _written_among(
    texts: Sequence[str], others: Sequence[int], required: str | None, name: str
) -> dict[int, tuple[Timestamp, Written]]:
    """Return the datetimes of strings in other notations; a sample comes first, so that other texts cost little."""
    step = max(len(others) // LOOKED_AT, 1)
    sample = others[::step]
    if required is None and step > 1 and not _is_worth([texts[j] for j in sample]):
        return {}
    read, notation = dict[int, tuple[Timestamp, Written]](), WRITTEN[0]
    for j in others:
        if (timestamp := written_in(texts[j], notation)) is not None:
            read[j], notation = timestamp, timestamp[1]
    if required is not None:
        return read
    is_chance = _are_coarse_by_chance([texts[j] for j in read], read.values()) or _are_numbered(name, read.values())
    return {} if is_chance else read


def _is_worth(sample: Sequence[str]) -> bool:
    """Whether enough strings of a sample are datetimes; the rest is not looked at when that is clear."""
    left = len(sample) - WORTH * len(sample)  # strings that may be others
    for text in sample:
        left -= written_in(text) is None
        if left < 0:
            return False
    return True


def _are_coarse_by_chance(texts: Sequence[str], datetimes: Collection[tuple[Timestamp, Written]]) -> bool:
    """Whether strings read as months are too few, are seasons such as 2010-11, 2011-12, or number something: Gen 10."""
    names = {notation.name for _, notation in datetimes}
    if names == {MONTH_AND_YEAR}:
        words = {text.rstrip("0123456789' .-/,").lower() for text in texts if text[-3:-2] not in "0123456789"}
        return len(words) == 1 and len(texts) > 1
    return names == {YEAR_AND_MONTH} and (len(texts) < FEWEST_MONTHS or all(map(_is_season, texts)))


def _are_numbered(name: str, datetimes: Collection[tuple[Timestamp, Written]]) -> bool:
    """Whether strings such as 2024-032 number something within a year: whole days, in a column not called a date."""
    is_ordinal = {notation.name for _, notation in datetimes} == {ORDINAL}
    return (
        is_ordinal and not says_datetime(name) and all(timestamp.microseconds % DAY == 0 for timestamp, _ in datetimes)
    )


def _is_season(text: str) -> bool:
    """Whether the second number is the year after the first one: 2010-11."""
    first, _, second = text.replace("/", "-").partition("-")
    return len(first) == 4 and len(second) == 2 and (int(first) + 1) % 100 == int(second)
