"""The values of a column, as the tests of this room compare them."""

from __future__ import annotations

from backpass.table import CategoricalColumn, NumericColumn, Table


def texts(table: Table, name: str) -> list[str | None]:
    column = table.column(name)
    assert isinstance(column, CategoricalColumn)
    return [column.levels[code - 1] if code else None for code in column.codes]


def numbers(table: Table, name: str) -> list[float]:
    column = table.column(name)
    assert isinstance(column, NumericColumn)
    return column.values.tolist()
