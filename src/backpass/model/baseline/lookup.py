"""Lookup baselines: the last known target, the one of a season before, and the mean of each group.

They read a column of the table, not the network's inputs: they are what one would predict without a model. A file keeps
each as the outputs of its cells. ``fitting.checks.lookups`` fits and scores them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.baseline.season import SEASONS, Season, seasons_of
from backpass.numerics.distinct import distinct_values
from backpass.table import CategoricalColumn, Column, DatetimeColumn, Table

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Cell = Callable[[Codes], Floats]
"""Row numbers -> the constant outputs (k,) that suit the targets of these rows best."""


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """A baseline that predicts each row by a key of one of its columns.

    Attributes:
        name: The name under which its scores are reported: "group", "seasonal" or "last".
        column: The column that it reads.
        season: For "seasonal", the name of the season; else "".
        keys: The group or the phase of each cell.
        cells: Outputs (cells + 1, k) on the network's scale; the last row is that of all other keys.
    """

    name: str
    column: str
    season: str
    keys: tuple[str, ...]
    cells: Floats

    def outputs(self, table: Table) -> Floats | None:
        """o (n, k) for the rows of a table.

        None if it lacks the column, holds values of another kind there, or has none of the keys, so that all rows would
        get the same.
        """
        column = table.columns.get(self.column)
        if column is None or (self.season and not isinstance(column, DatetimeColumn)):
            return None
        if not self.keys:
            return np.broadcast_to(self.cells[-1], (table.rows, self.cells.shape[1]))
        keys = group_keys(column) if not self.season else _phase_keys(column, SEASONS[self.season])
        known = {key: i for i, key in enumerate(self.keys)}
        distinct, places = np.unique(keys, return_inverse=True)
        cells = np.array([known.get(key, len(self.keys)) for key in distinct.tolist()], dtype=np.intp)
        if (cells == len(self.keys)).all():
            return None
        return np.asarray(self.cells[cells[places.reshape(-1)]])

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file, without the outputs."""
        return {"name": self.name, "column": self.column, "season": self.season, "keys": list(self.keys)}


def lookup_from_json(data: Mapping[str, Any], cells: Floats) -> Lookup:
    """The lookup that ``to_json`` wrote, with its outputs."""
    return Lookup(**{**data, "keys": tuple(data["keys"])}, cells=cells)


def group_keys(column: Column) -> NDArray[Any]:
    """The text that stands for the value of each row, (n,); "" where it is missing.

    >>> from backpass.table import table_from
    >>> group_keys(table_from({"id": [7, 8, 7]}).columns["id"]).tolist()
    ['7.0', '8.0', '7.0']
    """
    if isinstance(column, CategoricalColumn):
        return np.array(["", *column.levels], dtype=object)[column.codes]
    values = column.microseconds if isinstance(column, DatetimeColumn) else column.values
    distinct, places = np.unique(values, return_inverse=True)
    texts = np.array([repr(value) for value in distinct.tolist()], dtype=object)[places.reshape(-1)]
    return np.asarray(np.where(column.missing, "", texts), dtype=object)


def _phase_keys(column: Column, season: Season) -> NDArray[Any]:
    assert isinstance(column, DatetimeColumn)
    phases = np.array([str(phase) for phase in range(season.periods)], dtype=object)
    return np.asarray(np.where(column.missing, "", phases[season.phase(column.microseconds)]), dtype=object)


def group_lookup(column: Column, cell: Cell) -> Lookup:
    """The mean of each group; other groups get that of all rows.

    Args:
        column: The group column of the rows.
        cell: The outputs that suit some of these rows.
    """
    keys = group_keys(column)
    distinct, places = np.unique(keys, return_inverse=True)
    rows = _rows_by_number(places.reshape(-1), len(distinct))
    cells = [cell(index) for key, index in zip(distinct.tolist(), rows, strict=True) if key]
    named = tuple(key for key in distinct.tolist() if key)
    return Lookup("group", column.name, "", named, np.stack([*cells, cell(np.arange(len(keys)))]))


def last_lookup(column: Column, cell: Cell) -> Lookup:
    """The target at the latest time of the column."""
    assert not isinstance(column, CategoricalColumn)
    values = column.microseconds if isinstance(column, DatetimeColumn) else column.values
    latest = np.max(values[~column.missing])
    return Lookup("last", column.name, "", (), cell(np.flatnonzero(values == latest))[None, :])


def seasonal_lookup(column: DatetimeColumn, cell: Cell, season: str) -> Lookup:
    """The target in the latest period with the same phase; phases without a row get the target at the latest time."""
    kind = SEASONS[season]
    known = np.flatnonzero(~column.missing)
    periods, phases = kind.of(column.microseconds[known]), kind.phase(column.microseconds[known])
    latest = np.full(kind.periods, np.iinfo(np.int64).min)
    np.maximum.at(latest, phases, periods)
    is_latest = periods == latest[phases]
    there = distinct_values(phases)
    cells = [cell(known[is_latest & (phases == phase)]) for phase in there]
    otherwise = last_lookup(column, cell).cells[-1]
    return Lookup("seasonal", column.name, season, tuple(map(str, there.tolist())), np.stack([*cells, otherwise]))


def seasons_in(column: Column) -> tuple[str, ...]:
    """The seasons that a time column can have."""
    if not isinstance(column, DatetimeColumn) or column.kind != "date":
        return ()
    return seasons_of(column.microseconds[~column.missing])


def _rows_by_number(numbers: Codes, count: int) -> Sequence[Codes]:
    """The rows of each number from 0 to count - 1, ascending."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.cumsum(np.bincount(numbers, minlength=count))[:-1])
