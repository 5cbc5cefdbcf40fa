"""Table: named columns of equal length (numeric, categorical, date or time) and the source rows they came from.

``reading`` builds a Table from files, ``frame`` from data frames; ``schema`` and ``target`` encode it as arrays for
training. This module does no scaling, imputation or one-hot encoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.datetimes.counted import BY_KEY
from backpass.table.datetimes.day_month import Order
from backpass.table.datetimes.timestamp import NAT, DatetimeKind
from backpass.table.messages import absent, data_error
from backpass.table.notation.boolean import are_booleans
from backpass.table.notation.missing import DEFAULT_MISSING
from backpass.table.notation.reading import NumberReading

Kind: TypeAlias = Literal["numeric", "categorical", "date", "time"]
KINDS: tuple[Kind, ...] = ("numeric", "categorical", "date", "time")
RequiredKind: TypeAlias = str
"""Requirement on a column.

One of: its column kind; the order of day, month and year in its dates, if they are not ISO 8601; "date yyyymmdd" and
the like for numbers that are dates or times (see ``datetimes.counted``); "percent" for numbers that are percentages;
"boolean" for categories that are booleans; "text" for free text; "numeric {...}" for numbers in an everyday notation,
with the JSON of its ``NumberReading``.
"""


@dataclass(frozen=True, slots=True, eq=False)
class NumericColumn:
    """Numeric column.

    Attributes:
        name: Column name.
        values: float64 (n,), NaN where missing.
        is_percent: Whether the source writes the numbers with a percent sign; 12% is stored as 12.
        reading: How the source's strings are read as numbers, None for plain numbers.
        notation: The notations of the source's strings in words, empty for plain numbers.
        lacks_unit: Whether the numbers must be percentages or have a unit, and no value of the source shows it.
        bounds: int8 (n,), -1 for an upper bound (<30), 1 for a lower one (>90), else 0; None if there are no bounds.
    """

    name: str
    values: NDArray[np.float64]
    is_percent: bool = False
    reading: NumberReading | None = None
    notation: str = ""
    lacks_unit: bool = False
    bounds: NDArray[np.int8] | None = None

    @property
    def kind(self) -> Kind:
        return "numeric"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Mask of missing values, bool (n,)."""
        return np.isnan(self.values)

    def take(self, rows: NDArray[np.integer[Any]]) -> NumericColumn:
        """Return the column restricted to these rows."""
        bounds = None if self.bounds is None else self.bounds[rows]
        return replace(self, values=self.values[rows], bounds=bounds)

    @property
    def signs(self) -> NDArray[np.int8]:
        """``bounds`` without None: zeros if there are no bounds, int8 (n,)."""
        return np.zeros(len(self.values), dtype=np.int8) if self.bounds is None else self.bounds

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NumericColumn):
            return NotImplemented
        same = self.name == other.name and np.array_equal(self.values, other.values, equal_nan=True)
        return same and np.array_equal(self.signs, other.signs)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is an array


@dataclass(frozen=True, slots=True, eq=False)
class CategoricalColumn:
    """Categorical column.

    Attributes:
        name: Column name.
        codes: int32 (n,), 0 where missing, j for levels[j - 1].
        levels: The categories, sorted by code point.
        merges_case: Whether texts that differ only in upper and lower case are one category.
        is_text: Whether the caller declares free text (True) or categories (False); None if it is inferred.
    """

    name: str
    codes: NDArray[np.int32]
    levels: tuple[str, ...]
    merges_case: bool = False
    is_text: bool | None = None

    @property
    def kind(self) -> Kind:
        return "categorical"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Mask of missing values, bool (n,)."""
        return np.equal(self.codes, 0)

    def take(self, rows: NDArray[np.integer[Any]]) -> CategoricalColumn:
        """Return the column restricted to these rows; ``levels`` is unchanged, even if some no longer occur."""
        return replace(self, codes=self.codes[rows])

    def counts(self) -> NDArray[np.int64]:
        """Return the number of rows of each category, int64 (levels,)."""
        return np.bincount(self.codes, minlength=len(self.levels) + 1)[1:]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CategoricalColumn):
            return NotImplemented
        same = self.name == other.name and self.levels == other.levels
        return same and np.array_equal(self.codes, other.codes)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is an array


@dataclass(frozen=True, slots=True, eq=False)
class DatetimeColumn:
    """Column of dates or times of day.

    Attributes:
        name: Column name.
        microseconds: int64 (n,). Microseconds since 1970-01-01 UTC for dates, since midnight for times; ``NAT`` where
            missing.
        kind: "date" or "time".
        order: Order of day, month and year of the dates in the source, if they are day-month dates.
        notation: Key of ``datetimes.counted.BY_KEY`` if the source holds numbers that are dates or times, else empty.
    """

    name: str
    microseconds: NDArray[np.int64]
    kind: DatetimeKind
    order: Order | None = None
    notation: str = ""

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Mask of missing values, bool (n,)."""
        return np.equal(self.microseconds, NAT)

    def take(self, rows: NDArray[np.integer[Any]]) -> DatetimeColumn:
        """Return the column restricted to these rows."""
        return DatetimeColumn(self.name, self.microseconds[rows], self.kind, self.order, self.notation)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DatetimeColumn):
            return NotImplemented
        same = (self.name, self.kind) == (other.name, other.kind)
        return same and np.array_equal(self.microseconds, other.microseconds)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is an array


Column: TypeAlias = NumericColumn | CategoricalColumn | DatetimeColumn


def required_kind(column: Column) -> RequiredKind:
    """Return what to require of the same column in another table so that it is read the same way."""
    if isinstance(column, NumericColumn) and column.is_percent:
        return "percent"
    if isinstance(column, NumericColumn) and column.reading is not None:
        return column.reading.required_kind
    if isinstance(column, CategoricalColumn) and column.is_text:
        return "text"
    if isinstance(column, CategoricalColumn) and are_booleans(column.levels):
        return "boolean"
    if isinstance(column, DatetimeColumn) and column.notation:
        return BY_KEY[column.notation].required_kind
    return (column.order if isinstance(column, DatetimeColumn) else None) or column.kind


@dataclass(frozen=True, slots=True, eq=False)
class _TakenColumns(Mapping[str, Column]):
    """Columns restricted to some rows when they are read; none of them is kept.

    Attributes:
        columns: Columns by name.
        index: The rows.
    """

    columns: Mapping[str, Column]
    index: NDArray[np.intp]

    def __getitem__(self, name: str) -> Column:
        return self.columns[name].take(self.index)

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns by name, in source order. Two tables are equal if their columns are equal, whatever the source.

    Nothing changes a table, except that its only owner may give up columns to free their memory; see ``give_up``.

    Attributes:
        source: Name of the source in messages.
        columns: Columns by name.
        row_numbers: int64 (n,), data rows of the source counted from 1, so that a message about a split still names the
            rows of the file.
        notes: Messages about how the table was read.
        left_out: Names of source columns that were not converted.
        missing: Tokens that were read as missing (see the module ``missing``).
        doubts: Errors by column name, for columns that a tolerant read kept as categorical.
        of_source: The ``notes`` that describe how the source is written rather than what it contains. A model does not
            store them, so the same data give the same model file from every source format.
        headerless: Names of all columns if the source is a file without a header.
        labels: Descriptions of columns by name, where the source has them (Stata, SPSS, SAS).
        recurring: In a sample of a source, numbers of rows whose value of a column other rows have, too, by column.
    """

    source: str
    columns: Mapping[str, Column]
    row_numbers: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = DEFAULT_MISSING
    doubts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    of_source: tuple[str, ...] = ()
    headerless: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    recurring: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows n."""
        return len(self.row_numbers)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(self.columns)

    def column(self, name: str) -> Column:
        """Return the column with this name.

        Args:
            name: The name of the column.

        Raises:
            DataError: The name is unknown; the message suggests the nearest one.
        """
        if name not in self.columns:
            raise data_error(self.source, absent([name], self.names)[0])
        return self.columns[name]

    def take(self, rows: NDArray[np.integer[Any]] | Sequence[int]) -> Table:
        """Return the table restricted to these rows (indices from 0), in this order.

        Args:
            rows: The indices of the rows, from 0.
        """
        index = np.asarray(rows, dtype=np.intp)
        columns: dict[str, Column] = {name: column.take(index) for name, column in self.columns.items()}
        return replace(self, columns=columns, row_numbers=self.row_numbers[index])

    def view(self, rows: NDArray[np.integer[Any]]) -> Table:
        """Return what ``take`` returns, in little memory: each column is taken anew whenever it is read.

        Args:
            rows: Indices from 0.
        """
        index = np.asarray(rows, dtype=np.intp)
        return replace(self, columns=_TakenColumns(self.columns, index), row_numbers=self.row_numbers[index])

    def give_up(self, name: str) -> None:
        """Remove a column, which frees its memory. Tables made of this one by ``replace`` lose it, too.

        Args:
            name: Name of the column.
        """
        assert isinstance(self.columns, MutableMapping), "columns that are taken belong to another table"
        del self.columns[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return self.rows == other.rows and list(self.columns.items()) == list(other.columns.items())

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is arrays
