"""The console: it writes messages to standard error and results to standard output.

Text from files or arguments is escaped first, so that no control character reaches the terminal. A message that cannot
be written is dropped; a result that cannot be written is an error.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any, TextIO

from backpass._version import __version__
from backpass.cli.text import finite
from backpass.dataclass import dataclass
from backpass.errors import ResourceError, visible

JSON_FORMAT = 1
"""The version of the ``--json`` objects; it increases when a field is removed or changes its meaning."""

DELAY = 2.0  # seconds before a spinner appears
LOG_DELAY = 30.0  # seconds before a line in a log says what takes long
LABEL = 12  # width of the labels at the left, in characters
BOLD, RED, PLAIN = "\x1b[1m", "\x1b[1;31m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Console:
    """Standard error and standard output, looked up at each call.

    Attributes:
        quiet: Whether messages other than warnings and errors are dropped.
    """

    quiet: bool = False

    @property
    def is_terminal(self) -> bool:
        """Whether standard error is an interactive terminal; otherwise output has no bars, colors or wrapped lines."""
        dumb = os.environ.get("TERM", "") in ("dumb", "unknown", "")
        return sys.stderr is not None and sys.stderr.isatty() and not dumb

    @property
    def has_color(self) -> bool:
        return self.is_terminal and not os.environ.get("NO_COLOR")

    @property
    def width(self) -> int:
        """The width of the terminal that shows the messages, in characters."""
        return columns_of(sys.stderr)

    def say(self, text: str = "") -> None:
        """Write a message line."""
        self._put(visible(text))

    def say_all(self, lines: Sequence[str]) -> None:
        """Write message lines."""
        for line in lines:
            self.say(line)

    def item(self, label: str, text: str) -> None:
        """Write a labeled message, wrapped to the width of the terminal."""
        if not self.quiet:
            lines = _broken(visible(text), self.width) if self.is_terminal else [visible(text)]
            self.command(label, lines[0])
            for line in lines[1:]:
                self._put(f"{'':{LABEL}}{line}")

    def command(self, label: str, text: str) -> None:
        """Write a labeled line that is never wrapped, so that it can be copied."""
        if not self.quiet:
            self._put(f"{self._styled(label, BOLD)}{' ' * max(LABEL - len(label), 1)}{visible(text)}")

    def line(self, text: str = "") -> None:
        """Write a message line, unless ``--quiet`` is set."""
        if not self.quiet:
            self.say(text)

    def alarm(self, label: str, text: str) -> None:
        """Write a warning or an error; ``--quiet`` does not suppress it."""
        self._put(f"{self._styled(f'{label}:', RED)} {visible(text)}")

    def alarm_all(self, label: str, lines: Sequence[str]) -> None:
        """Write the lines of a warning or an error, the first one labeled; empty lines are skipped."""
        first, *others = [line for line in lines if line] or [""]
        self.alarm(label, first)
        self.say_all(others)

    @contextmanager
    def working(self, text: str, delay: float | None = None) -> Iterator[None]:
        """Show what takes long: a spinner that vanishes when the block ends or, without a terminal, one line.

        Nothing is shown if the console is quiet.

        Args:
            text: What the command is doing, such as "reading big.csv".
            delay: Seconds before it is shown. Default None: 2 in a terminal, 30 in a log.
        """
        if self.quiet:
            yield
            return
        if self.is_terminal:
            usual, (start, stop) = DELAY, self._spinner(text)
        else:
            usual, (start, stop) = LOG_DELAY, (lambda: self.line(f"{text} ..."), lambda: None)
        timer = Timer(usual if delay is None else delay, start)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            stop()

    def _spinner(self, text: str) -> tuple[Callable[[], None], Callable[[], None]]:
        """What starts and what stops a spinner."""
        from rich.console import Console as Screen
        from rich.text import Text

        status = Screen(stderr=True, highlight=False).status(Text(visible(text)))
        return status.start, status.stop

    def write(self, text: str) -> None:
        """Write a result as UTF-8, whatever the locale.

        Raises:
            ResourceError: Standard output is closed.
            OSError: Standard output cannot be written.
        """
        self.write_bytes(text.encode("utf-8", "surrogateescape"))

    def write_bytes(self, data: bytes) -> None:
        """Write a result unchanged.

        Raises:
            ResourceError: Standard output is closed.
            OSError: Standard output cannot be written.
        """
        if sys.stdout is None:
            raise ResourceError("standard output is closed", hint="redirect it to a file, or use --output")
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def page(self, lines: list[str]) -> None:
        """Write human-readable lines to standard output, in the encoding of the locale.

        Raises:
            ResourceError: Standard output is closed.
            OSError: Standard output cannot be written.
        """
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        text = "".join(f"{visible(line)}\n" for line in lines)
        self.write_bytes(text.encode(encoding, "backslashreplace"))

    def labeled(self, label: str, texts: Sequence[str]) -> list[str]:
        """Return lines for ``page`` with a label at the left, wrapped if standard output is a terminal."""
        watched = sys.stdout is not None and sys.stdout.isatty()
        lines = [line for text in texts for line in (_broken(text, columns_of(sys.stdout)) if watched else [text])]
        return [f"{'' if i else label:{LABEL}}{line}" for i, line in enumerate(lines)]

    def can_page(self, text: str) -> bool:
        """Whether the encoding of standard output can represent a text."""
        try:
            text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
        except UnicodeEncodeError:
            return False
        return True

    def document(self, command: str, **facts: Any) -> None:
        """Write one JSON object to standard output.

        Raises:
            ResourceError: Standard output is closed.
            OSError: Standard output cannot be written.
        """
        self.write(self.as_document(command, **facts))

    def as_document(self, command: str, **facts: Any) -> str:
        """Format one JSON object, with the versions of Backpass and of the format, as one line."""
        head = {"backpass": __version__, "format": JSON_FORMAT, **({"command": command} if command else {})}
        # ASCII is valid in every encoding, and undecodable bytes of file names survive as escapes.
        return json.dumps(finite({**head, **facts}), allow_nan=False) + "\n"

    def _styled(self, text: str, style: str) -> str:
        return f"{style}{text}{PLAIN}" if self.has_color else text

    def _put(self, line: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: the stream object is closed
            if sys.stderr is not None:
                sys.stderr.write(line + "\n")
                sys.stderr.flush()


def columns_of(stream: TextIO | None) -> int:
    """Return the width of a terminal in characters; 80 if it is unknown."""
    with suppress(OSError, ValueError, AttributeError):
        return int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(stream.fileno()).columns  # type: ignore[union-attr]
    return 80


def _broken(text: str, columns: int) -> list[str]:
    """Wrap a text to lines that fit next to a label."""
    room = max(columns - LABEL - 1, 20)
    if len(text) <= room:  # keeps the alignment of table rows
        return [text]
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
