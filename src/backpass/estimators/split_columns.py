"""Split columns: the groups and times of rows that ``fit`` receives with X; they determine the validation rows.

It takes arrays and returns columns of a table; ``backpass.model.split`` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from backpass.errors import UsageError
from backpass.estimators.columns import check_unmasked
from backpass.table import Column, Table, table_from

NAMES = {"group": "groups", "time": "time"}


def split_columns(groups: Any, time: Any, has_validation: bool) -> dict[str, Column]:
    """The columns "group" and "time", as far as they were passed.

    Raises:
        UsageError: Validation rows were passed, too, so there is nothing to split.
        DataError: The values are of a type that no column can have.
    """
    given = {name: values for name, values in (("group", groups), ("time", time)) if values is not None}
    if given and has_validation:
        named = " and ".join(NAMES[name] for name in given)
        raise UsageError(
            f"{named} would select the validation rows, but X_val and y_val already set them",
            hint=f"leave out {named}, or X_val and y_val",
        )
    return {name: _column(NAMES[name], values) for name, values in given.items()}


def with_columns(table: Table, split_by: Mapping[str, Column]) -> Table:
    """The table with these columns beside its own.

    Raises:
        ValueError: They have another number of rows.
    """
    columns = dict(table.columns)
    for name, column in split_by.items():
        if (rows := len(column.missing)) != table.rows:
            raise ValueError(f"{column.name} must have shape ({table.rows},), one value per row; got ({rows},)")
        columns[_key(name)] = column
    return replace(table, columns=columns)


def without_columns(table: Table) -> tuple[Table, dict[str, Column]]:
    """The table without the columns that ``with_columns`` put there, and these columns."""
    found = {name: table.columns[_key(name)] for name in NAMES if _key(name) in table.columns}
    keys = {_key(name) for name in NAMES}
    return replace(table, columns={key: each for key, each in table.columns.items() if key not in keys}), found


def _key(name: str) -> str:
    """A name that no column of X has, because theirs are stripped of blanks."""
    return f" {name}"


def _column(name: str, values: Any) -> Column:
    check_unmasked(values, name)
    shape = np.shape(values)
    if len(shape) == 2 and shape[1] == 1:
        values = np.asarray(values).reshape(-1)
    elif len(shape) != 1:
        raise ValueError(f"{name} must have shape (n,), one value per row; got {shape}")
    return table_from({name: values}).columns[name]
