"""The cores: how many of them this process may keep busy.

Two limits hold at once: the affinity says which cores, and the quota of a control group (a container's ``--cpus``) how
much time on them. What comes in is read from files; how a plan is cut into threads is not decided here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil, inf
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Cores:
    """affinity: cores this process may run on    quota: seconds of core time a second, or None without a limit"""

    affinity: int
    quota: float | None = None

    @property
    def threads(self) -> int:
        """As many as can run at once; part of a core is worth a thread, and there is always one."""
        return max(1, min(self.affinity, self.affinity if self.quota is None else ceil(self.quota)))


def allowed_cores() -> Cores:
    """The limits of this process, as they are now."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return Cores(len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1, cpu_quota())


@cache  # an engine is made for every prediction, and a quota seldom changes
def cpu_quota(root: Path = Path("/")) -> float | None:
    """The smallest quota among the process's control group and those around it, in cores; None without a limit.

    ``root`` is where the file system begins.    Source: Linux, cgroup-v1/cgroups.rst, sched-bwc.rst and cgroup-v2.rst
    """
    smallest = min((_quota(folder) for folder in _groups(root)), default=inf)
    return None if smallest == inf else smallest


def _quota(folder: Path) -> float:
    """Quota over period of one group; infinite where it has none."""
    words = _text(folder / "cpu.max").split()  # version 2: "max 100000" or "150000 100000"
    if not words:  # version 1: -1 stands for no limit
        words = [_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    is_limit = len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]) > 0
    return int(words[0]) / int(words[1]) if is_limit else inf


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's group and of those around it, as far as they can be seen, in both versions."""
    own = _own_groups(root)
    for line in _text(root / "proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        fields, (kind, _, options) = left.split(), (*right.split(), "", "", "")[:3]
        is_cpu = kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(","))
        if not is_cpu or kind not in own or len(fields) < 5:
            continue
        shown, mounted = PurePosixPath(fields[3]), root / fields[4].lstrip("/")
        # A container may see its own group alone, mounted as if it were the outermost.
        inner = own[kind].relative_to(shown) if own[kind].is_relative_to(shown) else PurePosixPath()
        folder = mounted / inner
        yield from (each for each in (folder, *folder.parents) if each.is_relative_to(mounted))


def _own_groups(root: Path) -> dict[str, PurePosixPath]:
    """The group of this process under each version, by the name of its file system."""
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
