"""A source of a streamed fit: rows of a table that are read twice, in pieces, with row numbers.

``parquet`` and ``text`` have the sources; ``source_of`` opens that of a path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from backpass.dataclass import dataclass
from backpass.table import Table
from backpass.training.processes.exchange import SOLO, Exchange


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

    def sample(self, targets: Sequence[str], seed: int, exchange: Exchange = SOLO) -> SampledRows:
        """Draw a random sample, with the first row of each value of a target that may be a class.

        Args:
            targets: The targets.
            seed: The seed.
            exchange: The processes that draw the sample; each of them gets all of it.

        Raises:
            DataError: The rows are not a valid table, or the processes have different ones.
        """

    def tables(self, kinds: Mapping[str, str], rows: range) -> Iterator[Table]:
        """Yield some of the rows in tables, in order, with these columns of these kinds.

        Args:
            kinds: The required kinds by column name.
            rows: The numbers of the rows, from 0. A table may have others, too.

        Raises:
            DataError: A column does not have the required kind.
        """
