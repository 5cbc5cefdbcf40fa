"""Parquet: the columns of a Parquet file by their types.

Numbers of any type are numbers, booleans are the texts ``false`` and ``true``, strings are texts whatever they spell,
dates and times of day on a date are days since 1970-01-01 (a number). Nested and binary columns are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backpass.table.database import identifier, literal, numbers_of, pattern, rows_in, texts_of
from backpass.table.kinds import Rules
from backpass.table.opening import Opened
from backpass.table.raw import Content, RawColumn, RawNumbers, RawTexts
from backpass.table.records import check_names
from backpass.table.wording import Faults, refusal, shown

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FLOATS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE"}
WIDE = ("DECIMAL", "HUGEINT", "UHUGEINT", "BIGNUM")  # through their text, which rounds once and correctly
TEXTS = ("VARCHAR", "ENUM", "UUID", "BOOLEAN", '"NULL"')  # the last: a column that only ever held nothing
DAY_NOTE = "column {}: dates are read as days since 1970-01-01"
UNFIT = "numbers, texts, booleans and dates can be read: leave the column out with --drop, or unpack it first"


def parquet_columns(
    database: DuckDBPyConnection, file: Opened, rules: Rules, faults: Faults, notes: list[str]
) -> Content:
    """What the file holds; DataError where it is damaged or has no rows."""
    import duckdb

    relation = f"read_parquet({literal(pattern(file.path))}, hive_partitioning=false)"
    try:
        described = database.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        types = [(str(name), str(type_)) for name, type_, *_ in described]
        names = tuple(name.strip(" \t") for name, _ in types)
        check_names(names, file.source)
        rows = rows_in(database, relation)
        wanted = [(name, *typed) for name, typed in zip(names, types, strict=True) if rules.wants(name)]
        columns = list(_columns(database, relation, wanted, faults, notes))
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(file.path), "the file")
        raise refusal(file.source, f"is a damaged Parquet file ({reason})") from error
    if not rows:
        raise refusal(file.source, "has columns but no rows")
    return Content(names, columns, rows)


def _columns(
    database: DuckDBPyConnection, relation: str, wanted: list[tuple[str, str, str]], faults: Faults, notes: list[str]
) -> Iterator[RawColumn]:
    values = {name: value for name, stored, type_ in wanted if (value := number_sql(identifier(stored), type_))}
    numbers = dict(zip(values, numbers_of(database, relation, list(values.values())), strict=True))
    for name, stored, type_ in wanted:
        if name in numbers:
            if type_.startswith(("DATE", "TIMESTAMP")):
                notes.append(DAY_NOTE.format(shown(name)))
            yield RawNumbers(name, numbers[name])
        elif type_.startswith(TEXTS) and not type_.endswith("]"):
            yield RawTexts(name, *texts_of(database, relation, f"{identifier(stored)}::VARCHAR"), typed=True)
        else:
            faults.add(f"column {shown(name)} is of type {shown(type_)}", UNFIT)


def number_sql(column: str, type_: str) -> str | None:
    """The SQL expression of type DOUBLE for a column of this type; None where it holds no numbers.

    >>> number_sql('"x"', "DATE"), number_sql('"x"', "INTEGER[]")
    ('epoch_us("x"::TIMESTAMP)::DOUBLE / 86400e6', None)
    """
    if type_ in FLOATS:
        return f"{column}::DOUBLE"
    if type_.startswith(WIDE) and not type_.endswith("]"):
        return f"{column}::VARCHAR::DOUBLE"
    if type_ == "TIMESTAMP_NS":
        return f"epoch_ns({column})::DOUBLE / 86400e9"
    if type_ == "DATE" or (type_.startswith("TIMESTAMP") and not type_.endswith("]")):
        return f"epoch_us({column}::{'TIMESTAMPTZ' if 'ZONE' in type_ else 'TIMESTAMP'})::DOUBLE / 86400e6"
    return None
