"""The runs of a fit: its networks are trained one after another, or side by side, and watched as one long run.

Comes in: the members of an ensemble, or a single one. Goes out: a ``TrainingResult`` for each run that was begun. What
the members are is ``ensemble``'s affair, what becomes of the results ``fitting``'s.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from backpass.model.ensemble import Member
from backpass.model.problem import Problem
from backpass.training import Callback, EpochRecord, Progress, StopWish, TrainingResult, stop_on_signals

ENDS_ALL = ("interrupted", "stopped", "diverged")
"""Reasons for which the other runs end, too."""


@dataclass(frozen=True, slots=True)
class Runs:
    """What came of the members: the results of those that were begun, in order, and what there is to say.

    last: the number, from 0, of the run that ended them all
    """

    results: tuple[TrainingResult, ...]
    last: int
    notes: tuple[str, ...]

    @property
    def ending(self) -> TrainingResult:
        """The result of the run that ended them all."""
        return self.results[self.last]


def train_members(
    members: Sequence[Member],
    callbacks: Sequence[Callback] = (),
    *,
    theta: NDArray[Any] | None = None,
    progress: Progress | None = None,
    save: Callable[[Progress], None] | None = None,
) -> Runs:
    """Train every member, as many at a time as the engine has cores for, a thread and a core for each.

    A member alone, or among others, ends with the same bits. A run that meets a number that is not finite is done
    again, once, with a tenth of its learning rate, unless that was asked for. The first run that is interrupted,
    stopped or diverges ends all.
    """
    workers = side_by_side(members[0].problem, len(members))
    watching = callbacks if len(members) == 1 else None
    together = Together(callbacks, len(members))
    begun: dict[int, TrainingResult] = {}
    notes: dict[int, str] = {}

    def run(i: int) -> None:
        if wish() or together.ender is not None:
            return
        problem = members[i].problem if workers == 1 else _on_one_core(members[i].problem)
        seen = [Relay(together, i)] if watching is None else watching
        result = problem.train(theta=theta, callbacks=seen, progress=progress, save=save, wish=wish)
        if result.reason == "diverged" and (calmer := calmer_than(problem)) is not None:
            rate = calmer.settings.learning_rate
            notes[i] = f"training diverged in {result.fault}: done again with learning_rate {rate:g}, a tenth"
            for each in seen:
                each.on_warning(notes[i])
            # Without checkpoints: one of this run would not be told from one of the run that diverged.
            result = calmer.train(theta=theta, callbacks=seen, wish=wish)
        begun[i] = result
        if result.reason in ENDS_ALL:
            together.end_by(i)

    with stop_on_signals() as wish:
        if workers == 1:
            for i in range(len(members)):
                run(i)
        else:
            _in_threads(run, len(members), workers, wish)
    last = max(begun) if together.ender is None else together.ender
    runs = Runs(tuple(begun[i] for i in sorted(begun)), last, tuple(notes[i] for i in sorted(notes)))
    if watching is None:
        for each in callbacks:
            each.on_end(runs.ending)
    return runs


def _in_threads(run: Callable[[int], None], count: int, workers: int, wish: StopWish) -> None:
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
            wish.signal = wish.signal or 0  # the threads look at it between two steps
            raise


def side_by_side(problem: Problem, count: int) -> int:
    """How many of so many members are trained at a time."""
    return min(problem.engine.cores, count)


def _on_one_core(problem: Problem) -> Problem:
    return replace(problem, settings=replace(problem.settings, threads=1))


def calmer_than(problem: Problem) -> Problem | None:
    """The same problem with a tenth of the learning rate; None when somebody asked for the learning rate it has."""
    if "learning_rate" in dict(problem.settings.asked):
        return None
    settings = replace(problem.settings, learning_rate=problem.settings.learning_rate / 10)
    return replace(problem, settings=settings)


@dataclass(slots=True)
class Together:
    """Where several runs stand together, for who watches: their steps and epochs are added up. Changes in place.

    Runs in several threads tell it of their progress; it tells the callbacks, one thing at a time. ``ender`` is the
    number of the run that ends all.
    """

    callbacks: Sequence[Callback]
    count: int
    ender: int | None = None
    share: int = 0
    epochs: int = 0
    taken: dict[int, int] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.RLock)

    @property
    def step(self) -> int:
        """The steps of all runs."""
        return sum(self.taken.values())

    def start(self, total_steps: int, steps_per_epoch: int) -> None:
        """A run begins; the first one says how long all will be."""
        if not self.share:
            self.share = total_steps
            for each in self.callbacks:
                each.on_start(self.count * total_steps, steps_per_epoch)

    def advance(self, number: int, step: int) -> None:
        """Run ``number`` has taken so many steps."""
        self.taken[number] = min(step, self.share)

    def end_by(self, number: int) -> None:
        """Run ``number`` ends all, unless another one did before."""
        with self.lock:
            if self.ender is None:
                self.ender = number


class Relay(Callback):
    """Tells ``Together`` of the run of one member."""

    def __init__(self, together: Together, number: int) -> None:
        self.together, self.number = together, number

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        with self.together.lock:
            self.together.start(total_steps, steps_per_epoch)

    def on_step(self, step: int) -> None:
        with self.together.lock:
            self.together.advance(self.number, step)
            for each in self.together.callbacks:
                each.on_step(self.together.step)

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        with self.together.lock:
            self.together.advance(self.number, record.step)
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
                self.together.advance(self.number, self.together.share)
