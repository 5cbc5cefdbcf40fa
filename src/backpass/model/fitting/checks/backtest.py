"""The backtest: the same fit one stretch of time earlier, for errors of forecasts that nothing was chosen by.

It takes a problem whose rows have times and returns the residuals of rows that are later than all rows of a second
fit. Residuals of blocks between training rows are too small for later rows, and so are those of the last block, which
selected the epoch. ``outcome`` makes the intervals as wide as the larger of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from backpass.errors import DataError, UsageError
from backpass.model.fitting.data_split import Rows
from backpass.model.fitting.ensemble import members_of
from backpass.model.fitting.problem import Problem
from backpass.model.fitting.runs import side_by_side, train_members
from backpass.model.fitting.scoring import ScoredRows
from backpass.model.head.residuals import Residuals
from backpass.model.metrics import FEWEST_ROWS
from backpass.model.split.splits import split_rows
from backpass.training import Callback, StopRequest

_TEST_SHARE = 0.2
"""The share of the rows that a backtest predicts if the fit has no test rows."""

_UNFINISHED = "the backtest was not finished: intervals may be too narrow for later rows"


@dataclass(frozen=True, slots=True)
class Backtest:
    """The result of a backtest.

    Attributes:
        residuals: The residuals of its later rows; None if it was not done.
        notes: What was done.
    """

    residuals: Residuals | None = None
    notes: tuple[str, ...] = ()


def is_backtested(problem: Problem) -> bool:
    """Whether the intervals of a problem need a backtest: its rows have times, and its validation rows residuals."""
    head = problem.head
    is_number = head.is_flat and head.target.task == "regression" and head.loss_name != "quantile"
    has_residuals = bool(problem.folds) or "validation" in problem.parts
    return is_number and has_residuals and problem.settings.time is not None and problem.source is not None


def backtest(
    problem: Problem, callbacks: Sequence[Callback], stop: StopRequest, seconds: float | None = None
) -> Backtest:
    """Fit the same settings to the earliest training and validation rows and predict the latest of them.

    The later rows are the share of the rows that the test rows are of the table.

    Args:
        problem: The problem.
        callbacks: Observers of the fit.
        stop: Ends the backtest between two steps; then there are no residuals.
        seconds: The time limit of the fit; None without a limit.
    """
    earlier = None if problem.source is None else _earlier(problem)
    if earlier is None:
        return Backtest()
    earlier = replace(earlier, settings=replace(earlier.settings, max_seconds=seconds))
    members = members_of(earlier, at_once=side_by_side(earlier, earlier.settings.ensemble_size))
    runs = train_members(members, stop, [Progressing(callbacks, "backtest")])
    if runs.ending.reason in ("interrupted", "diverged"):
        return Backtest(notes=(_UNFINISHED,))
    done = [i for i, each in runs.results.items() if each.progress.history]
    thetas = [earlier.predicting(runs.results[i].theta) for i in done]
    rows = ScoredRows.of(earlier, [members[i] for i in done], thetas, "test") if done else None
    found = None if rows is None else rows.residuals(earlier.head)
    if rows is None or found is None:
        return Backtest(notes=(_UNFINISHED,))
    trained = sum(earlier.parts[name].rows for name in ("train", "validation") if name in earlier.parts)
    text = f"the same fit on the {trained:,} earliest rows, scored on the {rows.part.rows:,} rows after them"
    return Backtest(found, (f"intervals are at least as wide as the errors of a backtest: {text}",))


def _earlier(problem: Problem) -> Problem | None:
    """The problem of the earlier rows; None if there are too few rows, times or classes for it."""
    assert problem.source is not None
    rows, settings = problem.source.rows, problem.settings
    known = Rows.stacked([rows[name] for name in ("train", "validation") if name in rows])
    if known.units is None or known.units.ranks is None or known.table.rows < 2 * FEWEST_ROWS:
        return None
    counts = {name: each.table.rows for name, each in rows.items()}
    whole = sum(counts.values())
    test = min(counts.get("test", 0) / whole, 0.5) or _TEST_SHARE
    validation = min(counts.get("validation", 0) / whole, 0.9 - test)
    try:
        split = split_rows(known.table.rows, validation, test, settings.seed, units=known.units)
        parts = {name: known.take(getattr(split, name)) for name in ("train", "validation", "test")}
        return problem.source.remake({name: each for name, each in parts.items() if each.table.rows})
    except (DataError, UsageError):
        return None


@dataclass(slots=True)
class Progressing(Callback):
    """Reports the share of a later fit that is done. Mutable.

    Attributes:
        callbacks: The observers of the fit.
        name: What the later fit is for.
        total: The number of steps.
    """

    callbacks: Sequence[Callback]
    name: str
    total: int = field(default=1)

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        self.total = max(total_steps, 1)

    def on_step(self, step: int) -> None:
        for each in self.callbacks:
            each.on_stage(self.name, step / self.total)
