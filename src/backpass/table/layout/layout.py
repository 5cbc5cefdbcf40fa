"""Layout of a delimited file: where it begins and ends, its delimiter, its names, and which records are not rows.

Takes a file, the user's settings and, for prediction, the columns that the model needs. Only the first and the last
64 kB are looked at; rows are read in ``delimited``.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from itertools import chain
from pathlib import Path

from backpass.dataclass import dataclass
from backpass.errors import DataError
from backpass.table.columns.row_names import R_ROW_NAMES, are_row_names
from backpass.table.delimited.headerless import HINT, first_line, looks_like_data
from backpass.table.delimited.orange import HEADERS, orange_of
from backpass.table.delimited.records import LINES, ROW_NAMES, UNIQUE, check_names, lacks_one
from backpass.table.layout.beginning import Beginning, beginning_of
from backpass.table.layout.dialect import Dialect
from backpass.table.layout.findings import example_of, lines_listed, note_of
from backpass.table.layout.heading import Heading, heading_of, likely_header
from backpass.table.layout.tail import end_of
from backpass.table.messages import data_error

BYTE_ORDER_MARK = "\ufeff"  # before the header of each file that was joined to the first
LOOKED_AT = 200  # rows that show whether rows hold the names of their columns
UNNAMED = "the first column has no name: treated as row names and left out"
HEADER, FIRST_LINE, FIRST_ROW, GIVEN_NAMES = "the header", "the first line", "the first row", "the list of names"


@dataclass(frozen=True, slots=True)
class Layout:
    """The detected layout.

    Attributes:
        delimiter: One character, or "whitespace".
        names: Column names.
        line: Line on which the header begins, from 1.
        offset: Position of the header, in bytes.
        headers: Number of records that are not rows.
        names_in: Where the names come from, for messages.
        texts: Columns that the file declares to be categorical.
        left_out: Columns that the file excludes from learning.
        notes: Messages about what was detected.
        has_header: Whether the file names its columns.
        nameless: Names given to columns without a name and without a value.
        end: Position behind the last row, in bytes; None for the end of the file.
        comment: What a comment line begins with; empty for none.
        all_comments: Whether every such line is a comment, even one with as many fields as a row.
        again: Text of the header rows, which may be repeated among the rows.
        above: Text of the lines above the header, which may be repeated as well.
        all_rows: Whether every record below the header is a row.
    """

    delimiter: str
    names: tuple[str, ...]
    line: int = 1
    offset: int = 0
    headers: int = 1
    names_in: str = HEADER
    texts: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    has_header: bool = True
    nameless: tuple[str, ...] = ()
    end: int | None = None
    comment: str = ""
    all_comments: bool = False
    again: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    all_rows: bool = False


def layout_of(file: Path, source: str, dialect: Dialect, wanted: Set[str] | None) -> Layout:
    """Detect the layout of a file.

    Args:
        file: Path on disk.
        source: Name of the file in messages.
        dialect: The user's settings.
        wanted: Columns that the model needs; None without a model.

    Raises:
        DataError: The file has no usable header, or its delimiter is ambiguous.
    """
    top = beginning_of(file, source, dialect, wanted or frozenset())
    if top.names:
        place = replace(_place(top, 0, 0, dialect), names=top.names)
    else:
        above = _rows_above(top, dialect)
        place = _without_header(_place(top, above, above + 1, dialect), dialect, source, wanted) or _with_header(
            top, dialect, source, wanted
        )
    end, note = end_of(file, place.offset, len(place.names), top, dialect)
    return replace(place, end=end, notes=(*place.notes, *note))


def _place(top: Beginning, header: int, data: int, dialect: Dialect) -> Layout:
    """Return the layout of a table whose header and data begin in these records."""
    prologue = top.prologue
    return Layout(
        top.delimiter,
        top.rows[header],
        top.line(header),
        top.sample.behind(top.before[header]),
        data - header,
        notes=(*prologue.notes, *prologue.comment_notes),
        comment="" if dialect.all_rows and dialect.comment is None else prologue.comment,
        all_comments=dialect.comment is not None,
        all_rows=dialect.all_rows,
    )


def _rows_above(top: Beginning, dialect: Dialect) -> int:
    """Return how many records above a table without a header are lines of one text, where the rows have more fields."""
    width = len(top.rows[-1])
    if not (dialect.searches and (dialect.no_header or dialect.names)) or width < 3:
        return 0
    above = next((k for k, row in enumerate(top.rows) if len(row) > 1), 0)
    return above if all(len(row) == width for row in top.rows[above : above + LINES]) else 0


def _without_header(place: Layout, dialect: Dialect, source: str, wanted: Set[str] | None) -> Layout | None:
    """Return the layout if the user or the model says that the first line is a row; else None.

    Raises:
        DataError: The number of names differs from the number of fields, or the first line holds the names.
    """
    width = len(place.names)
    if dialect.names:
        if place.names == dialect.names:
            raise data_error(
                source, "the first line contains the names of --names: it is a header", "leave out --names"
            )
        if len(dialect.names) != width:
            found = f"{len(dialect.names)} column names are set, but the first line has {width} fields"
            raise data_error(
                source,
                f"{found}: {first_line(place.names)}",
                "--names must name every column; does the file have another --delimiter?",
            )
        return replace(place, names=dialect.names, headers=0, has_header=False, names_in=GIVEN_NAMES)
    known = next((names for names in dialect.headerless if len(names) == width), None)
    if not dialect.no_header:
        if known is None or wanted is None or not wanted.isdisjoint(place.names):
            return None
        note = f"the first line, {first_line(place.names)}, is read as a row: the model's table has no header"
        return replace(place, names=known, headers=0, has_header=False, names_in=FIRST_LINE, notes=(*place.notes, note))
    if known is None and dialect.headerless:
        fields = " or ".join(str(len(names)) for names in dialect.headerless)
        raise data_error(
            source, f"the first line has {width} fields, but the model expects {fields}: {first_line(place.names)}"
        )
    numbered = tuple(f"column{j}" for j in range(1, width + 1))
    return replace(place, names=known or numbered, headers=0, has_header=False, names_in=FIRST_LINE)


def _with_header(top: Beginning, dialect: Dialect, source: str, wanted: Set[str] | None) -> Layout:
    """Return the layout if some of the first records hold the names.

    Raises:
        DataError: The names are empty, repeated or look like values.
    """
    first, rows = top.rows[0], top.rows[1:]
    place = _place(top, 0, 1, dialect)
    if orange := orange_of(top.rows):
        check_names(first, source)
        notes = (*place.notes, orange.note)
        return replace(place, headers=HEADERS, texts=orange.texts, left_out=orange.left_out, notes=notes)
    heading = heading_of(
        top.rows,
        wanted or frozenset(),
        searches=dialect.searches,
        header_rows=len(dialect.header_rows) or None,
        all_rows=dialect.all_rows,
    )
    if heading is None and len(first) > 1 and lacks_one([len(row) for row in top.rows]) and are_row_names(rows, source):
        check_names(first, source)
        notes = (*place.notes, R_ROW_NAMES)
        return replace(place, names=(ROW_NAMES, *first), names_in=FIRST_ROW, left_out=(ROW_NAMES,), notes=notes)
    if looks_like_data(first, rows) and (heading is None or heading.data == 1):
        return _taken_for_names(place, source, wanted)
    return _headed(top, heading or Heading(first, (0,), 1), dialect, source)


def _headed(top: Beginning, heading: Heading, dialect: Dialect, source: str) -> Layout:
    """Return the layout of a table with this heading.

    Raises:
        DataError: Names are empty or repeated.
    """
    place = _place(top, heading.header[0], heading.data, dialect)
    notes = [*place.notes, *_heading_notes(top, heading)]
    empty = {j: f"(column {j + 1})" for j in heading.empty}
    names = [empty.get(j, name) for j, name in enumerate(heading.names)]
    if len(names) > 1 and not names[0]:
        names[0] = ROW_NAMES
        notes.append(UNNAMED)
    try:
        check_names(names, source)
    except DataError as error:
        numbered = "; --query \"SELECT * FROM read_csv(getvariable('file'))\" numbers them" * (error.hint == UNIQUE)
        error.hint = _name_hint(top, dialect) or f"{error.hint}{numbered}"
        raise
    left_out = (*([ROW_NAMES] if names[0] == ROW_NAMES else []), *empty.values())
    place = replace(place, names=tuple(names), nameless=tuple(empty.values()), left_out=left_out, notes=tuple(notes))
    return place if dialect.all_rows else _with_repeated(place, top, heading)


def _name_hint(top: Beginning, dialect: Dialect) -> str:
    """Return a hint that names the line of another header, or an empty string."""
    row = likely_header(top.rows) if dialect.searches else None
    if row is None:
        return ""
    line, example = top.line(row), example_of(top.rows[row])
    return f"is line {line}, {example}, the header? --header-row {line}; a table without a header: --no-header"


def _heading_notes(top: Beginning, heading: Heading) -> list[str]:
    """Return the messages about rows above, in and below the header, and about columns without names."""
    header = heading.header if len(heading.header) > 1 else ()
    places = (("preamble", [*heading.above]), ("header_rows", [*header]), ("units", [*heading.beneath]))
    notes = []
    for code, rows in places:
        if rows:
            lines = lines_listed([top.line(k) for k in rows])
            notes.append(
                note_of(code, f"{lines}, {example_of(next((top.rows[k] for k in rows if any(top.rows[k])), ()))}")
            )
    if heading.empty:
        notes.append(note_of("empty_columns", lines_listed([j + 1 for j in heading.empty], "column")))
    return notes


def _with_repeated(place: Layout, top: Beginning, heading: Heading) -> Layout:
    """Return the layout with the lines that are not rows where they are repeated.

    A table whose rows hold names of their columns, as tables of ticked boxes do, has no such lines.
    """
    if len(heading.names) < 2:
        return place
    named = [j for j, name in enumerate(heading.names) if name]
    names, rows = {*heading.names} - {""}, top.rows[heading.data :][:LOOKED_AT]
    for row in () if names.isdisjoint(chain.from_iterable(rows)) else rows:
        alike = [len(row) > j and row[j].removeprefix(BYTE_ORDER_MARK) == heading.names[j] for j in named]
        if any(alike) and not all(alike):
            return place
    header = top.texts(heading.header)
    beneath = top.texts(heading.beneath) if heading.beneath else ()
    cases = (str.upper, str.lower, str.title, BYTE_ORDER_MARK.__add__)
    again = (*header, *beneath, *(case(text) for text in header for case in cases))
    above = [text for text in top.texts_above(heading.header[0]) if text.strip(f"{place.delimiter} \t")]
    return replace(place, again=tuple(dict.fromkeys(again)), above=tuple(above))


def _taken_for_names(place: Layout, source: str, wanted: Set[str] | None) -> Layout:
    """Return the layout of a file whose first line looks like a row but is used as the header, with a note.

    Raises:
        DataError: The line cannot hold names, or holds none that the model knows.
    """
    line = f"the first line, {first_line(place.names)},"
    if wanted and wanted.isdisjoint(place.names):
        raise data_error(source, f"{line} contains values and none of the column names of the model", HINT)
    if not all(place.names) or len(set(place.names)) < len(place.names):
        raise data_error(source, f"{line} is not a header: it looks like a row of values", HINT)
    note = f"{line} is read as the column names, but looks like a row of values; {HINT}"
    return replace(place, notes=(*place.notes, note))
