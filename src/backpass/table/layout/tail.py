"""Tail of a delimited file: its last 64 kB, in which the lines below the table are found.

Takes a file and its beginning; returns the position behind the last row. ``footer`` decides which lines are not rows.
"""

from __future__ import annotations

import csv
from pathlib import Path

from backpass.table.delimited.cells import is_footnote
from backpass.table.delimited.records import BLANKS, reader
from backpass.table.layout.beginning import Beginning
from backpass.table.layout.dialect import Dialect
from backpass.table.layout.findings import example_of, note_of
from backpass.table.layout.footer import LONGEST, Columns, footer_rows
from backpass.table.messages import listed

BLOCK = 65_536  # bytes at the end
NOTHING = ["", ""]  # stands for a comment
SHOWN = 60  # rows of the beginning that show what the columns hold
FEW = 8  # lines that are looked at first

Line = tuple[int, bytes]


def end_of(file: Path, start: int, width: int, top: Beginning, dialect: Dialect) -> tuple[int | None, tuple[str, ...]]:
    """Return the position behind the last row and a message; None if the table ends with the file.

    Args:
        file: Path on disk.
        start: Position of the table, in bytes.
        width: Number of its columns.
        top: The beginning of the file.
        dialect: The user's settings.
    """
    if dialect.footer is not None:
        return _given_end(file, start, dialect.footer), ()
    if dialect.all_rows:
        return None, ()
    columns = Columns.of(top.rows[-SHOWN:], width)
    for count, size in ((FEW, BLOCK // 16), (LONGEST, BLOCK)):
        rows = _rows(_last_lines(file, start, size, count), width, top)
        found = footer_rows([cells for _, cells in rows], columns)
        if found < len(rows):
            break
    if not found or rows[-found][0] == start:
        return None, ()
    examples = [example_of(cells) for _, cells in rows[-found:] if any(cells)]
    place = f"the last {found} lines" if found > 1 else "the last line"
    return rows[-found][0], (note_of("footer", f"{place}{', ' if examples else ''}{listed(examples)}"),)


def _last_lines(file: Path, start: int, size: int, count: int) -> list[Line]:
    """Return the last whole lines of a table that are not blank, each with its position.

    Args:
        file: Path on disk.
        start: Position of the table, in bytes.
        size: Bytes at its end that are looked at.
        count: Maximum number of lines.
    """
    at = max(start, file.stat().st_size - size)
    with file.open("rb") as stream:
        stream.seek(at)
        block = stream.read()
    place, found = at + len(block), list[Line]()
    for line in reversed(block.splitlines(keepends=True)):  # at \n, \r\n and \r
        place -= len(line)
        if line.strip() and (place > at or at == start):
            found.append((place, line.rstrip(b"\r\n")))
            if len(found) == count:
                break
    return found[::-1]


def _rows(lines: list[Line], width: int, top: Beginning) -> list[tuple[int, list[str]]]:
    """Return the records of the last lines, from the last one up to a line that is part of a longer record."""
    found: list[tuple[int, list[str]]] = []
    for position, line in reversed(lines):
        text = line.decode("utf-8", "replace")
        if text.count('"') % 2:
            break
        try:
            (record,) = reader([text], top.delimiter)
        except (csv.Error, ValueError):
            break
        if top.delimiter in BLANKS and (len(record) != width or is_footnote(text.strip())):
            record = [text]  # words of a sentence
        mark = top.prologue.comment
        is_comment = bool(mark) and text.startswith(mark) and len(record) != width
        found.append((position, NOTHING if is_comment else [cell.strip(" \t") for cell in record]))
    return found[::-1]


def _given_end(file: Path, start: int, footer: int) -> int | None:
    """Return the position of the first of the last ``footer`` lines; None if there are none."""
    size = BLOCK
    while footer and len(lines := _last_lines(file, start, size, footer)) < footer and size < file.stat().st_size:
        size *= 4
    return lines[-footer][0] if footer and len(lines) >= footer else start if footer else None
