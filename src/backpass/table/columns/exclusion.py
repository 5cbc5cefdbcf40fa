"""Exclusion: columns that are of no use as inputs, and why: constants, identifiers, numbers in an unknown notation.

Takes a column; returns verdicts and their words. ``feature`` makes features of the other columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from backpass.dataclass import dataclass
from backpass.table.columns.column_reading import agreement_among, numbers_among
from backpass.table.free_text.recognition import is_free_text
from backpass.table.messages import counted, shown
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.measures.units import UNITS
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn

IDENTIFIER_ROWS = 20  # minimum number of rows for the identifier test
IDENTIFIER_SHARE = 0.9  # share of distinct categories above which a column is an identifier
SMALLEST_RANGE = 1e-300  # of a numeric column, so that its scale is at most the reciprocal
MANY_LEVELS = 20  # categories beyond which texts that start with numbers are probably numbers
NUMBERED = LazyPattern(  # a sign, a bracket or a currency may stand before the first digit; a name before decimals or
    # before a number with a unit (SW 22 km/h)
    r"[^\w]{0,3}\d|[^\W\d_][\w.]{0,9}\s?[=:<>\s]\s?[+-]?\d+[.,]\d"
    r"|[^\W\d_]{1,4}\d+[.,]\d"
    rf"|[^\W\d_]{{1,4}}\s\d+\s?(?:{'|'.join(map(re.escape, UNITS))})$"
)

DIGIT = re.compile(r"\d")
HEXADECIMAL = LazyPattern(r"0[xX][0-9A-Fa-f]+")
SEVERAL_NUMBERS = LazyPattern(
    r"\W?\d+(?:[.,]\d+)?(?:\s?(?:[/x×*;|]|, ?)\s?-?\d+(?:\.\d+)?){1,2}\W?(?:\s?[^\W\d]{1,4})?"
)
"""Blood pressures (120/80), sizes (1920x1080, 2 x 3 x 4 cm), coordinates (52.1, -4.3)."""
DATED = LazyPattern(
    r"\D{0,12}(?:[12]\d{3}[-./年 ]\s?\d{1,2}[-./월月 ]|\d{1,2}:\d{2}(?!\d)"
    r"|\d{1,2}[-./ ]\s?(?:\d{1,2}|[^\W\d_]{3,10})\.?[-./ ]\s?[12]\d{3}(?!\d))"
)
"""Dates and times of day, whatever stands behind them: 2024-01-31 15:30 EST, 5:30p."""


class Exclusion(NamedTuple):
    """Why a column does not become a feature.

    Attributes:
        name: The reason in a few words.
        note: The note about it.
    """

    name: str
    note: str


def left_out_because(column: Column, *, forced: bool) -> Exclusion | None:
    """Return why a column does not become a feature; None if it does.

    Args:
        column: A column of the training rows.
        forced: Whether to keep a column that looks like an identifier.
    """
    name = f"column {shown(column.name)}"
    if column.missing.all():
        return Exclusion("only missing values", f"{name} has only missing values: left out")
    if is_constant(column):
        return Exclusion("constant", f"{name} is constant: left out")
    if (tiny := how_tiny(column)) and not column.missing.any():
        return Exclusion("constant", f"{name} is effectively constant: left out ({tiny})")
    if not forced and looks_like_identifier(column) and not is_free_text(column):
        reason, text, advice = _why_identifier(column)
        return Exclusion(reason, f"{name} {text}: left out{advice}")
    return None


def is_constant(column: Column) -> bool:
    """Whether there are at least two rows, none missing, and all hold the same value."""
    if len(column.missing) < 2 or column.missing.any():
        return False
    values = _content(column)
    return bool(values.min() == values.max())


def how_tiny(column: Column) -> str:
    """Return a message if the numbers differ by too little to be scaled; otherwise an empty string."""
    if not isinstance(column, NumericColumn) or column.missing.all():
        return ""
    least, most = float(np.nanmin(column.values)), float(np.nanmax(column.values))
    if not 0.0 < 0.5 * most - 0.5 * least < 0.5 * SMALLEST_RANGE:  # halves, because the difference may overflow
        return ""
    return f"its numbers differ by less than {SMALLEST_RANGE:g}: convert them to another unit"


def looks_like_identifier(column: Column) -> bool:
    """Whether nearly every row has a distinct category; free text does, too."""
    if not isinstance(column, CategoricalColumn):
        return False
    rows = int((~column.missing).sum())
    return rows >= IDENTIFIER_ROWS and distinct_categories(column) > IDENTIFIER_SHARE * rows


def holds_digit(texts: Iterable[str]) -> bool:
    """Whether one of the texts holds a digit: most columns of texts do not, and need no look at each."""
    return DIGIT.search("\0".join(texts)) is not None


def starts_with_numbers(column: Column) -> bool:
    """Whether nearly every row holds a text that starts with a number: numbers in an unknown notation, or codes."""
    if not isinstance(column, CategoricalColumn) or not holds_digit(column.levels):
        return False
    counts, numbered = column.counts(), np.array([NUMBERED.match(text) is not None for text in column.levels])
    return bool(counts[numbered].sum() > IDENTIFIER_SHARE * counts.sum())


def may_be_numbers(column: Column) -> bool:
    """Whether a column holds many categories that start with numbers but are not numbers in a known notation.

    Columns that are mostly numbers have a note of their own.
    """
    if (
        not starts_with_numbers(column)
        or not isinstance(column, CategoricalColumn)
        or distinct_categories(column) < MANY_LEVELS
    ):
        return False
    if is_free_text(column):
        return False
    if all(text.isdigit() for text in column.levels) or agreement_among(column).dispute:
        return False
    return bool(2 * column.counts()[numbers_among(column)].sum() < column.counts().sum())


@dataclass(frozen=True, slots=True)
class NumberedTexts:
    """What the texts of a column are that start with numbers.

    Attributes:
        verb: The verb between the texts and ``name``.
        name: What they are, in a few words.
        found: The same with an example.
        advice: What to do.
    """

    verb: str
    name: str
    found: str
    advice: str

    @staticmethod
    def of(column: Column) -> NumberedTexts:
        """What the categories of a column are."""
        levels = column.levels if isinstance(column, CategoricalColumn) else ("",)
        such = f"such as {shown(levels[0])}"
        if are_several(levels):
            name = "several numbers in each cell"
            return NumberedTexts("are", name, f"{name}, {such}", "give each number a column of its own")
        if all(DATED.match(text) for text in levels):
            name = "dates or times in an unknown notation"
            advice = "if they are dates or times, write them as 2024-12-31, 2024-12-31T23:59:59 or 23:59"
            return NumberedTexts("start with", name, f"values that start with {name}, {such}", advice)
        if all(HEXADECIMAL.fullmatch(text) for text in levels):
            name = "hexadecimal numbers"
            return NumberedTexts("are", name, f"{name}, {such}", "if they are quantities, write them in decimal digits")
        return NumberedTexts(
            "start with",
            "numbers in an unknown notation",
            f"values that start with numbers, {such}, in an unknown notation",
            "if they are numbers, write them as numbers (12.5)",
        )


def how_numbered(column: Column) -> str:
    """Say that the categories of a column start with numbers."""
    texts = NumberedTexts.of(column)
    return f"holds {texts.found}: kept as {distinct_categories(column):,} categories; {texts.advice}"


def are_several(levels: Sequence[str]) -> bool:
    """Whether each text is several numbers with signs between them: blood pressures, sizes, coordinates."""
    return all(SEVERAL_NUMBERS.fullmatch(text) for text in levels)


def _why_identifier(column: Column) -> tuple[str, str, str]:
    """Say why a column of nearly as many values as rows is left out: in a few words, and in a sentence; and advise."""
    share = f"{distinct_categories(column):,} different values in {counted(int((~column.missing).sum()), 'row')}"
    if not (isinstance(column, CategoricalColumn) and starts_with_numbers(column)):
        return "identifier", f"looks like an identifier ({share})", ""
    if all(text.isdigit() for text in column.levels):
        return "whole numbers as text", f"holds whole numbers as text ({share})", ""
    texts = NumberedTexts.of(column)
    return texts.name, f"holds {texts.found} ({share})", f"; {texts.advice}"


def _content(column: Column) -> np.ndarray[Any, Any]:
    match column:
        case NumericColumn(_, values):
            return values
        case DatetimeColumn(_, microseconds):
            return microseconds
    return column.codes


def distinct_categories(column: Column) -> int:
    """Number of categories that occur; 0 for other column kinds."""
    return int(np.count_nonzero(column.counts())) if isinstance(column, CategoricalColumn) else 0
