"""Dialect: the user's settings for a delimited file: its delimiter, its decimal sign, and where its rows are.

Takes values as they come from options or arguments; returns them validated. ``layout`` detects what is not set.
"""

from __future__ import annotations

from collections.abc import Sequence

from backpass.dataclass import dataclass
from backpass.errors import DataError, UsageError
from backpass.table.delimited.records import WHITESPACE, check_names
from backpass.table.messages import listed, shown

DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "blank": " "}


@dataclass(frozen=True, slots=True)
class Dialect:
    """The user's settings for a delimited file; None means "detect".

    Attributes:
        delimiter: One character, or "whitespace".
        decimal: Decimal sign, "." or ",".
        skip: Number of lines before the header.
        header_rows: Lines of the header rows, from 1, one after another; empty detects them.
        comment: What a comment line begins with; "none" for files without comments.
        footer: Number of lines below the last row, blank ones not counted.
        all_rows: Whether every record below the header is a row.
        no_header: Whether the first line is a row.
        names: Column names of a file without a header.
        headerless: Column names for a file without a header, selected by its number of fields; a model provides them.

    Raises:
        UsageError: A setting is invalid.
    """

    delimiter: str | None = None
    decimal: str | None = None
    skip: int = 0
    header_rows: tuple[int, ...] = ()
    comment: str | None = None
    footer: int | None = None
    all_rows: bool = False
    no_header: bool = False
    names: tuple[str, ...] = ()
    headerless: tuple[tuple[str, ...], ...] = ()

    @staticmethod
    def of(
        delimiter: str | None,
        decimal: str | None,
        *,
        skip: int,
        header_row: int | Sequence[int] | None,
        comment: str | None,
        footer: int | None,
        all_rows: bool,
        no_header: bool,
        names: Sequence[str],
        headerless: Sequence[Sequence[str]],
    ) -> Dialect:
        """Return the validated settings."""
        if isinstance(names, str):
            raise UsageError(f"names takes a list of names; got the string {names!r}", hint=f"names=[{names!r}, ...]")
        delimiter = DELIMITER_NAMES.get(delimiter, delimiter) if delimiter else None
        known = tuple(tuple(map(str, each)) for each in headerless)
        rows = tuple(header_row) if isinstance(header_row, list | tuple) else (header_row,)
        given = tuple(str(name).strip(" \t") for name in names)
        rows = () if header_row is None else rows
        return Dialect(delimiter, decimal, skip, rows, comment, footer, all_rows, no_header, given, known)

    @property
    def lines_before(self) -> int:
        """Number of lines before the header, if the user says so; else 0."""
        return self.header_rows[0] - 1 if self.header_rows else self.skip

    @property
    def mark(self) -> str | None:
        """What a comment line begins with; empty for files without comments, None if it is to be detected."""
        return "" if self.comment == "none" else self.comment

    @property
    def searches(self) -> bool:
        """Whether lines may stand above the header."""
        return not (self.skip or self.header_rows)

    def __post_init__(self) -> None:
        _check_delimiter(self.delimiter)
        if self.decimal not in {None, ".", ","}:
            raise UsageError(f"--decimal must be '.' or ','; got {shown(self.decimal)}")
        if type(self.skip) is not int or self.skip < 0:
            raise UsageError(f"--skip must be a number of lines, 0 or more; got {self.skip!r}")
        _check_header_rows(self.header_rows, has_skip=self.skip > 0, has_header=not (self.no_header or self.names))
        if self.footer is not None and (type(self.footer) is not int or self.footer < 0):
            raise UsageError(f"--footer must be a number of lines, 0 or more; got {self.footer!r}")
        _check_comment(self.comment)
        for name, value in (("no_header", self.no_header), ("all_rows", self.all_rows)):
            if not isinstance(value, bool):
                raise UsageError(f"{name} must be True or False; got {value!r}")
        try:
            check_names(self.names, "names")
        except DataError as error:
            raise UsageError(str(error)) from None


def _check_delimiter(delimiter: str | None) -> None:
    if delimiter is None or delimiter == WHITESPACE:
        return
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise UsageError(
            f"--delimiter must be a single character; got {shown(delimiter)}", hint="for example ';', tab or whitespace"
        )


def _check_comment(comment: object) -> None:
    if comment is not None and (not isinstance(comment, str) or not comment or set(comment) & set('"\r\n')):
        raise UsageError(f"--comment must be the start of comment lines, such as '#', or none; got {comment!r}")


def _check_header_rows(lines: tuple[int, ...], *, has_skip: bool, has_header: bool) -> None:
    if not lines:
        return
    is_number = all(type(line) is int and line > 0 for line in lines)
    if not is_number or list(lines) != list(range(lines[0], lines[0] + len(lines))):
        raise UsageError(
            f"--header-row must be a line number from 1, or consecutive numbers such as 1,2; got {listed(lines)}",
            hint="a header is one line, or several consecutive lines",
        )
    if has_skip:
        raise UsageError("--header-row and --skip both set the line of the header", hint="leave out one of them")
    if not has_header:
        raise UsageError(
            "--header-row sets the line of the header, but --no-header and --names declare that there is none"
        )
