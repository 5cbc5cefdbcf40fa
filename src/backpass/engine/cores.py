"""Cores: the number of CPU cores that this process may use.

Three limits apply together: the affinity mask selects cores, the quota of a control group (a container's ``--cpus``)
limits the time on them, and ``OMP_NUM_THREADS`` the threads of a process, by which joblib, Dask, Ray and MPI launchers
divide a machine. The assignment of work to threads lives elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from math import ceil, inf
from pathlib import Path, PurePosixPath

from backpass.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Cores:
    """CPU limits of a process.

    Attributes:
        affinity: The number of cores that the process may run on.
        quota: Seconds of core time per second, or None without a limit.
        most: The maximum number of threads, or None without a limit.
    """

    affinity: int
    quota: float | None = None
    most: int | None = None

    @property
    def threads(self) -> int:
        """The number of threads that can run at once, at least 1; a fraction of a core counts as a thread."""
        limits = [self.affinity, self.quota, self.most]
        return max(1, min(ceil(each) for each in limits if each is not None))


def allowed_cores() -> Cores:
    """The current limits of this process."""
    has_affinity = hasattr(os, "sched_getaffinity")
    affinity = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return Cores(affinity, cpu_quota(), omp_threads())


def omp_threads() -> int | None:
    """The number of threads in ``OMP_NUM_THREADS``, the first of several; None without one.

    Source: OpenMP API 5.2, 21.1.2
    """
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None


@cache  # an engine is created for every prediction, and a quota seldom changes
def cpu_quota(root: Path = Path("/")) -> float | None:
    """The smallest quota of the process's control group and its ancestors, in cores; None without a limit.

    Args:
        root: The root of the file system.

    Source: Linux, cgroup-v1/cgroups.rst, sched-bwc.rst and cgroup-v2.rst
    """
    smallest = min((_quota(folder) for folder in _groups(root)), default=inf)
    return None if smallest == inf else smallest


def _quota(folder: Path) -> float:
    """Quota divided by period of one group; infinite without a quota."""
    words = _text(folder / "cpu.max").split()  # version 2: "max 100000" or "150000 100000"
    if not words:  # version 1: -1 means no limit
        words = [_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    is_limit = len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]) > 0
    return int(words[0]) / int(words[1]) if is_limit else inf


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's group and its ancestors, as far as they are visible, in both versions."""
    own = _own_groups(root)
    for line in _text(root / "proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        fields, (kind, _, options) = left.split(), (*right.split(), "", "", "")[:3]
        is_cpu = kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(","))
        if not is_cpu or kind not in own or len(fields) < 5:
            continue
        shown, mounted = PurePosixPath(fields[3]), root / fields[4].lstrip("/")
        # A container may see only its own group, mounted as if it were the root.
        inner = own[kind].relative_to(shown) if own[kind].is_relative_to(shown) else PurePosixPath()
        folder = mounted / inner
        yield from (each for each in (folder, *folder.parents) if each.is_relative_to(mounted))


def _own_groups(root: Path) -> dict[str, PurePosixPath]:
    """The group of this process in each hierarchy, by the name of its file system."""
    found = {}
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0" and not controllers:
            found["cgroup2"] = PurePosixPath(path)
        elif "cpu" in controllers.split(","):
            found["cgroup"] = PurePosixPath(path)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
