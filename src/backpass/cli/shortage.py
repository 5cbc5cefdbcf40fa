"""A shortage: how an exception that stands for missing memory or threads is known, whatever its class.

An exception comes in; what is missing goes out, in words. This module imports nothing, so that it is there when
little else can be loaded. What the user is told does not live here (see ``failure``).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

MEMORY = "not enough memory"
THREADS = "the system starts no more threads (memory, or its limit on processes, is used up)"

# The dynamic loader and NumPy's import say in words only that memory is missing.
WORDS = {
    "failed to map segment": MEMORY,
    "cannot allocate memory": MEMORY,
    "cannot create shared object descriptor": MEMORY,
    "cannot map zero-fill pages": MEMORY,
    "out of memory": MEMORY,
    "bad_alloc": MEMORY,
    "can't start new thread": THREADS,
    "resource temporarily unavailable": THREADS,
}


def shortage_of(error: BaseException) -> str:
    """What is missing, if that is why this exception, or one that led to it, was raised; else nothing.

    >>> shortage_of(ImportError("libm.so.6: failed to map segment from shared object"))
    'not enough memory'
    >>> shortage_of(ImportError("No module named 'onnx'"))
    ''
    """
    return next((found for each in _causes(error) if (found := _shortage(each))), "")


def _shortage(error: BaseException) -> str:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return MEMORY
    if isinstance(error, ImportError | RuntimeError | SystemError | OSError):
        text = str(error).lower()
        return next((shortage for words, shortage in WORDS.items() if words in text), "")
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, and those it was raised from or while handling."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and each not in seen:
            seen.append(each)
            yield each
            waiting += [each.__context__, each.__cause__]
