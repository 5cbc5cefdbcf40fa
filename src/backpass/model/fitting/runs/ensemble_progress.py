"""Ensemble progress: several runs at once, reported to the callbacks as one long run."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from backpass.dataclass import dataclass
from backpass.model.fitting.runs.checkpoint import RunState
from backpass.training import Callback, EpochRecord, Progress, StepRecord, TrainingResult

ENDS_ALL = ("interrupted", "stopped", "diverged")
"""Reasons that end the other runs, too."""


@dataclass(slots=True)
class EnsembleProgress:
    """The combined progress of several runs: the sums of their steps and epochs. Mutable.

    Runs in several threads report to it through ``MemberCallback``; it calls the callbacks one at a time, under a lock.

    Attributes:
        callbacks: Observers of the combined run.
        count: The number of members.
        epochs: The number of epochs so far, over all runs.
        taken: Member number -> steps so far.
        over: The members whose run has ended normally.
        ender: The number of the run that ends all, if any.
        share: The maximum number of steps of one run.
        planned: The number of steps of all stages of a race; 0 if this is none.
    """

    callbacks: Sequence[Callback]
    count: int
    epochs: int = 0
    taken: dict[int, int] = field(default_factory=dict)
    over: set[int] = field(default_factory=set)
    ender: int | None = None
    share: int = 0
    planned: int = 0
    lock: Any = field(default_factory=threading.RLock)

    @property
    def step(self) -> int:
        """The number of steps of all runs so far."""
        if self.planned:
            return min(sum(self.taken.values()), self.planned)
        return sum(min(step, self.share) for step in self.taken.values())

    @property
    def total(self) -> int:
        """The number of steps of all runs; a run that is over has no more than it took."""
        if self.planned:
            return self.planned
        return self.count * self.share - sum(max(self.share - self.taken.get(i, 0), 0) for i in self.over)

    def join(self, before: Mapping[int, RunState]) -> None:
        """Count what runs did before, in an earlier stage of a race or in an earlier process."""
        new = {i: each for i, each in before.items() if i not in self.taken}
        self.epochs += sum(len(each.progress.history) for each in new.values())
        self.taken |= {i: each.progress.step for i, each in new.items()}
        self.over = {i for i, each in before.items() if each.ended}

    def start(self, total_steps: int, steps_per_epoch: int) -> None:
        """Start a run; the first one sets the total number of steps."""
        if not self.share:
            self.share = total_steps
            for each in self.callbacks:
                each.on_start(self.total, steps_per_epoch)

    def finish(self, steps: Mapping[int, int]) -> None:
        """Count runs that are over, given their numbers of steps; the total loses the steps that they did not take."""
        before = self.total
        self.taken |= steps
        self.over |= {*steps}
        if self.total != before:
            for each in self.callbacks:
                each.on_total(self.total)

    def end_by(self, number: int) -> None:
        """End all runs because of run ``number``, unless another run did before."""
        with self.lock:
            if self.ender is None:
                self.ender = number


class MemberCallback(Callback):
    """Reports the run of one member to ``EnsembleProgress``."""

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

    @property
    def sees_steps(self) -> bool:
        return any(each.sees_steps for each in self.together.callbacks)

    def on_update(self, record: StepRecord) -> None:
        with self.together.lock:
            for each in self.together.callbacks:
                each.on_update(replace(record, network=self.number))

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        with self.together.lock:
            self.together.taken[self.number] = record.step
            self.together.epochs += 1
            moved = replace(record, epoch=self.together.epochs, step=self.together.step)
            # A list, so that every callback sees the epoch even if an earlier one ends the run.
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
                self.together.finish({self.number: result.progress.step})
