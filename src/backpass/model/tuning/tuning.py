"""Tuning: the search for the best settings for a table, and the model that is fitted with them.

It takes a table and the arguments of ``fit``, as ``fit`` does. ``trial_runner`` runs the trials.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from backpass.dataclass import dataclass
from backpass.errors import BackpassWarning, hints_in_reading
from backpass.model.fitting.fit_problem import fit_problem
from backpass.model.fitting.problem.tables import as_table, reading_options
from backpass.model.fitting.teaching.teacher import named_teacher
from backpass.model.model import Model
from backpass.model.settings.options import SettingsOptions
from backpass.model.settings.settings import Settings
from backpass.model.tuning.budget import limit_of
from backpass.model.tuning.journal import Journal, identity_of
from backpass.model.tuning.search import Search
from backpass.model.tuning.trial import Trial
from backpass.model.tuning.trial_runner import TrialRunner
from backpass.table import required_kind


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """The result of a search.

    Attributes:
        model: The model that ``fit`` makes of the table with the best settings.
        settings: The best settings, as keyword arguments of ``fit``: those of the user and those of the best trial.
        trials: The trials, best first.
        metric: The metric that ranks them.
        ended: Why the search ended: "trials", "budget", or "exhausted" (there are no more configurations).
        left_out: The number of the trial that the budget ended before it was complete, and which is not among the
            trials; None if there is none.
    """

    model: Model
    settings: Mapping[str, Any]
    trials: tuple[Trial, ...]
    metric: str
    ended: str
    left_out: int | None = None


def tune(
    data: Any,
    target: str | Sequence[str],
    *,
    budget: float | str | None = None,
    trials: int | None = None,
    folds: int | None = None,
    validation: Any = None,
    test: Any = None,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    weight: str | None = None,
    teacher: Any = None,
    strict: bool = False,
    state: str | Path | None = None,
    on_trial: Callable[[Trial], object] | None = None,
    reading: Mapping[str, Any] | None = None,
    **settings: Unpack[SettingsOptions],
) -> Tuning:
    """Search for the best settings for a table, and fit a model with them.

    Each trial is a configuration: a preset, or a random variant of one. Its score is that of rows which its models did
    not train on: the table is cut into folds, and a model is fitted per fold on the others. All trials are scored on
    one fold, the better half on two, the better half of these on four, and so on (successive halving). Test rows are
    set aside first and play no part in the search.

    The result depends on the data, the settings, the seed and the number of trials; the budget only decides how many
    trials are reached.

    Args:
        data: The rows, in any form that ``fit`` takes.
        target: The column to predict, or a list of several, as in ``fit``.
        budget: The time for the search and the final fit: seconds, or a string such as "10m" or "1h30m". A trial
            that is not complete by then does not count (``left_out``). Default None: no limit.
        trials: The number of trials. Default None: 16, or as many as the budget allows.
        folds: The number of folds, 2 or more. Default None: 4.
        validation: Rows that trials are scored on, in place of folds; they select the epoch of the final fit, as in
            ``fit``. Default None: folds.
        test: Rows for the test score, as in ``fit``. Default None: a share of ``data``.
        drop: Columns to leave out. Default ().
        columns: The only columns to learn from. Default None: all.
        weight: The column of row weights, as in ``fit``. Default None: all rows have weight 1.
        teacher: Predictions of another model to learn from, as in ``fit``. Default None: no teacher.
        strict: Whether a row without a target raises an error. Default False: it is left out.
        state: File that holds the trials of a search. If it exists, the search continues. It is removed at the end,
            unless the budget ended the search: a larger budget continues it. Default None: an interrupted search is
            lost.
        on_trial: Called with the trial after each of its fits. Default None.
        reading: Options of ``read_table``, see ``fit``. Default None.
        **settings: See ``fit``. A setting that is set is never changed.

    Returns:
        The trials, best first, the settings of the best one, and a model fitted with them.

    Raises:
        UsageError: A setting or an argument cannot be used, or the budget is too small for one trial.
        DataError: The table cannot be used, or has fewer rows or groups than folds.
        ModelFileError: The state belongs to another search that was interrupted, or is damaged.
        InterruptedTraining: The search was interrupted.
        DivergedError: Training diverged in every trial.

    >>> found = tune({"x": range(60), "y": range(60)}, "y", trials=2, folds=2, hidden=(), epochs=5, ensemble_size=2)
    >>> len(found.trials), found.settings["epochs"], found.trials[0].folds
    (2, 5, 2)

    Source: asynchronous successive halving, Li et al. 2020; the folds of a cross-validation as its resource.
    """
    limit = limit_of(budget, trials)
    options = reading_options(reading)
    with hints_in_reading():
        table = as_table(data, options)
        kinds = {name: required_kind(column) for name, column in table.columns.items()}
        table, taught_by = named_teacher(table, teacher)
        search = Search.of(
            table,
            target,
            Settings.of(settings),
            folds,
            validation=None if validation is None else as_table(validation, options, kinds),
            test=None if test is None else as_table(test, options, kinds),
            drop=drop,
            columns=columns,
            weight=weight,
            teacher=taught_by,
            strict=strict,
        )
    journal = Journal.of(state, identity_of(search))
    if journal.note:
        warnings.warn(journal.note, BackpassWarning, stacklevel=2)
    runner = TrialRunner(search, journal, limit)
    for trial in runner.steps():
        if on_trial is not None:
            on_trial(trial)
    best, *others = runner.leaderboard
    model = fit_problem(search.problem(best.changes))
    runner.close()
    chosen = {**dict(search.settings.given), **best.changes}
    left_out = None if runner.left_out is None else runner.left_out.trial
    return Tuning(model, chosen, (best, *others), search.metric, runner.ended, left_out)
