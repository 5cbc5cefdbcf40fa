"""Column reading: numbers in everyday notations and words for missing among the classified strings of a column.

Takes the classification of a column by ``text_classification``; returns it with the strings that the column's notation
makes numbers, and those that mean "no value" beside them. ``kinds`` decides the kind of the column.
"""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.distinct import distinct_values
from backpass.table.columns.rules import Rules
from backpass.table.columns.text_classification import (
    DATE,
    INFINITE,
    MISSING,
    NUMERIC,
    TEXT,
    TIME,
    TextClassification,
)
from backpass.table.datetimes.name_evidence import are_ratios
from backpass.table.datetimes.span import span_in
from backpass.table.messages import counted, listed, shown
from backpass.table.notation.agreement import NOTHING, Agreement, agreement_of
from backpass.table.notation.boolean import truth_in
from backpass.table.notation.notations import notations_of
from backpass.table.notation.number import currency_of, is_padded, number_in, text_of
from backpass.table.notation.numeral import thousands_sign
from backpass.table.notation.reading import NumberReading
from backpass.table.notation.words import means_missing, words_among
from backpass.table.presentation.scripts import has_other_digits
from backpass.table.table import CategoricalColumn

NUMBER_SHARE = 0.9  # share of numbers (or dates, or times) from which other values are taken for mistakes
MOSTLY = 0.5  # share of numbers from which a column kept as text is worth a note
CERTAIN = 1000  # stands for the number of different values where the kind of the column is required
FEW_OTHERS = 5  # different values beside numbers that may all be words for "no value"
ADVISED = 4  # one part in so many of them from which the most frequent one may be such a word
VALUES = {"number": (NUMERIC, INFINITE), "date": (DATE,), "time": (TIME,)}
TWO_SIGNS = "some numbers have a decimal point and others a decimal comma: write all of them with one sign"
KEEP_WORDS = "--no-missing-detection keeps them as categories"


def with_reading(name: str, classified: TextClassification, rules: Rules) -> TextClassification:
    """Return the classification with the numbers of the column's notation, and with its words for missing."""
    there = np.flatnonzero((classified.counts > 0) & (classified.types == TEXT)).tolist()
    words = [there[k] for k in words_among([classified.texts[j] for j in there])]
    agreement = _agreement(name, classified, rules, words)
    if agreement.reading is not None:
        classified = _read(classified, agreement.reading)
    return _with_gaps(replace(classified, agreement=agreement), rules, words, is_required=rules.kinds is not None)


def with_gaps_beside_dates(classified: TextClassification, rules: Rules) -> TextClassification:
    """Return the classification with words for missing beside numbers that turned out to be dates or times: 01.2024."""
    there = np.flatnonzero((classified.counts > 0) & (classified.types == TEXT)).tolist()
    words = [there[k] for k in words_among([classified.texts[j] for j in there])]
    return _with_gaps(classified, rules, words, is_required=False)


def with_truths(name: str, classified: TextClassification, notes: list[str]) -> TextClassification:
    """Return the classification with booleans as the numbers 0 and 1, with a note."""
    types, numbers, read = classified.types.copy(), classified.numbers.copy(), list[str]()
    for j in np.flatnonzero((types == TEXT) & (classified.counts > 0)).tolist():
        if (truth := truth_in(classified.texts[j])) is not None:
            types[j], numbers[j] = NUMERIC, float(truth)
            read.append(f"{shown(classified.texts[j])} is read as {int(truth)}")
    notes += [f"column {shown(name)}: {listed(sorted(read))}"] if read else []
    return replace(classified, types=types, numbers=numbers)


def _agreement(name: str, classified: TextClassification, rules: Rules, words: Sequence[int]) -> Agreement:
    """Return the notation that the column requires, or the one that its strings agree on."""
    if rules.kinds is None:
        agreement = _agreed(classified, rules, words)
        if agreement.reading is None or not agreement.reading.is_duration:
            return agreement
        spans = [text for text in classified.texts if span_in(text) is not None]
        return NOTHING if are_ratios(name, spans) else agreement
    there = [text for text, type_ in zip(classified.texts, classified.types, strict=True) if type_ in (NUMERIC, TEXT)]
    reading = rules.reading_of(name)
    if reading is None and rules.kinds[name] == "numeric" and any(map(has_other_digits, there)):
        reading = NumberReading(rules.decimal)
    if reading is None:
        return NOTHING
    if rules.fixed_decimal:
        return Agreement(replace(reading, decimal=rules.decimal), {}, {})
    return Agreement(_with_own_decimal(reading, there), {}, {})


def _agreed(classified: TextClassification, rules: Rules, words: Sequence[int]) -> Agreement:
    """Return the agreement of the strings that are there; none if all are plain numbers, or dates are among them.

    Times of day may be among durations, but not among other numbers. ``words`` are the indices of those that may mean
    "no value".
    """
    there = classified.counts > 0
    if classified.is_percent or classified.rows_of(DATE):
        return NOTHING
    is_plain = not (there & (classified.types == TEXT)).any()
    if is_plain and not (_are_amounts(classified) or thousands_sign(compress(classified.texts, there))):
        return NOTHING
    of_numbers = there & classified.are(NUMERIC, TIME, TEXT)
    of_numbers[words] = False
    held = np.flatnonzero(of_numbers).tolist()
    texts, rows = [classified.texts[j] for j in held], classified.counts[held].tolist()
    agreement = agreement_of(texts, rows, rules.decimal, is_fixed=rules.fixed_decimal)
    if is_plain and (agreement.reading is None or agreement.reading.decimal == rules.decimal):
        return NOTHING
    if agreement.reading is not None and agreement.reading.is_duration:
        return agreement if rules.detect_dates else NOTHING
    if classified.rows_of(TIME):
        return replace(NOTHING, dispute=agreement.dispute)
    rows_read, has_notation = sum(agreement.shapes.values()), agreement.reading != NumberReading(rules.decimal)
    is_better = rows_read > classified.rows_of(NUMERIC) or (rows_read == classified.rows_of(NUMERIC) and has_notation)
    return agreement if is_better else replace(NOTHING, dispute=agreement.dispute)


def _are_amounts(classified: TextClassification) -> bool:
    """Whether the numbers are amounts with a currency, whose points may separate thousands: €1.019 beside €959."""
    held = np.flatnonzero((classified.types == NUMERIC) & (classified.counts > 0))
    return bool(len(held)) and bool(currency_of(classified.texts[held[0]]))


def _with_own_decimal(reading: NumberReading, texts: Sequence[str]) -> NumberReading:
    """Return the reading with the other decimal sign if only that reads every string."""
    other = replace(reading, decimal="," if reading.decimal == "." else ".")
    if all(reading.number(text) is not None for text in texts):
        return reading
    return other if all(other.number(text) is not None for text in texts) else reading


def _read(classified: TextClassification, reading: NumberReading) -> TextClassification:
    types, numbers = classified.types.copy(), classified.numbers.copy()
    read = (NUMERIC, TEXT, TIME) if reading.is_duration else (NUMERIC, TEXT)
    for j in np.flatnonzero(classified.are(*read)).tolist():
        number = reading.number(classified.texts[j])
        numbers[j] = math.nan if number is None else number
        types[j] = TEXT if number is None else NUMERIC if math.isfinite(number) else INFINITE
    return replace(classified, types=types, numbers=numbers)


def _with_gaps(
    classified: TextClassification, rules: Rules, words: Sequence[int], *, is_required: bool
) -> TextClassification:
    """Return the classification with strings as missing that mean "no value" beside numbers, dates or times."""
    texts, reading, candidates = classified.texts, classified.reading, words if rules.detect_missing else []
    if reading is not None:  # a word may stand beside the unit
        there = np.flatnonzero((classified.counts > 0) & (classified.types == TEXT)).tolist()
        candidates = [j for j in there if _is_gap(texts[j], reading, CERTAIN, rules)]
    if not candidates:
        return classified
    for types in ((NUMERIC, INFINITE), (DATE,), (TIME,)):
        held = classified.are(*types) & (classified.counts > 0)
        values = classified.numbers[held] if NUMERIC in types else classified.microseconds[held]
        distinct = CERTAIN if is_required else len(distinct_values(values))
        gaps = [j for j in candidates if _is_gap(texts[j], reading, distinct, rules)]
        others = classified.rows_of(NUMERIC, INFINITE, DATE, TIME, TEXT) - int(classified.counts[gaps].sum())
        is_such = is_required or classified.rows_of(*types) >= NUMBER_SHARE * others
        if gaps and is_such and not (NUMERIC in types and _has_codes(classified)):
            missing = classified.types.copy()
            missing[gaps] = MISSING
            rows = Counter[str]()
            for j in gaps:
                rows[texts[j]] += int(classified.counts[j])
            return replace(classified, types=missing, gaps=dict(rows))
    return classified


def _is_gap(text: str, reading: NumberReading | None, distinct: int, rules: Rules) -> bool:
    """Whether a string means "no value", alone or with the unit of the column: ``null kg``, ``kg``, ``€ -``.

    A unit that the user declares as missing makes the numbers in that unit missing.
    """
    bare = text if reading is None else reading.without_unit(text)
    if rules.detect_missing and (means_missing(bare, distinct) or (bare != text and bare in rules.missing.tokens)):
        return True
    return reading is not None and reading.other_unit(text) in rules.missing.always - {""}


def _has_codes(classified: TextClassification) -> bool:
    """Whether some numbers have leading zeros, so that the column is text."""
    return classified.reading is None and any(map(is_padded, classified.of_type(NUMERIC)))


def agreement_among(column: CategoricalColumn) -> Agreement:
    """Return what the categories of a column would agree on if they were numbers."""
    return agreement_of(column.levels, column.counts().tolist(), ".") if column.levels else NOTHING


def numbers_among(column: CategoricalColumn) -> NDArray[np.bool_]:
    """Return which categories read as numbers, in the notation that most of them share, bool (levels,)."""
    reading = agreement_among(column).reading
    readers = [number_in] if reading is None else [number_in, reading.number]
    return np.array([any(read(text) is not None for read in readers) for text in column.levels], dtype=np.bool_)


def gap_note(name: str, gaps: Mapping[str, int]) -> str:
    """Return the note on strings that count as missing because of the rest of the column."""
    return f"column {shown(name)}: missing values are written as {_with_rows(gaps)}; {KEEP_WORDS}"


def notation_note(name: str, classified: TextClassification, reading: NumberReading) -> str:
    """Return the note on a column of numbers in everyday notations."""
    shapes = classified.agreement.shapes
    telling = max(shapes, key=lambda shape: (len(notations_of(reading, {shape: 1})), shapes[shape]))
    example, names = classified.agreement.examples[telling], notations_of(reading, shapes)
    if not names:  # spaces only: name a string that has them
        odd = (text for text in classified.texts if number_in(text) is None and reading.number(text) is not None)
        example = next(odd, example)
    what = f"column {shown(name)}: {shown(example)} is read as {text_of(reading.number(example) or 0.0)}"
    return f"{what} ({'; '.join(names)})" if names else what


def text_notes(name: str, classified: TextClassification, decimal: str) -> list[str]:
    """Return the note on a column that is kept as text although most of its values are numbers, dates or times."""
    if classified.agreement.dispute:
        return [f"column {shown(name)} holds {classified.agreement.dispute}: kept as categories"]
    rows_of = {noun: classified.rows_of(*types) for noun, types in VALUES.items()}
    noun = max(rows_of, key=lambda each: rows_of[each])
    values, others = rows_of[noun], classified.rows_of(NUMERIC, INFINITE, DATE, TIME, TEXT) - rows_of[noun]
    if not values or values < MOSTLY * (values + others):
        return []
    rows = Counter[str]()
    is_other = classified.are(NUMERIC, INFINITE, DATE, TIME, TEXT) & ~classified.are(*VALUES[noun])
    for j in np.flatnonzero(is_other).tolist():
        rows[classified.texts[j]] += int(classified.counts[j])
    most = dict(rows.most_common())
    what = f"{counted(values, noun)} and {counted(others, 'other value')}, such as {_with_rows(most)}"
    first = next(iter(most))
    if noun == "time" and any(map(str.isdigit, first)):  # 1:40 beside 1:160
        return []
    advice = f"--missing {shlex.quote(first)} makes that value missing"
    sign = decimal if classified.reading is None else classified.reading.decimal
    if noun == "number" and are_of_other_sign([*most], sign):
        advice = TWO_SIGNS
    elif any(map(str.isdigit, first)) or (
        len(most) > FEW_OTHERS and ADVISED * most[first] < others
    ):  # values, no words
        advice = "if the others are numbers or dates, write all of them alike"
    return [f"column {shown(name)} holds {what}: kept as categories; {advice}"]


def are_of_other_sign(texts: Sequence[str], decimal: str) -> bool:
    """Whether strings are numbers with the other decimal sign than the column's.

    >>> are_of_other_sign(["57,25", "3,5"], "."), are_of_other_sign(["57,25", "-"], ".")
    (True, False)
    """
    other = "," if decimal == "." else "."
    return all(other in text and number_in(text, other) is not None for text in texts)


def _with_rows(rows: Mapping[str, int]) -> str:
    """Return strings with their rows: '-' (12 rows), '#N/A' (1 row)."""
    return listed([f"{shown(text)} ({counted(count, 'row')})" for text, count in rows.items()])
