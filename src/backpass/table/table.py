"""Table: named columns of equal length, each of numbers, coded texts or moments, and where their rows came from.

Columns come in from a file (``reading``) or a data frame (``frame``); ``schema`` and ``target`` turn them into arrays
to learn from. Nothing is scaled, filled in or one-hot coded here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.errors import did_you_mean
from backpass.table.boolean import are_booleans
from backpass.table.day_month import Order
from backpass.table.messages import refusal, shown
from backpass.table.missing import DEFAULT_MISSING
from backpass.table.timestamp import NAT, DatetimeKind

Kind: TypeAlias = Literal["numeric", "categorical", "date", "time"]
KINDS: tuple[Kind, ...] = ("numeric", "categorical", "date", "time")
Demand: TypeAlias = Kind | Order | Literal["percent", "boolean"]
"""What is asked of a column: its kind, or, of dates that are not written as ISO 8601 has it, their order; of numbers
that they are percentages, and of texts that they are booleans."""


@dataclass(frozen=True, slots=True, eq=False)
class NumericColumn:
    """Numbers: values float64 (n,), NaN where missing. Percentages are written with their sign, and 12% is 12."""

    name: str
    values: NDArray[np.float64]
    is_percent: bool = False

    @property
    def kind(self) -> Kind:
        return "numeric"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where there is no value (n,)."""
        return np.isnan(self.values)

    def take(self, rows: NDArray[np.integer[Any]]) -> NumericColumn:
        """The column of these rows."""
        return NumericColumn(self.name, self.values[rows], self.is_percent)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NumericColumn):
            return NotImplemented
        return self.name == other.name and np.array_equal(self.values, other.values, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is an array


@dataclass(frozen=True, slots=True, eq=False)
class CategoricalColumn:
    """Texts: codes int32 (n,), 0 where missing, j for levels[j - 1]; levels in the order of their code points."""

    name: str
    codes: NDArray[np.int32]
    levels: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return "categorical"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where there is no value (n,)."""
        return np.equal(self.codes, 0)

    def take(self, rows: NDArray[np.integer[Any]]) -> CategoricalColumn:
        """The column of these rows; the levels stay, also those that no longer occur."""
        return CategoricalColumn(self.name, self.codes[rows], self.levels)

    def counts(self) -> NDArray[np.int64]:
        """How often each level occurs, (levels,)."""
        return np.bincount(self.codes, minlength=len(self.levels) + 1)[1:]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CategoricalColumn):
            return NotImplemented
        same = self.name == other.name and self.levels == other.levels
        return same and np.array_equal(self.codes, other.codes)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is an array


@dataclass(frozen=True, slots=True, eq=False)
class DatetimeColumn:
    """Dates: microseconds since 1970-01-01 in UTC, int64 (n,); or times of day: microseconds since midnight.

    ``NAT`` stands where there is none. ``order`` tells how dates were written, where it had to be found out.
    """

    name: str
    microseconds: NDArray[np.int64]
    kind: DatetimeKind
    order: Order | None = None

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where there is no value (n,)."""
        return np.equal(self.microseconds, NAT)

    def take(self, rows: NDArray[np.integer[Any]]) -> DatetimeColumn:
        """The column of these rows."""
        return DatetimeColumn(self.name, self.microseconds[rows], self.kind, self.order)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DatetimeColumn):
            return NotImplemented
        same = (self.name, self.kind) == (other.name, other.kind)
        return same and np.array_equal(self.microseconds, other.microseconds)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is an array


Column: TypeAlias = NumericColumn | CategoricalColumn | DatetimeColumn


def required_kind(column: Column) -> Demand:
    """What to ask of a column in another table so that it is read as this one was."""
    if isinstance(column, NumericColumn) and column.is_percent:
        return "percent"
    if isinstance(column, CategoricalColumn) and are_booleans(column.levels):
        return "boolean"
    return (column.order if isinstance(column, DatetimeColumn) else None) or column.kind


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns by name, in the order of the file. Two tables are equal when their columns are, wherever they came from.

    ``row_numbers`` int64 (n,) counts the data rows of the source from 1, so that a message about a part of the table
    still names the rows of the file. ``left_out`` names the columns that were there and not converted; ``missing`` is
    what counted as missing when the table was read (see ``missing``). ``doubts`` says of a column that was read as
    texts by a tolerant reading what is wrong with it. ``of_source`` holds those of the ``notes`` that say how the
    source was written and not what was in it: a model does not keep them, so that a table gives one model file
    through every door. ``headerless`` holds the names of all columns of a file that has no header.
    """

    source: str
    columns: dict[str, Column]
    row_numbers: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = DEFAULT_MISSING
    doubts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    of_source: frozenset[str] = frozenset()
    headerless: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """The number of rows n."""
        return len(self.row_numbers)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.columns)

    def column(self, name: str) -> Column:
        """The column of this name, or a ``DataError`` naming the nearest one."""
        if name not in self.columns:
            raise refusal(self.source, f"there is no column {shown(name)}", did_you_mean(name, self.names))
        return self.columns[name]

    def take(self, rows: NDArray[np.integer[Any]] | Sequence[int]) -> Table:
        """The table of these rows (indices from 0), in this order."""
        index = np.asarray(rows, dtype=np.intp)
        columns: dict[str, Column] = {name: column.take(index) for name, column in self.columns.items()}
        return replace(self, columns=columns, row_numbers=self.row_numbers[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return self.rows == other.rows and list(self.columns.items()) == list(other.columns.items())

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is arrays
