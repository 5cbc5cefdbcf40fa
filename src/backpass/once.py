"""Once: a function whose latest results are kept, and which no two threads compute for the same arguments."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

R = TypeVar("R")


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
        self._reading, self._computing = Lock(), Lock()

    def __call__(self, *arguments: Any) -> R:
        with self._reading:
            if arguments in self._found:
                self._found.move_to_end(arguments)
                return self._found[arguments]
        with self._computing:
            if arguments not in self._found:
                result = self._function(*arguments)
                with self._reading:
                    self._found[arguments] = result
                    if len(self._found) > self.kept:
                        self._found.popitem(last=False)
                return result
        return self(*arguments)

    def cache_clear(self) -> None:
        """Forget all results."""
        with self._reading:
            self._found.clear()
