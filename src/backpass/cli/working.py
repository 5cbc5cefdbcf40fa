"""Working: a spinner in the terminal while a command reads, examines or scores a large table.

It writes to standard error, vanishes when the work is done, and never appears in files or pipes. ``progress`` shows
training.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from backpass.cli.console import Console
from backpass.errors import visible

DELAY = 2.0  # seconds before the spinner appears


@contextmanager
def working(console: Console, text: str, delay: float = DELAY) -> Iterator[None]:
    """Show what a command is doing while the block runs, if it takes longer than the delay.

    Args:
        console: The console; nothing is shown if it is quiet or no terminal.
        text: What the command is doing, such as "reading big.csv".
        delay: Seconds before the spinner appears.
    """
    if console.quiet or not console.is_terminal:
        yield
        return
    from rich.console import Console as Screen
    from rich.text import Text

    status = Screen(stderr=True, highlight=False).status(Text(visible(text)))
    timer = Timer(delay, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()
