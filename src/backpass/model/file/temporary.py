"""A temporary file: holds a write in progress next to its target, as ``.NAME.HEX.tmp``.

For a target path it creates a new file that other processes recognize as in use, or removes files that killed
processes left behind. ``storage`` fills the file and renames it to the target.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from collections.abc import Iterator

NAME_LENGTH = 40
"""Characters of the target's name in the temporary file's name, limited so that a long name stays within bounds."""

RANDOM_BYTES = 8
END = ".tmp"

# A symbolic link planted under the temporary name is rejected, not followed. Windows has neither flag and needs
# O_BINARY.
OPEN_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
OPEN_NEW |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

# A pipe with such a name would block an ordinary open.
OPEN_FOUND = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def create_temporary(target: str, mode: int) -> tuple[str, int]:
    """Create a file in the target's folder; it is locked while it is open.

    Returns:
        The name and the descriptor of the file.

    Raises:
        OSError: The file cannot be created.
    """
    folder, last = os.path.split(target)
    name = os.path.join(folder, f"{_start(last)}{os.urandom(RANDOM_BYTES).hex()}{END}")
    descriptor = os.open(name, OPEN_NEW, mode)
    # On systems without locks no process gets one, so nothing is ever removed.
    _lock(descriptor)
    return name, descriptor


@contextlib.contextmanager
def still_locked(descriptor: int) -> Iterator[None]:
    """Keep the file locked inside the context, even after ``descriptor`` is closed there. Duplicates share the lock.

    Windows cannot rename an open file, so nothing is kept open there.
    """
    if os.name == "nt":
        yield
        return
    second = os.dup(descriptor)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the file is synced, and its own descriptor was closed without an error
            os.close(second)


def remove_stale(target: str) -> None:
    """Remove the temporary files of this target that no process has open any more: a killed process left them.

    A file is stale if its name is one of ours for this target, it is a regular file of this user, and its lock is free;
    the system releases a lock however its owner ends. Files that cannot be listed, locked or removed stay. A lock that
    another machine does not see (NFS with ``nolock``) costs a writer there one more attempt, never its data.
    """
    # Windows does not remove a file that a process has opened through Python.
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
    """Open an existing file: for writing, as locks on NFS require, or read-only if it replaces a protected file."""
    try:
        return os.open(path, os.O_RDWR | OPEN_FOUND)
    except PermissionError:
        return os.open(path, os.O_RDONLY | OPEN_FOUND)


def _lock(descriptor: int) -> bool:
    """Whether the file is now locked by this descriptor and its duplicates."""
    if sys.platform == "win32":
        return False
    try:
        import fcntl
    except ImportError:  # another system without these locks
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
