"""Counts: how often each word occurs in each text, and each character n-gram in each word, as sparse matrices.

Takes texts. Words are known by their hashes (``numerics.string_hash``), so a count does not depend on which texts are
counted together.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.string_hash import code_points, hashes_of, mixed, powers
from backpass.table.free_text.words import words_of

LENGTHS = (3, 4, 5)  # characters of an n-gram; a word counts with a sign before and one behind
BLOCK = 1 << 21  # characters of the texts that are counted at once


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse matrix as its entries, row by row.

    Attributes:
        rows: Row of each entry, int64 (entries,), ascending.
        columns: Column of each entry, int64 (entries,).
        values: The entries, float64 (entries,).
        height: Number of rows.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float64]
    height: int

    def times(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return A X: (width, k) -> (height, k). The terms of each sum are added in the order of the entries."""
        return _sums(self.rows, self.values, X, self.columns, self.height)

    def transposed_times(self, Y: NDArray[np.float64], width: int) -> NDArray[np.float64]:
        """Return A^T Y: (height, k) -> (width, k)."""
        return _sums(self.columns, self.values, Y, self.rows, width)


def _sums(
    into: NDArray[np.int64], values: NDArray[np.float64], X: NDArray[np.float64], of: NDArray[np.int64], size: int
) -> NDArray[np.float64]:
    """Return sums over the entries e: out[into_e] += values_e X[of_e], added one after the other."""
    out, terms = np.empty((X.shape[1], size)), np.empty(len(of))
    for j, column in enumerate(np.ascontiguousarray(X.T)):
        np.take(column, of, out=terms, mode="clip")  # no place is out of range; the other modes copy through a buffer
        np.multiply(values, terms, out=terms)
        out[j] = np.bincount(into, terms, minlength=size)
    return out.T


@dataclass(frozen=True, slots=True)
class WordCounts:
    """The words of some texts.

    Attributes:
        hashes: The distinct words' hashes, uint64 (words,), ascending.
        counts: Texts by words: how often each word occurs in each text.
        points: The code points of the distinct words, with a sign before and one behind, one after the other.
        starts: Where each word starts in ``points``, int64 (words + 1,).
    """

    hashes: NDArray[np.uint64]
    counts: Sparse
    points: NDArray[np.uint64]
    starts: NDArray[np.int64]

    def grams(self, words: NDArray[np.int64], buckets: int) -> Sparse:
        """Return words by buckets: how often each n-gram occurs in each of these words.

        Args:
            words: Places of the words (m,).
            buckets: Number of buckets that the hashes of n-grams are spread over, a power of two.
        """
        lengths = np.diff(self.starts)[words]
        ends = np.cumsum(lengths)
        places = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(
            self.starts[words] - (ends - lengths), lengths
        )
        points, word = self.points[places], np.repeat(np.arange(len(words)), lengths)
        last = np.repeat(ends, lengths)
        rows, columns = list[NDArray[np.int64]](), list[NDArray[np.int64]]()
        for size in LENGTHS:
            first = np.flatnonzero(np.arange(len(points)) + size <= last)
            sums = np.zeros(len(first), dtype=np.uint64)
            for i, power in enumerate(powers(size)):
                sums += points[first + i] * power
            rows.append(word[first])
            columns.append((mixed(sums) & np.uint64(buckets - 1)).astype(np.int64))
        by_word = np.argsort(np.concatenate(rows), kind="stable")
        ones = np.ones(len(by_word))
        return Sparse(np.concatenate(rows)[by_word], np.concatenate(columns)[by_word], ones, len(words))


def count_words(texts: Sequence[str]) -> WordCounts:
    """Count the words of each text.

    >>> found = count_words(["a rose is a rose", "A ROSE!"])
    >>> len(found.hashes), sorted(found.counts.values.tolist())
    (3, [1.0, 1.0, 1.0, 2.0, 2.0])
    """
    place = defaultdict[str, int]()
    place.default_factory = place.__len__  # a new word gets the next number
    flat, lengths = array("q"), np.zeros(len(texts), dtype=np.int64)
    for i, text in enumerate(texts):
        words = words_of(text)
        lengths[i] = len(words)
        flat.extend(map(place.__getitem__, words))
    strings = [f"<{word}>" for word in place]
    points, starts = code_points(strings)
    hashes, first, rank = np.unique(hashes_of(points, starts), return_index=True, return_inverse=True)
    points, starts = code_points([strings[j] for j in first.tolist()])
    width = max(len(hashes), 1)
    entries = np.repeat(np.arange(len(texts)), lengths) * width + rank[np.frombuffer(flat, dtype=np.int64)]
    distinct, counts = np.unique(entries, return_counts=True)
    sparse = Sparse(distinct // width, distinct % width, counts.astype(np.float64), len(texts))
    return WordCounts(hashes, sparse, points, starts)


def blocks_of(texts: Sequence[str]) -> Iterator[slice]:
    """Yield consecutive slices of the texts, each of about ``BLOCK`` characters."""
    start, size = 0, 0
    for i, text in enumerate(texts):
        size += len(text)
        if size >= BLOCK:
            yield slice(start, i + 1)
            start, size = i + 1, 0
    if start < len(texts):
        yield slice(start, len(texts))
