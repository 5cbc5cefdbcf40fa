"""A stage: members that the processes of a job train at the same time, each process its own.

``Stage.of`` divides the members; while they train, ``poll`` passes on what other processes must know; ``finish`` waits
for all of them and returns the results of every member to every process. Process 0 writes the checkpoint and calls the
callbacks, so states, steps and warnings go to it. What ends one run ends those of all processes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from backpass.dataclass import dataclass
from backpass.model.fitting.runs.checkpoint import Checkpoint, Recorder, RunState, warn_on_failure
from backpass.model.fitting.runs.ensemble_progress import ENDS_ALL, EnsembleProgress
from backpass.training import Callback, StopRequest, TrainingResult
from backpass.training.processes.exchange import Exchange

POLL = 0.02
"""Seconds between checks for messages while a network trains."""

SLOW, SLOWEST = 1.5, 10.0
"""A process is slow if it computes this many times as long as another of its group, and this many seconds."""

REPORT = 0.5
"""Seconds between two reports of the steps that were taken."""


@dataclass(slots=True, eq=False)
class Stage:
    """The runs of all processes, as one of them sees them. Mutable and thread-safe.

    Attributes:
        exchange: The processes.
        channel: The channel of the stage's messages.
        together: The combined progress of the runs of this process; that of process 0 counts those of all.
        stop: Stops the runs of this process between two steps.
        checkpoint: Process 0: receives the state of every run.
        seconds: The seconds between two reports of a run's state; None if only its end is reported.
        keeps: Whether states are reported at all.
        group: The processes that train the same members as this one; the first of them reports.
        began: When the stage began, on the clock of this process.
    """

    exchange: Exchange
    channel: int
    together: EnsembleProgress
    stop: StopRequest
    checkpoint: Checkpoint | None
    seconds: float | None
    keeps: bool
    group: Exchange
    began: float = field(default_factory=time.monotonic)
    _numbers: frozenset[int] = frozenset()
    _results: dict[int, dict[str, Any]] = field(default_factory=dict)
    _merged: dict[str, Any] | None = None
    _has_told_end: bool = False
    _has_told_stop: bool = False
    _looked: float = 0.0
    _reported: float = 0.0
    _lock: Any = field(default_factory=threading.RLock)

    @staticmethod
    def of(
        exchange: Exchange,
        together: EnsembleProgress,
        stop: StopRequest,
        checkpoint: Checkpoint | None,
        group_size: int,
    ) -> Stage | None:
        """The stage of several processes; None for one. Every process must call it at the same point.

        Args:
            exchange: The processes.
            together: The combined progress of the runs.
            stop: Stops the runs between two steps.
            checkpoint: Process 0: receives the state of every run.
            group_size: The number of processes that train a member together.
        """
        if exchange.size == 1:
            return None
        kept = None if checkpoint is None else (checkpoint.seconds,)
        kept = exchange.from_first(kept)
        seconds = None if kept is None else kept[0]
        group, channel = exchange.group(group_size), exchange.open_channel()
        return Stage(exchange, channel, together, stop, checkpoint, seconds, kept is not None, group)

    def own(self, numbers: Sequence[int]) -> Sequence[int]:
        """The members that this process trains, with the others of its group: one of every so many."""
        groups = self.exchange.size // self.group.size
        number = self.exchange.rank // self.group.size
        own = numbers[number::groups] if number < groups else ()
        self._numbers = frozenset(own)
        return own

    @property
    def recorder(self) -> Recorder | None:
        """What receives the states of this process's runs."""
        if self.exchange.rank == 0:
            return self.checkpoint
        return Sender(self) if self.keeps and self.is_first else None

    @property
    def is_first(self) -> bool:
        """Whether this process reports the runs of its group."""
        return self.group.rank == 0

    def poll(self) -> None:
        """Pass on what has happened here, and take in what has happened elsewhere, if it is time to."""
        now = time.monotonic()
        with self._lock:
            if now - self._looked < POLL:
                return
            self._looked = now
            self._tell(now)
            for sender, (kind, *values) in self.exchange.collect(self.channel):
                self._take(sender, kind, *values)

    def finish(
        self, results: Mapping[int, TrainingResult], non_finite: Mapping[int, str]
    ) -> tuple[dict[int, TrainingResult], dict[int, str]]:
        """Wait for all processes. A signal is passed on meanwhile, so that it ends their runs.

        Args:
            results: Member number -> result, for the members that this process trained.
            non_finite: Member number -> what was not finite in its first attempt.

        Returns:
            The results of all processes, and what was not finite in first attempts.
            The run that ended all is that of ``together``.
        """
        own: dict[str, Any] = {"results": {}, "non_finite": {}, "ender": self.together.ender}
        busy = time.monotonic() - self.began - self.group.waited
        own["busy"] = (self.exchange.name, self.exchange.rank // self.group.size, busy)
        self.group.waited = 0.0
        if self.is_first:
            own |= {"results": dict(results), "non_finite": dict(non_finite)}
        if self.exchange.rank:
            self._looked = 0.0
            self.poll()
            self.exchange.post(("result", own), 0, self.channel)
        else:
            self._results[0] = own
        self.exchange.wait_for(self._is_complete)
        merged = self._merged
        assert merged is not None
        self.together.ender = merged["ender"]
        if merged["signal"] is not None and self.stop.signal is None:
            self.stop.signal = merged["signal"]
        return merged["results"], merged["non_finite"]

    def _is_complete(self) -> bool:
        self.poll()
        if self.exchange.rank == 0 and self._merged is None and len(self._results) == self.exchange.size:
            self._merged = self._merge()
            for rank in range(1, self.exchange.size):
                self.exchange.post(("all", self._merged), rank, self.channel)
        return self._merged is not None

    def _merge(self) -> dict[str, Any]:
        by_rank = [self._results[rank] for rank in range(self.exchange.size)]
        for text in stragglers([each["busy"] for each in by_rank]) if self.group.size > 1 else ():
            for each in self.together.callbacks:
                each.on_note(text)
        enders = [self.together.ender, *(each["ender"] for each in by_rank)]
        return {
            "results": {i: result for each in by_rank for i, result in each["results"].items()},
            "non_finite": {i: non_finite for each in by_rank for i, non_finite in each["non_finite"].items()},
            "ender": next((each for each in enders if each is not None), None),
            "signal": self.stop.signal,
        }

    def _tell(self, now: float) -> None:
        others = [rank for rank in range(self.exchange.size) if rank != self.exchange.rank]
        if self.stop.signal is not None and not self._has_told_stop:
            self._has_told_stop = True
            for rank in others:
                self.exchange.post(("stop", self.stop.signal), rank, self.channel)
        if self.together.ender is not None and not self._has_told_end:
            self._has_told_end = True
            for rank in others:
                self.exchange.post(("end", self.together.ender), rank, self.channel)
        if self.exchange.rank and self.is_first and now - self._reported >= REPORT:
            self._reported = now
            taken = {i: step for i, step in self.together.taken.items() if i in self._numbers}
            self.exchange.post(("steps", taken), 0, self.channel)

    def _take(self, sender: int, kind: str, *values: Any) -> None:
        match kind, values:
            case "stop", (signal,):
                self._has_told_stop = True
                self.stop.signal = signal if self.stop.signal is None else self.stop.signal
            case "end", (number,):
                self._has_told_end = True
                self.together.end_by(number)
            case "steps", (taken,):
                with self.together.lock:
                    self.together.taken |= taken
                    self._show_step()
            case "state", (number, state):
                if self.checkpoint is not None:
                    with warn_on_failure(self.together.callbacks):
                        self.checkpoint.record(number, state)
            case "warning", (text,):
                for each in self.together.callbacks:
                    each.on_warning(text)
            case "result", (result,):
                self._results[sender] = result
                ended = {i: each for i, each in result["results"].items() if each.reason not in ENDS_ALL}
                if steps := {i: each.progress.step for i, each in ended.items()}:
                    with self.together.lock:
                        self.together.finish(steps)
                        self._show_step()
            case "all", (merged,):
                self._merged = merged

    def _show_step(self) -> None:
        """Show the steps that have been counted, those of other processes included; the caller holds the lock."""
        for each in self.together.callbacks:
            each.on_step(self.together.step)


def stragglers(busy: Sequence[tuple[str, int, float]]) -> list[str]:
    """Warnings about processes that are slower than the others that train the same network.

    Args:
        busy: The name of each process, its group, and the seconds that it computed.

    >>> stragglers([("process 0 of 3", 0, 20.0), ("process 1 of 3", 0, 50.0), ("process 2 of 3", 1, 90.0)])
    ['process 1 of 3 took 2.5 times as long as the other processes of the same network, which waited for it']
    """
    warnings = []
    for name, group, seconds in busy:
        least = min(other for _, its, other in busy if its == group)
        if seconds > max(SLOW * least, SLOWEST):
            times = f"{seconds / max(least, 1e-3):.1f}"
            warnings.append(
                f"{name} took {times} times as long as the other processes of the same network, which waited for it"
            )
    return warnings


@dataclass(frozen=True, slots=True)
class StageCallback(Callback):
    """Polls a stage between two steps of a run, and sends the run's warnings to process 0."""

    stage: Stage

    def on_step(self, step: int) -> None:
        self.stage.poll()

    def on_warning(self, text: str) -> None:
        if self.stage.exchange.rank and self.stage.is_first:
            self.stage.exchange.post(("warning", text), 0, self.stage.channel)


@dataclass(slots=True)
class Sender:
    """Sends the states of a process's runs to process 0, which has the checkpoint. Mutable."""

    stage: Stage
    _sent: dict[int, float] = field(default_factory=dict)

    def is_due(self, number: int) -> bool:
        """See ``Checkpoint``."""
        seconds, now = self.stage.seconds, time.monotonic()
        return seconds is not None and now - self._sent.setdefault(number, now) >= seconds

    def record(self, number: int, state: RunState) -> None:
        """See ``Checkpoint``."""
        self._sent[number] = time.monotonic()
        self.stage.exchange.post(("state", number, state), 0, self.stage.channel)
