"""Failing calls: call 1, 2, 3 ... of one kind fails in a command, until the command makes no such call any more."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import Bench, Job
from command import run

CASES = (
    ("open", errno.EACCES),
    ("open", errno.ENOSPC),
    ("write", errno.ENOSPC),
    ("write", errno.EIO),
    ("write", 0),
    ("fsync", errno.EIO),
    ("close", errno.EIO),
    ("rename", errno.EIO),
)
"""Call and error; 0 stands for a write that takes half of the bytes, which is no error."""

MOST = 200


@dataclass(slots=True)
class Failing:
    """What was seen of one command (this grows)."""

    job: str
    failures: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The counts, for a table."""
        calls = ", ".join(f"{name} {count}" for name, count in self.failures.items())
        total = sum(self.failures.values())
        return [f"| failing calls: {self.job} | {total} failures | {calls} | {len(self.wrong)} |"]


def fail_every_call(bench: Bench, job: Job, shim: Path) -> Failing:
    """Each case, each call. The shim is in this process already, loaded before anything else."""
    library, found = ctypes.CDLL(str(shim)), Failing(job.name)
    folder = str(bench.work.resolve()).encode()
    for call, error in CASES:
        name = f"{call} {errno.errorcode.get(error, 'short')}"
        for at in range(1, MOST):
            bench.lay_old(job)
            seen = bench.home / "seen"
            seen.unlink(missing_ok=True)
            outcome = run(job.arguments, bench.work, prepare=_armed(library, folder, call, at, error, seen))
            if int(seen.read_text()) < at:
                break
            found.failures[name] = at
            where = f"{job.name}, {name}, call {at}"
            found.wrong += [f"{where}: {text}" for text in bench.wrong(job, outcome)]
            found.wrong += [f"{where}: {text}" for text in bench.wrong_next(job)]
    return found


def _armed(
    library: ctypes.CDLL, folder: bytes, call: str, at: int, error: int, seen: Path
) -> Callable[[], Callable[[], None]]:
    """Arms the shim in the child, and writes down at its end how many calls there were."""

    def note() -> None:
        count = library.crash_seen()
        library.crash_arm(b"", b"", 0, 0, 0)
        seen.write_text(str(count))

    def arm() -> Callable[[], None]:
        library.crash_arm(folder, call.encode(), at, error, error == 0)
        return note

    return arm
