"""SQLite databases: a table, or the result of a query, read by Python's ``sqlite3``.

Takes an opened file; returns raw columns. The database is opened for reading only, and a query can do nothing but
select. SQLite gives values, not columns, a type: a column with numbers and texts is read like a column of a CSV file,
and so is a table of nothing but texts, which is what an import of a CSV file leaves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from backpass.errors import UsageError
from backpass.table.columns.objects import raw_objects
from backpass.table.columns.raw import Content, RawColumn, RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.delimited.records import check_names
from backpass.table.files.database import identifier
from backpass.table.files.opening import Opened
from backpass.table.formats.databases.tables import check_single, chosen_table, unrun
from backpass.table.memory import LESS, require_memory
from backpass.table.messages import ErrorList, data_error, plain

PIECE = 100_000  # rows fetched between checks of the memory
VALUE = 40  # bytes of a value as a Python object, and its place in a row
TABLES = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
SELECTING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
TEXTS = "all columns hold strings, which are read like those of a CSV file"


def read(file: Opened, rules: Rules, errors: ErrorList, query: str | None = None) -> Content:
    """Read the requested columns of a table, or of the result of a query.

    Raises:
        DataError: The file is damaged, or the table is not there or has no rows.
        ResourceError: The columns do not fit in memory.
        UsageError: The query cannot be run.
    """
    check_single(file.member, query)
    try:
        with _connected(file) as database:
            tables = [str(name) for (name,) in database.execute(f"{TABLES} ORDER BY name")]
            if query is not None:
                return _queried(database, query, tables, file, rules, errors)
            relation = identifier(chosen_table(tables, file.member, file.source))
            return _content(database.execute(f"SELECT * FROM {relation}"), file, rules, errors)
    except sqlite3.Error as error:
        raise data_error(file.source, f"is a damaged SQLite database ({error})") from error


@contextmanager
def _connected(file: Opened) -> Iterator[sqlite3.Connection]:
    """Open the database; nothing can be changed, attached or loaded."""
    address = f"file:{quote(str(file.path.absolute()))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as database:
        database.text_factory = _decoded
        yield database


def _decoded(text: bytes) -> str | bytes:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text  # an error of the column, which names the rows


def _queried(
    database: sqlite3.Connection, query: str, tables: Sequence[str], file: Opened, rules: Rules, errors: ErrorList
) -> Content:
    database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in SELECTING else sqlite3.SQLITE_DENY)
    try:
        return _content(database.execute(query), file, rules, errors)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise unrun(error, tables) from error


def _content(cursor: sqlite3.Cursor, file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Return the columns of a statement that was run.

    Raises:
        DataError: There are no rows, or names of columns repeat.
        ResourceError: The columns do not fit in memory.
    """
    if cursor.description is None:
        raise UsageError("a query must be a single SELECT statement")
    names = tuple(str(column[0]).strip(" \t") for column in cursor.description)
    check_names(names, file.source)
    rows = list[tuple[Any, ...]]()
    while piece := cursor.fetchmany(PIECE):
        rows += piece
        require_memory(VALUE * PIECE * len(names), f"{plain(file.source)}, after {len(rows):,} rows,", LESS)
    if not rows:
        raise data_error(file.source, "has columns but no rows")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    is_typed = any(isinstance(value, int | float) for values in columns.values() for value in values)
    wanted = {name: values for name, values in columns.items() if rules.wants(name)}
    found = [_column(name, values, rules, errors, is_typed=is_typed) for name, values in wanted.items()]
    notes = () if is_typed else (TEXTS,)
    return Content(names, [column for column in found if column is not None], len(rows), notes)


def _column(name: str, values: Sequence[Any], rules: Rules, errors: ErrorList, *, is_typed: bool) -> RawColumn | None:
    found = raw_objects(name, list(values), rules, errors)
    return replace(found, typed=False) if isinstance(found, RawStrings) and not is_typed else found
