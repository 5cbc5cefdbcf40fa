"""Kinds: whether a raw column is numbers or texts, decided over all of its rows, and the column it becomes.

Without a demand: leading zeros make texts (00123 is a code); numbers only make numbers; at least 90 % numbers among
texts is a fault, since one of the two is a mistake; fewer make texts. A demanded kind (the user's, or the model's) is
converted to, and what cannot be converted is a fault. Reading the file, and the meaning of "missing", live elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backpass.errors import UsageError
from backpass.table.missing import Missing
from backpass.table.number import WHOLE_LIMIT, is_padded, number_in
from backpass.table.raw import RawColumn, RawNumbers, RawTexts, numbers_as_texts
from backpass.table.table import KINDS, Column, Kind, NumberColumn, TextColumn
from backpass.table.wording import Faults, counted, listed, rows_listed, shown

NUMBER_SHARE = 0.9  # from this share of numbers on, texts among them are taken for mistakes
NAMED_TEXTS = 3  # texts among numbers that a message names
BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
MISSING, MAYBE, NUMERIC, INFINITE, TEXT = range(5)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked: demanded kinds (None: decide), columns to keep as text, or to drop, missing tokens, decimal."""

    kinds: Mapping[str, str] | None = None
    text: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    missing: Missing = field(default_factory=lambda: Missing.of(()))
    decimal: str = "."

    def __post_init__(self) -> None:
        wrong = [kind for kind in (self.kinds or {}).values() if kind not in KINDS]
        if wrong:
            raise UsageError(f"a kind is 'number' or 'text', got {listed(wrong, shown)}")

    def demanded(self, name: str) -> Kind | None:
        """The kind this column has to take, or None."""
        if self.kinds is not None:
            return "number" if self.kinds[name] == "number" else "text"
        return "text" if name in self.text else None

    def wants(self, name: str) -> bool:
        """Whether the column is converted at all."""
        return name not in self.drop and (self.kinds is None or name in self.kinds)


@dataclass(frozen=True, slots=True)
class Judged:
    """Distinct texts, trimmed, each with its sort (one of the five above), its number, and its count of rows."""

    texts: list[str]
    sorts: NDArray[np.int8]
    numbers: NDArray[np.float64]
    counts: NDArray[np.int64]

    def rows_of(self, sort: int) -> int:
        """How many rows hold a text of this sort."""
        return int(self.counts[self.sorts == sort].sum())

    def of_sort(self, sort: int) -> list[str]:
        """The texts of this sort that occur, in order."""
        return sorted({self.texts[j] for j in np.flatnonzero((self.sorts == sort) & (self.counts > 0))})


def settle(raw: RawColumn, rules: Rules, faults: Faults, notes: list[str]) -> Column:
    """The column a raw column becomes; faults and notes are added to the lists.

    >>> from backpass.table.raw import coded
    >>> settle(coded("x", ["1", "NA", "2.5"], typed=False), Rules(missing=Missing.of(("NA",))), Faults("t"), []).values
    array([1. , nan, 2.5])
    """
    demand = rules.demanded(raw.name)
    if isinstance(raw, RawNumbers):
        if demand != "text":
            return _checked(raw.name, raw.values, rules.missing, faults, notes)
        raw = numbers_as_texts(raw)
    judged = judge(raw, rules)
    if decide(raw, judged, demand, notes) == "text":
        return _text_column(raw, judged, rules, notes)
    _name_texts(raw, judged, demand, faults)
    numbers = np.concatenate([[np.nan], judged.numbers])
    return _checked(raw.name, numbers[raw.codes], rules.missing, faults, notes)


def judge(raw: RawTexts, rules: Rules) -> Judged:
    """Trim each distinct text and say what it is."""
    texts = [text.strip(" \t") for text in raw.levels]
    sorts, numbers = np.empty(len(texts), dtype=np.int8), np.full(len(texts), np.nan)
    for j, text in enumerate(texts):
        sorts[j], numbers[j] = _sort_of(text, rules)
    return Judged(texts, sorts, numbers, np.bincount(raw.codes, minlength=len(texts) + 1)[1:])


def decide(raw: RawTexts, judged: Judged, demand: Kind | None, notes: list[str]) -> Kind:
    """The kind of a column of texts."""
    if demand is not None:
        return demand
    numbers = judged.rows_of(NUMERIC) + judged.rows_of(INFINITE)
    texts = judged.rows_of(TEXT)
    if numbers + texts == 0:
        return "number"  # nothing but missing values: the same through every door
    if raw.typed:
        return "text"
    padded = [text for text in judged.of_sort(NUMERIC) if is_padded(text)]
    if padded:
        notes.append(f"column {shown(raw.name)} has leading zeros ({shown(padded[0])}): kept as text")
        return "text"
    return "number" if numbers and numbers >= NUMBER_SHARE * (numbers + texts) else "text"


def _sort_of(text: str, rules: Rules) -> tuple[int, float]:
    if text in rules.missing.always:
        return MISSING, math.nan
    if text in rules.missing.among_numbers:
        return MAYBE, math.nan
    number = number_in(text, rules.decimal)
    if number is None:
        return TEXT, math.nan
    return (INFINITE if math.isinf(number) else NUMERIC), number


def _text_column(raw: RawTexts, judged: Judged, rules: Rules, notes: list[str]) -> TextColumn:
    """Texts with their levels in order. ``True`` and ``TRUE`` become ``true``, as booleans of typed sources are."""
    if rules.kinds is None and (maybe := judged.of_sort(MAYBE)):
        kept = f"{shown(maybe[0])} is kept as a text ({counted(judged.rows_of(MAYBE), 'row')})"
        notes.append(f"column {shown(raw.name)}: {kept}; --missing {maybe[0]} makes it missing")
    lowered = [BOOLEANS.get(text, text) for text in judged.texts]
    keep = (judged.sorts != MISSING) & (judged.counts > 0)
    if rules.missing.values:
        keep &= ~np.isin(judged.numbers, rules.missing.values)
    levels = tuple(sorted({text for text, kept in zip(lowered, keep, strict=True) if kept}))
    code = {text: j for j, text in enumerate(levels, start=1)}
    mapped = [code[text] if kept else 0 for text, kept in zip(lowered, keep, strict=True)]
    return TextColumn(raw.name, np.array([0, *mapped], dtype=np.int32)[raw.codes], levels)


def _name_texts(raw: RawTexts, judged: Judged, demand: Kind | None, faults: Faults) -> None:
    """Fault: texts in a column of numbers."""
    rows = {text: rows_holding(raw, judged, text) for text in judged.of_sort(TEXT)[:NAMED_TEXTS]}
    if not rows:
        return
    numbers, texts = judged.rows_of(NUMERIC) + judged.rows_of(INFINITE), judged.rows_of(TEXT)
    named = ", ".join(f"{shown(text)} {rows_listed(found)}" for text, found in rows.items())
    more = ", ..." if texts > sum(len(found) for found in rows.values()) else ""
    first = shown(next(iter(rows)))
    count = f"{counted(numbers, 'number')}, {counted(texts, 'text')}"
    if demand is not None:
        hint = f"the model needs numbers here; if {first} means missing: --missing"
    else:
        hint = f"if {first} means missing: --missing; if the column holds texts: --text"
    faults.add(f"column {shown(raw.name)}: {count} ({named}{more})", hint)


def rows_holding(raw: RawTexts, judged: Judged, text: str) -> NDArray[np.intp]:
    """The rows, from 1, that hold a text; it may stand with different spaces around it."""
    codes = [j for j, other in enumerate(judged.texts, start=1) if other == text]
    return np.flatnonzero(np.isin(raw.codes, codes)) + 1


def _checked(
    name: str, values: NDArray[np.float64], missing: Missing, faults: Faults, notes: list[str]
) -> NumberColumn:
    """A column of numbers: stand-ins for missing taken out, infinities refused, lost digits noted."""
    if missing.values:
        values = np.where(np.isin(values, missing.values), np.nan, values)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        faults.add(f"inf, or a number too large for float64, in column {shown(name)} {rows_listed(infinite + 1)}")
    elif _lost_digits(values):
        lost = "whole numbers beyond 2^53, their last digits are lost; an identifier? --text"
        notes.append(f"column {shown(name)}: {lost}")
    return NumberColumn(name, values)


def _lost_digits(values: NDArray[np.float64]) -> bool:
    """Whether these are whole numbers of which some are beyond 2^53, yet of the size of a 64-bit integer."""
    size = np.abs(values[~np.isnan(values)])
    if not size.size or not WHOLE_LIMIT <= size.max() < 2.0**64:
        return False
    return bool(np.all(size == np.rint(size)))
