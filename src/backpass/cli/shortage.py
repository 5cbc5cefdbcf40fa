"""Resource shortage: recognition of exceptions that mean too little memory or too few threads, whatever their class.

``shortage_of`` takes an exception and names the missing resource. The module has next to no imports, so that it loads
even when memory is short. Error reports are composed in ``failure``.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

MEMORY = "not enough memory"
THREADS = "the system cannot start more threads (out of memory, or at its limit on processes)"

# The dynamic loader and NumPy's import report a lack of memory only in the text of the exception.
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
    """Name the resource whose shortage caused this exception, directly or through its causes; otherwise empty.

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
    """Yield the exception and, recursively, its causes and contexts."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and each not in seen:
            seen.append(each)
            yield each
            waiting += [each.__context__, each.__cause__]
