"""Rows: columns of values formatted as CSV (RFC 4180, with line feeds as line endings) or as Parquet.

Takes windows of rows, so that a table of any length is written in constant memory. ``hand_out_rows`` writes the result
to a file or to standard output.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.cli.console import Console
from backpass.cli.output import PARQUET
from backpass.errors import ResourceError
from backpass.model.file.storage import atomic_writer
from backpass.table.files.database import connected, identifier, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PIECE = 1 << 20
"""Bytes that are copied at a time."""

TEXT, WHOLE, DOUBLE = TYPES = ("VARCHAR", "BIGINT", "DOUBLE")
"""The types of DuckDB that columns have; of two windows, the later type in this list is that of the column."""

ENCODING = ("utf-8", "surrogateescape")

CHUNK = 4096
"""Rows per piece of text, which bounds memory and lets a reader such as ``head`` start at once."""


Columns = Mapping[str, Sequence[Any] | NDArray[Any]]


def csv_lines(windows: Iterable[Columns]) -> Iterator[str]:
    """Yield CSV text: the header, then the rows in pieces of ``CHUNK`` lines. None becomes an empty field.

    Floats are written with the fewest digits that read back exactly.

    Args:
        windows: The same columns for one window of rows after another.

    >>> "".join(csv_lines([{"price": [0.1, None], "a,b": ["x", "y, z"]}, {"price": [2.0], "a,b": ["x"]}]))
    'price,"a,b"\\n0.1,x\\n,"y, z"\\n2.0,x\\n'
    """
    for number, columns in enumerate(windows):
        if not number:
            yield _lines([list(columns)])
        lists = [each.tolist() if isinstance(each, np.ndarray) else each for each in columns.values()]
        for start in range(0, len(lists[0]) if lists else 0, CHUNK):
            yield _lines(zip(*(column[start : start + CHUNK] for column in lists), strict=True))


def _lines(rows: Any) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def parquet_pieces(windows: Iterable[Columns]) -> Iterator[bytes]:
    """Yield the bytes of a Parquet file: numbers as doubles, whole numbers such as those of rows as 64-bit
    integers, all other values as strings. None is a missing value.

    Each window is a file in a temporary folder first, because a Parquet file is written from all rows at once.

    Args:
        windows: The same columns for one window of rows after another.

    Raises:
        ResourceError: The folder of temporary files has no room for it.
    """
    import duckdb

    with TemporaryDirectory(prefix="backpass-") as folder, connected() as database:
        path = Path(folder, "rows.parquet")
        try:
            relation = _relation(database, windows, folder)
            database.execute(f"COPY ({relation}) TO {literal(str(path))} (FORMAT parquet)")
        except duckdb.IOException as error:
            raise _unwritten(folder, str(error)) from error
        with path.open("rb") as stream:
            while piece := stream.read(PIECE):
                yield piece


def _relation(database: DuckDBPyConnection, windows: Iterable[Columns], folder: str) -> str:
    """Return a SELECT statement with the rows of all windows; several windows are files in the folder first."""
    rest = iter(windows)
    first, second = next(rest), next(rest, None)
    titles = list(first)
    if second is None:
        arrays = _arrays(first)
        database.register("arrays", arrays)
        return f"SELECT {_titled(titles, [f'{name}::{_type(array)}' for name, array in arrays.items()])} FROM arrays"
    types: dict[str, str] = {}
    parts = list[str]()
    for window in chain([first, second], rest):
        arrays = _arrays(window)
        # A column of missing values in one window may hold numbers in another.
        types = {n: max(types.get(n, TEXT), _type(array), key=TYPES.index) for n, array in arrays.items()}
        parts.append(literal(str(Path(folder, f"{len(parts)}.parquet"))))
        chosen = ", ".join(f"{name}::{_type(array)} AS {name}" for name, array in arrays.items())
        database.register("arrays", arrays)
        database.execute(f"COPY (SELECT {chosen} FROM arrays) TO {parts[-1]} (FORMAT parquet)")
        database.unregister("arrays")
    relation = f"read_parquet([{', '.join(parts)}], union_by_name=true, hive_partitioning=false)"
    # Without ``try``, columns without missing values would be marked as such, unlike those of a single window.
    return f"SELECT {_titled(titles, [f'try({name}::{type_})' for name, type_ in types.items()])} FROM {relation}"


def _titled(titles: Sequence[str], values: Iterable[str]) -> str:
    """Return the terms of a SELECT statement: each value with its title."""
    return ", ".join(f"{value} AS {identifier(title)}" for title, value in zip(titles, values, strict=True))


def _arrays(columns: Columns) -> dict[str, NDArray[Any]]:
    return {f"c{j}": _array(values) for j, values in enumerate(columns.values())}


def _type(values: NDArray[Any]) -> str:
    return {"f": DOUBLE, "i": WHOLE}.get(values.dtype.kind, TEXT)


def _unwritten(folder: str, text: str) -> ResourceError:
    """DuckDB's error, reworded; its text contains the number of the system's error."""
    number = re.search(r'"errno":"(\d+)"', text)
    reason = os.strerror(int(number[1])) if number else text.partition("\n")[0]
    place = os.path.dirname(folder)
    return ResourceError(
        f"temporary files cannot be written in {place}: {reason}", hint="free space there, or set TMPDIR"
    )


def _array(values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """Return a float64 array if all values except None are floats, int64 if all are int, otherwise an object array."""
    if isinstance(values, np.ndarray):
        return np.ascontiguousarray(values) if values.dtype == np.float64 else values.astype(object)
    if any(isinstance(value, float) for value in values) and all(isinstance(v, float | None) for v in values):
        return np.array(values, dtype=np.float64)  # None becomes NaN, which DuckDB treats as missing
    if len(values) and all(type(value) is int for value in values):
        return np.array(values, dtype=np.int64)
    return np.array(values, dtype=object)


def hand_out_rows(windows: Iterable[Columns], output: str | None, console: Console, *, complete: bool = False) -> None:
    """Write rows to a file atomically, or to standard output window by window.

    Args:
        windows: The same columns for one window of rows after another.
        output: Path of a Parquet file if it ends in .parquet, otherwise of a CSV file; None for standard output.
        console: Where standard output is written.
        complete: Whether nothing is written to standard output before the last window was made without an error.
    """
    is_parquet = output is not None and output.endswith(PARQUET)
    pieces = parquet_pieces(windows) if is_parquet else (line.encode(*ENCODING) for line in csv_lines(windows))
    if output is not None:
        with atomic_writer(output) as write:
            for piece in pieces:
                write(piece)
    elif complete:
        with TemporaryFile(prefix="backpass-") as spool:
            spool.writelines(pieces)
            spool.seek(0)
            while piece := spool.read(PIECE):
                console.write_bytes(piece)
    else:
        for piece in pieces:
            console.write_bytes(piece)
