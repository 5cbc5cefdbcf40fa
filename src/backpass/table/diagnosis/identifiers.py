"""Identifiers: columns that name rows by numbers, and so say nothing about new rows.

Takes a column or its name. ``diagnostics`` reports what is found; ``dependence`` looks for groups. Columns whose
categories are nearly all different are left out by ``feature``.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.distinct import distinct_values
from backpass.table.table import NumericColumn

FEWEST = 20  # rows below which nothing is suspected
WORDS = frozenset(
    re.findall(
        r"\w+",
        "id ids uuid guid idcode account client customer device household machine member participant patient person "
        "respondent session subject user",
    )
)


def is_named_as_identifier(name: str) -> bool:
    """Whether a word of the name is that of an identifier.

    >>> [is_named_as_identifier(name) for name in ("patientId", "customer_no", "width")]
    [True, True, False]
    """
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return bool(WORDS & {word.lower() for word in words})


def identifier_text(column: NumericColumn, row_numbers: NDArray[np.int64]) -> str:
    """The finding on a column of distinct integers that name rows; empty for others.

    Args:
        column: The column.
        row_numbers: The number of each row in its source (n,).

    >>> identifier_text(NumericColumn("nr", np.arange(30.0) ** 2), np.arange(30))
    'distinct integers that increase from row to row: an identifier?'
    """
    there = ~column.missing
    values = column.values[there][np.argsort(row_numbers[there], kind="stable")]
    if len(values) < FEWEST or not np.isfinite(values).all() or (values != np.floor(values)).any():
        return ""
    if (values[1:] > values[:-1]).all():
        return "distinct integers that increase from row to row: an identifier?"
    if is_named_as_identifier(column.name) and len(distinct_values(values)) == len(values):
        return "distinct integers in a column named as an identifier"
    return ""
