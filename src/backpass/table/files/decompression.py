"""Decompression: expand a .gz or .zst file to a plain file, up to a size limit.

A few kilobytes can decompress to any number of bytes, so there is a limit: the user's, or ``USUAL_RATIO`` times the
compressed size (text tables compress 3 to 30 times), but at least 64 MiB. Zstandard support comes from Python itself
since 3.14, before that from the packages ``zstandard`` or ``pyarrow``. The length that the file declares determines the
disk space required before anything is written.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from backpass.errors import DataError
from backpass.table.files.disk import require_room
from backpass.table.messages import data_error, plain

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CHUNK = 1 << 20  # bytes
USUAL_RATIO, LEAST_LIMIT = 200, 64 << 20
DEFLATED = 1032  # maximum expansion of a gzip byte (Deutsch 1996, RFC 1951); a larger declared ratio means damage

ZSTANDARD_OPENERS: tuple[tuple[str, Callable[[Any, Path], Any]], ...] = (
    ("compression.zstd", lambda module, file: module.open(file)),
    ("zstandard", lambda module, file: module.open(file, "rb")),
    ("pyarrow", lambda module, file: module.input_stream(str(file), compression="zstd")),
)


def expanded(file: Path, head: bytes, copy: Path, source: str, max_bytes: int | None = None) -> Path:
    """Decompress ``file`` into ``copy``.

    Args:
        file: The compressed file.
        head: Its first bytes.
        copy: Path of the decompressed file.
        source: Name of the file in messages.
        max_bytes: Size limit in bytes; None applies the usual one.

    Raises:
        DataError: The file is damaged, or longer than the limit, or no Zstandard decompressor is installed.
        ResourceError: The disk lacks space.
    """
    limit = limit_of(file, max_bytes)
    length = _gzip_length(file) if head.startswith(GZIP) else _zstandard_length(head)
    if length <= limit:  # a longer file is written only until it exceeds the limit
        require_room(length, copy.parent, f"{plain(source)}, expanded,")
    if head.startswith(GZIP):
        return _copied(gzip.open(file), copy, "gzip", file, source, limit)
    for name, open_ in ZSTANDARD_OPENERS:
        try:
            module = import_module(name)
        except ImportError:
            continue
        return _copied(open_(module, file), copy, "zstandard", file, source, limit)
    hint = "Python before 3.14 needs the package zstandard for that; or decompress it first: zstd -d"
    raise data_error(source, "is compressed with zstandard and cannot be decompressed here", hint)


def _gzip_length(file: Path) -> int:
    """Return a lower bound of a .gz file's decompressed size, from its last four bytes (Deutsch 1996, RFC 1952).

    The field holds the size modulo 2^32. For concatenated files it is the size of the last one.
    """
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - 4, 0))
        length = int.from_bytes(stream.read(4), "little")
    return length if length <= DEFLATED * size else 0


def _zstandard_length(head: bytes) -> int:
    """Return a lower bound of a .zst file's decompressed size, from its first frame; 0 if that states none.

    The byte after the magic number encodes how many bytes precede the length, and how many hold it (RFC 8878, 3.1.1.1).

    >>> _zstandard_length(bytes.fromhex("28b52ffd 24 0c")), _zstandard_length(bytes.fromhex("28b52ffd 04 58"))
    (12, 0)
    """
    if len(head) < 5:
        return 0
    kind, is_single, names = head[4] >> 6, head[4] >> 5 & 1, (0, 1, 2, 4)[head[4] & 3]
    width, first = (is_single, 2, 4, 8)[kind], 5 + (not is_single) + names
    return int.from_bytes(head[first : first + width], "little") + (256 if width == 2 else 0)


def _copied(stream: Any, copy: Path, form: str, file: Path, source: str, limit: int) -> Path:
    """Copy at most one byte beyond the limit.

    The libraries report damage by their own exceptions; pyarrow's is an OSError without an errno.
    """
    try:
        with stream, copy.open("wb") as out:
            while (left := limit + 1 - out.tell()) and (chunk := stream.read(min(CHUNK, left))):
                out.write(chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise data_error(source, f"is a damaged {form} file ({error})") from error
    except Exception as error:
        if type(error).__name__ == "ZstdError" or (isinstance(error, OSError) and error.errno is None):
            raise data_error(source, f"is a damaged {form} file ({error})") from error
        raise
    if copy.stat().st_size <= limit:
        return copy
    raise too_long(file, source, limit)


def limit_of(file: Path, max_bytes: int | None) -> int:
    """Return the size limit of a compressed file in bytes: the user's, or the usual one."""
    return max_bytes or max(USUAL_RATIO * file.stat().st_size, LEAST_LIMIT)


def too_long(file: Path, source: str, limit: int) -> DataError:
    """Return the error for a file that is longer than the limit when decompressed."""
    sizes = f"{file.stat().st_size:,} bytes expand to more than {limit:,}"
    return data_error(source, sizes, f"if you trust the file: --max-bytes {10 * limit}")
