"""Absent name: where a column name that the header lacks stands in a text file, and the option that makes it a name.

Takes the file and the name; returns a hint. A name that is not in the header is often the first sign that the header,
the delimiter or the shape of a table was not detected. Where fields of fixed width begin is found here, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from backpass.errors import DataError
from backpass.table.delimited.cells import is_value
from backpass.table.delimited.headerless import HINT, looks_like_data
from backpass.table.delimited.records import DELIMITERS, delimiter_name
from backpass.table.layout.beginning import Beginning, beginning_of
from backpass.table.layout.dialect import Dialect
from backpass.table.messages import shown
from backpass.table.notation.lazy_pattern import LazyPattern

LINES = 200  # lines that show where fields of fixed width begin
BLANK = 0.9  # share of lines with a blank in one place from which a field ends there
FEWEST = 3  # lines that show it
DASHES, RULER = LazyPattern(r"[-=]+"), LazyPattern(r"[-=]+(?: +[-=]+)+")
YEAR = LazyPattern(r"(?:19|20)[0-9]{2}")  # may be the name of a column
SIGNS = LazyPattern(r"[^\w\s\"'.]")  # signs that may be delimiters


def absence_hint(file: Path, source: str, dialect: Dialect, names: Sequence[str], name: str) -> str:
    """Return what to do about a name that a file does not have; empty if the file does not show it elsewhere.

    Args:
        file: The text, in UTF-8.
        source: Name of the file in messages.
        dialect: The user's settings.
        names: Names that were read.
        name: The name.
    """
    try:
        top = beginning_of(file, source, dialect, frozenset())
    except DataError:
        return ""
    if len(names) == 1 and (hint := _hint_for_one(top, names[0], name)):
        return hint
    found = [k for k, row in enumerate(top.rows) if name in row and names[:2] != row[:2]]
    if len(found) == 1 and not is_value(name):  # a word of several rows is a value
        (k,) = found
        line, row = top.line(k), top.rows[k]
        if row[0] == name and sum(map(is_value, row[1:])) > len(row) // 2 > 1:
            transposed = "pandas.read_csv(FILE, index_col=0).T.to_parquet('FILE.parquet')"
            return f"line {line} begins with {shown(name)}: if its values are a column, {transposed}"
        if not any(is_value(cell) and not YEAR.fullmatch(cell) for cell in row):
            return f"line {line} contains {shown(name)}: is it the header? --header-row {line}"
    return HINT if names == top.rows[0] and looks_like_data(top.rows[0], top.rows[1:]) else ""


def _hint_for_one(top: Beginning, header: str, name: str) -> str:
    """Return a hint if the only name that was read contains several."""
    for sign in DELIMITERS:
        if name in [part.strip(" \"'") for part in header.split(sign)[1:]] and sign == top.delimiter:
            return "each line is one field in quotes: leave out the quotes around whole lines"
    lines = top.sample.lines
    first = next((k for k, line in enumerate(lines) if line.strip() == header), len(lines))
    fields = fixed_widths(lines[first : first + LINES])
    if name in fields:
        return widths_hint(fields)
    for sign in dict.fromkeys(SIGNS.findall(header)):
        if name in [part.strip() for part in header.split(sign)]:
            return f"is {delimiter_name(sign)} the delimiter? --delimiter {delimiter_name(sign)}"
    return ""


def fixed_widths(lines: Sequence[str]) -> dict[str, int]:
    """Return the names and the widths of fields that blanks or a line of dashes show; empty if there are not several.

    Args:
        lines: The header and the first rows.

    >>> fixed_widths(["id  town        y", "1   New York  1.5", "2   Oslo      2.5"])
    {'id': 4, 'town': 10, 'y': 3}
    """
    lines = [line.rstrip().expandtabs() for line in lines if line.strip()]
    if len(lines) < FEWEST:
        return {}
    longest = max(map(len, lines))
    if ruler := next((line for line in lines[1:3] if RULER.fullmatch(line.strip())), ""):
        starts = [match.start() for match in DASHES.finditer(ruler)]
    else:
        blanks = [sum(line[j : j + 1] in ("", " ") for line in lines) for j in range(longest)]
        header = lines[0].ljust(longest)
        blank = [header[j] == " " and blanks[j] >= BLANK * len(lines) for j in range(longest)]
        starts = [j for j in range(longest) if not blank[j] and (j == 0 or blank[j - 1])]
    bounds = [0, *starts[1:], longest]
    found = {lines[0][start:stop].strip(): stop - start for start, stop in pairwise(bounds)}
    return found if 1 < len(found) == len(bounds) - 1 and all(found) else {}


def widths_hint(fields: Mapping[str, int]) -> str:
    """Return the hint about fields of fixed widths.

    >>> widths_hint({"id": 4, "town": 10})
    'do its fields have fixed widths? --widths 4,10'
    """
    return f"do its fields have fixed widths? --widths {','.join(map(str, fields.values()))}"
