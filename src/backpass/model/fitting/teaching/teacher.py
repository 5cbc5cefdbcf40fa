"""A teacher: the columns of a table that hold the predictions of another model, and what each of them predicts.

It takes a table and column names and returns predictions, checked. ``objective`` trains on them; the columns are never
inputs of the network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.network import loss_named
from backpass.table import NumericColumn, Table, table_from
from backpass.table.messages import absent, counted, data_error, listed, plain, rows_listed, shown
from backpass.table.targets import Targets

ROUNDING = 0.0051
"""The largest error of a probability: they may be rounded to two decimals, so that their sum is not exactly 1."""

Predictions = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Teacher:
    """Predictions of another model, in columns of a table.

    Its predictions are float64 (n, k), NaN in a row that lacks any of them. k is the number of targets: numbers in the
    units of the target, or the probability of the second class of each label. For a single target of classes k is the
    number of classes, and the predictions are probabilities with sum 1.

    Attributes:
        columns: The names of the columns.
        places: For each column, the number of the target or class that it predicts.
        classes: The classes of a single target; empty for numbers and labels.
        holds: What a column holds: "numbers", "counts" or "probabilities".
        note: What was assumed about the order of the columns; "" if their names determine it.
    """

    columns: tuple[str, ...]
    places: tuple[int, ...]
    classes: tuple[str, ...]
    holds: str
    note: str

    @staticmethod
    def of(columns: Sequence[str], targets: Targets, positive: int, loss: str | None) -> Teacher:
        """What the columns predict: by name, if each ends with the name of a target or class; otherwise by order.

        One column for a target of two classes is the probability of the positive one.

        Args:
            columns: The names of the columns.
            targets: The targets.
            positive: The number of the class whose probability a single column of classes holds, unless its name says
                otherwise.
            loss: The requested loss, if any.

        Raises:
            UsageError: Their number or their names do not fit the targets.
        """
        items = targets.classes or targets.names
        what = "class" if targets.classes else "target"
        found = [_ending(name, items) for name in columns]
        named = [place for place in found if place is not None]
        is_single = len(items) == 2 and len(columns) == 1 and bool(targets.classes)
        if len(columns) != len(items) and not is_single:
            also = ", or one for the positive class" if len(items) == 2 and targets.classes else ""
            raise UsageError(
                f"the teacher has {counted(len(columns), 'column')}; {_title(targets)} needs {len(items)}{also}",
                hint=f"one per {what}, in this order: {listed(items, shown)}",
            )
        holds = "numbers" if targets.task == "regression" else "probabilities"
        holds = "counts" if loss is not None and loss_named(loss).has_log_link else holds
        if is_single:
            note = f"{shown(columns[0])} is the probability of class {shown(items[positive])}"
            places, note = (tuple(named), "") if named else ((positive,), note)
        elif len({*named}) == len(items):
            places, note = tuple(named), ""
        elif not named or len(items) == 1:
            places = tuple(range(len(items)))
            note = "" if len(items) == 1 else f"its columns are in the order of {listed(items, shown)}"
        else:
            odd = next((c for c, place in zip(columns, found, strict=True) if place is None), columns[-1])
            raise UsageError(
                f"some columns of the teacher are named after a {what}, but {shown(odd)} is not, or repeats one",
                hint=f"name every column after its {what}, as in {shown(f'p({items[0]})')}, or none of them",
            )
        return Teacher(tuple(columns), places, targets.classes, holds, note)

    def read(self, table: Table) -> Predictions:
        """The predictions in a table (n, k).

        Raises:
            DataError: A column is absent, holds no numbers, or a value cannot be a prediction.
        """
        values = np.column_stack([self._values(table, name) for name in self.columns])
        values[np.isnan(values).any(axis=1)] = np.nan
        if self.holds == "probabilities":
            self._check(table, (values < 0.0) | (values > 1.0), "are not probabilities from 0 to 1")
        if self.holds == "counts":
            self._check(table, values < 0.0, "are below 0, but the poisson loss needs counts")
        if not self.classes:
            return values[:, np.argsort(self.places)]
        if len(self.columns) == 1:
            p = values[:, 0]
            return np.column_stack([p, 1.0 - p] if self.places[0] == 0 else [1.0 - p, p])
        values = values[:, np.argsort(self.places)]
        sums = np.add.reduce(values, axis=1)
        wrong = np.flatnonzero(np.abs(sums - 1.0) > ROUNDING * len(self.classes))
        if wrong.size:
            raise data_error(
                table.source,
                f"the probabilities of the teacher ({listed(self.columns, shown)}) do not sum to 1 in {len(wrong):,} "
                f"of {counted(table.rows, 'row')}: {sums[wrong[0]]:.6g} in {rows_listed(table.row_numbers[wrong[:1]])}",
                "a teacher needs the probability of every class",
            )
        return np.asarray(values / sums[:, None])

    def is_in(self, table: Table) -> bool:
        """Whether a table has any of the columns."""
        return any(name in table.columns for name in self.columns)

    def _values(self, table: Table, name: str) -> Predictions:
        column = table.columns.get(name)
        if column is None:
            hint = "teacher names columns of the table that hold predictions"
            raise data_error(table.source, absent([name], table.names, "teacher column")[0], hint)
        if not isinstance(column, NumericColumn):
            hint = (
                "a teacher of classes predicts probabilities, not classes"
                if self.classes
                else "remove values that are not numbers"
            )
            raise data_error(table.source, f"teacher column {shown(name)} holds no numbers", hint)
        if np.isnan(column.values).all():
            raise data_error(
                table.source, f"teacher column {shown(name)} has no values", "name a column of predictions"
            )
        self._check(table, np.isinf(column.values), "are infinite", name)
        shares = column.is_percent and self.holds == "probabilities"
        return column.values / 100.0 if shares else column.values.copy()

    def _check(self, table: Table, wrong: NDArray[np.bool_], text: str, name: str = "") -> None:
        """Refuse values, as wrong[i] or wrong[i, j] says, with the first column and the rows that have them."""
        if not wrong.any():
            return
        each = wrong.reshape(table.rows, -1)
        j = int(np.argmax(each.any(axis=0)))
        rows = np.flatnonzero(each[:, j])
        raise data_error(
            table.source,
            f"teacher column {shown(name or self.columns[j])}: {len(rows):,} of {table.rows:,} values "
            f"({rows_listed(table.row_numbers[rows])}) {text}",
            "correct them, or leave them empty: such rows learn from the target alone",
        )


def _title(targets: Targets) -> str:
    """The targets, for messages."""
    return f"target {shown(targets.names[0])}" if targets.is_flat else f"{len(targets.names)} targets"


def _ending(name: str, items: Sequence[str]) -> int | None:
    """The number of the longest item that a name ends with, as a word of its own or in parentheses; None if none does.

    >>> _ending("p(yes)", ["no", "yes"]), _ending("catboost_no", ["no", "yes"]), _ending("piano", ["no", "yes"])
    (1, 0, None)
    """
    ends = [j for j, each in enumerate(items) if re.search(rf"(^|[^0-9A-Za-z]){re.escape(each)}\)?$", name)]
    return max(ends, key=lambda j: len(items[j]), default=None)


def teacher_names(teacher: Any) -> tuple[str, ...] | None:
    """The column names in an argument ``teacher``: one name, or a list of names; None if it holds predictions.

    Raises:
        UsageError: A name occurs twice, or there is none.
    """
    if isinstance(teacher, str):
        return (teacher,)
    if not isinstance(teacher, list | tuple) or not all(isinstance(each, str) for each in teacher):
        return None
    if twice := [name for name in dict.fromkeys(teacher) if teacher.count(name) > 1]:
        raise UsageError(f"teacher names {listed(twice, shown)} twice", hint="name each column once")
    if not teacher:
        raise UsageError("teacher names no column", hint="name the columns of predictions, or leave teacher out")
    return tuple(teacher)


def named_teacher(table: Table, teacher: Any) -> tuple[Table, tuple[str, ...]]:
    """The table with the predictions of a teacher among its columns, and the names of these columns.

    Args:
        table: The table.
        teacher: Names of columns; or predictions (n,) or (n, k), one row per row of the table in its order, as an
            array, a list, a dict of columns, a series or a data frame. None: there is no teacher, and no name.

    Raises:
        UsageError: The predictions have another number of rows or dimensions.
    """
    names = () if teacher is None else teacher_names(teacher)
    if names is not None:
        return table, names
    is_frame = isinstance(teacher, Table) or hasattr(teacher, "columns") or isinstance(teacher, dict)
    if is_frame:
        found = teacher if isinstance(teacher, Table) else table_from(teacher, source="the teacher")
    else:
        shape = np.shape(teacher)
        if len(shape) not in (1, 2) or shape[-1] == 0:
            raise UsageError(
                f"teacher must have shape (n,) or (n, k), one row per row of the table; got {shape}",
                hint="pass predictions, or the names of their columns",
            )
        values = [teacher] if len(shape) == 1 else [*np.asarray(teacher).T]
        # No class is called so: these columns are in the order of the classes.
        found = table_from({f"teacher[{j}]": each for j, each in enumerate(values)}, source="the teacher")
    if found.rows != table.rows:
        raise UsageError(
            f"teacher has {counted(found.rows, 'row')}; {plain(table.source)} has {table.rows:,}",
            hint="pass one row of predictions per row of the table, with NaN where there is none",
        )
    keys = {name: _free(name, table) for name in found.names}
    more = {keys[name]: replace(column, name=keys[name]) for name, column in found.columns.items()}
    return replace(table, columns={**table.columns, **more}), tuple(more)


def _free(name: str, table: Table) -> str:
    """The name, changed until no column of the table has it."""
    while name in table.columns:
        name = f"teacher {name}"
    return name


def check_names(columns: Sequence[str], **others: Sequence[str]) -> None:
    """Check that no column of the teacher has another role.

    Args:
        columns: The columns of the teacher.
        others: Columns by role.

    Raises:
        UsageError: One of them has.
    """
    for role, names in others.items():
        if both := [name for name in columns if name in names]:
            raise UsageError(
                f"{shown(both[0])} is a column of the teacher and {role.replace('_', ' ')}",
                hint="a teacher column cannot have another role",
            )
