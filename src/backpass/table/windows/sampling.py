"""Samples of long text files: some of their rows as one table, drawn while the files are read in windows.

Takes open files and a rule that draws rows; returns the table of these rows, whose columns are decided as those of a
whole file are, from the drawn rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.distinct import distinct_values
from backpass.table.columns.raw import RawColumn, RawNumbers, RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.delimited.delimited import Delimited, Field, Fields
from backpass.table.files.opening import Opened
from backpass.table.messages import ErrorList
from backpass.table.reading import content_of, laid_out, source_of, table_of, with_layout
from backpass.table.scan import scanner_for
from backpass.table.scan.plain import PlainScanner
from backpass.table.table import Table
from backpass.table.windows.delimited import delimited_windows
from backpass.table.windows.read_settings import ReadSettings

ROWS = 65_536
"""Rows of a window, about."""

Numbers = NDArray[np.int64]


class Drawing(Protocol):
    """A rule that draws rows while their number is not known yet. Mutable."""

    def draw(self, first: int, rows: int, columns: Sequence[RawColumn]) -> NDArray[np.bool_]:
        """Return which rows of the next window are drawn; ``first`` is the number of the first one, from 0."""

    def still(self, rows: Numbers) -> NDArray[np.bool_]:
        """Return which of these rows, which were drawn, are drawn now that more rows are known."""


@dataclass(frozen=True, slots=True, eq=False)
class TextSample:
    """Rows of text files.

    Attributes:
        table: The rows, which have the numbers that they have in the files, from 1.
        rows: The number of all rows of the files.
        rules: What is required of the columns, with the decimal sign that was found.
    """

    table: Table
    rows: int
    rules: Rules


def can_sample(files: Sequence[Opened], settings: ReadSettings) -> bool:
    """Whether files are texts that are read in windows: the compiled scanner can split them."""
    if {file.form for file in files} != {"text"} or settings.query is not None or settings.tolerant:
        return False
    signs = "".join(file.sign for file in laid_out(files, settings.rules, settings.dialect))
    return scanner_for(signs) is not PlainScanner


def sampled_text(
    files: Sequence[Opened], path: str | Path, settings: ReadSettings, drawing: Callable[[], Drawing]
) -> TextSample:
    """Draw rows of text files.

    Args:
        files: The files.
        path: Their path, or the pattern that they match.
        settings: The settings of the read.
        drawing: Returns a rule that has drawn nothing yet.

    Raises:
        DataError: The rows are no valid table; the error numbers them within the sample.
    """
    errors = ErrorList(source_of(files, path))
    delimited = laid_out(files, settings.rules, settings.dialect)
    rules = with_layout(settings.rules, delimited)
    texts: frozenset[str] = frozenset()
    while True:
        parts = _Parts(drawing())
        if not (late := parts.read(delimited, rules, errors, texts)):
            break
        texts |= late  # columns of numbers above turned out to hold strings
    numbers = parts.numbers + 1
    found = Fields(list(parts.fields), len(numbers), (), tuple(parts.notes))
    if len(numbers) < parts.rows:
        errors = ErrorList(f"a random sample of {errors.source}")
    content, rules = content_of(delimited, found, rules, settings.dialect, errors, numbers.tolist())
    errors.stop()
    # Rows of totals are found by sums over all rows above them, so that a sample shows none.
    without_totals = replace(settings, dialect=replace(settings.dialect, all_rows=True))
    table = table_of(files, content, rules, without_totals, errors, [])
    numbered = replace(table, source=source_of(files, path), row_numbers=numbers[table.row_numbers - 1])
    return TextSample(numbered, parts.rows, rules)


@dataclass(slots=True)
class _Parts:
    """The drawn rows of the windows so far. Mutable.

    Attributes:
        drawing: Draws the rows.
        rows: The number of rows of the windows.
        notes: Messages about the files.
    """

    drawing: Drawing
    rows: int = 0
    notes: list[str] = field(default_factory=list)
    _numbers: list[Numbers] = field(default_factory=list)
    _columns: dict[str, list[RawColumn]] = field(default_factory=dict)
    _pointed: set[str] = field(default_factory=set)

    @property
    def numbers(self) -> Numbers:
        """The numbers of the drawn rows, from 0."""
        return np.concatenate(self._numbers)

    @property
    def fields(self) -> Iterator[Field]:
        """Yield the columns of the drawn rows."""
        for name, several in self._columns.items():
            yield Field(_joined(several), name in self._pointed)

    def read(
        self, files: Sequence[Delimited], rules: Rules, errors: ErrorList, texts: frozenset[str]
    ) -> frozenset[str]:
        """Draw rows of all windows; return the names of columns that hold numbers first and strings later, if any."""
        for window in delimited_windows(files, rules, errors, ROWS, texts):
            columns = {each.column.name: each.column for each in window.columns}
            late = frozenset(
                name
                for name, several in self._columns.items()
                if isinstance(several[0], RawNumbers) and isinstance(columns[name], RawStrings)
            )
            if late:
                return late
            chosen = self.drawing.draw(self.rows, window.rows, [*columns.values()])
            chosen[np.array(window.no_data, dtype=np.intp) - 1] = False
            self._add(np.flatnonzero(chosen), columns)
            self._pointed |= {each.column.name for each in window.columns if each.has_points}
            self.rows += window.rows
            self.notes += window.notes
        self._thin()
        return frozenset()

    def _add(self, places: NDArray[np.intp], columns: dict[str, RawColumn]) -> None:
        self._numbers.append(self.rows + places)
        for name, column in columns.items():
            self._columns.setdefault(name, []).append(_taken(column, places))
        if sum(map(len, self._numbers)) > 2 * int(np.count_nonzero(self.drawing.still(self.numbers))):
            self._thin()

    def _thin(self) -> None:
        """Leave out the rows that are not drawn any more."""
        numbers = self.numbers
        places = np.flatnonzero(self.drawing.still(numbers))
        self._numbers = [numbers[places]]
        self._columns = {name: [_taken(_joined(several), places)] for name, several in self._columns.items()}


def _taken(column: RawColumn, places: NDArray[np.intp]) -> RawColumn:
    """Return some rows of a column, without the strings that none of them has."""
    if isinstance(column, RawNumbers):
        return replace(column, values=column.values[places])
    assert isinstance(column, RawStrings), "text files hold numbers and strings"
    codes = column.codes[places]
    used = distinct_values(codes[codes > 0])
    new = (np.searchsorted(used, codes) + 1) * (codes > 0)
    return replace(column, levels=[column.levels[code - 1] for code in used.tolist()], codes=new.astype(np.int32))


def _joined(several: Sequence[RawColumn]) -> RawColumn:
    """Concatenate the parts of a column, all of which are numbers, or strings."""
    first = several[0]
    if len(several) == 1:
        return first
    if isinstance(first, RawNumbers):
        return replace(first, values=np.concatenate([each.values for each in several if isinstance(each, RawNumbers)]))
    known, codes = dict[str, int](), list[NDArray[np.int32]]()
    for each in several:
        assert isinstance(each, RawStrings), "text files hold numbers and strings"
        places = [0, *(known.setdefault(level, len(known) + 1) for level in each.levels)]
        codes.append(np.array(places, dtype=np.int32)[each.codes])
    assert isinstance(first, RawStrings), "text files hold numbers and strings"
    return replace(first, levels=list(known), codes=np.concatenate(codes))
