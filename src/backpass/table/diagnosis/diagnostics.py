"""Diagnostics: suspicious properties of a column or a table that deserve a look before training.

Takes columns and, optionally, the target; yields findings. A finding is never an error: ``kinds`` rejects values that
cannot be read.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.distinct import distinct_values
from backpass.numerics.quantiles import quantiles
from backpass.table.columns.column_reading import numbers_among
from backpass.table.columns.exclusion import (
    NumberedTexts,
    are_several,
    holds_digit,
    how_tiny,
    is_constant,
    looks_like_identifier,
    may_be_numbers,
    starts_with_numbers,
)
from backpass.table.columns.spellings import likeness
from backpass.table.datetimes.day_month import are_versions, looks_like_date
from backpass.table.diagnosis.identifiers import identifier_text
from backpass.table.diagnosis.leakage import FEWEST_ROWS, leakage_findings
from backpass.table.diagnosis.skewness import skewness_of
from backpass.table.free_text.recognition import is_free_text
from backpass.table.messages import counted, excerpt, listed, rows_listed, shown
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.number import text_of
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn, Table
from backpass.table.target import Target

FAR_OUT = 3.0  # quartile distances from the quartiles (Tukey 1977: "far out"; 1.5 would name every long tail)
MOSTLY = 0.5  # share of missing values above which a column carries little information
FEWEST_HEADINGS = 3  # strings above gaps that may be headings of groups
MIXED = 0.1  # share of numbers among strings, or the reverse, that is unlikely to be an accident
RARE = 5  # number of rows below which a category or class is rare
SMALL_CLASS = 0.05  # share of rows below which a class is rare
FEWEST = 20  # rows needed before a rule without exceptions is significant
ROWS_PER_VALUE = 5  # average rows per category needed before a column can count as determining the target
LINEAR = 1.0 - 1e-6  # correlation from which a column is the target in other units
MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?)"
)
WHOLE = re.compile("0|[1-9][0-9]*")
DAY = "[0-9]{1,2}(?:st|nd|rd|th)?"
WORDED = LazyPattern(  # 31 Dec 2024, 31-Dec-24, December 31st, 2024, Tue, 31 Dec 2024 23:59:59 GMT
    rf"(?:[a-z]+, )?(?:{DAY}[ .-]+)?{MONTH}[ .,-]+(?:{DAY},? +)?(?:[0-9]{{2}}){{1,2}}(?:[ T,].*)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A suspicious property of the data.

    Attributes:
        code: Identifier for programs.
        text: Message for people.
    """

    code: str
    text: str


def column_findings(column: Column, table: Table) -> Iterator[Finding]:
    """Yield findings on a column by itself."""
    gaps = int(column.missing.sum())
    if gaps == table.rows:
        yield Finding("empty", "all values are missing")
        return
    if is_constant(column):
        yield Finding("constant", "every row has the same value")
    if tiny := how_tiny(column):
        yield Finding("tiny_range", tiny)
    is_text = is_free_text(column)
    if is_text:
        pass  # its texts are all different, and may start with a number
    elif looks_like_identifier(column) and starts_with_numbers(column):
        yield _numbers_as_text(column)
    elif looks_like_identifier(column):
        yield Finding("identifier", "nearly every row has a different value: an identifier?")
    if gaps > MOSTLY * table.rows:
        below = "; does each value also count for the rows below it? fill them in" if _are_headings(column) else ""
        yield Finding("mostly_missing", f"{gaps:,} of {counted(table.rows, 'row')} are missing{below}")
    if isinstance(column, NumericColumn):
        yield from _number_findings(column, table)
    if is_text or not isinstance(column, CategoricalColumn):
        return
    if not (looks_like_identifier(column) and starts_with_numbers(column)):
        yield from _text_findings(column, table)


def _are_headings(column: Column) -> bool:
    """Whether strings stand in the first row of groups only, as in reports: in row 1, and with gaps below each.

    Gaps by chance would leave some strings side by side.
    """
    if not isinstance(column, CategoricalColumn) or column.missing[0]:
        return False
    there = np.flatnonzero(~column.missing)
    return len(there) >= FEWEST_HEADINGS and bool((np.diff(there) > 1).all())


def _number_findings(column: NumericColumn, table: Table) -> Iterator[Finding]:
    """Yield findings on numbers: a row counter, or outliers."""
    there = column.values[~column.missing]
    if len(there) >= FEWEST and len(distinct_values(there)) == len(there) and _counts_rows(there):
        yield Finding("counter", "consecutive integers: a row number?")
        return
    if text := identifier_text(column, table.row_numbers):
        yield Finding("identifier_numbers", text)
        return
    low, high = quantiles(there, [0.25, 0.75])
    far_out = max(FAR_OUT, _normal_reach(len(there)))
    reach = far_out * (high - low)
    with np.errstate(invalid="ignore"):
        far = np.flatnonzero((column.values < low - reach) | (column.values > high + reach))
    if reach > 0 and len(far):
        extreme = far[np.argmax(np.abs(column.values[far] - (low + high) / 2))]
        most = f"the most extreme is {text_of(float(column.values[extreme]))} in row {table.row_numbers[extreme]}"
        yield Finding(
            "outliers", f"{counted(len(far), 'row')} more than {far_out:.3g} IQRs beyond the quartiles; {most}"
        )


def _normal_reach(rows: int) -> float:
    """Return how far from the quartiles, in IQRs, hardly any of n normally distributed numbers lies.

    The largest of n is about sqrt(2 ln n) standard deviations out; it is exceeded by 30% in fewer than 1 of 100
    tables. The quartiles are at 0.674 standard deviations, their distance is 1.349.

    >>> round(_normal_reach(1_000), 1), round(_normal_reach(2_000_000), 1)
    (3.1, 4.7)
    """
    return float((1.3 * np.sqrt(2.0 * np.log(rows)) - 0.674) / 1.349)


def _counts_rows(values: NDArray[np.float64]) -> bool:
    return bool(np.all(np.diff(values) == 1.0))


def _numbers_as_text(column: Column) -> Finding:
    texts = NumberedTexts.of(column)
    return Finding("numbers_as_text", f"its values {texts.verb} {texts.name}")


def _text_findings(column: CategoricalColumn, table: Table) -> Iterator[Finding]:
    """Yield findings on categories: numbers among strings; unread dates or percentages; rare categories."""
    counts = column.counts()
    texts = [] if looks_like_identifier(column) else [column.levels[j] for j in np.flatnonzero(counts)]
    if text := likeness(column.name, texts):
        yield Finding("spellings", text)
    rows, spelled = int(counts.sum()), numbers_among(column)
    numbers = int(counts[spelled].sum())
    is_several = bool(texts) and are_several(texts)
    if MIXED * rows <= numbers < rows and not is_several:
        fewer = np.flatnonzero(spelled if 2 * numbers < rows else ~spelled) + 1
        where = rows_listed(table.row_numbers[np.isin(column.codes, fewer)])
        what = "numbers" if 2 * numbers < rows else "other values"
        found = f"{counted(numbers, 'number')} and {counted(rows - numbers, 'other value')}"
        yield Finding("mixed", f"{found}; {what} in {where}")
    if not looks_like_identifier(column) and may_be_numbers(column):
        yield _numbers_as_text(column)
    elif column.is_text is None and len(texts) >= FEWEST and all(map(WHOLE.fullmatch, texts)):
        stored = "whole numbers stored as strings are categories"
        yield Finding("numbers_as_text", f"{stored}: if they are quantities, store them as numbers")
    slashed, worded = (
        (
            sum(int(count) for text, count in zip(column.levels, counts, strict=True) if looks_like(text))
            for looks_like in (looks_like_date, WORDED.fullmatch)
        )
        if holds_digit(column.levels)
        else (0, 0)
    )
    if slashed >= (1 - MIXED) * rows and not are_versions(column.levels):
        text = (
            f"values such as {shown(column.levels[0])} are dates in an unknown order of day and month: set --date-order"
        )
        yield Finding("dates_as_text", text)
    elif worded >= (1 - MIXED) * rows:
        text = f"values such as {shown(column.levels[0])} look like dates; write them as 2024-12-31"
        yield Finding("dates_as_text", text)
    elif not looks_like_identifier(column) and (rare := int(np.count_nonzero((counts > 0) & (counts < RARE)))):
        named = [column.levels[j] for j in np.flatnonzero((counts > 0) & (counts < RARE))]
        found = "1 rare category" if rare == 1 else f"{rare:,} rare categories"
        yield Finding("rare_levels", f"{found} (fewer than {RARE} rows): {excerpt(named, shown)}")


def target_findings(column: Column, target: Target, y: NDArray[Any]) -> Iterator[Finding]:
    """Yield findings on a column in relation to the target: the column determines it, or nearly."""
    if is_constant(column) and not column.missing.any():
        return
    if text := _determines(column, target, y):
        yield Finding("leak", text)
        return
    for _, text in leakage_findings(column, target, y):
        yield Finding("leak", text)


def worst_findings(table: Table, names: Sequence[str], target: Target, y: NDArray[Any], count: int = 3) -> list[str]:
    """Return notes on the columns that most likely make a score too good, or are useless, at most ``count``.

    Columns that determine the target come first, then those that nearly give it away, then row numbers and identifiers.
    Tables of fewer than ``leakage.FEWEST_ROWS`` rows show too little.

    Args:
        table: The training rows.
        names: The columns that are learned from.
        target: The target.
        y: The encoded target (n,).
    """
    found = list[tuple[float, str]]()
    for column in (table.columns[name] for name in names) if table.rows >= FEWEST_ROWS else ():
        if is_constant(column) or _equals(column, y):  # the schema says so
            continue
        if text := _determines(column, target, y):
            found.append((2.0, f"column {shown(column.name)}: {text}"))
            continue
        leaks = [(score, f"column {shown(column.name)}: {text}") for score, text in leakage_findings(column, target, y)]
        found += leaks
        if not leaks and isinstance(column, NumericColumn) and _numbers_rows(column, table):
            drop = f"--drop {shlex.quote(column.name)} leaves it out"
            found.append((0.5, f"column {shown(column.name)} numbers the rows of the table: {drop}"))
        elif not leaks and isinstance(column, NumericColumn) and (text := identifier_text(column, table.row_numbers)):
            drop = f"--drop {shlex.quote(column.name)} leaves it out"
            found.append((0.4, f"column {shown(column.name)}: {text}; {drop}"))
    return [text for _, text in sorted(found, key=lambda each: -each[0])[:count]]


def _equals(column: Column, y: NDArray[Any]) -> bool:
    """Whether a column holds the encoded target itself."""
    match column:
        case NumericColumn(_, values):
            return np.array_equal(values, y)
        case CategoricalColumn(_, codes):
            return np.array_equal(codes - 1, y)
    return False


def _numbers_rows(column: NumericColumn, table: Table) -> bool:
    """Whether the numbers go up by 1 from row to row of the source, of which the table may hold a part."""
    with np.errstate(over="ignore", invalid="ignore"):
        offsets = column.values - table.row_numbers
    return bool(np.all(offsets == offsets[0]))


def _determines(column: Column, target: Target, y: NDArray[Any]) -> str:
    """How the column determines the target in every row with a value; empty if it does not."""
    there = ~column.missing
    if there.sum() < FEWEST or is_constant(column):
        return ""
    y = y[there]
    if isinstance(column, CategoricalColumn):
        codes = column.codes[there]
        is_rule = len(distinct_values(codes)) * ROWS_PER_VALUE <= len(codes) and _decided_by(codes, y)
        found = f"each category has a single value of the target {shown(target.name)}: possible leakage"
        return found if is_rule and len(distinct_values(y)) > 1 else ""
    x = column.microseconds[there].astype(np.float64) if isinstance(column, DatetimeColumn) else column.values[there]
    if target.task == "regression":
        is_line = abs(_correlation(x, y.astype(np.float64))) >= LINEAR
        return f"it is a linear function of the target {shown(target.name)}: possible leakage" if is_line else ""
    is_apart = len(distinct_values(y)) > 1 and _separated(x, y)
    return (
        f"it separates the classes of the target {shown(target.name)} perfectly: possible leakage" if is_apart else ""
    )


def _decided_by(codes: NDArray[np.int32], y: NDArray[Any]) -> bool:
    """Whether all rows with the same code have the same y."""
    order = np.argsort(codes, kind="stable")
    same_code, same_y = np.diff(codes[order]) == 0, y[order][1:] == y[order][:-1]
    return bool(np.all(same_y[same_code]))


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    x, y = _standard(x), _standard(y)
    return float(np.mean(x * y))


def _standard(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x standardized to mean 0 and standard deviation 1."""
    x = x / max(float(np.abs(x).max()), 1e-300)  # first, so that squares of large numbers stay finite
    x = x - x.mean()
    return x / max(float(np.sqrt(np.mean(x * x))), 1e-300)


def _separated(x: NDArray[np.float64], y: NDArray[Any]) -> bool:
    """Whether the rows sorted by x form one run per class, and no value of x occurs in two classes."""
    order = np.lexsort((y, x))
    changes = y[order][1:] != y[order][:-1]
    tied = np.diff(x[order]) == 0
    return bool(changes.sum() == len(distinct_values(y)) - 1 and not (changes & tied).any())


def table_findings(table: Table, target: Target | None, y: NDArray[Any] | None) -> Iterator[Finding]:
    """Yield findings on the rows: duplicates, and classes with few rows."""
    if repeated := _repeated_rows(list(table.columns.values())):
        yield Finding("duplicate_rows", counted(repeated, "duplicate row"))
    if target is None or y is None:
        return
    if target.task == "regression":
        if text := skewness_of(target.name, y.astype(np.float64)):
            yield Finding("skewed_target", text)
        return
    counts = np.bincount(y, minlength=len(target.classes))
    least = max(SMALL_CLASS * len(y), RARE)
    small = {name: int(count) for name, count in zip(target.classes, counts, strict=True) if count < least}
    if small:
        named = listed([f"{shown(name)} {count:,}" for name, count in small.items()])
        what = "a rare class" if len(small) == 1 else f"{len(small):,} rare classes"
        yield Finding("imbalance", f"{what} of target {shown(target.name)} in {len(y):,} rows: {named}")


def _repeated_rows(columns: Sequence[Column]) -> int:
    """Number of rows that equal an earlier one."""
    ids = np.zeros(len(columns[0].missing), dtype=np.int64)  # of each row: its content in the columns so far
    for column in columns:
        values: NDArray[Any]
        match column:
            case NumericColumn(_, numbers):
                values = numbers + 0.0  # makes -0.0 equal to 0.0
            case DatetimeColumn(_, microseconds):
                values = microseconds
            case _:
                values = column.codes
        distinct, place = np.unique(values, return_inverse=True)
        ids = np.unique(ids * len(distinct) + place, return_inverse=True)[1]
    return len(ids) - (int(ids.max()) + 1 if len(ids) else 0)
