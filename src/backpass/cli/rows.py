"""Rows: columns of values written as the lines of a CSV file (RFC 4180, lines end in a line feed)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

CHUNK = 4096
"""Rows of a piece of text, so that memory stays bounded and a reader such as ``head`` is served at once."""


def csv_lines(columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """The header, then the rows, in pieces of some thousand lines. None is an empty field.

    Floats are written as the shortest decimals that read back exactly.

    >>> "".join(csv_lines({"price": [0.1, None], "a,b": ["x", "y, z"]}))
    'price,"a,b"\\n0.1,x\\n,"y, z"\\n'
    """
    yield _lines([list(columns)])
    count = len(next(iter(columns.values()), ()))
    for start in range(0, count, CHUNK):
        yield _lines(zip(*(column[start : start + CHUNK] for column in columns.values()), strict=True))


def _lines(rows: Any) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
