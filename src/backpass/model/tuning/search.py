"""A search, prepared: the rows that trials are scored on, and the model of the best settings.

It takes a table and the arguments of ``fit``. Test rows are set aside first; trials never see them. ``trial_runner``
decides what is fitted next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backpass.dataclass import dataclass
from backpass.errors import DataError, UsageError
from backpass.model.assessment.folds import Folds
from backpass.model.fitting.problem.data_split import Rows
from backpass.model.fitting.problem.division import possible_inputs, split_of, units_in
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.problem.problem import Problem
from backpass.model.head.head import Head
from backpass.model.settings.settings import Settings
from backpass.model.tuning.portfolio import configurations
from backpass.table import Table
from backpass.table.columns.rules import check_name_lists
from backpass.table.labeled import Labeled
from backpass.table.targets import Targets, target_names
from backpass.training import Callback

FOLDS = 4
"""The usual number of folds."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A prepared search.

    Attributes:
        table: The table.
        test: Rows for the test score, in place of a share of the table.
        validation: Rows that trials are scored on, in place of folds, and that select the epoch of the final fit.
        folds: The rows other than the test rows, cut into folds.
        settings: The settings of the user.
        metric: The metric that ranks trials.
        count: The number of folds; 1 with validation rows of their own.
        strict: Whether a row without a target raises an error.
    """

    table: Table
    test: Table | None
    validation: Table | None
    folds: Folds
    settings: Settings
    metric: str
    count: int
    strict: bool

    @classmethod
    def of(
        cls,
        table: Table,
        target: str | Sequence[str],
        settings: Settings,
        count: int | None = None,
        *,
        validation: Table | None = None,
        test: Table | None = None,
        drop: Sequence[str] = (),
        columns: Sequence[str] | None = None,
        weight: str | None = None,
        teacher: tuple[str, ...] = (),
        strict: bool = False,
    ) -> Search:
        """Set the test rows aside and cut the others into folds.

        Raises:
            UsageError: An argument cannot be used.
            DataError: The table cannot be used.
        """
        if validation is not None and count is not None:
            raise UsageError(
                "folds cannot be combined with validation rows, on which trials are scored",
                hint="leave out one of the two",
            )
        count = FOLDS if count is None else count
        names = target_names(target)
        check_name_lists("drop", drop=drop, columns=columns)
        labeled = Labeled.of(table, names, weight, strict=strict)
        targets = Targets.fit(labeled.table, names, settings.task)
        truth = targets.encode(labeled.table)
        left_out = (*drop, *teacher) if weight is None else (*drop, *teacher, weight)
        inputs = possible_inputs(labeled.table, names, settings, left_out, columns)
        units = units_in([labeled.table], [truth], names, inputs, settings)[0][0]
        rows = Rows(labeled.table, truth, labeled.weights, units)
        first = next(configurations(dict(settings.given), targets.task, len(truth)))
        usual = Settings.of({**dict(settings.given), **first}, targets.task)
        split = split_of(rows, targets, usual, has_validation=validation is not None, has_test=test is not None)
        kept = np.sort(np.concatenate([split.train, split.validation]))
        folds = Folds.of(
            labeled.table.take(kept),
            names,
            settings,
            count,
            drop=drop,
            columns=columns,
            weight=weight,
            teacher=teacher,
        )
        if validation is not None:
            folds = folds.scored_on(Labeled.of(validation, names, weight, strict=strict).table)
        metric = Head.of(targets, truth, usual).metric
        return cls(table, test, validation, folds, settings, metric, len(folds.rounds), strict)

    def scores(
        self, changes: Mapping[str, Any], number: int, callbacks: Sequence[Callback] = ()
    ) -> Mapping[str, float]:
        """Every metric of a configuration on the rows of a fold.

        With a time column the last fold comes first, because its training rows are most like those of the final fit.

        Args:
            changes: The settings that the configuration changes.
            number: The number of the fold, from 0.
            callbacks: Observers of the fit.

        Raises:
            DataError: The metric is undefined on these rows.
            BackpassError: As ``fit``.
        """
        fold = self.count - 1 - number if self.settings.time is not None else number
        scores = self.folds.fit(fold, self.settings_with(changes), callbacks).record.scores["test"]
        if self.metric not in scores:
            raise DataError(
                f"metric {self.metric!r} is undefined on the rows of fold {fold + 1} of {self.count}",
                hint="use fewer folds, or another metric",
            )
        return scores

    def settings_with(self, changes: Mapping[str, Any]) -> Settings:
        """The settings of the user with those that a configuration changes."""
        return Settings.of({**dict(self.settings.given), **changes})

    def problem(self, changes: Mapping[str, Any]) -> Problem:
        """The problem of the final fit, exactly as ``fit`` makes it."""
        return make_problem(
            self.table,
            self.folds.targets.names,
            self.settings_with(changes),
            validation=self.validation,
            test=self.test,
            drop=self.folds.drop,
            columns=self.folds.columns,
            weight=self.folds.weight,
            teacher=self.folds.teacher or None,
            strict=self.strict,
        )
