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

        parts, numbers, seen = list[Any](), list[NDArray[np.int64]](), {name: dict[Any, int]() for name in targets}
        for first, piece in source.pieces():
            rows = np.arange(first, first + piece.num_rows)
            chosen = drawn(rows, seed, min(SAMPLE / source.rows, 1.0))
            for name in targets:
                if name in piece.column_names:
                    chosen[_new_values(piece.column(name), seen[name], first)] = True
            parts.append(piece.filter(pa.array(chosen)))
            numbers.append(rows[chosen])
        found = np.concatenate(numbers)
        # A target that turned out to be no classes adds no rows, wherever the pieces end.
        first_rows = [row for each in seen.values() if len(each) <= MOST_CLASSES for row in each.values()]
        kept = drawn(found, seed, min(SAMPLE / source.rows, 1.0)) | np.isin(found, first_rows)
        return Sample(pa.concat_tables(parts).filter(pa.array(kept)), found[kept])


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


def _new_values(column: Any, seen: dict[Any, int], first: int) -> list[int]:
    """The first row of each value that was not seen before; none if the values are hardly classes.

    Args:
        column: The values of a piece.
        seen: The row of each value that was seen before in the source; it grows.
        first: The number of the first row of the piece.
    """
    import pyarrow as pa

    if len(seen) > MOST_CLASSES:
        return []
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        new = [each for each in column.unique().to_pylist() if each is not None and each == each and each not in seen]
        found = [column.index(each).as_py() for each in new[: MOST_CLASSES + 1]]
    except pa.ArrowNotImplementedError:  # lists, for example: no target is of such a type
        return []
    seen.update(zip(new, (first + row for row in found), strict=False))
    return found
