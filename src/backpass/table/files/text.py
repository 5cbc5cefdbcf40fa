"""Text encoding: convert a text file to UTF-8, or reject it with the line number of the problem.

A byte order mark (UTF-8, 16, 32) determines the encoding; otherwise the user's encoding applies; otherwise UTF-8.
Encodings are never guessed.
"""

from __future__ import annotations

import codecs
import shutil
from pathlib import Path

from backpass.errors import UsageError
from backpass.table.files.decompression import CHUNK
from backpass.table.files.scratch import Scratch
from backpass.table.messages import data_error, shown

LATIN = "try --encoding latin-1, or save the file as UTF-8"
FORM_FEED = b"\f"
"""The character between the pages of a printed report."""
MARKS = {  # longer marks first: the mark of UTF-32 LE starts with that of UTF-16 LE
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}


def as_utf8(file: Path, head: bytes, encoding: str | None, scratch: Scratch, source: str) -> Path | None:
    """Convert the file to UTF-8 in a temporary file; return None if the file needs no conversion."""
    marked = next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
    chosen = marked or codec_name(encoding or "utf-8")
    if chosen in {"utf-8", "utf-8-sig"}:
        return None
    copy = scratch.file("utf8.csv")
    try:
        with file.open(encoding=chosen, newline="") as stream, copy.open("w", encoding="utf-8", newline="") as out:
            shutil.copyfileobj(stream, out, CHUNK)
    except UnicodeError as error:
        raise data_error(source, f"cannot be decoded as {chosen} ({error})", "another --encoding?") from error
    return copy


def codec_name(encoding: str) -> str:
    """Return the standard name of an encoding.

    Raises:
        UsageError: The encoding is unknown.
    """
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise UsageError(f"there is no encoding {shown(encoding)}", hint="utf-8, latin-1, cp1252, ...") from None


def check_text(file: Path, source: str) -> bool:
    """Check that the file has no NUL bytes and is valid UTF-8; return whether it has form feeds.

    Raises:
        DataError: It is not; the error names the first such line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    position, has_form_feeds = 0, False
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            if (at := chunk.find(b"\0")) >= 0:
                line = _line_of(file, position + at)
                hint = "is it a binary file, or UTF-16 without a byte order mark (--encoding utf-16-le or utf-16-be)?"
                raise data_error(source, f"line {line} has a NUL byte", hint)
            _decode(decoder, chunk, file, position, source)
            position += len(chunk)
            has_form_feeds = has_form_feeds or FORM_FEED in chunk
    _decode(decoder, b"", file, position, source)
    return has_form_feeds


def without_page_breaks(file: Path, copy: Path) -> int:
    """Write the file without the form feeds at the start and the end of its lines; return the number of such lines."""
    count = 0
    with file.open("rb") as lines, copy.open("wb") as out:
        for line in lines:
            end = line[len(line.rstrip(b"\r\n")) :]
            stripped = line[: len(line) - len(end)].strip(FORM_FEED) + end
            count += len(stripped) < len(line)
            out.write(stripped)
    return count


def _decode(decoder: codecs.IncrementalDecoder, chunk: bytes, file: Path, position: int, source: str) -> None:
    """Check the next chunk, an empty one at the end of the file; ASCII chunks are skipped.

    Raises:
        DataError: The chunk is not valid UTF-8.
    """
    pending = len(decoder.getstate()[0])
    if chunk.isascii() and chunk and not pending:
        return
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        line = _line_of(file, position - pending + error.start)
        text = f"line {line} is not UTF-8 (byte 0x{error.object[error.start]:02x})"
        is_mixed = not error.object[: error.start].isascii()
        hint = "the text above is UTF-8, so the file mixes encodings: save all of it as UTF-8"
        raise data_error(source, text, hint if is_mixed else LATIN) from None


def _line_of(file: Path, position: int) -> int:
    """Return the line (from 1) of a byte position; lines end in \\n, \\r\\n or \\r."""
    with file.open("rb") as stream:
        before = stream.read(position)
    return before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1
