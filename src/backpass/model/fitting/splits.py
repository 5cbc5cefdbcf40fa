"""Splits: decides which rows train, which select the epoch (validation), and which only score (test).

It takes a number of rows and settings and returns row numbers. Every assignment of rows is made here: the split of a
table, and the folds of an ensemble, which validate its members, calibrate its probabilities and give its intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.metrics import FEWEST_ROWS
from backpass.model.settings.settings import Settings
from backpass.numerics.philox import permutation

_SPLIT, _FOLDS = 0x591A_0000, 0x591B_0000


@dataclass(frozen=True, slots=True, eq=False)
class RowSplit:
    """Which of some rows train, validate and test, as row numbers.

    Attributes:
        train: The rows that train.
        validation: The rows that select the epoch.
        test: The rows that only score.
    """

    train: NDArray[Any]
    validation: NDArray[Any]
    test: NDArray[Any]


def split_table(rows: int, settings: Settings, *, has_validation: bool = False, has_test: bool = False) -> RowSplit:
    """The split of a table's rows by the settings, without the sets of rows that were passed separately.

    Args:
        rows: The number of rows.
        settings: The settings.
        has_validation: Whether validation rows were passed.
        has_test: Whether test rows were passed.
    """
    validation = 0.0 if has_validation else settings.validation_fraction
    test = 0.0 if has_test else settings.test_fraction
    return split_rows(rows, validation, test, settings.seed)


def split_rows(rows: int, validation_fraction: float, test_fraction: float, seed: int) -> RowSplit:
    """A random split of 0 .. rows-1: the first rows of a random order train, the next validate, the last test.

    At least one row trains. The fractions must add up to less than 1.

    >>> split = split_rows(100, 0.16, 0.2, seed=0)
    >>> len(split.train), len(split.validation), len(split.test)
    (64, 16, 20)
    """
    order = permutation(seed, 0, _SPLIT, rows)
    if rows < FEWEST_ROWS:
        return RowSplit(order, order[:0], order[:0])
    # Rounded to six digits first, so that 0.64 times 100 rows is 64, not 63.
    first = max(int(round((1.0 - validation_fraction - test_fraction) * rows, 6)), 1)
    second = max(int(round((1.0 - test_fraction) * rows, 6)), first)
    return RowSplit(order[:first], order[first:second], order[second:])


def split_folds(truth: NDArray[Any], settings: Settings, *, by_class: bool) -> tuple[RowSplit, ...]:
    """The split of each member of an ensemble: it trains on all folds but one, which validates it.

    Empty if the settings ask for no folds, or if there are too few rows for every fold.

    Args:
        truth: The targets (n,) or (n, k) of the training and validation rows together.
        settings: The settings.
        by_class: Whether folds are stratified by class or by set of labels.
    """
    rows, count = len(truth), settings.ensemble_size
    if count == 1 or settings.ensemble_split != "folds" or rows < max(FEWEST_ROWS, 2 * count):
        return ()
    order = permutation(settings.seed, 0, _FOLDS, rows)
    if by_class:
        order = order[np.lexsort(np.atleast_2d(truth[order].T))]
    folds = [np.sort(order[i::count]) for i in range(count)]
    return tuple(RowSplit(np.setdiff1d(np.arange(rows), fold), fold, fold[:0]) for fold in folds)
