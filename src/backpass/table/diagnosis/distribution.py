"""Distribution: how the values of a column are spread, as a small histogram.

Takes a column; returns counts. The command line draws them.
"""

from __future__ import annotations

import numpy as np

from backpass.table.table import CategoricalColumn, Column, DatetimeColumn

BINS = 10


def histogram_of(column: Column) -> tuple[int, ...]:
    """Return the rows in each of ten equal intervals between the smallest and the largest number or date.

    Empty for categories, and for a column with fewer than two different values.

    >>> from backpass.table.table import NumericColumn
    >>> histogram_of(NumericColumn("x", np.array([0.0, 1.0, 1.0, 10.0, np.nan])))
    (1, 2, 0, 0, 0, 0, 0, 0, 0, 1)
    """
    if isinstance(column, CategoricalColumn):
        return ()
    there = ~column.missing
    values = column.microseconds if isinstance(column, DatetimeColumn) else column.values
    held = values[there].astype(np.float64)
    if not held.size or not np.isfinite(held).all() or held.min() == held.max():
        return ()
    low, high = 0.5 * float(held.min()), 0.5 * float(held.max())  # halves, because the difference may overflow
    place = (0.5 * held - low) / (high - low) * BINS
    counts = np.bincount(np.minimum(place.astype(np.int64), BINS - 1), minlength=BINS)
    return tuple(counts.tolist())
