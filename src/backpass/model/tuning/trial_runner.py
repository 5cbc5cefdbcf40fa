"""The trial runner of a search: which model is fitted next, and when the search ends.

It takes a prepared search and its limits. ``portfolio`` names the configurations, ``trial`` ranks them, ``journal``
stores them. The trials depend on the number of trials only: the clock decides how many are reached.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from math import inf
from typing import Any

from backpass.dataclass import dataclass
from backpass.errors import DivergedError, InterruptedTraining, ResourceError, UsageError
from backpass.model.tuning.budget import Limit
from backpass.model.tuning.journal import Fit, Journal
from backpass.model.tuning.portfolio import configurations
from backpass.model.tuning.search import Search
from backpass.model.tuning.trial import Trial, ranked, rungs_of, to_continue
from backpass.training import Callback, EpochRecord, Progress


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The trial that the budget ended before it was complete.

    A trial is complete when its first fit is done, and the fits of all trials that go on because of it.

    Attributes:
        trial: Its number.
        fits: The number of fits since it began that were done, and are not counted.
    """

    trial: int
    fits: int


@dataclass(slots=True, eq=False)
class TrialRunner:
    """A search in progress. Mutable.

    Attributes:
        search: What is searched.
        journal: The fits so far.
        limit: When the search ends.
        clock: Seconds since some moment.
        ended: Why the search ended: "trials", "budget", or "exhausted" (there are no more configurations); empty while
            it goes on.
        left_out: The trial that the budget ended before it was complete; None if there is none.
    """

    search: Search
    journal: Journal
    limit: Limit
    clock: Callable[[], float] = time.monotonic
    ended: str = ""
    left_out: LeftOut | None = None
    _start: float = field(init=False)
    _supply: Iterator[Mapping[str, Any]] = field(init=False)
    _changes: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        folds, settings = self.search.folds, self.search.settings
        self._start = self.clock()
        self._supply = configurations(dict(settings.given), folds.targets.task, folds.table.rows)
        self.journal.keep(self.limit.trials)
        while len(self._changes) < self.journal.step:
            self._changes.append(next(self._supply))

    @property
    def trials(self) -> list[Trial]:
        """The trials in their order."""
        return self.journal.trials(self._changes, self.search.metric)

    @property
    def leaderboard(self) -> list[Trial]:
        """The trials, best first.

        Raises:
            UsageError: The budget was too small for one trial.
            DivergedError: Every trial failed.
        """
        trials = ranked(self.trials, rungs_of(self.search.count))
        if not trials:
            raise UsageError(
                f"a budget of {self.limit.seconds:g} seconds is too small for one trial, which needs at least one fit",
                hint="use a larger budget, or a number of trials without a budget",
            )
        if trials[0].failure:
            errors = [f"trial {each.number}: {each.failure}" for each in trials]
            raise DivergedError("no trial could be fitted", details=errors)
        return trials

    def steps(self) -> Iterator[Trial]:
        """Fit one model after another until a limit is reached; yield the trial that each belongs to.

        Raises:
            InterruptedTraining: On Ctrl-C; the trials so far are in the journal.
            BackpassError: As ``fit``.
        """
        while (trial := self._next()) is not None:
            step = max(self.journal.step, trial.number)
            deadline = _Deadline(self._end(), self.clock)
            has_begun = not self.journal.fits or not deadline.is_over
            fit = self._fitted(trial, step, deadline) if has_begun else None
            if fit is None:
                self._end_of_budget(step, has_begun=has_begun)
                return
            self.journal.add(fit, self.clock() - self._start)
            yield self.trials[trial.number - 1]

    def _next(self) -> Trial | None:
        """The trial that is scored next; None if the search is over."""
        trial = to_continue(self.trials, rungs_of(self.search.count))
        if trial is not None:
            return trial
        number = self.journal.step + 1
        if number > self.limit.trials:
            self.ended = "trials"
            return None
        changes = next(self._supply, None)
        if changes is None:
            self.ended = "exhausted"
            return None
        self._changes.append(changes)
        return Trial(number, changes, self.search.metric)

    def close(self) -> None:
        """Remove the file of the trials, unless the budget ended the search: a larger budget continues it."""
        if self.ended != "budget":
            self.journal.close()

    def _end_of_budget(self, step: int, *, has_begun: bool) -> None:
        """End the search without the trial that began last, unless that is complete."""
        self.ended = "budget"
        self.journal.end(self.clock() - self._start)
        fits = self.journal.drop(step)
        if fits or has_begun:
            self.left_out = LeftOut(step, fits)

    def _fitted(self, trial: Trial, step: int, deadline: _Deadline) -> Fit | None:
        """The fit of a trial on its next fold; None if the time is over."""
        start = self.clock()
        scores, failure = dict[str, float](), ""
        try:
            scores |= self.search.scores(trial.changes, trial.folds, [deadline])
        except (DivergedError, ResourceError) as error:
            failure = error.message
        except InterruptedTraining as error:
            raise _interrupted(trial, self.journal, error) from None
        return None if deadline.is_over else Fit(step, trial.number, scores, self.clock() - start, failure)

    def _end(self) -> float:
        """When the last fit must be over, so that the final fit of the best trial is over in time, too."""
        done = ranked(self.trials, rungs_of(self.search.count))
        final = 0.0 if not done or not done[0].folds else done[0].seconds / done[0].folds
        return inf if self.limit.seconds == inf else self._start + self.limit.seconds - self.journal.seconds - final


class _Deadline(Callback):
    """Ends a run after an epoch if the time is over."""

    def __init__(self, end: float, clock: Callable[[], float]) -> None:
        self.end, self.clock = end, clock

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        return self.is_over

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self.clock() > self.end


def _interrupted(trial: Trial, journal: Journal, error: InterruptedTraining) -> InterruptedTraining:
    """The error of an interrupted search, which has no model."""
    found = InterruptedTraining(f"interrupted in trial {trial.number}, after {len(journal.fits)} fits")
    found.signal = error.signal
    found.checkpoint = None if journal.path is None or not journal.fits else str(journal.path)
    return found
