"""Recording: the active trace of a thread, and the label of what it records."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backpass.circuit.traced import Recorder

_ACTIVE = threading.local()


def active_recorder() -> Recorder | None:
    """The recorder of the innermost trace in this thread, or None outside a trace."""
    stack: list[Recorder] = getattr(_ACTIVE, "stack", [])
    return stack[-1] if stack else None


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Make a recorder the innermost one inside the ``with`` block."""
    _ACTIVE.stack = [*getattr(_ACTIVE, "stack", []), recorder]
    try:
        yield
    finally:
        _ACTIVE.stack.pop()


@contextmanager
def label(text: str) -> Iterator[None]:
    """Label everything recorded inside the ``with`` block; listings and error messages show the label."""
    recorder = active_recorder()
    if recorder is None:
        yield
        return
    recorder.labels.append(text)
    try:
        yield
    finally:
        recorder.labels.pop()
