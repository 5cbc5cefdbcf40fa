"""Encoding of free text: a few numbers per text, fitted to the training rows.

A text is the sum of its words, weighted by TF-IDF; a word is the sum of itself, if it is known, and of its character
n-grams, hashed into a table. So a text of unknown words, or of misspelled ones, is still near the texts it resembles,
and the work grows with the words, not with their n-grams (as in the word vectors of Bojanowski et al. 2017). With W the
weights of texts by words and T the words by known words and n-grams, X = W T; its first right singular vectors V, found
by subspace iteration with a fixed seed (Halko et al. 2011), give the components X V (latent semantic analysis,
Deerwester et al. 1990). Every sum has a fixed order and no product goes through BLAS, so the numbers are the same on
every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError
from backpass.numerics.distinct import distinct_values
from backpass.numerics.eigen import leading_eigen
from backpass.numerics.elementary import log
from backpass.table.free_text.counts import Sparse, WordCounts, blocks_of, count_words
from backpass.table.free_text.vocabulary import Vocabulary

FEWEST_COMPONENTS, MOST_COMPONENTS = 8, 16
MANY_ROWS = 1024  # from so many training rows, the most components
FEWEST_BUCKETS, MOST_BUCKETS = 256, 4096
GRAM_LENGTH = 0.7  # length of a word's n-grams as a vector, against 1 of the word itself
SAMPLE_TEXTS, SAMPLE_CHARACTERS = 1 << 14, 1 << 23  # what the singular vectors are found from
UNFAMILIAR_SHARE = 0.25  # share of the expected known words below which hardly a word is known
ROUNDS = 4  # of the subspace iteration; the spectra of texts fall slowly, and their last vectors matter least


@dataclass(frozen=True, slots=True)
class Words:
    """The words of some rows.

    Attributes:
        known: How many of them are known.
        held: How many there are.
        rows: Rows with a word.
        unfamiliar: Rows with hardly any known word: less than ``UNFAMILIAR_SHARE`` of what is expected.
    """

    known: int
    held: int
    rows: int
    unfamiliar: int

    @property
    def known_share(self) -> float:
        """The share of the words that are known, 1 if there is no word."""
        return self.known / self.held if self.held else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class TextEncoding:
    """How texts become numbers.

    Attributes:
        vocabulary: The known words.
        gram_weights: Weight of the n-grams of each bucket, float32 (buckets,).
        vectors: The singular vectors, float32 (words + buckets, components).

    Raises:
        DataError: The sizes do not fit.
    """

    vocabulary: Vocabulary
    gram_weights: NDArray[np.float32]
    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        words, buckets, hashes = len(self.vocabulary), len(self.gram_weights), self.vocabulary.hashes
        sizes = (len(self.vocabulary.rows_with), *self.vectors.shape[:-1])
        if sizes != (words, words + buckets) or buckets < 1 or buckets & (buckets - 1):
            raise DataError(f"the sizes of a text encoding do not match: {sizes}, {words} words, {buckets} buckets")
        if (hashes[1:] <= hashes[:-1]).any():
            raise DataError("the words of a text encoding are not sorted")
        held = self.vocabulary.rows_with
        if not len(held) or held.min() < 1 or held.max() > self.vocabulary.rows or not (self.gram_weights > 0.0).all():
            raise DataError("the weights of a text encoding are out of range")

    @classmethod
    def fit(cls, texts: Sequence[str], counts: NDArray[np.int64]) -> TextEncoding | None:
        """Fit the encoding to the training rows; None if no word occurs in two of them.

        Args:
            texts: Distinct texts of the training rows.
            counts: Number of rows of each text (texts,).
        """
        vocabulary = Vocabulary.of(texts, counts)
        if not len(vocabulary):
            return None
        step = max(-(-len(texts) // SAMPLE_TEXTS), -(-sum(map(len, texts)) // SAMPLE_CHARACTERS))
        sample, rows = texts[::step], counts[::step].astype(np.float64)
        found = count_words(sample)
        buckets = buckets_for(len(vocabulary))
        every = found.grams(np.arange(len(found.hashes)), buckets)
        pairs = distinct_values(every.rows * buckets + every.columns) % buckets
        held = np.bincount(pairs, minlength=buckets)
        gram_weights = (1.0 + log((1.0 + len(found.hashes)) / (1.0 + held))).astype(np.float32)
        return cls(vocabulary, gram_weights, _vectors(vocabulary, gram_weights, found, rows))

    @property
    def components(self) -> int:
        """Number of components, k."""
        return int(self.vectors.shape[1])

    def to_json(self) -> dict[str, Any]:
        """Return all but the arrays, and the sizes of these, as JSON-serializable data."""
        sizes = {"words": len(self.vocabulary), "buckets": len(self.gram_weights), "components": self.components}
        return {"rows": self.vocabulary.rows, "expected": self.vocabulary.expected, **sizes}

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return ln(1 + words) and the components of each text; and its known words and all of its words, as counts.

        texts (n,)   ->   float64 (n, 1 + components), int64 (n, 2)
        """
        values = np.zeros((len(texts), 1 + self.components))
        words = np.zeros((len(texts), 2), dtype=np.int64)
        for block in blocks_of(texts):
            found = count_words(texts[block])
            counts = found.counts
            there = self.vocabulary.places(found.hashes) >= 0
            held = np.bincount(counts.rows, counts.values, minlength=counts.height)
            values[block, 0] = log(1.0 + held)
            values[block, 1:] = self.vocabulary.weighted(found).times(self._words(found))
            words[block, 0] = np.bincount(counts.rows, counts.values * there[counts.columns], minlength=counts.height)
            words[block, 1] = held
        return values, words

    def words_in(self, words: NDArray[np.int64], rows: NDArray[np.int64]) -> Words:
        """Return the words of some rows.

        Args:
            words: Known words, and all words, of each text (n, 2), as ``encode`` returns them.
            rows: Number of rows of each text (n,).
        """
        known, held = rows @ words
        has_words = words[:, 1] > 0
        is_strange = has_words & (words[:, 0] < UNFAMILIAR_SHARE * self.vocabulary.expected * words[:, 1])
        return Words(int(known), int(held), int(rows[has_words].sum()), int(rows[is_strange].sum()))

    def _words(self, found: WordCounts) -> NDArray[np.float64]:
        """Return the components of each distinct word: (words, k)"""
        words, vectors = len(self.vocabulary), self.vectors.astype(np.float64)
        place = self.vocabulary.places(found.hashes)
        grams = _grams(found, np.arange(len(found.hashes)), self.gram_weights)
        return np.where((place >= 0)[:, None], vectors[place], 0.0) + grams.times(vectors[words:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextEncoding) and all(
            np.array_equal(mine, others) for mine, others in zip(self._arrays(), other._arrays(), strict=True)
        )

    def __hash__(self) -> int:
        return hash(tuple(array.tobytes() for array in self._arrays()))

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return self.vocabulary.hashes, self.vocabulary.rows_with, self.gram_weights, self.vectors


def components_for(rows: int) -> int:
    """Return the number of components for a number of rows: 8, or 16 from 1,024 rows.

    >>> [components_for(rows) for rows in (100, 2_000, 100_000)]
    [8, 16, 16]
    """
    return FEWEST_COMPONENTS if rows < MANY_ROWS else MOST_COMPONENTS


def buckets_for(words: int) -> int:
    """Return the number of buckets for n-grams: the power of two from the number of words, 256 to 4096."""
    return min(max(1 << (words - 1).bit_length(), FEWEST_BUCKETS), MOST_BUCKETS)


def _grams(found: WordCounts, words: NDArray[np.int64], gram_weights: NDArray[np.float32]) -> Sparse:
    """Return words by buckets, weighted, each row of length ``GRAM_LENGTH`` (if no two n-grams share a bucket)."""
    grams = found.grams(words, len(gram_weights))
    weights = gram_weights.astype(np.float64)[grams.columns]
    squares = np.bincount(grams.rows, weights * weights, minlength=grams.height)
    return Sparse(grams.rows, grams.columns, GRAM_LENGTH * weights / np.sqrt(squares)[grams.rows], grams.height)


def _vectors(
    vocabulary: Vocabulary, gram_weights: NDArray[np.float32], found: WordCounts, rows: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the first right singular vectors of the known words and n-grams of a sample of texts."""
    words, size = len(vocabulary), len(vocabulary) + len(gram_weights)
    weighted, place = vocabulary.weighted(found), vocabulary.places(found.hashes)
    known = np.flatnonzero(place >= 0)
    at = place[weighted.columns]
    kept = at >= 0
    texts = Sparse(weighted.rows[kept], at[kept], weighted.values[kept], weighted.height)
    grams = _grams(found, known, gram_weights)
    spread = Sparse(place[known][grams.rows], grams.columns, grams.values, words)

    def product(Q: NDArray[np.float64]) -> NDArray[np.float64]:
        """X^T diag(rows) X Q"""
        scores = texts.times(Q[:words] + spread.times(Q[words:]))
        back = texts.transposed_times(rows[:, None] * scores, words)
        return np.concatenate([back, spread.transposed_times(back, size - words)])

    count = max(min(components_for(vocabulary.rows), len(texts.rows)), 1)
    return leading_eigen(product, size, count, rounds=ROUNDS)[1].astype(np.float32)
