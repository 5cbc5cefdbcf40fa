"""Database: DuckDB as a column reader, in memory, without network access and leaving no file behind.

Takes a relation (a temporary table or a Parquet file); returns float64 values, microseconds and coded strings.
``kinds`` interprets them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from backpass.errors import InsufficientMemoryError
from backpass.table.datetimes.timestamp import BEYOND, NAT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

T = TypeVar("T")

BATCH = 32
"""The minimum number of columns in a query of a short table; there are at most ``QUERIES`` queries otherwise."""

QUERIES = 8
CELLS = 2**21
"""Maximum number of values in the result of a query, which exists twice until it is fetched; 16 MiB of float64."""

MOST_QUERIES = 16
"""Maximum number of queries that ``CELLS`` may cause: each of them opens the footers of the files again."""
SETTINGS = {
    "autoinstall_known_extensions": "false",  # the default, true, accesses the network
    "autoload_known_extensions": "false",
    "temp_directory": "",  # the default of an in-memory database is .tmp in the working directory
}


@contextmanager
def connected(*, alone: bool = False) -> Iterator[DuckDBPyConnection]:
    """Open a connection to the process's engine, or to a private one with its own settings if ``alone``.

    Raises:
        InsufficientMemoryError: Memory runs out.
    """
    import duckdb

    with _opened() if alone else _engine().cursor() as database:
        try:
            yield database
        except duckdb.OutOfMemoryException as error:
            raise InsufficientMemoryError(
                f"not enough memory to read the table ({str(error).splitlines()[0]})"
            ) from error


def _opened() -> DuckDBPyConnection:
    import duckdb

    database = duckdb.connect(":memory:", config=dict(SETTINGS))
    database.execute("SET enable_progress_bar = false")
    return database


@cache
def _engine() -> DuckDBPyConnection:
    """Return the process's empty database. Opening one takes as long as reading a small table."""
    return _opened()


if hasattr(os, "register_at_fork"):
    # A fork does not copy the engine's threads; the child would wait for them, or crash, at exit.
    os.register_at_fork(before=_engine.cache_clear)


def pattern(file: Path) -> str:
    """Return the path with glob characters escaped: DuckDB expands ``*``, ``?`` and ``[`` in paths.

    >>> pattern(Path("data[1].csv"))
    'data[[]1].csv'
    """
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(file))


def literal(text: str) -> str:
    """Return a string as an SQL literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def batches(columns: Sequence[T], rows: int = 0) -> Iterator[Sequence[T]]:
    """Yield the columns in batches.

    The time to prepare a query grows with the square of its terms, and with all columns of the file that it reads: few
    columns are read by small queries, and thousands by few queries. The result of a query takes memory beside the
    arrays that it becomes: long columns are read a few at a time.

    Args:
        columns: The columns.
        rows: The number of rows, if the rows of all columns are fetched.

    >>> [len(batch) for batch in batches(range(40))], [len(batch) for batch in batches(range(6), 1_000_000)]
    ([32, 8], [2, 2, 2])
    """
    size = max(BATCH, -(-len(columns) // QUERIES))
    if rows:
        size = min(size, max(CELLS // rows, -(-len(columns) // MOST_QUERIES)))
    for start in range(0, len(columns), size):
        yield columns[start : start + size]


def rows_in(database: DuckDBPyConnection, relation: str) -> int:
    """Return the number of rows of a relation."""
    found = database.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0


def numbers_of(
    database: DuckDBPyConnection, relation: str, values: Sequence[str], rows: int = 0
) -> list[NDArray[np.float64]]:
    """Return float64 arrays of SQL expressions of type DOUBLE, with NULL as NaN, in row order.

    Args:
        database: The connection.
        relation: The relation.
        values: The expressions.
        rows: The number of rows, if it is known: then fewer columns of many rows are read at once.
    """
    found = []
    for batch in batches(values, rows):
        terms = ", ".join(f"{value} AS v{j}" for j, value in enumerate(batch))
        arrays = database.execute(f"SELECT {terms} FROM {relation}").fetchnumpy()
        # Only columns with NULL are masked; replacing it in SQL would copy all of them.
        found += [np.asarray(np.ma.filled(arrays[f"v{j}"], np.nan), dtype=np.float64) for j in range(len(batch))]
    return found


def microseconds_of(
    database: DuckDBPyConnection, relation: str, column: str, value: str, divisor: int = 1
) -> NDArray[np.int64]:
    """Return a column's timestamps in microseconds.

    Args:
        database: The connection.
        relation: Relation that has the column.
        column: The column, as an SQL identifier.
        value: SQL expression of type BIGINT for the timestamp.
        divisor: Units of ``value`` per microsecond; the quotient is rounded down.

    Returns:
        int64 (n,), ``NAT`` for NULL and ``BEYOND`` for infinite or overflowing timestamps.
    """
    terms = f"try({value}) AS v, {column} IS NULL AS gap"
    found = database.execute(f"SELECT {terms} FROM {relation}").fetchnumpy()
    microseconds = np.asanyarray(found["v"])
    whole = np.ma.filled(microseconds.astype(np.int64), 0) // divisor
    return np.where(np.asarray(found["gap"]), NAT, np.where(np.ma.getmaskarray(microseconds), BEYOND, whole))


def texts_of(
    database: DuckDBPyConnection, relation: str, values: Sequence[str]
) -> list[tuple[list[str], NDArray[np.int32]]]:
    """Return the distinct strings and the row codes (0 for NULL) of each SQL expression of type VARCHAR.

    The strings are copied to a temporary table first, because DuckDB would reopen a file for every query.
    """
    found = []
    for batch in batches(values):
        place = range(len(batch))
        copied = ", ".join(f"{value} AS t{j}" for j, value in enumerate(batch))
        database.execute(f"CREATE OR REPLACE TEMP TABLE texts AS SELECT {copied} FROM {relation}")
        # The codes of an ENUM number the distinct strings, so that rows are fetched as integers.
        for j in place:
            distinct = f"SELECT DISTINCT t{j} FROM texts WHERE t{j} IS NOT NULL"
            database.execute(f"CREATE OR REPLACE TEMP TYPE level{j} AS ENUM ({distinct})")
        levels = database.execute(f"SELECT {', '.join(f'enum_range(NULL::level{j})' for j in place)}").fetchone() or ()
        codes = (f"coalesce(enum_code(t{j}::level{j})::INTEGER + 1, 0)::INTEGER AS c{j}" for j in place)
        arrays = database.execute(f"SELECT {', '.join(codes)} FROM texts").fetchnumpy()
        found += [([*levels[j]], np.asarray(arrays[f"c{j}"], dtype=np.int32)) for j in place]
        database.execute("DROP TABLE texts")
    return found
