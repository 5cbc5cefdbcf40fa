"""Vocabulary: the words of the training rows that a model knows, with the rows that hold them.

Takes the texts of the training rows. ``encoding`` makes numbers of texts with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.elementary import log
from backpass.table.free_text.counts import Sparse, WordCounts, blocks_of, count_words

FEWEST_ROWS = 2  # rows that hold a word of the vocabulary
MOST_WORDS = 1 << 14  # words of a vocabulary


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The known words.

    Attributes:
        hashes: Hashes of the words, uint64 (words,), ascending.
        rows_with: Number of training rows that hold each word, uint32 (words,).
        rows: Number of training rows that hold a text.
        expected: Share of the words of further rows that are expected to be known: the share of the words of the
            training rows that at least ``FEWEST_ROWS`` other rows hold (Good 1953).
    """

    hashes: NDArray[np.uint64]
    rows_with: NDArray[np.uint32]
    rows: int
    expected: float = 1.0

    @classmethod
    def of(cls, texts: Sequence[str], counts: NDArray[np.int64]) -> Vocabulary:
        """Return the most frequent words, at most ``MOST_WORDS``, that at least ``FEWEST_ROWS`` rows hold.

        Args:
            texts: Distinct texts of the training rows.
            counts: Number of rows of each text (texts,).
        """
        hashes, rows_with, times = list[NDArray[np.uint64]](), list[NDArray[Any]](), list[NDArray[Any]]()
        for block in blocks_of(texts):
            found = count_words(texts[block])
            rows = counts[block][found.counts.rows].astype(np.float64)
            hashes.append(found.hashes)
            size = len(found.hashes)
            rows_with.append(np.bincount(found.counts.columns, rows, minlength=size))
            times.append(np.bincount(found.counts.columns, rows * found.counts.values, minlength=size))
        known, place = np.unique(np.concatenate([np.zeros(0, np.uint64), *hashes]), return_inverse=True)
        held, words = (
            np.bincount(place, np.concatenate([np.zeros(0), *each]), minlength=len(known)).astype(np.int64)
            for each in (rows_with, times)
        )
        often = np.flatnonzero(held >= FEWEST_ROWS)
        kept = np.sort(often[np.argsort(-held[often], kind="stable")[:MOST_WORDS]])
        expected = int(words[kept][held[kept] > FEWEST_ROWS].sum()) / max(int(words.sum()), 1)
        return cls(known[kept], held[kept].astype(np.uint32), int(counts.sum()), expected)

    def __len__(self) -> int:
        return len(self.hashes)

    def places(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the place of each word in the vocabulary, -1 for unknown words: (m,) -> (m,)"""
        if not len(self):
            return np.full(len(hashes), -1, dtype=np.int64)
        near = np.minimum(np.searchsorted(self.hashes, hashes), len(self) - 1)
        return np.where(self.hashes[near] == hashes, near, -1)

    def weighted(self, found: WordCounts) -> Sparse:
        """Return texts by words, as TF-IDF weights of length 1 per text.

            w = (1 + ln tf) (1 + ln((1 + rows) / (1 + rows_with)))

        tf is the number of times that the word occurs in the text; an unknown word counts as one that a single row
        holds (Salton & Buckley 1988).
        """
        places, counts = self.places(found.hashes), found.counts
        held = np.where(places >= 0, self.rows_with[places] if len(self) else 1, 1)
        rarity = 1.0 + log((1.0 + max(self.rows, 1)) / (1.0 + held))
        weights = (1.0 + log(counts.values)) * rarity[counts.columns]
        squares = np.bincount(counts.rows, weights * weights, minlength=counts.height)
        return Sparse(counts.rows, counts.columns, weights / np.sqrt(squares)[counts.rows], counts.height)
