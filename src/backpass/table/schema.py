"""Schema: which columns a model learns from, and how they become numbers; fitted on the training rows only.

A Table comes in; float64 columns and int32 codes go out, missing values still NaN and 0. Filling in, scaling and
one-hot coding are the network's; the column to predict is ``target``'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import did_you_mean
from backpass.table.boolean import are_booleans
from backpass.table.date_components import part_values
from backpass.table.feature import (
    CategoricalFeature,
    DatetimeFeature,
    Feature,
    Found,
    NumberInput,
    NumericFeature,
    feature_from_json,
    feature_of,
    feature_to_json,
    number_inputs,
)
from backpass.table.messages import ErrorList, absent, counted, listed, refusal, shown
from backpass.table.missing import DEFAULT_MISSING
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, Demand, NumericColumn, Table
from backpass.table.timestamp import NAT


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A table as arrays: numbers float64 (n, p) with NaN, codes int32 (n, q) with 0, columns in the schema's order.

    A date stands among the numbers with each of its parts, see ``Schema.numbers``.
    ``unseen`` counts, per text column, the rows whose text is not a level of the schema.
    """

    numbers: NDArray[np.float64]
    codes: NDArray[np.int32]
    unseen: dict[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The features in table order, the target, the columns left out, and what is worth saying about them.

    ``missing`` is what counted as missing in the training table, and does so again when predicting; ``headerless``
    holds the names of all of its columns where it was a file without a header.
    """

    features: tuple[Feature, ...]
    target: str = ""
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = DEFAULT_MISSING
    headerless: tuple[str, ...] = ()

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
        found = [Found.of(table.columns[name], forced=columns is not None) for name in asked]
        notes = [note for each in found for note in each.notes]
        features = tuple(each.feature for each in found if each.feature is not None)
        if not features:
            raise _nothing_left(table, notes)
        chosen = {feature.name for feature in features}
        notes += _equal_columns([table.columns[name] for name in asked if name in chosen], table.columns[target])
        left_out = tuple(name for name in table.names if name not in chosen and name != target)
        return cls(features, target, left_out + table.left_out, tuple(notes), table.missing, table.headerless)

    @classmethod
    def of_all(cls, table: Table, target: str) -> Schema:
        """Every column of the training rows is a feature, for callers who have chosen their columns already.

        The target is only named: it is not in the table.
        """
        features = tuple(feature_of(column) for column in table.columns.values())
        return cls(features, target, table.left_out, missing=table.missing)

    @property
    def kinds(self) -> dict[str, Demand]:
        """Name -> kind, to demand of ``read_table`` and ``table_from`` when predicting."""
        return {feature.name: _required_kind(feature) for feature in self.features}

    @property
    def numbers(self) -> tuple[NumberInput, ...]:
        """What stands in the columns of ``Encoded.numbers``: numbers and the parts of dates, as the features come."""
        return tuple(each for feature in self.features for each in number_inputs(feature))

    @property
    def periods(self) -> tuple[int, ...]:
        """The period of each of them, 0 without; nothing where no column has one."""
        periods = tuple(number.period for number in self.numbers)
        return periods if any(periods) else ()

    @property
    def moments(self) -> tuple[DatetimeFeature, ...]:
        """The features that are dates or times."""
        return tuple(feature for feature in self.features if isinstance(feature, DatetimeFeature))

    @property
    def texts(self) -> tuple[CategoricalFeature, ...]:
        """The features in the columns of ``Encoded.codes``."""
        return tuple(feature for feature in self.features if isinstance(feature, CategoricalFeature))

    def encode(self, table: Table) -> Encoded:
        """The arrays of a table. Columns are matched by name; others are ignored with a note.

        Raises DataError naming every column that is missing, or of the other kind.
        """
        self._check(table)
        numbers = np.empty((table.rows, len(self.numbers)))
        codes = np.zeros((table.rows, len(self.texts)), dtype=np.int32)
        unseen: dict[str, int] = {}
        found = (values for feature in self.features for values in _numbers_of(table.columns[feature.name], feature))
        for j, values in enumerate(found):
            numbers[:, j] = values
        for j, text in enumerate(self.texts):
            codes[:, j], unseen[text.name] = _recoded(table.columns[text.name], text.levels)
        return Encoded(numbers, codes, unseen, self._notes(table, unseen))

    def _check(self, table: Table) -> None:
        faults = ErrorList(table.source)
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
            f"column {shown(name)}: {counted(count, 'row')} with a text that the model does not know"
            for name, count in unseen.items()
            if count
        ]
        return tuple(notes)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        written = {
            "features": [feature_to_json(feature) for feature in self.features],
            "target": self.target,
            "left_out": list(self.left_out),
            "notes": list(self.notes),
            "missing": list(self.missing),
        }
        return {**written, "headerless": list(self.headerless)} if self.headerless else written

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """The Schema that ``to_json`` wrote."""
        features = tuple(map(feature_from_json, data["features"]))
        return cls(
            features,
            data["target"],
            tuple(data["left_out"]),
            tuple(data["notes"]),
            tuple(map(str, data["missing"])),
            tuple(data.get("headerless", ())),
        )


def _check_named(table: Table, names: Sequence[str]) -> None:
    faults = ErrorList(table.source)
    for fault in absent(list(dict.fromkeys(names)), table.names):
        faults.add(fault)
    faults.stop()


def _required_kind(feature: Feature) -> Demand:
    """What ``required_kind`` says of the feature's column."""
    match feature:
        case NumericFeature(_, True):
            return "percent"
        case DatetimeFeature(_, _, _, order) if order:
            return order
        case CategoricalFeature(_, levels) if are_booleans(levels):
            return "boolean"
    return feature.kind


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
    if isinstance(column, CategoricalColumn):
        return ("categorical", column.codes.tobytes(), column.levels)
    if isinstance(column, DatetimeColumn):
        return (column.kind, column.microseconds.tobytes())
    return ("numeric", np.where(column.missing, np.nan, column.values + 0.0).tobytes())


def _numbers_of(column: Column, feature: Feature) -> Iterator[NDArray[np.float64]]:
    """The number columns of a feature; a column without any value may be of any kind."""
    if isinstance(feature, NumericFeature):
        yield column.values if isinstance(column, NumericColumn) else np.full(len(column.missing), np.nan)
    if isinstance(feature, DatetimeFeature):
        microseconds = column.microseconds if isinstance(column, DatetimeColumn) else np.full(len(column.missing), NAT)
        for part in feature.parts:
            yield part_values(microseconds, feature.kind, part)


def _recoded(column: Column, levels: tuple[str, ...]) -> tuple[NDArray[np.int32], int]:
    """Codes in the schema's levels, and how many rows hold another text."""
    if not isinstance(column, CategoricalColumn):
        return np.zeros(len(column.missing), dtype=np.int32), 0
    code = {text: j for j, text in enumerate(levels, start=1)}
    codes = np.array([0, *(code.get(text, 0) for text in column.levels)], dtype=np.int32)[column.codes]
    return codes, int(np.count_nonzero((codes == 0) & (column.codes != 0)))
