"""Full disks: commands that have too little room, on a small tmpfs (root) and by a limit on the size of files."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import Bench, Job
from command import run

PAGE = 4096  # bytes; what a tmpfs counts in


@dataclass(slots=True)
class FullDisk:
    """What was seen of one command (this grows)."""

    job: str
    way: str
    sizes: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The counts, for a table."""
        seen = f"{self.refused} ended with code 5 and the old file, the others with the new one"
        return [f"| {self.way}: {self.job} | {self.sizes} sizes | {seen} | {len(self.wrong)} |"]


def fill_disk(bench: Bench, job: Job) -> list[FullDisk]:
    """By a tmpfs where this process may mount one, and by RLIMIT_FSIZE."""
    found = [_limited(bench, job)]
    if os.geteuid() == 0 and shutil.which("mount") and _mounted(bench, 16 * PAGE):
        _unmount(bench)
        found.append(_on_small_disks(bench, job))
    return found


def _limited(bench: Bench, job: Job) -> FullDisk:
    """Files of at most so many bytes: from none to more than the largest one, in eighths."""
    found, whole = FullDisk(job.name, "limit on file size"), len(bench.new[job.name])
    for share in range(10):
        bench.lay_old(job)
        outcome = run(job.arguments, bench.work, prepare=_limit(whole * share // 8))
        _note(found, bench, job, outcome.code, bench.wrong(job, outcome), f"{share}/8 of the size")
        found.wrong += bench.wrong_next(job)
    return found


def _limit(size: int) -> Callable[[], Callable[[], None]]:
    def limit() -> Callable[[], None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


def _on_small_disks(bench: Bench, job: Job) -> FullDisk:
    """A disk with room for the old file and the new one is enough; there are smaller ones, and a larger one."""
    found, both = FullDisk(job.name, "full tmpfs"), len(bench.old[job.name]) + len(bench.new[job.name])
    smallest = -(-len(bench.old[job.name]) // PAGE)
    largest = smallest + -(-both // PAGE) + 16
    for pages in {*range(smallest, largest, max((largest - smallest) // 8, 1)), largest}:
        bench.clear()
        if not _mounted(bench, pages * PAGE):
            continue
        try:
            (bench.work / job.output).write_bytes(bench.old[job.name])
            outcome = run(job.arguments, bench.work)
            _note(found, bench, job, outcome.code, bench.wrong(job, outcome), f"{pages} pages")
            subprocess.run(["mount", "-o", "remount,size=64m", str(bench.work)], check=True)
            found.wrong += bench.wrong_next(job)
        finally:
            _unmount(bench)
    return found


def _note(found: FullDisk, bench: Bench, job: Job, code: int, wrong: list[str], where: str) -> None:
    found.sizes += 1
    found.refused += code == 5
    found.wrong += [f"{job.name}, {found.way}, {where}: {text}" for text in wrong]
    if code == 5 and (bench.work / job.output).read_bytes() != bench.old[job.name]:
        found.wrong.append(f"{job.name}, {found.way}, {where}: code 5, and the old file is gone")


def _mounted(bench: Bench, size: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(bench.work)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _unmount(bench: Bench) -> None:
    subprocess.run(["umount", str(bench.work)], check=True)
