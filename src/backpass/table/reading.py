"""Reading: a table file -> Table.

CSV and TSV (any of , ; tab | between fields, UTF-8, UTF-16, or what ``encoding`` says), plain or as .gz or .zst, and
Parquet, told apart by their content. Either every fault of the file is raised as one ``DataError``, or there is a
table and its notes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backpass.errors import UsageError
from backpass.table.database import connected
from backpass.table.decimals import decimal_of
from backpass.table.delimited import fields_of, load
from backpass.table.kinds import Rules, settle
from backpass.table.missing import DEFAULT_MISSING, Missing
from backpass.table.opening import Opened, opened
from backpass.table.parquet import parquet_columns
from backpass.table.raw import Content, RawNumbers, RawTexts
from backpass.table.records import delimiter_of, header_of, spoken
from backpass.table.table import Table
from backpass.table.wording import Faults, absent, shown

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a delimited file is written; None: find out."""

    delimiter: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n\0'):
            raise UsageError(f"a delimiter is one character, got {shown(self.delimiter)}", hint="';' or tab, say")
        if self.decimal not in {None, ".", ","}:
            raise UsageError(f"decimal is '.' or ',', got {shown(self.decimal)}")


def read_table(
    path: str | Path,
    *,
    kinds: Mapping[str, str] | None = None,
    missing: Sequence[str] = DEFAULT_MISSING,
    text: Sequence[str] = (),
    drop: Sequence[str] = (),
    need: Sequence[str] | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
) -> Table:
    """Read a CSV, TSV or Parquet file; ``-`` is standard input.

    Without ``kinds`` the kind of each column is decided over all rows (see ``kinds``), columns in ``text`` stay text,
    those in ``drop`` are not read. With ``kinds`` (those of a fitted Schema) these columns are converted to what is
    demanded, and all others are left out. Columns in ``need`` have to be there. ``missing`` is explained in
    ``missing``.

    Raises DataError (exit code 3), ResourceError when the file cannot be read, UsageError for settings.
    """
    manner = Manner(DELIMITER_NAMES.get(delimiter, delimiter) if delimiter else None, decimal)
    rules = Rules(kinds, frozenset(text), frozenset(drop), Missing.of(missing), decimal or ".")
    with opened(path, encoding) as file, connected() as database:
        faults, notes = Faults(file.source), list[str]()
        if file.form == "parquet":
            content = parquet_columns(database, file, rules, faults, notes)
        else:
            content, rules = _delimited(database, file, rules, manner, faults, notes)
    for fault in absent(list(dict.fromkeys([*(need or ()), *text, *drop])), content.names):
        faults.add(fault)
    columns = {raw.name: settle(raw, rules, faults, notes) for raw in content.columns}
    faults.stop()
    left_out = tuple(name for name in content.names if name not in columns)
    return Table(file.source, columns, np.arange(1, content.rows + 1), tuple(notes), left_out, tuple(missing))


def _delimited(
    database: DuckDBPyConnection, file: Opened, rules: Rules, manner: Manner, faults: Faults, notes: list[str]
) -> tuple[Content, Rules]:
    """The content of a delimited file, and the rules with its decimal sign; a note on what was found out."""
    delimiter = manner.delimiter or delimiter_of(file.path, file.source)
    header = header_of(file.path, delimiter, file.source)
    rows = load(database, file, header, delimiter)
    fields = list(fields_of(database, header.names, rules))
    if manner.decimal is None and delimiter != ",":
        pointed = [field.column.name for field in fields if field.points and isinstance(field.column, RawNumbers)]
        texts = [field.column for field in fields if isinstance(field.column, RawTexts)]
        rules = replace(rules, decimal=decimal_of(texts, pointed, rules, faults))
    found = [f"delimiter {spoken(delimiter)}"] if manner.delimiter is None and delimiter != "," else []
    found += ["decimal ','"] if manner.decimal is None and rules.decimal == "," else []
    if found:
        notes.append(f"{', '.join(found)} detected")
    return Content(header.names, [field.column for field in fields], rows), rules
