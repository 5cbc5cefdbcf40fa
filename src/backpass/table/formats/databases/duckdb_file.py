"""DuckDB databases: a table of a database file, or the result of a query over its tables.

Takes an opened file; returns raw columns, by the types of the columns as in ``parquet``. The file is opened for reading
only, and a query can read nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backpass.table.columns.raw import Content
from backpass.table.columns.rules import Rules
from backpass.table.files.database import connected, identifier, literal, rows_in
from backpass.table.files.opening import Opened
from backpass.table.files.query import confine, queried
from backpass.table.formats.databases.tables import check_single, chosen_table
from backpass.table.formats.parquet import relation_columns, types_of
from backpass.table.memory import TYPED_CELL, require_table_memory
from backpass.table.messages import ErrorList, data_error, listed, shown

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STORED = "stored"  # the name under which the file is attached
TABLES = f"""
SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = '{STORED}' AND NOT internal
UNION ALL
SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = '{STORED}' AND NOT internal
ORDER BY ALL"""


def read(file: Opened, rules: Rules, errors: ErrorList, query: str | None = None) -> Content:
    """Read the requested columns of a table, or of the result of a query.

    Raises:
        DataError: The file is damaged, or the table is not there or has no rows.
        ResourceError: The columns do not fit in memory.
        UsageError: The query cannot be run.
    """
    import duckdb

    check_single(file.member, query)
    with connected(alone=True) as database:
        try:
            database.execute(f"ATTACH {literal(str(file.path))} AS {STORED} (READ_ONLY)")
            tables = _tables(database)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0].replace(str(file.path), "the file")
            raise data_error(file.source, f"cannot be opened as a DuckDB database ({reason})") from error
        if query is not None:
            database.execute(f"USE {STORED}")
            hint = f"its tables are {listed([*tables], shown)}"
            return queried(database, query, [file], rules, errors, hint=hint)
        relation = tables[chosen_table([*tables], file.member, file.source)]
        confine(database, [file])
        return _content(database, relation, file, rules, errors)


def _tables(database: DuckDBPyConnection) -> dict[str, str]:
    """Return the relations by name; those outside the schema ``main`` have their schema in the name."""
    found = database.execute(TABLES).fetchall()
    return {
        table if schema == "main" else f"{schema}.{table}": ".".join(map(identifier, (STORED, schema, table)))
        for schema, table in found
    }


def _content(database: DuckDBPyConnection, relation: str, file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Return the columns of a relation.

    Raises:
        DataError: It cannot be read, or has no rows.
        ResourceError: The columns do not fit in memory.
    """
    import duckdb

    try:
        stored, rows = types_of(database, relation), rows_in(database, relation)
        width = sum(rules.wants(name.strip(" \t")) for name, _ in stored)
        require_table_memory(file.source, rows, width, TYPED_CELL)
        content = relation_columns(database, relation, stored, rows, file.source, rules, errors, is_view=True)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise data_error(file.source, f"the table cannot be read ({str(error).splitlines()[0]})") from error
    if not content.rows:
        raise data_error(file.source, "has columns but no rows")
    return content
