"""The choice between memory and disk: a table that does not fit in memory is streamed if it can be.

It takes two functions that make the same thing, one of them by streaming, and returns the result of the first that can.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

from backpass.errors import InsufficientMemoryError, UsageError
from backpass.training.processes.exchange import SOLO, Exchange

T = TypeVar("T")


def check_stream(stream: bool | str) -> None:
    """Check the value of ``stream``.

    Raises:
        UsageError: It is neither True, False nor "auto".
    """
    if not isinstance(stream, bool) and stream != "auto":
        raise UsageError(f"stream must be True, False or 'auto'; got {stream!r}")


def resident_or_streamed(
    stack: ExitStack,
    stream: bool | str,
    resident: Callable[[], T],
    streamed: Callable[[str], AbstractContextManager[T]],
    check: Callable[[], object],
    exchange: Exchange = SOLO,
) -> T:
    """What ``resident`` returns, or what ``streamed`` yields.

    Args:
        stack: Removes the files of a stream.
        stream: Whether to stream; "auto": if memory is insufficient.
        resident: Reads everything into memory.
        streamed: Keeps rows on disk; takes the reason of a stream that was not requested, or "".
        check: Raises an error if a stream is not possible.
        exchange: The processes; all of them stream if the memory of one is insufficient.

    Raises:
        UsageError: ``stream`` is True, and a stream is not possible.
        InsufficientMemoryError: Memory is insufficient, and a stream is not possible.
    """
    if stream is True:
        check()
        return stack.enter_context(streamed(""))
    found, message, hint = list[T](), "", ""
    try:
        found = [resident()]
    except (InsufficientMemoryError, MemoryError) as error:
        if stream is False:
            raise
        # A new error later: the frames of this one hold what was read.
        message = "the table does not fit in memory"
        if isinstance(error, InsufficientMemoryError):
            message, hint = error.message, error.hint
    if stream is not False:
        message, hint = next((each for each in exchange.share((message, hint)) if each[0]), ("", ""))
    if found and not message:
        return found[0]
    del found  # it takes memory
    try:
        check()
        return stack.enter_context(streamed(f"{message}: the fit is streamed"))
    except UsageError as error:  # files of their format, for example, are not read in pieces
        why = f"the fit cannot be streamed: {error.message}"
        raise InsufficientMemoryError(message, hint=f"{hint}; {why}" if hint else why) from None
