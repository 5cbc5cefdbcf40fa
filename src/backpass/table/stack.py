"""Stacking: concatenate the rows of tables that have the same columns.

Takes tables; returns one Table. ``joining`` concatenates files before they become tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from backpass.table.columns.spellings import Spelling, merged
from backpass.table.datetimes.timestamp import NAT
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn, Table


def stacked(tables: Sequence[Table]) -> Table:
    """Concatenate the rows of tables with the same columns; a column without values may be of any kind.

    >>> from backpass.table import table_from
    >>> stacked([table_from({"town": ["b"]}), table_from({"town": ["a", None]})]).column("town").codes
    array([2, 1, 0], dtype=int32)
    """
    first, rows = tables[0], sum(table.rows for table in tables)
    columns = {name: _stacked([table.columns[name] for table in tables]) for name in first.columns}
    return replace(first, columns=columns, row_numbers=np.arange(1, rows + 1))


def _stacked(columns: Sequence[Column]) -> Column:
    """Concatenate one column, in the kind of those that have values."""
    lead = next((column for column in columns if not column.missing.all()), columns[0])
    if isinstance(lead, NumericColumn):
        values = [c.values if isinstance(c, NumericColumn) else _empty(c, np.nan) for c in columns]
        lacks_unit = all(c.lacks_unit for c in columns if isinstance(c, NumericColumn) and not c.missing.all())
        is_bounded = any(c.bounds is not None for c in columns if isinstance(c, NumericColumn))
        reading = next(
            (c.reading for c in columns if isinstance(c, NumericColumn) and c.bounds is not None), lead.reading
        )
        signs = [c.signs if isinstance(c, NumericColumn) else _empty(c, 0).astype(np.int8) for c in columns]
        return replace(
            lead,
            values=np.concatenate(values),
            lacks_unit=lead.lacks_unit and lacks_unit,
            bounds=np.concatenate(signs) if is_bounded else None,
            reading=reading,
        )
    if isinstance(lead, DatetimeColumn):
        microseconds = [c.microseconds if isinstance(c, DatetimeColumn) else _empty(c, NAT) for c in columns]
        return DatetimeColumn(lead.name, np.concatenate(microseconds), lead.kind, lead.order, lead.notation)
    texts = [c for c in columns if isinstance(c, CategoricalColumn)]
    rows = Counter[str]()
    for column in texts:
        rows.update(dict(zip(column.levels, column.counts().tolist(), strict=True)))
    same = merged(rows, Spelling(spaces=False, case=True)) if lead.merges_case else {}
    levels = tuple(sorted({same.get(level, level) for level in rows}))
    code = {level: j for j, level in enumerate(levels, start=1)}
    code |= {level: code[form] for level, form in same.items()}
    codes = [
        np.array([0, *map(code.__getitem__, c.levels)], np.int32)[c.codes]
        if isinstance(c, CategoricalColumn)
        else _empty(c, 0)
        for c in columns
    ]
    return replace(lead, codes=np.concatenate(codes).astype(np.int32), levels=levels)


Value = TypeVar("Value", int, float)


def _empty(column: Column, value: Value) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
    """Return the missing-value marker for each row of a column without values."""
    return np.full(len(column.missing), value)
