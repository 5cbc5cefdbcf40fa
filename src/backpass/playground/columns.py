"""Columns of the page: those that its networks can learn from, as plain data.

Takes a table and the target; returns columns of numbers and of categories. Dates, columns of many categories and
columns that ``fit`` would leave out are left out, with a note.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backpass.errors import UsageError
from backpass.numerics.philox import permutation
from backpass.table import CategoricalFeature, NumericFeature, Schema, Table, Target
from backpass.table.feature import number_inputs
from backpass.table.messages import counted, plural, shown
from backpass.table.target import labeled

MOST_ROWS = 5_000
"""Rows that a page holds; of a larger table a random sample."""
MOST_LEVELS = 24
"""Categories of a column, and classes of a target, that a page shows."""


def columns_of(table: Table, target: str | None = None) -> dict[str, Any]:
    """The columns of a table for the page.

    Args:
        table: The table.
        target: The column to predict. Default None: the last one.

    Returns:
        "columns", each {name, kind, values, levels}; "target", the name of one of them; "notes".

    Raises:
        DataError: The target cannot be predicted, or no column is left to learn from.
        UsageError: The target has too many classes.
    """
    name = table.names[-1] if target is None else target
    table, note = labeled(table, name)
    goal = Target.fit(table, name)
    if len(goal.classes) > MOST_LEVELS:
        raise UsageError(
            f"target {shown(name)} has {len(goal.classes)} classes; the page shows at most {MOST_LEVELS}",
            hint="give another --target, or train it with fit",
        )
    schema = Schema.fit(table, name)
    encoded = schema.encode(table)
    rows = np.arange(table.rows)
    notes = [each for each in (note, *schema.notes) if each]
    if table.rows > MOST_ROWS:
        rows = np.sort(permutation(0, 0, 0, table.rows)[:MOST_ROWS])
        notes.append(f"a random sample of {MOST_ROWS:,} of {table.rows:,} rows")
    columns: list[dict[str, Any]] = []
    number = code = 0
    for feature in schema.features:
        match feature:
            case NumericFeature():
                columns.append(_numbers(feature.name, encoded.numbers[rows, number]))
                number += 1
            case CategoricalFeature(_, levels):
                if len(levels) <= MOST_LEVELS:
                    columns.append(_categories(feature.name, levels, encoded.codes[rows, code]))
                else:
                    notes.append(f"column {shown(feature.name)} has {counted(len(levels), 'category')}: left out here")
                code += 1
            case _:
                notes.append(
                    f"column {shown(feature.name)} holds {plural(feature.kind)}: left out here, fit reads them"
                )
                number += len(number_inputs(feature))
    if not columns:
        raise UsageError("no column of numbers or few categories is left to learn from", faults=notes)
    y = goal.encode(table)[rows]
    if not goal.classes:
        last = _numbers(name, y)
    elif goal.class_kind == "numeric":  # two numbers, of which the page makes classes as Target does
        last = _numbers(name, np.array([float(text) for text in goal.classes])[y])
    else:
        last = _categories(name, goal.classes, y + 1)
    return {"columns": [*columns, last], "target": name, "notes": notes}


def _numbers(name: str, values: Any) -> dict[str, Any]:
    texts = [None if np.isnan(value) else float(value) for value in values]
    return {"name": name, "kind": "numeric", "values": [int(v) if v is not None and v == int(v) else v for v in texts]}


def _categories(name: str, levels: tuple[str, ...], codes: Any) -> dict[str, Any]:
    return {"name": name, "kind": "categorical", "levels": list(levels), "values": [int(code) for code in codes]}
