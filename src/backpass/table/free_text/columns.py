"""Free-text columns: fits and applies an encoding to a column of a table, each distinct text once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backpass.table.free_text.encoding import TextEncoding
from backpass.table.table import CategoricalColumn, Column


def fit_column(column: CategoricalColumn) -> TextEncoding | None:
    """Fit an encoding to the rows of a column; None if no word occurs in two of them."""
    counts = column.counts()
    present = np.flatnonzero(counts)
    return TextEncoding.fit([column.levels[j] for j in present.tolist()], counts[present])


def encode_column(column: Column, encoding: TextEncoding) -> tuple[NDArray[np.float64], float]:
    """Return the numbers of each row, NaN where the text is missing, and the share of the words that are known.

    Columns of another kind have no values. Each distinct text counts once in the share.

    Returns:
        float64 (n, 1 + components) and the share, 1 if there are no words.
    """
    if not isinstance(column, CategoricalColumn):
        return np.full((len(column.missing), 1 + encoding.components), np.nan), 1.0
    present = np.unique(column.codes[column.codes > 0])
    values, known = encoding.encode([column.levels[j - 1] for j in present.tolist()])
    rows = np.full((len(column.codes), values.shape[1]), np.nan)
    held = column.codes > 0
    rows[held] = values[np.searchsorted(present, column.codes[held])]
    return rows, known
