"""Beginning of a delimited file: its first 64 kB without the prologue, cut into records that know their lines.

Takes a file and the user's settings; returns the records, for ``layout`` to find the header among them. A header
that is a comment (``# x, y``) is found here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path

from backpass.dataclass import dataclass
from backpass.table.delimited.cells import is_unit
from backpass.table.delimited.records import Sample, first_record, reader, records_of, sample_of
from backpass.table.layout.dialect import Dialect
from backpass.table.layout.findings import note_of
from backpass.table.layout.heading import body_of
from backpass.table.layout.prologue import Prologue, prologue_of
from backpass.table.messages import shown
from backpass.table.notation.lazy_pattern import LazyPattern

LABEL = LazyPattern(r"\A\s*(?:fields|columns?|column names|header|names|variables)\s*[:=]\s*", re.IGNORECASE)
"""What precedes the names in a comment."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The start of a file, cut into records.

    Attributes:
        prologue: What precedes the records.
        delimiter: One character, or "whitespace".
        before: Number of lines of the sample before each record.
        rows: The records, their cells trimmed.
        names: Column names, if a comment holds them; then every record is a row.
    """

    prologue: Prologue
    delimiter: str
    before: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    names: tuple[str, ...] = ()

    @property
    def sample(self) -> Sample:
        """The sample behind the prologue."""
        return self.prologue.sample

    def line(self, row: int) -> int:
        """Line on which a record begins, from 1."""
        return self.prologue.line + self.before[row]

    def texts(self, rows: Sequence[int]) -> list[str]:
        """Text of records without their ends, apart from those of several lines."""
        lines = self._lines(max(rows) + 1)
        texts = [lines[self.before[row]].rstrip("\r\n") for row in rows]
        return [text for text in texts if text.count('"') % 2 == 0]

    def texts_above(self, row: int) -> list[str]:
        """Text of the lines above a record that are not blank."""
        return [text for line in self._lines(row) if (text := line.rstrip("\r\n")).strip()]

    def _lines(self, row: int) -> list[str]:
        """The lines above a record."""
        count = self.before[row] if row < len(self.before) else None
        return [*self.sample.lines[:count]]


def beginning_of(file: Path, source: str, dialect: Dialect, wanted: Set[str]) -> Beginning:
    """Return the first records of a file.

    Args:
        file: Path on disk.
        source: Name of the file in messages.
        dialect: The user's settings.
        wanted: Columns that the model needs.

    Raises:
        DataError: The delimiter is ambiguous, or the file is too short.
    """
    sample, line = sample_of(file, source, dialect.lines_before), dialect.lines_before + 1
    prologue = prologue_of(sample, line, dialect.mark, searches=dialect.searches)
    found = _cut(prologue, dialect, source)
    if not found.rows or (len(found.rows) == 1 and not prologue.sample.is_whole):  # a header longer than a sample
        lines = found.before[0] if found.rows else 0
        header = first_record(file, found.delimiter, source, prologue.line - 1 + lines)
        return replace(found, before=(lines,), rows=(header,))
    if not prologue.last or dialect.no_header or dialect.names:
        return found
    named = [_names_in(prologue, text, found.delimiter) for text in prologue.last]
    at = 1 if len(named) > 1 and _are_units(named[0]) and len(named[0]) == len(named[1]) else 0
    names = named[at]
    if not _is_header(names, found.rows, is_alone=len(prologue.comments) == 1):
        return found
    if len(prologue.comments) == 1 and _is_first_line(prologue, names, wanted):
        return _cut(prologue_of(sample, line, "", searches=dialect.searches), dialect, source)
    on = prologue.comments[-1 - at]
    note = note_of("header_in_comment", f"line {on}, {shown(prologue.last[at])}")
    others = tuple(comment for comment in prologue.comments if comment != on)
    prologue = replace(prologue, comments=others, notes=(*prologue.notes, note))
    return replace(found, prologue=prologue, names=names)


def _cut(prologue: Prologue, dialect: Dialect, source: str) -> Beginning:
    if delimiter := dialect.delimiter or prologue.separator:
        records = prologue.sample.records(delimiter)
    else:
        delimiter, records = records_of(prologue.sample, source)
    return Beginning(
        prologue, delimiter, tuple([each for each, _ in records]), tuple([tuple(row) for _, row in records])
    )


def _names_in(prologue: Prologue, text: str, delimiter: str) -> tuple[str, ...]:
    """Return the fields of a comment, without its mark and a word such as Fields."""
    bare = LABEL.sub("", text.lstrip(prologue.comment))
    return tuple(cell.strip(" \t") for row in reader([bare], delimiter) for cell in row)


def _are_units(names: Sequence[str]) -> bool:
    """Whether the fields of a comment are units, which repeat as names do not."""
    return len(set(names)) < len(names) or all(map(is_unit, names))


def _is_header(names: Sequence[str], rows: Sequence[Sequence[str]], *, is_alone: bool) -> bool:
    """Whether a comment names the columns of the records: the first of them is a row of values, or nothing tells.

    Args:
        names: The fields of the comment.
        rows: The records below it.
        is_alone: Whether it is the only comment.
    """
    body = body_of(rows)
    if not all(names[1:]) or len(set(names)) < len(names) or len(names) != (body.width if body else len(rows[0])):
        return False
    if body is None:
        return is_alone
    return body.has_values(rows[0]) if body.valued else is_alone


def _is_first_line(prologue: Prologue, names: Sequence[str], wanted: Set[str]) -> bool:
    """Whether the mark belongs to the first name, as in ``#id,town``; a model may know the name with its mark."""
    first = prologue.last[0].split(names[0])[0] if names[0] else prologue.last[0][:1]
    marked = f"{first}{names[0]}"
    return marked in wanted or (not (wanted and names[0] in wanted) and first == prologue.comment)
