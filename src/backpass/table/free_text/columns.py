"""Free-text columns: fits and applies an encoding to a column of a table, each distinct text once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.table.free_text.counts import BLOCK
from backpass.table.free_text.encoding import SAMPLE_CHARACTERS, TextEncoding, Words, components_for
from backpass.table.free_text.vocabulary import Vocabulary
from backpass.table.free_text.words import words_of
from backpass.table.memory import LESS, require_memory
from backpass.table.messages import counted, shown
from backpass.table.table import CategoricalColumn, Column

COUNTED = 40  # bytes for each character that is counted at once
VALUE = 16  # bytes for each number of an encoded text or row


def fit_column(column: CategoricalColumn) -> TextEncoding | None:
    """Fit an encoding to the rows of a column; None if no word occurs in two of them.

    Raises:
        InsufficientMemoryError: The counts of the words do not fit in memory.
    """
    counts = column.counts()
    present = np.flatnonzero(counts)
    texts = [column.levels[j] for j in present.tolist()]
    _require_memory(column, texts, COUNTED * min(sum(map(len, texts)), SAMPLE_CHARACTERS))
    return TextEncoding.fit(texts, counts[present])


def _require_memory(column: Column, texts: Sequence[str], needed: int) -> None:
    """Check that memory for some of the work on a column is available, before the work."""
    require_memory(needed, f"free text of column {shown(column.name)} ({counted(len(texts), 'text')})", LESS)


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

    Raises:
        InsufficientMemoryError: The numbers do not fit in memory.
    """
    if not isinstance(column, CategoricalColumn):
        return np.full((len(column.missing), 1 + encoding.components), np.nan), Words(0, 0, 0, 0)
    present, counts = np.unique(column.codes[column.codes > 0], return_counts=True)
    texts = [column.levels[j - 1] for j in present.tolist()]
    of_counts = COUNTED * min(sum(map(len, texts)), BLOCK)
    _require_memory(column, texts, VALUE * (1 + encoding.components) * (len(texts) + len(column.codes)) + of_counts)
    values, words = encoding.encode(texts)
    rows = np.full((len(column.codes), values.shape[1]), np.nan)
    held = column.codes > 0
    rows[held] = values[np.searchsorted(present, column.codes[held])]
    return rows, encoding.words_in(words, counts)
