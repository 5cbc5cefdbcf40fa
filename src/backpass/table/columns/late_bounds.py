"""Late bounds: bounds such as <30 in rows that come after those that decided how a column of numbers is read.

Takes the required kinds of columns, tables and a schema. The network has an input for bounds only where the first rows
held some; later ones count as their numbers, with a note. ``feature`` decides which columns have the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from backpass.table.feature import NumericFeature
from backpass.table.messages import counted, shown
from backpass.table.notation.reading import NumberReading
from backpass.table.schema import Schema
from backpass.table.table import NumericColumn, Table


def admitting_bounds(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return the required kinds with columns of numbers that may hold bounds.

    >>> admitting_bounds({"x": "numeric", "town": "categorical"})
    {'x': 'numeric {"has_bounds": true}', 'town': 'categorical'}
    """
    return {name: _admitting(kind) for name, kind in kinds.items()}


def without_unused(table: Table, kinds: Mapping[str, str]) -> Table:
    """Return a table read with ``admitting_bounds(kinds)``, whose columns without bounds are read as in ``kinds``."""
    columns = {
        name: replace(column, reading=NumberReading.of_required_kind(kinds[name]))
        for name, column in table.columns.items()
        if isinstance(column, NumericColumn) and column.bounds is None and name in kinds
        if kinds[name] != _admitting(kinds[name])
    }
    return replace(table, columns={**table.columns, **columns}) if columns else table


def late_bounds(schema: Schema, table: Table) -> dict[str, int]:
    """Return the number of bounds by column, of the columns whose bounds the network has no input for."""
    found = {feature.name: _count(table, feature) for feature in schema.features if isinstance(feature, NumericFeature)}
    return {name: count for name, count in found.items() if count}


def reading_bounds(schema: Schema, names: Mapping[str, int]) -> Schema:
    """Return the schema that reads bounds in these columns, too, as their numbers."""
    features = tuple(
        replace(feature, reading=replace(feature.reading or NumberReading(), has_bounds=True))
        if isinstance(feature, NumericFeature) and feature.name in names
        else feature
        for feature in schema.features
    )
    return replace(schema, features=features)


def late_notes(found: Mapping[str, int], first: str) -> Iterator[str]:
    """Say how late bounds count.

    Args:
        found: The number of bounds by column.
        first: The rows that decided how columns are read: "the first rows".

    >>> print(*late_notes({"x": 3}, "the first rows"))
    column 'x': 3 bounds such as <30 count as their numbers: the first rows held none, and the network has no \
input for them
    """
    for name, count in found.items():
        why = f"{first} held none, and the network has no input for them"
        yield f"column {shown(name)}: {counted(count, 'bound')} such as <30 count as their numbers: {why}"


def _admitting(kind: str) -> str:
    reading = NumberReading() if kind == "numeric" else NumberReading.of_required_kind(kind)
    is_plain = reading is not None and not (reading.is_duration or reading.is_angle or reading.is_percent)
    return replace(reading, has_bounds=True).required_kind if reading is not None and is_plain else kind


def _count(table: Table, feature: NumericFeature) -> int:
    column = table.columns.get(feature.name)
    if feature.marks_bounds or not isinstance(column, NumericColumn) or column.bounds is None:
        return 0
    if feature.reading is not None and feature.reading.has_bounds:
        return 0
    return int(np.count_nonzero(column.bounds))
