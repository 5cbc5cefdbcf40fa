"""Objects: a column of Python values (of a list, a JSON file, an array of objects) by the sort of its values.

None, NaN and pandas.NA are missing. One column holds one sort: numbers, booleans, texts, dates, or times.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from backpass.table.moment import DAY, NO_MOMENT
from backpass.table.raw import RawColumn, RawMoments, RawNumbers, coded
from backpass.table.wording import Faults, rows_listed, shown

EPOCH = datetime.datetime(1970, 1, 1)
BOOLEAN = {True: "true", False: "false"}
UNFIT = "numbers, texts, booleans, dates and times can be read: leave the column out with --drop, or unpack it first"


def columns_of_rows(rows: Iterable[Mapping[Any, Any]]) -> tuple[dict[Any, list[Any]], int]:
    """Columns, in the order in which their names first appear, None where a row lacks one; and the number of rows.

    >>> columns_of_rows([{"a": 1}, {"b": 2}])
    ({'a': [1, None], 'b': [None, 2]}, 2)
    """
    columns: dict[Any, list[Any]] = {}
    count = 0
    for row in rows:
        for name, value in row.items():
            if name not in columns:
                columns[name] = [None] * count
            columns[name].append(value)
        count += 1
        if len(row) < len(columns):
            for values in columns.values():
                values.extend([None] * (count - len(values)))
    return columns, count


def raw_objects(name: str, values: list[Any], faults: Faults) -> RawColumn | None:
    """A column of Python values, all of one sort; None, NaN and pandas.NA are missing."""
    items = [None if is_missing(value) else value for value in values]
    sorts = {sort_of(item) for item in items if item is not None}
    if sorts <= {"number"}:
        return RawNumbers(name, np.array([math.nan if item is None else float(item) for item in items]))
    if sorts == {"boolean"}:
        return coded(name, (None if item is None else BOOLEAN[bool(item)] for item in items), typed=True)
    if sorts == {"text"}:
        return coded(name, (None if item is None else str(item) for item in items), typed=True)
    if sorts == {"date"}:
        return _of_dates(name, items, faults)
    if sorts == {"time"}:
        ticks = [NO_MOMENT if item is None else _since(datetime.datetime.combine(EPOCH, item)) for item in items]
        return RawMoments(name, np.array(ticks, dtype=np.int64), "time")
    firsts = {sort_of(item): row for row, item in reversed([*enumerate(items, start=1)]) if item is not None}
    held = " and ".join(f"values of type {sort} (row {firsts[sort]})" for sort in sorted(firsts))
    faults.add(f"column {shown(name)} holds {held}", UNFIT)
    return None


def _of_dates(name: str, items: list[Any], faults: Faults) -> RawMoments:
    """Dates with and without a time of day; all with a zone, or none."""
    zones = [getattr(item, "tzinfo", None) is not None for item in items]
    pairs = enumerate(zip(items, zones, strict=True), start=1)
    bare = [row for row, (item, zoned) in pairs if item is not None and not zoned]
    if any(zones) and bare:
        faults.add(f"column {shown(name)}: some dates have a time zone, others have none ({rows_listed(bare)})")
    ticks = [NO_MOMENT if item is None else _ticks(item) for item in items]
    return RawMoments(name, np.array(ticks, dtype=np.int64), "date", any(zones))


def _ticks(date: Any) -> int:
    if isinstance(date, np.datetime64):
        return int(date.astype("datetime64[us]").astype(np.int64))
    if not isinstance(date, datetime.datetime):
        return int((date - EPOCH.date()).days) * DAY
    return _since(date if date.tzinfo is None else date.astimezone(datetime.UTC).replace(tzinfo=None))


def _since(stamp: datetime.datetime) -> int:
    return (stamp - EPOCH) // datetime.timedelta(microseconds=1)


def is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def sort_of(value: Any) -> str:
    """What a Python value counts as; the name of its type when it has no place in a table."""
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, int | float | np.integer | np.floating) or type(value).__name__ == "Decimal":
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, datetime.date | np.datetime64):
        return "date"
    return "time" if isinstance(value, datetime.time) and value.tzinfo is None else type(value).__name__
