"""Expanding: a .gz or .zst file into plain bytes, up to a limit.

A few kilobytes can be made to expand to any number of bytes. So there is a limit: what the user allows, or
``USUAL_RATIO`` times the compressed size (tables of text come to 3 to 30 times), 64 MiB at least.
Zstandard is Python's own from 3.14 on; before, the packages ``zstandard`` or ``pyarrow`` lend theirs.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from backpass.table.wording import refusal

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CHUNK = 1 << 20  # bytes
USUAL_RATIO, LEAST_LIMIT = 200, 64 << 20

ZSTANDARD_OPENERS: tuple[tuple[str, Callable[[Any, Path], Any]], ...] = (
    ("compression.zstd", lambda module, file: module.open(file)),
    ("zstandard", lambda module, file: module.open(file, "rb")),
    ("pyarrow", lambda module, file: module.input_stream(str(file), compression="zstd")),
)


def expanded(file: Path, head: bytes, copy: Path, source: str, max_bytes: int | None = None) -> Path:
    """Write the content of ``file`` to ``copy``; DataError when it is damaged, or longer than ``max_bytes``."""
    limit = max_bytes or max(USUAL_RATIO * file.stat().st_size, LEAST_LIMIT)
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
