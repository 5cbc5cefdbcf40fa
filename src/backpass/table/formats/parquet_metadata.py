"""Parquet metadata: what a Parquet file states about its columns beyond their types.

Takes an opened file; returns the content of two metadata entries: ``ARROW:schema``, which has the units of durations,
and ``pandas``, which names the index columns and also has the units. ``parquet`` reads the columns themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from backpass.dataclass import dataclass
from backpass.table.columns.row_names import PandasNotes
from backpass.table.files.database import identifier, literal, pattern
from backpass.table.files.opening import Opened
from backpass.table.formats.arrow_schema import duration_units
from backpass.table.messages import shown
from backpass.table.notation.lazy_pattern import LazyPattern

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WHOLE = "BIGINT"  # DuckDB's type for a duration, whose unit it ignores
DURATION = "DURATION "  # type name of durations here, followed by the unit
RENAMED = LazyPattern(r"(.+)_[0-9]+")
EXPONENTS = {"s": "e0", "ms": "e-3", "us": "e-6", "ns": "e-9"}


@dataclass(frozen=True, slots=True)
class ParquetMetadata:
    """Metadata of a file.

    Attributes:
        index: Names of the pandas index columns.
        units: Unit of each column of durations.
    """

    index: tuple[str, ...]
    units: Mapping[str, str]

    @classmethod
    def of(cls, database: DuckDBPyConnection, file: Opened) -> ParquetMetadata:
        """Read the metadata of a file.

        Raises:
            duckdb.Error: The file is damaged.
        """
        query = f"SELECT key, value FROM parquet_kv_metadata({literal(pattern(file.path))})"
        entries = {bytes(key): bytes(value) for key, value in database.execute(query).fetchall()}
        pandas = PandasNotes.of(entries.get(b"pandas"))
        return cls(pandas.index, {**dict(pandas.units), **duration_units(entries.get(b"ARROW:schema", b""))})

    def typed(self, stored: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the name and type of each column, with durations marked by type and unit: ``DURATION us``."""
        return [(name, DURATION + self.units[name] if self._is_span(name, type_) else type_) for name, type_ in stored]

    def replacements(self, stored: Sequence[tuple[str, str]]) -> list[str]:
        """Return SQL expressions that replace each column of durations by its seconds."""
        spans = [identifier(name) for name, type_ in stored if self._is_span(name, type_)]
        units = [self.units[name] for name, type_ in stored if self._is_span(name, type_)]
        return [f"{duration_sql(span, unit)} AS {span}" for span, unit in zip(spans, units, strict=True)]

    def _is_span(self, name: str, type_: str) -> bool:
        return type_ == WHOLE and name in self.units


def renamed_notes(database: DuckDBPyConnection, file: Opened, names: Sequence[str]) -> list[str]:
    """Return a note on each column that DuckDB renames, because another name differs from it in case at most.

    Raises:
        duckdb.Error: The file is damaged.
    """
    lowered = {name.lower() for name in names}
    if not any((found := RENAMED.fullmatch(name.lower())) and found[1] in lowered for name in names):
        return []  # nearly all files, without a look at their schema
    schema = f"SELECT name, coalesce(num_children, 0) FROM parquet_schema({literal(pattern(file.path))})"
    _, *fields = database.execute(schema).fetchall()
    originals, inside = list[str](), 0
    for name, children in fields:  # each with its children behind it
        originals += [] if inside else [str(name)]
        inside += children - (inside > 0)
    renamed = [(name, original) for name, original in zip(names, originals, strict=True) if name != original]
    return [
        f"the file has the name {shown(original)} again, or in other case: this column is called {shown(name)}"
        for name, original in renamed
    ]


def duration_sql(column: str, unit: str) -> str:
    """Return the SQL expression that converts integers of a unit to seconds, through text so that they round once.

    >>> duration_sql('"x"', "ms")
    '("x"::VARCHAR || \\'e-3\\')::DOUBLE'
    """
    return f"({column}::VARCHAR || '{EXPONENTS[unit]}')::DOUBLE"
