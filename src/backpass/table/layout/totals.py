"""Totals: rows of a table that hold the sums or means of the rows above, which would be learned from like others.

Takes the columns of a table; returns the columns without them and without other rows that hold no data. A label
("Total", "Subtotal", "Summe Nord") is not enough: the numbers must be the sums or means of the rows above, since the
last such row or since the first row. In the first and the last row no known label is needed, if every number is a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.columns.raw import Content, RawColumn, RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.delimited.cells import holds_values, is_total_label, may_hold_total_labels
from backpass.table.layout.findings import lines_listed, note_of
from backpass.table.layout.summaries import summary_rows
from backpass.table.table import CategoricalColumn, Column, NumericColumn

FEWEST, FEWEST_UNNAMED = 2, 5  # minimum number of rows that are summed, with and without a label
TOLERANCE = 2e-3  # relative; sums of numbers that are written with fewer digits differ
SEARCHED = 10_000  # categories of a column that are searched for labels
MANY = 0.5  # share of labeled rows from which the label is a category of its own


def rows_of_data(
    columns: dict[str, Column], content: Content, *, totals: bool, keep: bool
) -> tuple[dict[str, Column], NDArray[np.int64], list[str]]:
    """Leave out the rows that hold no data; return the columns, the numbers of their rows, and messages.

    Args:
        columns: The columns by name.
        content: What was read.
        totals: Whether totals are left out.
        keep: Whether rows between others keep their places.
    """
    typed = list(columns.values())
    summaries = summary_rows(typed, content.no_data) if totals else []
    found, doubtful = total_rows(typed, [*content.no_data, *summaries]) if totals else ([], [])
    found = [row for row in found if row not in summaries]
    notes = [doubtful_note(row) for row in doubtful if row not in summaries]
    if summaries:
        notes.append(note_of("summaries", lines_listed(summaries, "row")))
    if found:
        notes.append(note_of("totals", lines_listed(found, "row")))
    numbers = np.arange(1, content.rows + 1)
    left_out = {*content.no_data, *summaries, *found}
    if keep:
        ends = left_out - called_otherwise(typed, found)
        last = next((row for row in range(content.rows, 0, -1) if row not in ends), 0)
        if inner := sorted(row for row in left_out if row <= last):
            notes.append(f"{lines_listed(inner, 'row')}: kept in place, so that there is one result per row")
        left_out = {row for row in left_out if row > last}
    if not left_out:
        return columns, numbers, notes
    kept = numbers[~np.isin(numbers, sorted(left_out))]
    return {name: _occurring(column.take(kept - 1)) for name, column in columns.items()}, kept, notes


def called_otherwise(columns: Sequence[Column], totals: Sequence[int]) -> set[int]:
    """Return the totals, rows from 1, with another name than those of totals: England, at the end of its regions.

    A file to predict may lack the columns that tell such a row from an ordinary one.
    """
    texts = [column for column in columns if isinstance(column, CategoricalColumn)]
    labeled = _labeled(texts) if texts and totals else ()
    return {row for row in totals if not labeled[row - 1] and any(text.codes[row - 1] for text in texts)}


def doubtful_note(row: int) -> str:
    """Return the note on a row that is called a total but kept."""
    option = "--footer 1" if row > 1 else "a query (--query)"
    return f"row {row:,} is called a total, but contains no sums: kept as a row; {option} leaves it out"


def _occurring(column: Column) -> Column:
    """Return a column without the categories that no row has any more."""
    if not isinstance(column, CategoricalColumn) or column.counts().all():
        return column
    there = column.counts() > 0
    codes = np.concatenate([[0], np.where(there, np.cumsum(there), 0)]).astype(np.int32)
    levels = tuple(level for level, kept in zip(column.levels, there, strict=True) if kept)
    return replace(column, codes=codes[column.codes], levels=levels)


def without_labels(columns: Sequence[RawColumn], rules: Rules) -> tuple[list[RawColumn], list[int]]:
    """Return the columns with labels of totals among numbers or dates missing, and the rows, from 1, that have one."""
    found, rows = list[RawColumn](), set[int]()
    for raw in columns:
        if (
            isinstance(raw, RawStrings)
            and rules.required_kind(raw.name) != "categorical"
            and len(raw.levels) <= SEARCHED
            and may_hold_total_labels(raw.levels)
        ):
            labels = [j for j, level in enumerate(raw.levels, start=1) if is_total_label(level)]
            if labels and holds_values([level for level in raw.levels if not is_total_label(level)]):
                labeled = np.isin(raw.codes, labels)
                rows |= set((np.flatnonzero(labeled) + 1).tolist())
                raw = replace(raw, codes=np.where(labeled, 0, raw.codes).astype(np.int32))
        found.append(raw)
    return found, sorted(rows)


@dataclass(slots=True)
class Above:
    """The rows above those of a window: how many they are, and the sums of their numbers. Mutable.

    Attributes:
        rows: Number of rows.
        labeled: Number of rows with a label of totals.
        group_rows: Number of rows since the last total.
        whole: For each column of numbers, the number of values, their sum and the sum of their sizes (columns, 3).
        group: The same of the rows since the last total.
    """

    rows: int
    labeled: int
    group_rows: int
    whole: NDArray[np.float64]
    group: NDArray[np.float64]

    @classmethod
    def nothing(cls, columns: Sequence[Column]) -> Above:
        """Return the start of a table with these columns."""
        count = sum(isinstance(column, NumericColumn) for column in columns)
        return cls(0, 0, 0, np.zeros((count, 3)), np.zeros((count, 3)))

    def add(self, numbers: Sequence[NDArray[np.float64]], counts: NDArray[np.bool_], start: int, labeled: int) -> None:
        """Add the rows of a window.

        Args:
            numbers: Its columns of numbers.
            counts: Which rows count, bool (n,).
            start: The row, from 0, behind its last total; 0 if it has none.
            labeled: Number of its rows with a label.
        """
        sums, since = _sums_of(numbers, counts), counts.copy()
        since[:start] = False
        self.group = _sums_of(numbers, since) if start else self.group + sums
        self.group_rows = int(since.sum()) + (0 if start else self.group_rows)
        self.whole = self.whole + sums
        self.rows, self.labeled = self.rows + len(counts), self.labeled + labeled


def _sums_of(numbers: Sequence[NDArray[np.float64]], rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return the number of values of some rows, their sum and the sum of their sizes, for each column (columns, 3)."""
    every_row = rows.dtype == np.bool_ and rows.all()  # row numbers, which may be all but 0, are no mask
    chosen = numbers if every_row else [values[rows] for values in numbers]
    missing = [np.isnan(values) for values in chosen]
    there = [values[~gaps] if gaps.any() else values for values, gaps in zip(chosen, missing, strict=True)]
    return np.array([(len(each), each.sum(), np.abs(each).sum()) for each in there], dtype=np.float64).reshape(-1, 3)


def total_rows(
    columns: Sequence[Column], empty: Sequence[int], above: Above | None = None
) -> tuple[list[int], list[int]]:
    """Return the rows, from 1, that are totals, and those that are called so without being sums.

    Args:
        columns: The columns of a table, or of a window of its rows.
        empty: Rows, from 1, that are left out already.
        above: The rows above the window, to which those of the window are added. Default None: there are none.
    """
    numbers = [column.values for column in columns if isinstance(column, NumericColumn)]
    texts = [column for column in columns if isinstance(column, CategoricalColumn)]
    if not numbers or not texts:
        return [], []
    labeled = _labeled(texts)
    rows = len(numbers[0])
    named = set(np.flatnonzero(labeled).tolist())
    counts = np.ones(rows, dtype=bool)
    counts[[row - 1 for row in empty]] = False
    before = above or Above.nothing(columns)
    if len(named) + before.labeled > MANY * (rows + before.rows):
        if above is not None:
            above.add(numbers, counts, 0, len(named))
        return [], []
    last = int(np.flatnonzero(counts)[-1]) if counts.any() else -1
    ends = [row for row in {0, last} if last >= 0 and counts[row]]
    candidates = sorted(named | {row for row in ends if _may_be_total(texts, numbers, row, is_last=row == last)})
    found, doubtful, start = list[int](), list[int](), 0
    for row in candidates:
        group, whole = np.flatnonzero(counts[start:row]) + start, np.flatnonzero(counts[:row])
        rest = np.flatnonzero(counts) if row == 0 and not before.rows else counts[:0]
        earlier = (0, None) if start else (before.group_rows, before.group)
        rows_summed = ((group, *earlier), (whole, before.rows, before.whole), (rest[rest > 0], 0, None))
        if any(_Sums.of(numbers, row, *each).are_total(named=row in named) for each in rows_summed):
            found.append(row + 1)
            counts[row] = False
            start = row + 1
        elif (row == last or (row == 0 and not before.rows)) and row in named and len(named) == 1:
            doubtful.append(row + 1)
    if above is not None:
        above.add(numbers, counts, start, len(named))
    return found, doubtful


def _may_be_total(
    texts: Sequence[CategoricalColumn], numbers: Sequence[NDArray[np.float64]], row: int, *, is_last: bool
) -> bool:
    """Whether an end of the table may be a total in other words ("All", "England"), or without a word if it is last."""
    if is_last and all(text.codes[row] == 0 for text in texts):
        return True
    if not any(text.codes[row] and np.count_nonzero(text.codes == text.codes[row]) == 1 for text in texts):
        return False
    sizes = [(np.abs(values[row]), np.abs(np.delete(values, row))) for values in numbers]
    return any(0.5 * size > np.fmax.reduce(others, initial=0.0) for size, others in sizes)


def _labeled(texts: Sequence[CategoricalColumn]) -> NDArray[np.bool_]:
    """Return which rows have a label of totals, bool (n,)."""
    labeled = np.zeros(len(texts[0].codes), dtype=bool)
    for column in texts:
        last = int(column.codes[-1]) if len(column.codes) else 0
        searched = range(len(column.levels)) if len(column.levels) <= SEARCHED else [last - 1] * (last > 0)
        if codes := [j + 1 for j in searched if is_total_label(column.levels[j])]:
            labeled |= np.isin(column.codes, codes)
    return labeled


@dataclass(frozen=True, slots=True)
class _Sums:
    """How the numbers of a row compare with those of the rows above.

    Attributes:
        rows: Number of rows above.
        sums: Numbers that are sums.
        means: Numbers that are means and no sums.
        others: Further numbers.
    """

    rows: int
    sums: int
    means: int
    others: int

    @classmethod
    def of(
        cls,
        numbers: Sequence[NDArray[np.float64]],
        row: int,
        above: NDArray[np.intp],
        earlier: int = 0,
        sums: NDArray[np.float64] | None = None,
    ) -> _Sums:
        """Compare the numbers of a row with those of other rows.

        Args:
            numbers: The columns of numbers.
            row: The row.
            above: The other rows.
            earlier: Number of further rows, above the window.
            sums: Their sums, see ``Above``.
        """
        counts = [0, 0, 0]
        found = _sums_of(numbers, above) + (0.0 if sums is None else sums)
        for values, (count, summed, size) in zip(numbers, found.tolist(), strict=True):
            if np.isnan(values[row]):
                continue
            if count > 1 and _is_near(values[row], summed, size):
                counts[0] += 1
            elif count > 1 and _is_near(values[row], summed / count, size):
                counts[1] += 1
            else:
                counts[2] += 1
        return cls(len(above) + earlier, *counts)

    def are_total(self, *, named: bool) -> bool:
        """Whether the row is a total; without a label every number must be a sum of more rows."""
        if not named:
            return self.rows >= FEWEST_UNNAMED and self.sums > 1 and not (self.means or self.others)
        return self.rows >= FEWEST and (self.sums > 0 or self.means > 1) and self.others <= self.sums + self.means


def _is_near(value: float, expected: float, size: float) -> bool:
    """Whether a value is a sum or mean of numbers, whose sizes have this sum, apart from what rounding has lost."""
    return expected != 0.0 and abs(value - expected) <= TOLERANCE * abs(expected) + 1e-9 * size
