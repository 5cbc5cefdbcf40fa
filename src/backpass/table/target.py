"""Target: the column to predict, its task, and its encoding as y float64 (n,) or class codes int32 (n,).

Categories (including booleans) and numbers with two distinct values are classes; other numbers are regression targets.
This module does not standardize y.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.numerics.distinct import are_among, distinct_values
from backpass.table.columns.column_reading import agreement_among, numbers_among
from backpass.table.columns.exclusion import looks_like_identifier, starts_with_numbers
from backpass.table.equal_values import are_zero_and_one, equal_category
from backpass.table.files.database import identifier
from backpass.table.messages import FIRST, ErrorList, absent, counted, left_out_note, listed, plural, rows_listed, shown
from backpass.table.notation.boolean import BOOLEAN, ZERO_ONE, are_booleans
from backpass.table.notation.number import NUMBER, text_of
from backpass.table.notation.reading import NumberReading
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, Kind, NumericColumn, RequiredKind, Table

Task: TypeAlias = Literal["regression", "binary", "multiclass"]
ASKED = (None, "regression", "classification")
FEW_NUMBERS = 20  # maximum number of distinct whole numbers that may be meant as classes
MOSTLY_NUMBERS = 0.5  # share of numbers from which a target is meant as numbers
MOST_CLASSES = 100  # classes beyond which a target of texts has to be confirmed
FEWEST_ROWS = 20  # rows from which a class of one row has to be confirmed
CONFIRM = "--task classification"
NAMED = 3  # texts that a hint names


@dataclass(frozen=True, slots=True)
class Target:
    """The column to predict.

    Attributes:
        name: Column name.
        task: "regression", "binary" or "multiclass".
        classes: Class names, in the order of their codes.
        class_kind: Column kind in which predicted classes are written.
        notes: Messages about the choice of task.
        is_percent: Whether the column holds percentages.
        reading: How the strings of the column are read as numbers, None for plain numbers.
        merges_case: Whether classes that differ only in upper and lower case are one.
    """

    name: str
    task: Task
    classes: tuple[str, ...] = ()
    class_kind: Kind = "categorical"
    notes: tuple[str, ...] = ()
    is_percent: bool = False
    reading: NumberReading | None = None
    merges_case: bool = False

    @classmethod
    def fit(cls, table: Table, name: str, task: str | None = None) -> Target:
        """Infer the task from a column, or check the requested one.

        Args:
            table: The table with the target column.
            name: Name of the target column.
            task: "regression", "classification", or None to infer it.

        Raises:
            DataError: The column cannot be a target; the error lists every problem.
            UsageError: ``task`` is something else.
        """
        if task not in ASKED:
            raise UsageError(f"task must be 'regression' or 'classification'; got {shown(task)}")
        errors = ErrorList(table.source)
        column = _usable(table, name, errors)
        if isinstance(column, DatetimeColumn):
            hint = (
                "predict the number of days or hours since a fixed date instead, or keep it as classes: --categorical"
            )
            hint += "; if these are numbers: --no-date-detection" if column.notation else ""
            errors.add(f"target {shown(name)} holds {column.kind}s: only numbers and classes can be predicted", hint)
        if column is None or isinstance(column, DatetimeColumn):
            raise errors.error()
        if isinstance(column, CategoricalColumn) and column.is_text:
            what = "is declared as free text: a target holds numbers or classes"
            errors.add(f"target {shown(name)} {what}", f"leave {shown(name)} out of --text")
            raise errors.error()
        if task is None and isinstance(column, CategoricalColumn):
            _ask_about_classes(column, table, errors)
        target = _classes(column, errors) if _asks_for_classes(column, task, errors) else _regression(column)
        errors.stop()
        if isinstance(column, CategoricalColumn):
            return replace(target, merges_case=column.merges_case)
        return replace(target, is_percent=column.is_percent, reading=column.reading)

    @property
    def content(self) -> str:
        """What the column holds, for messages: ``numbers`` or ``3 classes``."""
        return "numbers" if self.task == "regression" else f"{len(self.classes)} classes"

    @property
    def kind(self) -> Kind:
        """Kind of the column that holds this target."""
        return "numeric" if self.task == "regression" else self.class_kind

    @property
    def required_kind(self) -> RequiredKind:
        """What to require of a column that holds this target."""
        if self.is_percent:
            return "percent"
        if self.reading is not None:
            return self.reading.required_kind
        if self.kind == "categorical":
            return BOOLEAN if are_booleans(self.classes) else self.kind
        return ZERO_ONE if self.classes and are_zero_and_one(self.classes) else self.kind

    def encode(self, table: Table) -> NDArray[np.float64] | NDArray[np.int32]:
        """Return y: numbers float64 (n,), or class codes 0..k-1 int32 (n,).

        Raises:
            DataError: Values are missing, the column is of another kind, or a class is unknown to the model.
        """
        errors = ErrorList(table.source)
        column = _usable(table, self.name, errors)
        if column is None:
            raise errors.error()
        if isinstance(column, DatetimeColumn) or column.kind != self.kind:
            held, fitted = plural(column.kind), plural(self.kind)
            errors.add(f"target {shown(self.name)} holds {held}, but the model was fitted on {fitted}")
            raise errors.error()
        y = column.values.copy() if isinstance(column, NumericColumn) else column.codes
        if self.task != "regression":
            y = self._codes(column, table, errors)
        errors.stop()
        return y

    def _codes(self, column: NumericColumn | CategoricalColumn, table: Table, errors: ErrorList) -> NDArray[np.int32]:
        """Return class codes; unknown classes are errors."""
        known = {text: j for j, text in enumerate(self.classes)}
        texts, place = _distinct(column)
        known |= {
            text: known[same]
            for text, same in equal_category(texts, self.classes, merges_case=self.merges_case).items()
        }
        codes = np.array([known.get(text, -1) for text in texts] or [0], dtype=np.int32)[place]
        there = np.bincount(place[~column.missing], minlength=len(texts))
        unknown = [j for j, text in enumerate(texts) if text not in known and there[j]]
        hint = f"known classes: {listed(self.classes, shown)}"
        for j in unknown[:FIRST]:
            where = np.flatnonzero((place == j) & ~column.missing)
            what = f"class {shown(texts[j])} of target {shown(self.name)} is not known to the model"
            errors.add(f"{what} ({rows_listed(table.row_numbers[where])})", hint)
        if len(unknown) > FIRST:
            errors.add(f"{len(unknown) - FIRST:,} more values of target {shown(self.name)} are not known to the model")
        return codes

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
        written: dict[str, Any] = {
            "name": self.name,
            "task": self.task,
            "classes": list(self.classes),
            "class_kind": self.class_kind,
            "notes": list(self.notes),
        }
        if self.reading is not None:
            written["reading"] = self.reading.to_json()
        if self.merges_case:
            written["merges_case"] = True
        return {**written, "percent": True} if self.is_percent else written

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Target:
        """Return the Target that ``to_json`` serialized."""
        return cls(
            data["name"],
            data["task"],
            tuple(data["classes"]),
            data["class_kind"],
            tuple(data["notes"]),
            data.get("percent", False),
            NumberReading.from_json(data["reading"]) if "reading" in data else None,
            data.get("merges_case", False),
        )


def labeled(table: Table, name: str) -> tuple[Table, str]:
    """Return the rows that have a target, and a note on the others; a table without any is returned as it is.

    >>> from backpass.table import table_from
    >>> table, note = labeled(table_from({"y": [1.5, None, 2.5]}), "y")
    >>> table.rows, note
    (2, "target 'y': 1 of 3 rows has no value and is left out (row 2)")
    """
    column = table.columns.get(name)
    if column is None or not column.missing.any() or column.missing.all():
        return table, ""
    gaps = np.flatnonzero(column.missing)
    note = left_out_note(f"target {shown(name)}", table.row_numbers[gaps].tolist(), "no value", of=table.rows)
    return table.take(np.flatnonzero(~column.missing)), note


def _ask_about_classes(column: CategoricalColumn, table: Table, errors: ErrorList) -> None:
    """Add an error if the strings of a target are probably not classes; ``task="classification"`` confirms them."""
    counts = column.counts()
    there, spelled = counts > 0, numbers_among(column)
    numbers, rows = int(counts[spelled].sum()), int(counts.sum())
    alone = (counts == 1) & ~_recurs(column, table)
    name, count, single = shown(column.name), int(there.sum()), int(np.count_nonzero(alone))
    if np.count_nonzero(there & spelled) > FEW_NUMBERS and (dispute := agreement_among(column).dispute):
        errors.add(f"target {name} holds {dispute}", f"write them in the same notation; if all are classes: {CONFIRM}")
    elif np.count_nonzero(there & spelled) > FEW_NUMBERS and MOSTLY_NUMBERS * rows <= numbers < rows:
        others = np.flatnonzero(there & ~spelled)
        others = others[np.argsort(-counts[others], kind="stable")]
        named = listed([_with_rows(column, int(j), table) for j in others])
        tokens = " ".join(f"--missing {shlex.quote(column.levels[j])}" for j in others[:NAMED])
        hint = f"if they mean missing: {tokens}; if all are classes: {CONFIRM}"
        errors.add(
            f"target {name}: {counted(numbers, 'number')} and {counted(rows - numbers, 'other value')}: {named}", hint
        )
    elif looks_like_identifier(column):
        found = f"{count:,} different values, such as {shown(column.levels[0])}, in {table.rows:,} rows"
        errors.add(f"target {name}: {found}: nearly every row has its own value", _confirm(column))
    elif count > MOST_CLASSES or (single and table.rows >= FEWEST_ROWS):
        example = shown(column.levels[int(np.flatnonzero(alone)[0])]) if single else ""
        which = f", {single:,} of them in a single row, such as {example}" if single else ""
        errors.add(f"target {name} would have {count:,} classes{which}", _confirm(column))


def _recurs(column: CategoricalColumn, table: Table) -> NDArray[np.bool_]:
    """Which categories of a sample the source has in other rows, too, bool (levels,)."""
    rows = are_among(table.row_numbers, [*table.recurring.get(column.name, ())])
    return np.bincount(column.codes[rows], minlength=len(column.levels) + 1)[1:] > 0


def _confirm(column: CategoricalColumn) -> str:
    """Return the hint that confirms classes; it starts with numbers if the texts do."""
    numbers = "if they are numbers, write them as numbers (12.5); " if starts_with_numbers(column) else ""
    return f"{numbers}if they are classes: {CONFIRM}"


def _with_rows(column: CategoricalColumn, level: int, table: Table) -> str:
    """Return a category with its rows: 'on request' (rows 2, 9)."""
    rows = table.row_numbers[np.flatnonzero(column.codes == level + 1)]
    return f"{shown(column.levels[level])} ({rows_listed(rows)})"


def _usable(table: Table, name: str, errors: ErrorList) -> Column | None:
    """Return the column, or None if it is absent or empty; missing and infinite values are added as errors."""
    if missing := absent([name], table.names, "target column"):
        errors.add(missing[0])
        return None
    column = table.columns[name]
    gaps = np.flatnonzero(column.missing)
    if len(gaps):
        where = f"{len(gaps):,} of {table.rows:,} values missing ({rows_listed(table.row_numbers[gaps])})"
        query = f"SELECT * FROM data WHERE {identifier(name)} IS NOT NULL"
        hint = f"rows without a target cannot be learned from: leave them out, as --query {shlex.quote(query)} does"
        errors.add(f"target {shown(name)}: {where}", hint)
    if isinstance(column, NumericColumn) and (infinite := np.flatnonzero(np.isinf(column.values))).size:
        errors.add(f"target {shown(name)}: inf in {rows_listed(table.row_numbers[infinite])}")
    return column if len(gaps) < table.rows else None


def _asks_for_classes(column: NumericColumn | CategoricalColumn, task: str | None, errors: ErrorList) -> bool:
    if isinstance(column, CategoricalColumn):
        if task == "regression":
            text = f"target {shown(column.name)} contains strings, but regression needs numbers"
            errors.add(text, "leave out --task, or declare missing values with --missing")
        return True
    if task is None:
        return len(distinct_values(column.values[~column.missing])) == 2
    return task == "classification"


def _regression(column: NumericColumn | CategoricalColumn) -> Target:
    """Return a regression target, with a note if it is constant or has few distinct whole numbers."""
    values = column.values[~column.missing] if isinstance(column, NumericColumn) else np.empty(0)
    distinct = distinct_values(values)
    name, notes = shown(column.name), list[str]()
    if len(distinct) == 1:
        notes.append(f"target {name} is constant {text_of(float(distinct[0]))}")
    elif len(distinct) <= FEW_NUMBERS and np.all(distinct == np.rint(distinct)):
        found = f"{len(distinct)} different whole numbers"
        notes.append(f"target {name} holds {found}: treated as regression; --task classification makes them classes")
    return Target(column.name, "regression", (), "numeric", tuple(notes))


def _classes(column: NumericColumn | CategoricalColumn, errors: ErrorList) -> Target:
    """Return a classification target; a single class, or many classes with fractions, are errors."""
    texts, place = _distinct(column)
    counts = np.bincount(place[~column.missing], minlength=len(texts))
    classes = tuple(text for text, count in zip(texts, counts, strict=True) if count)
    if len(classes) == 1:
        rows = counted(int(counts.sum()), "row")
        errors.add(
            f"target {shown(column.name)} has only one class, {shown(classes[0])} ({rows})", "at least two are needed"
        )
    if isinstance(column, NumericColumn) and len(classes) > 2:
        fractions = column.values[np.isfinite(column.values) & (column.values != np.rint(column.values))]
        if len(fractions):
            example = text_of(float(fractions[0]))
            text = f"target {shown(column.name)} holds numbers such as {example}, which are not classes"
            errors.add(text, "--task regression")
    notes = _fractions_as_classes(column, classes) if isinstance(column, CategoricalColumn) else ()
    return Target(column.name, "binary" if len(classes) == 2 else "multiclass", classes, column.kind, notes)


def _fractions_as_classes(column: CategoricalColumn, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return a note on classes that all read as numbers, some of them with fractions."""
    numbers = [float(text) for text in classes if NUMBER.fullmatch(text)]
    if len(classes) < 3 or len(numbers) < len(classes) or all(map(float.is_integer, numbers)):
        return ()
    what = (
        f"target {shown(column.name)} holds {len(classes)} different numbers as categories, such as {shown(classes[0])}"
    )
    return (f"{what}: treated as classes; for a regression, store them as numbers",)


def _distinct(column: NumericColumn | CategoricalColumn) -> tuple[list[str], NDArray[np.intp]]:
    """Return the names of the possible classes, in order, and each row's index among them (0 where missing)."""
    if isinstance(column, CategoricalColumn):
        return list(column.levels), np.maximum(column.codes - 1, 0).astype(np.intp)
    values, place = np.unique(column.values + 0.0, return_inverse=True)
    texts = [text_of(float(value)) for value in values if not np.isnan(value)]
    return texts, np.where(column.missing, 0, place).astype(np.intp)
