"""Windows of Parquet files: the columns of a window of rows at a time.

Takes opened files; yields the raw columns of each window. DuckDB skips the row groups that lie outside a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from backpass.table.columns.joining import check_same_names
from backpass.table.columns.raw import Content
from backpass.table.columns.rules import Rules
from backpass.table.files.database import connected, rows_in
from backpass.table.files.opening import Opened
from backpass.table.formats.parquet import (
    MOMENTS,
    TIMES,
    ZONED,
    Described,
    number_sql,
    parquet_errors,
    parquet_relation,
    relation_columns,
    text_sql,
)
from backpass.table.formats.parquet_metadata import DURATION
from backpass.table.messages import ErrorList, data_error

ROW_NUMBER = "file_row_number"
"""DuckDB's name for the number of a row of a file, from 0."""


def described(files: Sequence[Opened]) -> list[Described]:
    """Return the types of the columns of files.

    Raises:
        DataError: A file is damaged.
    """
    with connected() as database:
        return [Described.of(database, file) for file in files]


def are_alike(files: Sequence[Described]) -> bool:
    """Whether each column is of one sort in all files, and none has the name that DuckDB gives to row numbers."""
    types = [{name: _sort(type_) for name, type_ in file.metadata.typed(file.stored)} for file in files]
    return all(each == types[0] and not any(name.lower() == ROW_NUMBER for name in each) for each in types)


def _sort(type_: str) -> str:
    """Return what the values of a type become; types of one sort can be concatenated."""
    if type_ in MOMENTS:
        return f"{'time' if type_ in TIMES else 'date'} {type_ in ZONED}"
    if number_sql("x", type_):
        return "duration" if type_.startswith((DURATION, "INTERVAL")) else "number"
    return "text" if text_sql("x", type_) else type_


def parquet_windows(
    files: Sequence[Described], rules: Rules, errors: ErrorList, rows: int
) -> Iterator[tuple[Content, int]]:
    """Yield the requested columns of windows of ``rows`` rows, and the number of rows above each window.

    Args:
        files: The files, with columns of the same types.
        rules: What is required of the columns.
        errors: Collects errors.
        rows: Number of rows.

    Raises:
        DataError: The files do not have the same columns, or one is damaged or empty.
    """
    for other in files[1:]:
        check_same_names(files[0].names(rules), other.names(rules), files[0].file.source, other.file.source, errors)
    errors.stop()
    above = 0
    for described_file in files:
        file, stored = described_file.file, described_file.metadata.typed(described_file.stored)
        relation = parquet_relation([file])
        with connected() as database, parquet_errors(database, relation, file):
            length = rows_in(database, relation)
        if not length:
            raise data_error(file.source, "has columns but no rows")
        for start in range(0, length, rows):
            window = _window(file, start, start + rows)
            own = replace(rules, before=above)
            count = min(rows, length - start)
            with connected() as database, parquet_errors(database, window, file):
                content = relation_columns(
                    database, window, stored, count, errors.source, own, errors, described_file.metadata.index
                )
            yield content, above
            above += count


def _window(file: Opened, start: int, end: int) -> str:
    """Return the SQL relation of the rows of a file from ``start`` up to ``end``, counted from 0."""
    numbered = parquet_relation([file]).removesuffix(")") + f", {ROW_NUMBER}=true)"
    rows = f"{ROW_NUMBER} >= {start} AND {ROW_NUMBER} < {end}"
    return f"(SELECT * EXCLUDE ({ROW_NUMBER}) FROM {numbered} WHERE {rows})"
