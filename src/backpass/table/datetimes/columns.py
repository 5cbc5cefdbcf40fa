"""Columns of counted datetimes: columns of numbers that are dates or times, converted with what a message says of them.

Takes the numbers of a column, or its classified strings; returns timestamps. ``counted`` has the notations.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backpass.table.columns.raw import RawNumbers, RawStrings, extent_of
from backpass.table.columns.rules import Rules
from backpass.table.columns.text_classification import (
    DATE,
    MISSING,
    NUMERIC,
    TIME,
    TYPE_OF,
    TextClassification,
)
from backpass.table.datetimes.counted import (
    PLACEHOLDERS,
    Counted,
    counted_in,
    counted_in_padded,
    counted_without_evidence,
    likely_notations,
    serial_beside,
)
from backpass.table.datetimes.day_month import Order, has_short_year, is_day_and_month
from backpass.table.datetimes.strings import with_common_signs, without_weekday
from backpass.table.datetimes.timestamp import NAT, timestamp_texts
from backpass.table.datetimes.written import TURN, WRITTEN
from backpass.table.messages import ErrorList, counted, plural, rows_listed, shown
from backpass.table.notation.number import is_padded, text_of
from backpass.table.presentation.scripts import with_ascii_digits
from backpass.table.presentation.spaces import with_plain_spaces
from backpass.table.table import DatetimeColumn, Kind

KEEP_NUMBERS = "--no-date-detection keeps it as numbers"
KEEP_TEXTS = "--no-date-detection keeps it as categories"
SHORT_YEARS = (
    f"years 00 to {TURN - 1} are 2000 to {2000 + TURN - 1}, {TURN} to 99 are {1900 + TURN} to 1999; {KEEP_TEXTS}"
)
BY_NAME = {each.name: each for each in WRITTEN}


def notation_of(name: str, values: NDArray[np.float64], extent: tuple[float, float], rules: Rules) -> Counted | None:
    """Return the notation in which the numbers of a column are dates or times; None if they are numbers.

    Args:
        name: Name of the column.
        values: Its numbers (n,), NaN where missing.
        extent: The smallest and the largest of them.
        rules: What is required of the column.
    """
    if (counted := rules.counted_of(name)) is not None:
        return counted
    required = rules.required_kind(name)
    if required is None and rules.detect_dates:
        return counted_in(name, values, extent)
    return counted_without_evidence(values) if required == "date" else None


def counted_column(
    raw: RawNumbers, notation: Counted, rules: Rules, errors: ErrorList, notes: list[str]
) -> DatetimeColumn:
    """Convert a column of numbers in a notation; numbers that are not dates or times are errors."""
    placeholders = PLACEHOLDERS.get(notation.key, ())
    there = ~np.isnan(raw.values) & ~np.isin(raw.values, (*rules.missing.values, *placeholders))
    microseconds = np.where(there, notation.microseconds(np.where(there, raw.values, np.nan)), NAT)
    wrong = np.flatnonzero(there & (microseconds == NAT))
    if len(wrong):
        rows = rows_listed(wrong + 1 + rules.before)
        what = f"{counted(len(wrong), 'number')} ({text_of(float(raw.values[wrong[0]]))} {rows})"
        text = (
            f"column {shown(raw.name)}: {what}; expected {plural(notation.kind)} such as {text_of(notation.cells[0])}"
        )
        errors.add(text, f"if it means missing: --missing {text_of(float(raw.values[wrong[0]]))}")
    elif there.any():
        first = int(np.flatnonzero(there)[0])
        example = text_of(float(raw.values[first]))
        notes += (
            [_counted_note(raw.name, notation, example, microseconds[first])]
            if rules.counted_of(raw.name) is None
            else []
        )
        gone = int(np.count_nonzero(np.isin(raw.values, placeholders)))
        notes += [_placeholder_note(raw.name, gone, placeholders)] if gone and rules.kinds is None else []
    return DatetimeColumn(raw.name, microseconds, notation.kind, notation=notation.key)


def with_counted(raw: RawStrings, classified: TextClassification, rules: Rules) -> TextClassification:
    """Return the classification with numbers as dates or times, if the column is one of counted datetimes.

    Strings that are dates in another notation may stand beside them if the kind of the column is required.
    """
    of_numbers = (classified.types == NUMERIC) & (classified.counts > 0)
    if (
        classified.reading is not None
        or classified.is_percent
        or not of_numbers.any()
        or rules.required_kind(raw.name) == "numeric"
    ):
        return classified
    is_free = rules.required_kind(raw.name) is None
    values = rules.missing.as_gaps(classified.numbers[of_numbers])
    values = values[~np.isnan(values)]
    extent = extent_of(values)
    if is_free and not likely_notations(raw.name, values, extent):
        return classified
    texts = classified.of_type(NUMERIC)
    padded = any(is_padded(text) and text.strip("0") for text in texts)
    lengths = {*map(len, texts)}
    if is_free and (raw.is_category or (padded and len(lengths) > 1) or classified.rows_of(TIME)):
        return classified
    if is_free and classified.rows_of(DATE):
        dates = classified.microseconds[classified.are(DATE) & (classified.counts > 0)]
        notation = serial_beside(values, dates) if rules.detect_dates else None
    elif is_free and padded:
        notation = counted_in_padded(raw.name, values, lengths.pop()) if rules.detect_dates else None
    else:
        notation = notation_of(raw.name, values, extent, rules)
    if notation is None:
        return classified
    types = classified.types.copy()
    types[of_numbers & np.isin(classified.numbers, PLACEHOLDERS.get(notation.key, ()))] = MISSING
    microseconds = notation.microseconds(np.where(of_numbers, classified.numbers, np.nan))
    read = of_numbers & (microseconds != NAT) & (types != MISSING)
    types[read] = TYPE_OF[notation.kind]
    return replace(
        classified, types=types, microseconds=np.where(read, microseconds, classified.microseconds), counted=notation
    )


def datetime_notes(name: str, classified: TextClassification, kind: Kind) -> list[str]:
    """Return the notes on the notations of a column of strings that are dates or times."""
    found = []
    if classified.counted is not None:
        of_numbers = (classified.types == TYPE_OF[classified.counted.kind]) & ~np.isnan(classified.numbers)
        j = int(np.flatnonzero(of_numbers & (classified.counts > 0))[0])
        found.append(_counted_note(name, classified.counted, classified.texts[j], classified.microseconds[j]))
    for notation, example in classified.datetimes.written.items():
        if BY_NAME[notation].kind == kind:
            value = _iso(classified.microseconds[classified.texts.index(example)], kind)
            found.append(f"column {shown(name)}: {shown(example)} is read as {value} ({notation}); {KEEP_TEXTS}")
    if not found and (k := classified.datetimes.other_digits) is not None:
        value = _iso(classified.microseconds[k], kind)
        found.append(
            f"column {shown(name)}: {shown(classified.texts[k])} is read as {value} (digits of another script)"
        )
    return [
        *found,
        *(
            [_order_note(name, classified, classified.datetimes.order)]
            if kind == "date" and classified.datetimes.order
            else []
        ),
    ]


def _order_note(name: str, classified: TextClassification, order: Order) -> str:
    """Return the note on dates that were read in an order of day, month and year."""
    plain = {
        text: with_ascii_digits(with_common_signs(with_plain_spaces(without_weekday(text))))
        for text in classified.of_type(DATE)
    }
    dates = [text for text, bare in plain.items() if is_day_and_month(bare)]
    short = [text for text in dates if has_short_year(plain[text])]
    what = f"column {shown(name)} has dates such as {shown((short or dates)[0])}: read {order.replace('_', ' ')}"
    return f"{what}; {SHORT_YEARS}" if short else what


def _counted_note(name: str, notation: Counted, example: str, timestamp: np.int64) -> str:
    return (
        f"column {shown(name)}: {example} is read as {_iso(timestamp, notation.kind)} ({notation.name}); {KEEP_NUMBERS}"
    )


def _placeholder_note(name: str, rows: int, placeholders: tuple[float, ...]) -> str:
    numbers = " and ".join(text_of(each) for each in placeholders)
    return f"column {shown(name)}: {numbers} count as missing ({counted(rows, 'row')})"


def _iso(timestamp: np.int64, kind: Kind) -> str:
    return str(timestamp_texts(np.array([timestamp]), "date" if kind == "date" else "time")[0])
