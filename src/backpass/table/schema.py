"""Schema: the columns a model learns from and their encoding as arrays, fitted on the training rows only.

Takes a Table; returns float64 columns and int32 codes in which missing values are still NaN and 0. The network does
imputation, scaling and one-hot encoding; ``target`` handles the column to predict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import did_you_mean
from backpass.numerics.distinct import distinct_values
from backpass.table.columns.number_columns import NumberColumns
from backpass.table.datetimes.counted import BY_KEY
from backpass.table.equal_values import equal_category, equality_note
from backpass.table.feature import (
    CategoricalFeature,
    DatetimeFeature,
    Feature,
    Found,
    NumberInput,
    NumericFeature,
    TextFeature,
    feature_from_json,
    feature_of,
    feature_to_json,
    number_inputs,
)
from backpass.table.free_text.encoding import Words
from backpass.table.free_text.storage import arrays_of, encodings_in
from backpass.table.messages import ErrorList, absent, counted, data_error, listed, plural, shown
from backpass.table.notation.boolean import are_booleans
from backpass.table.notation.missing import DEFAULT_MISSING
from backpass.table.notation.reading import NumberReading
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, Kind, RequiredKind, Table
from backpass.table.unseen import Suspect, Unseen, warnings_on


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A table encoded as arrays, with columns in schema order.

    Attributes:
        numbers: float64 (n, p), NaN where missing. A date contributes one column per component; see ``Schema.numbers``.
        codes: int32 (n, q), 0 where missing or unknown.
        unseen: The columns with values that the schema does not know.
        notes: Messages about the encoding.
        suspects: The columns that look different from those of the training rows, if these are known.
        words: How many words of each free-text column the schema knows.
    """

    numbers: NDArray[np.float64]
    codes: NDArray[np.int32]
    unseen: tuple[Unseen, ...]
    notes: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    words: Mapping[str, Words] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about columns with almost no known value, and about suspect ones."""
        return warnings_on(self.unseen, self.suspects)


@dataclass(frozen=True, slots=True)
class Schema:
    """Features, target and omitted columns of a model.

    Attributes:
        features: Features, in table order.
        target: Name of the target column.
        left_out: Names of columns that are not features.
        notes: Messages about the choice of features.
        missing: Missing tokens of the training table; prediction uses the same ones.
        headerless: Names of all columns of the training table if it is a file without a header.
    """

    features: tuple[Feature, ...]
    target: str = ""
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = DEFAULT_MISSING
    headerless: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        table: Table,
        target: str,
        *,
        others: Sequence[str] = (),
        drop: Sequence[str] = (),
        columns: Sequence[str] | None = None,
        embeds: bool = False,
    ) -> Schema:
        """Choose the features from the training rows.

        Empty columns, constant columns (unless there is a single row) and columns that look like identifiers are left
        out, with a note.

        Args:
            table: The training rows.
            target: Name of the column to predict.
            others: Names of further columns to predict.
            drop: Columns that are not features.
            columns: The only columns considered; identifiers among them are kept. None considers all columns.
            embeds: Whether the network embeds columns of many categories, see ``feature.feature_of``.

        Raises:
            DataError: A name is unknown, or no column is left.
        """
        targets = (target, *others)
        _check_named(table, [*targets, *drop, *(columns or ())])
        asked = [name for name in table.names if name not in (*targets, *drop)]
        if columns is not None:
            asked = [name for name in asked if name in columns]
        goals = [table.columns[name] for name in targets]
        found = [
            Found.of(table.columns[name], forced=columns is not None, embeds=embeds, targets=goals) for name in asked
        ]
        notes = [note for each in found for note in each.notes]
        features = tuple(each.feature for each in found if each.feature is not None)
        if not features:
            raise _nothing_left(table, notes)
        chosen = {feature.name for feature in features}
        notes += _equal_columns((table.columns[name] for name in asked if name in chosen), goals[0])
        left_out = tuple(name for name in table.names if name not in chosen and name not in targets)
        return cls(features, target, left_out + table.left_out, tuple(notes), table.missing, table.headerless)

    @classmethod
    def of_all(cls, table: Table, target: str, *, embeds: bool = False, targets: Sequence[Column] = ()) -> Schema:
        """Make every column of the training rows a feature, for callers that have already selected the columns.

        ``target`` is only a name; the table does not contain it. ``embeds`` is that of ``fit``, and ``targets`` are
        the target columns of the same rows.
        """
        features = tuple(feature_of(column, embeds=embeds, targets=targets) for column in table.columns.values())
        return cls(features, target, table.left_out, missing=table.missing)

    @property
    def kinds(self) -> dict[str, RequiredKind]:
        """Required kind by column name, for ``read_table`` and ``table_from`` when predicting."""
        return {feature.name: _required_kind(feature) for feature in self.features}

    @property
    def numbers(self) -> tuple[NumberInput, ...]:
        """The columns of ``Encoded.numbers``: numbers and date components, in the order of the features."""
        return tuple(each for feature in self.features for each in number_inputs(feature))

    @property
    def periods(self) -> tuple[int, ...]:
        """Period of each column of ``Encoded.numbers``, 0 if not cyclic; empty if no column is cyclic."""
        periods = tuple(number.period for number in self.numbers)
        return periods if any(periods) else ()

    @property
    def datetimes(self) -> tuple[DatetimeFeature, ...]:
        """The features that are dates or times."""
        return tuple(feature for feature in self.features if isinstance(feature, DatetimeFeature))

    @property
    def texts(self) -> tuple[CategoricalFeature, ...]:
        """The categorical features, in the order of the columns of ``Encoded.codes``."""
        return tuple(feature for feature in self.features if isinstance(feature, CategoricalFeature))

    def encode(self, table: Table) -> Encoded:
        """Encode a table as arrays. Columns are matched by name; extra columns are ignored, with a note.

        Raises:
            DataError: Columns are absent or of another kind; the error lists all of them.
        """
        numbers = self.number_columns(table)
        codes, notes, unseen = self.codes(table)
        return Encoded(numbers[:], codes, unseen, (*self.ignored(table), *notes), words=numbers.words)

    def number_columns(self, table: Table) -> NumberColumns:
        """Return the numbers that ``encode`` returns, computed where they are read.

        Raises:
            DataError: As ``encode``.
        """
        self._check(table)
        return NumberColumns.of(table, self.features)

    def codes(
        self, table: Table, rows: NDArray[Any] | None = None
    ) -> tuple[NDArray[np.int32], tuple[str, ...], tuple[Unseen, ...]]:
        """Return the codes (n, q) of a checked table, the notes on them, and the columns with unknown values.

        Args:
            table: The table.
            rows: The rows. Default None: all.
        """
        count = table.rows if rows is None else len(rows)
        codes = np.zeros((count, len(self.texts)), dtype=np.int32)
        unseen, equal = list[Unseen](), list[str]()
        for j, text in enumerate(self.texts):
            column = table.columns[text.name]
            if isinstance(column, CategoricalColumn):
                column = column if rows is None else column.take(rows)
                codes[:, j], same = _recoded(column, text)
                equal += [equality_note(text.name, same)] if same else []
                unseen += _unseen_in(column, codes[:, j], text.levels)
        return codes, (*equal, *_notes_on(unseen)), tuple(unseen)

    def _check(self, table: Table) -> None:
        errors, names = ErrorList(table.source), [*table.names, *table.left_out]
        is_listed = False  # the names of the table are listed once, with the first column that resembles none of them
        for feature in self.features:
            column = table.columns.get(feature.name)
            if column is None:
                near = did_you_mean(feature.name, names)
                has_match = near.startswith("did")
                suffix = f" ({near})" if near and (has_match or not is_listed) else ""
                is_listed |= not has_match
                errors.add(f"column {shown(feature.name)} is in the model but not in the table{suffix}")
            elif column.kind != _kind_of_column(feature) and not column.missing.all():
                held, fitted = plural(column.kind), plural(feature.kind)
                text = f"column {shown(feature.name)} holds {held}, but the model was fitted on {fitted}"
                errors.add(text, "read the table with the kinds of the schema")
        errors.stop()

    def ignored(self, table: Table) -> tuple[str, ...]:
        """Return a note on the columns of a table that the schema does not know, if there are any."""
        known = {self.target, *self.left_out, *self.kinds}
        extra = [name for name in [*table.names, *table.left_out] if name not in known]
        ignored = f"{counted(len(extra), 'column')} not in the model, ignored: {listed(extra, shown)}"
        return (ignored,) if extra else ()

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
        written = {
            "features": [feature_to_json(feature) for feature in self.features],
            "target": self.target,
            "left_out": list(self.left_out),
            "notes": list(self.notes),
            "missing": list(self.missing),
        }
        return {**written, "headerless": list(self.headerless)} if self.headerless else written

    @property
    def free_texts(self) -> tuple[TextFeature, ...]:
        """The free-text features."""
        return tuple(feature for feature in self.features if isinstance(feature, TextFeature))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``to_json`` leaves out: the arrays of free text, by name; empty if there is none."""
        return arrays_of([feature.encoding for feature in self.free_texts])

    @classmethod
    def from_json(cls, data: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None) -> Schema:
        """Return the Schema that ``to_json`` and ``arrays`` serialized.

        Raises:
            DataError: The arrays do not fit.
        """
        encodings = iter(encodings_in([each for each in data["features"] if each["kind"] == "text"], arrays or {}))
        features = tuple(feature_from_json(each, encodings) for each in data["features"])
        return cls(
            features,
            data["target"],
            tuple(data["left_out"]),
            tuple(data["notes"]),
            tuple(map(str, data["missing"])),
            tuple(data.get("headerless", ())),
        )


def _check_named(table: Table, names: Sequence[str]) -> None:
    errors = ErrorList(table.source)
    for message in absent(list(dict.fromkeys(names)), table.names):
        errors.add(message)
    errors.stop()


def _kind_of_column(feature: Feature) -> Kind:
    """Return the kind of the column that a feature comes from."""
    return "categorical" if isinstance(feature, TextFeature) else feature.kind


def _required_kind(feature: Feature) -> RequiredKind:
    """Return the feature's counterpart of ``table.required_kind``."""
    match feature:
        case NumericFeature(_, True):
            return "percent"
        case NumericFeature(_, _, NumberReading() as reading):
            return reading.required_kind
        case DatetimeFeature(_, _, _, _, notation) if notation:
            return BY_KEY[notation].required_kind
        case DatetimeFeature(_, _, _, order) if order:
            return order
        case CategoricalFeature(_, levels) if are_booleans(levels):
            return "boolean"
    return feature.kind


def _nothing_left(table: Table, notes: Sequence[str]) -> Exception:
    error = data_error(table.source, "no columns are left to learn from")
    error.details = tuple(notes)
    return error


def _equal_columns(columns: Iterable[Column], target: Column) -> list[str]:
    """Return notes on columns that equal the target or another column."""
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
    """Return a hashable key of a column's content, with -0.0 equal to 0.0 and all NaNs equal: a digest of its rows."""
    if isinstance(column, CategoricalColumn):
        return ("categorical", _digest(column.codes), column.levels)
    if isinstance(column, DatetimeColumn):
        return (column.kind, _digest(column.microseconds))
    bounds = b"" if column.bounds is None or not column.bounds.any() else _digest(column.bounds)
    return ("numeric", _digest(np.where(column.missing, np.nan, column.values + 0.0)), bounds)


def _digest(values: NDArray[Any]) -> bytes:
    from hashlib import sha256  # here: slow to import, and seldom needed

    return sha256(np.ascontiguousarray(values).data).digest()


def _recoded(column: CategoricalColumn, feature: CategoricalFeature) -> tuple[NDArray[np.int32], dict[str, str]]:
    """Return codes in terms of the schema's categories, and the category of texts that are written in another way."""
    there = [text for text, count in zip(column.levels, column.counts(), strict=True) if count]
    same = equal_category(there, feature.levels, merges_case=feature.merges_case)
    code = {text: j for j, text in enumerate(feature.levels, start=1)}
    codes = (code.get(same.get(text, text), 0) for text in column.levels)
    return np.array([0, *codes], dtype=np.int32)[column.codes], same


def _unseen_in(column: CategoricalColumn, codes: NDArray[np.int32], levels: tuple[str, ...]) -> list[Unseen]:
    """Return the unseen values of a column with these codes of the schema's categories, if there are any."""
    held = column.codes != 0
    unknown = held & (codes == 0)
    if not (rows := int(np.count_nonzero(unknown))):
        return []
    texts = tuple(column.levels[j - 1] for j in distinct_values(column.codes[unknown]).tolist())
    return [Unseen(column.name, rows, int(np.count_nonzero(held)), texts, levels)]


def _notes_on(unseen: Sequence[Unseen]) -> list[str]:
    """Return the notes on unseen values; columns with almost no known value have a warning instead."""
    return [each.note for each in unseen if not each.is_nearly_all]
