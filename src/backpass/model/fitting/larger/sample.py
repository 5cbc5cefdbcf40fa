"""The sample of a streamed fit: the rows that are in memory, which decide on columns and scales and score the model.

It takes a source and returns an Arrow table with the numbers of its rows. Which rows are drawn depends on their numbers
and the seed alone, not on how the file is divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.fitting.larger.source import ParquetSource
from backpass.table.content import hashes_of

SAMPLE = 2**18
"""The number of rows of the sample, about."""

MOST_CLASSES = 1_000
"""The most values of a target that each have a row in the sample; more are hardly classes."""

_DRAWN, _PLACED = 0x5A3B_0001, 0x5A3B_0002


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows of a source.

    Attributes:
        rows: The rows, an Arrow table.
        numbers: Their numbers in the source, from 0, ascending.
    """

    rows: Any
    numbers: NDArray[np.int64]

    @staticmethod
    def of(source: ParquetSource, targets: Sequence[str], seed: int) -> Sample:
        """Draw rows, and the first rows with each value of a target that may be a class.

        Raises:
            DataError: A row group is damaged.
        """
        import pyarrow as pa

        parts, numbers, seen = [], [], {name: set[Any]() for name in targets}
        for first, piece in source.pieces():
            rows = np.arange(first, first + piece.num_rows)
            chosen = drawn(rows, seed, min(SAMPLE / source.rows, 1.0))
            for name in targets:
                if name in piece.column_names:
                    chosen[_new_values(piece.column(name), seen[name])] = True
            parts.append(piece.filter(pa.array(chosen)))
            numbers.append(rows[chosen])
        return Sample(pa.concat_tables(parts), np.concatenate(numbers))


def drawn(rows: NDArray[np.int64], seed: int, share: float) -> NDArray[np.bool_]:
    """Which rows are drawn, with this probability each: (n,)"""
    if share >= 1.0:
        return np.ones(len(rows), dtype=np.bool_)
    return _hashes(rows, seed, _DRAWN) < np.uint64(share * 2.0**64)


def windows_of(rows: NDArray[np.int64], seed: int, windows: int) -> NDArray[np.int64]:
    """The window of each row, drawn at random: (n,)"""
    return (_hashes(rows, seed, _PLACED) % np.uint64(windows)).astype(np.int64)


def _hashes(rows: NDArray[np.int64], seed: int, purpose: int) -> NDArray[np.uint64]:
    key = [np.full(len(rows), each, dtype=np.uint64) for each in (seed % 2**64, purpose)]
    return hashes_of([*key, rows.astype(np.uint64)], len(rows))


def _new_values(column: Any, seen: set[Any]) -> list[int]:
    """The first row of each value that was not seen before; none if the values are hardly classes."""
    import pyarrow as pa

    if pa.types.is_floating(column.type) or len(seen) > MOST_CLASSES:
        return []
    found = []
    for value in column.unique().to_pylist():
        if value is not None and value not in seen:
            seen.add(value)
            found.append(column.index(value).as_py())
    return found if len(seen) <= MOST_CLASSES else []
