"""Object columns: columns of Python values (from a list, a JSON file or an object array), converted by value type.

None, NaN, pandas.NA and NumPy's masked are missing. All values of a column have the same type: number, boolean, string,
date, time or duration; numbers, booleans, dates and times among strings are read like the fields of a text file. Bytes
are strings in UTF-8. ``arrays`` converts typed NumPy arrays.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from backpass.table.columns.raw import RawColumn, RawDatetimes, RawNumbers, coded
from backpass.table.columns.rules import Rules
from backpass.table.datetimes.duration import CALENDAR, is_duration, seconds_in
from backpass.table.datetimes.timestamp import BEYOND, DAY, NAT, microseconds_of_dates, timestamp_texts
from backpass.table.messages import ErrorList, rows_listed, shown
from backpass.table.notation.number import text_of

EPOCH = datetime.datetime(1970, 1, 1)
BOOLEAN = {True: "true", False: "false"}
UNFIT = "numbers, strings, booleans, dates and times can be read: leave the column out (drop), or unpack it first"
WRITTEN = frozenset({"number", "boolean", "text", "date", "time"})
"""Types that a column of a text file holds beside one another."""
LARGEST = 2**128
"""Integers from here on are written as float64, as they are no codes; Python writes no integer of any length."""
NOT_UTF8 = "decode the bytes first, as .str.decode('latin-1') does in pandas, or leave the column out (drop)"


def columns_of_rows(rows: Iterable[Mapping[Any, Any]]) -> tuple[dict[Any, list[Any]], int]:
    """Convert rows to columns, and count the rows.

    The columns are in order of first appearance; None fills in for names that a row lacks.

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


def raw_objects(name: str, values: list[Any], rules: Rules, errors: ErrorList) -> RawColumn | None:
    """Convert a column of Python values; None, NaN, pandas.NA and masked are missing.

    Args:
        name: Column name.
        values: Values of one type, or strings with numbers, booleans, dates or times among them.
        rules: What is required of the columns: numbers that must be categories keep all their digits.
        errors: Collects errors.

    Returns:
        The column, or None after an error.

    >>> raw_objects("x", [2.0, "<5", None, True], Rules(), ErrorList("t")).levels
    ['2', '<5', 'true']
    """
    items = [None if is_missing(value) else value for value in values]
    types = {type_of(item) for item in items if item is not None}
    if types == {"number"} and rules.required_kind(name) == "categorical":
        return coded(name, (None if item is None else digits_of(item) for item in items), typed=True)
    if types <= {"number"}:
        return RawNumbers(name, np.array([math.nan if item is None else _float(item) for item in items]))
    if types == {"boolean"}:
        return coded(name, (None if item is None else BOOLEAN[bool(item)] for item in items), typed=True)
    if types == {"text"}:
        return _of_texts(name, items, errors)
    if "text" in types and types <= WRITTEN:
        return _of_texts(name, [_field(item, rules.sign_of(name)) for item in items], errors, typed=False)
    if types == {"duration"}:
        return _of_durations(name, items, errors)
    if types == {"date"}:
        return _of_dates(name, items, errors)
    if types == {"time"}:
        microseconds = [NAT if item is None else _since(datetime.datetime.combine(EPOCH, item)) for item in items]
        return RawDatetimes(name, np.array(microseconds, dtype=np.int64), "time")
    firsts = {type_of(item): row for row, item in reversed([*enumerate(items, start=1)]) if item is not None}
    held = " and ".join(f"values of type {type_} (row {firsts[type_]})" for type_ in sorted(firsts))
    errors.add(f"column {shown(name)} holds {held}", UNFIT)
    return None


def digits_of(number: Any) -> str:
    """Return the string of a number, with all digits of a whole number of an exact type.

    >>> digits_of(10**17 + 1), digits_of(5.0), digits_of(0.5)
    ('100000000000000001', '5', '0.5')
    """
    if isinstance(number, float | np.floating) or abs(number) >= LARGEST or number % 1 != 0:
        return text_of(_float(number))
    return str(int(number))


def _field(item: Any, decimal: str) -> Any:
    """Return a value as the field of a text file with this decimal sign; strings and bytes are unchanged."""
    match type_of(item):
        case "number":
            return digits_of(item).replace(".", decimal)
        case "boolean":
            return BOOLEAN[bool(item)]
        case "date":
            return timestamp_texts(np.array([_microseconds(item)]), "date")[0]
        case "time":
            return item.isoformat()
    return item


def _of_texts(name: str, items: list[Any], errors: ErrorList, *, typed: bool = True) -> RawColumn | None:
    texts = [None if item is None else text_in(item) for item in items]
    pairs = enumerate(zip(items, texts, strict=True), start=1)
    if broken := [row for row, (item, text) in pairs if item is not None and text is None]:
        add_undecoded(name, broken, errors)
        return None
    return coded(name, texts, typed=typed)


def add_undecoded(name: str, rows: Iterable[int], errors: ErrorList) -> None:
    """Add an error for bytes that are not UTF-8."""
    errors.add(f"column {shown(name)} holds bytes that are not UTF-8 ({rows_listed(rows)})", NOT_UTF8)


def text_in(value: Any) -> str | None:
    """Return the string of a value of type "text"; None for bytes that are not UTF-8.

    >>> text_in(b"caf\\xc3\\xa9"), text_in("a"), text_in(b"\\xff")
    ('café', 'a', None)
    """
    if not isinstance(value, bytes | bytearray):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _of_durations(name: str, items: list[Any], errors: ErrorList) -> RawColumn | None:
    seconds = [math.nan if item is None else seconds_in(item) for item in items]
    if endless := [row for row, found in enumerate(seconds, start=1) if found is None]:
        add_calendar_spans(name, endless, errors)
        return None
    return RawNumbers(name, np.array(seconds, dtype=np.float64), is_duration=True)


def add_calendar_spans(name: str, rows: Iterable[int], errors: ErrorList) -> None:
    """Add an error for durations with years or months."""
    errors.add(f"column {shown(name)} holds durations with years or months ({rows_listed(rows)})", CALENDAR)


def _float(number: Any) -> float:
    """Convert a number to float64; too large a number becomes infinite, which is rejected later, as in a text file."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _of_dates(name: str, items: list[Any], errors: ErrorList) -> RawDatetimes:
    """Convert dates with or without a time of day; either all or none must have a time zone."""
    zones = [getattr(item, "tzinfo", None) is not None for item in items]
    pairs = enumerate(zip(items, zones, strict=True), start=1)
    bare = [row for row, (item, zoned) in pairs if item is not None and not zoned]
    if any(zones) and bare:
        errors.add(f"column {shown(name)}: some dates have a time zone, others have none ({rows_listed(bare)})")
    microseconds = [NAT if item is None else _microseconds(item) for item in items]
    return RawDatetimes(name, np.array(microseconds, dtype=np.int64), "date", any(zones))


def _microseconds(date: Any) -> int:
    """Return a date's microseconds since 1970-01-01 UTC; ``BEYOND`` outside the calendar."""
    if hasattr(date, "to_datetime64"):  # pandas' Timestamp; the result is in UTC
        date = date.to_datetime64()
    if isinstance(date, np.datetime64):
        return int(microseconds_of_dates(np.array([date]))[0])
    if not isinstance(date, datetime.datetime):
        return int((date - EPOCH.date()).days) * DAY
    try:
        return _since(date if date.tzinfo is None else date.astimezone(datetime.UTC).replace(tzinfo=None))
    except OverflowError:  # the conversion to UTC leaves the calendar's range
        return BEYOND


def _since(stamp: datetime.datetime) -> int:
    return (stamp - EPOCH) // datetime.timedelta(microseconds=1)


def is_missing(value: Any) -> bool:
    """Whether a Python value means "missing"."""
    if value is None or value is np.ma.masked or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if type(value).__name__ == "Decimal":
        return bool(value.is_nan())
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def type_of(value: Any) -> str:
    """Return the type that a Python value counts as, or the name of its Python type if no table can hold it."""
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if is_duration(value):  # first, because NumPy's timedelta64 is a subclass of np.integer
        return "duration"
    if isinstance(value, int | float | np.integer | np.floating) or type(value).__name__ == "Decimal":
        return "number"
    if isinstance(value, str | bytes | bytearray) or type(value).__name__ == "UUID":
        return "text"
    if isinstance(value, datetime.date | np.datetime64):
        return "date"
    return "time" if isinstance(value, datetime.time) and value.tzinfo is None else type(value).__name__
