"""A temporary file: what a write puts beside its target until it is whole, ``.NAME.HEX.tmp``.

A target's path comes in; out goes a new file that other processes see to be in use, or the removal of those that
killed processes left behind. What is written, and when it takes the target's place, is ``storage``'s affair.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from collections.abc import Iterator

NAME_LENGTH = 40
"""Characters of the target's name that a temporary file repeats, so that a long one stays within the limit."""

RANDOM_BYTES = 8
END = ".tmp"

# A link planted under the temporary name is refused, not followed. Windows has neither flag, and needs O_BINARY.
OPEN_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
OPEN_NEW |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

# A pipe of such a name would block an ordinary open.
OPEN_FOUND = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def create_beside(target: str, mode: int) -> tuple[str, int]:
    """The name and the descriptor of a new file in the target's folder, locked for as long as it is open.

    Errors: OSError.
    """
    folder, last = os.path.split(target)
    name = os.path.join(folder, f"{_start(last)}{os.urandom(RANDOM_BYTES).hex()}{END}")
    descriptor = os.open(name, OPEN_NEW, mode)
    # Where locks are unknown, nobody gets one, and nothing is ever removed.
    _lock(descriptor)
    return name, descriptor


@contextlib.contextmanager
def still_locked(descriptor: int) -> Iterator[None]:
    """Keep the file locked inside, though ``descriptor`` is closed there. The lock belongs to all of its duplicates.

    Windows renames no file that is open: there nothing is kept.
    """
    if os.name == "nt":
        yield
        return
    second = os.dup(descriptor)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the file is synced, and its own descriptor closed without an error
            os.close(second)


def remove_stale(target: str) -> None:
    """Remove the temporary files of this target that no process has open any more: a kill left them.

    A file is stale if its name is one of ours for this target, it is an ordinary file of this user, and its lock can be
    had; the system gives a lock back however its owner ends. What cannot be listed, locked or removed stays. A lock
    that another machine does not see (NFS with ``nolock``) costs a writer there one more attempt, never its data.
    """
    # Windows refuses to remove a file that a process has open, as Python opens it.
    remove = os.unlink if os.name == "nt" else _remove_if_lockable
    folder, name = os.path.split(target)
    ours = re.compile(f"{re.escape(_start(name))}[0-9a-f]{{{2 * RANDOM_BYTES}}}{re.escape(END)}")
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if ours.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    remove(os.path.join(folder, entry.name))


def _start(name: str) -> str:
    return f".{name[:NAME_LENGTH]}."


def _remove_if_lockable(path: str) -> None:
    descriptor = _open_found(path)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and _lock(descriptor):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _open_found(path: str) -> int:
    """NFS locks for writing only what is open for it; a file that replaces a protected one is open for reading only."""
    try:
        return os.open(path, os.O_RDWR | OPEN_FOUND)
    except PermissionError:
        return os.open(path, os.O_RDONLY | OPEN_FOUND)


def _lock(descriptor: int) -> bool:
    """Whether the file is locked now, by this descriptor and its duplicates."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
