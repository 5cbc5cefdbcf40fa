"""Expanding: a .gz or .zst file into plain bytes, up to a limit.

A few kilobytes can be made to expand to any number of bytes. So there is a limit: what the user allows, or
``USUAL_RATIO`` times the compressed size (tables of text come to 3 to 30 times), 64 MiB at least.
Zstandard is Python's own from 3.14 on; before, the packages ``zstandard`` or ``pyarrow`` lend theirs.
What the file itself says of its length is the room on disk that is asked for before anything is written.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from backpass.table.disk import require_room
from backpass.table.messages import plain, refusal

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CHUNK = 1 << 20  # bytes
USUAL_RATIO, LEAST_LIMIT = 200, 64 << 20
DEFLATED = 1032  # bytes that one of gzip comes to, at most (Deutsch 1996, RFC 1951); who says more is damaged

ZSTANDARD_OPENERS: tuple[tuple[str, Callable[[Any, Path], Any]], ...] = (
    ("compression.zstd", lambda module, file: module.open(file)),
    ("zstandard", lambda module, file: module.open(file, "rb")),
    ("pyarrow", lambda module, file: module.input_stream(str(file), compression="zstd")),
)


def expanded(file: Path, head: bytes, copy: Path, source: str, max_bytes: int | None = None) -> Path:
    """Write the content of ``file`` to ``copy``.

    Errors: DataError when it is damaged, or longer than ``max_bytes``; ResourceError when there is no room for it.
    """
    limit = max_bytes or max(USUAL_RATIO * file.stat().st_size, LEAST_LIMIT)
    told = _gzip_length(file) if head.startswith(GZIP) else _zstandard_length(head)
    if told <= limit:  # of a longer one no more is written than shows it to be too long
        require_room(told, copy.parent, f"{plain(source)}, expanded,")
    if head.startswith(GZIP):
        return _copied(gzip.open(file), copy, "gzip", file, source, limit)
    for name, open_ in ZSTANDARD_OPENERS:
        try:
            module = import_module(name)
        except ImportError:
            continue
        return _copied(open_(module, file), copy, "zstandard", file, source, limit)
    hint = "Python before 3.14 needs the package zstandard for that; or expand it first with: zstd -d"
    raise refusal(source, "is compressed with zstandard and cannot be expanded here", hint)


def _gzip_length(file: Path) -> int:
    """The least number of bytes that a .gz file expands to: its end says so (Deutsch 1996, RFC 1952), by 2^32 at most.

    Of several files one after another it is that of the last.
    """
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - 4, 0))
        told = int.from_bytes(stream.read(4), "little")
    return told if told <= DEFLATED * size else 0


def _zstandard_length(head: bytes) -> int:
    """The least number of bytes that a .zst file expands to, as its first frame says; 0 where that says nothing.

    The byte after the mark tells how many bytes follow before the length, and how many hold it (RFC 8878, 3.1.1.1).

    >>> _zstandard_length(bytes.fromhex("28b52ffd 24 0c")), _zstandard_length(bytes.fromhex("28b52ffd 04 58"))
    (12, 0)
    """
    if len(head) < 5:
        return 0
    kind, is_single, names = head[4] >> 6, head[4] >> 5 & 1, (0, 1, 2, 4)[head[4] & 3]
    width, first = (is_single, 2, 4, 8)[kind], 5 + (not is_single) + names
    return int.from_bytes(head[first : first + width], "little") + (256 if width == 2 else 0)


def _copied(stream: Any, copy: Path, form: str, file: Path, source: str, limit: int) -> Path:
    """Copy up to a byte beyond the limit.

    Damage is told by the errors of the libraries; pyarrow's is an OSError without a number.
    """
    try:
        with stream, copy.open("wb") as out:
            while (left := limit + 1 - out.tell()) and (chunk := stream.read(min(CHUNK, left))):
                out.write(chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise refusal(source, f"is a damaged {form} file ({error})") from error
    except Exception as error:
        if type(error).__name__ == "ZstdError" or (isinstance(error, OSError) and error.errno is None):
            raise refusal(source, f"is a damaged {form} file ({error})") from error
        raise
    if copy.stat().st_size <= limit:
        return copy
    sizes = f"{file.stat().st_size:,} bytes expand to more than {limit:,}"
    raise refusal(source, sizes, f"if that is a table and no trap: --max-bytes {10 * limit}")
