"""Avro files: the records of an Avro container file as columns, read by fastavro.

Takes an opened file; returns raw columns. Decimals are numbers, enumerations are categorical, logical types of time are
dates, times and durations.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from backpass.errors import DataError
from backpass.table.columns.objects import columns_of_rows, raw_objects
from backpass.table.columns.raw import Content
from backpass.table.columns.rules import Rules
from backpass.table.delimited.records import check_names
from backpass.table.files.opening import Opened
from backpass.table.formats.extra import extra_module
from backpass.table.memory import require_file_memory
from backpass.table.messages import ErrorList, data_error


def read(file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Read the requested columns of a file.

    Raises:
        DataError: The file is damaged, has no rows, or fastavro is not installed.
        ResourceError: The file does not fit in memory.
    """
    fastavro = extra_module("fastavro", file.form, file.source)
    size = file.path.stat().st_size
    require_file_memory(file.source, size)
    try:
        with file.path.open("rb") as stream:
            columns, rows = columns_of_rows(_wanted(fastavro.reader(stream), rules, file.source))
            names = tuple(name.strip(" \t") for name in _fields(fastavro, file))
    except DataError:
        raise
    except (ValueError, TypeError, EOFError, IndexError, KeyError, zlib.error) as error:
        raise data_error(file.source, f"is a damaged Avro file ({error})") from error
    if not rows:
        raise data_error(file.source, "has columns but no rows")
    check_names(names, file.source)
    found = [raw_objects(name.strip(" \t"), values, rules, errors) for name, values in columns.items()]
    return Content(names, [column for column in found if column is not None], rows)


def _fields(fastavro: Any, file: Opened) -> list[str]:
    with file.path.open("rb") as stream:
        schema = fastavro.reader(stream).writer_schema
        return [field["name"] for field in schema["fields"]]


def _wanted(records: Iterator[Any], rules: Rules, source: str) -> Iterator[dict[str, Any]]:
    """Yield the requested fields of each record.

    Raises:
        DataError: The file holds values that are not records.
    """
    for record in records:
        if not isinstance(record, dict):
            raise data_error(source, f"holds values of type {type(record).__name__}, not records with fields")
        yield {name: value for name, value in record.items() if rules.wants(name.strip(" \t"))}
