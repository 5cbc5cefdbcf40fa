"""The runs of a fit: trains its networks sequentially or concurrently, and reports them as one long run.

It takes the members of an ensemble, or a single network, and returns a ``TrainingResult`` for each run that was
started. ``ensemble`` makes the members; ``fit`` uses the results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import field, replace
from typing import Any

from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.checkpoint import Checkpoint, Recorder, RunState, warn_on_failure
from backpass.model.fitting.runs.ensemble import Member
from backpass.model.fitting.runs.ensemble_progress import ENDS_ALL, EnsembleProgress, MemberCallback
from backpass.model.fitting.runs.stage import Stage, StageCallback
from backpass.model.fitting.transfer.output_layer import trainable
from backpass.training import Callback, EpochRecord, Progress, StopRequest, TrainingResult
from backpass.training.interrupt import run_in_threads
from backpass.training.processes.exchange import SOLO, Exchange


@dataclass(frozen=True, slots=True)
class Runs:
    """The outcome of all runs.

    Attributes:
        results: Member number -> result, for the runs that were started, in ascending order.
        last: The number of the run that ended all of them.
        notes: Notes for the model.
        non_finite: Member number -> what was not finite in its first attempt, for the runs that were retried.
        ended_by: The result that ended all runs, if it is not among ``results``.
    """

    results: Mapping[int, TrainingResult]
    last: int
    notes: tuple[str, ...]
    non_finite: Mapping[int, str] = field(default_factory=dict)
    ended_by: TrainingResult | None = None

    @property
    def ending(self) -> TrainingResult:
        """The result of the run that ended all of them."""
        return self.results[self.last] if self.ended_by is None else self.ended_by


def train_members(
    members: Sequence[Member],
    stop: StopRequest,
    callbacks: Sequence[Callback] = (),
    *,
    theta: NDArray[Any] | None = None,
    states: Sequence[RunState | None] = (),
    checkpoint: Checkpoint | None = None,
    numbers: Sequence[int] | None = None,
    together: EnsembleProgress | None = None,
    exchange: Exchange = SOLO,
) -> Runs:
    """Train every member: as many at a time as the engine has cores, each in a thread on one core.

    Several processes divide the members; afterwards each of them has the results of all.

    A member ends with the same bits whether it is trained alone or with others, except on the engine jax. A run that
    diverges is retried once at a tenth of the learning rate, unless the user set the learning rate. The first run that
    is interrupted, is stopped or diverges ends all runs.

    Args:
        members: The members.
        stop: Stops all runs between two steps.
        callbacks: Observers of the runs.
        theta: Initial parameters of a single network.
        states: The states of the runs in a checkpoint, to continue from.
        checkpoint: Receives the state of each run.
        numbers: The members to train, in a stage of a race. Default None: all.
        together: The progress of the race, which this is a stage of: then a run that diverges does not end the others.
            Default None: this is no race.
        exchange: The processes, all of which call this function.
    """
    stage, race = range(len(members)) if numbers is None else numbers, together
    before = {i: state for i, state in enumerate(states) if state is not None and i in {*stage}}
    watching = callbacks if len(members) == 1 else None
    if together is None:
        together = EnsembleProgress(callbacks, len(members))
    together.join(before)
    distributed = Stage.of(exchange, together, stop, checkpoint, group_size(members, len(stage), exchange))
    own, recorder = (stage, checkpoint) if distributed is None else (distributed.own(stage), distributed.recorder)
    group = SOLO if distributed is None else distributed.group
    workers = max(side_by_side(members[0].problem, len(own)), 1) if group.size == 1 else 1
    shared = None if workers == 1 else members[0].problem.trainer.side_by_side(workers, _most_alike(members, own))
    begun = {i: state.result() for i, state in before.items()}
    non_finite = {i: state.non_finite for i, state in before.items() if state.non_finite}
    attempts = _Attempts(members, shared, recorder, stop, group, theta, non_finite)

    def watchers(i: int) -> Sequence[Callback]:
        these: Sequence[Callback] = [MemberCallback(together, i)] if watching is None else watching
        return these if distributed is None else [*these, StageCallback(distributed)]

    def run(i: int) -> None:
        # A run that starts after a signal ends at once, which marks all runs as interrupted.
        # The processes that train a member together must decide alike, though each hears of an end at its own time.
        if i in together.over or group.any(together.ender is not None):
            return
        with nullcontext() if shared is None else shared.taking_part():
            begun[i] = attempts.train(i, watchers(i), before[i].progress.copy() if i in before else None)
        if begun[i].reason in ENDS_ALL and not (race and begun[i].reason == "diverged"):
            together.end_by(i)

    if workers == 1:
        for i in own:
            run(i)
    else:
        run_in_threads(run, own, workers, stop)
    if distributed is not None:
        results, others = distributed.finish({i: begun[i] for i in own if i in begun}, non_finite)
        begun, non_finite = begun | results, non_finite | others
    last = max(begun) if together.ender is None else together.ender
    notes = tuple(_retry_note(members[i], non_finite[i]) for i in sorted(non_finite))
    runs = Runs(dict(sorted(begun.items())), last, notes, non_finite)
    if watching is None and race is None:
        for each in callbacks:
            each.on_end(runs.ending)
    return runs


@dataclass(frozen=True, slots=True, eq=False)
class _Attempts:
    """The attempts of each member: the first, and one at a lower learning rate if it diverges. ``non_finite`` changes.

    Attributes:
        members: The members.
        engine: The engine of runs side by side; None if members are trained sequentially.
        recorder: Receives the state of each run; None without a checkpoint.
        stop: Stops all runs between two steps.
        group: The processes that train a member together.
        theta: Initial parameters of a single network; None for random ones.
        non_finite: Member number -> what was not finite in its first attempt.
    """

    members: Sequence[Member]
    engine: Engine | None
    recorder: Recorder | None
    stop: StopRequest
    group: Exchange
    theta: NDArray[Any] | None
    non_finite: dict[int, str]

    def train(self, number: int, watchers: Sequence[Callback], progress: Progress | None) -> TrainingResult:
        """Train a member from its progress; if it diverges, once more from the start."""
        problem = self._problem(number)
        seen = watchers
        if self.recorder is not None:
            non_finite = self.non_finite.get(number, "")
            seen = [CheckpointCallback(self.recorder, number, non_finite, watchers, problem.last_epoch), *watchers]
        result = trainable(problem).train(
            theta=self.theta, callbacks=seen, progress=progress, stop=self.stop, exchange=self.group
        )
        if result.reason != "diverged" or number in self.non_finite or with_lower_learning_rate(problem) is None:
            return result
        self.non_finite[number] = result.non_finite
        for each in watchers:
            each.on_warning(_retry_note(self.members[number], result.non_finite))
        return self.train(number, watchers, None)

    def _problem(self, number: int) -> Problem:
        """The member's problem, on one core if others run side by side; a retry has a lower learning rate."""
        problem = self.members[number].problem
        problem = problem if self.engine is None else _on_one_core(problem, self.engine)
        # A recorded divergence implies that the learning rate may be lowered: the checkpoint's identity ensures it.
        return problem if number not in self.non_finite else with_lower_learning_rate(problem) or problem


def group_size(members: Sequence[Member], count: int, exchange: Exchange) -> int:
    """The number of processes that train each of ``count`` members together: a power of two that divides the shards.

    Members are divided first, because they need no exchange; what processes are left divide the shards of a member.
    """
    return processes_together(members[0].problem.settings.shards, count, exchange.size)


def processes_together(shards: int, networks: int, processes: int) -> int:
    """The number of processes that train each of so many networks together, see ``group_size``."""
    most = min(shards, processes // max(networks, 1))
    return 1 << (max(most, 1).bit_length() - 1)


def _retry_note(member: Member, non_finite: str) -> str:
    """The note about a run that diverged and is retried."""
    rate = (with_lower_learning_rate(member.problem) or member.problem).settings.learning_rate
    return f"training diverged in {non_finite}: retrying once with --learning-rate {rate:g}, a tenth"


def side_by_side(problem: Problem, count: int, processes: int = 1) -> int:
    """The number of members, out of ``count``, that are trained concurrently."""
    return min(problem.trainer.cores * processes, count)


def _on_one_core(problem: Problem, shared: Engine) -> Problem:
    """The problem with the engine of runs side by side."""
    return replace(problem, settings=replace(problem.settings, threads=1), runner=shared)


def _most_alike(members: Sequence[Member], numbers: Sequence[int]) -> int:
    """The largest number of members of one candidate: their steps are equal."""
    return max(Counter(members[i].candidate for i in numbers).values(), default=1)


def with_lower_learning_rate(problem: Problem) -> Problem | None:
    """The same problem with a tenth of the learning rate; None if the user set the learning rate."""
    if "learning_rate" in dict(problem.settings.given):
        return None
    settings = replace(problem.settings, learning_rate=problem.settings.learning_rate / 10)
    return replace(problem, settings=settings)


@dataclass(frozen=True, slots=True)
class CheckpointCallback(Callback):
    """Reports the state of one network's run to a checkpoint. A full disk causes a warning and does not end the run.

    Attributes:
        checkpoint: The checkpoint.
        number: The number of the network.
        non_finite: What was not finite in the first attempt, see ``RunState``.
        callbacks: The callbacks that receive warnings.
        last_epoch: The epoch at which a stage of a race ends, but not the run; None if there is no such stage.
    """

    checkpoint: Recorder
    number: int
    non_finite: str
    callbacks: Sequence[Callback]
    last_epoch: int | None = None

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        if self.checkpoint.is_due(self.number):
            self._record(progress, "")
        return None

    def on_end(self, result: TrainingResult) -> None:
        if result.reason != "diverged":
            goes_on = self.last_epoch is not None and result.reason == "finished"
            self._record(result.progress, result.reason if result.is_over and not goes_on else "")

    def _record(self, progress: Progress, ended: str) -> None:
        with warn_on_failure(self.callbacks):
            self.checkpoint.record(self.number, RunState(progress.copy(), self.non_finite, ended))
