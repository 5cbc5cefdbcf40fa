"""Reading options: how a table is parsed, as options of the command line and as arguments of ``read_table``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from backpass.cli.options.declaration import WholeNumber, combined, flag, names_in, option
from backpass.errors import ResourceError, UsageError
from backpass.table.notation.missing import DEFAULT_MISSING

F = TypeVar("F", bound=Callable[..., Any])

SECTION = "Reading"

READING_WORDS = (
    "delimiter",
    "decimal",
    "skip",
    "header_row",
    "comment",
    "footer",
    "all_rows",
    "no_header",
    "names",
    "date_order",
    "encoding",
    "missing",
    "no_missing_detection",
    "no_date_detection",
    "keep_spaces",
    "merge_case",
    "query",
    "sheet",
    "widths",
)
"""Options of ``reading`` that a suggested next command repeats."""


def reading() -> Callable[[F], F]:
    """Declare the options that describe how a table is parsed."""
    return combined(_line_options(), _name_options(), _notation_options(), _source_options())


def _line_options() -> Callable[[F], F]:
    """Declare the options for the lines of a text file: delimiter, header, comments and the end of the table."""
    return combined(
        option(
            "--delimiter",
            metavar="TEXT",
            section=SECTION,
            help="field delimiter: a single character, tab, or whitespace (any run of blanks); default: detected",
        ),
        option(
            "--skip",
            metavar="NUMBER",
            type=WholeNumber(0),
            section=SECTION,
            help="number of lines to skip before the header of a text file; default: detected",
        ),
        option(
            "--header-row",
            metavar="LINES",
            section=SECTION,
            help="line of the header of a text file, from 1, or its lines, such as 1,2, if it has several; "
            "default: detected",
        ),
        option(
            "--comment",
            metavar="TEXT",
            section=SECTION,
            help="start of comment lines in a text file, such as '#', or none; default: detected",
        ),
        option(
            "--footer",
            metavar="NUMBER",
            type=WholeNumber(0),
            section=SECTION,
            help="number of lines below the last row of a text file, blank lines not counted; default: detected",
        ),
        option(
            "--all-rows",
            is_flag=True,
            section=SECTION,
            help="read every record below the header as a row, with units, totals, repeated headers and empty rows",
        ),
    )


def _name_options() -> Callable[[F], F]:
    """Declare the options for a text file without a header."""
    return combined(
        option(
            "--no-header",
            is_flag=True,
            section=SECTION,
            help="the text file has no header line; its columns are named column1, column2, ..., and a model matches "
            "them by position",
        ),
        option(
            "--names",
            metavar="COLUMNS",
            multiple=True,
            section=SECTION,
            help="column names for a text file without a header: a,b,c (repeatable)",
        ),
    )


def _notation_options() -> Callable[[F], F]:
    """Declare the options for the notation of values: numbers, dates, missing values and categories."""
    return combined(
        option("--decimal", metavar="TEXT", section=SECTION, help="decimal separator, '.' or ','; default: detected"),
        option(
            "--date-order",
            metavar="NAME",
            section=SECTION,
            help="order of dates such as 1/2/2024 or 1/2/24: day_first, month_first or year_first; default: detected "
            "if unambiguous",
        ),
        option("--encoding", metavar="NAME", section=SECTION, help="text encoding, such as latin-1; default: utf-8"),
        option(
            "--missing",
            metavar="TEXT",
            may_be_empty=True,
            multiple=True,
            section=SECTION,
            help="string to treat as a missing value, in addition to an empty field, NA, N/A, NaN, null, None and ?; "
            "it is stored in the model (repeatable)",
        ),
        option(
            "--no-missing-detection",
            is_flag=True,
            section=SECTION,
            help="do not treat words such as -, #N/A and unknown as missing where everything else in a column is a "
            "number or a date, and do not report suspicious numbers such as -999",
        ),
        option(
            "--no-date-detection",
            is_flag=True,
            section=SECTION,
            help="do not read everyday notations such as 31 Dec 2024, 20241231, seconds since 1970 or spreadsheet "
            "serials as dates or times, nor 26:30:00 as a duration",
        ),
        option(
            "--keep-spaces",
            is_flag=True,
            section=SECTION,
            help="keep categories apart that differ only in spaces (leading, trailing, repeated or non-breaking) or a "
            "period at the end; default: merge them",
        ),
        option(
            "--merge-case",
            is_flag=True,
            section=SECTION,
            help="merge categories that differ only in upper and lower case, such as yes and YES; it is stored in the "
            "model",
        ),
    )


def _source_options() -> Callable[[F], F]:
    """Declare the options that select the table in its file: query, sheet, field widths and size."""
    return combined(
        option(
            "--query",
            metavar="SQL",
            section=SECTION,
            help="SELECT statement to run; it refers to the table as data, and in a database to its tables by name",
        ),
        option(
            "--sheet",
            metavar="NAME",
            section=SECTION,
            help="sheet of a workbook, by name or by number from 1 (for one of several files: FILE::NAME); default: "
            "the only one with a table",
        ),
        option(
            "--widths",
            metavar="NUMBERS",
            section=SECTION,
            help="field widths of a text file without delimiters, in characters: 8,4,10",
        ),
        option(
            "--max-bytes",
            metavar="NUMBER",
            type=WholeNumber(1),
            section=SECTION,
            help="maximum decompressed size of a compressed file or workbook; default: 200 times its size, but at "
            "least 64 MiB",
        ),
    )


def reading_of(given: Mapping[str, Any], missing: Sequence[str] = DEFAULT_MISSING) -> dict[str, Any]:
    """Return the keyword arguments of ``read_table`` that the options select.

    Args:
        given: The parsed options by name.
        missing: Strings that mean a missing value in addition to those of ``--missing``; a model provides its own.

    Raises:
        ResourceError: A table is to come from standard input, which is closed.
    """
    if sys.stdin is None and "-" in (given.get("table"), given.get("validation_file"), given.get("test_file")):
        raise ResourceError("standard input is closed", hint="pass the name of a file")
    names = (
        "delimiter",
        "decimal",
        "skip",
        "comment",
        "footer",
        "date_order",
        "encoding",
        "query",
        "max_bytes",
        "sheet",
    )
    found: dict[str, Any] = {name: given[name] for name in names if given[name] is not None}
    if given["header_row"] is not None:
        found["header_row"] = _numbers_in(given["header_row"], "--header-row is a line number, or several such as 1,2")
    if given["widths"] is not None:
        found["widths"] = _numbers_in(given["widths"], "--widths are numbers of characters, such as 8,4,10")
    if columns := names_in(given["names"]):
        found["names"] = columns
    flags = {name: given[name] for name in ("no_header", "all_rows")}
    found["detect_missing"] = not given["no_missing_detection"]
    found["detect_dates"] = not given["no_date_detection"]
    found["merge_spaces"] = not given["keep_spaces"]
    found["merge_case"] = given["merge_case"]
    return {**found, **flags, "missing": (*missing, *given["missing"])}


def reading_words(given: Mapping[str, Any]) -> list[str]:
    """Return the ``reading`` options that were given as command-line words, for a suggested next command.

    >>> reading_words({"delimiter": ";", "no_header": True, "missing": ("-1", "x"), "skip": None})
    ['--delimiter', ';', '--no-header', '--missing', '-1', '--missing', 'x']
    """
    words: list[str] = []
    for name in READING_WORDS:
        value = given.get(name)
        if value is True:
            words.append(flag(name))
        elif value not in (None, False):
            values = value if isinstance(value, tuple) else (value,)
            words += [word for each in values for word in (flag(name), str(each))]
    return words


def _numbers_in(text: str, expected: str) -> list[int]:
    """Return the whole numbers in a text such as ``2`` or ``1,2``.

    Args:
        text: The text.
        expected: What was expected, for the message.

    Raises:
        UsageError: The text holds anything else.

    >>> _numbers_in("2", ""), _numbers_in("1, 2", "")
    ([2], [1, 2])
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(f"{expected}; got {text!r}")
    return [int(part) for part in parts]
