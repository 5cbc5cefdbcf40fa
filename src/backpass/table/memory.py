"""Memory check: an estimate of the available memory, and an error before an allocation that cannot fit.

Estimates of what is needed are lower bounds, so nothing that would fit is rejected. The available memory is the minimum
of what the machine, the control group (container) and the process's own limit allow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from backpass.errors import ResourceError
from backpass.table.messages import counted, plain

CELL = 8  # bytes per number of a delimited file
COLUMN = 1_000  # fixed bytes per column of a delimited file
TYPED_CELL = 16  # bytes per field of a typed file, during reading
JSON_BYTE = 3  # bytes per byte of JSON, whose values are temporarily Python objects
LESS = "read fewer columns (--drop) or rows (--query), or use a larger machine"
CGROUPS = (  # limit and usage, in version 2 and version 1 of control groups
    ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"),
    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def require_table_memory(
    source: str, rows: int, columns: int, cell: int, *, column: int = 0, about: bool = False
) -> None:
    """Check that memory for a table is available.

    Args:
        source: The name of the table.
        rows: The number of its rows.
        columns: The number of its columns.
        cell: Memory needed for each field, in bytes.
        column: Memory needed for each column besides, in bytes.
        about: Whether the number of rows is an estimate.

    Raises:
        ResourceError: Less is available.
    """
    size = f"{counted(rows, 'row')} x {counted(columns, 'column')}"
    what = f"{plain(source)} ({'about ' if about else ''}{size})"
    require_memory((cell * rows + column) * columns, what, LESS)


def require_file_memory(source: str, size: int, factor: float = 1, what: str = "") -> None:
    """Check that memory for a file that is read as a whole is available.

    Args:
        source: The name of the file.
        size: Its size in bytes.
        factor: Memory needed for each byte, in bytes.
        what: What its bytes are, for the message.

    Raises:
        ResourceError: Less is available.
    """
    require_memory(factor * size, f"{plain(source)} ({size:,} bytes{what})", LESS)


def require_memory(needed: float, what: str, hint: str) -> None:
    """Check that memory is available.

    Args:
        needed: Memory needed, in bytes.
        what: What needs it, for the message.
        hint: What to do about it.

    Raises:
        ResourceError: Less is available; the message states both figures.
    """
    there = available_bytes()
    if there is not None and needed > there:
        figures = f"needs about {written_bytes(needed)} of memory, {written_bytes(there)} are available"
        raise ResourceError(f"{what} {figures}", hint=hint)


def available_bytes(root: Path = Path("/")) -> int | None:
    """Return the bytes that can still be allocated; None if the system does not say."""
    return min(_limits(root), default=None)


def _limits(root: Path) -> Iterator[int]:
    """Yield the bytes that the machine, the control group and the process's address-space limit leave."""
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024
    for limit, usage in CGROUPS:
        with suppress(ValueError, IndexError):  # "max" where there is no limit
            # The page cache counts as usage but is reclaimed on demand.
            cached = sum(
                int(line.split()[1])
                for line in _lines(root / usage.rpartition("/")[0] / "memory.stat")
                if line.startswith(("inactive_file ", "active_file "))
            )
            yield max(int(_lines(root / limit)[0]) - int(_lines(root / usage)[0]) + cached, 0)
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        for line in _lines(root / "proc/self/statm")[:1]:
            yield max(soft - int(line.split()[0]) * resource.getpagesize(), 0)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []


def written_bytes(count: float) -> str:
    """Return a number of bytes as written in messages.

    >>> written_bytes(2_100_000_000), written_bytes(3_000_000)
    ('2.1 GB', '3 MB')
    """
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"
