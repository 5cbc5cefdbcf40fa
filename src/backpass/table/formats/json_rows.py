"""JSON tables: the columns of a JSON file that holds one object per line, a list of objects, or a single object.

Takes an opened file; returns raw columns. Every object is a row. Columns are in order of first appearance; a name that
an object lacks, and null, are missing values. Numbers stay numbers; strings are categorical unless they all spell dates
or times. Python's ``json`` parses the file, so no type is guessed. ``json_layouts`` handles a single object that holds
a whole table.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backpass.table.columns.objects import raw_objects
from backpass.table.columns.raw import Content, RawNumbers, extent_of
from backpass.table.columns.rules import Rules
from backpass.table.datetimes.columns import notation_of
from backpass.table.datetimes.timestamp import SECOND, timestamp_texts
from backpass.table.delimited.records import check_names
from backpass.table.files.database import identifier
from backpass.table.files.opening import Opened
from backpass.table.formats.json_layouts import ROWS, Columns, columns_in
from backpass.table.memory import JSON_BYTE, require_file_memory
from backpass.table.messages import ErrorList, data_error, listed, shown

Row = dict[str, Any]

EPOCH_UNITS = {"milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
FIRST_SECOND, LAST_SECOND = 631_152_000, 2_524_608_000  # 1990 and 2050: timestamps in between are plausible


def read(file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Read the requested columns of a file.

    Raises:
        DataError: The file is damaged, or has a line that is not an object; the error names the line.
        ResourceError: The file does not fit in memory.
    """
    size = file.path.stat().st_size
    require_file_memory(file.source, size, JSON_BYTE, " of JSON")
    table = _single_object(file)
    columns = Columns.of_rows(_rows(file)) if table is None else columns_in(table, file.source)
    if not columns.rows:
        raise data_error(file.source, "has no rows")
    if not columns.values:
        raise data_error(file.source, "has rows but no columns")
    names = tuple(name.strip(" \t") for name in columns.values)
    check_names(names, file.source)
    wanted = [(name, values) for name, values in zip(names, columns.values.values(), strict=True) if rules.wants(name)]
    found = [raw_objects(name, list(values), rules, errors) for name, values in wanted]
    unread = [(name, values) for (name, values), column in zip(wanted, found, strict=True) if column is None]
    if query := _unpacking(
        [name for name, values in unread if _are_all(dict, values)],
        [name for name, values in unread if _are_all(list, values)],
    ):
        errors.hints.append(query)
    kept = [column for column in found if column is not None]
    numbers = [column for column in kept if rules.kinds is None and isinstance(column, RawNumbers)]
    stamps = [epoch_note(column) for column in numbers if not _are_datetimes(column, rules)]
    return Content(names, kept, columns.rows, (*columns.notes, *filter(None, stamps)))


def _are_datetimes(column: RawNumbers, rules: Rules) -> bool:
    """Whether numbers will be read as dates or times."""
    values = rules.missing.as_gaps(column.values)
    return notation_of(column.name, values, extent_of(values), rules) is not None


def _are_all(sort: type, values: Iterable[Any]) -> bool:
    """Whether the values that are not missing are objects, or lists."""
    there = [value for value in values if value is not None]
    return bool(there) and all(isinstance(value, sort) for value in there)


def _unpacking(objects: Sequence[str], lists: Sequence[str]) -> str:
    """Return a hint with the query that makes columns of objects and texts of lists; empty if there are none."""
    if not (objects or lists):
        return ""
    joined = [f"array_to_string({identifier(name)}, ' ') AS {identifier(name)}" for name in lists]
    terms = ["*"]
    terms += [f"EXCLUDE ({', '.join(map(identifier, objects))})"] if objects else []
    terms += [f"REPLACE ({', '.join(joined)})"] if joined else []
    columns = ", ".join([" ".join(terms), *(f"{identifier(name)}.*" for name in objects)])
    query = shlex.quote(f"SELECT {columns} FROM read_json(getvariable('file'))")
    what = " and ".join(["columns of the objects inside"] * bool(objects) + ["texts of the lists"] * bool(lists))
    return f"{what}: --query {query}"


def _single_object(file: Opened) -> Row | None:
    """Return the object that makes up the whole file, on one line or several; None if the file is anything else."""
    with file.path.open(encoding="utf-8-sig") as stream:
        first = next((line for line in stream if line.strip()), "")
        if not first.lstrip().startswith("{"):
            return None
        whole = not any(line.strip() for line in stream)
    try:
        if not whole:
            json.loads(first)
            return None  # the first of several rows
    except (ValueError, RecursionError):
        first = file.path.read_text(encoding="utf-8-sig")
    try:
        item = json.loads(first, object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        return None  # reading it line by line reports the error
    return item if isinstance(item, dict) else None


def epoch_note(column: RawNumbers) -> str | None:
    """Return a note if all numbers look like recent Unix timestamps in milli-, micro- or nanoseconds.

    >>> epoch_note(RawNumbers("t", np.array([1.7040672e12, 1.7041e12])))[:58]
    "column 't' looks like milliseconds since 1970 (2024-01-01)"
    """
    there = column.values[~np.isnan(column.values)]
    if len(there) < 2 or np.any(there != np.rint(there)):
        return None
    for unit, per_second in EPOCH_UNITS.items():
        if there.min() >= FIRST_SECOND * per_second and there.max() < LAST_SECOND * per_second:
            [first] = timestamp_texts(np.array([int(there[0]) // per_second * SECOND]), "date")
            what = f"column {shown(column.name)} looks like {unit} since 1970 ({first})"
            return f"{what}: read as numbers; texts are read as dates (in pandas: to_json(date_format='iso'))"
    return None


def _rows(file: Opened) -> Iterator[Row]:
    with file.path.open(encoding="utf-8-sig") as stream:
        start = stream.read(1)
        while start.isspace():
            start = stream.read(1)
        if start == "[":
            yield from _listed_rows(file.path, file.source)
            return
    with file.path.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield _row(_parsed(line, f"line {number}", file.source), f"line {number}", file.source)


def _listed_rows(path: Path, source: str) -> Iterator[Row]:
    for number, item in enumerate(_parsed(path.read_text(encoding="utf-8-sig"), "the file", source), start=1):
        yield _row(item, f"item {number}", source)


def _parsed(text: str, place: str, source: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except RecursionError:
        raise data_error(source, f"{place} is nested too deeply") from None
    except json.JSONDecodeError as error:
        where, character = (f"line {error.lineno}", error.colno) if place == "the file" else (place, error.pos + 1)
        hint = "a file of rows has one object a line, or one list of objects"
        raise data_error(source, f"{where} is not JSON ({error.msg}, at character {character})", hint) from None
    except ValueError as error:  # a repeated name, or a number of thousands of digits
        raise data_error(source, f"{place}: {error}") from None


def _pairs(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object has {listed(sorted({n for n in names if names.count(n) > 1}), shown)} twice")
    return row


def _row(item: Any, place: str, source: str) -> Row:
    if not isinstance(item, dict):
        raise data_error(source, f"{place} is a {type(item).__name__}, not an object", ROWS)
    return item
