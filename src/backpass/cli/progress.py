"""Training progress: a progress bar in a terminal, or a line every few seconds in a log.

``watcher`` chooses the display. It is a ``Callback`` of the run, has mutable state, and never affects the result.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from math import isfinite, log
from types import TracebackType
from typing import TYPE_CHECKING, Any

from backpass.cli.console import Console
from backpass.cli.text import BARS, duration, figure, sparkline
from backpass.model.metrics import as_loss
from backpass.training import Callback, EpochRecord, Progress, TrainingResult

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

LINE_SECONDS = 5.0  # interval between two log lines
FRAME_SECONDS = 0.1  # interval between two frames of the bar
MARGIN = 3  # characters left free to the right of the bar
LONGEST_CURVE, SHORTEST_CURVE = 20, 8  # characters; in less space no curves are drawn
LONG_BAR, SHORTEST_BAR = 20, 4  # characters; labels are abbreviated to keep the first, numbers dropped for the second


class Watcher(Callback):
    """Base class of the displays: it tracks a run, and subclasses decide what to show and when.

    A context manager that restores the terminal on exit.

    Args:
        console: The console to write to.
        metric: The name of the validation score.
        rows: The number of training rows per epoch; 0 if unknown.
        limit: The time limit of the run, in seconds; None without one.
    """

    def __init__(self, console: Console, metric: str, rows: int = 0, limit: float | None = None) -> None:
        self.console = console
        self.metric = metric
        self.rows = rows  # per epoch; 0 if unknown
        self.limit = limit
        self.total = self.per_epoch = 1
        self.step = 0
        self.first_step: int | None = None
        self.is_complete = False  # whether the last step has been shown as such
        self.started = self.shown = time.monotonic()
        self.record: EpochRecord | None = None
        self.best: tuple[float, int] | None = None
        self.widths: dict[str, int] = {}
        self.losses: list[float] = []
        self.scores: list[float] = []

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Restore the terminal."""

    def on_baseline(self, name: str, share: float) -> None:
        if time.monotonic() - self.shown >= LINE_SECONDS:
            self.shown = time.monotonic()
            self.console.line(f"fitting the {name} baseline: {share:.0%}")

    def on_stage(self, name: str, share: float) -> None:
        if time.monotonic() - self.shown >= LINE_SECONDS:
            self.shown = time.monotonic()
            self.console.line(f"{name}: {share:.0%}")

    def on_note(self, text: str) -> None:
        self.console.item("note", text)

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        self.total, self.per_epoch = total_steps, steps_per_epoch
        self.is_complete, self.best = False, None
        self.started = self.shown = time.monotonic()

    def on_total(self, total_steps: int) -> None:
        self.total = total_steps

    def on_step(self, step: int) -> None:
        self.step = step
        if self.first_step is None:
            self._start_at(step)
        self.show(ended=False)

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        self.record, self.step = record, record.step
        self.losses.append(record.train_loss)
        if record.score is not None:
            self.scores.append(as_loss(self.metric, record.score))
        # Networks take turns; the best score is that of any of them, so that it does not jump.
        if progress.best_score is not None and (self.best is None or progress.best_score <= self.best[0]):
            self.best = (progress.best_score, progress.best_epoch)
        self.show(ended=True)
        return None

    def on_end(self, result: TrainingResult) -> None:
        """Show the last step: networks that end early take fewer steps than expected."""
        if self.step and not self.is_complete and result.reason not in ("interrupted", "diverged"):
            self.on_total(self.step)
            self.shown = 0.0
            self.show(ended=True)

    def on_warning(self, text: str) -> None:
        # The text is that of an error: a message and, on the next line, a hint.
        self.console.alarm_all("warning", text.split("\n"))

    def show(self, *, ended: bool) -> None:
        """Update the display if it is due.

        Args:
            ended: Whether an epoch has just ended.
        """

    def _start_at(self, step: int) -> None:
        self.first_step = step
        if step:
            self.console.item("resumed", f"after {step:,} steps, in {self.place(ended=False)}")

    @property
    def epochs(self) -> int:
        return -(-self.total // self.per_epoch)

    def place(self, *, ended: bool) -> str:
        """Format the epoch that has just ended, or else the current one: ``epoch  38/100``"""
        number = min(-(-self.step // self.per_epoch) if ended else self.step // self.per_epoch + 1, self.epochs)
        return f"epoch {number:>{len(str(self.epochs))}}/{self.epochs}"

    def left(self) -> str:
        """Format the remaining time, extrapolated from the average speed up to the time limit, at a fixed width."""
        elapsed, taken = time.monotonic() - self.started, self.step - (self.first_step or 0)
        if taken > 0 and self.step == self.total:
            return f"{duration(0.0):>5} left"
        if taken == 0 or elapsed <= 0.5:
            return f"{'-:--':>5} left"
        seconds = elapsed / taken * (self.total - self.step)
        if self.limit is not None:
            seconds = min(seconds, max(self.limit - elapsed, 0.0))
        return f"{duration(seconds):>5} left"

    def pace(self) -> str:
        """Format the average throughput in training rows per second, at a fixed width; empty if rows are unknown."""
        elapsed, taken = time.monotonic() - self.started, self.step - (self.first_step or 0)
        if not self.rows:
            return ""
        known = taken > 0 and elapsed > 0.5
        return f"{f'{taken * self.rows / self.per_epoch / elapsed:,.0f}' if known else '-':>9} rows/s"

    def numbers(self, wide: bool) -> list[str]:
        """Format loss, score and best score; their widths never shrink, so that the display does not jump.

        Args:
            wide: Whether labels are written in full.
        """
        loss, score = ("train loss", f"validation {self.metric}") if wide else ("loss", self.metric)
        record = self.record
        texts = [f"{loss} {self._steady('loss', None if record is None else record.train_loss)}"]
        if record is None or record.score is not None:
            texts.append(f"{score} {self._steady('score', None if record is None else self._as_metric(record.score))}")
            best = (None, "-") if self.best is None else self.best
            texts.append(f"best {self._steady('best', self._as_metric(best[0]))} @{best[1]:<{len(str(self.epochs))}}")
        return texts

    def _as_metric(self, score: float | None) -> float | None:
        """The value of the metric; a run negates metrics whose higher values are better."""
        return None if score is None else as_loss(self.metric, score)

    def _steady(self, name: str, value: float | None) -> str:
        text = "-" if value is None else figure(value)
        self.widths[name] = max(self.widths.get(name, 6), len(text))
        return text.rjust(self.widths[name])


class Silent(Watcher):
    """The display of ``--quiet``: nothing."""

    def _start_at(self, step: int) -> None:
        self.first_step = step


class Lines(Watcher):
    """The display for logs: a line after the first and the last epoch, and every few seconds."""

    def show(self, *, ended: bool) -> None:
        is_first = ended and self.record is not None and self.record.epoch == 1
        is_last = ended and self.step == self.total
        if is_first or is_last or time.monotonic() - self.shown >= LINE_SECONDS:
            self.shown = time.monotonic()
            self.is_complete = is_last
            inside = "" if ended else f"step {self.step % self.per_epoch:,}/{self.per_epoch:,}"
            texts = [self.place(ended=ended), inside, *self.numbers(True), self.pace(), self.left()]
            self.console.line("   ".join(text for text in texts if text))


class Drawn(Watcher):
    """The display for terminals: a progress bar with sparklines beneath it, both removed when the run ends."""

    bar: Bar
    task: Any
    has_bars: bool
    stage: Any = None

    def __enter__(self) -> Watcher:
        from rich.console import Console as Screen
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar
        from rich.text import Text

        self.has_bars = _can_write(BARS)  # tested before rich replaces standard error
        watcher = self

        class WithCurves(Bar):
            def get_renderables(self) -> Iterator[Any]:
                yield from super().get_renderables()
                if curves := watcher.curves():
                    yield Text(curves, style="dim", no_wrap=True)

        columns = (
            TextColumn("{task.fields[place]}", style="bold", markup=False),
            BarColumn(None),
            TextColumn("{task.fields[numbers]}", style="none", markup=False),
        )
        # Frames are drawn between two steps, not by a thread, so that nothing competes with training.
        screen = Screen(file=sys.stderr, highlight=False)
        self.bar = WithCurves(
            *columns, console=screen, transient=True, auto_refresh=False, expand=True, redirect_stdout=False
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):  # a closed terminal must not stop the run
            self.bar.stop()

    def on_baseline(self, name: str, share: float) -> None:
        self._show_stage(f"fitting the {name} baseline", share)

    def on_stage(self, name: str, share: float) -> None:
        self._show_stage(name, share)

    def _show_stage(self, place: str, share: float) -> None:
        """Show a bar for work other than training."""
        if time.monotonic() - self.shown < FRAME_SECONDS:
            return
        self.shown = time.monotonic()
        if self.stage is None:
            self.stage = self.bar.add_task("", total=1.0, place=place, numbers="")
            with suppress(OSError):
                self.bar.start()
        self.bar.update(self.stage, completed=share)
        with suppress(OSError):
            self.bar.refresh()

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        super().on_start(total_steps, steps_per_epoch)
        self.shown = 0.0
        if self.stage is not None:
            self.bar.remove_task(self.stage)
            self.stage = None

    def on_total(self, total_steps: int) -> None:
        super().on_total(total_steps)
        if self.first_step is not None:
            self.bar.update(self.task, total=total_steps)

    def _start_at(self, step: int) -> None:
        super()._start_at(step)
        self.task = self.bar.add_task("", total=self.total, completed=step, place="", numbers="")
        with suppress(OSError):
            self.bar.start()

    def show(self, *, ended: bool) -> None:
        now = time.monotonic()
        if now - self.shown < FRAME_SECONDS:
            return
        self.shown = now
        # Leaves room for the ^C that the terminal prints: a wrapped line could not be erased.
        width = self.bar.console.width = max(self.console.width - MARGIN, 1)
        place = self.place(ended=ended)
        numbers = self._fitting(width - len(place) - 2)
        self.bar.update(self.task, completed=self.step, place=place, numbers=numbers)
        with suppress(OSError):
            self.bar.refresh()

    def curves(self) -> str:
        """Format sparklines of the loss and the score, and the throughput, as one line with fixed positions.

        The line is empty before training starts: a baseline has neither.
        """
        if self.first_step is None:
            return ""
        courses = {"train": self.losses, "validation": self.scores}
        ends = len(self.place(ended=False)) + len(self.pace()) + sum(map(len, courses)) + 8  # 8 for spacing
        room = min((self.console.width - MARGIN - ends) // 2, LONGEST_CURVE)
        if room < SHORTEST_CURVE or not self.has_bars:
            return ""
        texts = [f"{name} {_curve(values, room):<{room}}" for name, values in courses.items()]
        return "  ".join([" " * len(self.place(ended=False)), *texts, self.pace()]).rstrip()

    def _fitting(self, room: int) -> str:
        """Return as many numbers as leave room for a bar; a wrapped line could not be erased.

        Args:
            room: The width for the bar and the numbers, in characters.
        """
        left = self.left()
        wide = "  ".join([*self.numbers(True), left])
        texts = [*self.numbers(False), left]
        while len(texts) > 1 and len("  ".join(texts)) > room - SHORTEST_BAR:
            texts.pop(0)
        return wide if len(wide) <= room - LONG_BAR else "  ".join(texts)


def _curve(values: list[float], room: int) -> str:
    """Draw values as a sparkline, on a log scale if all are positive, so that a high start does not hide the rest."""
    if not values or not all(map(isfinite, values)):
        return ""
    return sparkline([log(value) for value in values] if min(values) > 0.0 else values, room)


def _can_write(text: str) -> bool:
    """Whether the encoding of standard error can represent a text."""
    try:
        text.encode(sys.stderr.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def watcher(console: Console, metric: str, rows: int = 0, limit: float | None = None) -> Watcher:
    """Return the display that suits standard error: none if quiet, a bar in a terminal, otherwise log lines.

    Args:
        console: The console to write to.
        metric: The name of the validation score.
        rows: The number of training rows per epoch; 0 if unknown.
        limit: The time limit of the run, in seconds; None without one.
    """
    if console.quiet:
        return Silent(console, metric, rows, limit)
    return (Drawn if console.is_terminal else Lines)(console, metric, rows, limit)
