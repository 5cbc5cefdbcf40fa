"""Parquet columns: the columns of a Parquet file as raw columns, by their types.

Numbers of any type become float64 and booleans the categories ``false`` and ``true``. Strings, and bytes in UTF-8, are
categorical unless they all spell dates or times. Dates and timestamps become dates, times stay times, durations become
seconds. Nested columns are an error that names them. ``parquet_metadata`` reads the units of durations and the names of
pandas index columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backpass.dataclass import dataclass
from backpass.errors import DataError
from backpass.table.columns.objects import UNFIT, add_calendar_spans, add_undecoded
from backpass.table.columns.raw import Content, RawColumn, RawDatetimes, RawNumbers, RawStrings
from backpass.table.columns.row_names import index_among, index_note
from backpass.table.columns.rules import Rules
from backpass.table.datetimes.timestamp import FAR_DATES, DatetimeKind, microseconds_of_days
from backpass.table.delimited.records import check_names
from backpass.table.files.database import identifier, literal, microseconds_of, numbers_of, pattern, rows_in, texts_of
from backpass.table.files.opening import Opened
from backpass.table.formats.parquet_metadata import DURATION, ParquetMetadata, duration_sql, renamed_notes
from backpass.table.memory import TYPED_CELL, require_table_memory
from backpass.table.messages import ErrorList, data_error, shown

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
REALS = {"FLOAT", "DOUBLE"}
FLOATS = INTEGERS | REALS
WIDE_INTEGERS = ("HUGEINT", "UHUGEINT", "BIGNUM")
WIDE = ("DECIMAL", *WIDE_INTEGERS)  # converted through text, which rounds once and correctly
ENUM = "ENUM"
TEXTS = ("VARCHAR", ENUM, "UUID", "BOOLEAN", '"NULL"')  # "NULL": a column without any value
BYTES, INTERVAL, DATE = "BLOB", "INTERVAL", "DATE"
NANOSECONDS = {"TIMESTAMP_NS", "TIMESTAMPTZ_NS", "TIME_NS"}
"""Casts to microseconds round to the nearest; these are rounded down, as all timestamps are, also those before 1970."""
TIMES = {"TIME", "TIME_NS", "TIME WITH TIME ZONE"}
"""Older writers mark times of day as UTC; the zone is ignored."""
ZONED = {"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"}
MOMENTS = TIMES | ZONED | {"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}


def parquet_columns(database: DuckDBPyConnection, file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Read the requested columns of a file.

    Raises:
        DataError: The file is damaged or has no rows.
        ResourceError: The columns do not fit in memory.
    """
    relation = parquet_relation([file])
    with parquet_errors(database, relation, file):
        metadata = ParquetMetadata.of(database, file)
        stored, rows = metadata.typed(types_of(database, relation)), rows_in(database, relation)
        renamed = renamed_notes(database, file, [name for name, _ in stored])
        width = len([name for name, _ in stored if rules.wants(name.strip(" \t"))])
        require_table_memory(file.source, rows, width, TYPED_CELL)
        content = relation_columns(database, relation, stored, rows, file.source, rules, errors, metadata.index)
    if not content.rows:
        raise data_error(file.source, "has columns but no rows")
    return replace(content, notes=(*content.notes, *renamed)) if renamed else content


@contextmanager
def parquet_errors(database: DuckDBPyConnection, relation: str, file: Opened) -> Iterator[None]:
    """Convert DuckDB's errors about a file to ours.

    Raises:
        DataError: The file is damaged, or holds dates that cannot be converted.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.ConversionException as error:
        raise _far_dates(database, relation, file, error) from error
    except duckdb.Error as error:
        raise damaged(file, error, _damaged_group(database, file)) from error


def parquet_relation(files: Sequence[Opened]) -> str:
    """Return the SQL relation of Parquet files."""
    paths = ", ".join(literal(pattern(file.path)) for file in files)
    # Without ``can_have_nan`` DuckDB concludes from a file's statistics, which leave NaN out, that there are none.
    return f"read_parquet([{paths}], hive_partitioning=false, union_by_name=true, can_have_nan=true)"


@dataclass(frozen=True, slots=True)
class Described:
    """A Parquet file before its columns are read.

    Attributes:
        file: The file.
        stored: Name and type of each column.
        metadata: The file's metadata on its columns.
    """

    file: Opened
    stored: Sequence[tuple[str, str]]
    metadata: ParquetMetadata

    @classmethod
    def of(cls, database: DuckDBPyConnection, file: Opened) -> Described:
        """Read the types and the metadata of a file.

        Raises:
            DataError: The file is damaged.
        """
        import duckdb

        try:
            return cls(file, types_of(database, parquet_relation([file])), ParquetMetadata.of(database, file))
        except duckdb.Error as error:
            raise damaged(file, error) from error

    def names(self, rules: Rules) -> tuple[str, ...]:
        """Return the column names, without index columns."""
        index = self.index(rules)
        return tuple(name for name, _ in self.stored if name not in index)

    def index(self, rules: Rules) -> tuple[str, ...]:
        """Return the names of the index columns that ``rules`` does not name."""
        return index_among([name for name, _ in self.stored], self.metadata.index, rules.named)


def described_relation(files: Sequence[Described]) -> str:
    """Return the SQL relation of Parquet files with durations as seconds, and NaN as NULL, as in all other formats."""
    replaced = [[*file.metadata.replacements(file.stored), *_without_nan(file.stored)] for file in files]
    if not any(replaced):
        return parquet_relation([file.file for file in files])
    terms = [f"REPLACE ({', '.join(values)})" if values else "" for values in replaced]
    relations = [parquet_relation([file.file]) for file in files]
    parts = (f"SELECT * {term} FROM {relation}" for term, relation in zip(terms, relations, strict=True))
    return f"({' UNION ALL BY NAME '.join(parts)})"


def _without_nan(stored: Sequence[tuple[str, str]]) -> list[str]:
    columns = [identifier(name) for name, type_ in stored if type_ in REALS]
    return [f"CASE WHEN NOT isnan({column}) THEN {column} END AS {column}" for column in columns]


def damaged(file: Opened, error: Exception, where: str = "") -> DataError:
    """Return the error for a damaged file, with DuckDB's reason, and where the damage is, if that is known."""
    named = rf"(?:file )?(['\"]?){re.escape(str(file.path))}\1"  # DuckDB names the file, which may be a temporary copy
    reason = re.sub(named, "the file", str(error).splitlines()[0])
    return data_error(file.source, f"is a damaged Parquet file ({f'{where}: ' if where else ''}{reason})")


def _damaged_group(database: DuckDBPyConnection, file: Opened) -> str:
    """Return the first row group that cannot be read, with its rows; "" if the file's metadata cannot be."""
    import duckdb

    path = literal(pattern(file.path))
    count = f"SELECT row_group_id, max(row_group_num_rows) FROM parquet_metadata({path}) GROUP BY ALL ORDER BY ALL"
    first = 0
    try:
        groups = database.execute(count).fetchall()
        for number, rows in groups:
            numbered = f"read_parquet({path}, file_row_number=true)"
            own = f"file_row_number BETWEEN {first} AND {first + rows - 1}"
            try:
                database.execute(f"SELECT max(hash(COLUMNS(*))) FROM {numbered} WHERE {own}").fetchall()
            except duckdb.Error:
                return f"row group {number + 1} of {len(groups)}, rows {first + 1} to {first + rows}"
            first += rows
    except duckdb.Error:
        return ""
    return ""


def _far_dates(database: DuckDBPyConnection, relation: str, file: Opened, error: Exception) -> DataError:
    """Return the error for timestamps in milliseconds too far from 1970 to be converted to microseconds."""
    import duckdb

    for name in (name for name, type_ in types_of(database, relation) if type_ in MOMENTS):
        try:
            database.execute(f"SELECT max({identifier(name)}::VARCHAR) FROM {relation}").fetchall()
        except duckdb.ConversionException:
            return data_error(file.source, f"column {shown(name)} holds dates before year 1 or after 9999", FAR_DATES)
    return damaged(file, error)


def types_of(database: DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    """Return the name and type of each column of an SQL relation.

    Raises:
        duckdb.Error: DuckDB cannot read the relation.
    """
    described = database.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return [(str(name), str(type_)) for name, type_, *_ in described]


def relation_columns(
    database: DuckDBPyConnection,
    relation: str,
    stored: Sequence[tuple[str, str]],
    rows: int,
    source: str,
    rules: Rules,
    errors: ErrorList,
    index: Collection[str] = (),
    *,
    is_view: bool = False,
) -> Content:
    """Read the requested columns of an SQL relation.

    Args:
        database: The connection.
        relation: The relation.
        stored: Name and type of each column.
        rows: Number of rows.
        source: Name of the table in messages.
        rules: What is required of the columns.
        errors: Collects errors.
        index: Names of pandas index columns; they are read only where ``rules`` names them.
        is_view: Whether the relation may be computed anew by each query: then as few queries as possible read it.

    Raises:
        DataError: Column names are empty or repeated.
        duckdb.Error: DuckDB cannot read the relation.
    """
    names = tuple(name.strip(" \t") for name, _ in stored)
    check_names(names, source)
    left = index_among(names, index, rules.named)
    rules = replace(rules, drop=rules.drop | {*left})
    wanted = [(name, *typed) for name, typed in zip(names, stored, strict=True) if rules.wants(name)]
    known = tuple(name for name in names if name not in left)
    columns = list(_columns(database, relation, wanted, 0 if is_view else rows, rules, errors))
    return Content(known, columns, rows, (index_note(left),) if left else ())


def _columns(
    database: DuckDBPyConnection,
    relation: str,
    wanted: list[tuple[str, str, str]],
    rows: int,
    rules: Rules,
    errors: ErrorList,
) -> Iterator[RawColumn]:
    """Yield the raw columns; numbers and strings are each queried for all columns together."""
    exact = {name for name, _, type_ in wanted if rules.required_kind(name) == "categorical" and _is_whole(type_)}
    values = {
        name: value
        for name, stored, type_ in wanted
        if name not in exact and (value := number_sql(identifier(stored), type_))
    }
    numbers = dict(zip(values, numbers_of(database, relation, list(values.values()), rows), strict=True))
    as_text = {
        name: text
        for name, stored, type_ in wanted
        if (text := text_sql(identifier(stored), "VARCHAR" if name in exact else type_))
    }
    texts = dict(zip(as_text, texts_of(database, relation, list(as_text.values())), strict=True))
    for name, stored, type_ in wanted:
        _check_values(database, relation, name, identifier(stored), type_, rules.before, errors)
        if name in numbers:
            is_duration = type_ == INTERVAL or type_.startswith(DURATION)
            yield RawNumbers(name, numbers[name], is_duration)
        elif name in texts:
            yield RawStrings(name, *texts[name], typed=True, is_category=type_.startswith(ENUM))
        elif type_ in MOMENTS:
            yield _datetimes(database, relation, name, identifier(stored), type_)
        else:
            errors.add(f"column {shown(name)} is of type {shown(type_)}", UNFIT)


def _check_values(
    database: DuckDBPyConnection, relation: str, name: str, column: str, type_: str, before: int, errors: ErrorList
) -> None:
    """Add errors for bytes that are not UTF-8, and for intervals with months."""
    if type_ not in (BYTES, INTERVAL):
        return
    unfit = number_sql(column, type_) or text_sql(column, type_)
    found = database.execute(f"SELECT {column} IS NOT NULL AND ({unfit}) IS NULL AS v FROM {relation}").fetchnumpy()
    if len(rows := np.flatnonzero(np.asarray(found["v"])) + 1 + before):
        (add_undecoded if type_ == BYTES else add_calendar_spans)(name, rows, errors)


def _is_whole(type_: str) -> bool:
    """Whether a column of this type holds integers, whose digits are kept if they must be categories."""
    is_decimal = type_.startswith("DECIMAL") and type_.endswith(",0)")
    return type_ in INTEGERS or is_decimal or type_ in WIDE_INTEGERS


def text_sql(column: str, type_: str) -> str | None:
    """Return an SQL expression of type VARCHAR for a column of this type; None if it does not hold strings.

    >>> text_sql('"x"', "UUID"), text_sql('"x"', "BLOB"), text_sql('"x"', "INTEGER")
    ('"x"::VARCHAR', 'try(decode("x"))', None)
    """
    if type_ == BYTES:
        return f"try(decode({column}))"
    return f"{column}::VARCHAR" if type_.startswith(TEXTS) and not type_.endswith("]") else None


def number_sql(column: str, type_: str) -> str | None:
    """Return an SQL expression of type DOUBLE for a column of this type; None if it does not hold numbers.

    >>> number_sql('"x"', "INTEGER"), number_sql('"x"', "INTEGER[]")
    ('"x"::DOUBLE', None)
    """
    if type_ in FLOATS:
        return f"{column}::DOUBLE"
    if type_.startswith(WIDE) and not type_.endswith("]"):
        return f"{column}::VARCHAR::DOUBLE"
    if type_.startswith(DURATION):
        return duration_sql(column, type_.removeprefix(DURATION))
    if type_ == INTERVAL:  # months and years have no fixed length: NULL
        seconds = duration_sql(f"try(epoch_us({column}))", "us")
        return f"CASE WHEN datepart('year', {column}) = 0 AND datepart('month', {column}) = 0 THEN {seconds} END"
    return None


def _datetimes(database: DuckDBPyConnection, relation: str, name: str, column: str, type_: str) -> RawDatetimes:
    if type_ == DATE:
        [days] = numbers_of(database, relation, [f"({column} - DATE '1970-01-01')::DOUBLE"])
        return RawDatetimes(name, microseconds_of_days(days), "date")
    kind: DatetimeKind = "time" if type_ in TIMES else "date"
    if type_ in NANOSECONDS:
        microseconds = microseconds_of(database, relation, column, f"epoch_ns({column})", divisor=1_000)
    else:
        common = "TIME" if type_ in TIMES else "TIMESTAMPTZ" if type_ in ZONED else "TIMESTAMP"
        microseconds = microseconds_of(database, relation, column, f"epoch_us({column}::{common})")
    return RawDatetimes(name, microseconds, kind, type_ in ZONED)
