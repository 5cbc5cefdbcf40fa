"""Delimited files: the columns of CSV and TSV files, each numeric or a raw string column, decided over all rows.

A column becomes numeric if every field is a plain number or a missing token; any other column becomes coded strings,
which ``kinds`` converts. Both routes give the same numbers (a test compares them); the first is only faster. ``scan``
splits records into fields; ``layout`` finds where the records begin.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from backpass.dataclass import dataclass
from backpass.table.columns.codes import VERSION_WORDS, may_be_code, may_have_codes, one_says
from backpass.table.columns.joining import check_same_names
from backpass.table.columns.raw import RawColumn, RawNumbers, RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.delimited.headerless import first_line
from backpass.table.delimited.records import (
    BLANKS,
    NAMELESS,
    WHITESPACE,
    broken_message,
    delimiter_name,
    text_of_file,
    uneven_message,
)
from backpass.table.files.opening import Opened
from backpass.table.layout.absent_name import LINES, fixed_widths, widths_hint
from backpass.table.layout.findings import lines_listed, note_of
from backpass.table.layout.layout import Layout
from backpass.table.layout.prologue import COMMENTS
from backpass.table.memory import CELL, COLUMN, require_table_memory
from backpass.table.messages import ErrorList, data_error, shown
from backpass.table.notation.numeral import has_decimal_points, may_have_thousands, thousands_sign
from backpass.table.scan import scanner_for

if TYPE_CHECKING:
    from backpass.table.scan._scanner import Scanner
    from backpass.table.scan.plain import PlainScanner

PIECE = 1 << 18  # bytes per scan call
SAMPLE = 1 << 16  # bytes at the start that separate most string columns from numeric ones; fewer of a small file
SOME = 3  # rows as long as the header that show it to be one
NUMBER, TEXT, LEFT_OUT = "nt-"  # a scanner's codes for column roles


@dataclass(frozen=True, slots=True)
class Delimited:
    """A delimited file and its layout."""

    file: Opened
    layout: Layout

    @property
    def names(self) -> tuple[str, ...]:
        """Column names."""
        return self.layout.names

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the columns that have one."""
        return tuple(name for name in self.layout.names if name not in self.layout.nameless)

    def rows_about(self) -> int:
        """Estimate the number of rows from the file size and the length of the first lines."""
        with self.file.path.open("rb") as stream:
            head = stream.read(SAMPLE)
        ends = head.count(b"\n") or head.count(b"\r")
        return max(self.file.path.stat().st_size * ends // len(head), 1)

    @property
    def known(self) -> Delimited:
        """The file with its layout as far as it is known."""
        return self

    @property
    def sign(self) -> str:
        """The delimiter as one character."""
        return " " if self.layout.delimiter == WHITESPACE else self.layout.delimiter

    def pieces(self, size: int = PIECE) -> Iterator[bytes]:
        """Yield the bytes of the table, in pieces."""
        end = self.layout.end
        with self.file.path.open("rb") as stream:
            stream.seek(self.layout.offset)
            while piece := stream.read(size if end is None else min(size, end - stream.tell())):
                yield piece


@dataclass(frozen=True, slots=True)
class Field:
    """A raw column and, if it is numeric, whether some of its numbers have a decimal point."""

    column: RawColumn
    has_points: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """The requested columns, in order.

    Attributes:
        columns: The columns.
        rows: Number of rows.
        no_data: Rows, from 1, that hold nothing or the header again; their values are missing.
        notes: Messages about them and about lines between the rows.
    """

    columns: Sequence[Field]
    rows: int
    no_data: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """The columns of files, as a scanner reads them: numbers or strings.

    Attributes:
        names: Names of all columns; those of the first file come first.
        nameless: Names given to columns without a name and without a value.
        roles: A scanner's code for each column.
    """

    names: tuple[str, ...]
    nameless: tuple[str, ...]
    roles: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of columns that are read."""
        return len(self.roles) - self.roles.count(LEFT_OUT)

    def with_texts(self, scanner: Scanner | PlainScanner, rules: Rules) -> Scan:
        """Return the scan in which the columns of numbers that held other strings are strings."""
        late = self.late(scanner, rules)
        return replace(
            self, roles=tuple(TEXT if role == NUMBER and j in late else role for j, role in enumerate(self.roles))
        )

    def late(self, scanner: Scanner | PlainScanner, rules: Rules) -> frozenset[int]:
        """Return the columns of numbers that hold other strings, or points where commas are required."""
        commas = rules.names_with_comma
        return frozenset(
            j
            for j, (name, role) in enumerate(zip(self.names, self.roles, strict=True))
            if role == NUMBER and (scanner.is_unfit(j) or (name in commas and scanner.has_points(j)))
        )

    def of_texts(self, names: Set[str]) -> Scan:
        """Return the scan in which the columns of these names are strings, as far as they are read."""
        pairs = zip(self.names, self.roles, strict=True)
        return replace(self, roles=tuple(TEXT if name in names and role == NUMBER else role for name, role in pairs))

    def scanner(self, files: Sequence[Delimited], rules: Rules, rows: int) -> Scanner | PlainScanner:
        """Return a scanner of these columns. ``rows`` is how many it should expect."""
        tokens, signs = [token.encode() for token in rules.missing.tokens], "".join(file.sign for file in files)
        roles, with_points = "".join(self.roles), rules.decimal == "."
        return scanner_for(signs)(roles, tokens, with_points=with_points, rows_about=rows)


def scan_of(files: Sequence[Delimited], rules: Rules, errors: ErrorList) -> Scan:
    """Return how the columns of files are scanned at first, before anything is read; see ``sampled``.

    Raises:
        DataError: The files do not have the same columns.
    """
    for other in files[1:]:
        check_same_names(files[0].named, other.named, files[0].file.source, other.file.source, errors)
    errors.stop()
    nameless = list(dict.fromkeys(name for file in files for name in file.layout.nameless))
    names = (*files[0].names, *(name for name in nameless if name not in files[0].names))
    roles = tuple(_role(name, rules) if name not in nameless else TEXT for name in names)
    return Scan(names, tuple(nameless), roles)


def sampled(files: Sequence[Delimited], scan: Scan, rules: Rules) -> Scan:
    """Return the scan in which columns are strings that the start of the first file shows to be some, or codes."""
    size = max(file.file.path.stat().st_size for file in files)
    if size > SAMPLE:
        scan = scan.with_texts(_scanned(files[:1], scan, rules, 0, sample=min(size // 16, SAMPLE)), rules)
    if rules.kinds is not None:
        return scan
    start = next(files[0].pieces(SAMPLE), b"").decode("latin-1")
    if not (one_says(VERSION_WORDS, scan.names) or may_have_codes(start) or may_have_thousands(start)):
        return scan
    asked = [
        role == NUMBER and rules.required_kind(name) is None for name, role in zip(scan.names, scan.roles, strict=True)
    ]
    roles = tuple(TEXT if each else LEFT_OUT for each in asked)
    texts = _scanned(files[:1], replace(scan, roles=roles), rules, 0, sample=SAMPLE)
    levels = {name: texts.texts(j)[0] for j, name in enumerate(scan.names) if asked[j]}
    codes = {name for name, held in levels.items() if may_be_code(name, held)}
    if any(map(has_decimal_points, levels.values())):  # in one file, a point has one meaning
        return scan.of_texts(codes)
    return scan.of_texts(codes | {name for name, held in levels.items() if thousands_sign(held)})


def fields_of(files: Sequence[Delimited], rules: Rules, errors: ErrorList) -> Fields:
    """Read files that have the same columns and concatenate their rows.

    Columns that turn out to be strings only behind the start of the first file are read a second time.

    Raises:
        DataError: Records do not have the right number of fields; the error names their lines.
        ResourceError: The table does not fit in memory.
    """
    scan, rows = scan_of(files, rules, errors), sum(file.rows_about() for file in files)
    require_table_memory(errors.source, rows, scan.width, CELL, column=COLUMN, about=True)
    scan = sampled(files, scan, rules)
    names, nameless, roles = scan.names, scan.nameless, scan.roles
    whole = _scanned(files, scan, rules, rows)
    no_data = (*whole.empty_rows, *whole.header_rows)
    if whole.rows == len(no_data):
        raise data_error(errors.source, "has a header but no data rows")
    # Columns taken for numbers that the scan found to hold other strings are scanned again.
    unfit = scan.late(whole, rules)
    late = tuple(TEXT if j in unfit else LEFT_OUT for j in range(len(names)))
    again = _scanned(files, replace(scan, roles=late), rules, rows) if TEXT in late else whole
    found = []
    for j, name in enumerate(names):
        if name in nameless:
            check_empty(j, whole, names, errors)
        elif roles[j] == NUMBER and late[j] != TEXT:
            found.append(Field(RawNumbers(name, whole.numbers(j)), whole.has_points(j)))
        elif roles[j] != LEFT_OUT:
            found.append(Field(RawStrings(name, *(again if late[j] == TEXT else whole).texts(j))))
    errors.stop()
    return Fields(found, whole.rows, tuple(sorted(no_data)), scan_notes(whole))


def check_empty(j: int, whole: Scanner | PlainScanner, names: Sequence[str], errors: ErrorList) -> None:
    """Add an error if a column without a name holds something below the rows that were looked at first."""
    levels, codes = whole.texts(j)
    if levels:
        row = int(np.flatnonzero(codes)[0]) + 1
        errors.add(f"column {j + 1} of {len(names)} has no name, and holds {shown(levels[0])} in row {row:,}", NAMELESS)


def scan_notes(whole: Scanner | PlainScanner) -> tuple[str, ...]:
    """Return the messages about rows and lines that are no data."""
    notes = [
        note_of(code, lines_listed(rows, "row"))
        for code, rows in (("empty_rows", whole.empty_rows), ("header_again", whole.header_rows))
        if rows
    ]
    if whole.aside_count:
        more = f", ... ({whole.aside_count:,} in all)" if whole.aside_count > len(whole.aside) else ""
        notes.append(note_of("lines_between", f"{lines_listed(whole.aside)}{more}"))
    return tuple(notes)


def _role(name: str, rules: Rules) -> str:
    if not rules.wants(name):
        return LEFT_OUT
    return TEXT if rules.required_kind(name) == "categorical" else NUMBER


def _scanned(
    files: Sequence[Delimited], scan: Scan, rules: Rules, rows: int, *, sample: int = 0
) -> Scanner | PlainScanner:
    """Return a scanner that has read the files, or only ``sample`` bytes at the start of each file."""
    scanner = scan.scanner(files, rules, rows)
    for file in files:
        begin(scanner, file, files[0])
        for piece in file.pieces(sample or PIECE):
            scanner.feed(piece)
            if sample:
                break
        else:
            scanner.end()
            refuse_structure(file, scanner)
    return scanner


def begin(scanner: Scanner | PlainScanner, file: Delimited, first: Delimited) -> None:
    """Begin a file, whose columns belong to those of the first file."""
    layout, place = file.layout, {name: j for j, name in enumerate(first.names)}
    scanner.begin(
        file.sign,
        [place[name] for name in file.names],
        line=layout.line,
        headers=layout.headers,
        is_merged=layout.delimiter == WHITESPACE,
        comment=layout.comment.encode(),
        all_comments=layout.all_comments,
        header_lines=[text.encode() for text in layout.again],
        preamble=[text.encode() for text in layout.above],
        skips_empty=not layout.all_rows,
    )


def refuse_structure(file: Delimited, scanner: Scanner | PlainScanner) -> None:
    """Check that all records have the right number of fields, and that none is broken.

    Raises:
        DataError: One does not; the error names the lines.
    """
    errors = ErrorList(file.file.source)
    if scanner.uneven:
        layout = file.layout
        text = uneven_message(scanner.uneven, scanner.uneven_count, len(file.names), layout.names_in)
        errors.add(text, _hint_for_uneven(file, scanner))
    if scanner.broken:
        is_escaped = '\\"' in _line(file, scanner.broken_line)
        hint = _query_with("escape = '\\'") if is_escaped else ""
        errors.add(broken_message(scanner.broken, scanner.broken_line), hint)
    errors.stop()


def _line(file: Delimited, number: int) -> str:
    """Return a line of a file, from 1."""
    with text_of_file(file.file.path) as stream:
        return next(islice(stream, number - 1, None), "")


def _query_with(option: str) -> str:
    """Return the query that reads a file with an option of DuckDB."""
    return f"--query \"SELECT * FROM read_csv(getvariable('file'), {option})\""


def _hint_for_uneven(file: Delimited, scanner: Scanner | PlainScanner) -> str:
    """Return a hint about uneven records; if nearly all are uneven, the header is probably wrong."""
    layout = file.layout
    widths = [width for _, width in scanner.uneven]
    if layout.delimiter in BLANKS:
        with text_of_file(file.file.path) as stream:
            fields = fixed_widths([*islice(stream, layout.line - 1, layout.line + LINES)])
        if tuple(fields) == layout.names:
            return widths_hint(fields)
    is_header = scanner.rows >= SOME and max(widths) < len(layout.names)
    if is_header:
        text = _line(file, scanner.uneven[0][0])
        if mark := next((mark for mark in COMMENTS if text.startswith(mark)), ""):
            return f"if lines that begin with {shown(mark)} are comments: --comment {shlex.quote(mark)}"
    is_most = scanner.uneven_count > max(scanner.rows, 1) and not is_header
    fits_neither = widths[-1] > 1 and (len(layout.names), widths[-1]) != (1, 2)
    if layout.has_header and is_most and fits_neither:
        alike = next(j for j in range(len(widths)) if len(set(widths[j:])) == 1)
        first = first_line(layout.names)
        if widths[-1] == len(layout.names) + 1:
            return (
                f"the header is {first}: does every line except the header end in {delimiter_name(layout.delimiter)}?"
            )
        skip = scanner.uneven[alike][0] - 1
        return f"the header is line {layout.line}, {first}; another one? --skip {skip} leaves out the lines before it"
    if len(layout.names) == 1:
        skip = scanner.uneven[0][0] - 1
        other = f"; another one? --skip {skip} leaves out the lines before it" if is_most and skip > 1 else ""
        return f"the first line is the header, the names of the columns; here it is {shown(layout.names[0])}{other}"
    hint = f"quote fields that contain {delimiter_name(layout.delimiter)}, or set another --delimiter"
    if max(widths) >= len(layout.names):
        return hint
    padded = f"; if rows lack their last fields: {_query_with('null_padding = true')}" if is_header else ""
    return f"{hint}; for lines that are not rows: --footer, --comment{padded}"
