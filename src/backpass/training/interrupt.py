"""Interruption: turns Ctrl-C, termination and a closed terminal into a stop request, honored between two steps.

``run_in_threads`` handles signals while threads work.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from backpass.dataclass import dataclass

Item = TypeVar("Item")
Result = TypeVar("Result")

_WAIT = 0.05
"""Seconds of a wait for threads: Python handles signals in the main thread only, so it must wake up regularly."""


@dataclass(slots=True)
class StopRequest:
    """Whether a signal asked the run to stop, and which one. Mutable.

    Attributes:
        signal: The number of the signal; None if there was none.
    """

    signal: int | None = None

    def __call__(self) -> bool:
        return self.signal is not None


def termination_signals() -> tuple[int, ...]:
    """SIGTERM, and SIGHUP (a closed terminal) where it exists and is not ignored, as it is under ``nohup``."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN:
        return (signal.SIGTERM,)
    return (signal.SIGTERM, hangup)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Record the first SIGINT, SIGTERM or SIGHUP inside the ``with`` block; a second SIGINT or SIGTERM acts at once.

    A closed terminal sends SIGHUP more than once, from the kernel and from the shell, so every SIGHUP is only recorded.
    An ignored SIGHUP (``nohup``) stays ignored. Outside the main thread Python delivers no signals, and nothing
    changes.
    """
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    # getsignal returns None for a handler that was not installed from Python; such a handler cannot be restored.
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in (signal.SIGINT, *termination_signals())}

    def note(number: int, frame: Any) -> None:
        stop.signal = number if stop.signal is None else stop.signal
        for known, handler in before.items():
            if known in (signal.SIGINT, signal.SIGTERM):
                signal.signal(known, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_in_threads(
    run: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    stop: StopRequest,
    collect: Callable[[Sequence[Result]], None] = lambda results: None,
) -> None:
    """Call ``run`` for each of the items, in threads. An exception in one of them stops all, and is raised here.

    Args:
        run: The function.
        items: Its arguments.
        workers: The number of threads.
        stop: Set if an exception ends the calls; ``run`` checks it to end early.
        collect: Called in this thread, about twenty times a second, with the results since its last call, in any order.

    >>> found = []
    >>> run_in_threads(abs, [-1, 2], 2, StopRequest(), found.extend)
    >>> sorted(found)
    [1, 2]
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting = {pool.submit(run, each) for each in items}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=_WAIT, return_when=FIRST_COMPLETED)
                collect([each.result() for each in done])
        except BaseException:
            stop.signal = stop.signal or 0
            pool.shutdown(wait=False, cancel_futures=True)
            raise
