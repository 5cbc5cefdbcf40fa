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

import re
from collections import Counter
from collections.abc import Sequence, Set
from itertools import chain, islice

from backpass.dataclass import dataclass
from backpass.table.delimited.cells import GAPS, YEAR, holds_values, is_ruler, is_unit, is_value
from backpass.table.delimited.headerless import looks_like_data
from backpass.table.notation.lazy_pattern import LazyPattern

FEWEST = 3  # minimum number of data rows for a verdict
LOOKED_AT = 40  # data rows that show what a column holds
HEADERS = 1000  # maximum number of rows above the header
BENEATH = 3  # maximum number of rows between the header and the data
ALIKE = 0.6  # share of rows with the same number of fields that gives the width of the table
FIELD_FORMAT = LazyPattern(r"[0-9]+[sdn]")  # 5s, 14n, 20d: widths and types below the header of an RDB file
NUMBER = re.compile(r"[0-9][0-9.,]*")
LOGGER = ("TOA5", "TOACI1")  # first cell of a Campbell logger's file, whose first row describes the logger

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
        if is_ruler(row) or self._counts_columns(row) or self._has_formats(row):
            return True
        over = [(j, row[j]) for j in self.valued if j < len(row) and row[j]]
        texts = [(j, cell) for j, cell in over if cell not in GAPS]
        if not self.fits(row) or not texts or any(is_value(cell) and not is_unit(cell) for _, cell in texts):
            return False
        if self._holds_again(row) or self._is_written_as_data(texts):
            return False
        if all(is_unit(cell) for _, cell in texts):
            return True
        is_described = len(texts) > 1 and 2 * len(texts) >= len(self.valued)
        return follows or (is_described and len({cell for _, cell in texts}) > 1)

    def _has_formats(self, row: Row) -> bool:
        """Whether every cell of a row is the format of a field, and those of a row of data are not."""
        return (
            len(row) > 1
            and all(map(FIELD_FORMAT.fullmatch, row))
            and not any(map(FIELD_FORMAT.fullmatch, self.sample[-1]))
        )

    def _counts_columns(self, row: Row) -> bool:
        """Whether a row numbers the columns (1, 2, 3), of which some hold texts."""
        texts = {*range(self.used)} - {*self.valued}
        return self.used > 2 and bool(texts) and [*row[: self.used]] == [str(j + 1) for j in range(self.used)]

    def _holds_again(self, row: Row) -> bool:
        """Whether a cell of the row, apart from gaps, stands in its column again, but in the same row."""
        others = [other for other in self.sample if other != row]
        below = [{other[j] for other in others if j < len(other)} for j in range(len(row))]
        return any(cell not in GAPS and cell in cells for cell, cells in zip(row, below, strict=True))

    def _is_written_as_data(self, cells: Sequence[tuple[int, str]]) -> bool:
        """Whether all values among these cells of a row differ from one below only in digits: $5 above $12.50."""
        values = [(j, cell) for j, cell in cells if is_value(cell)]
        below = {
            j: {NUMBER.sub("0", row[j]) for row in self.sample if j < len(row) and row[j] != cell} for j, cell in values
        }
        return bool(values) and all(NUMBER.sub("0", cell) in below[j] for j, cell in values)


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
        (k for k in rising if body.fits(rows[k]) and all(rows[k][: body.used]) and not body.has_values(rows[k])), None
    )


def body_of(rows: Sequence[Row]) -> Body | None:
    """Return what the rows show, or None if too few are alike."""
    lower = rows[len(rows) // 2 :]
    (width, count), *_ = Counter(map(len, lower)).most_common(1) or [(0, 0)]
    alike = [k for k, length in enumerate(map(len, rows)) if length == width]
    if count < ALIKE * len(lower) or len(alike) <= FEWEST:
        return None
    data = [rows[k] for k in alike[min(1 + BENEATH, len(alike) - FEWEST) :]]
    sample = [row for row in data[-LOOKED_AT:] if any(row)]
    if not sample:
        return None
    used = next(j for j in range(width, 0, -1) if any(row[j - 1] for row in sample))
    valued = tuple([j for j, column in enumerate(zip(*sample, strict=True)) if holds_values(column)])
    return Body(rows, width, used, valued, sample)


def _start(body: Body, wanted: Set[str]) -> int | None:
    """Return the index of the first header row; None if it is not clear."""
    limit = min(len(body.rows) - FEWEST, HEADERS)
    if wanted and not wanted <= set(body.rows[0]):
        named = next((k for k in range(limit) if wanted <= set(body.rows[k])), None)
        if named is not None:
            return named
    if body.rows[0][0] in LOGGER:
        return 1
    may_start = (k for k in range(limit) if _may_name(body, body.rows[k]) or _completed(body, k))  # mostly the first
    first = [*islice(may_start, 1)]
    followed = (k for k in chain(first, may_start) if body.fits(body.rows[k + 1]) or is_ruler(body.rows[k + 1]))
    start = next(followed, first[0] if first else None)
    if start is not None and _is_above_header(body, start):
        return start + 1
    if not start:
        return start
    names = body.rows[start]
    if _completed(body, start) or body.is_contrasting(names):
        return start if all(_may_stand_above(body, row) for row in body.rows[:start]) else None
    lonely = all(len(row) == 1 for row in body.rows[:start]) and body.width > 2
    is_text = not any(is_value(names[j]) for j in body.valued if j < len(names))
    is_header = _are_names(names) and is_text and not looks_like_data(names, body.rows[start + 1 :])
    return start if lonely and is_header else None


def _is_above_header(body: Body, row: int) -> bool:
    """Whether a row has a number where the next row has a text, so that the next one is the header."""
    first, second = body.rows[row], body.rows[row + 1]
    is_odd = any(is_value(first[j]) and not YEAR.fullmatch(first[j]) for j in body.valued if j < len(first))
    is_header = _may_name(body, second) and _are_names(second) and body.is_contrasting(second)
    return is_odd and is_header and not all(is_unit(second[j]) for j in body.valued)


def _may_name(body: Body, row: Row) -> bool:
    """Whether a row has a cell for every column that holds something, apart from the first."""
    if not body.fits(row):
        return False
    nameless = [j for j in range(1 if body.used > 1 else 0, body.used) if not row[j]]
    return not nameless or not set(nameless) - set(body.empty_columns(row))


def _may_stand_above(body: Body, row: Row) -> bool:
    """Whether a row above a header has another shape than the data: other fields, many empty ones, or no values."""
    return not body.fits(row) or 2 * sum(map(bool, row)) <= body.used or not body.has_values(row)


def _are_names(row: Row) -> bool:
    """Whether the cells of a row differ, apart from empty ones."""
    names = [name for name in row if name]
    return len(set(names)) == len(names)


def _completed(body: Body, row: int) -> tuple[str, ...]:
    """Return the names of two header rows, of which the first groups the columns; empty if they are not such rows."""
    if len(body.rows) <= row + 1 + FEWEST:
        return ()
    first, second = body.rows[row], body.rows[row + 1]
    if not (body.fits(first) and body.fits(second)) or sum(map(bool, first)) < 2:
        return ()
    is_enough = _may_name(body, second) and _are_names(second) and (second[0] or not first[0])
    is_enough = is_enough or (_may_name(body, first) and _are_names(first))
    above = [first[j] for j in body.valued if j < len(first)]
    texts = [cell for cell in above if is_value(cell) and not YEAR.fullmatch(cell)]
    if is_enough or texts or not body.is_contrasting(second):
        return ()
    joined = _joined(_padded(first, body.width), _padded(second, body.width))
    index = _index_names(body, row)
    joined = (*index, *joined[len(index) :])
    return joined if _may_name(body, joined) and _are_names(joined) else ()


def _index_names(body: Body, row: int) -> Row:
    """Return the names of the first columns below two header rows that do not name them, as pandas writes an index.

    ,,x,units      header rows; the second may have one cell for the name of its level
    ,,mean,sum
    town,year,,    names of the index
    """
    names = body.rows[row + 2]
    count = next((j for j, cell in enumerate(names) if not cell), len(names))
    above, level = body.rows[row][:count], sum(map(bool, body.rows[row + 1][:count]))
    is_below = not any(above) and level < count < body.used and not any(names[count:])
    return names[:count] if is_below and not any(map(is_value, names[:count])) else ()


def _header(body: Body, start: int, header_rows: int | None) -> tuple[tuple[str, ...], int] | None:
    """Return the names and the number of header rows; None if the rows do not name the columns."""
    joined = _padded(body.rows[start], body.width)
    if header_rows is not None:
        for row in body.rows[start + 1 : start + header_rows]:
            joined = _joined(joined, _padded(row, body.width))
        return joined, header_rows
    if completed := _completed(body, start):
        return completed, 3 if _index_names(body, start) else 2
    is_header = body.fits(body.rows[start]) and _may_name(body, joined)
    return (joined, 1) if is_header or start else None


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
