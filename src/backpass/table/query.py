"""Query: an SQL query over a table, run by DuckDB, before anything else looks at it.

The table is called ``data``; its columns have the kinds they are read with. The query sees these files and nothing
else: no other file, no network, no extension, and it can change no setting. One thread runs it, so that rows which it
does not order come in the same order each time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import UsageError
from backpass.table.database import identifier, literal, rows_in
from backpass.table.messages import ErrorList, refusal
from backpass.table.parquet import relation_columns, types_of
from backpass.table.raw import Content
from backpass.table.table import Column, DatetimeColumn, NumericColumn
from backpass.table.text_classification import Rules

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DATA, RESULT = "data", "result"


def provide_relation(database: DuckDBPyConnection, relation: str) -> None:
    """Make an SQL relation of typed files what a query sees."""
    database.execute(f"CREATE VIEW {DATA} AS SELECT * FROM {relation}")


def provide_columns(database: DuckDBPyConnection, columns: Sequence[Column]) -> None:
    """Make columns that have been read what a query sees."""
    database.register("arrays", {f"c{j}": _array(column) for j, column in enumerate(columns)})
    named = ", ".join(f"{_value(column, f'c{j}')} AS {identifier(column.name)}" for j, column in enumerate(columns))
    database.execute(f"CREATE TEMP TABLE {DATA} AS SELECT {named} FROM arrays")
    database.unregister("arrays")


def queried(
    database: DuckDBPyConnection,
    query: str,
    paths: Sequence[Path],
    source: str,
    rules: Rules,
    faults: ErrorList,
    index: Collection[str] = (),
) -> Content:
    """The columns of a query's result; those of an ``index`` under their old names only where they are asked for.

    Errors: UsageError for what is no single SELECT, or cannot be run; DataError for a result without rows.
    """
    import duckdb

    try:
        statements = database.extract_statements(query)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise UsageError("a query is one SELECT statement", hint=f"--query 'SELECT * FROM {DATA}'")
        _confine(database, paths)
        database.execute(f"CREATE TEMP TABLE {RESULT} AS {query.strip().rstrip(';')}")
        stored, rows = types_of(database, RESULT), rows_in(database, RESULT)
        content = relation_columns(database, RESULT, stored, rows, source, rules, faults, index)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"the query cannot be run: {first}", hint=f"the table is called {DATA}") from error
    if not content.rows:
        raise refusal(source, "the query gives no rows")
    return content


def _confine(database: DuckDBPyConnection, paths: Sequence[Path]) -> None:
    allowed = ", ".join(literal(str(path)) for path in paths)
    for setting in (
        f"allowed_paths = [{allowed}]",
        "enable_external_access = false",
        "python_enable_replacements = false",
        "threads = 1",
        "lock_configuration = true",
    ):
        database.execute(f"SET {setting}")


def _array(column: Column) -> NDArray[Any]:
    match column:
        case NumericColumn(_, values):
            return values
        case DatetimeColumn(_, microseconds):
            return microseconds.view("datetime64[us]")  # NumPy's "not a time" is ours
    return np.array([None, *column.levels], dtype=object)[column.codes]


def _value(column: Column, array: str) -> str:
    """SQL: an array as the type that a file would give it."""
    if isinstance(column, NumericColumn):
        return f"CASE WHEN NOT isnan({array}) THEN {array} END"
    return {"categorical": f"{array}::VARCHAR", "date": array, "time": f"{array}::TIME"}[column.kind]
