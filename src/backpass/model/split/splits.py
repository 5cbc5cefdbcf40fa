"""Splits: assigns rows to training, validation (which selects the epoch) and test (which only scores).

It takes a number of rows, their classes and units, and settings, and returns row numbers. Every assignment of rows is
made here: the split of a table, and the folds of an ensemble, which validate its members, calibrate its probabilities
and give its intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.metrics import FEWEST_ROWS
from backpass.model.settings.settings import Settings
from backpass.model.split.assignment import assigned, assigned_in_time, by_strata
from backpass.model.split.units import Units
from backpass.numerics.distinct import distinct_values
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


def split_table(
    rows: int,
    settings: Settings,
    *,
    has_validation: bool = False,
    has_test: bool = False,
    strata: NDArray[Any] | None = None,
    units: Units | None = None,
) -> RowSplit:
    """The split of a table's rows by the settings, without the sets of rows that were passed separately.

    Args:
        rows: The number of rows.
        settings: The settings.
        has_validation: Whether validation rows were passed.
        has_test: Whether test rows were passed.
        strata: As for ``split_rows``.
        units: As for ``split_rows``.
    """
    validation = 0.0 if has_validation else settings.validation_fraction
    test = 0.0 if has_test else settings.test_fraction
    return split_rows(rows, validation, test, settings.seed, strata=strata, units=units)


def split_rows(
    rows: int,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    *,
    strata: NDArray[Any] | None = None,
    units: Units | None = None,
) -> RowSplit:
    """A random split of 0 .. rows-1: the first rows of a random order train, the next validate, the last test.

    With strata, each part has its share of every class. With units, the rows of a unit are in one part, so that the
    sizes are met as nearly as the units allow. With ranks in time, the last rows test and those before them validate.
    At least one row trains. The fractions must add up to less than 1.

    Args:
        rows: The number of rows.
        validation_fraction: The share of the rows that validate.
        test_fraction: The share of the rows that test.
        seed: The seed of the order.
        strata: The class of each row, from 0, see ``strata_of``. Default None: numbers, which have none.
        units: The rows that belong together. Default None: each row is alone.

    Raises:
        DataError: There are fewer units or instants than parts.

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
    sizes = (first, second - first, rows - second)
    if units is not None and units.ranks is not None:
        parts = assigned_in_time(order, sizes, units)
    else:
        parts = assigned(order, sizes, strata, units, keeps_first=True)
    train, validation, test = (order[parts[order] == part] for part in range(3))
    return RowSplit(train, validation, test)


def strata_of(truth: NDArray[Any]) -> NDArray[np.int64]:
    """The class or the set of labels of each row, numbered from 0: int64 (n,)

    >>> strata_of(np.array([[0, 1], [1, 1], [0, 1]]))
    array([0, 1, 0])
    """
    columns = truth.reshape(len(truth), -1)[:, ::-1]  # sorted by the last label first
    return np.asarray(np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1), dtype=np.int64)


def split_folds(
    truth: NDArray[Any], settings: Settings, *, by_class: bool, units: Units | None = None
) -> tuple[RowSplit, ...]:
    """The split of each member of an ensemble: it trains on all folds but one, which validates it.

    Empty if the settings do not request folds, or if there are too few rows, units or instants for every fold. With
    ranks in time, each fold is a block of consecutive rows.

    Args:
        truth: The targets (n,) or (n, k) of the training and validation rows together.
        settings: The settings.
        by_class: Whether folds are stratified by class or by set of labels.
        units: The rows that belong together. Default None: each row is alone.
    """
    rows, count = len(truth), settings.ensemble_size
    if count == 1 or settings.ensemble_split != "folds" or rows < max(FEWEST_ROWS, 2 * count):
        return ()
    if units is not None and units.blocks < count:
        return ()
    strata = strata_of(truth) if by_class else None
    parts = folds_of(permutation(settings.seed, 0, _FOLDS, rows), count, strata, units)
    rows_of = np.arange(rows, dtype=np.int32 if rows < 2**31 else np.int64)  # members list all rows: half the memory
    folds = [rows_of[parts == part] for part in range(count)]
    return tuple(RowSplit(rows_of[parts != part], fold, fold[:0]) for part, fold in enumerate(folds))


def folds_of(order: NDArray[Any], count: int, strata: NDArray[Any] | None, units: Units | None) -> NDArray[np.int64]:
    """The fold of each row, from 0: int64 (n,)

    Args:
        order: The rows in a random order.
        count: The number of folds.
        strata: The class of each row; None for numbers.
        units: The rows that belong together; None if each row is alone.

    Raises:
        DataError: There are fewer units than folds.
    """
    rows = len(order)
    sizes = [len(range(i, rows, count)) for i in range(count)]
    if units is not None and units.ranks is not None:
        return assigned_in_time(order, sizes, units)
    if units is not None and len(distinct_values(units.codes)) < rows:
        return assigned(order, sizes, strata, units)
    if strata is not None:
        order = by_strata(order, strata)
    parts = np.empty(rows, dtype=np.int64)
    parts[order] = np.arange(rows) % count
    return parts
