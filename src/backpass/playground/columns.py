"""Columns of the page: those that its networks can learn from, as plain data.

Takes a table and the target; returns columns of numbers, categories, dates and times. Free text and columns that
``fit`` would leave out are left out, with a note.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from backpass.errors import UsageError
from backpass.numerics.philox import permutation
from backpass.table import CategoricalFeature, Schema, Table, Target
from backpass.table.feature import (
    DatetimeFeature,
    Feature,
    NumericFeature,
    TextFeature,
    feature_to_json,
    number_inputs,
)
from backpass.table.messages import shown
from backpass.table.target import labeled

MOST_ROWS = 5_000
"""Rows that a page holds; of a larger table a random sample."""
MOST_CLASSES = 24
"""Classes of a target that a page shows."""
MOST_INPUTS = 4_000
"""Inputs of a network on a page; columns whose inputs would be more are left out."""


def columns_of(table: Table, target: str | None = None) -> dict[str, Any]:
    """The columns of a table for the page.

    Args:
        table: The table.
        target: The column to predict. Default None: the last one.

    Returns:
        "columns", each {name, kind, values} with levels of categories, parts of dates and times, and the feature of a
        model file where it says more; "target", the name of one of them; "notes"; "omitted", the columns that ``fit``
        reads and the page does not.

    Raises:
        DataError: The target cannot be predicted, or no columns are left to learn from.
        UsageError: The target has too many classes.
    """
    name = table.names[-1] if target is None else target
    table, note = labeled(table, name)
    goal = Target.fit(table, name)
    if len(goal.classes) > MOST_CLASSES:
        raise UsageError(
            f"target {shown(name)} has {len(goal.classes)} classes; the page shows at most {MOST_CLASSES}",
            hint="choose another --target, or use backpass fit",
        )
    schema = Schema.fit(table, name)
    encoded = schema.encode(table)
    rows = np.arange(table.rows)
    notes = [each for each in (*table.notes, note, *schema.notes) if each]
    if table.rows > MOST_ROWS:
        rows = np.sort(permutation(0, 0, 0, table.rows)[:MOST_ROWS])
        notes.append(f"a random sample of {MOST_ROWS:,} of {table.rows:,} rows")
    columns: list[dict[str, Any]] = []
    omitted: list[str] = []
    number = code = width = 0
    for feature in schema.features:
        inputs = _inputs(feature)
        if isinstance(feature, TextFeature) or width + inputs > MOST_INPUTS:
            why = "is free text" if isinstance(feature, TextFeature) else f"would need {inputs:,} more inputs"
            notes.append(f"column {shown(feature.name)} {why}: left out here; backpass fit uses it")
            omitted.append(feature.name)
        else:
            width += inputs
            values = encoded.codes[rows, code] if feature.kind == "categorical" else encoded.numbers[rows, number]
            columns.append(_column(feature, values))
        code += feature.kind == "categorical"
        number += len(number_inputs(feature))
    if not columns:
        raise UsageError("no column is left that the page can learn from", details=notes)
    y = goal.encode(table)[rows]
    if not goal.classes:
        last = _numbers(name, y)
    elif goal.class_kind == "numeric":  # two numbers, of which the page makes classes as Target does
        last = _numbers(name, np.array([float(text) for text in goal.classes])[y])
    else:
        last = _categories(name, goal.classes, y + 1)
    return {"columns": [*columns, last], "target": name, "notes": notes, "omitted": omitted}


def _inputs(feature: Feature) -> int:
    """The number of inputs of a column in the page's networks, at most."""
    match feature:
        case CategoricalFeature(_, levels):
            return len(levels) + 1
        case DatetimeFeature():
            return 1 + sum(1 + 2 * (each.period > 0) for each in number_inputs(feature))
    return 2


def _column(feature: Feature, values: Any) -> dict[str, Any]:
    if isinstance(feature, NumericFeature):
        feature = replace(feature, marks_bounds=False)  # the page shows one number per column
    written = feature_to_json(feature)
    match feature:
        case CategoricalFeature(name, levels):
            column = _categories(name, levels, values)
        case DatetimeFeature(name, kind, parts):
            column = {**_numbers(name, values), "kind": kind, "parts": list(parts)}
        case _:
            column = _numbers(feature.name, values)
    return column | ({"feature": written} if written.keys() - column.keys() else {})


def _numbers(name: str, values: Any) -> dict[str, Any]:
    texts = [None if np.isnan(value) else float(value) for value in values]
    return {"name": name, "kind": "numeric", "values": [int(v) if v is not None and v == int(v) else v for v in texts]}


def _categories(name: str, levels: tuple[str, ...], codes: Any) -> dict[str, Any]:
    return {"name": name, "kind": "categorical", "levels": list(levels), "values": [int(code) for code in codes]}
