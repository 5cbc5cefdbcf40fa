"""SQL queries: run a SELECT over a table in DuckDB before the table is processed further.

The table is called ``data``; its columns have the kinds they are read with. The query can access these files only: no
other file, no network and no extension, and it cannot change a setting. It may read a file that the reader cannot
read, by its name or as ``read_csv(getvariable('file'), skip = 4)``, with all options of DuckDB. It runs in a single
thread so that rows without an ORDER BY come in a reproducible order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import DataError, UsageError
from backpass.table.columns.raw import Content
from backpass.table.columns.rules import Rules
from backpass.table.files.database import identifier, literal, rows_in
from backpass.table.files.opening import Opened
from backpass.table.formats.parquet import relation_columns, types_of
from backpass.table.messages import ErrorList, data_error, shown
from backpass.table.table import Column, DatetimeColumn, NumericColumn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DATA, RESULT, FILE = "data", "result", "file"


def provide_relation(database: DuckDBPyConnection, relation: str) -> None:
    """Create the view ``data`` over an SQL relation of typed files."""
    database.execute(f"CREATE VIEW {DATA} AS SELECT * FROM {relation}")


def provide_columns(database: DuckDBPyConnection, columns: Sequence[Column]) -> None:
    """Create the table ``data`` from columns already read."""
    database.register("arrays", {f"c{j}": _array(column) for j, column in enumerate(columns)})
    named = ", ".join(f"{_value(column, f'c{j}')} AS {identifier(column.name)}" for j, column in enumerate(columns))
    database.execute(f"CREATE TEMP TABLE {DATA} AS SELECT {named} FROM arrays")
    database.unregister("arrays")


def bounds_notes(columns: Iterable[Column]) -> list[str]:
    """Return the notes on columns whose bounds (<30) are plain numbers in a query."""
    bounded = [each.name for each in columns if isinstance(each, NumericColumn) and each.bounds is not None]
    return [f"column {shown(name)}: in the query, bounds such as < and > are plain numbers" for name in bounded]


def queried(
    database: DuckDBPyConnection,
    query: str,
    files: Sequence[Opened],
    rules: Rules,
    errors: ErrorList,
    index: Collection[str] = (),
    *,
    hint: str = f"the table is called {DATA}, the file getvariable('{FILE}')",
) -> Content:
    """Run a query and return the columns of its result.

    Args:
        database: Connection that has the table ``data``.
        query: The SELECT statement.
        files: Files that the query may read.
        rules: What is required of the result's columns.
        errors: Collects errors.
        index: Names of pandas index columns; the result keeps them only where ``rules`` names them.
        hint: What the tables are called.

    Raises:
        UsageError: ``query`` is not a single SELECT, or cannot be run.
        DataError: The result has no rows.
    """
    import duckdb

    try:
        statements = database.extract_statements(query)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise UsageError("a query must be a single SELECT statement", hint=f"--query 'SELECT * FROM ...'; {hint}")
        confine(database, files)
        database.execute(f"CREATE TEMP TABLE {RESULT} AS {query.strip().rstrip(';')}")
        stored, rows = types_of(database, RESULT), rows_in(database, RESULT)
        content = relation_columns(database, RESULT, stored, rows, errors.source, rules, errors, index)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"the query cannot be run: {first}", hint=hint) from error
    if not content.rows:
        raise data_error(errors.source, "the query returns no rows")
    return content


def mentions_data(query: str) -> bool:
    """Whether a query may name the table, so that it must be read.

    >>> mentions_data("SELECT * FROM Data"), mentions_data("FROM read_csv(getvariable('file'))")
    (True, False)
    """
    return re.search(rf"\b{DATA}\b", query, re.IGNORECASE) is not None


def queried_without_data(
    database: DuckDBPyConnection,
    query: str,
    files: Sequence[Opened],
    rules: Rules,
    errors: ErrorList,
    error: DataError,
) -> Content:
    """Run a query although the table could not be read, because it may read the file by itself.

    Raises:
        DataError: The query needs the table; the error is the one for which it could not be read.
        UsageError: As ``queried``.
    """
    try:
        return queried(database, query, files, rules, errors)
    except UsageError as failed:
        if f"Table with name {DATA} does not exist" not in failed.message:
            raise
        hint = (
            f"--query \"SELECT * FROM read_csv(getvariable('{FILE}'), skip = 1)\" reads the file with DuckDB's options"
        )
        error.hint = f"{error.hint}; {hint}" if error.hint else hint
        raise error from None


def confine(database: DuckDBPyConnection, files: Sequence[Opened]) -> None:
    """Restrict the query to these files, under their own names and as they are on disk, and to one thread."""
    named = [file.source for file in files if Path(file.source).is_file()]
    paths = [str(file.path) for file in files]
    allowed = ", ".join(literal(path) for path in dict.fromkeys([*named, *paths]))
    prepared = literal(paths[0]) if len(paths) == 1 else f"[{', '.join(map(literal, paths))}]"
    database.execute(f"SET VARIABLE {FILE} = {prepared}")
    for setting in (
        f"allowed_paths = [{allowed}]",
        "enable_external_access = false",
        "python_enable_replacements = false",
        "threads = 1",
        "lock_configuration = true",
    ):
        database.execute(f"SET {setting}")


def _array(column: Column) -> NDArray[Any]:
    """Return a column as an array that DuckDB can read."""
    match column:
        case NumericColumn(_, values):
            return values
        case DatetimeColumn(_, microseconds):
            return microseconds.view("datetime64[us]")  # NAT has the bit pattern of NumPy's NaT
    return np.array([None, *column.levels], dtype=object)[column.codes]


def _value(column: Column, array: str) -> str:
    """Return the SQL expression that gives an array the type it would have in a file."""
    if isinstance(column, NumericColumn):
        return f"CASE WHEN NOT isnan({array}) THEN {array} END"
    return {"categorical": f"{array}::VARCHAR", "date": array, "time": f"{array}::TIME"}[column.kind]
