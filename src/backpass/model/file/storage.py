"""Storage: writes and reads files on disk, atomically.

``write_atomically`` takes a path and bytes; a kill, a full disk or a power cut at any instant leaves the old file or
the new one, never a mixture. ``check_writable`` detects before a long training run what would prevent the write.
``read_file`` returns bytes. ``container`` gives the bytes their meaning.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from typing import Any

from backpass.errors import ModelFileError, ResourceError, UsageError, did_you_mean_file, missing_file, visible
from backpass.model.file.temporary import create_temporary, remove_stale, still_locked

SIZE_LIMIT = 4 << 30
"""Bytes; a network for tables needs megabytes, so a larger file is a mistake. Checked before memory is allocated."""

HEAD = 1 << 16
"""Bytes that suffice to identify a file."""

_LISTED = 5
"""How many model files of a folder a hint lists where none resembles the missing one."""

NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.ENOTTY)
"""Errors of network file systems that cannot sync a folder, or cannot flush the disk's cache."""

ATTEMPTS = 5
"""If the temporary file vanishes, a process that cannot see our lock removed it as stale; this rarely happens twice."""


_UNSYNCED = (
    "{} is saved completely, but its folder could not be synced: a power failure now could restore the old version"
)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to a temporary file next to ``path``, sync it, rename it to ``path``, and sync the folder.

    On an error the old file stays and the temporary file is removed. Replacing a file keeps its permission bits; a new
    file gets the usual ones (umask). If ``path`` is a symbolic link, the link is replaced, not the file it points to.
    With two concurrent writers of one path, the last rename wins, as a whole. Temporary files that killed writers of
    this path left behind are removed (see ``temporary``).

    Raises:
        ResourceError: The file cannot be written; the message has the system's reason.

    Source: T'so 2009 (rename without fsync loses data on ext4); measured: without the folder's fsync a power cut after
    the return still shows the old file.
    """
    target = _named(path)
    _check_folder(target, os.path.dirname(target) or ".")
    with _reported(f"{visible(target)} could not be saved (an existing file is unchanged)"):
        mode = _mode_to_keep(target)
        remove_stale(target)
        _replace(target, data, mode)
    with _reported(_UNSYNCED.format(visible(target))):
        _sync_folder(os.path.dirname(target) or ".")


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that appends bytes to a temporary file, which takes the place of ``path`` at the end.

    As ``write_atomically``, for results that are not in memory as a whole. On an error the old file stays and the
    temporary file is removed.

    Raises:
        ResourceError: The file cannot be written.
    """
    target = _named(path)
    _check_folder(target, os.path.dirname(target) or ".")
    failure = f"{visible(target)} could not be saved (an existing file is unchanged)"
    with _reported(failure):
        mode = _mode_to_keep(target)
        remove_stale(target)
        temporary, descriptor = create_temporary(target, 0o666 if mode is None else mode & 0o777)

    def write(data: bytes) -> None:
        with _reported(failure):
            _write_all(descriptor, data)

    try:
        with still_locked(descriptor):
            try:
                yield write
                with _reported(failure):
                    if mode is not None and hasattr(os, "fchmod"):
                        os.fchmod(descriptor, mode)
                    _sync(descriptor)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
                raise
            with _reported(failure):
                os.close(descriptor)
                os.replace(temporary, target)
    except BaseException:
        _remove(temporary)
        raise
    with _reported(_UNSYNCED.format(visible(target))):
        _sync_folder(os.path.dirname(target) or ".")


def check_writable(path: str | os.PathLike[str], need_bytes: int = 0) -> None:
    """Check that ``write_atomically`` can write ``need_bytes`` bytes to ``path`` later.

    It creates and removes a file in the folder, since permission bits are not conclusive for root or a read-only disk.
    It leaves nothing behind, removes what killed writers of this path left, and does not change an existing file.

    Raises:
        ResourceError: The write would fail.
    """
    target = _named(path)
    folder = os.path.dirname(target) or "."
    _check_folder(target, folder)
    with _reported(f"{visible(target)} cannot be written"):
        _mode_to_keep(target)
        if os.path.lexists(target) and not os.path.islink(target):
            os.close(
                os.open(target, os.O_WRONLY)
            )  # opening the file detects that it is protected or immutable; nothing is written
        remove_stale(target)
        temporary, descriptor = create_temporary(target, 0o600)
        try:
            os.close(descriptor)
        finally:
            with contextlib.suppress(FileNotFoundError):  # another process may have removed it as stale after the close
                os.unlink(temporary)
        free = shutil.disk_usage(folder).free
    if free < need_bytes:
        raise ResourceError(
            f"{target} needs {need_bytes} bytes, the disk has {free} free",
            hint="free space, or choose another folder",
        )


def read_file(path: str | os.PathLike[str], check: Callable[[bytes, int], object] | None = None) -> bytes:
    """The bytes of the file at ``path``.

    Args:
        path: The file.
        check: Called with the first bytes and the size of the file; it may raise an error before the rest is read.

    Raises:
        ModelFileError: The file cannot be one of ours.
        ResourceError: The file cannot be read.
    """
    source = _named(path)
    try:
        found = os.stat(source)
        if stat.S_ISREG(found.st_mode) and found.st_size <= SIZE_LIMIT:
            with open(source, "rb") as file:
                size = os.fstat(file.fileno()).st_size  # a writer may have replaced the file since
                if check is not None:
                    check(file.read(min(HEAD, size)), size)
                    file.seek(0)
                return file.read(size)
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(source) from None
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "not enough memory"
        raise ResourceError(f"{source} cannot be read: {reason}", hint="check its permissions and the disk") from error
    if stat.S_ISDIR(found.st_mode):
        raise ModelFileError(f"{source} is a folder; expected a file", hint=_nearest(source, source))
    if not stat.S_ISREG(found.st_mode):
        raise ModelFileError(f"{source} is not a regular file", hint="pass a model file that `backpass fit` wrote")
    raise ModelFileError(
        f"{source} is {found.st_size} bytes long; expected at most {SIZE_LIMIT}",
        hint="is this a table? pass a model file that `backpass fit` wrote",
    )


def _named(path: str | os.PathLike[str]) -> str:
    """The path as text.

    Raises:
        UsageError: It is empty, or no path.
    """
    name: Any = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(name, str):
        raise UsageError(
            f"the path of a file must be a str or a pathlib.Path; got a value of type {type(path).__name__}"
        )
    if not name:
        raise UsageError("the path of a file is empty; expected a name")
    return name


@contextlib.contextmanager
def _reported(failure: str) -> Iterator[None]:
    """Convert an ``OSError`` to a ``ResourceError`` with its reason."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ResourceError(f"{failure}: {reason}", hint=_advice(error)) from error


def _advice(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "free space, or choose another folder"
    if error.errno == errno.ENAMETOOLONG:
        return "choose a shorter name"
    return "choose another folder or name, or fix the permissions or the disk"


def _check_folder(target: str, folder: str) -> None:
    if not os.path.exists(folder):
        raise ResourceError(
            f"{target} cannot be written: there is no folder {folder}", hint="create it first, or choose another"
        )
    if not os.path.isdir(folder):
        raise ResourceError(f"{target} cannot be written: {folder} is not a folder", hint="choose another folder")


def _mode_to_keep(target: str) -> int | None:
    """Permission bits of the file to replace; None if there is none. Rejects anything that a rename would destroy."""
    if not os.path.basename(target):
        raise OSError(errno.EISDIR, "it is the name of a folder; expected a file name")
    try:
        old = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(old.st_mode):
        raise OSError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(old.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file (a device or a pipe)")
    return stat.S_IMODE(old.st_mode)


def _replace(target: str, data: bytes, mode: int | None) -> None:
    """Write a temporary file next to the target, sync it, and rename it to the target."""
    for attempt in range(1, ATTEMPTS + 1):
        temporary, descriptor = create_temporary(target, 0o666 if mode is None else mode & 0o777)
        try:
            with still_locked(descriptor):
                _fill(descriptor, data, mode)
                os.replace(temporary, target)
            return
        except OSError as error:
            taken_away = error.errno in (errno.ENOENT, errno.ESTALE) and not os.path.lexists(temporary)
            _remove(temporary)
            if not taken_away or attempt == ATTEMPTS:
                raise
        except BaseException:
            _remove(temporary)
            raise


def _fill(descriptor: int, data: bytes, mode: int | None) -> None:
    """Write, sync and close a new file. A failed fsync or close is never retried: the pages may already be lost."""
    try:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)
        _write_all(descriptor, data)
        _sync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(descriptor)
        raise
    os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = os.write(descriptor, rest)
        if written <= 0:
            raise OSError(errno.EIO, "the disk accepted no bytes")
        rest = rest[written:]


def _sync(descriptor: int) -> None:
    """Return once the file is on disk. On macOS fsync stops at the disk's cache, which F_FULLFSYNC flushes, too."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
        except OSError as error:  # usually a network file system
            if error.errno not in NO_SYNC:
                raise
    os.fsync(descriptor)


def _remove(name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name)


def _sync_folder(folder: str) -> None:
    """Make a rename durable. Windows cannot open a folder, and writes its journal by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def _missing(source: str) -> ModelFileError:
    folder = os.path.dirname(source) or "."
    hint = _nearest(source, folder) if os.path.isdir(folder) else "check the path"
    return ModelFileError(missing_file(source), hint=hint)


def _nearest(source: str, folder: str) -> str:
    """A hint that names the model file in the folder that was probably meant, or a few that are there."""
    with contextlib.suppress(OSError):
        names = sorted(name for name in os.listdir(folder) if name.endswith(".backpass"))
        if hint := did_you_mean_file(os.path.basename(source), names):
            return hint
        if names:
            there = ", ".join(map(repr, names[:_LISTED]))
            return f"model files in this folder: {there}{', ...' if len(names) > _LISTED else ''}"
        return f"there is no .backpass file in {folder}; `backpass fit` writes one"
    return "pass a model file that `backpass fit` wrote"
