"""Features: the columns a model learns from, and the rules that decide which columns qualify.

Takes a column of the training rows; returns a feature, or None, and notes. ``schema`` encodes features as arrays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from backpass.errors import DataError
from backpass.table.columns.column_reading import agreement_among, numbers_among
from backpass.table.messages import counted, shown
from backpass.table.moments.date_components import PARTS, telling_parts
from backpass.table.moments.day_month import Order
from backpass.table.moments.timestamp import DatetimeKind
from backpass.table.notation.reading import NumberReading
from backpass.table.reliability import MOST_ROWS, fewest_rows
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, Kind, NumericColumn

MOST_LEVELS = 255  # categories kept per column; the rest share the unknown code
IDENTIFIER_ROWS = 20  # minimum number of rows for the identifier test
IDENTIFIER_SHARE = 0.9  # share of distinct categories above which a column is an identifier
SMALLEST_RANGE = 1e-300  # of a numeric column, so that its scale is at most the reciprocal
MANY_LEVELS = 20  # categories beyond which texts that start with numbers are probably numbers
NUMBERED = re.compile(r"[^\w]{0,3}\d")  # a sign, a bracket or a currency may stand before the first digit


@dataclass(frozen=True, slots=True)
class NumericFeature:
    """Numeric feature.

    Attributes:
        name: Column name.
        is_percent: Whether the source column holds percentages.
        reading: How the strings of the source column are read as numbers, None for plain numbers.
    """

    name: str
    is_percent: bool = False
    reading: NumberReading | None = None

    @property
    def kind(self) -> Kind:
        return "numeric"


@dataclass(frozen=True, slots=True)
class CategoricalFeature:
    """Categorical feature: code j stands for levels[j - 1], code 0 for missing and unknown categories.

    Attributes:
        name: Column name.
        levels: The categories.
        merges_case: Whether texts that differ only in upper and lower case are one category.
    """

    name: str
    levels: tuple[str, ...]
    merges_case: bool = False

    @property
    def kind(self) -> Kind:
        return "categorical"


@dataclass(frozen=True, slots=True)
class DatetimeFeature:
    """Date or time-of-day feature, encoded as several components (see ``date_components``).

    Attributes:
        name: Column name.
        kind: "date" or "time".
        parts: Names of the components, in the order of ``date_components.PARTS``, starting with the first.
        order: Order of day, month and year of the dates in the source, if they are day-month dates.
        notation: Key of ``moments.counted.BY_KEY`` if the source holds numbers that are dates or times, else empty.

    Raises:
        DataError: ``parts`` does not fit ``kind``, or its order is wrong.
    """

    name: str
    kind: DatetimeKind
    parts: tuple[str, ...]
    order: Order | None = None
    notation: str = ""

    def __post_init__(self) -> None:
        known = tuple(part for part in PARTS[self.kind] if part in self.parts)
        if not known or known != self.parts or known[0] != next(iter(PARTS[self.kind])):
            raise DataError(f"column {shown(self.name)} has no such parts of a {self.kind}: {', '.join(self.parts)}")


Feature: TypeAlias = NumericFeature | CategoricalFeature | DatetimeFeature


@dataclass(frozen=True, slots=True)
class NumberInput:
    """One column of ``Encoded.numbers``: a number, or one component of a date.

    Attributes:
        name: Display name of the input.
        column: Name of the feature.
        period: Period of the date component, 0 if it is not cyclic.
        leads: Whether this is the first input of its column. The first input represents the column where missing values
            are tested.
    """

    name: str
    column: str
    period: int = 0
    leads: bool = True


def number_inputs(feature: Feature) -> tuple[NumberInput, ...]:
    """Return the columns of ``Encoded.numbers`` that encode a feature.

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
    """Result of examining a column: a feature, or None if the column is left out, and notes."""

    feature: Feature | None
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, column: Column, *, forced: bool, embeds: bool = False, targets: Sequence[Column] = ()) -> Found:
        """Decide whether a column becomes a feature.

        Args:
            column: A column of the training rows.
            forced: Whether to keep a column that looks like an identifier.
            embeds: Whether the network embeds columns of many categories, see ``feature_of``.
            targets: The target columns of the same rows.
        """
        if column.missing.all():
            return cls(None, (f"column {shown(column.name)} has only missing values: left out",))
        if is_constant(column):
            return cls(None, (f"column {shown(column.name)} is constant: left out",))
        if tiny := how_tiny(column):
            verdict = "counts as constant" if column.missing.any() else "is constant, as far as scaling goes: left out"
            text = f"column {shown(column.name)} {verdict} ({tiny})"
            return cls(feature_of(column) if column.missing.any() else None, (text,))
        if not forced and looks_like_identifier(column):
            return cls(None, (f"column {shown(column.name)} {_why_identifier(column)}: left out",))
        feature = feature_of(column, embeds=embeds, targets=targets)
        said = () if forced or not may_be_numbers(column) else (f"column {shown(column.name)} {how_numbered(column)}",)
        kept = len(feature.levels) if isinstance(feature, CategoricalFeature) else 0
        if kept == _different(column):
            return cls(feature, said)
        others = counted(_different(column) - kept, "other")
        fewest = fewest_kept(column, targets) if embeds else 0
        rare = f" of fewer than {counted(fewest, 'row')}" if embeds else ""
        text = f"the {kept:,} most frequent categories are kept, {others}{rare} count as unknown"
        return cls(feature, (*said, f"column {shown(column.name)}: {text}"))


def feature_of(column: Column, *, embeds: bool = False, targets: Sequence[Column] = ()) -> Feature:
    """Return the feature for a column of the training rows.

    Args:
        column: The column.
        embeds: Whether the network embeds columns of many categories. Then every category of at least ``fewest_kept``
            rows is kept; otherwise at most ``MOST_LEVELS``, the most frequent ones.
        targets: The target columns of the same rows; without them a category needs ``MOST_ROWS`` rows.
    """
    match column:
        case NumericColumn(name, _, is_percent, reading):
            return NumericFeature(name, is_percent, reading)
        case DatetimeColumn(name, microseconds, kind, order, notation):
            return DatetimeFeature(name, kind, telling_parts(microseconds, kind), order, notation)
    return CategoricalFeature(column.name, _kept_levels(column, embeds=embeds, targets=targets), column.merges_case)


def fewest_kept(column: Column, targets: Sequence[Column]) -> int:
    """Return the number of rows from which a category beyond the most frequent ones is kept for an embedding."""
    return fewest_rows(column, targets) if isinstance(column, CategoricalColumn) and targets else MOST_ROWS


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
    return f"its numbers differ by less than {SMALLEST_RANGE:g}: give them in another unit"


def looks_like_identifier(column: Column) -> bool:
    """Whether nearly every row has a distinct category."""
    if not isinstance(column, CategoricalColumn):
        return False
    rows = int((~column.missing).sum())
    return rows >= IDENTIFIER_ROWS and _different(column) > IDENTIFIER_SHARE * rows


def starts_with_numbers(column: Column) -> bool:
    """Whether nearly every row holds a text that starts with a number: numbers in an unknown notation, or codes."""
    if not isinstance(column, CategoricalColumn) or not len(column.levels):
        return False
    counts, numbered = column.counts(), np.array([NUMBERED.match(text) is not None for text in column.levels])
    return bool(counts[numbered].sum() > IDENTIFIER_SHARE * counts.sum())


def may_be_numbers(column: Column) -> bool:
    """Whether a column holds many categories that start with numbers and are none in a known notation.

    Columns that are mostly numbers have a note of their own.
    """
    if not starts_with_numbers(column) or not isinstance(column, CategoricalColumn) or _different(column) < MANY_LEVELS:
        return False
    if all(text.isdigit() for text in column.levels) or agreement_among(column).dispute:
        return False
    return bool(2 * column.counts()[numbers_among(column)].sum() < column.counts().sum())


def how_numbered(column: Column) -> str:
    """Say that the categories of a column start with numbers."""
    example = shown(column.levels[0]) if isinstance(column, CategoricalColumn) else ""
    what = f"holds values that start with numbers, such as {example}, in an unknown notation"
    return f"{what}: kept as {_different(column):,} categories; if they are numbers, write them as numbers (12.5)"


def _why_identifier(column: Column) -> str:
    """Say why a column in which nearly every row has a different value is left out."""
    share = f"{_different(column):,} different values in {counted(int((~column.missing).sum()), 'row')}"
    if not (isinstance(column, CategoricalColumn) and starts_with_numbers(column)):
        return f"looks like an identifier ({share})"
    if all(text.isdigit() for text in column.levels):
        return f"holds whole numbers as text ({share})"
    what = f"holds values that start with numbers, such as {shown(column.levels[0])}"
    return f"{what}, in an unknown notation ({share})"


def feature_to_json(feature: Feature) -> dict[str, Any]:
    """Return a JSON-serializable dict."""
    match feature:
        case CategoricalFeature(_, levels, merges_case):
            written = {"name": feature.name, "kind": feature.kind, "levels": list(levels)}
            return {**written, "merges_case": True} if merges_case else written
        case DatetimeFeature(_, _, parts, order, notation):
            written = {"name": feature.name, "kind": feature.kind, "parts": list(parts)}
            return written | ({"order": order} if order else {}) | ({"notation": notation} if notation else {})
    plain: dict[str, Any] = {"name": feature.name, "kind": feature.kind}
    if feature.reading is not None:
        plain["reading"] = feature.reading.to_json()
    return {**plain, "percent": True} if feature.is_percent else plain


def feature_from_json(data: Mapping[str, Any]) -> Feature:
    """Return the feature that ``feature_to_json`` serialized."""
    match data["kind"]:
        case "categorical":
            return CategoricalFeature(data["name"], tuple(data["levels"]), data.get("merges_case", False))
        case "date" | "time" as kind:
            parts = tuple(data["parts"])
            return DatetimeFeature(data["name"], kind, parts, data.get("order"), data.get("notation", ""))
    reading = NumberReading.from_json(data["reading"]) if "reading" in data else None
    return NumericFeature(data["name"], data.get("percent", False), reading)


def _content(column: Column) -> np.ndarray[Any, Any]:
    match column:
        case NumericColumn(_, values):
            return values
        case DatetimeColumn(_, microseconds):
            return microseconds
    return column.codes


def _different(column: Column) -> int:
    """Number of categories that occur; 0 for other column kinds."""
    return int(np.count_nonzero(column.counts())) if isinstance(column, CategoricalColumn) else 0


def _kept_levels(column: CategoricalColumn, *, embeds: bool, targets: Sequence[Column]) -> tuple[str, ...]:
    """Return the categories that are kept, in order, see ``feature_of``."""
    counts = column.counts()
    present = np.flatnonzero(counts)
    by_count = present[np.argsort(-counts[present], kind="stable")]  # ties stay in text order
    most = MOST_LEVELS
    if embeds and len(present) > most:
        most = max(most, int(np.count_nonzero(counts >= fewest_kept(column, targets))))
    return tuple(column.levels[j] for j in np.sort(by_count[:most]))
