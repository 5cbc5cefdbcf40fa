"""Row names: the columns that hold the index of a pandas frame.

pandas writes an index that is no plain range as one more column, of Parquet and Arrow tables alike, and says so in the
metadata entry ``pandas``. It names rows and tells nothing about them, so it is left out, as it is for a frame itself.
Rows of CSV files are named in ``records``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from backpass.table.messages import listed, shown

LEVEL = re.compile(r"__index_level_[0-9]+__")  # the name that an index without a name gets
SPAN = re.compile(r"timedelta64\[(s|ms|us|ns)\]")
KEPT = "frame.reset_index() makes a column of it"


@dataclass(frozen=True, slots=True)
class PandasNotes:
    """What the metadata entry ``pandas`` says: the columns of the index, and the units of columns of durations."""

    index: tuple[str, ...] = ()
    units: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, entry: bytes | None) -> PandasNotes:
        """Read the entry; one that is absent or damaged says nothing.

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
    """The names that hold an index, by the metadata or by the name itself; those ``asked`` for are columns.

    >>> index_among(["x", "id", "__index_level_1__"], ["id"], [])
    ('id', '__index_level_1__')
    """
    return tuple(name for name in names if (name in index or LEVEL.fullmatch(name)) and name not in asked)


def index_note(names: Sequence[str]) -> str:
    """What is said of an index that is left out.

    >>> index_note(["__index_level_0__"])
    'the index of a pandas frame: taken for row names, left out'
    """
    named = [name for name in names if not LEVEL.fullmatch(name)]
    if not named:
        return "the index of a pandas frame: taken for row names, left out"
    return f"the index of a pandas frame ({listed(named, shown)}): taken for row names, left out; {KEPT}"
