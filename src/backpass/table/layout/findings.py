"""Layout findings: what can stand above, below, beside and between the rows of a table without belonging to it.

The list is the declaration: how each finding is recognized, and the setting that decides where it is not clear or not
wanted. ``heading`` finds what stands above the rows, ``prologue`` comments and the delimiter line, ``footer`` what
stands below, ``scan`` the lines between the rows, ``totals`` rows of sums.
"""

from __future__ import annotations

from collections.abc import Sequence

from backpass.dataclass import dataclass
from backpass.table.messages import FIRST, listed, rows_listed, shown


@dataclass(frozen=True, slots=True)
class LayoutFinding:
    """A kind of line, row or column that is not data.

    Attributes:
        code: Identifier.
        recognized: How it is recognized.
        text: What a note says after the place.
        otherwise: Option that decides otherwise.
    """

    code: str
    recognized: str
    text: str
    otherwise: str


KEPT = "--all-rows keeps them"
NAMED = "--header-row names another line"
LAYOUT_FINDINGS = (
    LayoutFinding("delimiter_line", "the first line is `sep=` and one character", "names the delimiter", ""),
    LayoutFinding(
        "comments",
        "lines at the start begin with `#`, `%`, `//`, `--` or `!`, or with `/*` up to `*/`; later ones have more or "
        "fewer fields than a row, and may be the only ones if they begin with `#`",
        "comments, left out",
        "--comment none reads them",
    ),
    LayoutFinding(
        "header_in_comment",
        "the last comment line, or the one above a line of units, has a field for each column, and the first record is "
        "a row of values; `Fields:` before the names is no name",
        "the header, in a comment",
        "--comment none reads it as a row",
    ),
    LayoutFinding(
        "preamble",
        "lines above the header have empty fields, or more or fewer fields than the rows, and the header has "
        "text above columns of numbers or dates",
        "above the header, left out",
        NAMED,
    ),
    LayoutFinding(
        "header_rows",
        "the first header row has empty or repeated names, and the second completes them; the names of an index that "
        "pandas writes below them are joined, too",
        "two header rows, their names are joined",
        NAMED,
    ),
    LayoutFinding(
        "units",
        "up to three rows below the header contain units, or text that does not recur, in columns of numbers or dates, "
        "or the numbers of the columns",
        "below the header without values (units or descriptions), left out",
        KEPT,
    ),
    LayoutFinding(
        "empty_columns", "columns have neither a name nor a value", "without a name and without values, left out", ""
    ),
    LayoutFinding("empty_rows", "every field of a row is empty", "empty, left out", KEPT),
    LayoutFinding("header_again", "a row repeats a line of the header", "a repeated header, left out", KEPT),
    LayoutFinding(
        "lines_between",
        "a line repeats a line above the header, is a comment, or has only empty fields, more or fewer than a row",
        "not rows, left out",
        KEPT,
    ),
    LayoutFinding(
        "total_labels",
        "a row is called Total, Subtotal, Summe ... in a column of numbers or dates",
        "totals by name, left out",
        KEPT,
    ),
    LayoutFinding(
        "totals",
        "a row is called Total, Subtotal, Summe ... or has no text, and its numbers are sums or means of other rows; "
        "the first or last row may have any other name (All, England) if every number is a sum",
        "sums of other rows (a total), left out",
        KEPT,
    ),
    LayoutFinding(
        "summaries",
        "the first or last rows are called Minimum, Median, Std ..., and at least two of their numbers are those "
        "statistics of the rows between",
        "summaries of other rows, left out",
        KEPT,
    ),
    LayoutFinding(
        "footer",
        "the last lines are empty, text or names of totals, while rows contain numbers or dates or have more fields",
        "below the table, left out",
        "--footer 0 keeps them",
    ),
)
"""In the order of their places, from the top of a file to its bottom."""

BY_CODE = {finding.code: finding for finding in LAYOUT_FINDINGS}


def note_of(code: str, place: str) -> str:
    """Return the note about a finding at a place.

    >>> note_of("empty_rows", "rows 4, 9")
    'rows 4, 9: empty, left out; --all-rows keeps them'
    """
    finding = BY_CODE[code]
    return f"{place}: {finding.text}{'; ' * bool(finding.otherwise)}{finding.otherwise}"


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
