"""Feature: a column to learn from, and how it is found out whether one is.

A column of the training rows comes in; a feature, or None, and notes go out. Arrays are made in ``schema``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from backpass.errors import DataError
from backpass.table.date_components import PARTS, telling_parts
from backpass.table.day_month import Order
from backpass.table.messages import counted, shown
from backpass.table.number import is_percentage
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, Kind, NumericColumn
from backpass.table.timestamp import DatetimeKind

MOST_LEVELS = 255  # levels kept of a text column; the rest share the unknown slot
IDENTIFIER_ROWS = 20  # rows from which on texts can look like identifiers
IDENTIFIER_SHARE = 0.9  # share of distinct texts above which they do
SMALLEST_RANGE = 1e-300  # of numbers: scales are not larger than one over it
WITHOUT_PERCENT = "written without the percent sign they are"


@dataclass(frozen=True, slots=True)
class NumericFeature:
    """A column of numbers to learn from, or of percentages."""

    name: str
    is_percent: bool = False

    @property
    def kind(self) -> Kind:
        return "numeric"


@dataclass(frozen=True, slots=True)
class CategoricalFeature:
    """A column of texts to learn from: code j stands for levels[j - 1], code 0 for missing and for any other text."""

    name: str
    levels: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return "categorical"


@dataclass(frozen=True, slots=True)
class DatetimeFeature:
    """A column of dates, or of times of day, to learn from: the names of its parts (see ``parts``).

    ``order`` tells how its dates are written, where that is not as ISO 8601 has it.

    Errors: DataError for parts that its kind does not have, or has in another order.
    """

    name: str
    kind: DatetimeKind
    parts: tuple[str, ...]
    order: Order | None = None

    def __post_init__(self) -> None:
        known = tuple(part for part in PARTS[self.kind] if part in self.parts)
        if not known or known != self.parts or known[0] != next(iter(PARTS[self.kind])):
            raise DataError(f"column {shown(self.name)} has no such parts of a {self.kind}: {', '.join(self.parts)}")


Feature: TypeAlias = NumericFeature | CategoricalFeature | DatetimeFeature


@dataclass(frozen=True, slots=True)
class NumberInput:
    """One column of ``Encoded.numbers``: a number, or a part of a date.

    ``column`` is the feature's name; ``period`` is that of the part, 0 without; of the inputs of one column the first
    one ``leads``, and stands for all of them where it is asked whether a value is missing.
    """

    name: str
    column: str
    period: int = 0
    leads: bool = True


def number_inputs(feature: Feature) -> tuple[NumberInput, ...]:
    """The columns that a feature has among the numbers.

    >>> [each.name for each in number_inputs(DatetimeFeature("sold", "date", ("days", "year")))]
    ['sold (days)', 'sold (year)']
    """
    match feature:
        case NumericFeature(name):
            return (NumberInput(name, name),)
        case DatetimeFeature(name, kind, parts):
            return tuple(
                NumberInput(f"{name} ({part})", name, PARTS[kind][part].period, leads=i == 0)
                for i, part in enumerate(parts)
            )
    return ()


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a column: a feature, or None, and the notes on it."""

    feature: Feature | None
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, column: Column, *, forced: bool) -> Found:
        """Judge a column; a ``forced`` one is taken although it looks like an identifier."""
        if column.missing.all():
            return cls(None, (f"column {shown(column.name)} has no values: left out",))
        if is_constant(column):
            return cls(None, (f"column {shown(column.name)} is constant: left out",))
        if tiny := how_tiny(column):
            verdict = "counts as constant" if column.missing.any() else "is constant, as far as scaling goes: left out"
            text = f"column {shown(column.name)} {verdict} ({tiny})"
            return cls(feature_of(column) if column.missing.any() else None, (text,))
        if not forced and looks_like_identifier(column):
            share = f"{_different(column):,} different texts in {counted(int((~column.missing).sum()), 'row')}"
            hint = f"; numbers? {WITHOUT_PERCENT}" if holds_percentages(column) else ""
            return cls(None, (f"column {shown(column.name)} looks like an identifier ({share}): left out{hint}",))
        feature, kept = feature_of(column), _different(column)
        if kept <= MOST_LEVELS:
            return cls(feature)
        others = counted(kept - MOST_LEVELS, "other")
        text = f"the {MOST_LEVELS} most frequent texts are kept, {others} count as unknown"
        return cls(feature, (f"column {shown(column.name)}: {text}",))


def feature_of(column: Column) -> Feature:
    """The feature of a column of the training rows."""
    match column:
        case NumericColumn(name, _, is_percent):
            return NumericFeature(name, is_percent)
        case DatetimeColumn(name, microseconds, kind, order):
            return DatetimeFeature(name, kind, telling_parts(microseconds, kind), order)
    return CategoricalFeature(column.name, _kept_levels(column))


def is_constant(column: Column) -> bool:
    """Whether two rows or more all hold the same value."""
    if len(column.missing) < 2 or column.missing.any():
        return False
    values = _content(column)
    return bool(values.min() == values.max())


def how_tiny(column: Column) -> str:
    """What is said of numbers that differ, but by too little to be scaled; nothing of all others."""
    if not isinstance(column, NumericColumn) or column.missing.all():
        return ""
    least, most = float(np.nanmin(column.values)), float(np.nanmax(column.values))
    if not 0.0 < 0.5 * most - 0.5 * least < 0.5 * SMALLEST_RANGE:  # halves, for the difference may overflow
        return ""
    return f"its numbers differ by less than {SMALLEST_RANGE:g}: give them in another unit"


def looks_like_identifier(column: Column) -> bool:
    """Whether nearly every row has a text of its own."""
    if not isinstance(column, CategoricalColumn):
        return False
    rows = int((~column.missing).sum())
    return rows >= IDENTIFIER_ROWS and _different(column) > IDENTIFIER_SHARE * rows


def holds_percentages(column: Column) -> bool:
    """Whether all texts are such as 12%: a file's are numbers, those that a frame calls texts are not."""
    return isinstance(column, CategoricalColumn) and all(map(is_percentage, column.levels))


def feature_to_json(feature: Feature) -> dict[str, Any]:
    """Plain values for a JSON file."""
    match feature:
        case CategoricalFeature(_, levels):
            return {"name": feature.name, "kind": feature.kind, "levels": list(levels)}
        case DatetimeFeature(_, _, parts, order):
            written = {"name": feature.name, "kind": feature.kind, "parts": list(parts)}
            return {**written, "order": order} if order else written
    plain = {"name": feature.name, "kind": feature.kind}
    return {**plain, "percent": True} if feature.is_percent else plain


def feature_from_json(data: Mapping[str, Any]) -> Feature:
    """The feature that ``feature_to_json`` wrote."""
    match data["kind"]:
        case "categorical":
            return CategoricalFeature(data["name"], tuple(data["levels"]))
        case "date" | "time" as kind:
            return DatetimeFeature(data["name"], kind, tuple(data["parts"]), data.get("order"))
    return NumericFeature(data["name"], data.get("percent", False))


def _content(column: Column) -> np.ndarray[Any, Any]:
    match column:
        case NumericColumn(_, values):
            return values
        case DatetimeColumn(_, microseconds):
            return microseconds
    return column.codes


def _different(column: Column) -> int:
    """How many texts occur; 0 for other kinds."""
    return int(np.count_nonzero(column.counts())) if isinstance(column, CategoricalColumn) else 0


def _kept_levels(column: CategoricalColumn) -> tuple[str, ...]:
    """The texts that occur, in order; of too many the most frequent ones."""
    counts = column.counts()
    present = np.flatnonzero(counts)
    kept = np.sort(present[np.argsort(-counts[present], kind="stable")][:MOST_LEVELS])  # ties stay in text order
    return tuple(column.levels[j] for j in kept)
