"""A command: a command line of Backpass run in a forked child of this process, which has imported everything.

Forking makes a run about as short as its work, so that a thousand kills take minutes. The child runs the very code that
``backpass`` runs, on real files, in the folder it is given.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from backpass.cli import main
from backpass.model.fitting import fit_problem as fitting

IMPORTED = (
    *(f"backpass.cli.commands.{name}" for name in ("fit", "predict", "explain", "export", "report")),
    "backpass.engine.native.native_engine",
    "backpass.reporting.page.sections",
    "duckdb",
    "jinja2",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "onnx",
    "pyarrow.parquet",
    "rich.progress",
    "safetensors.numpy",
)
"""What the commands import when they are called; here it is done once, so that their runs are short."""

POLL = 0.001  # seconds
LIMIT = 120.0  # seconds; a command that takes longer hangs


@dataclass(frozen=True, slots=True)
class Outcome:
    """The exit code, minus the signal's number for a killed command; what it said; seconds it took."""

    code: int
    said: str
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether an error, if any, was told as the system's and not as a bug."""
        return "Traceback" not in self.said and "internal error in backpass" not in self.said


def import_all() -> None:
    """Import what the commands need, as far as it is there."""
    for name in IMPORTED:
        with contextlib.suppress(ModuleNotFoundError):
            import_module(name)


def run(
    arguments: Sequence[str],
    folder: Path,
    *,
    prepare: Callable[[], Callable[[], None] | None] | None = None,
    kill_after: float | None = None,
    interval: float = 0.0,
) -> Outcome:
    """Run a command line in a folder, and kill it after so many seconds.

    prepare: called in the child before the command; it may return what is called there after it
    interval: seconds between two checkpoints
    """
    log = folder.with_name(f"{folder.name}.log")
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(arguments, folder, log, prepare, interval)
    end = started + (LIMIT if kill_after is None else kill_after)
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if kill_after is None:
                raise RuntimeError(f"backpass {' '.join(arguments)} took more than {LIMIT:.0f} seconds")
            break
        time.sleep(POLL)
    said = log.read_text("utf-8", "replace")
    return Outcome(os.waitstatus_to_exitcode(status), said, time.monotonic() - started)


def _become(
    arguments: Sequence[str],
    folder: Path,
    log: Path,
    prepare: Callable[[], Callable[[], None] | None] | None,
    interval: float,
) -> None:
    """In the child: run the command line and end the process. Never returns."""
    code = 99
    try:
        os.chdir(folder)
        said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(said, 1)
        os.dup2(said, 2)
        fitting.SECONDS = interval
        finish = None if prepare is None else prepare()
        code = main(list(arguments))
        if finish is not None:
            finish()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
