"""The console: where a command's words go (standard error) and where its data go (standard output).

Whatever comes from files or arguments is made visible on the way: a control character never reaches the terminal.
Failing to talk never stops a command; failing to hand out data does.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

from backpass._version import __version__
from backpass.cli.text import finite
from backpass.errors import ResourceError, visible

JSON_FORMAT = 1
"""Version of the objects that ``--json`` prints: it grows when a field changes its meaning or goes."""

LABEL = 12  # columns of the labels at the left
BOLD, RED, PLAIN = "\x1b[1m", "\x1b[1;31m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Console:
    """Standard error and standard output, as they are at the time of each call."""

    quiet: bool = False

    @property
    def is_terminal(self) -> bool:
        """Whether people watch: only then are there bars, colours and line breaks for the width."""
        dumb = os.environ.get("TERM", "") in ("dumb", "unknown", "")
        return sys.stderr is not None and sys.stderr.isatty() and not dumb

    @property
    def has_colour(self) -> bool:
        return self.is_terminal and not os.environ.get("NO_COLOR")

    @property
    def width(self) -> int:
        """Columns of the terminal that people read the talk on."""
        return columns_of(sys.stderr)

    def say(self, text: str = "") -> None:
        """One line of talk."""
        self._put(visible(text))

    def say_all(self, lines: Sequence[str]) -> None:
        """Lines of talk."""
        for line in lines:
            self.say(line)

    def item(self, label: str, text: str) -> None:
        """A labelled line, broken for the terminal's width."""
        if not self.quiet:
            lines = _broken(visible(text), self.width) if self.is_terminal else [visible(text)]
            self.command(label, lines[0])
            for line in lines[1:]:
                self._put(f"{'':{LABEL}}{line}")

    def command(self, label: str, text: str) -> None:
        """A labelled line that is never broken, so that it can be copied."""
        if not self.quiet:
            self._put(f"{self._styled(label, BOLD)}{' ' * max(LABEL - len(label), 1)}{visible(text)}")

    def line(self, text: str = "") -> None:
        """One line of talk that ``--quiet`` leaves out."""
        if not self.quiet:
            self.say(text)

    def alarm(self, label: str, text: str) -> None:
        """A line that must be seen."""
        self._put(f"{self._styled(f'{label}:', RED)} {visible(text)}")

    def alarm_all(self, label: str, lines: Sequence[str]) -> None:
        """Lines that must be seen, the first of them labelled; empty ones are left out."""
        first, *others = [line for line in lines if line] or [""]
        self.alarm(label, first)
        self.say_all(others)

    def write(self, text: str) -> None:
        """Data, as UTF-8 whatever the locale.    Errors: ResourceError when standard output is closed; OSError."""
        self.write_bytes(text.encode("utf-8", "surrogateescape"))

    def write_bytes(self, data: bytes) -> None:
        """Data as they are.    Errors: as ``write``."""
        if sys.stdout is None:
            raise ResourceError("standard output is closed", hint="redirect it to a file, or use --output")
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def page(self, lines: list[str]) -> None:
        """Text for people on standard output, in the encoding of the locale.    Errors: as ``write``."""
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        text = "".join(f"{visible(line)}\n" for line in lines)
        self.write_bytes(text.encode(encoding, "backslashreplace"))

    def labelled(self, label: str, texts: Sequence[str]) -> list[str]:
        """Lines for ``page`` with a label at the left, broken where people watch and a line is too long."""
        watched = sys.stdout is not None and sys.stdout.isatty()
        lines = [line for text in texts for line in (_broken(text, columns_of(sys.stdout)) if watched else [text])]
        return [f"{'' if i else label:{LABEL}}{line}" for i, line in enumerate(lines)]

    def can_page(self, text: str) -> bool:
        """Whether the locale has the characters of a text."""
        try:
            text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
        except UnicodeEncodeError:
            return False
        return True

    def document(self, command: str, **facts: Any) -> None:
        """Hand out one JSON object.    Errors: as ``write``."""
        self.write(self.as_document(command, **facts))

    def as_document(self, command: str, **facts: Any) -> str:
        """One JSON object of versioned shape, on a line of its own."""
        head = {"backpass": __version__, "format": JSON_FORMAT, **({"command": command} if command else {})}
        # ASCII: any reader takes it, and half characters of file names survive as escapes.
        return json.dumps(finite({**head, **facts}), allow_nan=False) + "\n"

    def _styled(self, text: str, style: str) -> str:
        return f"{style}{text}{PLAIN}" if self.has_colour else text

    def _put(self, line: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: closed from within
            if sys.stderr is not None:
                sys.stderr.write(line + "\n")
                sys.stderr.flush()


def columns_of(stream: TextIO | None) -> int:
    """The width of a terminal, 80 where it does not tell."""
    with suppress(OSError, ValueError, AttributeError):
        return int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(stream.fileno()).columns  # type: ignore[union-attr]
    return 80


def _broken(text: str, columns: int) -> list[str]:
    """A text in pieces that fit beside a label."""
    room = max(columns - LABEL - 1, 20)
    if len(text) <= room:  # a table's spaces stay as they are
        return [text]
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
