"""The race of a pack: successive halving of its candidates (Jamieson & Talwalkar 2016), then folds for those left.

It takes the members of every candidate and trains the first network of each up to a stop of the learning-rate schedule;
the best go on to the next stop. The candidates that are left at the last one train all their networks. ``choice``
decides how much each counts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, inf

from backpass.dataclass import dataclass
from backpass.model.fitting.problem.problem import batch_size_for
from backpass.model.fitting.runs.checkpoint import Checkpoint, RunState
from backpass.model.fitting.runs.ensemble import Member
from backpass.model.fitting.runs.ensemble_progress import EnsembleProgress
from backpass.model.fitting.runs.runs import Runs, side_by_side, train_members
from backpass.training import Callback, StopRequest, TrainingResult
from backpass.training.processes.exchange import SOLO, Exchange
from backpass.training.sampling import steps_per_epoch

STOPS = (1 / 15, 3 / 15, 7 / 15)
"""The shares of the epochs after which candidates are left out: where ``coslog4`` begins a new cycle."""

FEWEST_LEFT = 3
"""The minimum number of candidates that train all their networks."""


def places_of(candidates: int) -> tuple[int, ...]:
    """The number of candidates that go on after each stop.

    >>> places_of(8), places_of(16), places_of(2)
    ((4, 3, 3), (8, 4, 4), (2, 2, 2))
    """
    last = min(max(candidates // 4, FEWEST_LEFT), candidates)
    return max(candidates // 2, last), max(candidates // 4, last), last


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a race.

    Attributes:
        start: The share of the epochs that is done before it.
        stop: The share of the epochs that is done after it.
        entering: The number of candidates before it.
        places: The number of candidates after it.
    """

    start: float
    stop: float
    entering: int
    places: int

    @property
    def is_last(self) -> bool:
        """Whether all networks of the candidates are trained, not only the first ones."""
        return self.stop == 1.0

    def work(self, networks: int) -> float:
        """The number of whole runs that the stage takes; a candidate has so many networks."""
        return self.entering * (self.stop - self.start + (networks - 1) * self.is_last)


def stages_of(candidates: int, *, validates: bool) -> list[Stage]:
    """The stages of a race; without validation rows the first candidates are trained."""
    places = places_of(candidates)
    if not validates:
        return [Stage(0.0, 1.0, places[-1], places[-1])]
    bounds, counts = (0.0, *STOPS, 1.0), (candidates, *places, places[-1])
    return [Stage(*each) for each in zip(bounds, bounds[1:], counts, counts[1:], strict=False)]


@dataclass(slots=True, eq=False)
class Race:
    """A race in progress. Mutable.

    Attributes:
        members: The members, candidate by candidate.
        stop: Stops all runs between two steps.
        callbacks: Observers of the runs.
        states: The state of each member's run; None before its first epoch ends.
        checkpoint: Receives the state of each run.
        diverged: The last result of a run that diverged; None if none did.
        exchange: The processes, which divide the members of each stage.
    """

    members: Sequence[Member]
    stop: StopRequest
    callbacks: Sequence[Callback]
    states: list[RunState | None]
    checkpoint: Checkpoint | None = None
    diverged: TrainingResult | None = None
    exchange: Exchange = SOLO

    @property
    def networks(self) -> int:
        """The number of networks of a candidate."""
        return self.members[0].problem.settings.ensemble_size

    def run(self) -> tuple[Runs, list[int]]:
        """Run the race.

        Returns:
            The runs of the last stage, and the candidates that are left, the best first.
        """
        first = self.members[0].problem
        stages = stages_of(len(self.members) // self.networks, validates="validation" in first.parts)
        alive = list(range(stages[0].entering))
        together = EnsembleProgress(self.callbacks, len(self.members), planned=self._planned_steps(stages))
        limit, began, runs = first.settings.max_seconds, time.monotonic(), Runs({}, 0, ())
        for i, stage in enumerate(stages):
            numbers = [c * self.networks + f for c in alive for f in range(self.networks if stage.is_last else 1)]
            rest = [each.work(self.networks) for each in stages[i:]]
            left = (
                None if limit is None else max(limit - (time.monotonic() - began), 1e-3 * limit) * rest[0] / sum(rest)
            )
            runs = train_members(
                [self._until(member, stage, left, len(numbers)) for member in self.members],
                self.stop,
                self.callbacks,
                states=self.states,
                checkpoint=self.checkpoint,
                numbers=numbers,
                together=together,
                exchange=self.exchange,
            )
            for number, result in runs.results.items():
                ended = result.reason if result.reason in ("patience", "diverged") else ""
                self.diverged = result if result.non_finite else self.diverged
                self.states[number] = RunState(result.progress, runs.non_finite.get(number, ""), ended)
            alive = sorted(alive, key=lambda c: self.score(c, stage))[: stage.places]
            if together.ender is not None:
                break
        for each in self.callbacks:
            each.on_end(runs.ending)
        return runs, alive

    def score(self, candidate: int, stage: Stage) -> float:
        """The best validation score of the candidate's first network up to the end of a stage; lower is better."""
        state = self.states[candidate * self.networks]
        if state is None or state.ended == "diverged":
            return inf
        epochs = state.progress.history[: self.epochs(candidate, stage)]
        return min((epoch.score for epoch in epochs if epoch.score is not None), default=inf)

    def epochs(self, candidate: int, stage: Stage) -> int:
        """The number of epochs of the candidate's runs up to the end of a stage."""
        return max(ceil(stage.stop * self.members[candidate * self.networks].problem.settings.epochs), 1)

    def _until(self, member: Member, stage: Stage, seconds: float | None, count: int) -> Member:
        """The member whose run ends with a stage, one of ``count`` runs that share a time limit."""
        problem = member.problem
        if seconds is not None:
            seconds /= -(-count // side_by_side(problem, count, self.exchange.size))
        settings = replace(problem.settings, max_seconds=seconds)
        last = None if stage.is_last else self.epochs(self.members.index(member) // self.networks, stage)
        return replace(member, problem=replace(problem, settings=settings, last_epoch=last))

    def _planned_steps(self, stages: Sequence[Stage]) -> int:
        """About the number of steps of the whole race."""
        settings, rows = self.members[0].problem.settings, self.members[0].problem.parts["train"].rows
        batch = min(batch_size_for(settings, rows), rows)
        an_epoch = steps_per_epoch(settings.sampling, rows, batch)
        return round(an_epoch * settings.epochs * sum(stage.work(self.networks) for stage in stages))
