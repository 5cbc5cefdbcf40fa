"""Suspected dates: dates such as 9999-12-31 or 1900-01-01 that probably stand for "no value".

Takes the dates of a column; returns notes. Such a date is never removed: ``notation.sentinel`` has the
rule for isolation and count, here in days.
"""

from __future__ import annotations

import datetime
import shlex

import numpy as np
from numpy.typing import NDArray

from backpass.table.columns.text_classification import DATE, TextClassification
from backpass.table.datetimes.timestamp import DAY, timestamp_texts
from backpass.table.files.database import identifier
from backpass.table.messages import counted, shown
from backpass.table.notation.sentinel import suspected_sentinels

_EPOCH = datetime.date(1970, 1, 1)
CALENDARS = {"Persian or Islamic": range(1330, 1461), "Buddhist": range(2440, 2601)}
"""Years of another calendar that correspond to those from 1900 to about 2050."""
_WRITTEN = """
    0001-01-01 1753-01-01 1899-12-30 1899-12-31 1900-01-01 1901-01-01 1970-01-01 2079-06-06 2099-12-31 2199-12-31
    2999-12-31 3000-01-01 9999-01-01 9999-12-30 9999-12-31
"""
DAYS = frozenset(float((datetime.date.fromisoformat(date) - _EPOCH).days) for date in _WRITTEN.split())
"""First and last dates of programs, in days since 1970."""


def calendar_notes(name: str, microseconds: NDArray[np.int64]) -> list[str]:
    """Return a note on dates that all lie in years of now, but of another calendar.

    Args:
        name: Name of the column.
        microseconds: The dates of its rows, without missing ones.

    >>> calendar_notes("d", np.array([-17975692800000000]))[0].partition(":")[0]
    "column 'd' holds dates of the years 1400 to 1400, as in the Persian or Islamic calendar"
    """
    if not len(microseconds):
        return []
    ends = np.array([microseconds.min(), microseconds.max()])
    first, last = (ends // DAY).astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    calendar = next((each for each, years in CALENDARS.items() if first in years and last in years), "")
    what = f"column {shown(name)} holds dates of the years {first} to {last}, as in the {calendar} calendar"
    return [f"{what}: they are read as Gregorian dates; convert them"] if calendar else []


def suspicions(name: str, classified: TextClassification) -> list[str]:
    """Return notes on the dates of a column of strings that may stand for "no value"."""
    held = np.flatnonzero((classified.types == DATE) & (classified.counts > 0))
    return suspicions_among(name, np.repeat(classified.microseconds[held], classified.counts[held]), classified)


def suspicions_among(
    name: str, microseconds: NDArray[np.int64], classified: TextClassification | None = None
) -> list[str]:
    """Return notes on dates that may stand for "no value".

    Args:
        name: Name of the column.
        microseconds: The dates of its rows, without missing ones.
        classified: The strings, whose spelling the notes then quote.
    """
    days = (microseconds // DAY).astype(np.float64)
    if not len(days) or not DAYS & {float(days.min()), float(days.max())}:
        return []
    notes = []
    for found in suspected_sentinels(days, DAYS):
        value, low, high = timestamp_texts(
            np.array([found.value, found.low, found.high]).astype(np.int64) * DAY, "date"
        )
        text = str(value) if classified is None else _spelling(classified, found.value)
        hint = f"if it means missing: {_hint(name, text) if classified is None else f'--missing {shlex.quote(text)}'}"
        others = f"all others lie between {low} and {high}"
        notes.append(f"column {shown(name)} holds {text} in {counted(found.rows, 'row')}, {others}; {hint}")
    return notes


def _spelling(classified: TextClassification, day: float) -> str:
    held = np.flatnonzero((classified.types == DATE) & (classified.counts > 0))
    return classified.texts[int(held[np.flatnonzero(classified.microseconds[held] // DAY == int(day))[0]])]


def _hint(name: str, text: str) -> str:
    """Return the query that makes a date of a typed source missing."""
    column = identifier(name)
    where = f"CASE WHEN CAST({column} AS DATE) <> DATE '{text}' THEN {column} END"
    return f"--query {shlex.quote(f'SELECT * REPLACE ({where} AS {column}) FROM data')}"
