"""Parquet: the columns of a Parquet file by their types.

Numbers of any type are numbers, booleans are the texts ``false`` and ``true``, strings are texts unless they all spell
dates or times, dates, timestamps and times are moments. Nested and binary columns are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from backpass.errors import DataError
from backpass.table.database import identifier, literal, numbers_of, pattern, rows_in, texts_of, ticks_of
from backpass.table.judging import Rules
from backpass.table.memory import LESS, TYPED_CELL, require_memory, table_of
from backpass.table.objects import UNFIT
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
TIMES = {"TIME", "TIME WITH TIME ZONE"}
"""Parquet of older writers says that times of day are in UTC: they are taken as they stand."""
MOMENTS = TIMES | {
    "DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", NANOSECONDS, "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip


def parquet_columns(database: DuckDBPyConnection, file: Opened, rules: Rules, faults: Faults) -> Content:
    """What the file holds; DataError where it is damaged or has no rows."""
    import duckdb

    relation = parquet_relation([file])
    try:
        stored, rows = types_of(database, relation), rows_in(database, relation)
        width = len([name for name, _ in stored if rules.wants(name.strip(" \t"))])
        require_memory(TYPED_CELL * rows * width, table_of(file.source, rows, width), LESS)
        content = relation_columns(database, relation, stored, rows, file.source, rules, faults)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise damaged(file, error) from error
    if not content.rows:
        raise refusal(file.source, "has columns but no rows")
    return content


def parquet_relation(files: Sequence[Opened]) -> str:
    """The SQL relation of Parquet files."""
    paths = ", ".join(literal(pattern(file.path)) for file in files)
    return f"read_parquet([{paths}], hive_partitioning=false, union_by_name=true)"


def parquet_names(database: DuckDBPyConnection, file: Opened) -> tuple[str, ...]:
    """The names of the columns.    Errors: DataError where the file is damaged."""
    import duckdb

    try:
        return tuple(name for name, _ in types_of(database, parquet_relation([file])))
    except duckdb.Error as error:
        raise damaged(file, error) from error


def damaged(file: Opened, error: Exception) -> DataError:
    """What DuckDB says of a file, in our words."""
    reason = str(error).splitlines()[0].replace(str(file.path), "the file")
    return refusal(file.source, f"is a damaged Parquet file ({reason})")


def types_of(database: DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    """Name and type of each column of an SQL relation.    Errors: duckdb.Error."""
    described = database.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return [(str(name), str(type_)) for name, type_, *_ in described]


def relation_columns(
    database: DuckDBPyConnection,
    relation: str,
    stored: Sequence[tuple[str, str]],
    rows: int,
    source: str,
    rules: Rules,
    faults: Faults,
) -> Content:
    """The wanted columns of an SQL relation with types and rows.    Errors: DataError for names, duckdb.Error."""
    names = tuple(name.strip(" \t") for name, _ in stored)
    check_names(names, source)
    wanted = [(name, *typed) for name, typed in zip(names, stored, strict=True) if rules.wants(name)]
    return Content(names, list(_columns(database, relation, wanted, faults)), rows)


def _columns(
    database: DuckDBPyConnection, relation: str, wanted: list[tuple[str, str, str]], faults: Faults
) -> Iterator[RawColumn]:
    values = {name: value for name, stored, type_ in wanted if (value := number_sql(identifier(stored), type_))}
    numbers = dict(zip(values, numbers_of(database, relation, list(values.values())), strict=True))
    spoken = {name: f"{identifier(stored)}::VARCHAR" for name, stored, type_ in wanted if _holds_texts(type_)}
    texts = dict(zip(spoken, texts_of(database, relation, list(spoken.values())), strict=True))
    for name, stored, type_ in wanted:
        if name in numbers:
            yield RawNumbers(name, numbers[name])
        elif name in texts:
            yield RawTexts(name, *texts[name], typed=True)
        elif type_ in MOMENTS:
            yield _moments(database, relation, name, identifier(stored), type_)
        else:
            faults.add(f"column {shown(name)} is of type {shown(type_)}", UNFIT)


def _holds_texts(type_: str) -> bool:
    return type_.startswith(TEXTS) and not type_.endswith("]")


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
    if type_ in TIMES:
        return RawMoments(name, ticks_of(database, relation, f"epoch_us({column}::TIME)"), "time")
    zoned = type_.endswith("ZONE")
    value = f"{column}::{'TIMESTAMPTZ' if zoned else 'TIMESTAMP'}"
    return RawMoments(name, ticks_of(database, relation, f"epoch_us({value})"), "date", zoned)
