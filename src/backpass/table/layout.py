"""Layout of a delimited file: where it begins, its delimiter, its column names, and which records are not rows.

Takes a file, the user's settings and, for prediction, the columns that the model needs. Beyond a sample that
distinguishes rows from names, rows are not read here but in ``delimited``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from backpass.errors import DataError, UsageError
from backpass.table.headerless import HINT, first_line, looks_like_data
from backpass.table.messages import listed, refusal, shown
from backpass.table.number import number_in
from backpass.table.orange import HEADERS, orange_of
from backpass.table.records import (
    ROW_NAMES,
    WHITESPACE,
    check_names,
    delimiter_of,
    first_record,
    lacks_one,
    sample_of,
)

DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "blank": " "}
UNNAMED = "the first column has no name: taken for row names, left out"
R_ROW_NAMES = "the header has one field fewer than the rows, as R writes row names: the first column is left out"
NAME_IT = "name the first column in the header, too (R: write.table(..., col.names = NA, sep = ','))"
HEADER, FIRST_LINE, FIRST_ROW, GIVEN_NAMES = "the header", "the first line", "the first row", "the list of names"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The user's settings for a delimited file; None means "detect".

    Attributes:
        delimiter: One character, or "whitespace".
        decimal: Decimal sign, "." or ",".
        skip: Number of lines before the header.
        no_header: Whether the first line is a row.
        names: Column names of a file without a header.
        headerless: Column names for a file without a header, selected by its number of fields; a model provides them.

    Raises:
        UsageError: A setting is invalid.
    """

    delimiter: str | None = None
    decimal: str | None = None
    skip: int = 0
    no_header: bool = False
    names: tuple[str, ...] = ()
    headerless: tuple[tuple[str, ...], ...] = ()

    @staticmethod
    def of(
        delimiter: str | None,
        decimal: str | None,
        *,
        skip: int,
        no_header: bool,
        names: Sequence[str],
        headerless: Sequence[Sequence[str]],
    ) -> Dialect:
        """Return the validated settings."""
        if isinstance(names, str):
            raise UsageError(f"names takes a list of names; got the text {names!r}", hint=f"names=[{names!r}, ...]")
        delimiter = DELIMITER_NAMES.get(delimiter, delimiter) if delimiter else None
        known = tuple(tuple(map(str, each)) for each in headerless)
        return Dialect(delimiter, decimal, skip, no_header, tuple(str(name).strip(" \t") for name in names), known)

    def __post_init__(self) -> None:
        _check_delimiter(self.delimiter)
        if self.decimal not in {None, ".", ","}:
            raise UsageError(f"decimal is '.' or ',', got {shown(self.decimal)}")
        if type(self.skip) is not int or self.skip < 0:
            raise UsageError(f"skip is a number of lines, 0 or more; got {self.skip!r}")
        if not isinstance(self.no_header, bool):
            raise UsageError(f"no_header is True or False, got {self.no_header!r}")
        try:
            check_names(self.names, "names")
        except DataError as error:
            raise UsageError(str(error)) from None


def _check_delimiter(delimiter: str | None) -> None:
    if delimiter is None or delimiter == WHITESPACE:
        return
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise UsageError(f"a delimiter is one character, got {shown(delimiter)}", hint="';', tab or whitespace, say")


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

    @property
    def has_header(self) -> bool:
        """Whether the file names its columns."""
        return self.headers > 0


def layout_of(file: Path, source: str, manner: Dialect, wanted: Set[str] | None) -> Layout:
    """Detect the layout of a file.

    Args:
        file: Path on disk.
        source: Name of the file in messages.
        manner: The user's settings.
        wanted: Columns that the model needs; None without a model.

    Raises:
        DataError: The file has no usable header, or its delimiter is ambiguous.
    """
    sample = sample_of(file, source, manner.skip)
    delimiter = manner.delimiter or delimiter_of(sample, source)
    first = first_record(file, delimiter, source, manner.skip)
    place = Layout(delimiter, first, manner.skip + 1, sample.offset)
    without = _without_header(place, manner, source, wanted)
    return without or _with_header(place, sample.records(delimiter)[1:], source, wanted)


def _without_header(place: Layout, manner: Dialect, source: str, wanted: Set[str] | None) -> Layout | None:
    """Return the layout if the user or the model says that the first line is a row; else None.

    Raises:
        DataError: The number of names differs from the number of fields, or the first line holds the names.
    """
    width = len(place.names)
    if manner.names:
        if place.names == manner.names:
            raise refusal(source, "the first line holds the names given: it is a header", "leave out --names")
        if len(manner.names) != width:
            found = f"{len(manner.names)} names are given, the first line has {width} fields"
            raise refusal(
                source, f"{found}: {first_line(place.names)}", "--names names every column; another --delimiter?"
            )
        return replace(place, names=manner.names, headers=0, names_in=GIVEN_NAMES)
    known = next((names for names in manner.headerless if len(names) == width), None)
    if not manner.no_header:
        if known is None or wanted is None or not wanted.isdisjoint(place.names):
            return None
        note = f"the first line, {first_line(place.names)}, is taken for a row: the model's table has no header"
        return replace(place, names=known, headers=0, names_in=FIRST_LINE, notes=(note,))
    if known is None and manner.headerless:
        fields = " or ".join(str(len(names)) for names in manner.headerless)
        raise refusal(
            source, f"the first line has {width} fields, the model asks for {fields}: {first_line(place.names)}"
        )
    numbered = tuple(f"column{j}" for j in range(1, width + 1))
    return replace(place, names=known or numbered, headers=0, names_in=FIRST_LINE)


def _with_header(place: Layout, rows: Sequence[Sequence[str]], source: str, wanted: Set[str] | None) -> Layout:
    """Return the layout if the first line holds the names.

    Raises:
        DataError: The names are empty, repeated or look like values.
    """
    first = place.names
    if orange := orange_of([first, *rows]):
        check_names(first, source)
        return replace(place, headers=HEADERS, texts=orange.texts, left_out=orange.left_out, notes=(orange.note,))
    if len(first) > 1 and lacks_one([len(first), *map(len, rows)]) and _are_row_names(rows, source):
        check_names(first, source)
        return replace(
            place, names=(ROW_NAMES, *first), names_in=FIRST_ROW, left_out=(ROW_NAMES,), notes=(R_ROW_NAMES,)
        )
    if looks_like_data(first, rows):
        return _taken_for_names(place, source, wanted)
    names = (first[0] or (ROW_NAMES if len(first) > 1 else ""), *first[1:])
    check_names(names, source)
    if names[0] == ROW_NAMES:
        return replace(place, names=names, left_out=(ROW_NAMES,), notes=(UNNAMED,))
    return replace(place, names=names)


def _are_row_names(rows: Sequence[Sequence[str]], source: str) -> bool:
    """Whether the first fields are row names: strings or whole numbers, in rows of which most have a last field.

    Raises:
        DataError: The first fields repeat.
    """
    names = [row[0].strip(" \t") for row in rows]
    if not all(name.isdigit() or (name and number_in(name) is None) for name in names):
        return False
    if 2 * sum(not row[-1].strip(" \t") for row in rows) >= len(rows):  # every line ends in a delimiter
        return False
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        text = "the rows have one field more than the header; R writes row names so"
        raise refusal(source, f"{text}, but these repeat: {listed(repeated, shown)}", NAME_IT)
    return True


def _taken_for_names(place: Layout, source: str, wanted: Set[str] | None) -> Layout:
    """Return the layout of a file whose first line looks like a row but is used as the header, with a note.

    Raises:
        DataError: The line cannot hold names, or holds none that the model knows.
    """
    line = f"the first line, {first_line(place.names)},"
    if wanted and wanted.isdisjoint(place.names):
        raise refusal(source, f"{line} holds values, and none of the names that the model knows", HINT)
    if not all(place.names) or len(set(place.names)) < len(place.names):
        raise refusal(source, f"{line} is no header: it looks like a row of values", HINT)
    return replace(
        place, notes=(f"{line} is taken for the names of the columns, but looks like a row of values; {HINT}",)
    )
