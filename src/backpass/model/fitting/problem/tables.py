"""Tables: the data of a fit, in any supported form, read with the options of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backpass.errors import UsageError, did_you_mean
from backpass.table import Table, read_table, table_from
from backpass.table.windows.read_settings import FRAME_OPTIONS, READING_OPTIONS


def reading_options(reading: Mapping[str, Any] | None) -> dict[str, Any]:
    """The argument ``reading`` as a dict; empty if it is None.

    Raises:
        UsageError: It is no mapping.
    """
    if not isinstance(reading, Mapping | None):
        raise UsageError(
            f"reading must be a dict of options of read_table; got {reading!r}", hint="reading={'decimal': ','}"
        )
    return dict(reading or {})


def as_table(data: Any, options: Mapping[str, Any], kinds: Mapping[str, str] | None = None) -> Table:
    """The table in any of the supported forms of data.

    Raises:
        UsageError: An option in ``reading`` is unknown.
    """
    for name in options:
        if name not in READING_OPTIONS:
            raise UsageError(f"reading has no option {name!r}", hint=did_you_mean(name, sorted(READING_OPTIONS)))
    if isinstance(data, Table):
        return data
    if isinstance(data, str | Path):
        return read_table(data, **({**options, "kinds": kinds} if kinds is not None else options))
    given = {name: value for name, value in options.items() if name in FRAME_OPTIONS - {"drop"}}
    return table_from(data, **({**given, "kinds": kinds} if kinds is not None else given))
