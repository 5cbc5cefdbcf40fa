"""Input files: turn a path into a plain file on disk that can be read several times, and recognize its format.

Standard input and pipes are copied to disk because they can be read only once; .gz and .zst files are decompressed;
text in other encodings is converted to UTF-8; a sheet of a workbook and lines of fixed width are written as CSV, the
joined keys of Eurostat as columns. A file in none of the formats of ``formats.registry`` is an error that names its
format. Temporary files are deleted at the end of the ``with`` block. ``layout`` and ``delimited`` handle delimiters,
records and columns.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from backpass.dataclass import dataclass
from backpass.errors import DataError, ResourceError, UsageError, did_you_mean_file, missing_file
from backpass.table.files.decompression import CHUNK, GZIP, ZSTANDARD, expanded
from backpass.table.files.scratch import Scratch
from backpass.table.files.signatures import ZIP, Signature, foreign_binary, foreign_text
from backpass.table.files.text import as_utf8, check_text, without_page_breaks
from backpass.table.formats import eurostat
from backpass.table.formats.databases.address import Address
from backpass.table.formats.fixed_width import as_csv as fields_as_csv
from backpass.table.formats.registry import BY_NAME, Format, format_of, format_of_text, titles
from backpass.table.messages import counted, data_error, listed, plain, shown

HEAD = 65_536  # bytes at the start from which the format is detected
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Opened:
    """A file ready to be read.

    Attributes:
        path: Path on disk.
        form: Name of its format (see ``formats.registry``).
        source: Its name in messages.
        member: The table to read from a database; None if the user names none.
        address: The URL of a database server, in place of a file.
        encoding: Encoding that the user states; None if none.
        delimiter: Delimiter of a text that was written here; None if it must be detected.
        notes: Messages about what was converted.
        lacks_percent: Whether percentages come without the percent sign.
    """

    path: Path
    form: str
    source: str
    member: str | None = None
    address: str = ""
    encoding: str | None = None
    delimiter: str | None = None
    notes: tuple[str, ...] = ()
    lacks_percent: bool = False

    @property
    def format(self) -> Format:
        """The format."""
        return BY_NAME[self.form]


@dataclass(frozen=True, slots=True)
class Opening:
    """The user's settings for opening a file.

    Attributes:
        encoding: Encoding of a text file without a byte order mark; UTF-8 if None.
        max_bytes: Maximum size of a decompressed file in bytes.
        skips: Whether the first lines of a text will be skipped, so that they do not reveal its format.
        sheet: Sheet of a workbook: its name, or its number from 1.
        widths: Widths of the fields of a text file, in characters; empty if delimiters separate them.
    """

    encoding: str | None = None
    max_bytes: int | None = None
    skips: bool = False
    sheet: str | int | None = None
    widths: Sequence[int] = ()

    def __post_init__(self) -> None:
        if any(type(width) is not int or width < 1 for width in self.widths):
            raise UsageError(f"--widths must be numbers of characters, 1 or more; got {list(self.widths)}")
        if self.sheet is not None and type(self.sheet) not in (str, int):
            raise UsageError(f"--sheet must be the name of a sheet, or its number from 1; got {self.sheet!r}")


@contextmanager
def opened(path: str | Path, opening: Opening = Opening(), *, copy: Path | None = None) -> Iterator[Opened]:  # noqa: B008  frozen
    """Open a path as a plain file.

    Args:
        path: The file, or the address of a database; ``-`` for standard input. See ``formats.databases.address``.
        opening: The user's settings.
        copy: A file with what standard input held, if it was read already.

    Raises:
        DataError: The file is not a table.
        ResourceError: The file cannot be read.
    """
    address = Address.of(path)
    source = "standard input" if address.file == STANDARD_INPUT else address.shown
    with ExitStack() as stack:
        scratch = Scratch(stack)
        with reported(source):
            if address.url:
                yield Opened(scratch.folder, "postgres", source, address.member, address.url)
            else:
                yield _prepared(copy or _on_disk(address.file, source, scratch), address, source, scratch, opening)


@contextmanager
def reported(source: str) -> Iterator[None]:
    """Convert errors of the system to ours.

    Raises:
        ResourceError: A file cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise ResourceError(f"{plain(source)}: cannot be read ({error.strerror or error})") from error


def _prepared(file: Path, address: Address, source: str, scratch: Scratch, opening: Opening) -> Opened:
    """Decompress a file, reject foreign formats, and convert text to UTF-8."""
    head = _head(file)
    if head.startswith((GZIP, ZSTANDARD)):
        file = expanded(file, head, scratch.file("expanded"), source, opening.max_bytes)
        head = _head(file)
    if not head:
        raise data_error(source, "is empty (0 bytes)")
    if not head.strip() and file.stat().st_size == len(head):
        raise data_error(source, "has blank lines only")
    form = format_of(head, _tail(file) if head.startswith(ZIP) else b"")
    if form is not None:
        return _of_form(file, form, address, source, scratch, opening)
    _refuse(foreign_binary(head), source)
    rewritten = as_utf8(file, head, opening.encoding, scratch, source)
    if rewritten is not None:
        file, head = rewritten, _head(rewritten)
    if not check_text(file, source):
        return _of_text(file, head, address, source, scratch, opening)
    pages = scratch.file("pages.txt")
    breaks = without_page_breaks(file, pages)
    found = _of_text(pages, _head(pages), address, source, scratch, opening)
    return replace(found, notes=(*found.notes, f"{counted(breaks, 'page break')} left out")) if breaks else found


def _of_form(file: Path, form: Format, address: Address, source: str, scratch: Scratch, opening: Opening) -> Opened:
    """Return a file in a binary format; a sheet of a workbook becomes a CSV file."""
    if form.holds == "sheet":
        from backpass.table.formats.workbooks.sheets import (
            as_csv as sheet_as_csv,  # here, as ``Format.read`` imports the readers
        )

        copy, sheet = scratch.file("sheet.csv"), address.member if address.member is not None else opening.sheet
        notes = sheet_as_csv(file, form.name, copy, source, sheet, opening.max_bytes)
        percent = form.name == "xlsx"  # the only reader that has the formats of cells
        return Opened(copy, "text", source, delimiter=",", notes=notes, lacks_percent=not percent)
    _check_single(address, form, source, opening)
    return Opened(file, form.name, source, address.member, encoding=opening.encoding)


def _of_text(file: Path, head: bytes, address: Address, source: str, scratch: Scratch, opening: Opening) -> Opened:
    """Return a text file, by its format; fields of fixed width become a CSV file."""
    if opening.widths:
        _check_single(address, BY_NAME["text"], source, replace(opening, widths=()))
        copy = fields_as_csv(file, opening.widths, scratch.file("fields.csv"), source)
        return Opened(copy, "text", source, delimiter=",")
    form = None if opening.skips else format_of_text(head)
    if form is None and not opening.skips:
        _refuse(foreign_text(head), source)
    form = form or BY_NAME["text"]
    _check_single(address, form, source, opening)
    if form.name == "text" and (keys := eurostat.keys_in(head)):
        copy = eurostat.with_key_columns(file, keys, scratch.file("keys.tsv"))
        note = f"the first column is split into {listed(keys, shown)}, as its name says"
        return Opened(copy, "text", source, delimiter="\t", notes=(note,))
    return Opened(file, form.name, source)


def _check_single(address: Address, form: Format, source: str, opening: Opening) -> None:
    """Check that the settings do not name what a file of this format does not have.

    Raises:
        DataError: They name a sheet or a table of a file that is a single table, or widths of fields.
    """
    if address.member is not None and form.holds != "table":
        raise data_error(source, f"is {form.what}, which holds one table", f"leave out ::{address.member}")
    if opening.sheet is not None:
        hint = f"leave out --sheet, or name the sheet of one file: FILE::{opening.sheet}"
        raise data_error(source, f"is {form.what}, which has no sheets", hint)
    if opening.widths:
        raise data_error(source, f"is {form.what}, which has no fields of fixed width", "leave out --widths")


def _on_disk(path: str, source: str, scratch: Scratch) -> Path:
    """Return the file itself if it is regular, else a copy.

    Pipes are copied, and so are files whose name is not valid UTF-8.
    """
    if path == STANDARD_INPUT:
        return _spooled(sys.stdin.buffer, scratch.file("stdin"))
    file = Path(path)
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        raise _not_there(file) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ResourceError(f"{plain(source)}: cannot be opened ({getattr(error, 'strerror', error)})") from error
    if stat.S_ISDIR(mode):
        raise data_error(source, "is a folder, not a file")
    if stat.S_ISFIFO(mode):
        with file.open("rb") as pipe:
            return _spooled(pipe, scratch.file("pipe"))
    if not stat.S_ISREG(mode):
        raise data_error(source, "is a device or a socket, not a file")
    if _is_undecodable(file):
        with file.open("rb") as stream:
            return _spooled(stream, scratch.file("named"))
    return file


def _is_undecodable(file: Path) -> bool:
    """Whether the path has bytes that do not decode in this locale, so that it cannot be passed to DuckDB."""
    try:
        str(file).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _not_there(file: Path) -> DataError:
    siblings = list[str]()
    with suppress(OSError):
        siblings = sorted(entry.name for entry in os.scandir(file.parent) if entry.is_file())
    return DataError(missing_file(str(file)), hint=did_you_mean_file(file.name, siblings))


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(HEAD)


def _tail(file: Path) -> bytes:
    with file.open("rb") as stream:
        stream.seek(-min(HEAD, file.stat().st_size), os.SEEK_END)
        return stream.read()


def _spooled(stream: IO[bytes], copy: Path) -> Path:
    with copy.open("wb") as out:
        shutil.copyfileobj(stream, out, CHUNK)
    return copy


def _refuse(foreign: Signature | None, source: str) -> None:
    if foreign is not None:
        hint = foreign.remedy or f"{titles()} can be read"
        raise data_error(source, f"is {foreign.what}, not a table in a format that can be read", hint)
