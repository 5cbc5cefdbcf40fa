"""JSON rows: a JSON file of objects, one a line or all in one list, as columns.

Every object is a row, its names are columns in the order in which they first appear; a name that an object lacks, and
null, are missing values. Numbers are numbers, strings are texts unless they all spell dates or times. Python's ``json``
reads it: it guesses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backpass.table.judging import Rules
from backpass.table.memory import JSON_BYTE, LESS, require_memory
from backpass.table.objects import columns_of_rows, raw_objects
from backpass.table.opening import Opened
from backpass.table.raw import Content
from backpass.table.records import check_names
from backpass.table.wording import Faults, listed, plain, refusal, shown

Row = dict[str, Any]


def json_columns(file: Opened, rules: Rules, faults: Faults) -> Content:
    """What the file holds; DataError naming the line that is no object, or where the file is damaged."""
    size = file.path.stat().st_size
    require_memory(JSON_BYTE * size, f"{plain(file.source)} ({size:,} bytes of JSON)", LESS)
    columns, rows = columns_of_rows(_rows(file))
    if not rows:
        raise refusal(file.source, "has no rows")
    if not columns:
        raise refusal(file.source, "has rows but no columns")
    names = tuple(name.strip(" \t") for name in columns)
    check_names(names, file.source)
    wanted = [(name, values) for name, values in zip(names, columns.values(), strict=True) if rules.wants(name)]
    found = [raw_objects(name, values, faults) for name, values in wanted]
    return Content(names, [column for column in found if column is not None], rows)


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
        raise refusal(source, f"{place} is nested too deeply") from None
    except json.JSONDecodeError as error:
        where, character = (f"line {error.lineno}", error.colno) if place == "the file" else (place, error.pos + 1)
        hint = "a file of rows has one object a line, or one list of objects"
        raise refusal(source, f"{where} is no JSON ({error.msg}, at character {character})", hint) from None
    except ValueError as error:  # a name twice; a number of thousands of digits
        raise refusal(source, f"{place}: {error}") from None


def _pairs(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object has {listed(sorted({n for n in names if names.count(n) > 1}), shown)} twice")
    return row


def _row(item: Any, place: str, source: str) -> Row:
    if not isinstance(item, dict):
        raise refusal(source, f"{place} is a {type(item).__name__}, not an object", "each row is an object: {...}")
    return item
