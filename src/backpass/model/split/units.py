"""Units: rows that belong together, so that no split separates them, and their order in time.

It takes the columns of a table and, if the user named them, a group column and a time column. It returns one unit
number per row, a rank in time per row, and notes that say what was assumed.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError
from backpass.model.metrics import FEWEST_ROWS
from backpass.numerics.distinct import are_among, distinct_values
from backpass.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn, Table
from backpass.table.content import Contents, first_equal
from backpass.table.messages import counted, shown
from backpass.table.notation.number import WHOLE_LIMIT

_FEWEST_BLOCKS = 10
"""The number of blocks of time below which a bootstrap draws shorter ones."""

_MANY = 10
"""Inputs that repeat this often on average are combinations of few values, not copies of rows."""

KEPT_TOGETHER = "duplicates are kept on the same side of a split"

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Which rows belong together.

    A unit is a group, or the rows with equal inputs, or a single row. With a time column, ``ranks`` order the rows: a
    row of lower rank is earlier, and equal ranks are the same instant.

    Attributes:
        codes: int64 (n,). The unit of each row, an arbitrary number.
        ranks: int64 (n,). The rank of each row in time, 0 where the time is missing; None without a time column.
        are_groups: Whether the user named the units.
    """

    codes: Codes
    ranks: Codes | None = None
    are_groups: bool = False

    @property
    def rows(self) -> int:
        return len(self.codes)

    def take(self, index: NDArray[Any]) -> Units:
        """The units of these rows, in this order."""
        ranks = None if self.ranks is None else self.ranks[index]
        return replace(self, codes=self.codes[index], ranks=ranks)

    @staticmethod
    def joined(parts: Sequence[Units]) -> Units:
        """The units of several sets of rows whose unit numbers have the same meaning."""
        codes = np.concatenate([part.codes for part in parts])
        known = [part.ranks for part in parts if part.ranks is not None]
        ranks = np.concatenate(known) if len(known) == len(parts) else None
        return replace(parts[0], codes=codes, ranks=ranks)

    def numbered(self) -> tuple[Codes, Codes]:
        """The units numbered from 0 in the order of their first rows, (n,), and the number of rows of each.

        >>> Units(np.array([7, 3, 7])).numbered()
        (array([0, 1, 0]), array([2, 1]))
        """
        _, first, inverse = np.unique(self.codes, return_index=True, return_inverse=True)
        place = np.empty(len(first), dtype=np.int64)
        place[np.argsort(first)] = np.arange(len(first))
        numbers = place[inverse.reshape(-1)]
        return numbers, np.bincount(numbers, minlength=len(first))

    @property
    def blocks(self) -> int:
        """The number of sets of rows that a split must not separate: units, or instants if they order single rows."""
        return len(distinct_values(self.codes if self.ranks is None or self.are_groups else self.ranks))

    @property
    def resampled(self) -> Codes | None:
        """The set of each row that a bootstrap draws as a whole, (n,); None if rows are drawn one by one.

        Groups are such sets, numbered in the order of their first rows, so that the same rows of another table have the
        same numbers. With ranks and no groups, blocks of consecutive instants are (Kuensch 1989), each about as
        many instants as there are blocks, so that most of the dependence between rows lies inside blocks.

        >>> Units(np.arange(6), ranks=np.array([3, 1, 2, 1, 5, 5])).resampled
        array([2, 0, 1, 0, 3, 3])
        """
        if self.are_groups:
            return self.numbered()[0]
        if self.ranks is None:
            return None
        distinct, places = np.unique(self.ranks, return_inverse=True)
        instants = len(distinct)
        if instants < 2:
            return None
        length = max(min(isqrt(instants - 1) + 1, instants // _FEWEST_BLOCKS), 1)
        return np.asarray(places.reshape(-1) // length, dtype=np.int64)

    def shared_with(self, other: Units) -> int:
        """The number of these rows whose unit has a row in ``other``, too."""
        return int(np.count_nonzero(are_among(self.codes, other.codes)))


def units_of(
    inputs: Sequence[Column],
    truth: NDArray[Any],
    *,
    group: Column | None = None,
    time: Column | None = None,
    divided: int | None = None,
) -> tuple[Units, tuple[str, ...]]:
    """The units of rows, and notes about them.

    A group is a unit. Without groups, rows with equal inputs are a unit, unless the inputs take so few different values
    that rows repeat by chance. With a time column and no groups, the ranks alone rule.

    Args:
        inputs: The columns that a network reads.
        truth: The targets (n,) or (n, k).
        group: The group column.
        time: The time column.
        divided: The number of rows, the first ones, that a split divides; the others are in separate files. None for
            all. The note on duplicates counts among these.

    Raises:
        DataError: The time column cannot be ordered, or holds a single instant.
    """
    rows = len(truth)
    ranks, notes = (None, []) if time is None else _ranks(time)
    if group is not None:
        codes, unit_notes = _groups(group, inputs)
        return Units(codes, ranks, are_groups=True), (*unit_notes, *notes)
    if time is not None:
        return Units(np.arange(rows), ranks), tuple(notes)
    codes, unit_notes = _repeats(inputs, truth, rows if divided is None else divided)
    return Units(codes), tuple(unit_notes)


def named_units(table: Table, *, group: str | None, time: str | None) -> Units | None:
    """The units of the rows of a table by its group column, or else by its time column.

    None if no column was named, if the table lacks it, or if it cannot order the rows.

    Args:
        table: The rows.
        group: The name of the group column.
        time: The name of the time column.
    """
    if group is not None:
        return Units(_groups(table.columns[group], [])[0], are_groups=True) if group in table.columns else None
    column = None if time is None else table.columns.get(time)
    if column is None or isinstance(column, CategoricalColumn):
        return None
    return Units(np.arange(table.rows), _ranks_of(column))


def check_groups(column: Column) -> None:
    """Reject numbers that cannot tell groups apart.

    Raises:
        DataError: Whole numbers beyond 2^53 are stored as float64, so that some groups would be one.
    """
    if isinstance(column, NumericColumn) and (np.abs(column.values) >= WHOLE_LIMIT).any():
        raise DataError(
            f"the group column {shown(column.name)} holds whole numbers beyond 2^53, whose last digits are lost",
            hint=f"--categorical {shlex.quote(column.name)} keeps all digits of text and of integers",
        )


def _groups(group: Column, inputs: Sequence[Column]) -> tuple[Codes, list[str]]:
    """The unit of each row by its group; a row without a group is one of its own."""
    check_groups(group)
    rows = len(group.missing)
    codes = np.where(group.missing, np.arange(rows), first_equal(Contents([group]), rows))
    count, name = len(distinct_values(codes)), shown(group.name)
    notes = [f"{counted(count, 'group')} of column {name}: no group is on both sides of a split"]
    if missing := int(np.count_nonzero(group.missing)):
        notes.append(f"{counted(missing, 'row')} without a value of {name}: each forms its own group")
    first = first_equal(Contents(inputs), rows) if inputs else np.arange(rows)
    if crossing := int(np.count_nonzero(codes != codes[first])):
        notes.append(
            f"{counted(crossing, 'row')} with the inputs of a row in another group: groups take precedence, so equal "
            "rows may be on both sides of a split"
        )
    return codes, notes


def _ranks(time: Column) -> tuple[Codes, list[str]]:
    """The rank of each row by its time; rows without a time come first, so that they train."""
    name = shown(time.name)
    if isinstance(time, CategoricalColumn):
        raise DataError(
            f"the time column {name} holds strings, which have no order in time",
            hint="use dates such as 2024-12-31, or numbers; --date-order reads dates such as 1/2/2024",
        )
    ranks, known = _ranks_of(time), ~time.missing
    if ranks.max(initial=0) < 2:
        rows = counted(int(np.count_nonzero(known)), "row")
        what = f"the same value in all {rows}" if known.any() else "no value"
        raise DataError(
            f"the time column {name} has {what}, so it does not order the rows",
            hint="name another column, or leave it out",
        )
    if known.all():
        return ranks, []
    missing = counted(int(np.count_nonzero(~known)), "row")
    return ranks, [f"{missing} without a value of {name}: treated as the earliest"]


def _ranks_of(time: NumericColumn | DatetimeColumn) -> Codes:
    """The rank of each row by its time, from 1; 0 where the time is missing: (n,)"""
    values = time.microseconds if isinstance(time, DatetimeColumn) else time.values
    ranks, known = np.zeros(len(values), dtype=np.int64), ~time.missing
    ranks[known] = np.unique(values[known], return_inverse=True)[1].reshape(-1) + 1
    return ranks


def _repeats(inputs: Sequence[Column], truth: NDArray[Any], divided: int) -> tuple[Codes, list[str]]:
    """The unit of each row by its inputs, and a note if rows repeat among those that a split divides."""
    rows = len(truth)
    if not inputs:
        return np.arange(rows), []
    codes = first_equal(Contents(inputs), rows)
    repeated = int(np.count_nonzero(codes != np.arange(rows)))
    if not repeated:
        return codes, []
    if _are_combinations(codes, truth, rows - repeated):
        text = f"the columns take only {counted(rows - repeated, 'combination')} of values: rows are split individually"
        return np.arange(rows), [text]
    together = int(np.count_nonzero(codes[:divided] != np.arange(divided)))
    verb = "repeats" if together == 1 else "repeat"
    found = f"{counted(together, 'row')} {verb} the inputs of an earlier row"
    return codes, [f"{found}: {KEPT_TOGETHER}"] if together else []


def _are_combinations(codes: Codes, truth: NDArray[Any], distinct: int) -> bool:
    """Whether equal inputs are the rule, because the columns take few values, rather than copies of rows.

    Copies have equal targets, too. So rows are independent if each combination has ten rows or more on average, and
    those of most combinations differ in their target; or if there are too few combinations to divide.
    """
    if distinct < FEWEST_ROWS:
        return True
    if len(codes) < _MANY * distinct:
        return False
    differs = (truth != truth[codes]).reshape(len(codes), -1).any(axis=1)
    repeated = distinct_values(codes[codes != np.arange(len(codes))])
    return 2 * len(distinct_values(codes[differs])) > len(repeated)
