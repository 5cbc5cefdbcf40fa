"""The intervals of a fit, from residuals on validation rows, a backtest and the test rows, with notes and warnings."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.fitting.checks.backtest import Backtest
from backpass.model.fitting.outcome.scoring import ScoredRows
from backpass.model.fitting.problem.problem import Problem
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.record import COVERAGE_LEVEL
from backpass.numerics.bootstrap import intervals
from backpass.numerics.distinct import distinct_values
from backpass.numerics.elementary import mean
from backpass.table.messages import counted

_FEWEST_UNITS = 5
"""Minimum number of groups or blocks of time among the test rows for a warning about their coverage."""

_TOLERANCE = 0.03
"""How much a coverage may differ from the requested one without a word."""

_STRETCHES, _FEWEST_ROWS = 4, 25
"""The number of stretches of time whose coverages are named, and the minimum number of rows in each."""


class CoverageNote(str):
    """A note that says how far intervals can be relied on."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class FittedIntervals:
    """The intervals of a model.

    Attributes:
        intervals: The intervals; None without validation rows, or for classes.
        coverages: The share of the test rows that the intervals of each target cover, made without these rows.
        notes: How they were made.
        warnings: A warning if they are too narrow for the test rows.
    """

    intervals: Intervals | None = None
    coverages: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def coverage(self) -> float | None:
        """The mean coverage over the targets; None without test rows."""
        return mean(self.coverages) if self.coverages else None


def fitted_intervals(
    problem: Problem, validation: ScoredRows | None, test: ScoredRows | None, tested: Backtest
) -> FittedIntervals:
    """The intervals from the residuals on validation rows, at least as wide as those of the backtest.

    With a time column they are at least as wide as the errors of the test rows, too, and wider for later rows.

    Args:
        problem: The problem.
        validation: The validation rows, if there are any.
        test: The test rows, if there are any.
        tested: The backtest.
    """
    # With a time column, residuals of several sets of rows are combined; their width is the same for every prediction.
    is_timed = problem.settings.time is not None
    found = None if validation is None else validation.intervals(problem.head, with_spread=not is_timed)
    if found is None:
        return FittedIntervals()
    if tested.intervals is not None:
        found = found.wider(tested.intervals)
    coverages: tuple[float, ...] = ()
    notes, warnings = list[str](notes_on_few_groups(found, problem)), list[str]()
    if test is not None:
        coverages = test.coverages(problem.head, found)
        warnings = _too_narrow(found, test, problem)
        if problem.settings.time is not None:
            found, more = _widened(found, test, problem.head, coverages)
            notes += more
    if tested.intervals is not None and tested.later is not None:
        found = found.with_later(tested.intervals, tested.later)
        notes.append(
            "prediction intervals are wider for rows later than the test rows, because forecasts get worse with the "
            "distance in time: by the growth of the errors in the backtest, up to twice as far ahead as the test rows"
        )
    return FittedIntervals(found.floored(_floors(problem)), coverages, tuple(notes), tuple(warnings))


def _floors(problem: Problem) -> list[float | None]:
    """For each target, 0 if it is not below 0 in any training or validation row, else None."""
    known = [part.truth.reshape(part.rows, -1) for name, part in problem.parts.items() if name != "test"]
    negative = np.any([(truth < 0.0).any(axis=0) for truth in known], axis=0)
    return [None if each else 0.0 for each in negative]


def notes_on_few_groups(found: Intervals, problem: Problem) -> list[CoverageNote]:
    """A note if the intervals rest on so few groups that they are clearly wider than requested, or not possible.

    With G groups, an interval of level p is the ceil(p (G + 1)) / G quantile of their errors.
    """
    groups = min(each.rows for each in found.each)
    share = ceil(round(COVERAGE_LEVEL * (groups + 1), 9)) / groups
    if problem.settings.group is None or share < COVERAGE_LEVEL + _TOLERANCE:
        return []
    what = f"cover {share:.0%} of these errors, so they are too wide for most new groups"
    if share > 1.0:
        what = f"are not possible: the highest level is {int(1000 * groups / (groups + 1)) / 10:g}%"
    made = f"prediction intervals are computed from the errors of {counted(groups, 'group')}"
    way_on = "more groups, in the table or among the validation rows, change that"
    return [CoverageNote(f"{made}; with so few groups, {COVERAGE_LEVEL:.0%} intervals {what}; {way_on}")]


def _widened(
    found: Intervals, test: ScoredRows, head: Head, coverages: tuple[float, ...]
) -> tuple[Intervals, list[CoverageNote]]:
    """Intervals for rows later than the test rows: at least as wide as the errors of the test rows, and a note.

    They are the latest forecast whose errors are known. The coverage on them is that of intervals made without them.
    """
    latest = test.intervals(head)
    if latest is None:
        return found, []
    without = ""
    if coverages:
        each = coverage_by_stretch(found, test, head)
        parts = f" ({', '.join(f'{share:.0%}' for share in each)} of consecutive quarters)" if each else ""
        without = (
            f"; without these, {COVERAGE_LEVEL:.0%} intervals cover {mean(coverages):.1%} of the test rows{parts}; "
            f"later rows may miss {COVERAGE_LEVEL:.0%} by as much: use a higher level where that matters"
        )
    what = "prediction intervals are at least as wide as the errors on the test rows, the latest ones known"
    note = CoverageNote(what + without)
    return found.wider(latest), [note]


def coverage_by_stretch(made: Intervals, test: ScoredRows, head: Head) -> list[float]:
    """The coverage of each quarter of the test rows in the order of time; empty if they are too few for it."""
    ranks = None if test.units is None else test.units.ranks
    if ranks is None or len(ranks) < _STRETCHES * _FEWEST_ROWS:
        return []
    inside = made.covered(head.predictions(test.o), test.part.truth, COVERAGE_LEVEL).reshape(len(ranks), -1)
    order, first = np.sort(ranks), len(ranks) // _STRETCHES
    stretch = np.searchsorted(order[[k * first for k in range(1, _STRETCHES)]], ranks, side="right")
    if len(distinct_values(stretch)) < _STRETCHES:
        return []
    weights = test.part.weights
    found = []
    for k in range(_STRETCHES):
        rows = stretch == k
        found.append(mean([mean(each[rows], None if weights is None else weights[rows]) for each in inside.T]))
    return found


def _too_narrow(made: Intervals, test: ScoredRows, problem: Problem) -> list[str]:
    """A warning if intervals clearly hold fewer of the later test rows than they should.

    Clearly: even the upper end of the interval of the coverage, which draws groups or blocks of time, is too low.
    """
    unit = None if test.units is None else test.units.resampled
    if problem.settings.time is None or unit is None or len(distinct_values(unit)) < _FEWEST_UNITS:
        return []
    try:
        inside = made.covered(problem.head.predictions(test.o), test.part.truth, COVERAGE_LEVEL)
    except UsageError:  # too few residuals for the level
        return []
    of_targets = inside.reshape(len(inside), -1).T

    def covered(drawn: NDArray[np.float64] | None) -> dict[str, float]:
        weights = test.part.weights if drawn is None or test.part.weights is None else drawn * test.part.weights
        weights = drawn if test.part.weights is None else weights
        return {"coverage": mean([mean(each, weights) for each in of_targets])}

    found = intervals(covered, test.part.rows, unit=unit, seed=problem.settings.seed)["coverage"]
    if found.high >= COVERAGE_LEVEL or found.value > COVERAGE_LEVEL - _TOLERANCE:
        return []
    return [
        f"{COVERAGE_LEVEL:.0%} intervals made without the test rows cover only {found.value:.1%} of these"
        f"{_growth(made, test, problem.head)}: the target drifts more than before. The intervals of the model are "
        "as wide as the errors of the test rows, but may be too narrow for later rows: fit again as soon as newer rows "
        "are known, or use intervals of a higher level, such as 95%"
    ]


def _growth(made: Intervals, test: ScoredRows, head: Head) -> str:
    """How much larger the errors of the test rows are than those before, at the level of the coverage."""
    latest = test.intervals(head)
    if latest is None:
        return ""
    try:
        pairs = zip(latest.half_widths(COVERAGE_LEVEL), made.half_widths(COVERAGE_LEVEL), strict=True)
    except UsageError:
        return ""
    times = max((new / old for new, old in pairs if old > 0.0), default=0.0)
    return f", because their errors are {times:.2g} times as large as earlier ones" if times > 1.0 else ""
