"""Spool: standard input as a file that grows while it is read, so that its first rows are there before its end.

Takes a stream; copies as much of it to a file as is asked for. Only delimited text in UTF-8 is read before its end;
anything else is copied whole first, as ``opening`` does.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from pathlib import Path
from typing import IO

from backpass.dataclass import dataclass
from backpass.table.delimited.delimited import PIECE, Delimited
from backpass.table.files.opening import Opened, Opening
from backpass.table.files.signatures import foreign_binary, foreign_text
from backpass.table.files.text import FORM_FEED, MARKS, check_text, codec_name
from backpass.table.formats.registry import format_of, format_of_text
from backpass.table.layout.layout import Layout
from backpass.table.layout.tail import BLOCK
from backpass.table.messages import data_error

HEAD = 65_536  # bytes from which the format is detected
UTF_8 = {"utf-8", "utf-8-sig"}


@dataclass(slots=True)
class Spool:
    """A stream and the file that holds what was read of it. Mutable.

    Attributes:
        stream: The stream.
        path: The file.
        source: Name of the stream in messages.
        size: Number of bytes in the file.
        is_done: Whether the stream has ended.
        is_checked: Whether what is read must be text in UTF-8.
    """

    stream: IO[bytes]
    path: Path
    source: str
    size: int = 0
    is_done: bool = False
    is_checked: bool = False
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def fill(self, size: int | None = None) -> None:
        """Read on until the file has ``size`` bytes, or to the end of the stream.

        Raises:
            DataError: What is read must be text, and is not.
        """
        with self.path.open("ab") as out:
            while not self.is_done and (size is None or self.size < size):
                piece = self.stream.read(PIECE if size is None else min(PIECE, size - self.size))
                self.is_done = not piece
                out.write(piece)
                out.flush()
                self.size += len(piece)
                if self.is_checked:
                    self._check(piece)

    def _check(self, piece: bytes) -> None:
        if FORM_FEED in piece:
            raise data_error(self.source, "has page breaks after its first rows", "save the text to a file first")
        try:
            self._decoder.decode(piece, final=self.is_done)
        except UnicodeDecodeError:
            check_text(self.path, self.source)
        if b"\0" in piece:
            check_text(self.path, self.source)

    def is_text(self, opening: Opening) -> bool:
        """Whether what was read so far is the beginning of delimited text in UTF-8."""
        head = self.path.open("rb").read(self.size)
        first = head[:HEAD]
        named = codec_name(opening.encoding or "utf-8")
        is_other = named not in UTF_8 or any(
            first.startswith(mark) and name not in UTF_8 for mark, name in MARKS.items()
        )
        if is_other or opening.widths or opening.sheet is not None or opening.skips:
            return False
        if format_of(first, first) or foreign_binary(first) or format_of_text(first) or foreign_text(first):
            return False
        if FORM_FEED in head or b"\0" in head:
            return False
        try:
            self._decoder.decode(head)
        except UnicodeDecodeError:
            return False
        self.is_checked = True
        return True

    @property
    def opened(self) -> Opened:
        """The file, as far as it was read."""
        return Opened(self.path, "text", self.source)


@dataclass(frozen=True, slots=True)
class GrowingText(Delimited):
    """A delimited text that is read while it grows.

    Attributes:
        spool: The stream.
        whole: Returns the layout of the file when it is complete.
        end: The layout of the complete file; empty before.
    """

    spool: Spool
    whole: Callable[[], Layout]
    complete: list[Layout] = field(default_factory=list)

    @staticmethod
    def of(spool: Spool, layout_of_file: Callable[[], Layout]) -> GrowingText:
        """Return the text with the layout that its beginning shows; what may be a footer there is no end."""
        layout = layout_of_file()
        notes = layout.notes if layout.end is None else layout.notes[:-1]
        return GrowingText(spool.opened, replace(layout, end=None, notes=notes), spool, layout_of_file)

    @property
    def known(self) -> Delimited:
        """The text with the layout as far as it is known."""
        return replace(self, layout=self.complete[0]) if self.complete else self

    def pieces(self, size: int = PIECE) -> Iterator[bytes]:
        """Yield the bytes of the table, in pieces; the last ones wait for the end, where a footer may be.

        Raises:
            DataError: The complete file has another layout than its beginning.
        """
        with self.file.path.open("rb") as stream:
            stream.seek(self.layout.offset)
            while True:
                self.spool.fill(stream.tell() + size + BLOCK)
                rest = self._end() - stream.tell() if self.spool.is_done else size
                piece = stream.read(min(size, rest)) if rest > 0 else b""
                if not piece:
                    return
                yield piece

    def _end(self) -> int:
        """Return where the table ends, in bytes."""
        if not self.complete:
            layout = self.whole()
            if (layout.names, layout.offset, layout.delimiter) != (
                self.layout.names,
                self.layout.offset,
                self.layout.delimiter,
            ):
                text = "the layout of its end differs from that of its first rows"
                raise data_error(self.spool.source, text, "save it as a file and name the file")
            self.complete.append(layout)
        end = self.complete[0].end
        return self.spool.size if end is None else end
