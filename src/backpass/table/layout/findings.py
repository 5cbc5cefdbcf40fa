"""Layout findings: what can stand above, below, beside and between the rows of a table without belonging to it.

The list is the declaration: how each finding is recognized, and the setting that decides where it is not clear or not
wanted. ``heading`` finds what stands above the rows, ``prologue`` comments and the delimiter line, ``footer`` what
stands below, ``scan`` the lines between the rows, ``totals`` rows of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backpass.table.messages import FIRST, listed, rows_listed, shown


@dataclass(frozen=True, slots=True)
class LayoutFinding:
    """A kind of line, row or column that is no data.

    Attributes:
        code: Identifier.
        recognized: How it is recognized.
        said: What a note says after the place.
        option: Option that decides otherwise.
    """

    code: str
    recognized: str
    said: str
    option: str


LAYOUT_FINDINGS = (
    LayoutFinding("delimiter_line", "the first line is sep= and one character", "names the delimiter", "--header-row"),
    LayoutFinding(
        "comments",
        "lines at the start begin with #, %, //, -- or !; further such lines do not have as many fields as the rows",
        "comments, left out",
        "--comment",
    ),
    LayoutFinding(
        "header_in_comment",
        "the last comment line has a field for each column, and the first record is a row of values",
        "the header, in a comment",
        "--header-row",
    ),
    LayoutFinding(
        "preamble",
        "lines above the header have another number of fields than the rows, or are mostly empty, and the header is "
        "text above columns of numbers or dates",
        "above the header, left out",
        "--header-row",
    ),
    LayoutFinding(
        "header_rows",
        "the first header row has empty or repeated names, the second completes them",
        "two header rows, their names are joined",
        "--header-row",
    ),
    LayoutFinding(
        "units",
        "a row below the header holds units, or texts that occur nowhere else, where the columns hold numbers or dates",
        "below the header without values (units or descriptions), left out",
        "--all-rows",
    ),
    LayoutFinding(
        "empty_columns", "columns have neither a name nor a value", "without a name and without values, left out", ""
    ),
    LayoutFinding(
        "footer",
        "the last lines are texts, totals or empty, where the rows hold numbers or dates or have more fields",
        "below the table, left out",
        "--footer",
    ),
    LayoutFinding("empty_rows", "every field of a row is empty", "empty, left out", "--all-rows"),
    LayoutFinding("header_again", "a row repeats the header line", "the header again, left out", "--all-rows"),
    LayoutFinding("preamble_again", "lines repeat the lines above the header", "no rows, left out", "--all-rows"),
    LayoutFinding(
        "total_labels",
        "a row is called Total, Subtotal, Summe ... in a column of numbers or dates",
        "totals by their label, left out",
        "--all-rows",
    ),
    LayoutFinding(
        "totals",
        "a row is called Total, Subtotal, Summe ... or has no text, and its numbers are the sums or means of the rows "
        "above",
        "sums of the rows above (a total), left out",
        "--all-rows",
    ),
)
"""In the order of their places, from the top of a file to its bottom."""

BY_CODE = {finding.code: finding for finding in LAYOUT_FINDINGS}


def note_of(code: str, place: str) -> str:
    """Return the note about a finding at a place.

    >>> note_of("empty_rows", "rows 4, 9")
    'rows 4, 9: empty, left out (--all-rows)'
    """
    finding = BY_CODE[code]
    return f"{place}: {finding.said}{f' ({finding.option})' if finding.option else ''}"


def lines_listed(lines: Sequence[int], noun: str = "line") -> str:
    """Return the place of lines; a run of more than two is given by its ends.

    >>> lines_listed([4]), lines_listed([1, 2, 3]), lines_listed([1, 3]), lines_listed([2, 4], "row")
    ('line 4', 'lines 1 to 3', 'lines 1, 3', 'rows 2, 4')
    """
    if len(lines) > 2 and lines[-1] - lines[0] == len(lines) - 1:
        return f"{noun}s {lines[0]:,} to {lines[-1]:,}"
    return rows_listed(lines) if noun == "row" else f"{noun}{'s' if len(lines) > 1 else ''} {listed(lines)}"


def example_of(cells: Sequence[str]) -> str:
    """Return the first filled cells of a row in quotes.

    >>> example_of(["", "W/m^2", "", "m/s"])
    "'W/m^2, m/s'"
    """
    filled = [cell for cell in cells if cell]
    return shown(", ".join(filled[:FIRST]) + (", ..." if len(filled) > FIRST else ""))
