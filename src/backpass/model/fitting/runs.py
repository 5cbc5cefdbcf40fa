"""The runs of a fit: its networks are trained one after another, or side by side, and watched as one long run.

Comes in: the members of an ensemble, or a single one. Goes out: a ``TrainingResult`` for each run that was begun. What
the members are is ``ensemble_size``'s affair, what becomes of the results ``fitting``'s.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from backpass.errors import ResourceError
from backpass.model.fitting.checkpoint import Checkpoint, RunState
from backpass.model.fitting.ensemble import Member
from backpass.model.fitting.problem import Problem
from backpass.training import Callback, EpochRecord, Progress, StopRequest, TrainingResult

ENDS_ALL = ("interrupted", "stopped", "diverged")
"""Reasons for which the other runs end, too."""


@dataclass(frozen=True, slots=True)
class Runs:
    """What came of the members: the results of those that were begun, and what there is to say.

    results: by the number of the member, from 0, ascending; last: the number of the one that ended them all
    """

    results: Mapping[int, TrainingResult]
    last: int
    notes: tuple[str, ...]

    @property
    def ending(self) -> TrainingResult:
        """The result of the run that ended them all."""
        return self.results[self.last]


def train_members(
    members: Sequence[Member],
    stop: StopRequest,
    callbacks: Sequence[Callback] = (),
    *,
    theta: NDArray[Any] | None = None,
    standings: Sequence[RunState | None] = (),
    checkpoint: Checkpoint | None = None,
) -> Runs:
    """Train every member, as many at a time as the engine has cores for, a thread and a core for each.

    A member alone, or among others, ends with the same bits. A run that meets a number that is not finite is done
    again, once, with a tenth of its learning rate, unless that was asked for. The first run that is interrupted,
    stopped or diverges ends all.

    wish: to stop    standings: where the runs stood that go on; ``checkpoint`` is told where they stand now
    """
    workers = side_by_side(members[0].problem, len(members))
    before = {i: standing for i, standing in enumerate(standings) if standing is not None}
    watching = callbacks if len(members) == 1 else None
    together = EnsembleProgress(
        callbacks,
        len(members),
        epochs=sum(len(each.progress.history) for each in before.values()),
        taken={i: each.progress.step for i, each in before.items()},
        over={i for i, each in before.items() if each.ended},
    )
    begun = {i: standing.result() for i, standing in before.items()}
    faults = {i: standing.fault for i, standing in before.items() if standing.fault}

    def attempt(i: int, progress: Progress | None) -> TrainingResult:
        problem = members[i].problem if workers == 1 else _on_one_core(members[i].problem)
        # The identity of a checkpoint says whether there is a calmer problem: where there was a fault, there is.
        problem = problem if i not in faults else with_lower_learning_rate(problem) or problem
        watchers: Sequence[Callback] = [MemberCallback(together, i)] if watching is None else watching
        seen = (
            watchers
            if checkpoint is None
            else [CheckpointCallback(checkpoint, i, faults.get(i, ""), watchers), *watchers]
        )
        result = problem.train(theta=theta, callbacks=seen, progress=progress, stop=stop)
        if result.reason != "diverged" or i in faults or with_lower_learning_rate(problem) is None:
            return result
        faults[i] = result.fault
        for each in watchers:
            each.on_warning(_done_again(members[i], faults[i]))
        return attempt(i, None)

    def run(i: int) -> None:
        # A run that begins after a signal ends at once, and so says that all were interrupted.
        if i in together.over or together.ender is not None:
            return
        begun[i] = attempt(i, before[i].progress.copy() if i in before else None)
        if begun[i].reason in ENDS_ALL:
            together.end_by(i)

    if workers == 1:
        for i in range(len(members)):
            run(i)
    else:
        _in_threads(run, len(members), workers, stop)
    last = max(begun) if together.ender is None else together.ender
    notes = tuple(_done_again(members[i], faults[i]) for i in sorted(faults))
    runs = Runs(dict(sorted(begun.items())), last, notes)
    if watching is None:
        for each in callbacks:
            each.on_end(runs.ending)
    return runs


def _done_again(member: Member, fault: str) -> str:
    """What there is to say of a run that diverged, and is done again."""
    rate = (with_lower_learning_rate(member.problem) or member.problem).settings.learning_rate
    return f"training diverged in {fault}: done again with learning_rate {rate:g}, a tenth"


def _in_threads(run: Callable[[int], None], count: int, workers: int, stop: StopRequest) -> None:
    """Do run(0), run(1), ... in threads. What goes wrong in one ends all, and is raised here."""
    with ThreadPoolExecutor(workers) as pool:
        waiting = {pool.submit(run, i) for i in range(count)}
        try:
            while waiting:
                # Python handles a signal in this thread, and only when this thread runs.
                done, waiting = wait(waiting, timeout=0.05, return_when=FIRST_EXCEPTION)
                for each in done:
                    each.result()
        except BaseException:
            stop.signal = stop.signal or 0  # the threads look at it between two steps
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def side_by_side(problem: Problem, count: int) -> int:
    """How many of so many members are trained at a time."""
    return min(problem.engine.cores, count)


def _on_one_core(problem: Problem) -> Problem:
    return replace(problem, settings=replace(problem.settings, threads=1))


def with_lower_learning_rate(problem: Problem) -> Problem | None:
    """The same problem with a tenth of the learning rate; None when somebody asked for the learning rate it has."""
    if "learning_rate" in dict(problem.settings.given):
        return None
    settings = replace(problem.settings, learning_rate=problem.settings.learning_rate / 10)
    return replace(problem, settings=settings)


@dataclass(slots=True)
class EnsembleProgress:
    """Where several runs stand together, for who watches: their steps and epochs are added up. Changes in place.

    Runs in several threads tell it of their progress; it tells the callbacks, one thing at a time. ``over`` are the
    runs that have ended well, ``ender`` is the number of the run that ends all.
    """

    callbacks: Sequence[Callback]
    count: int
    epochs: int = 0
    taken: dict[int, int] = field(default_factory=dict)
    over: set[int] = field(default_factory=set)
    ender: int | None = None
    share: int = 0
    lock: Any = field(default_factory=threading.RLock)

    @property
    def step(self) -> int:
        """The steps of all runs; one that is over has had its share."""
        return sum(self.share if i in self.over else min(step, self.share) for i, step in self.taken.items())

    def start(self, total_steps: int, steps_per_epoch: int) -> None:
        """A run begins; the first one says how long all will be."""
        if not self.share:
            self.share = total_steps
            for each in self.callbacks:
                each.on_start(self.count * total_steps, steps_per_epoch)

    def end_by(self, number: int) -> None:
        """Run ``number`` ends all, unless another one did before."""
        with self.lock:
            if self.ender is None:
                self.ender = number


class MemberCallback(Callback):
    """Tells ``Together`` of the run of one member."""

    def __init__(self, together: EnsembleProgress, number: int) -> None:
        self.together, self.number = together, number

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        with self.together.lock:
            self.together.start(total_steps, steps_per_epoch)

    def on_step(self, step: int) -> None:
        with self.together.lock:
            self.together.taken[self.number] = step
            for each in self.together.callbacks:
                each.on_step(self.together.step)

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        with self.together.lock:
            self.together.taken[self.number] = record.step
            self.together.epochs += 1
            moved = replace(record, epoch=self.together.epochs, step=self.together.step)
            # A list, so that every callback sees the epoch, even when an earlier one ends the run.
            answers = [each.on_epoch(moved, progress) for each in self.together.callbacks]
            if any(answers):
                self.together.end_by(self.number)
            return self.together.ender is not None

    def on_warning(self, text: str) -> None:
        with self.together.lock:
            for each in self.together.callbacks:
                each.on_warning(text)

    def on_end(self, result: TrainingResult) -> None:
        with self.together.lock:
            if result.reason not in ENDS_ALL:
                self.together.over.add(self.number)


@dataclass(frozen=True, slots=True)
class CheckpointCallback(Callback):
    """Tells a checkpoint where the run of one network stands. A full disk is told, and ends no run.

    fault: of the run before, see ``Standing``    beside: who else watches
    """

    checkpoint: Checkpoint
    number: int
    fault: str
    beside: Sequence[Callback]

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        if self.checkpoint.is_due(self.number):
            self._note(progress, "")
        return None

    def on_end(self, result: TrainingResult) -> None:
        if result.reason != "diverged":
            self._note(result.progress, result.reason if result.is_over else "")

    def _note(self, progress: Progress, ended: str) -> None:
        with told(self.beside):
            self.checkpoint.note(self.number, RunState(progress.copy(), self.fault, ended))


@contextmanager
def told(callbacks: Sequence[Callback]) -> Iterator[None]:
    """A checkpoint that cannot be saved inside is a warning to the callbacks: a run is fine without."""
    try:
        yield
    except ResourceError as error:
        for each in callbacks:
            each.on_warning(str(error))
