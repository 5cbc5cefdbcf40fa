"""Parquet: the columns of a Parquet file by their types.

Numbers of any type are numbers, booleans are the texts ``false`` and ``true``, strings are texts unless they all spell
dates or times, dates, timestamps and times are moments. Nested and binary columns are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backpass.table.database import identifier, literal, numbers_of, pattern, rows_in, texts_of, ticks_of
from backpass.table.kinds import Rules
from backpass.table.opening import Opened
from backpass.table.raw import Content, RawColumn, RawMoments, RawNumbers, RawTexts
from backpass.table.records import check_names
from backpass.table.wording import Faults, refusal, shown

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FLOATS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE"}
WIDE = ("DECIMAL", "HUGEINT", "UHUGEINT", "BIGNUM")  # through their text, which rounds once and correctly
TEXTS = ("VARCHAR", "ENUM", "UUID", "BOOLEAN", '"NULL"')  # the last: a column that only ever held nothing
NANOSECONDS = "TIMESTAMP_NS"
MOMENTS = {"DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", NANOSECONDS, "TIMESTAMP WITH TIME ZONE"}
UNFIT = "numbers, texts, booleans, dates and times can be read: leave the column out with --drop, or unpack it first"


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
        columns = list(_columns(database, relation, wanted, faults))
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(file.path), "the file")
        raise refusal(file.source, f"is a damaged Parquet file ({reason})") from error
    if not rows:
        raise refusal(file.source, "has columns but no rows")
    return Content(names, columns, rows)


def _columns(
    database: DuckDBPyConnection, relation: str, wanted: list[tuple[str, str, str]], faults: Faults
) -> Iterator[RawColumn]:
    values = {name: value for name, stored, type_ in wanted if (value := number_sql(identifier(stored), type_))}
    numbers = dict(zip(values, numbers_of(database, relation, list(values.values())), strict=True))
    for name, stored, type_ in wanted:
        if name in numbers:
            yield RawNumbers(name, numbers[name])
        elif type_ in MOMENTS:
            yield _moments(database, relation, name, identifier(stored), type_)
        elif type_.startswith(TEXTS) and not type_.endswith("]"):
            yield RawTexts(name, *texts_of(database, relation, f"{identifier(stored)}::VARCHAR"), typed=True)
        else:
            faults.add(f"column {shown(name)} is of type {shown(type_)}", UNFIT)


def number_sql(column: str, type_: str) -> str | None:
    """The SQL expression of type DOUBLE for a column of this type; None where it holds no numbers.

    >>> number_sql('"x"', "INTEGER"), number_sql('"x"', "INTEGER[]")
    ('"x"::DOUBLE', None)
    """
    if type_ in FLOATS:
        return f"{column}::DOUBLE"
    if type_.startswith(WIDE) and not type_.endswith("]"):
        return f"{column}::VARCHAR::DOUBLE"
    return None


def _moments(database: DuckDBPyConnection, relation: str, name: str, column: str, type_: str) -> RawMoments:
    if type_ == NANOSECONDS:  # divided here, so that moments before 1970 are cut off as those after it are
        return RawMoments(name, ticks_of(database, relation, f"epoch_ns({column})", divisor=1_000), "date")
    zoned, is_time = type_.endswith("ZONE"), type_ == "TIME"
    value = column if is_time else f"{column}::{'TIMESTAMPTZ' if zoned else 'TIMESTAMP'}"
    return RawMoments(name, ticks_of(database, relation, f"epoch_us({value})"), "time" if is_time else "date", zoned)
