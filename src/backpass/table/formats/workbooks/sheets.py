"""Sheets: a sheet of a workbook (Excel, OpenDocument), written as the CSV file that a spreadsheet program would export.

Takes a workbook; returns a CSV file, which ``layout`` and ``delimited`` read like any other, so that titles above the
table, missing values and notations of numbers are treated alike. Cells hold their values, not what is displayed:
numbers have all their digits, dates and times are in ISO 8601, durations are seconds, and a formula has the value that
was stored with it. Cells that are merged downwards all have the value. ``cell_formats`` finds what the library
leaves out: percentages, errors, and formulas without a value.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from backpass.dataclass import dataclass
from backpass.errors import DataError
from backpass.table.datetimes.duration import seconds_in
from backpass.table.formats.extra import extra_module
from backpass.table.formats.workbooks.archive import checked_size
from backpass.table.formats.workbooks.cell_formats import CellFormats, cell_formats
from backpass.table.memory import require_file_memory
from backpass.table.messages import counted, data_error, listed, shown
from backpass.table.notation.number import text_of

WORKBOOK_BYTE = 1.5  # bytes of memory per byte of an unpacked workbook
PACKED = ("xlsx", "xlsb", "ods")  # formats that are zip archives
LEAST_ROWS = 2  # a sheet with fewer rows holds no table: a header and a row
DURATIONS = "cells with durations are read as numbers of seconds"


@dataclass(frozen=True, slots=True)
class Extent:
    """The cells between the first and the last one that is not empty.

    Columns count from the first one that the library delivers, rows from the top of the sheet.

    Attributes:
        first_row: First row, from 0.
        last_row: Row after the last one.
        first_column: First column, from 0.
        last_column: Column after the last one.
    """

    first_row: int = 0
    last_row: int = 0
    first_column: int = 0
    last_column: int = 0

    @classmethod
    def of(cls, cells: Any) -> Extent:
        """Find the cells of a sheet that are not empty."""
        rows, first, last = list[int](), None, 0
        for number, row in enumerate(cells.iter_rows()):
            filled = [j for j, value in enumerate(row) if value != ""]
            if filled:
                rows.append(number)
                first = filled[0] if first is None else min(first, filled[0])
                last = max(last, filled[-1] + 1)
        return cls(rows[0], rows[-1] + 1, first or 0, last) if rows else cls()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.last_row - self.first_row

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.last_column - self.first_column


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet.

    Attributes:
        name: Its name.
        cells: The sheet of python-calamine.
        extent: The cells that are not empty.
    """

    name: str
    cells: Any
    extent: Extent

    @classmethod
    def of(cls, workbook: Any, name: Any) -> Sheet:
        """Read a sheet of a workbook."""
        cells = workbook.get_sheet_by_name(name)
        return cls(name, cells, Extent.of(cells))

    @property
    def offset(self) -> int:
        """The first column that the library delivers: it leaves out empty ones before it, but no empty rows."""
        return int(self.cells.start[1]) if self.cells.start else 0

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield the number of each row of the extent, from 0, and its cells."""
        return islice(enumerate(self.cells.iter_rows()), self.extent.first_row, self.extent.last_row)


def as_csv(
    file: Path, form: str, copy: Path, source: str, sheet: str | int | None, max_bytes: int | None
) -> tuple[str, ...]:
    """Write a sheet as a CSV file.

    Args:
        file: The workbook.
        form: Its format: "xlsx", "xlsb", "xls" or "ods".
        copy: Path of the CSV file.
        source: Name of the workbook in messages.
        sheet: Name of the sheet, or its number from 1. None: the only one with a table.
        max_bytes: Maximum size of the unpacked workbook in bytes.

    Returns:
        Messages about what was read.

    Raises:
        DataError: The workbook is damaged, encrypted or empty, or no sheet or several could be meant.
        ResourceError: The workbook does not fit in memory.
    """
    calamine = extra_module("python_calamine", form, source)
    size = checked_size(file, source, max_bytes) if form in PACKED else file.stat().st_size
    require_file_memory(source, size, WORKBOOK_BYTE, ", unpacked")
    try:
        with calamine.CalamineWorkbook.from_path(file) as workbook:
            chosen, notes = _chosen(workbook, source, sheet)
            if not chosen.extent.rows:
                raise data_error(source, f"sheet {shown(chosen.name)} is empty", _others(workbook))
            formats = cell_formats(file, chosen.name) if form == "xlsx" else CellFormats()
            sheet_notes = _write(chosen, formats, copy)
    except calamine.PasswordError:
        raise _encrypted(source) from None
    except calamine.CalamineError as error:
        raise _damaged(file, source, error) from error
    return (*notes, *sheet_notes, *formats.notes())


def _chosen(workbook: Any, source: str, wanted: str | int | None) -> tuple[Sheet, tuple[str, ...]]:
    """Return the sheet to read, and a note if the workbook has others.

    Raises:
        DataError: There is no such sheet, or it is not clear which one is meant.
    """
    names = workbook.sheet_names
    if wanted is not None:
        number = int(wanted) if str(wanted).isdecimal() else 0
        if wanted not in names and not 1 <= number <= len(names):
            raise data_error(source, f"there is no sheet {shown(wanted)}", _others(workbook))
        return Sheet.of(workbook, wanted if wanted in names else names[number - 1]), ()
    sheets = _sheets(workbook)
    tables = [each for each in sheets if each.extent.rows >= LEAST_ROWS]
    tables = [each for each in tables if each.extent.columns > 1] or tables  # a list or a text beside a table is none
    if len(tables) > 1:
        largest = max(tables, key=lambda each: each.extent.rows * each.extent.columns)
        hint = f"--sheet {shown(largest.name)}"
        raise data_error(source, f"has {len(tables)} sheets with tables: {_listed(sheets)}", hint)
    chosen = next((each for each in (*tables, *sheets) if each.extent.rows), sheets[0])
    others = [name for name in names if name != chosen.name]
    note = f"sheet {shown(chosen.name)} is read; hidden sheets and those without a table are not"
    return chosen, (f"{note}: {listed(others, shown)}",) if others else ()


def _sheets(workbook: Any) -> list[Sheet]:
    """Return the visible worksheets; all worksheets if none is visible."""
    known = [each for each in workbook.sheets_metadata if str(each.typ).endswith(".WorkSheet")]
    visible = [each for each in known if str(each.visible).endswith(".Visible")]
    return [Sheet.of(workbook, each.name) for each in visible or known]


def _listed(sheets: Sequence[Sheet]) -> str:
    return ", ".join(
        f"{shown(each.name)} ({each.extent.rows:,} x {each.extent.columns:,} cells)"
        for each in sheets
        if each.extent.rows
    )


def _others(workbook: Any) -> str:
    """Return a hint that lists the sheets."""
    return f"its sheets are {_listed(_sheets(workbook)) or listed(workbook.sheet_names, shown)}"


def _write(sheet: Sheet, formats: CellFormats, copy: Path) -> list[str]:
    """Write the cells; return notes on merged cells and durations."""
    extent, below, percent = sheet.extent, _merged(sheet), _percent_columns(sheet, formats)
    texts = [_percent if j in percent else _text for j in range(extent.first_column, extent.last_column)]
    above: dict[int, Any] = {}
    merged, has_durations = 0, False
    with copy.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for number, row in sheet.rows():
            for column, first in below.get(number, ()):
                if number == first:
                    above[column] = row[column]
                elif row[column] == "":
                    row[column] = above.get(column, "")
                    merged += 1
            cells = row[extent.first_column : extent.last_column]
            has_durations = has_durations or datetime.timedelta in map(type, cells)
            writer.writerow([text(value) for text, value in zip(texts, cells, strict=True)])
    notes = [f"{counted(merged, 'merged cell')} filled with the value of the cell above"] if merged else []
    return [*notes, DURATIONS] if has_durations else notes


def _percent_columns(sheet: Sheet, formats: CellFormats) -> set[int]:
    """Return the columns whose numbers are all displayed as percentages."""
    found, others = set[int](), set[int]()
    for number, row in sheet.rows() if formats.percent else ():
        numbers = {j for j, value in enumerate(row) if type(value) in (int, float)}
        percent = {column - sheet.offset for column in formats.percent.get(number, ())}
        found |= numbers & percent
        others |= numbers - percent
    return found - others


def _merged(sheet: Sheet) -> dict[int, list[tuple[int, int]]]:
    """Return the columns of cells that are merged downwards: row -> pairs of a column and the first row.

    Cells merged sideways are titles, and the first row holds names: neither is filled in.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    for (first, column), (last, _) in sheet.cells.merged_cell_ranges or ():
        if first > sheet.extent.first_row:
            for row in range(first, min(last, sheet.extent.last_row - 1) + 1):
                found.setdefault(row, []).append((column - sheet.offset, first))
    return found


def _text(value: Any) -> str:
    """Return a cell as it stands in the CSV file."""
    kind = type(value)
    if kind is str:
        return str(value).replace("\0", "")
    if kind is float or kind is int:
        return text_of(float(value))
    if kind is bool:
        return "true" if value else "false"
    return text_of(seconds_in(value) or 0.0) if kind is datetime.timedelta else str(value.isoformat())


def _percent(value: Any) -> str:
    """Return a cell of a column of percentages: 0.125 is ``12.5%``, without an error of rounding."""
    return f"{Decimal(repr(value)).scaleb(2).normalize():f}%" if type(value) in (int, float) else _text(value)


def _encrypted(source: str) -> DataError:
    return data_error(source, "is encrypted with a password", "save it without one, or as CSV")


def _damaged(file: Path, source: str, error: Exception) -> DataError:
    """Return the error for a file that the library cannot read; files of Office with a password have their own."""
    with file.open("rb") as stream:
        if "EncryptedPackage".encode("utf-16-le") in stream.read():
            return _encrypted(source)
    return data_error(
        source, f"is a damaged workbook, or not a workbook ({error})", "open it and save it as .xlsx or CSV"
    )
