"""Termination: what signals do to a command that has nothing to keep: it unwinds, and temporary files go.

``terminable`` surrounds a whole command line and tells which signal came. Training notes signals for itself, to keep
the best weights: see ``backpass.training.interrupt``, which is too slow to import for every command.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


class Terminated(BaseException):
    """SIGTERM or SIGHUP came while nothing was there to be kept; ``exit_code`` is 128 + the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def ended_by(number: int) -> BaseException:
    """The exception that a signal raises."""
    return KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)


@dataclass(slots=True)
class LastSignal:
    """The number of the last signal that came, if any. Changes in place."""

    number: int | None = None


@contextmanager
def terminable() -> Iterator[LastSignal]:
    """While inside, SIGINT raises KeyboardInterrupt, and SIGTERM and SIGHUP raise Terminated.

    A closed terminal sends SIGHUP more than once, from the kernel and from the shell: those that follow change nothing.
    An ignored SIGHUP (``nohup``) stays ignored, and a handler of SIGINT that is not Python's own stays. Outside the
    main thread Python delivers no signals, and nothing is changed.
    """
    last = LastSignal()
    if threading.current_thread() is not threading.main_thread():
        yield last
        return

    def stop(number: int, frame: Any) -> None:
        is_first, last.number = last.number is None, number
        if is_first or number in (signal.SIGINT, signal.SIGTERM):
            raise ended_by(number)

    before = {number: signal.signal(number, stop) for number in _signals()}
    try:
        yield last
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _signals() -> Iterator[int]:
    yield signal.SIGTERM
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        yield signal.SIGINT
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        yield hangup
