"""A checkpoint: the runs of a fit on disk, from which they can continue as if they had never stopped.

``Checkpoint`` collects the state of each network's run and writes all of them to one file; ``resume`` reads them
back. ``runs`` decides when to report a state. The file (see ``container``) holds, for network i:

    facts    runs[i]: null before the first epoch, or {"step", "best_epoch", "fault", "ended"}
    arrays   i.best (P,)   i.history (epochs, 4): step, learning rate, training loss, score (NaN where there is none)
             i.state (1 + memories, P)   i.losses (steps since the last epoch,)    neither of them once a run has ended
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import ModelFileError, ResourceError
from backpass.model.file.container import pack, unpack
from backpass.model.file.header import header_length
from backpass.model.file.storage import read_file, write_atomically
from backpass.model.form import CHECKPOINT, validate
from backpass.model.settings.precision import dtype_of
from backpass.network import Network
from backpass.training import Callback, EpochRecord, Progress, TrainingResult, optimizer_named

Arrays = Mapping[str, NDArray[Any]]

SECONDS = 5.0
"""Seconds between two writes while networks train."""

_EPOCH = 4  # columns of the history array


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of one network's run.

    Attributes:
        progress: The progress of the training loop.
        non_finite: What was not finite in the run's first attempt, if this one is the retry at a tenth of the learning
            rate; empty otherwise.
        ended: The reason why the run is over; empty while it can continue.
    """

    progress: Progress
    non_finite: str = ""
    ended: str = ""

    def result(self) -> TrainingResult:
        """The result of the run if it does not continue."""
        return TrainingResult(self.progress.kept, self.progress, self.ended or "interrupted")


class Recorder(Protocol):
    """What receives the states of runs: a checkpoint, or what sends them to the process that has it."""

    def is_due(self, number: int) -> bool:
        """Whether it is time to report the state of run ``number``, which is still in progress."""

    def record(self, number: int, state: RunState) -> None:
        """Store the state of run ``number``."""


@dataclass(slots=True, eq=False)
class Checkpoint:
    """The file that a fit saves its runs to, and the identity of that fit. Mutable and thread-safe.

    Attributes:
        path: The file.
        identity: Returns the settings, the network and a digest of the rows; called on first use.
        states: The state of each network's run, None before its first epoch ends.
        seconds: Time between two writes, and between two reports of a run; None if only ``save`` writes.
    """

    path: Path
    identity: Callable[[], Mapping[str, Any]]
    states: list[RunState | None]
    seconds: float | None = SECONDS
    _written: float = field(init=False)
    _recorded: dict[int, float] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._written = time.monotonic()

    def is_due(self, number: int) -> bool:
        """Whether it is time to report the state of run ``number``, which is still in progress."""
        before = self._recorded.setdefault(number, self._written)
        return self.seconds is not None and time.monotonic() - before >= self.seconds

    def record(self, number: int, state: RunState) -> None:
        """Store the state of run ``number``, and write the file if it is time to.

        Raises:
            ResourceError: The file cannot be written.
        """
        with self._lock:
            self.states[number], self._recorded[number] = state, time.monotonic()
            if self.seconds is not None and self._recorded[number] - self._written >= self.seconds:
                self._write()

    def save(self) -> None:
        """Write the states of all runs, atomically.

        Raises:
            ResourceError: The file cannot be written.
        """
        with self._lock:
            self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        facts, arrays = to_data(self.states)
        write_atomically(self.path, pack("checkpoint", {"identity": dict(self.identity()), "runs": facts}, arrays))


@contextmanager
def warn_on_failure(callbacks: Sequence[Callback]) -> Iterator[None]:
    """Turn an error while saving a checkpoint into a warning to the callbacks, since training can continue without."""
    try:
        yield
    except ResourceError as error:
        text = f"{error.message}\nhint: {error.hint}" if error.hint else error.message
        for each in callbacks:
            each.on_warning(text)


def to_data(states: Sequence[RunState | None]) -> tuple[list[dict[str, Any] | None], dict[str, NDArray[Any]]]:
    """The facts and arrays of all runs."""
    facts: list[dict[str, Any] | None] = []
    arrays: dict[str, NDArray[Any]] = {}
    for i, state in enumerate(states):
        if state is None:
            facts.append(None)
            continue
        run = state.progress
        facts.append({"step": run.step, "best_epoch": run.best_epoch, "fault": state.non_finite, "ended": state.ended})
        arrays[f"{i}.best"] = run.kept if state.ended else run.best
        rows = [(e.step, e.learning_rate, e.train_loss, np.nan if e.score is None else e.score) for e in run.history]
        arrays[f"{i}.history"] = np.array(rows, dtype=np.float64).reshape(-1, _EPOCH)
        if not state.ended:
            arrays[f"{i}.state"] = np.stack(run.state)
            arrays[f"{i}.losses"] = np.array(run.losses, dtype=np.float64)
    return facts, arrays


def resume(path: str | Path, identity: Mapping[str, Any]) -> list[RunState | None]:
    """The states of the runs in a checkpoint, if they belong to the same fit.

    Args:
        path: The checkpoint.
        identity: The identity of the fit that is to continue.

    Raises:
        ModelFileError: The file is damaged, or belongs to another fit; lists every setting that differs.
    """
    data = read_file(path, partial(header_length, source=str(path)))
    facts, arrays = unpack(data, "checkpoint", str(path))
    message = validate(facts, CHECKPOINT, "facts")
    if not message and (errors := differences(facts["identity"], identity)):
        raise ModelFileError(
            f"{path} belongs to another run", details=errors, hint=_way_on(facts["identity"], identity)
        )
    if message := message or _contradiction(facts["runs"], arrays, identity):
        raise ModelFileError(
            f"{path} does not describe a run that this version can resume",
            details=[message],
            hint="start again without --resume",
        )
    return [None if run is None else _standing(i, run, arrays) for i, run in enumerate(facts["runs"])]


def _standing(number: int, run: Mapping[str, Any], arrays: Arrays) -> RunState:
    """The state of run ``number``, from consistent facts and arrays."""
    best, best_epoch, going = arrays[f"{number}.best"], run["best_epoch"], not run["ended"]
    epochs = [
        EpochRecord(i, int(step), rate, loss, None if np.isnan(score) else score)
        for i, (step, rate, loss, score) in enumerate(arrays[f"{number}.history"].tolist(), start=1)
    ]
    progress = Progress(
        tuple(arrays[f"{number}.state"]) if going else (best,),
        best,
        run["step"],
        arrays[f"{number}.losses"].tolist() if going else [],
        best_epoch,
        epochs[best_epoch - 1].score if best_epoch else None,
        epochs,
    )
    return RunState(progress, run["fault"], run["ended"])


def _contradiction(runs: Sequence[Any], arrays: Arrays, identity: Mapping[str, Any]) -> str:
    """How the runs disagree with the arrays or the identity, in one line; empty if they agree."""
    networks = identity.get("networks", [identity["network"]] * identity["ensemble_size"])
    if len(runs) != len(networks):
        return f"it holds {len(runs)} runs; expected {len(networks)}"
    sizes, dtype = [Network.from_json(each).parameter_count for each in networks], dtype_of(identity["precision"])
    wide = 1 + optimizer_named(identity["optimizer"]).memories
    expected: dict[str, tuple[tuple[int | None, ...], np.dtype[Any]]] = {}
    for i, (run, size) in enumerate(zip(runs, sizes, strict=True)):
        if run is not None:
            expected |= {f"{i}.best": ((size,), dtype), f"{i}.history": ((None, _EPOCH), np.dtype(np.float64))}
            if not run["ended"]:
                expected |= {f"{i}.state": ((wide, size), dtype), f"{i}.losses": ((None,), np.dtype(np.float64))}
    if sorted(arrays) != sorted(expected):
        return f"the arrays are {', '.join(sorted(arrays))}; expected {', '.join(sorted(expected))}"
    for name, (shape, kind) in expected.items():
        found = arrays[name]
        lengths = [None if want is None else length for want, length in zip(shape, found.shape, strict=False)]
        if found.ndim != len(shape) or tuple(lengths) != shape or found.dtype != kind:
            return f"array {name!r} is {found.dtype.name} {found.shape}; expected {kind.name} {shape}"
    errors = (_invalid_value(i, run, arrays) for i, run in enumerate(runs) if run is not None)
    return next((message for message in errors if message), "")


def _invalid_value(number: int, run: Mapping[str, Any], arrays: Arrays) -> str:
    """A value that no run can produce, in one line; empty if there is none."""
    history, losses = arrays[f"{number}.history"], arrays.get(f"{number}.losses", np.zeros(0))
    steps, rates, train_losses, scores = history.T
    given = scores[~np.isnan(scores)]
    numbers = np.concatenate([steps, rates, train_losses, given, losses])
    if not np.isfinite(numbers).all() or np.any(rates < 0) or len(given) not in (0, len(scores)):
        return f"the history of run {number} contains a value that is not a step, learning rate, loss or score"
    if not run["best_epoch"] <= len(history) or bool(run["best_epoch"]) != bool(len(history)):
        return f"the best epoch of run {number} is not among its epochs"
    last = int(steps[-1]) if len(steps) else 0
    if np.any(np.diff(steps, prepend=0) < 1) or np.any(steps != np.floor(steps)) or run["step"] != last + len(losses):
        return f"steps, losses and epochs of run {number} do not match"
    return ""


_SEVERAL = {
    "rows": "the rows (their values, their order or their split)",
    "files": "the files (their columns, their rows or how these are stored)",
}
"""The names of what differs, in the plural."""


def _way_on(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What to do about a checkpoint of another run."""
    differing = {name for name in {*before, *now} if before.get(name) != now.get(name)}
    if differing == {"epochs"}:
        return (
            "a run cannot change its number of epochs, because the schedules of its settings span all of them: "
            f"finish it with --epochs {before.get('epochs')}, or train for {now.get('epochs')} epochs without --resume"
        )
    if differing <= {"rows", "files"}:
        return (
            "a run cannot change its rows: resume with the same table, or fit the new table without "
            "--resume; partial_fit of an estimator continues with new rows"
        )
    return "resume with the same table and settings, or start again without --resume"


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between the identities of two fits, a line each."""
    errors = []
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            is_long = name in ("rows", "files", "network", "networks")
            detail = "" if is_long else f": was {before.get(name)!r}, is {now.get(name)!r}"
            errors.append(f"{_SEVERAL[name]} differ" if name in _SEVERAL else f"{name} differs{detail}")
    return errors
