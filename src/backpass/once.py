"""Once: a function whose latest results are kept, and which no two threads compute for the same arguments."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, TypeVar

R = TypeVar("R")

_COMPUTING, _READING = RLock(), RLock()


class Once(Generic[R]):
    """A decorator, like ``functools.lru_cache``: a thread that asks for what another computes waits for it.

    Threads that train members of one shape ask for the same circuit or plan at the same time. A result that is there is
    returned at once, also while another is computed; results are computed one at a time, as Python code is anyway.

    Attributes:
        kept: The maximum number of results.

    >>> asked = []
    >>> @Once
    ... def square(x):
    ...     asked.append(x)
    ...     return x * x
    >>> square(3), square(3), asked
    (9, 9, [3])
    """

    kept = 64

    def __init__(self, function: Callable[..., R]) -> None:
        self.__doc__ = function.__doc__
        self._function = function
        self._found: OrderedDict[tuple[Any, ...], R] = OrderedDict()

    def __call__(self, *arguments: Any) -> R:
        with _READING:
            if arguments in self._found:
                self._found.move_to_end(arguments)
                return self._found[arguments]
        with _COMPUTING:
            if arguments not in self._found:
                result = self._function(*arguments)
                with _READING:
                    self._found[arguments] = result
                    if len(self._found) > self.kept:
                        self._found.popitem(last=False)
                return result
        return self(*arguments)

    def cache_clear(self) -> None:
        """Forget all results."""
        with _READING:
            self._found.clear()


def _hold() -> None:
    _COMPUTING.acquire()
    _READING.acquire()


def _release() -> None:
    _READING.release()
    _COMPUTING.release()


# A child of a fork has none of the other threads, so that it would wait for a lock of theirs for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)
