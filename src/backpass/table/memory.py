"""Memory check: an estimate of the available memory, and an error before an allocation that cannot fit.

Estimates of what is needed are lower bounds, so nothing that would fit is rejected. The available memory is the minimum
of what the machine, the control group (container), the process's own limit and the user's limit allow.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from backpass.dataclass import dataclass
from backpass.errors import InsufficientMemoryError, UsageError
from backpass.table.messages import counted, plain, shown
from backpass.table.notation.lazy_pattern import LazyPattern

CELL = 8  # bytes per number of a delimited file
COLUMN = 1_000  # fixed bytes per column of a delimited file
TYPED_CELL = 16  # bytes per field of a typed file, during reading
JSON_BYTE = 3  # bytes per byte of JSON, whose values are temporarily Python objects
ALWAYS_THERE = 1 << 19  # bytes that a process which has started can allocate
LARGER = ", or use a larger machine"
LESS = f"read fewer columns (--drop) or rows (--query){LARGER}"
CGROUPS = (  # limit and usage, in version 2 and version 1 of control groups
    ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"),
    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
"""The bytes of a unit of memory."""
_AMOUNT = LazyPattern(r"([0-9]+(?:\.[0-9]+)?)\s*(|K|M|G|T|KI|MI|GI|TI)B?")


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """The memory that the user allows.

    Attributes:
        size: The bytes that may be allocated.
        before: The bytes that the process had when the limit began.
    """

    size: int
    before: int

    def left(self, root: Path = Path("/")) -> int:
        """Return the bytes that can still be allocated."""
        return max(self.size - (resident_bytes(root) - self.before), 0)


_LIMIT: ContextVar[MemoryLimit | None] = ContextVar("_LIMIT", default=None)


@contextmanager
def limited_memory(size: int | None) -> Iterator[None]:
    """Limit the memory that the block may allocate, in bytes; None leaves the limits of the machine alone."""
    token = _LIMIT.set(None if size is None else MemoryLimit(size, resident_bytes()))
    try:
        yield
    finally:
        _LIMIT.reset(token)


def memory_size(amount: str | int) -> int:
    """Return the bytes of an amount of memory.

    Args:
        amount: A number of bytes, or a string such as ``4GB``, ``500 MB`` or ``1.5GiB``.

    Raises:
        UsageError: It is not an amount of memory, or is 0.

    >>> memory_size("4GB"), memory_size("1.5 gib"), memory_size(500_000_000)
    (4000000000, 1610612736, 500000000)
    """
    found = None if type(amount) not in (str, int) else _AMOUNT.fullmatch(str(amount).strip().upper())
    size = 0 if found is None else int(float(found[1]) * UNITS[found[2]])
    if not size:
        got = shown(amount) if isinstance(amount, str) else repr(amount)
        raise UsageError(f"--memory must be an amount of memory such as 4GB or 500MB; got {got}")
    return size


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
        InsufficientMemoryError: Less is available.
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
        InsufficientMemoryError: Less is available.
    """
    require_memory(factor * size, f"{plain(source)} ({size:,} bytes{what})", LESS)


def require_memory(needed: float, what: str, hint: str) -> None:
    """Check that memory is available.

    Args:
        needed: Memory needed, in bytes.
        what: What needs it, for the message.
        hint: What to do about it.

    Raises:
        InsufficientMemoryError: Less is available; the message states both figures.
    """
    limit = _LIMIT.get()
    if limit is None and needed < ALWAYS_THERE:
        return  # asking the system takes a tenth of the time in which a small table is read
    there = available_bytes()
    if limit is not None and needed > (left := limit.left()) and (there is None or left <= there):
        figures = f"{written_bytes(left)} are left of the {written_bytes(limit.size)} that --memory allows"
        hint = f"allow more (--memory), or {hint.removesuffix(LARGER)}"
    elif there is not None and needed > there:
        figures = f"{written_bytes(there)} are available"
    else:
        return
    raise InsufficientMemoryError(f"{what} needs about {written_bytes(needed)} of memory, {figures}", hint=hint)


def available_bytes(root: Path = Path("/")) -> int | None:
    """Return the bytes that the system can still allocate; None if it does not say."""
    return min(_limits(root), default=None)


def resident_bytes(root: Path = Path("/")) -> int:
    """Return the bytes of memory that the process has; 0 if the system does not say."""
    return _pages(root, 1)


def return_freed() -> None:
    """Return freed memory to the system, where the C library would keep it for later: that of Linux keeps up to 64 MiB
    and more. Elsewhere nothing is done.
    """
    if sys.platform != "linux":
        return
    import ctypes

    # musl, for example, has no such function, because it keeps less.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _limits(root: Path) -> Iterator[int]:
    """Yield the bytes that the machine, the control group and the process's address-space limit leave."""
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024
    for limit, usage in CGROUPS:
        with suppress(ValueError, IndexError):  # "max" where there is no limit
            allowed, used = (int(_lines(root / each)[0]) for each in (limit, usage))
            # The page cache counts as usage but is reclaimed on demand.
            cached = sum(
                int(line.split()[1])
                for line in _lines(root / usage.rpartition("/")[0] / "memory.stat")
                if line.startswith(("inactive_file ", "active_file "))
            )
            yield max(allowed - used + cached, 0)
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY and (size := _pages(root, 0)):
        yield max(soft - size, 0)


def _pages(root: Path, column: int) -> int:
    """Return the bytes of a column of the process's memory statistics, in which 0 is its size and 1 what is resident.

    0 if there are none.
    """
    for line in _lines(root / "proc/self/statm")[:1]:
        return int(line.split()[column]) * mmap.PAGESIZE
    return 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []


def written_bytes(count: float) -> str:
    """Return a number of bytes as written in messages.

    >>> written_bytes(2_100_000_000), written_bytes(3_000_000), written_bytes(25_000)
    ('2.1 GB', '3 MB', '25 kB')
    """
    if count < 1e6:
        return f"{count / 1e3:,.0f} kB"
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"
