"""Row names: the columns that hold the index of a pandas data frame, or the row names of R.

pandas writes an index other than a plain range as an extra column, in Parquet and in Arrow tables, and declares it in
the metadata entry ``pandas``. R writes row names as a first column without a name, in a header that is one field short.
Both only label rows, so they are left out, as the index of an in-memory frame is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from backpass.dataclass import dataclass
from backpass.table.messages import data_error, listed, shown
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.number import number_in

LEVEL = LazyPattern(r"__index_level_[0-9]+__")  # the column name of an unnamed index
SPAN = LazyPattern(r"timedelta64\[(s|ms|us|ns)\]")
QUOTED = LazyPattern("\\s*[\u201c\u201e\u00ab][^\u201d\u201c\u00bb]*")
"""A field with the first of two typographic quotes."""
PARTS = LazyPattern(r"[+-]?(?:0|[1-9][0-9]{0,2})"), LazyPattern(r"[0-9]{3}|[0-9]{1,2}")
"""The two parts of a number that its thousands separator or its decimal sign has cut."""
SINGLE_QUOTES = "SELECT * FROM read_csv(getvariable('file'), quote = '''')"
R_ROW_NAMES = "the header has one field fewer than the rows, as R writes row names: the first column is left out"
NAME_IT = "name the first column in the header, too (R: write.table(..., col.names = NA, sep = ','))"
KEPT = "frame.reset_index() makes a column of it"


@dataclass(frozen=True, slots=True)
class PandasNotes:
    """Content of the metadata entry ``pandas``.

    Attributes:
        index: Names of the index columns.
        units: Pairs of column name and unit, for columns of durations.
    """

    index: tuple[str, ...] = ()
    units: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, entry: bytes | None) -> PandasNotes:
        """Parse the entry; one that is absent or damaged gives empty notes.

        >>> PandasNotes.of(b'{"index_columns": ["id", {"kind": "range", "start": 0}]}').index
        ('id',)
        """
        try:
            found: Any = json.loads(entry or b"{}")
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(found, dict):
            return cls()
        index = tuple(name for name in _list(found, "index_columns") if isinstance(name, str))  # a dict is a range
        spans = [
            (str(column.get("field_name") or column.get("name")), unit[1])
            for column in _list(found, "columns")
            if isinstance(column, dict) and (unit := SPAN.fullmatch(str(column.get("numpy_type"))))
        ]
        return cls(index, tuple(spans))


def _list(found: dict[str, Any], key: str) -> list[Any]:
    value = found.get(key)
    return value if isinstance(value, list) else []


def index_among(names: Sequence[str], index: Collection[str], asked: Collection[str]) -> tuple[str, ...]:
    """Return the names that are index columns, by the metadata or by the name itself.

    Args:
        names: Column names.
        index: Names of index columns according to the metadata.
        asked: Names that the caller requests; they count as ordinary columns.

    >>> index_among(["x", "id", "__index_level_1__"], ["id"], [])
    ('id', '__index_level_1__')
    """
    return tuple(name for name in names if (name in index or LEVEL.fullmatch(name)) and name not in asked)


def index_note(names: Sequence[str]) -> str:
    """Return the message about index columns that are left out.

    >>> index_note(["__index_level_0__"])
    'the index of a pandas frame: treated as row names and left out'
    """
    named = [name for name in names if not LEVEL.fullmatch(name)]
    if not named:
        return "the index of a pandas frame: treated as row names and left out"
    return f"the index of a pandas frame ({listed(named, shown)}): treated as row names and left out; {KEPT}"


def _refuse_cut_values(rows: Sequence[Sequence[str]], source: str) -> None:
    """Reject rows that have one field more because a value contains the delimiter.

    Raises:
        DataError: They do.
    """
    for row in rows:
        if cut := next((cell for cell in row[:-1] if cell.endswith("\\")), ""):
            text = f"a backslash ends a field, {shown(cut)}: it seems to precede a delimiter inside a value"
            raise data_error(source, text, "quote such values; pandas.read_csv(FILE, escapechar='\\\\') reads them")
        opened = next((j for j, cell in enumerate(row) if cell[:1] == "'" and cell.count("'") == 1), len(row))
        if any(cell[-1:] == "'" and cell.count("'") == 1 for cell in row[opened + 1 :]):
            text = f"a single quote begins a field, {shown(row[opened])}, and another field ends it"
            raise data_error(source, text, f'replace single quotes by double ones, or --query "{SINGLE_QUOTES}"')
    for left, right in pairwise(zip(*rows, strict=False)):
        is_cut = len({*map(len, right)}) == 1 and any(cell[:1] == "0" and len(cell) > 1 for cell in right)
        if is_cut and all(map(PARTS[0].fullmatch, left)) and all(map(PARTS[1].fullmatch, right)):
            text = "the rows have one field more than the header: a delimiter seems to cut numbers in two"
            hint = "quote such numbers, or name every field: --skip 1 --names a,b,c"
            raise data_error(source, f"{text}, {shown(left[0])} and {shown(right[0])}", hint)


def are_row_names(rows: Sequence[Sequence[str]], source: str) -> bool:
    """Whether the first fields are row names: strings or whole numbers, in rows of which most have a last field.

    Raises:
        DataError: The first fields repeat, or the rows have more fields only because a value contains the delimiter:
            behind a backslash, in single or typographic quotes, or in a number such as 1,045.
    """
    if opened := next((cell for row in rows for cell in row if QUOTED.fullmatch(cell)), ""):
        text = f"a typographic quote begins a field, {shown(opened)}, and another field ends it"
        raise data_error(source, text, 'replace typographic quotes by straight ones (")')
    _refuse_cut_values(rows, source)
    names = [row[0].strip(" \t") for row in rows]
    if not all(name.isdigit() or (name and number_in(name) is None) for name in names):
        return False
    if 2 * sum(not row[-1].strip(" \t") for row in rows) >= len(rows):  # every line ends in a delimiter
        return False
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        text = "the rows have one field more than the header; R writes row names this way"
        raise data_error(source, f"{text}, but these repeat: {listed(repeated, shown)}", NAME_IT)
    return True
