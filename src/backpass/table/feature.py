"""Features: the columns a model learns from.

Takes a column of the training rows; returns a feature, or None, and notes. ``columns.exclusion`` has the rules that
decide which columns qualify; ``schema`` encodes features as arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, TypeAlias

import numpy as np

from backpass.dataclass import dataclass
from backpass.errors import DataError
from backpass.table.columns.exclusion import (
    distinct_categories,
    how_numbered,
    how_tiny,
    left_out_because,
    may_be_numbers,
)
from backpass.table.datetimes.date_components import PARTS, varying_parts
from backpass.table.datetimes.day_month import Order
from backpass.table.datetimes.timestamp import DatetimeKind
from backpass.table.free_text.columns import fit_column
from backpass.table.free_text.encoding import TextEncoding
from backpass.table.free_text.recognition import is_free_text
from backpass.table.messages import counted, listed, shown
from backpass.table.notation.reading import NumberReading
from backpass.table.reliability import MOST_ROWS, fewest_rows
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, Kind, NumericColumn

MOST_LEVELS = 255  # categories kept per column; the rest share the unknown code


@dataclass(frozen=True, slots=True)
class NumericFeature:
    """Numeric feature.

    Attributes:
        name: Column name.
        is_percent: Whether the source column holds percentages.
        reading: How the strings of the source column are read as numbers, None for plain numbers.
        marks_bounds: Whether a second input says that a cell is a bound: -1 for <30, 1 for >90, else 0.
    """

    name: str
    is_percent: bool = False
    reading: NumberReading | None = None
    marks_bounds: bool = False

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
        notation: Key of ``datetimes.counted.BY_KEY`` if the source holds numbers that are dates or times, else empty.

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


@dataclass(frozen=True, slots=True)
class TextFeature:
    """Free-text feature, encoded as its length and a few components (see ``free_text``).

    Attributes:
        name: Column name.
        encoding: How its texts become numbers.
    """

    name: str
    encoding: TextEncoding

    @property
    def kind(self) -> Literal["text"]:
        return "text"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the numbers that encode a text: its length, then its components from 1."""
        return ("length", *map(str, range(1, self.encoding.components + 1)))


Feature: TypeAlias = NumericFeature | CategoricalFeature | DatetimeFeature | TextFeature


@dataclass(frozen=True, slots=True)
class NumberInput:
    """One column of ``Encoded.numbers``: a number, whether it is a bound, or one component of a date or a text.

    Attributes:
        name: Display name of the input.
        column: Name of the feature.
        period: Period of the date component, 0 if it is not cyclic.
        leads: Whether this is the first input of its column. The first input represents the column where missing values
            are tested.
        marks: Whether this is -1, 0 or 1: whether the number is a bound.
    """

    name: str
    column: str
    period: int = 0
    leads: bool = True
    marks: bool = False


def number_inputs(feature: Feature) -> tuple[NumberInput, ...]:
    """Return the columns of ``Encoded.numbers`` that encode a feature.

    >>> [each.name for each in number_inputs(DatetimeFeature("sold", "date", ("days", "year")))]
    ['sold (days)', 'sold (year)']
    """
    match feature:
        case NumericFeature(name, marks_bounds=True):
            return (NumberInput(name, name), NumberInput(f"{name} (bound)", name, leads=False, marks=True))
        case NumericFeature(name):
            return (NumberInput(name, name),)
        case DatetimeFeature(name, kind, parts):
            return tuple(
                NumberInput(f"{name} ({part})", name, PARTS[kind][part].period, leads=i == 0)
                for i, part in enumerate(parts)
            )
        case TextFeature(name):
            return tuple(NumberInput(f"{name} ({part})", name, leads=i == 0) for i, part in enumerate(feature.inputs))
    return ()


@dataclass(frozen=True, slots=True)
class Found:
    """Result of examining a column: a feature, or None if the column is left out, notes, and why it is left out."""

    feature: Feature | None
    notes: tuple[str, ...] = field(default=())
    left_out: str = ""

    @classmethod
    def of(cls, column: Column, *, forced: bool, embeds: bool = False, targets: Sequence[Column] = ()) -> Found:
        """Decide whether a column becomes a feature.

        Args:
            column: A column of the training rows.
            forced: Whether to keep a column that looks like an identifier.
            embeds: Whether the network embeds columns of many categories, see ``feature_of``.
            targets: The target columns of the same rows.
        """
        if why := left_out_because(column, forced=forced):
            return cls(None, (why.note,), why.name)
        if tiny := how_tiny(column):
            text = f"column {shown(column.name)} counts as constant ({tiny})"
            return cls(feature_of(column), (text,))
        feature = feature_of(column, embeds=embeds, targets=targets)
        if isinstance(feature, TextFeature):
            return cls(feature, (_how_text(column, feature),))
        if not forced and is_free_text(column):
            return cls(
                None, (f"column {shown(column.name)} is free text without a word in two rows: left out",), "identifier"
            )
        found_notes = (
            () if forced or not may_be_numbers(column) else (f"column {shown(column.name)} {how_numbered(column)}",)
        )
        found_notes = (*found_notes, *_how_bounded(column))
        kept = len(feature.levels) if isinstance(feature, CategoricalFeature) else 0
        if kept == distinct_categories(column):
            return cls(feature, found_notes)
        others = counted(distinct_categories(column) - kept, "other")
        fewest = fewest_kept(column, targets) if embeds else 0
        rare = f" of fewer than {counted(fewest, 'row')}" if embeds else ""
        text = f"the {kept:,} most frequent categories are kept, {others}{rare} count as unknown"
        return cls(feature, (*found_notes, f"column {shown(column.name)}: {text}"))


def feature_of(column: Column, *, embeds: bool = False, targets: Sequence[Column] = ()) -> Feature:
    """Return the feature for a column of the training rows. Free text in which no word recurs becomes categories.

    Args:
        column: The column.
        embeds: Whether the network embeds columns of many categories. Then every category of at least ``fewest_kept``
            rows is kept; otherwise at most ``MOST_LEVELS``, the most frequent ones.
        targets: The target columns of the same rows; without them a category needs ``MOST_ROWS`` rows.
    """
    match column:
        case NumericColumn(name, _, is_percent, reading):
            return NumericFeature(name, is_percent, reading, _has_bounds(column))
        case DatetimeColumn(name, microseconds, kind, order, notation):
            return DatetimeFeature(name, kind, varying_parts(microseconds, kind), order, notation)
    if is_free_text(column):
        encoding = fit_column(column)
        if encoding is not None:
            return TextFeature(column.name, encoding)
    return CategoricalFeature(column.name, _kept_levels(column, embeds=embeds, targets=targets), column.merges_case)


def fewest_kept(column: Column, targets: Sequence[Column]) -> int:
    """Return the number of rows from which a category beyond the most frequent ones is kept for an embedding."""
    return fewest_rows(column, targets) if isinstance(column, CategoricalColumn) and targets else MOST_ROWS


def _has_bounds(column: NumericColumn) -> bool:
    """Whether some values are bounds, and not all in the same direction."""
    signs = column.signs[:0] if column.bounds is None else column.bounds[~column.missing]
    return bool(signs.size) and bool(signs.min() < signs.max())


def _how_bounded(column: Column) -> Iterator[str]:
    """Say that the bounds of a column are marked, if they are."""
    if not isinstance(column, NumericColumn) or not _has_bounds(column):
        return
    bounds = {mark: int(np.count_nonzero(column.signs == sign)) for mark, sign in (("<", -1), (">", 1))}
    marked = listed([f"{count:,} {mark}" for mark, count in bounds.items() if count])
    yield f"column {shown(column.name)} has a second input that marks bounds ({marked})"


def _how_text(column: Column, feature: TextFeature) -> str:
    """Say that a column is read as free text, unless the caller says so."""
    words, components = len(feature.encoding.vocabulary), feature.encoding.components
    what = f"is free text: {counted(words, 'known word')}, {components} components"
    other = "" if isinstance(column, CategoricalColumn) and column.is_text else "; as categories: --categorical"
    return f"column {shown(column.name)} {what}{other}"


def feature_to_json(feature: Feature) -> dict[str, Any]:
    """Return a JSON-serializable dict."""
    match feature:
        case CategoricalFeature(_, levels, merges_case):
            written = {"name": feature.name, "kind": feature.kind, "levels": list(levels)}
            return {**written, "merges_case": True} if merges_case else written
        case DatetimeFeature(_, _, parts, order, notation):
            written = {"name": feature.name, "kind": feature.kind, "parts": list(parts)}
            return written | ({"order": order} if order else {}) | ({"notation": notation} if notation else {})
        case TextFeature(_, encoding):
            return {"name": feature.name, "kind": feature.kind, **encoding.to_json()}
    plain: dict[str, Any] = {"name": feature.name, "kind": feature.kind}
    if feature.reading is not None:
        plain["reading"] = feature.reading.to_json()
    if feature.marks_bounds:
        plain["bounds"] = True
    return {**plain, "percent": True} if feature.is_percent else plain


def feature_from_json(data: Mapping[str, Any], encodings: Iterator[TextEncoding]) -> Feature:
    """Return the feature that ``feature_to_json`` serialized.

    Args:
        data: The serialized feature.
        encodings: The encodings of free text; the next one belongs to the feature if it is free text.
    """
    match data["kind"]:
        case "text":
            return TextFeature(data["name"], next(encodings))
        case "categorical":
            return CategoricalFeature(data["name"], tuple(data["levels"]), data.get("merges_case", False))
        case "date" | "time" as kind:
            parts = tuple(data["parts"])
            return DatetimeFeature(data["name"], kind, parts, data.get("order"), data.get("notation", ""))
    reading = NumberReading.from_json(data["reading"]) if "reading" in data else None
    return NumericFeature(data["name"], data.get("percent", False), reading, data.get("bounds", False))


def _kept_levels(column: CategoricalColumn, *, embeds: bool, targets: Sequence[Column]) -> tuple[str, ...]:
    """Return the categories that are kept, in order, see ``feature_of``."""
    counts = column.counts()
    present = np.flatnonzero(counts)
    by_count = present[np.argsort(-counts[present], kind="stable")]  # ties stay in text order
    most = MOST_LEVELS
    if embeds and len(present) > most:
        most = max(most, int(np.count_nonzero(counts >= fewest_kept(column, targets))))
    return tuple(column.levels[j] for j in np.sort(by_count[:most]))
