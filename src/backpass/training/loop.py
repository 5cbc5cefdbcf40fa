"""Training loop: from initial parameters theta to the best ones (CS229 section 1, Algorithms 1 and 2).

It takes an objective J(theta, batch), the data, an optimizer and a sampling scheme, and returns a ``TrainingResult``.
The loop writes the tables of rows and settings and passes whole epochs to an engine; between epochs it validates, keeps
the best parameters and calls the callbacks. Files and output live elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Spec
from backpass.dataclass import dataclass
from backpass.engine import Engine, Epoch, Outcome, Step, first_non_finite, is_finite
from backpass.numerics.elementary import mean
from backpass.numerics.philox import key_of
from backpass.training.callback import Callback
from backpass.training.feed import Feed
from backpass.training.interrupt import StopRequest, stop_on_signals
from backpass.training.optimizer import Optimizer, memory_like
from backpass.training.processes.sharded import ShardedStep, Sharding
from backpass.training.progress import Arrays, EpochRecord, Progress, StepRecord, TrainingResult
from backpass.training.sampling import batch_sizes, sampling_named, steps_per_epoch
from backpass.training.settings import TrainingSettings
from backpass.training.settings_table import SettingsTable
from backpass.training.step import Objective, training_step
from backpass.training.watching import run_watched


@dataclass(slots=True)
class TrainingRun:
    """One run of the loop, from given progress to its end.

    Attributes:
        objective: J(theta, batch, draws).
        theta: The initial parameters.
        data: Arrays whose first axis is the training rows, in the order in which the objective takes them.
        optimizer: The optimizer.
        settings: The training settings.
        engine: The engine that runs the steps.
        validate: theta -> score, lower is better; None without validation rows.
        callbacks: The observers.
        stop: Ends the run between two steps; if None, signals such as Ctrl-C do.
        sharding: How batches are cut into shards, which several processes may divide; None: batches stay whole.
        index: The rows of the data to train on, in order; None: all.
        feed: Further rows, which are not in memory; None without any.
        make_step: (theta, batch, columns) -> the step of objective and optimizer, where other runs may share it. None:
            it is traced.
    """

    objective: Objective
    theta: NDArray[Any]
    data: Sequence[NDArray[Any]]
    optimizer: Optimizer
    settings: TrainingSettings
    engine: Engine
    validate: Callable[[NDArray[Any]], float] | None = None
    callbacks: Sequence[Callback] = ()
    stop: StopRequest | None = None
    sharding: Sharding | None = None
    index: NDArray[Any] | None = None
    feed: Feed | None = None
    make_step: Callable[[NDArray[Any], Sequence[Spec], Sequence[str]], Step] | None = None

    def run(self, progress: Progress | None = None) -> TrainingResult:
        """Train until all epochs are done or the run ends early. A diverging loss does not raise.

        Args:
            progress: The state of an interrupted run, to resume it. Default None: a new run.
        """
        step = self._make_step() if self.sharding is None else self._make_sharded_step(self.sharding)
        if progress is None:
            progress = Progress((self.theta, *memory_like(self.optimizer, self.theta)), self.theta)
        for callback in self.callbacks:
            callback.on_start(self.total_steps, self.steps_per_epoch)
        with stop_on_signals() if self.stop is None else nullcontext(self.stop) as stop:
            result = self._advance(step, progress, stop)
        for callback in self.callbacks:
            callback.on_end(result)
        return result

    @property
    def batch(self) -> list[Spec]:
        """The specs of the batch arrays."""
        return [Spec(("B", *array.shape[1:]), array.dtype) for array in self.data]

    def _make_step(self) -> Step:
        if self.make_step is not None:
            return self.make_step(self.theta, self.batch, self.settings.columns)
        return training_step(self.objective, self.optimizer, self.theta, self.batch, self.settings.columns)

    def _make_sharded_step(self, sharding: Sharding) -> ShardedStep:
        return ShardedStep.of(sharding, self.optimizer, self.theta, self.batch, self.settings.columns)

    @property
    def rows(self) -> int:
        return int(self.data[0].shape[0]) if self.index is None else len(self.index)

    @property
    def batch_size(self) -> int:
        """B, at most the number of training rows."""
        return min(self.settings.batch_size, self.rows)

    @property
    def _windows(self) -> tuple[int, ...]:
        """The number of rows of each window: of those in memory, and of those of the feed."""
        return (self.rows,) if self.feed is None else (self.rows, *self.feed.rows)

    def _order(self, epoch: int) -> list[int]:
        """The windows in the order of an epoch."""
        return [0] if self.feed is None else self.feed.order(self.settings.seed, epoch)

    def _steps_in(self, window: int) -> int:
        rows = self._windows[window] if window else self.rows
        return steps_per_epoch(self.settings.sampling, rows, min(self.batch_size, rows))

    @property
    def steps_per_epoch(self) -> int:
        if self.feed is None:  # asked several times an epoch
            return self._steps_in(0)
        return sum(self._steps_in(window) for window in range(len(self._windows)))

    @property
    def planned_steps(self) -> int:
        """The number of steps that the schedules are made for."""
        steps = self.settings.epochs * self.steps_per_epoch
        return steps if self.settings.max_steps is None else min(steps, self.settings.max_steps)

    @property
    def total_steps(self) -> int:
        last = self.settings.last_epoch
        return self.planned_steps if last is None else min(self.planned_steps, last * self.steps_per_epoch)

    def table(self, first: int, steps: int) -> NDArray[numpy.float64]:
        """The settings of the steps after ``first``, for the optimizer and then the objective: (steps, columns)

        Args:
            first: The number of steps before these.
            steps: The number of steps.
        """
        return self._settings_table().rows(first, steps)

    def _settings_table(self) -> SettingsTable:
        s = self.settings
        return SettingsTable(self.optimizer, s.learning_rate, s.schedule, s.schedules, s.columns, self.planned_steps)

    def _epoch_tables(self, progress: Progress, table: SettingsTable) -> tuple[int, Epoch, NDArray[numpy.int64] | None]:
        """The number of the current window, the remaining steps in it, and the bounds of their shards.

        There are no bounds if each batch is cut into equal shards, as the rows in memory are.
        """
        number, done = divmod(progress.step, self.steps_per_epoch)
        place, order = 0, self._order(number)
        while done >= (steps := self._steps_in(order[place])):
            place, done = place + 1, done - steps
        window = order[place]
        count, draw = self._windows[window], number * len(order) + place
        stop = min(steps, self.total_steps - (progress.step - done))
        bounds = None
        if self.feed is not None and self.sharding is not None and window:
            rows, bounds = self.feed.batches(window - 1, steps, self.settings.seed, draw)
            sizes, bounds = bounds[:, -1], bounds[done:stop]
        else:
            size = min(self.batch_size, count)
            rows, sizes = sampling_named(self.settings.sampling)(count, size, self.settings.seed, draw)
        epoch = Epoch(rows[done:stop], sizes[done:stop], table.rows(progress.step, stop - done), progress.step)
        return window, epoch, bounds

    def _sizes_in(self, window: int) -> NDArray[Any]:
        """The number of rows of each step in a window: (steps,)"""
        count = self._windows[window]
        if self.feed is not None and self.sharding is not None and window:
            return self.feed.batch_sizes(window - 1, self._steps_in(window))
        return batch_sizes(self.settings.sampling, count, min(self.batch_size, count))

    def _advance(self, step: Step | ShardedStep, progress: Progress, stop: StopRequest) -> TrainingResult:
        key = key_of(self.settings.seed)
        clock = _Clock(self.settings.max_seconds)
        table = self._settings_table()
        while progress.step < self.total_steps:
            window, epoch, bounds = self._epoch_tables(progress, table)
            data: Sequence[NDArray[Any]] = ()  # the last window is released before the next one is read
            data = self.data if self.feed is None or not window else self.feed.load(window - 1)
            first = progress.step

            def should_stop(done: int, first: int = first) -> bool:
                for callback in self.callbacks:
                    callback.on_step(first + done)
                return stop() or clock.is_over()

            before = progress.state
            outcome = self._run_epoch(step, before, key, data, epoch, should_stop, bounds)
            progress.state = outcome.state
            progress.step += len(outcome.losses)
            progress.losses += [float(J) for J in outcome.losses]
            if outcome.failed or not is_finite(progress.state):
                if bounds is not None:  # no process has all rows of the batch
                    return self._diverged(progress, progress.step - (not outcome.failed), "the loss or the update")
                tried = epoch.until(len(outcome.losses) + 1)
                whole = step if isinstance(step, Step) else self._make_step()
                non_finite = first_non_finite(self.engine, whole, before, key, self._own_rows(data), tried)
                return self._diverged(progress, non_finite.step - 1, str(non_finite))
            if len(outcome.losses) < epoch.steps:
                self._agree_on(stop)
                return self._ended(progress, "interrupted" if stop() else "time", stop)
            if progress.step % self.steps_per_epoch and progress.step < self.total_steps:
                continue  # with the next window of this epoch
            if reason := self._finish_epoch(progress, table):
                if reason == "diverged":
                    return self._diverged(progress, progress.step - 1, "the validation score")
                return self._ended(progress, reason, stop)
        return self._ended(progress, "finished", stop)

    def _run_epoch(
        self,
        step: Step | ShardedStep,
        state: Arrays,
        key: NDArray[Any],
        data: Sequence[NDArray[Any]],
        epoch: Epoch,
        should_stop: Callable[[int], bool],
        bounds: NDArray[numpy.int64] | None,
    ) -> Outcome:
        """Run an epoch on a window at once, or step by step if a callback sees the steps."""
        watching = [callback for callback in self.callbacks if callback.sees_steps]
        if watching:
            data = self._own_rows(data)
        elif self.index is not None and data is self.data:
            epoch = replace(epoch, rows=self.index[epoch.rows])

        def report(record: StepRecord) -> None:
            for callback in watching:
                callback.on_update(record)

        if isinstance(step, ShardedStep):
            shown = report if watching else None
            return step.run_epoch(self.engine, state, key, data, epoch, should_stop, shown, bounds)
        if not watching:
            return self.engine.run_epoch(step, state, key, data, epoch, should_stop)
        return run_watched(self.engine, step, state, key, data, epoch, should_stop, report)

    def _own_rows(self, data: Sequence[NDArray[Any]]) -> Sequence[NDArray[Any]]:
        """The rows of a window that train: of those in memory with an index a copy, in which they are numbered."""
        return data if self.index is None or data is not self.data else [array[self.index] for array in data]

    def _finish_epoch(self, progress: Progress, table: SettingsTable) -> str:
        """Score the epoch and record it. Returns the reason to end the run here, or an empty string."""
        number = (progress.step - 1) // self.steps_per_epoch
        sizes = numpy.concatenate([self._sizes_in(window) for window in self._order(number)])[: len(progress.losses)]
        record = EpochRecord(
            number + 1,
            progress.step,
            float(table.learning_rates(progress.step - 1, 1)[0]),
            mean(progress.losses, sizes),
            None if self.validate is None else float(self.validate(progress.theta)),
        )
        if record.score is not None and not numpy.isfinite(record.score):
            return "diverged"
        progress.finish_epoch(record)
        # A list rather than any(): every callback sees the epoch, even if an earlier one ends the run.
        answers = [callback.on_epoch(record, progress) for callback in self.callbacks]
        if any(answers) if self.sharding is None else self.sharding.exchange.any(any(answers)):
            return "stopped"
        patience = self.settings.patience
        return "patience" if patience is not None and progress.stale_epochs >= patience else ""

    def _agree_on(self, stop: StopRequest) -> None:
        """Let every process that shares this run know the signal that has reached one of them."""
        if self.sharding is not None:
            signals = [each for each in self.sharding.exchange.share(stop.signal) if each is not None]
            stop.signal = stop.signal if stop() or not signals else signals[0]

    def _ended(self, progress: Progress, reason: str, stop: StopRequest) -> TrainingResult:
        # Without validation rows, a run that stops inside an epoch keeps the steps since the last epoch.
        signal = stop.signal if reason == "interrupted" else None
        return TrainingResult(progress.kept, progress, reason, signal=signal)

    def _diverged(self, progress: Progress, step: int, non_finite: str) -> TrainingResult:
        epoch, batch = divmod(step, self.steps_per_epoch)
        text = f"epoch {epoch + 1}, batch {batch + 1} of {self.steps_per_epoch}: first non-finite value: {non_finite}"
        return TrainingResult(progress.best, progress, "diverged", text)


class _Clock:
    """A time limit on a monotonic clock."""

    def __init__(self, max_seconds: float | None) -> None:
        self.end = None if max_seconds is None else time.monotonic() + max_seconds

    def is_over(self) -> bool:
        return self.end is not None and time.monotonic() >= self.end
