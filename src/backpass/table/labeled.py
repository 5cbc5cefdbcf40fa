"""Labeled rows: the rows of a table that have a target, and their weights.

It takes a table and column names and returns the rows that a model can learn from or be scored on. ``target`` gives the
target its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.table.messages import absent, data_error, left_out_note, rows_listed, shown
from backpass.table.table import NumericColumn, Table
from backpass.table.target import labeled


@dataclass(frozen=True, slots=True, eq=False)
class Labeled:
    """Rows with a target.

    Attributes:
        table: The rows. A note of the table says which rows were left out.
        weights: The weight of each row (n,); None if all are 1.
        notes: The notes on the rows that were left out.
    """

    table: Table
    weights: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()

    @staticmethod
    def of(table: Table, targets: Sequence[str], weight: str | None = None, *, strict: bool = False) -> Labeled:
        """The rows that have every target and a weight above 0.

        If no row has a target, or a target column is absent, all rows stay, so that ``Target`` can report it.

        Args:
            table: The table.
            targets: The names of the target columns.
            weight: The name of the column of weights. Default None: all rows have weight 1.
            strict: Whether rows without a target stay, so that ``Target`` reports them as errors.

        Raises:
            DataError: The weights cannot be used.
        """
        notes = list[str]()
        for name in () if strict else targets:
            table, note = labeled(table, name)
            notes += [note] if note else []
        weights = None if weight is None else weights_in(table, weight)
        if weights is not None and (idle := weights == 0.0).any():
            count = int(np.count_nonzero(idle))
            notes.append(left_out_note(f"weight {shown(weight)}", [], "weight 0", of=table.rows, count=count))
            table, weights = table.take(np.flatnonzero(~idle)), weights[~idle]
        noted = replace(table, notes=(*table.notes, *notes)) if notes else table
        return Labeled(noted, weights, tuple(notes))

    def take(self, rows: NDArray[np.intp]) -> Labeled:
        """These rows, in this order."""
        return replace(self, table=self.table.take(rows), weights=None if self.weights is None else self.weights[rows])


def check_weight_name(name: object) -> None:
    """Reject weights, or the number of a column, where the name of a column is required.

    Raises:
        UsageError: ``name`` is not a string.

    >>> check_weight_name("people")
    """
    if not isinstance(name, str):
        got, hint = f"a value of type {type(name).__name__}", "put the weights into a column of the table"
        if isinstance(name, Integral):
            got, hint = str(name), f"weight={str(name)!r}"
        raise UsageError(f"weight must be the name of a column; got {got}", hint=hint)


def weights_in(table: Table, name: str) -> NDArray[np.float64]:
    """The weights in a column: nonnegative numbers, at least one of them above 0, (n,)

    Raises:
        UsageError: ``name`` is not a string.
        DataError: The column is absent, holds no numbers, or a weight is missing, negative or infinite.
    """
    check_weight_name(name)
    column = table.columns.get(name)
    if column is None:
        raise data_error(table.source, absent([name], table.names, "weight column")[0])
    if not isinstance(column, NumericColumn):
        raise data_error(
            table.source, f"weight column {shown(name)} holds no numbers", "weights are nonnegative numbers"
        )
    wrong = np.flatnonzero(~(np.isfinite(column.values) & (column.values >= 0.0)))
    if wrong.size:
        where = f"{len(wrong):,} of {table.rows:,} values ({rows_listed(table.row_numbers[wrong])})"
        raise data_error(
            table.source,
            f"weight column {shown(name)}: {where} are missing, negative or infinite",
            "a weight of 0 leaves a row out",
        )
    if table.rows and not column.values.any():
        raise data_error(table.source, f"weight column {shown(name)} is 0 in every row", "at least one row must count")
    return column.values.copy()
