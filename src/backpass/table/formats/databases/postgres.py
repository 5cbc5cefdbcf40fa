"""PostgreSQL databases: a table, or the result of a query, fetched as Arrow by ADBC.

Takes an opened address; returns raw columns. The session is for reading only, and a query can do nothing but select.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from backpass.errors import ResourceError
from backpass.table.columns.raw import Content
from backpass.table.columns.rules import Rules
from backpass.table.files.database import identifier
from backpass.table.files.opening import Opened
from backpass.table.formats.databases.address import without_password
from backpass.table.formats.databases.tables import check_single, chosen_table, unrun
from backpass.table.formats.extra import extra_module
from backpass.table.frame import frame_content
from backpass.table.memory import TYPED_CELL, require_table_memory
from backpass.table.messages import ErrorList, data_error, shown

READ_ONLY = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
TABLES = """
SELECT table_schema::text, table_name::text FROM information_schema.tables
WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"""
USUAL_SCHEMA = "public"
TYPE, NAME, MONEY = b"POSTGRESQL:type", b"ADBC:postgresql:typname", b"money"
CAST = "cast it in a query: amount::numeric"


def read(file: Opened, rules: Rules, errors: ErrorList, query: str | None = None) -> Content:
    """Read the requested columns of a table, or of the result of a query.

    Raises:
        DataError: The table is not there or has no rows, or the driver is not installed.
        ResourceError: The server cannot be reached, or the columns do not fit in memory.
        UsageError: The query cannot be run.
    """
    check_single(file.member, query)
    driver = extra_module("adbc_driver_postgresql.dbapi", file.form, file.source)
    with _connected(driver, file) as cursor:
        relations = _tables(cursor)
        if query is None:
            statement = f"SELECT * FROM {relations[chosen_table([*relations], file.member, file.source)]}"
        else:  # anything but a query is a syntax error inside the parentheses
            statement = f"SELECT * FROM ({query.strip().rstrip(';')}\n) AS result"
        try:
            cursor.execute(statement)
            table = cursor.fetch_arrow_table()
        except driver.Error as error:
            if query is None:
                raise data_error(file.source, f"the table cannot be read ({_reason(error)})") from error
            raise unrun(ValueError(_reason(error)), [*relations]) from error
    require_table_memory(file.source, table.num_rows, table.num_columns, TYPED_CELL)
    if not table.num_rows:
        raise data_error(file.source, "has columns but no rows")
    content = frame_content(_plain(table, rules, errors), rules, errors)
    return replace(content, names=tuple(name.strip(" \t") for name in table.column_names))


@contextmanager
def _connected(driver: Any, file: Opened) -> Iterator[Any]:
    """Open a session for reading only.

    Raises:
        ResourceError: The server cannot be reached.
    """
    try:
        connection = driver.connect(file.address)
    except driver.Error as error:
        raise ResourceError(
            f"{file.source}: {_reason(error)}", hint="is the server running, and the address right?"
        ) from None
    with connection, connection.cursor() as cursor:
        cursor.execute(READ_ONLY)
        connection.commit()
        yield cursor


def _reason(error: Exception) -> str:
    """Return the first line of an error of the driver, without a password in it."""
    return without_password((str(error).splitlines() or [""])[0].rpartition("[libpq] ")[2])


def _tables(cursor: Any) -> dict[str, str]:
    """Return the relations by name; those outside the usual schema have their schema in the name."""
    cursor.execute(TABLES)
    return {
        table if schema == USUAL_SCHEMA else f"{schema}.{table}": f"{identifier(schema)}.{identifier(table)}"
        for schema, table in cursor.fetchall()
    }


def _plain(table: Any, rules: Rules, errors: ErrorList) -> Any:
    """Return the table with plain Arrow types in place of those that describe PostgreSQL's own."""
    import pyarrow
    from pyarrow import compute

    columns = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if not rules.wants(field.name.strip(" \t")):
            continue
        if (field.metadata or {}).get(TYPE) == MONEY:
            errors.add(f"column {shown(field.name)} is of type 'money', whose unit is not stated", CAST)
            continue
        kind = field.type
        if str(getattr(kind, "extension_name", "")) == "arrow.uuid":
            column = pyarrow.chunked_array(
                [pyarrow.array([v and str(v) for v in column.to_pylist()], pyarrow.string())]
            )
        elif storage := getattr(kind, "storage_type", None):
            column = column.cast(storage)
            if "numeric" in (getattr(kind, "type_name", ""), (field.metadata or {}).get(NAME, b"").decode()):
                column = compute.cast(column, pyarrow.float64())
        columns[field.name] = column
    errors.stop()
    return pyarrow.table([*columns.values()], names=[*columns])
