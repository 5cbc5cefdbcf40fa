"""Opening: from a path to a plain file on disk that can be read several times: UTF-8 text, JSON, or Parquet.

Standard input and pipes are spooled (they can be read once), .gz and .zst expanded, other encodings
rewritten as UTF-8, and whatever is no table is refused by what it is. Temporary files are gone when the ``with``
block ends. Delimiters, records and columns are not looked at here.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Literal

from backpass.errors import DataError, ResourceError, did_you_mean
from backpass.table.decompression import CHUNK, GZIP, ZSTANDARD, expanded
from backpass.table.messages import plain, refusal
from backpass.table.signatures import Signature, foreign_binary, foreign_text
from backpass.table.text import as_utf8, check_text

HEAD = 65_536  # bytes at the start that are looked at
STANDARD_INPUT = "-"
PARQUET = b"PAR1"
JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\[{\]])")  # a list or an object; no header starts so


@dataclass(frozen=True, slots=True)
class Opened:
    """A file ready to be read: its path on disk, its form, its name in messages, a folder for temporary files."""

    path: Path
    form: Literal["text", "json", "parquet"]
    source: str
    scratch: Path


@contextmanager
def opened(
    path: str | Path, encoding: str | None = None, max_bytes: int | None = None, *, skips: bool = False
) -> Iterator[Opened]:
    """The file behind a path (``-``: standard input), made plain; a compressed one has at most ``max_bytes`` then.

    ``skips``: the first lines of a text are to be skipped, and do not tell what it is.

    Raises DataError when it is no table, ResourceError when it cannot be read.
    """
    source = "standard input" if str(path) == STANDARD_INPUT else str(path)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="backpass-")))
        try:
            yield _prepared(path, source, scratch, encoding, max_bytes, skips=skips)
        except OSError as error:
            raise ResourceError(f"{plain(source)}: cannot be read ({error.strerror or error})") from error


def _prepared(
    path: str | Path, source: str, scratch: Path, encoding: str | None, max_bytes: int | None, *, skips: bool
) -> Opened:
    file = _on_disk(path, source, scratch)
    head = _head(file)
    if head.startswith((GZIP, ZSTANDARD)):
        file = expanded(file, head, scratch / "expanded", source, max_bytes)
        head = _head(file)
    if not head:
        raise refusal(source, "is empty (0 bytes)")
    if head.startswith(PARQUET):
        return Opened(file, "parquet", source, scratch)
    _refuse(foreign_binary(head), source)
    rewritten = as_utf8(file, head, encoding, scratch / "utf8.csv", source)
    if rewritten is not None:
        file, head = rewritten, _head(rewritten)
    check_text(file, source)
    if skips:
        return Opened(file, "text", source, scratch)
    _refuse(foreign_text(head), source)
    return Opened(file, "json" if JSON.match(head) else "text", source, scratch)


def _on_disk(path: str | Path, source: str, scratch: Path) -> Path:
    """The regular file itself, or a copy of what a pipe gives or of a file whose name cannot be passed on."""
    if str(path) == STANDARD_INPUT:
        return _spooled(sys.stdin.buffer, scratch / "stdin")
    file = Path(path)
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        raise _not_there(file) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ResourceError(f"{plain(source)}: cannot be opened ({getattr(error, 'strerror', error)})") from error
    if stat.S_ISDIR(mode):
        raise refusal(source, "is a folder, not a file")
    if stat.S_ISFIFO(mode):
        with file.open("rb") as pipe:
            return _spooled(pipe, scratch / "pipe")
    if not stat.S_ISREG(mode):
        raise refusal(source, "is a device or a socket, not a file")
    if _is_unspeakable(file):
        with file.open("rb") as stream:
            return _spooled(stream, scratch / "named")
    return file


def _is_unspeakable(file: Path) -> bool:
    """Whether the path has bytes that are no text in this locale, which DuckDB cannot be told."""
    try:
        str(file).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _not_there(file: Path) -> DataError:
    try:
        beside = sorted(entry.name for entry in os.scandir(file.parent) if entry.is_file())
    except OSError:
        return refusal(str(file), "there is no such file, and no such folder")
    near = did_you_mean(file.name, beside)
    return refusal(str(file), "there is no such file", near if near.startswith("did you mean") else "")


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(HEAD)


def _spooled(stream: IO[bytes], copy: Path) -> Path:
    with copy.open("wb") as out:
        shutil.copyfileobj(stream, out, CHUNK)
    return copy


def _refuse(foreign: Signature | None, source: str) -> None:
    if foreign is not None:
        hint = foreign.remedy or "CSV, TSV, JSON and Parquet files can be read"
        raise refusal(source, f"is {foreign.what}, not a CSV, TSV, JSON or Parquet file", hint)
