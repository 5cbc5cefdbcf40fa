"""Recognition of free text: whether the texts of a column are sentences rather than categories or identifiers.

Takes a categorical column. Free text consists of several words and hardly ever repeats. Numbers, dates, codes, paths,
addresses of pages and mail have few words in this sense, or none: a word has two letters in a row, and nothing that
joins parts of a name.
"""

from __future__ import annotations

import numpy as np

from backpass.table.free_text.words import UNSPACED
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.table import CategoricalColumn, Column

FEWEST_ROWS = 20  # rows with a text, below which nothing is recognized
FEWEST_WORDS = 3  # median number of words
DISTINCT_SHARE = 0.5  # distinct texts per row with a text
SAMPLE = 1000  # texts that are looked at

_WORD = LazyPattern(r"[^\w\s]*[^\W\d_]{2,}(?:['\u2019-][^\W\d_]+)*[^\w\s]*")
_UNSPACED = LazyPattern(f"[{UNSPACED}]")
_JOINED = LazyPattern(r"[@\\/_=]|\w[.:]\w")  # mail, paths, links, names of files and variables


def is_free_text(column: Column) -> bool:
    """Whether a column is free text: because the caller says so, or because its texts look like it.

    >>> from backpass.table import table_from
    >>> texts = [f"the {a} house by the {b} river" for a in ("old", "new", "red") for b in "abcdefgh"]
    >>> is_free_text(table_from({"text": texts}).column("text"))
    True
    """
    if not isinstance(column, CategoricalColumn):
        return False
    return looks_like_text(column) if column.is_text is None else column.is_text


def looks_like_text(column: CategoricalColumn) -> bool:
    """Whether the texts of a column consist of several words, and hardly ever repeat."""
    counts = column.counts()
    present = np.flatnonzero(counts)
    rows = int(counts.sum())
    if rows < FEWEST_ROWS or len(present) < DISTINCT_SHARE * rows:
        return False
    sample = present[:: -(-len(present) // SAMPLE)]
    return float(np.median([word_count(column.levels[j]) for j in sample])) >= FEWEST_WORDS


def word_count(text: str) -> float:
    """Return the number of words of a text, as this module counts them.

    >>> word_count("A red house, near the river."), word_count("12 x 40 cm"), word_count("a/b/c d@example.org x1-y2")
    (5.0, 1.0, 0.0)
    """
    unspaced = len(_UNSPACED.findall(text))
    pieces = _UNSPACED.sub(" ", text).split() if unspaced else text.split()
    return 0.5 * unspaced + sum(_WORD.fullmatch(piece) is not None and not _JOINED.search(piece) for piece in pieces)
