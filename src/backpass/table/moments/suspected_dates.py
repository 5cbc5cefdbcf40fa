"""Suspected dates: dates such as 9999-12-31 or 1900-01-01 that probably stand for "no value".

Takes the classified strings of a column; returns notes. Such a date is never removed: ``notation.sentinel`` has the
rule for isolation and count, here in days.
"""

from __future__ import annotations

import datetime
import shlex

import numpy as np

from backpass.table.columns.text_classification import DATE, TextClassification
from backpass.table.messages import counted, shown
from backpass.table.moments.timestamp import DAY, moment_texts
from backpass.table.notation.sentinel import suspected_sentinels

_EPOCH = datetime.date(1970, 1, 1)
_WRITTEN = """
    0001-01-01 1753-01-01 1899-12-30 1899-12-31 1900-01-01 1901-01-01 1970-01-01 2079-06-06 2099-12-31 2199-12-31
    2999-12-31 3000-01-01 9999-01-01 9999-12-30 9999-12-31
"""
DAYS = frozenset(float((datetime.date.fromisoformat(date) - _EPOCH).days) for date in _WRITTEN.split())
"""First and last dates of programs, in days since 1970."""


def suspicions(name: str, judged: TextClassification) -> list[str]:
    """Return notes on the dates of a column that may stand for "no value"."""
    held = np.flatnonzero((judged.sorts == DATE) & (judged.counts > 0))
    days = (judged.microseconds[held] // DAY).astype(np.float64)
    if not len(days) or not DAYS & {float(days.min()), float(days.max())}:
        return []
    notes = []
    for found in suspected_sentinels(np.repeat(days, judged.counts[held]), DAYS):
        text = judged.texts[held[np.flatnonzero(days == found.value)[0]]]
        low, high = moment_texts(np.array([found.low, found.high]).astype(np.int64) * DAY, "date")
        others = f"all others lie between {low} and {high}"
        hint = f"if it means missing: --missing {shlex.quote(text)}"
        notes.append(f"column {shown(name)} holds {text} in {counted(found.rows, 'row')}, {others}; {hint}")
    return notes
