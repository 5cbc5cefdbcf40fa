"""Schema: which columns a model learns from, and how they become numbers; fitted on the training rows only.

A Table comes in; float64 columns and int32 codes go out, missing values still NaN and 0. Filling in, scaling and
one-hot coding are the network's; the column to predict is ``target``'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.errors import did_you_mean
from backpass.table.missing import DEFAULT_MISSING
from backpass.table.table import Column, Kind, NumberColumn, Table, TextColumn
from backpass.table.wording import Faults, absent, counted, listed, refusal, shown

MOST_LEVELS = 255  # levels kept of a text column; the rest share the unknown slot
IDENTIFIER_ROWS = 20  # rows from which on texts can look like identifiers
IDENTIFIER_SHARE = 0.9  # share of distinct texts above which they do


@dataclass(frozen=True, slots=True)
class NumberFeature:
    """A column of numbers to learn from."""

    name: str

    @property
    def kind(self) -> Kind:
        return "number"


@dataclass(frozen=True, slots=True)
class TextFeature:
    """A column of texts to learn from: code j stands for levels[j - 1], code 0 for missing and for any other text."""

    name: str
    levels: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return "text"


Feature: TypeAlias = NumberFeature | TextFeature


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A table as arrays: numbers float64 (n, p) with NaN, codes int32 (n, q) with 0, columns in the schema's order.

    ``unseen`` counts, per text column, the rows whose text is not a level of the schema.
    """

    numbers: NDArray[np.float64]
    codes: NDArray[np.int32]
    unseen: dict[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The features in table order, the target, the columns left out, and what is worth saying about them.

    ``missing`` is what counted as missing in the training table, and does so again when predicting.
    """

    features: tuple[Feature, ...]
    target: str = ""
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = DEFAULT_MISSING

    @classmethod
    def fit(
        cls, table: Table, target: str, *, drop: Sequence[str] = (), columns: Sequence[str] | None = None
    ) -> Schema:
        """Choose the features from the training rows.

        Kept out, with a note: constant (unless there is a single row) and empty columns, and texts that look like
        identifiers (unless named in ``columns``). Raises DataError when a name is not there or no column is left.
        """
        _check_named(table, [target, *drop, *(columns or ())])
        asked = [name for name in table.names if name != target and name not in drop]
        if columns is not None:
            asked = [name for name in asked if name in columns]
        found = [_Found.of(table.columns[name], forced=columns is not None) for name in asked]
        notes = [note for each in found for note in each.notes]
        features = tuple(each.feature for each in found if each.feature is not None)
        if not features:
            raise _nothing_left(table, notes)
        chosen = {feature.name for feature in features}
        notes += _equal_columns([table.columns[name] for name in asked if name in chosen], table.columns[target])
        left_out = tuple(name for name in table.names if name not in chosen and name != target)
        return cls(features, target, left_out + table.left_out, tuple(notes), table.missing)

    @classmethod
    def of_all(cls, table: Table, target: str) -> Schema:
        """Every column of the training rows is a feature, for callers who have chosen their columns already.

        The target is only named: it is not in the table.
        """
        features: list[Feature] = []
        for column in table.columns.values():
            if isinstance(column, NumberColumn):
                features.append(NumberFeature(column.name))
            else:
                features.append(TextFeature(column.name, _kept_levels(column)))
        return cls(tuple(features), target, table.left_out, missing=table.missing)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Name -> kind, to demand of ``read_table`` and ``table_from`` when predicting."""
        return {feature.name: feature.kind for feature in self.features}

    @property
    def numbers(self) -> tuple[NumberFeature, ...]:
        """The features in the columns of ``Encoded.numbers``."""
        return tuple(feature for feature in self.features if isinstance(feature, NumberFeature))

    @property
    def texts(self) -> tuple[TextFeature, ...]:
        """The features in the columns of ``Encoded.codes``."""
        return tuple(feature for feature in self.features if isinstance(feature, TextFeature))

    def encode(self, table: Table) -> Encoded:
        """The arrays of a table. Columns are matched by name; others are ignored with a note.

        Raises DataError naming every column that is missing, or of the other kind.
        """
        self._check(table)
        numbers = np.empty((table.rows, len(self.numbers)))
        codes = np.zeros((table.rows, len(self.texts)), dtype=np.int32)
        unseen: dict[str, int] = {}
        for j, number in enumerate(self.numbers):
            numbers[:, j] = _values(table.columns[number.name])
        for j, text in enumerate(self.texts):
            codes[:, j], unseen[text.name] = _recoded(table.columns[text.name], text.levels)
        return Encoded(numbers, codes, unseen, self._notes(table, unseen))

    def _check(self, table: Table) -> None:
        faults = Faults(table.source)
        for feature in self.features:
            column = table.columns.get(feature.name)
            if column is None:
                near = did_you_mean(feature.name, [*table.names, *table.left_out])
                suffix = f" ({near})" if near else ""
                faults.add(f"column {shown(feature.name)} is in the model but not in the table{suffix}")
            elif column.kind != feature.kind and not column.missing.all():
                text = f"column {shown(feature.name)} holds {column.kind}s, the model was fitted on {feature.kind}s"
                faults.add(text, "read the table with the kinds of the schema")
        faults.stop()

    def _notes(self, table: Table, unseen: Mapping[str, int]) -> tuple[str, ...]:
        known = {self.target, *self.left_out, *self.kinds}
        extra = [name for name in [*table.names, *table.left_out] if name not in known]
        ignored = f"{counted(len(extra), 'column')} not in the model, ignored: {listed(extra, shown)}"
        notes = [ignored] if extra else []
        notes += [
            f"column {shown(name)}: {counted(count, 'row')} with a text not seen in training"
            for name, count in unseen.items()
            if count
        ]
        return tuple(notes)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        features = [
            {"name": feature.name, "kind": feature.kind}
            | ({"levels": list(feature.levels)} if isinstance(feature, TextFeature) else {})
            for feature in self.features
        ]
        return {
            "features": features,
            "target": self.target,
            "left_out": list(self.left_out),
            "notes": list(self.notes),
            "missing": list(self.missing),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """The Schema that ``to_json`` wrote."""
        features = tuple(
            TextFeature(each["name"], tuple(each["levels"])) if each["kind"] == "text" else NumberFeature(each["name"])
            for each in data["features"]
        )
        return cls(
            features, data["target"], tuple(data["left_out"]), tuple(data["notes"]), tuple(map(str, data["missing"]))
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """What became of a column: a feature, or None, and the notes on it."""

    feature: Feature | None
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, column: Column, *, forced: bool) -> _Found:
        if column.missing.all():
            return cls(None, (f"column {shown(column.name)} has no values: left out",))
        return _number(column) if isinstance(column, NumberColumn) else _text(column, forced)


def _number(column: NumberColumn) -> _Found:
    values = column.values
    if len(values) > 1 and not column.missing.any() and values.min() == values.max():
        return _Found(None, (f"column {shown(column.name)} is constant: left out",))
    return _Found(NumberFeature(column.name))


def _text(column: TextColumn, forced: bool) -> _Found:
    counts = column.counts()
    present = np.flatnonzero(counts)
    rows = int(counts.sum())
    if len(present) == 1 and rows == len(column.codes) > 1:
        return _Found(None, (f"column {shown(column.name)} is constant: left out",))
    if not forced and rows >= IDENTIFIER_ROWS and len(present) > IDENTIFIER_SHARE * rows:
        share = f"{len(present):,} different texts in {counted(rows, 'row')}"
        return _Found(None, (f"column {shown(column.name)} looks like an identifier ({share}): left out",))
    feature = TextFeature(column.name, _kept_levels(column))
    if len(present) <= MOST_LEVELS:
        return _Found(feature)
    others = counted(len(present) - MOST_LEVELS, "other")
    note = f"column {shown(column.name)}: the {MOST_LEVELS} most frequent texts are kept, {others} count as unknown"
    return _Found(feature, (note,))


def _kept_levels(column: TextColumn) -> tuple[str, ...]:
    """The texts that occur, in order; of too many the most frequent ones."""
    counts = column.counts()
    present = np.flatnonzero(counts)
    kept = np.sort(present[np.argsort(-counts[present], kind="stable")][:MOST_LEVELS])  # ties stay in text order
    return tuple(column.levels[j] for j in kept)


def _check_named(table: Table, names: Sequence[str]) -> None:
    faults = Faults(table.source)
    for fault in absent(list(dict.fromkeys(names)), table.names):
        faults.add(fault)
    faults.stop()


def _nothing_left(table: Table, notes: Sequence[str]) -> Exception:
    error = refusal(table.source, "no column is left to learn from")
    error.faults = tuple(notes)
    return error


def _equal_columns(columns: Sequence[Column], target: Column) -> list[str]:
    """Notes on columns that repeat the target, or one another."""
    seen: dict[tuple[object, ...], str] = {}
    notes = []
    goal = _content(target)
    for column in columns:
        content = _content(column)
        if content == goal:
            name, goal_name = shown(column.name), shown(target.name)
            notes.append(f"column {name} equals the target {goal_name}: is it known when you predict?")
        elif (first := seen.setdefault(content, column.name)) != column.name:
            notes.append(f"columns {shown(first)} and {shown(column.name)} are equal")
    return notes


def _content(column: Column) -> tuple[object, ...]:
    """What a column holds, to compare: -0.0 as 0.0, every NaN as one."""
    if isinstance(column, TextColumn):
        return ("text", column.codes.tobytes(), column.levels)
    return ("number", np.where(column.missing, np.nan, column.values + 0.0).tobytes())


def _values(column: Column) -> NDArray[np.float64]:
    """The numbers; a column without any value is one of numbers, too."""
    return column.values if isinstance(column, NumberColumn) else np.full(len(column.codes), np.nan)


def _recoded(column: Column, levels: tuple[str, ...]) -> tuple[NDArray[np.int32], int]:
    """Codes in the schema's levels, and how many rows hold another text."""
    if isinstance(column, NumberColumn):
        return np.zeros(len(column.values), dtype=np.int32), 0
    code = {text: j for j, text in enumerate(levels, start=1)}
    codes = np.array([0, *(code.get(text, 0) for text in column.levels)], dtype=np.int32)[column.codes]
    return codes, int(np.count_nonzero((codes == 0) & (column.codes != 0)))
