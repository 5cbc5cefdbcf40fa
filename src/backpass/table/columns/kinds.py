"""Column kinds: decide over all rows whether a raw column is numeric, categorical, date or time, and convert it.

Without a required kind, a column is categorical if a number has leading zeros (00123 is a code); numeric if all values
are numbers; an error if at least 90% are numbers, because the rest are probably mistakes; and categorical otherwise.
Dates and times follow the 90% rule, too. Strings of a typed source (``RawStrings.typed``) are categorical unless all
of them are dates or all are times. With a required kind (from the user or the model), values that cannot be converted
are an error. ``reading`` reads files; ``missing`` defines which tokens mean missing.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, compress
from operator import ne
from typing import cast

import numpy as np
from numpy.typing import NDArray

from backpass.table.columns.codes import are_article_numbers, code_among, doubtful_number
from backpass.table.columns.column_reading import (
    NUMBER_SHARE,
    TWO_SIGNS,
    are_of_other_sign,
    gap_note,
    notation_note,
    text_notes,
    with_gaps_beside_dates,
    with_reading,
    with_truths,
)
from backpass.table.columns.raw import (
    RawColumn,
    RawDatetimes,
    RawNumbers,
    RawStrings,
    datetimes_as_texts,
    extent_of,
    lost_digits,
    numbers_as_texts,
)
from backpass.table.columns.rules import Rules
from backpass.table.columns.spellings import BOOLEANS, LONGEST_BOOLEAN, Spelling, with_one_spelling
from backpass.table.columns.text_classification import (
    DATE,
    INFINITE,
    MAYBE,
    MISSING,
    NUMERIC,
    TEXT,
    TIME,
    TextClassification,
    judge,
    rows_holding,
)
from backpass.table.datetimes.columns import counted_column, datetime_notes, notation_of, with_counted
from backpass.table.datetimes.day_month import Order, are_versions
from backpass.table.datetimes.suspected_dates import calendar_notes, suspicions, suspicions_among
from backpass.table.datetimes.timestamp import DAY, FAR_DATES, FIRST, LAST, NAT, DatetimeKind
from backpass.table.messages import Cell, ErrorList, counted, listed, plural, rows_listed, shown
from backpass.table.notation.boolean import are_truths
from backpass.table.notation.notations import notations_of
from backpass.table.notation.number import (
    WHOLE_LIMIT,
    currency_of,
    is_amount,
    is_padded,
    number_in,
    text_of,
    without_percent,
)
from backpass.table.notation.reading import NumberReading
from backpass.table.notation.sentinel import SUSPECTED, Suspected, suspected_sentinels
from backpass.table.notation.vocabulary import PERCENTS
from backpass.table.presentation.columns import without_presentation
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, Kind, NumericColumn

NAMED_TEXTS = 3  # mismatched values that a message names
TYPES: dict[Kind, tuple[int, ...]] = {"numeric": (NUMERIC, INFINITE), "date": (DATE,), "time": (TIME,)}
WRITTEN: dict[Kind | Order, str] = {
    "date": "2024-12-31 or 2024-12-31T23:59:59",
    "time": "23:59 or 23:59:59",
    "day_first": "31.12.2024, or 2024-12-31",
    "month_first": "12/31/2024, or 2024-12-31",
    "year_first": "24-12-31, or 2024-12-31",
}


def infer_column(raw: RawColumn, rules: Rules, errors: ErrorList, notes: list[str]) -> Column:
    """Convert a raw column to a typed one.

    Args:
        raw: The column as read.
        rules: Required kinds, missing tokens and formats.
        errors: Collects errors.
        notes: Collects messages about the conversion.

    >>> from backpass.table.notation.missing import Missing
    >>> from backpass.table.columns.raw import coded
    >>> rules = Rules(missing=Missing.of(("NA",)))
    >>> infer_column(coded("x", ["1", "NA", "2.5"], typed=False), rules, ErrorList("t"), []).values
    array([1. , nan, 2.5])
    """
    required = rules.required_kind(raw.name)
    if isinstance(raw, RawDatetimes):
        _report_far_dates(raw, rules.before, errors)
    if isinstance(raw, RawNumbers) and required != "categorical":
        return _of_numbers(raw, required, rules, errors, notes)
    if isinstance(raw, RawDatetimes) and required != "categorical":
        return _of_datetimes(raw, required, rules, errors, notes)
    if not isinstance(raw, RawStrings):
        raw = numbers_as_texts(raw, errors) if isinstance(raw, RawNumbers) else datetimes_as_texts(raw)
    as_text = judge(raw, rules)
    if required is None and as_text.are_words():  # most columns of categories
        return _text_column(raw, as_text, rules, notes)
    shown_raw = raw
    raw, presentation = (raw, None) if required == "categorical" else without_presentation(raw)
    as_values = as_text if raw is shown_raw else judge(raw, rules)
    classified = as_text if required == "categorical" else with_reading(raw.name, as_values, rules)
    if rules.allows_truths(raw.name):
        classified = with_truths(raw.name, classified, notes)
    classified = with_counted(raw, classified, rules)
    if required is None and classified.counted is not None and not classified.gaps:
        classified = with_gaps_beside_dates(classified, rules)
    kind = decide(raw, classified, required, rules.decimal, notes)
    if kind == "categorical":
        return _text_column(shown_raw, as_text, rules, notes)
    if presentation is not None and required is None:
        example, bare, what = presentation
        notes.append(f"column {shown(raw.name)}: {shown(example)} is read as {shown(bare)} (without {what})")
    _report_mismatches(raw, classified, kind, rules, errors)
    if classified.gaps:
        notes.append(gap_note(raw.name, classified.gaps))
    if kind == "numeric":
        numbers = np.concatenate([[np.nan], np.where(classified.types == MISSING, np.nan, classified.numbers)])
        values = rules.missing.as_gaps(numbers)[raw.codes]
        checked = _checked(raw.name, values, extent_of(values), rules, errors, notes)
        notation = (
            "; ".join(notations_of(classified.reading, classified.agreement.shapes)) if classified.reading else ""
        )
        lacks_unit = rules.expects_unit(raw.name) and not _has_unit(raw.name, classified, rules)
        notes += _currency_notes(raw.name, classified, rules, lacks_unit=lacks_unit)
        return replace(
            checked,
            is_percent=classified.is_percent,
            reading=classified.reading or _plain_reading(raw.name, classified, rules),
            notation=notation,
            lacks_unit=lacks_unit,
            bounds=_bounds(raw, classified),
        )
    _report_zones(raw, classified, kind, rules.before, errors)
    microseconds = np.concatenate([[NAT], np.where(classified.are(*TYPES[kind]), classified.microseconds, NAT)])
    datetimes = RawDatetimes(raw.name, microseconds[raw.codes], kind, bool(classified.zoned.any()))
    order = classified.datetimes.order if kind == "date" else None
    if required is None:
        notes += datetime_notes(raw.name, classified, kind)
        notes += calendar_notes(raw.name, microseconds[microseconds != NAT]) if kind == "date" else []
        notes += suspicions(raw.name, classified) if rules.detect_missing else []
    return replace(_datetimes(datetimes, notes, order), notation=classified.counted.key if classified.counted else "")


def _of_numbers(raw: RawNumbers, required: Kind | None, rules: Rules, errors: ErrorList, notes: list[str]) -> Column:
    values = rules.missing.as_gaps(raw.values)
    extent = extent_of(values)
    if not raw.is_duration and (notation := notation_of(raw.name, values, extent, rules)) is not None:
        return counted_column(raw, notation, rules, errors, notes)
    if required is None and not raw.is_duration and (code := _article_numbers(raw.name, raw.values)):
        notes.append(f"column {shown(raw.name)} holds {code}: kept as categories")
        texts = numbers_as_texts(raw, errors)
        return _text_column(texts, judge(texts, rules), rules, notes)
    if required not in ("date", "time"):
        if raw.is_duration and not np.isnan(raw.values).all():
            notes.append(f"column {shown(raw.name)} holds durations: read as numbers of seconds")
        checked = _checked(raw.name, values, extent, rules, errors, notes)
        lacks_unit = required is not None and rules.expects_unit(raw.name)
        notes += _currency_notes(raw.name, None, rules, lacks_unit=lacks_unit)
        reading = (rules.reading_of(raw.name) if required is not None else None) or _comma_reading(rules)
        if reading is not None and rules.kinds is None and (raw.values[np.isfinite(raw.values)] % 1.0 != 0.0).any():
            reading = None  # their decimal sign is the point
        return replace(checked, reading=reading, lacks_unit=lacks_unit) if reading or lacks_unit else checked
    if len(rows := np.flatnonzero(~np.isnan(raw.values)) + 1 + rules.before):
        _refuse_kind(raw.name, "durations" if raw.is_duration else "numbers", required, rows, errors)
    return DatetimeColumn(raw.name, np.full(len(raw.values), NAT), required)


def _of_datetimes(
    raw: RawDatetimes, required: Kind | None, rules: Rules, errors: ErrorList, notes: list[str]
) -> NumericColumn | DatetimeColumn:
    there = raw.microseconds != NAT
    if required is None and raw.kind == "date":
        notes += calendar_notes(raw.name, raw.microseconds[there])
        notes += suspicions_among(raw.name, raw.microseconds[there]) if rules.detect_missing else []
    if required == "numeric":  # models from before date support store dates as days
        days = raw.microseconds.astype(np.float64) / DAY
        return NumericColumn(raw.name, np.where(there, days, np.nan))
    if required not in (None, raw.kind) and there.any():
        _refuse_kind(raw.name, f"{raw.kind}s", required, np.flatnonzero(there) + 1 + rules.before, errors)
    return _datetimes(raw, notes)


def _report_far_dates(raw: RawDatetimes, before: int, errors: ErrorList) -> None:
    """Add an error if dates lie outside the calendar's range."""
    there = raw.microseconds != NAT
    if raw.kind == "date" and len(
        far := np.flatnonzero(there & ((raw.microseconds < FIRST) | (raw.microseconds > LAST))) + 1 + before
    ):
        errors.add(f"column {shown(raw.name)}: dates before year 1 or after 9999 in {rows_listed(far)}", FAR_DATES)


def _refuse_kind(name: str, found: str, required: Kind | None, rows: NDArray[np.intp], errors: ErrorList) -> None:
    hint = f"{plural(str(required))} are written {WRITTEN[cast(Kind, required)]}"
    errors.add(
        f"column {shown(name)} holds {found} ({rows_listed(rows)}), but the model needs {plural(str(required))} here",
        hint,
    )


def _datetimes(raw: RawDatetimes, notes: list[str], order: Order | None = None) -> DatetimeColumn:
    if raw.zoned:
        notes.append(f"column {shown(raw.name)} has time zones: its dates are taken in UTC")
    return DatetimeColumn(raw.name, raw.microseconds, raw.kind, order)


def decide(
    raw: RawStrings, classified: TextClassification, required: Kind | None, decimal: str, notes: list[str]
) -> Kind:
    """Return the kind of a column of strings."""
    if required is not None:
        return required
    there = classified.rows_of(NUMERIC, INFINITE, DATE, TIME, TEXT)
    if not there:
        return "numeric"  # only missing values: numeric for every source format
    for kind in ("date", "time"):
        share = classified.rows_of(*TYPES[kind]) / there
        if share == 1.0 or (share >= NUMBER_SHARE and not raw.typed):
            return kind
    ambiguous = list(classified.datetimes.ambiguous)
    if classified.counts[ambiguous].sum() >= NUMBER_SHARE * there and not are_versions(classified.of_type(TEXT)):
        example = f"column {shown(raw.name)} has dates such as {shown(classified.texts[ambiguous[0]])}"
        notes.append(f"{example}, and no row shows whether day or month comes first: kept as categories; --date-order")
    if raw.is_category or (raw.typed and _are_digits(classified)):
        return "categorical"
    is_duration = classified.reading is not None and classified.reading.is_duration
    numeric = classified.of_type(NUMERIC)
    padded = [text for text in numeric if is_padded(text)]
    if padded and not is_duration:
        notes.append(f"column {shown(raw.name)} has leading zeros ({shown(padded[0])}): kept as categories")
        return "categorical"
    numbers = classified.rows_of(NUMERIC, INFINITE)
    if not numbers or numbers < (1.0 if raw.typed else NUMBER_SHARE) * there:
        notes += text_notes(raw.name, classified, decimal)
        return "categorical"
    if classified.reading is not None:
        notes.append(notation_note(raw.name, classified, classified.reading))
        return "numeric"
    if numbers == there and (code := _code_of(raw.name, numeric, classified)):
        notes.append(f"column {shown(raw.name)} holds {code}: kept as categories")
        return "categorical"
    if not raw.typed and (doubt := doubtful_number(numeric)):
        notes.append(f"column {shown(raw.name)}: {doubt}; if they are codes: --categorical {shlex.quote(raw.name)}")
    if classified.is_percent:
        first = numeric[0]
        notes.append(f"column {shown(raw.name)} holds percentages: {shown(first)} is read as {without_percent(first)}")
        return "numeric"
    return _kind_of_amounts(raw.name, [text for text in numeric if is_amount(text, decimal)], notes)


def _code_of(name: str, texts: Sequence[str], classified: TextClassification) -> str:
    """Say which codes strings are that all are numbers; empty if they are numbers."""
    if found := code_among(name, texts):
        return found
    numbers = classified.numbers[(classified.types == NUMERIC) & (classified.counts > 0)]
    return _article_numbers(name, numbers)


def _article_numbers(name: str, values: NDArray[np.float64]) -> str:
    """Say that numbers (n,) are article numbers; empty if they are not."""
    if not are_article_numbers(name, values):
        return ""
    return f"article numbers (EAN, UPC, ISBN) such as {text_of(float(values[~np.isnan(values)][0]))}"


def _are_digits(classified: TextClassification) -> bool:
    """Whether the strings of a typed source are digits only, which it would store as numbers if they were meant so."""
    held = classified.of_type(NUMERIC, INFINITE, DATE, TIME, TEXT)
    has_tokens = any(classified.of_type(MISSING, MAYBE))
    is_plain = classified.reading in (None, NumberReading())
    return not has_tokens and is_plain and all(text.isdecimal() for text in held)


def _kind_of_amounts(name: str, amounts: Sequence[str], notes: list[str]) -> Kind:
    """Return "numeric" for amounts, with a note, or "categorical" if their currencies differ."""
    currencies = sorted({currency_of(text) for text in amounts} - {""})
    if len(currencies) > 1:
        notes.append(f"column {shown(name)} holds amounts in {' and '.join(currencies)}: kept as categories")
        return "categorical"
    if amounts:
        notes.append(f"column {shown(name)} is written as {shown(amounts[0])}: read as numbers")
    return "numeric"


def _text_column(raw: RawStrings, classified: TextClassification, rules: Rules, notes: list[str]) -> CategoricalColumn:
    """Return a categorical column with sorted categories.

    ``True`` and ``TRUE`` become ``true``, as booleans of typed sources do.
    """
    if rules.kinds is None and (maybe := classified.of_type(MAYBE)):
        kept = f"{shown(maybe[0])} is kept as a category ({counted(classified.rows_of(MAYBE), 'row')})"
        notes.append(f"column {shown(raw.name)}: {kept}; --missing {maybe[0]} makes it missing")
    if (
        rules.kinds is None
        and (gaps := _missing_among_booleans(classified, rules))
        and not are_truths(others := classified.of_type(NUMERIC, DATE, TIME, TEXT))
    ):
        example = listed(others, shown)
        notes.append(f"column {shown(raw.name)}: {listed(gaps, shown)} beside {example} counts as missing")
    lowered = [BOOLEANS.get(text, text) if len(text) <= LONGEST_BOOLEAN else text for text in classified.texts]
    keep = (classified.types != MISSING) & (classified.counts > 0)
    if rules.missing.values:
        keep &= ~np.isin(classified.numbers, rules.missing.values)
    merges_case = rules.kinds is None and rules.merge_case
    if rules.kinds is None and (rules.merge_spaces or merges_case):
        dialect = Spelling(spaces=rules.merge_spaces, case=merges_case)
        lowered = with_one_spelling(raw.name, lowered, np.where(keep, classified.counts, 0).tolist(), notes, dialect)
    # Long texts are compared, not hashed: their first characters mostly differ.
    order = sorted(np.flatnonzero(keep).tolist(), key=lowered.__getitem__)
    ascending = [lowered[j] for j in order]
    is_new = [True, *map(ne, ascending, ascending[1:])][: len(order)]
    levels = tuple(compress(ascending, is_new))
    mapped = np.zeros(len(lowered) + 1, dtype=np.int32)
    mapped[np.array(order, dtype=np.intp) + 1] = [*accumulate(is_new)]
    is_text = rules.declares_text(raw.name)
    is_text = False if is_text is None and raw.is_category else is_text
    return CategoricalColumn(raw.name, mapped[raw.codes], levels, merges_case, is_text)


def _missing_among_booleans(classified: TextClassification, rules: Rules) -> list[str]:
    """Return the ambiguous tokens (see ``missing.MAYBE_VALUES``) that are read as missing in this column."""
    return [text for text in classified.of_type(MISSING) if text in rules.missing.among_numbers]


def _report_mismatches(
    raw: RawStrings, classified: TextClassification, kind: Kind, rules: Rules, errors: ErrorList
) -> None:
    """Add an error if values do not fit the column's kind."""
    other_types = sorted({NUMERIC, INFINITE, DATE, TIME, TEXT} - set(TYPES[kind]))
    rows = {
        text: rows_holding(raw, classified, text) + rules.before
        for text in classified.of_type(*other_types)[:NAMED_TEXTS]
    }
    if not rows:
        return
    fitting, texts = classified.rows_of(*TYPES[kind]), classified.rows_of(*other_types)
    named = ", ".join(f"{shown(text)} {rows_listed(found)}" for text, found in rows.items())
    more = ", ..." if texts > sum(len(found) for found in rows.values()) else ""
    first = shown(next(iter(rows)))
    noun = plural(kind)
    count = f"{counted(fitting, noun[:-1])}, {counted(texts, 'other value')}"
    if rules.required_kind(raw.name) is not None:
        hint = f"the model needs {noun} here; if {first} means missing: --missing"
    else:
        hint = f"if {first} means missing: --missing; if the column is categorical: --categorical"
    if classified.reading is not None and (unit := classified.reading.other_unit(next(iter(rows)))):
        hint = f"write one unit; --missing {shown(unit)} makes the numbers in that unit missing"
    if classified.reading is not None and (currency := classified.reading.other_currency(next(iter(rows)))):
        hint = f"the amounts of the column are in {classified.reading.currency}: convert those in {currency}"
    sign = rules.sign_of(raw.name) if classified.reading is None else classified.reading.decimal
    if kind == "numeric" and are_of_other_sign([*rows], sign):
        hint = f"{TWO_SIGNS}; {hint}"
    if raw.name in rows:
        hint = f"{rows_listed(rows[raw.name])} holds the column name: is the header repeated there?; {hint}"
    if kind in ("date", "time"):
        order = rules.order_of(raw.name) if kind == "date" else None
        hint += f"; {kind}s are written {WRITTEN[order or kind]}"
        ambiguous = [classified.texts[j] for j in classified.datetimes.ambiguous if classified.counts[j]]
        if order is None and ambiguous:
            unclear = f"no row shows whether day or month comes first in {shown(ambiguous[0])}"
            hint = f"{unclear}: --date-order day_first (or month_first); {hint}"
    places = [row for found in rows.values() for row in found.tolist()]
    cell = Cell(places[0], raw.name, first, hint) if texts == len(places) == 1 else None
    errors.add(f"column {shown(raw.name)}: {count} ({named}{more})", hint, cell)


def _report_zones(
    raw: RawStrings, classified: TextClassification, kind: DatetimeKind, before: int, errors: ErrorList
) -> None:
    """Add an error if some dates have a time zone and others do not."""
    of_kind = classified.are(*TYPES[kind]) & (classified.counts > 0)
    bare = np.flatnonzero(of_kind & ~classified.zoned)
    if not (bare.size and (of_kind & classified.zoned).any()):
        return
    rows = np.flatnonzero(np.isin(raw.codes, bare + 1)) + 1 + before
    errors.add(f"column {shown(raw.name)}: some dates have a time zone, others have none ({rows_listed(rows)})")


def _checked(
    name: str,
    values: NDArray[np.float64],
    extent: tuple[float, float],
    rules: Rules,
    errors: ErrorList,
    notes: list[str],
) -> NumericColumn:
    """Return a numeric column: infinities are errors, lost digits and suspected numbers give a note."""
    low, high = extent
    if (low == -np.inf or high == np.inf) and (infinite := np.flatnonzero(np.isinf(values))).size:
        rows = rows_listed(infinite + 1 + rules.before)
        message = f"inf, or a number too large for float64, in column {shown(name)} {rows}"
        errors.add(message, "if it means missing: an empty field or NaN, or --missing inf")
    elif max(high, -low) >= WHOLE_LIMIT and lost_digits(values):
        lost = "whole numbers beyond 2^53, their last digits are lost; an identifier? --categorical"
        notes.append(f"column {shown(name)}: {lost}")
    elif rules.kinds is None and rules.detect_missing and (low in SUSPECTED or high in SUSPECTED):
        notes += [_suspicion(name, each) for each in suspected_sentinels(values)]
    return NumericColumn(name, values)


def _comma_reading(rules: Rules, *, is_percent: bool = False) -> NumberReading | None:
    """Return the reading of plain numbers in a file with decimal commas, where 1.234 is 1234; None in other files."""
    return NumberReading(",") if rules.kinds is None and rules.decimal == "," and not is_percent else None


def _plain_reading(name: str, classified: TextClassification, rules: Rules) -> NumberReading | None:
    """Return the reading of plain numbers and amounts, which names their currency and a decimal comma; None otherwise.

    ($5) is -5, as in ``number_in``.
    """
    if rules.kinds is None and not classified.is_percent:
        amounts = (text for text in classified.of_type(NUMERIC) if is_amount(text, rules.decimal))
        if currency := next(filter(None, map(currency_of, amounts)), ""):
            return NumberReading(rules.decimal, currency, has_negative_parentheses=True)
    return _comma_reading(rules, is_percent=classified.is_percent)


def _bounds(raw: RawStrings, classified: TextClassification) -> NDArray[np.int8] | None:
    """Return which cells are bounds, int8 (n,), see ``NumericColumn``; None if none is."""
    if classified.reading is None or not classified.reading.has_bounds:
        return None
    signs = np.array([0, *map(classified.reading.bound, classified.texts)], dtype=np.int8)[raw.codes]
    return signs if signs.any() else None


def _has_unit(name: str, classified: TextClassification, rules: Rules) -> bool:
    """Whether a string of the column has a percent or per mille sign, a currency, or any other one is no plain number.

    Which of these counts depends on the required reading.
    """
    texts, required = classified.of_type(NUMERIC), rules.reading_of(name)
    if rules.expects_percent_sign(name):
        return any(sign in text for sign in PERCENTS for text in texts)
    if required is not None and required.is_amount and any(map(currency_of, texts)):
        return True
    decimal = classified.reading.decimal if classified.reading is not None else "."
    return any(number_in(text, decimal) is None for text in texts)


def _currency_notes(name: str, classified: TextClassification | None, rules: Rules, *, lacks_unit: bool) -> list[str]:
    """A note on numbers of which a model expects a currency that they lack, or the reverse.

    Args:
        name: The column.
        classified: Its strings; None for numbers.
        rules: The rules, which may require a reading.
        lacks_unit: Whether a required unit is absent.
    """
    if rules.kinds is None:
        return []
    required = rules.reading_of(name)
    if required is not None and required.is_amount:
        amounts = f"no amount has the currency {required.currency} of the training rows"
        return [f"column {shown(name)}: {amounts}; the numbers are read as {required.currency}"] if lacks_unit else []
    if classified is None or (required is not None and required.has_unit):
        return []
    if currency := next(filter(None, map(currency_of, classified.of_type(NUMERIC))), ""):
        without = f"holds amounts in {currency}, but the training rows had no currency"
        return [f"column {shown(name)} {without}; they are read as plain numbers, without conversion"]
    return []


def _suspicion(name: str, found: Suspected) -> str:
    """Return a note on a number that may stand for "no value"."""
    value, others = text_of(found.value), f"all others lie between {text_of(found.low)} and {text_of(found.high)}"
    rows = counted(found.rows, "row")
    return f"column {shown(name)} holds {value} in {rows}, {others}; if it means missing: --missing {value}"
