"""Content: rows compared by value, whatever the coding of their categories.

Takes columns; returns one integer per row or value. ``diagnostics`` reports repeated rows, ``model.split`` keeps them
on one side of a split.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.distinct import distinct_values
from backpass.table.table import Column, DatetimeColumn, NumericColumn

_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SHIFTS = (np.uint64(30), np.uint64(27))


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of columns, see ``bits_of``, computed each time they are iterated: one column at a time.

    Attributes:
        columns: The columns.
    """

    columns: Sequence[Column]

    def __iter__(self) -> Iterator[NDArray[np.uint64]]:
        return map(bits_of, self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def first_equal(contents: Contents | Sequence[NDArray[np.uint64]], rows: int) -> NDArray[np.int64]:
    """The number of the first row with the same content, int64 (n,): its own number for a row that repeats none.

    Rows are compared by a hash, and those whose hash occurs twice are then compared value by value: the result is
    exact.

    Args:
        contents: The columns as ``bits_of`` returns them.
        rows: The number of rows n.

    >>> x = np.array([3.0, 1.0, 3.0, np.nan])
    >>> first_equal([bits_of_numbers(x)], 4)
    array([0, 1, 0, 3])
    """
    first = np.arange(rows)
    if not len(contents):
        return np.zeros(rows, dtype=np.int64)
    hashes = hashes_of(contents, rows)
    order = np.argsort(hashes, kind="stable")
    same = hashes[order][1:] == hashes[order][:-1]
    twice = np.zeros(rows, dtype=np.bool_)
    twice[1:] |= same
    twice[:-1] |= same
    candidates = np.sort(order[twice])
    if not len(candidates):
        return first
    columns = [column[candidates] for column in contents]
    inner = np.lexsort(columns)
    new = starts(columns, inner)
    ordered = candidates[inner]
    first[ordered] = ordered[np.flatnonzero(new)[np.cumsum(new) - 1]] if len(ordered) else ordered
    return first


def hashes_of(contents: Iterable[NDArray[np.uint64]], rows: int) -> NDArray[np.uint64]:
    """A 64-bit hash of each row, uint64 (n,); model files rely on it, so it never changes.

    Args:
        contents: The columns as ``bits_of`` returns them.
        rows: The number of rows n.
    """
    hashes = np.zeros(rows, dtype=np.uint64)
    for column in contents:
        hashes = _mixed(hashes ^ column)
    return hashes


def starts(columns: Sequence[NDArray[np.uint64]], order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where a row differs from the one before it, in this order."""
    new = np.zeros(len(order), dtype=np.bool_)
    new[:1] = True
    for column in columns:
        placed = column[order]
        new[1:] |= placed[1:] != placed[:-1]
    return new


def bits_of(column: Column) -> NDArray[np.uint64]:
    """One integer per value, equal for equal values; independent of categories that no row has."""
    if isinstance(column, NumericColumn):
        bits = bits_of_numbers(column.values)
        return bits if column.bounds is None else _mixed(bits) ^ column.bounds.astype(np.uint64)
    if isinstance(column, DatetimeColumn):
        return column.microseconds.view(np.uint64)
    return distinct_values(column.codes[column.codes > 0]).searchsorted(column.codes, "right").astype(np.uint64)


def bits_of_numbers(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """One integer per number; -0.0 equals 0.0, and missing values equal each other."""
    return np.where(np.isnan(values), np.nan, values + 0.0).view(np.uint64)


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Words whose bits all depend on all bits of the given ones    (the finalizer of SplitMix64, Steele et al. 2014)"""
    found = words + np.uint64(0x9E3779B97F4A7C15)
    for shift in _SHIFTS:
        found ^= found >> shift
        found *= _FACTOR
    return found ^ (found >> np.uint64(31))
