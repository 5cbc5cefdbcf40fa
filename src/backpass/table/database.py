"""Database: DuckDB as a reader of columns, in memory, without network, leaving no file behind.

A relation (a temporary table, or a Parquet file) comes in; float64 values and coded texts come out. What they mean is
decided in ``kinds``.
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

from backpass.errors import ResourceError
from backpass.table.timestamp import BEYOND, NAT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

T = TypeVar("T")

BATCH = 32
SETTINGS = {
    "autoinstall_known_extensions": "false",  # the default is true, and goes to the network
    "autoload_known_extensions": "false",
    "temp_directory": "",  # the default of a memory database is .tmp in the working folder
}


@contextmanager
def connected(*, alone: bool = False) -> Iterator[DuckDBPyConnection]:
    """A connection that shares nothing but its process's engine; one ``alone`` has that to itself, settings and all.

    Errors: ResourceError when memory runs out.
    """
    import duckdb

    with _opened() if alone else _engine().cursor() as database:
        try:
            yield database
        except duckdb.OutOfMemoryException as error:
            raise ResourceError(f"not enough memory to read the table ({str(error).splitlines()[0]})") from error


def _opened() -> DuckDBPyConnection:
    import duckdb

    database = duckdb.connect(":memory:", config=dict(SETTINGS))
    database.execute("SET enable_progress_bar = false")
    return database


@cache
def _engine() -> DuckDBPyConnection:
    """The empty database of this process: to open one takes as long as to read a small table."""
    return _opened()


if hasattr(os, "register_at_fork"):
    # Its threads do not live on in a child, which would wait for them, or crash, when it ends.
    os.register_at_fork(before=_engine.cache_clear)


def pattern(file: Path) -> str:
    """The path with glob signs escaped: DuckDB takes ``*``, ``?`` and ``[`` in a path for patterns.

    >>> pattern(Path("data[1].csv"))
    'data[[]1].csv'
    """
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(file))


def literal(text: str) -> str:
    """A text as an SQL literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def batches(columns: Sequence[T]) -> Iterator[Sequence[T]]:
    """Columns some at a time: the time to prepare a query grows with the square of its terms."""
    for start in range(0, len(columns), BATCH):
        yield columns[start : start + BATCH]


def rows_in(database: DuckDBPyConnection, relation: str) -> int:
    """The number of rows of a relation."""
    found = database.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0


def numbers_of(database: DuckDBPyConnection, relation: str, values: Sequence[str]) -> list[NDArray[np.float64]]:
    """The float64 arrays of SQL expressions of type DOUBLE, NULL as NaN, in the order of the rows."""
    found = []
    for batch in batches(values):
        terms = ", ".join(f"coalesce({value}, 'NaN'::DOUBLE) AS v{j}" for j, value in enumerate(batch))
        arrays = database.execute(f"SELECT {terms} FROM {relation}").fetchnumpy()
        found += [np.asarray(arrays[f"v{j}"], dtype=np.float64) for j in range(len(batch))]
    return found


def ticks_of(
    database: DuckDBPyConnection, relation: str, column: str, value: str, divisor: int = 1
) -> NDArray[np.int64]:
    """The moments of a column by an SQL expression of type BIGINT over a divisor, rounded down.

    ``NAT`` stands for NULL, ``BEYOND`` for what has no such value: what is infinite, or overflows.
    """
    terms = f"try({value}) AS v, {column} IS NULL AS gap"
    found = database.execute(f"SELECT {terms} FROM {relation}").fetchnumpy()
    microseconds = np.asanyarray(found["v"])
    whole = np.ma.filled(microseconds.astype(np.int64), 0) // divisor
    return np.where(np.asarray(found["gap"]), NAT, np.where(np.ma.getmaskarray(microseconds), BEYOND, whole))


def texts_of(
    database: DuckDBPyConnection, relation: str, values: Sequence[str]
) -> list[tuple[list[str], NDArray[np.int32]]]:
    """Of each SQL expression of type VARCHAR the distinct texts, and the codes of the rows, 0 for NULL.

    The texts are copied first: a file would be opened anew for every query.
    """
    found = []
    for batch in batches(values):
        place = range(len(batch))
        copied = ", ".join(f"{value} AS t{j}" for j, value in enumerate(batch))
        database.execute(f"CREATE OR REPLACE TEMP TABLE texts AS SELECT {copied} FROM {relation}")
        for j in place:
            distinct = f"SELECT DISTINCT t{j} FROM texts WHERE t{j} IS NOT NULL"
            database.execute(f"CREATE OR REPLACE TEMP TYPE level{j} AS ENUM ({distinct})")
        levels = database.execute(f"SELECT {', '.join(f'enum_range(NULL::level{j})' for j in place)}").fetchone() or ()
        codes = (f"coalesce(enum_code(t{j}::level{j})::INTEGER + 1, 0)::INTEGER AS c{j}" for j in place)
        arrays = database.execute(f"SELECT {', '.join(codes)} FROM texts").fetchnumpy()
        found += [([*levels[j]], np.asarray(arrays[f"c{j}"], dtype=np.int32)) for j in place]
        database.execute("DROP TABLE texts")
    return found
