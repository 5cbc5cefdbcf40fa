"""Folds: a table cut into folds, and the fit of a model on all rows but those of one fold.

It takes a table and the arguments of ``fit`` and deals the rows; ``model.split`` decides which rows belong together.
Cross-validation and the search for settings score models on the rows that were left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError, UsageError, argument_error, whole_number_errors
from backpass.model.fitting.fit_problem import fit_problem
from backpass.model.fitting.problem.division import possible_inputs, units_in
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.transfer.feature_source import FeatureSource
from backpass.model.model import Model
from backpass.model.settings.settings import Settings
from backpass.model.split.splits import folds_of, strata_of
from backpass.model.split.units import Units
from backpass.numerics.philox import permutation
from backpass.table import Table
from backpass.table.columns.rules import check_name_lists
from backpass.table.labeled import Labeled
from backpass.table.targets import Targets, target_names
from backpass.training import Callback

_PURPOSE = 0x591C_0000

Round = tuple[NDArray[Any], NDArray[Any]]
"""The rows that a model is made of, and the rows that it is scored on."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """A table cut into folds.

    Attributes:
        table: The rows that have a target and a weight.
        targets: The targets.
        truth: The targets as numbers or class numbers, (n,), or (n, k) for several.
        rounds: One round per fold, repetition by repetition.
        drop: Columns to leave out.
        columns: The only columns to learn from; None: all.
        weight: The column of row weights, if any.
        validation: Rows that the one round is scored on, in place of folds; None with folds.
        teacher: The columns of another model's predictions.
        features_of: The model whose learned features are kept; None: all layers are trained.
    """

    table: Table
    targets: Targets
    truth: NDArray[Any]
    rounds: tuple[Round, ...]
    drop: Sequence[str]
    columns: Sequence[str] | None
    weight: str | None
    validation: Table | None = None
    teacher: tuple[str, ...] = ()
    features_of: FeatureSource | None = None

    @staticmethod
    def of(
        table: Table,
        target: str | Sequence[str],
        settings: Settings,
        count: int,
        repeats: int = 1,
        *,
        drop: Sequence[str] = (),
        columns: Sequence[str] | None = None,
        weight: str | None = None,
        teacher: tuple[str, ...] = (),
        features_of: FeatureSource | None = None,
        strict: bool = False,
    ) -> Folds:
        """Cut a table into folds, see ``cross_validate``.

        Raises:
            UsageError: The counts cannot be used.
            DataError: The table cannot be used, or has fewer rows or groups than folds.
        """
        if errors := [*whole_number_errors(2, folds=count), *whole_number_errors(1, repeats=repeats)]:
            raise argument_error(errors)
        if settings.time is not None and repeats > 1:
            raise UsageError(
                "with a time column there is only one way to split the rows: repeats must be 1",
                hint="more folds, such as folds=10, give more scores",
            )
        named = target_names(target)
        check_name_lists("drop", drop=drop, columns=columns)
        table = Labeled.of(table, named, weight, strict=strict).table
        targets = Targets.fit(table, named, settings.task)
        truth = targets.encode(table)
        left_out = (*drop, *teacher) if weight is None else (*drop, *teacher, weight)
        read = columns if features_of is None else features_of.columns
        names = possible_inputs(table, named, settings, left_out, read)
        units = units_in([table], [truth], named, names, settings)[0][0]
        if table.rows < 2 * count:
            raise DataError(
                f"{count} folds need at least {2 * count} rows; there are {table.rows}", hint="use fewer folds"
            )
        rounds = tuple(_rounds(truth, targets, units, settings, count, repeats))
        return Folds(table, targets, truth, rounds, drop, columns, weight, None, teacher, features_of)

    def scored_on(self, validation: Table) -> Folds:
        """The same rows in a single round, which is scored on rows of another table."""
        rows = np.arange(self.table.rows)
        return replace(self, rounds=((rows, rows[:0]),), validation=validation)

    def fit(self, number: int, settings: Settings, callbacks: Sequence[Callback] = ()) -> Model:
        """Fit a model without the rows of a round, exactly as ``fit`` does; the rows left out are its test rows.

        Args:
            number: The number of the round, from 0.
            settings: The settings; ``test_fraction`` is ignored.
            callbacks: Observers of the run.
        """
        rest, _ = self.rounds[number]
        problem = make_problem(
            self.table.take(rest),
            self.targets.names,
            Settings.of({**dict(settings.given), "test_fraction": 0.0, "refit": False}),
            test=self.scored(number),
            drop=self.drop,
            columns=self.columns,
            weight=self.weight,
            teacher=self.teacher or None,
            features_of=self.features_of,
            diagnose=False,
        )
        return fit_problem(problem, callbacks=callbacks, compare=False)

    def scored(self, number: int) -> Table:
        """The rows that the model of a round is scored on."""
        return self.table.take(self.rounds[number][1]) if self.validation is None else self.validation


def _rounds(
    truth: NDArray[Any], targets: Targets, units: Units, settings: Settings, folds: int, repeats: int
) -> Iterator[Round]:
    rows = len(truth)
    if units.ranks is not None:
        blocks = folds_of(permutation(settings.seed, 0, _PURPOSE, rows), folds + 1, None, units)
        for block in range(1, folds + 1):
            yield np.flatnonzero(blocks < block), np.flatnonzero(blocks == block)
        return
    strata = None if targets.task == "regression" else strata_of(truth)
    for repeat in range(repeats):
        parts = folds_of(permutation(settings.seed, repeat, _PURPOSE, rows), folds, strata, units)
        for part in range(folds):
            yield np.flatnonzero(parts != part), np.flatnonzero(parts == part)
