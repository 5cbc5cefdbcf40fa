"""Rows: columns of values formatted as CSV (RFC 4180, with line feeds as line endings) or as Parquet.

The formatted rows are written elsewhere, by ``predict`` and ``explain``.
"""

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
from backpass.table.files.database import connected, identifier, literal

CHUNK = 4096
"""Rows per piece of text, which bounds memory and lets a reader such as ``head`` start at once."""


def csv_lines(columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Yield CSV text: the header, then the rows in pieces of ``CHUNK`` lines. None becomes an empty field.

    Floats are written with the fewest digits that read back exactly.

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
    """Return the rows as a Parquet file: numbers as doubles, all other values as strings. None is a missing value.

    Raises:
        ResourceError: The folder of temporary files has no room for it.
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
    """Return a float64 array if all values except None are floats, otherwise an object array."""
    if any(isinstance(value, float) for value in values) and all(isinstance(v, float | None) for v in values):
        return np.array(values, dtype=np.float64)  # None becomes NaN, which DuckDB treats as missing
    return np.array(values, dtype=object)
