"""Summaries: rows at the ends of a table that hold the minimum, maximum, median, deviation or number of its values.

Takes columns; returns rows. As for ``totals``, a label is not enough: Max is a name, too. The numbers must be what the
label says of the rows between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.table.delimited.cells import is_total_label, statistic_of
from backpass.table.table import CategoricalColumn, Column, NumericColumn

FEWEST = 5  # rows that are summarized
FEWEST_NUMBERS = 2  # numbers of summaries that agree and that few rows hold; one may be chance
COMMON = 0.05  # share of rows that hold a number beyond which it may be chance
TOLERANCE = 2e-3  # relative; summaries are often rounded
LONGEST = 12  # rows of summaries at one end

Floats: TypeAlias = NDArray[np.float64]
COMPUTED: Mapping[str, tuple[Callable[[Floats], Any], ...]] = {
    "minimum": (np.min,),
    "maximum": (np.max,),
    "mean": (np.mean,),
    "median": (np.median,),
    "deviation": (np.std, lambda values: np.std(values, ddof=1)),
    "count": (len,),
    "first quartile": (lambda values: np.quantile(values, 0.25),),
    "third quartile": (lambda values: np.quantile(values, 0.75),),
}
"""What a summary may be; the deviation of a sample or of a population."""


def summary_rows(columns: Sequence[Column], empty: Sequence[int]) -> list[int]:
    """Return the rows, from 1, that summarize those between them.

    Args:
        columns: The columns of a table.
        empty: Rows, from 1, that are left out already.
    """
    numbers = [column.values for column in columns if isinstance(column, NumericColumn)]
    texts = [column for column in columns if isinstance(column, CategoricalColumn)]
    if not numbers or not texts:
        return []
    rows, skipped = len(numbers[0]), {row - 1 for row in empty}
    first = _run(texts, [row for row in range(min(rows, LONGEST)) if row not in skipped])
    last = _run(texts, [row for row in range(rows - 1, max(rows - 1 - LONGEST, -1), -1) if row not in skipped])
    labels = first | last
    if not any(labels.values()) or rows - len(labels) - len(skipped) < FEWEST:
        return []
    data = np.ones(rows, dtype=bool)
    data[[*labels, *skipped]] = False
    agreeing = {
        row: _agreeing(label, [(each[row], each[data]) for each in numbers]) for row, label in labels.items() if label
    }
    found = [row for row, (right, wrong, _) in agreeing.items() if wrong < right]
    return [row + 1 for row in sorted(found)] if sum(agreeing[row][2] for row in found) >= FEWEST_NUMBERS else []


def _run(texts: Sequence[CategoricalColumn], rows: Sequence[int]) -> dict[int, str]:
    """Return the statistics of the first of these rows that have a label of their own, empty for totals.

    A label of several rows is a category: Q1, Q2, Q3.
    """
    found = dict[int, str]()
    for row in rows:
        text = next((text for text in texts if text.codes[row]), None)
        if text is None or np.count_nonzero(text.codes == text.codes[row]) > 1:
            break
        label = text.levels[text.codes[row] - 1]
        if not (statistic := statistic_of(label)) and not is_total_label(label):
            break
        found[row] = statistic
    return found


def _agreeing(label: str, pairs: Sequence[tuple[float, Floats]]) -> tuple[int, int, int]:
    """Return how many numbers are what the label says of their columns, how many are not, and how many are no chance.

    A number that many rows hold, such as the 1 of a column of 0 and 1, is in any row by chance.
    """
    right = wrong = telling = 0
    for value, column in pairs:
        there = column[~np.isnan(column)]
        if not np.isnan(value) and len(there) > 1:
            tolerance = TOLERANCE * abs(value) + 1e-9 * float(np.abs(there).max())
            near = any(abs(value - of(there)) <= tolerance for of in COMPUTED[label])
            holding = np.count_nonzero(np.abs(there - value) <= tolerance)
            right, wrong = right + near, wrong + (not near)
            telling += int(near and holding <= max(1.0, COMMON * len(there)))
    return right, wrong, telling
