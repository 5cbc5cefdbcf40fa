"""Windows of delimited files: the fields of a window of rows at a time, from one pass over the files.

Takes files with their layouts; yields the columns of each window. ``delimited`` reads whole files with the same
scanner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import field
from typing import TYPE_CHECKING

from backpass.dataclass import dataclass
from backpass.table.columns.raw import RawNumbers, RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.delimited.delimited import (
    LEFT_OUT,
    NUMBER,
    Delimited,
    Field,
    Fields,
    Scan,
    begin,
    check_empty,
    refuse_structure,
    sampled,
    scan_notes,
    scan_of,
)
from backpass.table.messages import ErrorList, data_error
from backpass.table.notation.decimals import decimal_of, may_be_thousands
from backpass.table.scan.plain import PlainScanner

if TYPE_CHECKING:
    from backpass.table.scan._scanner import Scanner


def delimited_windows(
    files: Sequence[Delimited], rules: Rules, errors: ErrorList, rows: int, texts: Set[str] = frozenset()
) -> Iterator[Fields]:
    """Yield the fields of windows of at least ``rows`` rows; the last window has the rest, and the messages.

    The scanner hands over the columns of a window and continues. If a column read as numbers turns out to hold
    strings, the files are scanned again from the start, up to the window that is next.

    Args:
        files: The files, with the same columns.
        rules: What is required of the columns.
        errors: Collects errors.
        rows: Number of rows.
        texts: Names of columns that are known to hold strings.

    Raises:
        DataError: The files do not have the same columns, or a record does not have the right number of fields.
    """
    scan, given = sampled(files, scan_of(files, rules, errors), rules).of_texts(texts), 0
    while True:
        scanner = scan.scanner(files, rules, rows)
        assert not isinstance(scanner, PlainScanner), "only the compiled scanner gives away columns between pieces"
        for is_last in _pauses(scanner, files, rows):
            later = scan.with_texts(scanner, rules)
            if later != scan:
                scan = later
                break
            columns = list(_drained(scanner, scan, errors))
            errors.stop()
            if scanner.rows > given or is_last:
                yield _fields(scanner, columns, given, errors, is_last=is_last)
                given = scanner.rows
        else:
            return


def _pauses(scanner: Scanner, files: Sequence[Delimited], rows: int) -> Iterator[bool]:
    """Feed files to a scanner; yield False when it holds enough rows, and True at the end."""
    taken = 0
    for file in files:
        begin(scanner, file, files[0])
        for piece in file.pieces():
            scanner.feed(piece)
            if scanner.rows - taken >= rows:
                refuse_structure(file, scanner)
                taken = scanner.rows
                yield False
        scanner.end()
        refuse_structure(file, scanner)
    yield True


def _drained(scanner: Scanner, scan: Scan, errors: ErrorList) -> Iterator[Field]:
    """Yield the columns that the scanner holds, and release them."""
    for j, (name, role) in enumerate(zip(scan.names, scan.roles, strict=True)):
        if name in scan.nameless:
            check_empty(j, scanner, scan.names, errors)
        elif role == NUMBER:
            yield Field(RawNumbers(name, scanner.numbers(j)), scanner.has_points(j))
        elif role != LEFT_OUT:
            yield Field(RawStrings(name, *scanner.texts(j)))


def _fields(scanner: Scanner, columns: Sequence[Field], given: int, errors: ErrorList, *, is_last: bool) -> Fields:
    """Return the fields of the rows after the first ``given`` ones.

    Raises:
        DataError: The files hold no rows.
    """
    no_data = sorted({*scanner.empty_rows, *scanner.header_rows})
    if is_last and scanner.rows == len(no_data):
        raise data_error(errors.source, "has a header but no data rows")
    inside = tuple(row - given for row in no_data if row > given)
    return Fields(columns, scanner.rows - given, inside, scan_notes(scanner) if is_last else ())


@dataclass(slots=True)
class DecimalSign:
    """The decimal sign of files that are read in windows. Mutable: a comma that is found once holds for the rest.

    Attributes:
        sign: The sign, as far as the files were read.
        pointed: Names of columns with points above the window.
    """

    sign: str = "."
    pointed: list[str] = field(default_factory=list)

    def update(self, columns: Sequence[Field], rules: Rules, errors: ErrorList) -> None:
        """Take in the columns of the next window; commas below points are an error."""
        numbers = [each.column for each in columns if each.has_points]
        pointed = [each.name for each in numbers if isinstance(each, RawNumbers) and may_be_thousands(each.values)]
        texts = [each.column for each in columns if isinstance(each.column, RawStrings)]
        found = decimal_of(texts, [*pointed, *(self.pointed if self.sign == "." else [])], rules, errors)
        self.sign = "," if found == "," else self.sign
        asked = [raw for raw in texts if rules.required_kind(raw.name) != "categorical"]
        pointed += [raw.name for raw in asked if self.sign == "." and any("." in level for level in raw.levels)]
        self.pointed += [name for name in pointed if name not in self.pointed]
