"""Heading of a table: the rows that name its columns, what stands above them, and what stands above the data.

Takes the first rows of a table as lists of cells, from a delimited text or a sheet; returns the names and the index of
the first data row, or None where nothing speaks against the first row being the header. The evidence is the shape of
the rows (number of fields, empty cells) and the contrast between a name and the numbers or dates below it.

    Sales report                 above: another shape than the data
    Period: January
    town    units   price        header: a text in every column, above numbers
            pieces  USD          below it: units where the data hold numbers
    south   63      4.20         data
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

from backpass.table.headerless import looks_like_data
from backpass.table.layout.cells import GAPS, YEAR, holds_values, is_unit, is_value

FEWEST = 3  # minimum number of data rows for a verdict
LOOKED_AT = 40  # data rows that show what a column holds
HEADERS = 1000  # maximum number of rows above the header
BENEATH = 3  # maximum number of rows between the header and the data
ALIKE = 0.6  # share of rows with the same number of fields that gives the width of the table
SIGNATURES = {"TOA5": (1, 3), "TOACI1": (1, 1)}  # first cell of a Campbell logger's file -> rows above, header rows

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Heading:
    """Where the names and the data of a table begin; indices count the rows given, from 0.

    Attributes:
        names: One name per column; empty where a column has none.
        header: Indices of the rows that hold the names.
        data: Index of the first data row.
        empty: Columns without a name and without a value.
    """

    names: tuple[str, ...]
    header: tuple[int, ...]
    data: int
    empty: tuple[int, ...] = ()

    @property
    def above(self) -> range:
        """Rows above the header."""
        return range(self.header[0])

    @property
    def beneath(self) -> range:
        """Rows between the header and the data."""
        return range(self.header[-1] + 1, self.data)


@dataclass(frozen=True, slots=True)
class Body:
    """What the first rows show of a table.

    Attributes:
        rows: All rows given.
        width: Number of fields of most of them.
        used: Number of columns up to the last that is not empty.
        valued: Columns of numbers or dates.
        sample: The data rows looked at.
    """

    rows: Sequence[Row]
    width: int
    used: int
    valued: tuple[int, ...]
    sample: Sequence[Row]

    def fits(self, row: Row) -> bool:
        """Whether a row has the table's columns, apart from empty ones at the end."""
        return self.used <= len(row) and not any(row[self.width :])

    def empty_columns(self, names: Row) -> tuple[int, ...]:
        """Columns without a name and without a value in any row looked at."""
        nameless = [j for j in range(self.width) if j >= len(names) or not names[j]]
        return tuple(j for j in nameless if not any(len(row) > j and row[j] for row in self.sample))

    def is_contrasting(self, row: Row) -> bool:
        """Whether a row has a text above some numbers or dates, and no value among them but a series of years."""
        cells = [row[j] for j in self.valued if j < len(row) and row[j]]
        years = [cell for cell in cells if YEAR.fullmatch(cell)]
        if not GAPS.isdisjoint(cells):
            return False
        if any(is_value(cell) for cell in cells if not YEAR.fullmatch(cell)):
            return False
        return len(years) < len(cells) or (len(years) > 2 and _is_rising(years))

    def has_values(self, row: Row) -> bool:
        """Whether a row has a value in a column of numbers or dates."""
        return any(is_value(row[j]) for j in self.valued if j < len(row))

    def is_below_header(self, row: Row, *, follows: bool) -> bool:
        """Whether a row holds units or descriptions, and no value, in the columns of numbers or dates.

        Args:
            row: A row below the header.
            follows: Whether the row above is one of units.
        """
        over = [(j, row[j]) for j in self.valued if j < len(row) and row[j]]
        texts = [(j, cell) for j, cell in over if cell not in GAPS]
        if not self.fits(row) or not texts:
            return False
        if all(is_unit(cell) for _, cell in texts):
            return True
        if any(is_value(cell) and not is_unit(cell) for _, cell in texts) or self._holds_again(row):
            return False
        is_described = len(texts) > 1 and 2 * len(texts) >= len(self.valued)
        return follows or (is_described and len({cell for _, cell in texts}) > 1)

    def _holds_again(self, row: Row) -> bool:
        """Whether a cell of the row stands in its column again."""
        below = [{other[j] for other in self.sample if j < len(other)} for j in range(len(row))]
        return any(cell and cell in cells for cell, cells in zip(row, below, strict=True))


def _is_rising(years: Sequence[str]) -> bool:
    numbers = [int(year) for year in years]
    return numbers == sorted(set(numbers)) or numbers == sorted(set(numbers), reverse=True)


def heading_of(
    rows: Sequence[Row],
    wanted: Set[str] = frozenset(),
    *,
    searches: bool = True,
    header_rows: int | None = None,
    all_rows: bool = False,
) -> Heading | None:
    """Return the heading of a table; None if it is not clear, so that the first row counts as its header.

    Args:
        rows: The first rows of the table, their cells trimmed.
        wanted: Columns that a model needs: a row that names them all is the header.
        searches: Whether rows may stand above the header.
        header_rows: Number of header rows, if it is known.
        all_rows: Whether every row below the header is a data row.

    >>> heading = heading_of([["Report", ""], ["town", "units"], ["", "kg"], *[["a", "1.5"]] * 4])
    >>> heading.names, list(heading.above), list(heading.beneath), heading.data
    (('town', 'units'), [0], [2], 3)
    """
    if searches and (signed := _signed(rows)):
        return signed
    body = body_of(rows)
    if body is None:
        return None
    start = _start(body, wanted) if searches else 0
    if start is None:
        return None
    header = _header(body, start, header_rows)
    if header is None:
        return None
    names, count = header
    data = start + count
    last = data if all_rows else min(data + BENEATH, len(rows) - FEWEST)
    while data < last and body.is_below_header(rows[data], follows=data > start + count):
        data += 1
    return Heading(names, tuple(range(start, start + count)), data, body.empty_columns(names))


def likely_header(rows: Sequence[Row]) -> int | None:
    """Return the first row below the first one that could name the columns, for a message."""
    body = body_of(rows)
    if body is None:
        return None
    rising = range(1, min(len(rows), HEADERS))
    return next(
        (k for k in rising if _may_name(body, rows[k]) and _are_names(rows[k]) and not body.has_values(rows[k])), None
    )


def _signed(rows: Sequence[Row]) -> Heading | None:
    """Return the heading of a file whose first cell names its format."""
    above, headers = SIGNATURES.get(rows[0][0] if rows and rows[0] else "", (0, 0))
    if not headers or len(rows) <= above + headers:
        return None
    return Heading(tuple(rows[above]), (above,), above + headers)


def body_of(rows: Sequence[Row]) -> Body | None:
    """Return what the rows show, or None if too few are alike."""
    lower = rows[len(rows) // 2 :]
    (width, count), *_ = Counter(map(len, lower)).most_common(1) or [(0, 0)]
    alike = [k for k, row in enumerate(rows) if len(row) == width]
    if count < ALIKE * len(lower) or len(alike) <= FEWEST:
        return None
    data = [rows[k] for k in alike[min(1 + BENEATH, len(alike) - FEWEST) :]]
    sample = [row for row in data[-LOOKED_AT:] if any(row)]
    if not sample:
        return None
    used = max(j + 1 for row in sample for j, cell in enumerate(row) if cell)
    valued = tuple(j for j in range(width) if holds_values([row[j] for row in sample]))
    return Body(rows, width, used, valued, sample)


def _start(body: Body, wanted: Set[str]) -> int | None:
    """Return the index of the first header row; None if it is not clear."""
    limit = min(len(body.rows) - FEWEST, HEADERS)
    if wanted and not wanted <= set(body.rows[0]):
        named = next((k for k in range(limit) if wanted <= set(body.rows[k])), None)
        if named is not None:
            return named
    if _may_name(body, body.rows[0]):
        return 0
    start = next((k for k in range(1, limit) if _may_name(body, body.rows[k])), None)
    if start is None or not all(_may_stand_above(body, row) for row in body.rows[:start]):
        return None
    names = body.rows[start]
    if body.is_contrasting(names):
        # A row above that groups the columns may complete names that repeat.
        return start if _are_names(names) or start == 0 else _grouped(body, start)
    lonely = all(len(row) == 1 for row in body.rows[:start]) and body.width > 2
    is_text = not any(is_value(names[j]) for j in body.valued if j < len(names))
    is_header = _are_names(names) and is_text and not looks_like_data(names, body.rows[start + 1 :])
    return start if lonely and is_header else None


def _grouped(body: Body, start: int) -> int | None:
    above = body.rows[start - 1]
    return start - 1 if body.fits(above) and sum(map(bool, above)) > 1 else None


def _may_name(body: Body, row: Row) -> bool:
    """Whether a row has a cell for every column that holds something, apart from the first."""
    empty = set(body.empty_columns(row))
    return body.fits(row) and all(row[j] for j in range(1 if body.used > 1 else 0, body.used) if j not in empty)


def _may_stand_above(body: Body, row: Row) -> bool:
    """Whether a row has another shape than the data: other fields, or mostly empty ones."""
    filled = sum(map(bool, row))
    return not body.fits(row) or 2 * filled <= body.used


def _are_names(row: Row) -> bool:
    """Whether the cells of a row differ, apart from empty ones."""
    names = [name for name in row if name]
    return len(set(names)) == len(names)


def _header(body: Body, start: int, header_rows: int | None) -> tuple[tuple[str, ...], int] | None:
    """Return the names and the number of header rows; None if the rows do not name the columns."""
    first = _padded(body.rows[start], body.width)
    if header_rows == 1:
        return first, 1
    if header_rows is not None:
        joined = first
        for row in body.rows[start + 1 : start + header_rows]:
            joined = _joined(joined, _padded(row, body.width))
        return joined, header_rows
    if not body.fits(body.rows[start]):
        return (first, 1) if start else None
    nameless = {j for j in range(1, body.used) if not first[j]} - set(body.empty_columns(first))
    if not nameless and _are_names(first):
        return first, 1
    if len(body.rows) > start + 1 + FEWEST:
        second = body.rows[start + 1]
        joined = _joined(first, _padded(second, body.width))
        is_named = all(joined[j] for j in range(body.used) if j not in body.empty_columns(joined))
        if body.fits(second) and body.is_contrasting(second) and is_named and _are_names(joined):
            return joined, 2
    return (first, 1) if start else None


def _padded(row: Row, width: int) -> tuple[str, ...]:
    return (*row, *[""] * (width - len(row)))[:width]


def _joined(groups: Row, names: Row) -> tuple[str, ...]:
    """Return the names of two header rows; a group's name stands once, above the first of its columns.

    >>> _joined(["town", "2023", "", ""], ["", "Q1", "Q2", "Q3"])
    ('town', '2023 Q1', '2023 Q2', '2023 Q3')
    """
    found, group = [], ""
    for above, name in zip(groups, names, strict=True):
        group = above or (group if name else "")
        found.append(f"{group} {name}".strip() if group != name else name)
    return tuple(found)
