"""Rows: columns of values written as the lines of a CSV file (RFC 4180, lines end in a line feed), or as Parquet."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import ResourceError
from backpass.table.database import connected, identifier, literal

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


def parquet_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """The same as a Parquet file: numbers as doubles, all else as texts. None is a missing value.

    Errors: ResourceError when the folder of temporary files does not take it.
    """
    import duckdb

    arrays = {f"c{j}": _array(values) for j, values in enumerate(columns.values())}
    named = ", ".join(
        f"{f'c{j}' if arrays[f'c{j}'].dtype == np.float64 else f'c{j}::VARCHAR'} AS {identifier(name)}"
        for j, name in enumerate(columns)
    )
    with TemporaryDirectory(prefix="backpass-") as folder, connected() as database:
        path = Path(folder, "rows.parquet")
        database.register("arrays", arrays)
        try:
            database.execute(f"COPY (SELECT {named} FROM arrays) TO {literal(str(path))} (FORMAT parquet)")
        except duckdb.IOException as error:
            raise _unwritten(folder, str(error)) from error
        return path.read_bytes()


def _unwritten(folder: str, text: str) -> ResourceError:
    """DuckDB's error in our words; the system's number stands in its text."""
    number = re.search(r'"errno":"(\d+)"', text)
    reason = os.strerror(int(number[1])) if number else text.partition("\n")[0]
    place = os.path.dirname(folder)
    return ResourceError(
        f"temporary files cannot be written in {place}: {reason}", hint="make room there, or set TMPDIR"
    )


def _array(values: Sequence[Any]) -> NDArray[Any]:
    """Doubles where every value that is there is a float; else objects."""
    if any(isinstance(value, float) for value in values) and all(isinstance(v, float | None) for v in values):
        return np.array(values, dtype=np.float64)  # None becomes NaN, which DuckDB takes for missing
    return np.array(values, dtype=object)
