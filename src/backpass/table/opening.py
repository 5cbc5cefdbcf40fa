"""Input files: turn a path into a plain file on disk that can be read several times: UTF-8 text, JSON or Parquet.

Standard input and pipes are copied to disk because they can be read only once; .gz and .zst files are decompressed;
other encodings are converted to UTF-8; any other file format is an error that names the format. Temporary files are
deleted at the end of the ``with`` block. ``layout`` and ``delimited`` handle delimiters, records and columns.
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

HEAD = 65_536  # bytes at the start from which the format is detected
STANDARD_INPUT = "-"
PARQUET = b"PAR1"
JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\[{\]])")  # a list or an object, unlike any CSV header


@dataclass(frozen=True, slots=True)
class Opened:
    """A file ready to be read.

    Attributes:
        path: Path on disk.
        form: Its format.
        source: Its name in messages.
        scratch: Folder for temporary files.
    """

    path: Path
    form: Literal["text", "json", "parquet"]
    source: str
    scratch: Path


@contextmanager
def opened(
    path: str | Path, encoding: str | None = None, max_bytes: int | None = None, *, skips: bool = False
) -> Iterator[Opened]:
    """Open a path as a plain file.

    Args:
        path: The file; ``-`` for standard input.
        encoding: Encoding of a text file without a byte order mark; UTF-8 if None.
        max_bytes: Maximum size of a decompressed file in bytes.
        skips: Whether the first lines of a text will be skipped, so that they do not reveal its format.

    Raises:
        DataError: The file is not a table.
        ResourceError: The file cannot be read.
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
    """Decompress a file, reject foreign formats, and convert text to UTF-8."""
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
    """Return the file itself if it is regular, else a copy.

    Pipes are copied, and so are files whose name is not valid UTF-8.
    """
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
    """Whether the path has bytes that do not decode in this locale, so that it cannot be passed to DuckDB."""
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
