"""The backtest: the same fit one stretch of time earlier, for errors of forecasts that influenced no choice.

It takes a problem whose rows have times and returns the residuals of rows that are later than all rows of a second
fit, by as much time as the test rows are later than those that trained (``Distances``); for classes, the factor that
calibrates their probabilities. Its forecasts of the test rows show the errors of rows that are later still.

Residuals of blocks between training rows are too small for later rows, and so are those of the last block, which
selected the epoch; probabilities are too certain. ``outcome`` makes the intervals as wide as the larger of both, and
the probabilities as certain as the less certain of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError, UsageError
from backpass.model.fitting.outcome.correction import corrected
from backpass.model.fitting.outcome.scoring import ScoredRows, has_intervals
from backpass.model.fitting.outcome.temperature import fitted_factor, is_calibrated
from backpass.model.fitting.pack.candidates import again
from backpass.model.fitting.problem.data_split import DataSplit, Rows
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member
from backpass.model.fitting.runs.runs import side_by_side, train_members
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.metrics import FEWEST_ROWS
from backpass.model.split.horizon import Expected, beyond, times_of
from backpass.model.split.splits import split_rows
from backpass.numerics.bootstrap import intervals
from backpass.training import Callback, StopRequest
from backpass.training.processes.exchange import SOLO, Exchange

_TEST_SHARE = 0.2
"""The share of the rows that a backtest predicts if the fit has no test rows."""

_SMALLEST, _LARGEST = 0.1, 2 / 3
"""The limits of that share, so that a backtest has rows to score, and rows to train on."""

_BINS = 8
"""The number of bins of distance."""

_KNOWN = ("train", "validation")
"""The splits whose rows a backtest divides."""

_UNFINISHED = {
    True: "the backtest was not finished: intervals may be too narrow for later rows; use a higher level, or fit again",
    False: "the backtest was not finished: probabilities may be too certain for later rows",
}
"""The note on a backtest without a result, by whether the target is a number."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """The result of a backtest.

    Attributes:
        intervals: The intervals from its later rows; None if it was not done, or predicts classes.
        later: The intervals of rows twice as far ahead, from its forecasts of the test rows, which are up to there;
            None likewise, and without test rows that are later than the others.
        expected: The metrics of these forecasts, with the interval of the main one; None without such rows.
        factor: The factor of the outputs that calibrates the probabilities of its later rows; None if it was not done,
            or predicts numbers.
        notes: What was done.
    """

    intervals: Intervals | None = None
    later: Intervals | None = None
    expected: Expected | None = None
    factor: float | None = None
    notes: tuple[str, ...] = ()


def is_backtested(problem: Problem) -> bool:
    """Whether intervals or probabilities need a backtest: rows have times, and validation rows determine them."""
    head, settings = problem.head, problem.settings
    is_number = has_intervals(head) and head.loss_name != "quantile"
    has_validation = bool(problem.folds) or "validation" in problem.parts
    has_times = settings.time is not None and problem.source is not None
    return (is_number or is_calibrated(head, settings)) and has_validation and has_times


def backtest(
    problem: Problem,
    like: Sequence[Member],
    callbacks: Sequence[Callback],
    stop: StopRequest,
    seconds: float | None = None,
    exchange: Exchange = SOLO,
) -> Backtest:
    """Fit the same settings to the earliest training and validation rows and predict the latest of them.

    The later rows reach as far ahead in time as the test rows do. Without test rows they are a fifth of the rows.

    Args:
        problem: The problem.
        like: The members of the fit, whose candidates are those of the backtest.
        callbacks: Observers of the fit.
        stop: Ends the backtest between two steps; then there are no residuals.
        seconds: The time limit of the fit; None without a limit.
        exchange: The processes, which divide the members.
    """
    distances, is_number = Distances.of(problem), problem.head.target.task == "regression"
    earlier = earlier_problem(problem, distances)
    if earlier is None:
        return Backtest()
    earlier = replace(earlier, settings=replace(earlier.settings, max_seconds=seconds))
    members = again(earlier, like, side_by_side(earlier, len(like), exchange.size))
    runs = train_members(members, stop, [Progressing(callbacks, "backtest")], exchange=exchange)
    if runs.ending.reason in ("interrupted", "diverged"):
        return Backtest(notes=(_UNFINISHED[is_number],))
    done = [i for i, each in runs.results.items() if each.progress.history]
    thetas = [members[i].problem.predicting(runs.results[i].theta) for i in done]
    earlier = _corrected(earlier, [members[i] for i in done], thetas) if done else earlier
    rows = ScoredRows.of(earlier, [members[i] for i in done], thetas, "test") if done else None
    if rows is not None and distances is not None:
        rows = replace(rows, part=distances.weighted(rows.part, earlier))
    if rows is None:
        return Backtest(notes=(_UNFINISHED[is_number],))
    found = rows.intervals(earlier.head) if is_number else None
    factor = None if is_number else fitted_factor(earlier.head, rows.outputs, rows.part, rows.shares)
    if found is None and factor is None:
        return Backtest(notes=(_UNFINISHED[is_number],))
    trained = sum(earlier.parts[name].rows for name in ("train", "validation") if name in earlier.parts)
    text = f"the same fit on the {trained:,} earliest rows, scored on the {rows.part.rows:,} rows after them"
    text += ", weighted to be as far ahead in time as the test rows are" if distances is not None else ""
    what = (
        "intervals are at least as wide as the errors" if is_number else "probabilities are at most as certain as those"
    )
    farther = None if distances is None else _on_test_rows(problem, earlier, [members[i] for i in done], thetas)
    later = None
    if farther is not None and distances is not None and found is not None:
        later = _twice_as_far(found, earlier, farther, distances)
    expected = None if farther is None else _expected(problem, earlier.head, farther)
    return Backtest(found, later, expected, factor, (f"{what} of a backtest: {text}",))


def _corrected(earlier: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> Problem:
    """The problem with the correction of the earlier validation rows, if logarithms are learned."""
    if not earlier.head.is_log:
        return earlier
    return corrected(earlier, ScoredRows.of(earlier, members, thetas, "validation"))[0]


def _on_test_rows(
    problem: Problem, earlier: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]]
) -> ScoredRows | None:
    """The test rows of the fit with the outputs of the backtest: forecasts beyond the distance of the test rows."""
    assert problem.source is not None
    assert earlier.source is not None
    return ScoredRows.of(
        problem.source.remake({**earlier.source.rows, "test": problem.source.rows["test"]}), members, thetas, "test"
    )


def _twice_as_far(near: Intervals, earlier: Problem, rows: ScoredRows, distances: Distances) -> Intervals | None:
    """The intervals of rows twice as far ahead as the test rows, from the forecasts of the test rows."""
    assert earlier.source is not None
    known = [earlier.source.rows[name].table for name in _KNOWN if name in earlier.source.rows]
    far = distances.times - times_of(known, distances.column).max()
    return near.twice_as_far(rows.predicted(earlier.head.predictions(rows.o)), beyond(far, float(distances.ahead[-1])))


def _expected(problem: Problem, head: Head, rows: ScoredRows) -> Expected | None:
    """The scores of these forecasts, decoded by the head of the earlier fit, with the interval of the main metric.

    The interval draws groups or blocks of time.
    """
    metric, horizon = head.metric, problem.horizon
    if horizon is None or problem.settings.time is None:
        return None
    unit = None if rows.units is None else rows.units.resampled

    def drawn(weights: NDArray[np.float64] | None) -> dict[str, float]:
        own = rows.part.weights
        both = weights if own is None else own if weights is None else own * weights
        return head.scores(rows.o, rows.part.truth, both, [metric])

    found = intervals(drawn, rows.part.rows, unit=unit, seed=problem.settings.seed)[metric]
    assert problem.source is not None
    column = problem.source.rows["test"].table.column(problem.settings.time)
    return Expected(rows.scores(head), *found.ends(), horizon.reach(column))


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """How far ahead in time the test rows are.

    Attributes:
        column: The name of the time column.
        known: The times of the training and validation rows, float64 (m,).
        ahead: The time from the last of these to each test row, ascending, float64 (n,); 0 for an earlier one.
        times: The times of the test rows, in their order (n,).
    """

    column: str
    known: NDArray[np.float64]
    ahead: NDArray[np.float64]
    times: NDArray[np.float64]

    @staticmethod
    def of(problem: Problem) -> Distances | None:
        """The distances of a problem; None without test rows that are later than the others."""
        assert problem.source is not None
        rows, column = problem.source.rows, problem.settings.time
        if column is None or "test" not in rows:
            return None
        known = times_of([rows[name].table for name in _KNOWN if name in rows], column)
        times = times_of([rows["test"].table], column)
        ahead = np.maximum(times - known.max(), 0.0)
        return Distances(column, known, np.sort(ahead), times) if ahead.max() > 0.0 else None

    @property
    def share(self) -> float:
        """The share of the known rows within the last stretch of time that is as long as that of the test rows."""
        later = np.count_nonzero(self.known > self.known.max() - self.ahead[-1]) / len(self.known)
        return float(np.clip(later, _SMALLEST, _LARGEST))

    def weighted(self, part: DataSplit, earlier: Problem) -> DataSplit:
        """The later rows of an earlier problem, with weights by which they are as far ahead as the test rows.

        Rows are counted in bins of distance that hold the same number of test rows. The weight of a row is the number
        of test rows over that of later rows in its bin: w = p_test(distance) / p_later(distance), the likelihood ratio
        of conformal prediction under covariate shift (Tibshirani et al. 2019).
        """
        assert earlier.source is not None
        rows = earlier.source.rows
        last = times_of([rows[name].table for name in _KNOWN if name in rows], self.column).max()
        ahead = np.maximum(times_of([rows["test"].table], self.column) - last, 0.0)
        edges = np.unique(self.ahead[[len(self.ahead) * k // _BINS for k in range(1, _BINS)]])
        bins, wanted = (np.searchsorted(edges, each, side="right") for each in (ahead, self.ahead))
        counts = np.bincount(bins, minlength=len(edges) + 1)
        weights = (np.bincount(wanted, minlength=len(counts)) / np.maximum(counts, 1))[bins]
        if not weights.any():
            return part
        return part.weighted(weights if part.weights is None else weights * part.weights)


def earlier_problem(problem: Problem, distances: Distances | None) -> Problem | None:
    """The problem of the earlier rows; None if there are too few rows, times or classes for it."""
    assert problem.source is not None
    rows, settings = problem.source.rows, problem.settings
    known = Rows.stacked([rows[name] for name in _KNOWN if name in rows])
    if known.units is None or known.units.ranks is None or len(known) < 2 * FEWEST_ROWS:
        return None
    counts = {name: len(each) for name, each in rows.items()}
    test = _TEST_SHARE if distances is None else distances.share
    validation = min(counts.get("validation", 0) / sum(counts.values()), 0.9 - test)
    try:
        split = split_rows(len(known), validation, test, settings.seed, units=known.units)
        parts = {name: known.take(getattr(split, name)) for name in ("train", "validation", "test")}
        rows = {name: each for name, each in parts.items() if len(each)}
        return replace(problem.source.remake(rows), source=replace(problem.source, rows=rows))
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
