"""String classification: what each distinct string of a column is: missing, a number, a date, a time, or other text.

Takes a raw column of strings; returns a type for each distinct string. Each one is classified once, by the same rules
for every source. ``kinds`` decides the kind of the column.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from itertools import repeat
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.columns.raw import RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.datetimes.counted import Counted
from backpass.table.datetimes.strings import DIGIT, Datetimes, datetimes_among
from backpass.table.datetimes.timestamp import NAT, DatetimeKind
from backpass.table.notation.agreement import NOTHING, Agreement
from backpass.table.notation.boolean import missing_among
from backpass.table.notation.number import STARTS, are_addresses, is_percentage, number_in, without_percent
from backpass.table.notation.reading import NumberReading

MISSING, MAYBE, NUMERIC, INFINITE, DATE, TIME, TEXT = TYPES = range(7)
FEW = 200  # different strings that are looked at as a whole
_FIRST = itemgetter(slice(1))
_CHOSEN = np.array([[bits >> each & 1 for each in TYPES] for bits in range(1 << len(TYPES))], dtype=np.bool_)
"""Set of types, as bits -> whether it contains each type."""
TYPE_OF: dict[DatetimeKind, int] = {"date": DATE, "time": TIME}


@dataclass(frozen=True, slots=True)
class TextClassification:
    """Classification of the distinct strings of a column.

    Attributes:
        texts: The strings, trimmed.
        types: Type of each string, one of the seven constants above.
        numbers: Number that each string spells, NaN if none.
        microseconds: Timestamp that each string spells, ``NAT`` if none.
        zoned: Whether each string names a time zone.
        counts: Number of rows of each string.
        is_percent: Whether the numbers are percentages.
        datetimes: The dates and times among the strings, as ``datetimes.strings`` found them.
        counted: The notation of numbers that are dates or times, None if numbers are numbers.
        agreement: The reading of numbers in everyday notations; without a reading if all are plain.
        gaps: Rows by the strings that are missing because of the rest of the column (see ``notation.words``).
    """

    texts: list[str]
    types: NDArray[np.int8]
    numbers: NDArray[np.float64]
    microseconds: NDArray[np.int64]
    zoned: NDArray[np.bool_]
    counts: NDArray[np.int64]
    is_percent: bool
    datetimes: Datetimes = field(default_factory=Datetimes)
    counted: Counted | None = None
    agreement: Agreement = NOTHING
    gaps: Mapping[str, int] = field(default_factory=dict)

    @property
    def reading(self) -> NumberReading | None:
        """How the numbers are read, None if all are plain."""
        return self.agreement.reading

    def rows_of(self, *types: int) -> int:
        """Return the number of rows with a string of these types."""
        rows = np.bincount(self.types, self.counts, len(TYPES)).tolist()
        return int(sum([rows[each] for each in types]))

    def are(self, *types: int) -> NDArray[np.bool_]:
        """Return which strings are of these types, bool (strings,)."""
        found: NDArray[np.bool_] = _CHOSEN[sum([1 << each for each in types])][self.types]
        return found

    def are_words(self) -> bool:
        """Whether the column holds few words and no digit, so that no notation makes numbers or dates of them."""
        joined = "".join(self.texts) if len(self.texts) <= FEW else "0"
        return joined.isascii() and DIGIT.search(joined) is None and self.rows_of(TEXT) > self.rows_of(INFINITE) == 0

    def of_type(self, *types: int) -> list[str]:
        """Return the strings of these types that occur, sorted."""
        if not self.rows_of(*types):
            return []
        return sorted({self.texts[j] for j in np.flatnonzero(self.are(*types) & (self.counts > 0)).tolist()})


def judge(raw: RawStrings, rules: Rules) -> TextClassification:
    """Trim and classify each distinct string."""
    texts = [*map(str.strip, raw.levels, repeat(" \t"))]
    microseconds, zoned = np.full(len(texts), NAT), np.zeros(len(texts), dtype=np.bool_)
    counts = np.bincount(raw.codes, minlength=len(texts) + 1)[1:]
    there = (text for text, count in zip(texts, counts.tolist(), strict=True) if count)
    is_percent = _are_percentages(raw.name, there, rules)
    types, numbers = np.full(len(texts), TEXT, dtype=np.int8), np.full(len(texts), np.nan)
    tokens = rules.missing.tokens
    values = [*map(without_percent, texts)] if is_percent else texts
    longest = max(map(len, tokens), default=0)
    has_tokens = not tokens.isdisjoint([text for text in values if len(text) <= longest])
    if has_tokens or not STARTS.isdisjoint(map(_FIRST, values)):  # most columns of texts have neither
        for j, text in enumerate(values):
            if text[:1] in STARTS or text in tokens:
                types[j], numbers[j] = _type_of(text, rules)
    if rules.decimal == "," and rules.required_kind(raw.name) is None:
        numeric = [j for j, type_ in enumerate(types.tolist()) if type_ == NUMERIC]
        if are_addresses(texts[j] for j in numeric):
            types[numeric], numbers[numeric] = TEXT, np.nan
    datetimes = datetimes_among(
        texts,
        counts,
        np.flatnonzero(types == TEXT).tolist(),
        required=rules.required_kind(raw.name),
        order=rules.order_of(raw.name),
        detects=rules.detect_dates,
        name=raw.name,
    )
    for j, timestamp in datetimes.found.items():
        types[j], microseconds[j], zoned[j] = TYPE_OF[timestamp.kind], timestamp.microseconds, timestamp.zoned
    maybe = np.flatnonzero(types == MAYBE).tolist()
    if maybe and (gaps := _missing_among_booleans(raw.name, texts, types, counts, rules)):
        types[[j for j in maybe if texts[j] in gaps]] = MISSING
    return TextClassification(
        texts, types, numbers, microseconds, zoned, counts, is_percent=is_percent, datetimes=datetimes
    )


def _missing_among_booleans(
    name: str, texts: Sequence[str], types: NDArray[np.int8], counts: NDArray[np.int64], rules: Rules
) -> frozenset[str]:
    """Return the ambiguous tokens that are missing here because all other strings are booleans."""
    if rules.required_kind(name) not in (None, "categorical"):
        return frozenset()
    if rules.kinds is not None:
        return rules.missing.among_numbers if rules.wants_boolean(name) else frozenset()
    there = np.flatnonzero((counts > 0) & ~np.isin(types, (MISSING, MAYBE))).tolist()
    return missing_among({texts[j] for j in there})


def _are_percentages(name: str, texts: Iterable[str], rules: Rules) -> bool:
    """Whether percentages are required or, without a required kind, the column holds nothing else."""
    if rules.required_kind(name) is not None:
        return rules.wants_percent(name)
    tokens, found = rules.missing.tokens, False
    for text in texts:
        if text in tokens:
            continue
        if not is_percentage(text, rules.decimal):
            return False
        found = True
    return found


def _type_of(text: str, rules: Rules) -> tuple[int, float]:
    """Return a string's type and the number it spells; dates and times still count as text here."""
    if text in rules.missing.always:
        return MISSING, math.nan
    if text in rules.missing.among_numbers:
        return MAYBE, math.nan
    number = number_in(text, rules.decimal)
    if number is None:
        return TEXT, math.nan
    return (INFINITE if math.isinf(number) else NUMERIC), number


def rows_holding(raw: RawStrings, classified: TextClassification, text: str) -> NDArray[np.intp]:
    """Return the rows (from 1) that hold a string, with any spaces around it."""
    codes = [j for j, other in enumerate(classified.texts, start=1) if other == text]
    return np.flatnonzero(np.isin(raw.codes, codes)) + 1
