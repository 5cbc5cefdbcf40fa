"""Moments among strings: which distinct strings of a column are dates or times, in any notation, and their values.

Takes strings with their row counts; returns their moments. ISO 8601 comes first, then dates that need an order of day
and month, then the notations of ``written``. ``text_classification`` puts the result beside numbers and other strings.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backpass.table.moments.day_month import Order, has_short_year, is_day_and_month, is_possible, order_in, ticks_in
from backpass.table.moments.evidence import says_moment
from backpass.table.moments.timestamp import DAY, Moment, moment_in
from backpass.table.moments.written import LONGEST, POINTED_TIME, WRITTEN, Written, written_in
from backpass.table.notation.scripts import with_ascii_digits
from backpass.table.notation.words import means_missing

FEWEST_SHORT = 3  # different dates with years of two digits; fewer may be versions
FEWEST_MONTHS = 3  # different dates without a day; fewer may be anything
LOOKED_AT = 200  # strings that show whether a column is worth a closer look
WORTH = 0.5  # share of them that may be moments
CERTAIN = 1000  # stands for the number of different values beside a word that may mean missing
ORDINAL = "year and day of the year"
YEAR_AND_MONTH, MONTH_AND_YEAR = "year and month", "name of the month and year"


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments among the distinct strings of a column.

    Attributes:
        found: The moment by index of the string.
        order: Order of day and month with which dates were read; None if no string needs it or it is unknown.
        unsure: Indices of day-month dates that could not be read.
        written: An example by notation, for those that are neither ISO 8601 nor a day-month date.
        other_digits: Index of a string in the digits of another script that is a moment, None without such.
    """

    found: dict[int, Moment] = field(default_factory=dict)
    order: Order | None = None
    unsure: tuple[int, ...] = ()
    written: dict[str, str] = field(default_factory=dict)
    other_digits: int | None = None


def moments_among(
    texts: Sequence[str],
    counts: NDArray[np.int64],
    candidates: Sequence[int],
    *,
    demand: str | None = None,
    order: Order | None = None,
    detects: bool = True,
    name: str = "",
) -> Moments:
    """Find the moments of a column.

    Args:
        texts: The distinct strings, trimmed.
        counts: Number of rows of each.
        candidates: Indices of the strings that are neither numbers nor missing.
        demand: Required kind of the column, or None.
        order: Required order of day and month, or None.
        detects: Whether other notations than ISO 8601 and day-month dates with four digits of the year are read.
        name: Name of the column.
    """
    given, texts = texts, [with_ascii_digits(text) for text in texts]
    found, unsure, others = dict[int, Moment](), list[int](), list[int]()
    for j in candidates:
        text = texts[j]
        starts_with_digit = text[:1].isdigit()
        if starts_with_digit and (moment := moment_in(text)):
            found[j] = moment
        elif starts_with_digit and is_day_and_month(text) and (detects or not has_short_year(text)):
            unsure.append(j)
        elif len(text) <= LONGEST and any(map(str.isdigit, text)):
            others.append(j)
    reads_written = demand in ("date", "time") if demand is not None else detects
    times = _pointed_times(texts, unsure, demand) if reads_written else {}
    if not times:
        strange = [texts[j] for j in candidates if j not in found and counts[j]]
        order = order or _order_among(strange, demand)
        for j in unsure:
            if order is not None and (ticks := ticks_in(texts[j], order)) is not None:
                found[j] = Moment("date", ticks)
    written = dict[str, str]()
    for j, (moment, notation) in (
        (times or _written_among(texts, others, demand, name)).items() if reads_written else ()
    ):
        found[j] = moment
        if counts[j]:
            written.setdefault(notation.name, given[j])
    still_unsure = tuple(j for j in unsure if j not in found)
    other_digits = next((j for j in found if texts[j] != given[j] and counts[j]), None)
    return Moments(found, order if unsure and not times else None, still_unsure, written, other_digits)


def _order_among(strange: Sequence[str], demand: str | None) -> Order | None:
    """Return the order of the day-month dates among the strings of a column that are no ISO 8601.

    A date with a year of two digits (1.12.10) may be a version: it counts only where all strings are such dates.
    """
    dates = [text for text in strange if is_day_and_month(text)]
    if demand is None and any(map(has_short_year, dates)):
        others = [text for text in strange if not is_day_and_month(text) and not means_missing(text, CERTAIN)]
        if others or len(dates) < FEWEST_SHORT:
            return None
    return order_in(dates)


def _pointed_times(
    texts: Sequence[str], unsure: Sequence[int], demand: str | None
) -> dict[int, tuple[Moment, Written]]:
    """Return the moments of times such as 18.00.00, none if every one of them may be a date such as 18.05.23."""
    if demand == "date" or not unsure or not all(POINTED_TIME.pattern.fullmatch(texts[j]) for j in unsure):
        return {}
    if demand is None and all(is_possible(texts[j]) for j in unsure):
        return {}
    read = {j: moment for j in unsure if (moment := written_in(texts[j], POINTED_TIME))}
    return read if demand is not None or len(read) == len(unsure) else {}


def _written_among(
    texts: Sequence[str], others: Sequence[int], demand: str | None, name: str
) -> dict[int, tuple[Moment, Written]]:
    """Return the moments of strings in other notations; a sample comes first, so that other texts cost little."""
    step = max(len(others) // LOOKED_AT, 1)
    sample = others[::step]
    if demand is None and step > 1 and sum(written_in(texts[j]) is not None for j in sample) < WORTH * len(sample):
        return {}
    read, notation = dict[int, tuple[Moment, Written]](), WRITTEN[0]
    for j in others:
        if (moment := written_in(texts[j], notation)) is not None:
            read[j], notation = moment, moment[1]
    if demand is not None:
        return read
    is_chance = _are_coarse_by_chance([texts[j] for j in read], read.values()) or _are_numbered(name, read.values())
    return {} if is_chance else read


def _are_coarse_by_chance(texts: Sequence[str], moments: Collection[tuple[Moment, Written]]) -> bool:
    """Whether strings read as months are too few, are seasons such as 2010-11, 2011-12, or number something: Gen 10."""
    names = {notation.name for _, notation in moments}
    if names == {MONTH_AND_YEAR}:
        words = {text.rstrip("0123456789' .-/,").lower() for text in texts if text[-3:-2] not in "0123456789"}
        return len(words) == 1 and len(texts) > 1
    return names == {YEAR_AND_MONTH} and (len(texts) < FEWEST_MONTHS or all(map(_is_season, texts)))


def _are_numbered(name: str, moments: Collection[tuple[Moment, Written]]) -> bool:
    """Whether strings such as 2024-032 number something within a year: whole days, in a column not called a date."""
    is_ordinal = {notation.name for _, notation in moments} == {ORDINAL}
    return is_ordinal and not says_moment(name) and all(moment.microseconds % DAY == 0 for moment, _ in moments)


def _is_season(text: str) -> bool:
    """Whether the second number is the year after the first one: 2010-11."""
    first, _, second = text.replace("/", "-").partition("-")
    return len(first) == 4 and len(second) == 2 and (int(first) + 1) % 100 == int(second)
