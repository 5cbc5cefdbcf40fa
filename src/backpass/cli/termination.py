"""Termination by a signal: a command that has no results to save unwinds, and its temporary files are removed.

``terminable`` surrounds a whole command line and records the last signal. Training handles signals itself, in order to
keep the best weights; see ``backpass.training.interrupt``, which is too slow to import for every command.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backpass.dataclass import dataclass

AGAIN = 0.01
"""Seconds after which an exception that Python discarded is raised once more."""


class Terminated(BaseException):
    """Raised by SIGTERM and SIGHUP outside training.

    Attributes:
        exit_code: 128 + the number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def ended_by(number: int) -> BaseException:
    """Return the exception that a signal raises."""
    return KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)


@dataclass(slots=True)
class LastSignal:
    """The number of the last signal received, or None. Mutable."""

    number: int | None = None


@contextmanager
def terminable() -> Iterator[LastSignal]:
    """Within the context, SIGINT raises KeyboardInterrupt, and SIGTERM and SIGHUP raise Terminated.

    A closed terminal sends SIGHUP more than once, from the kernel and from the shell; every SIGHUP after the first
    signal is ignored. An ignored SIGHUP (``nohup``) stays ignored, and a SIGINT handler other than Python's stays in
    place. Python delivers signals only to the main thread; in other threads the context does nothing.
    If Python discards the exception, because the signal arrives inside a destructor or the callback of a weak
    reference, a timer raises it again.
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
        with _raised_again(last):
            yield last
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def _raised_again(last: LastSignal) -> Iterator[None]:
    """While inside, an exception of a signal that Python discards is raised again soon, in whatever runs then."""
    if sys.platform == "win32":  # no timer that interrupts
        yield
        return
    usual = sys.unraisablehook

    def discarded(unraisable: sys.UnraisableHookArgs) -> None:
        if isinstance(unraisable.exc_value, Terminated | KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
        else:
            usual(unraisable)

    def ring(number: int, frame: Any) -> None:
        raise ended_by(last.number or signal.SIGINT)

    before = signal.signal(signal.SIGALRM, ring)
    sys.unraisablehook = discarded
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        sys.unraisablehook = usual
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)


def _signals() -> Iterator[int]:
    yield signal.SIGTERM
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        yield signal.SIGINT
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        yield hangup
