"""Dropped columns: columns that are not inputs but are read, because the rows may be split by them.

Takes names and categorical columns; returns names and dates. ``dependence`` examines the columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from backpass.table.columns.kinds import infer_column
from backpass.table.columns.raw import RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.datetimes.name_evidence import says_day
from backpass.table.diagnosis.identifiers import is_named_as_identifier
from backpass.table.messages import ErrorList
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, Table


def suspected_among(names: Iterable[str], *, groups: bool, times: bool) -> list[str]:
    """Return the names that are those of identifiers (``groups``) or of dates (``times``).

    >>> suspected_among(["patient_id", "sold_date", "area"], groups=True, times=True)
    ['patient_id', 'sold_date']
    """
    return [name for name in names if (groups and is_named_as_identifier(name)) or (times and says_day(name))]


def with_dates(table: Table, names: Iterable[str], rules: Rules) -> Table:
    """Return a table whose columns of these names, read as categories, are dates where they hold dates."""
    columns = dict(table.columns)
    for name in names:
        columns[name] = _dates_in(columns[name], rules) or columns[name]
    return replace(table, columns=columns)


def _dates_in(column: Column, rules: Rules) -> DatetimeColumn | None:
    """Return the dates in a categorical column, None if it holds anything else."""
    if not isinstance(column, CategoricalColumn):
        return None
    errors = ErrorList("")
    found = infer_column(RawStrings(column.name, column.levels, column.codes), rules, errors, [])
    return found if isinstance(found, DatetimeColumn) and found.kind == "date" and not errors.texts else None
