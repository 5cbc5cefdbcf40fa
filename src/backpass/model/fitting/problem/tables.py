"""Tables: the data of a fit, in any supported form, read with the options of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from backpass.table import Table, read_table, table_from


def as_table(data: Any, options: Mapping[str, Any], kinds: Mapping[str, str] | None = None) -> Table:
    """The table in any of the supported forms of data."""
    if isinstance(data, Table):
        return data
    if isinstance(data, str | Path):
        return read_table(data, **({**options, "kinds": kinds} if kinds is not None else options))
    names = {*signature(table_from).parameters} - {"data", "source", "drop"}
    given = {name: value for name, value in options.items() if name in names}
    return table_from(data, **({**given, "kinds": kinds} if kinds is not None else given))
