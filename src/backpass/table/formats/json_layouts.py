"""JSON table layouts: a single JSON object that holds a whole table.

Takes the parsed object; returns columns. The supported layouts are the columns that ``DataFrame.to_json`` of pandas
writes by default, its other layouts (split, table, index), a plain object of lists, and an object around a list of
rows. An object whose names may be columns or rows is rejected. ``json_rows`` reads files of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backpass.dataclass import dataclass
from backpass.table.columns.objects import columns_of_rows, is_missing, type_of
from backpass.table.columns.row_names import index_note
from backpass.table.messages import counted, data_error, listed, shown

Object = Mapping[str, Any]

ROWS = "write a list of rows, [{...}, {...}], or one object a line; in pandas: to_json(orient='records')"


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns by name, the number of rows, and notes on how the source is written."""

    values: Mapping[str, Sequence[Any]]
    rows: int
    notes: tuple[str, ...] = ()

    @classmethod
    def of_rows(cls, rows: Iterable[Object], *notes: str) -> Columns:
        """Return the columns of objects that are rows."""
        return cls(*columns_of_rows(rows), notes)


def columns_in(table: Object, source: str) -> Columns:
    """Return the columns of an object that holds a table; any other object is a single row.

    Raises:
        DataError: The columns have unequal lengths, or the layout is ambiguous or not a table.

    >>> columns_in({"x": {"0": 1, "1": 2}, "y": {"0": "a", "1": "b"}}, "t.json").values
    {'x': [1, 2], 'y': ['a', 'b']}
    >>> columns_in({"columns": ["x", "y"], "data": [[1, "a"], [2, "b"]]}, "t.json").values
    {'x': [1, 2], 'y': ['a', 'b']}
    """
    columns, data, schema = (table.get(key) for key in ("columns", "data", "schema"))
    if table.get("type") == "FeatureCollection":
        hint = "write the properties of its features as a list of rows, [{...}, {...}]"
        raise data_error(source, "is GeoJSON, not a table of rows", hint)
    if isinstance(columns, list) and isinstance(data, list):
        return _split(columns, data, table.get("index"), source)
    if isinstance(schema, Mapping) and isinstance(data, list) and _are_rows(data):
        return _with_schema(schema, data)
    if len(table) > 1 and all(isinstance(values, list) for values in table.values()):
        return _lists(table, source)
    if table and all(isinstance(values, Mapping) for values in table.values()):
        return _objects(table, source)
    return _around_rows(table)


def _split(columns: list[Any], data: list[Any], index: Any, source: str) -> Columns:
    """Read column names, row labels and rows of values: orient="split"."""
    if not all(isinstance(name, str | int | float) for name in columns):
        raise data_error(source, "'columns' holds more than names: are there several headers?", ROWS)
    names = [str(name) for name in columns]
    for number, row in enumerate(data, start=1):
        if not isinstance(row, list) or len(row) != len(names):
            found = counted(len(row), "value") if isinstance(row, list) else "no list"
            needed = counted(len(names), "name")
            raise data_error(source, f"row {number} of 'data' has {found}, 'columns' has {needed}", ROWS)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise data_error(source, f"'columns' has {listed(repeated, shown)} twice", ROWS)
    values = {name: [row[j] for row in data] for j, name in enumerate(names)}
    return Columns(values, len(data), _index_notes(index if isinstance(index, list) else []))


def _with_schema(schema: Object, data: list[Any]) -> Columns:
    """Read rows with a schema: orient="table"; the primary key is the index."""
    key = schema.get("primaryKey")
    names = [key] if isinstance(key, str) else [str(name) for name in key] if isinstance(key, list) else []
    found = Columns.of_rows(data)
    left = [name for name in names if name in found.values]
    notes = _index_notes(found.values[left[0]]) if left == ["index"] else (index_note(left),) if left else ()
    return Columns({name: values for name, values in found.values.items() if name not in left}, found.rows, notes)


def _lists(table: Object, source: str) -> Columns:
    """Read an object with one list per column."""
    if any(_are_rows(values) for values in table.values()):
        lists = [name for name, values in table.items() if _are_rows(values)]
        raise data_error(source, f"is one object with {listed(lists, shown)}, lists of rows, not a table", ROWS)
    lengths = {name: len(values) for name, values in table.items()}
    first, rows = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != rows:
            found = f"{shown(name)} has {counted(length, 'value')}, {shown(first)} has {rows:,}"
            raise data_error(source, f"is an object of columns of unequal lengths: {found}", ROWS)
    return Columns(table, rows)


def _objects(table: Object, source: str) -> Columns:
    """Read nested objects, keyed by column then row (orient="columns", the default) or the reverse (orient="index")."""
    outer, inner = list(table), list(next(iter(table.values())))
    if any(set(values) != set(inner) for values in table.values()):
        return Columns.of_rows([table])
    of_columns, of_rows = _reads_as_columns(outer, inner), _reads_as_columns(inner, outer)
    if of_columns == of_rows:  # the names do not decide; the values of a column share one type
        of_columns = all(_is_of_one_sort(values.values()) for values in table.values())
        of_rows = all(_is_of_one_sort(values[name] for values in table.values()) for name in inner)
    if of_columns == of_rows:
        raise data_error(source, "is one object of objects: its names may be those of columns or of rows", ROWS)
    if of_columns:
        columns = {name: [values[label] for label in inner] for name, values in table.items()}
        return Columns(columns, len(inner), _index_notes(inner))
    return Columns.of_rows(table.values(), *_index_notes(outer))


def _around_rows(table: Object) -> Columns:
    """Read an object with a single list of rows among plain values; any other object is one row."""
    lists = [name for name, values in table.items() if _are_rows(values)]
    if len(lists) == 1 and not any(isinstance(table[name], list | Mapping) for name in table if name != lists[0]):
        return Columns.of_rows(table[lists[0]], f"the rows are those of {shown(lists[0])}")
    return Columns.of_rows([table])


def _are_rows(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(row, Mapping) for row in values)


def _reads_as_columns(names: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether the names are words and the labels are whole numbers."""
    return not all(name.isdigit() for name in names) and all(label.isdigit() for label in labels)


def _is_of_one_sort(values: Iterable[Any]) -> bool:
    return len({type_of(value) for value in values if not is_missing(value)}) <= 1


def _index_notes(labels: Sequence[Any]) -> tuple[str, ...]:
    """Return the note on row labels, unless they merely count from 0."""
    counts = all(str(label) == str(number) for number, label in enumerate(labels))
    return () if counts else (index_note([]),)
