"""Free-text columns: fits and applies an encoding to a column of a table, each distinct text once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backpass.table.free_text.encoding import TextEncoding, Words, components_for
from backpass.table.free_text.vocabulary import Vocabulary
from backpass.table.free_text.words import words_of
from backpass.table.messages import counted
from backpass.table.table import CategoricalColumn, Column


def fit_column(column: CategoricalColumn) -> TextEncoding | None:
    """Fit an encoding to the rows of a column; None if no word occurs in two of them."""
    counts = column.counts()
    present = np.flatnonzero(counts)
    return TextEncoding.fit([column.levels[j] for j in present.tolist()], counts[present])


def summary_of(column: CategoricalColumn) -> str:
    """Say how long the texts of a column are, and what they become in a fit on all rows.

    >>> from backpass.table import table_from
    >>> summary_of(table_from({"text": ["a red house", "a house by the sea"]}).column("text"))
    'free text, 4 words in the median row: 2 known words, 8 components'
    """
    counts = column.counts()
    present = np.flatnonzero(counts)
    texts = [column.levels[j] for j in present.tolist()]
    lengths = np.repeat([len(words_of(text)) for text in texts], counts[present])
    words = f"{counted(round(float(np.median(lengths))), 'word')} in the median row"
    known = counted(len(Vocabulary.of(texts, counts[present])), "known word")
    return f"free text, {words}: {known}, {components_for(int(counts.sum()))} components"


def encode_column(column: Column, encoding: TextEncoding) -> tuple[NDArray[np.float64], Words]:
    """Return the numbers of each row, NaN where the text is missing, and how many of the words are known.

    Columns of another kind have no values.

    Returns:
        float64 (n, 1 + components), and the words.
    """
    if not isinstance(column, CategoricalColumn):
        return np.full((len(column.missing), 1 + encoding.components), np.nan), Words(0, 0, 0, 0)
    present, counts = np.unique(column.codes[column.codes > 0], return_counts=True)
    values, words = encoding.encode([column.levels[j - 1] for j in present.tolist()])
    rows = np.full((len(column.codes), values.shape[1]), np.nan)
    held = column.codes > 0
    rows[held] = values[np.searchsorted(present, column.codes[held])]
    return rows, encoding.words_in(words, counts)
