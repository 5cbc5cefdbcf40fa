"""A source of a streamed fit: rows of a table that are read twice, in pieces, with row numbers.

``parquet`` and ``text`` have the sources; ``source_of`` opens that of a path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backpass.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class SampledRows:
    """A sample of the rows of a source.

    Attributes:
        table: The rows, which have the numbers that they have in the source, from 1.
        rows: The number of all rows of the source.
        is_all: Whether the table has all of them.
    """

    table: Table
    rows: int
    is_all: bool = False


class RowSource(Protocol):
    """A table that is read in pieces."""

    @property
    def name(self) -> str:
        """Name of the table in messages."""

    def sample(self, targets: Sequence[str], seed: int) -> SampledRows:
        """Draw a random sample, with the first row of each value of a target that may be a class.

        Raises:
            DataError: The rows are no valid table.
        """

    def tables(self, kinds: Mapping[str, str]) -> Iterator[Table]:
        """Yield all rows in tables, with these columns of these kinds.

        Raises:
            DataError: A column does not have the required kind.
        """
