"""Recording: the active trace of a thread, and the labels and names of what it records."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy

from backpass.circuit.node import OPERATIONS
from backpass.circuit.primitive import Array
from backpass.circuit.traced import Recorder, Traced
from backpass.errors import GradientError

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
    """Label everything recorded inside the ``with`` block; listings and error messages show the label.

    Args:
        text: The label, such as ``optimizer: scale``.
    """
    recorder = active_recorder()
    if recorder is None:
        yield
        return
    recorder.labels.append(text)
    try:
        yield
    finally:
        recorder.labels.pop()


def named(value: Array, name: str, *, gradient: str = "") -> Array:
    """Name an intermediate value g of a function    CS229 (3.1), (3.2)

    Circuits print and draw the value under its name. On NumPy arrays the function does nothing.

    Args:
        value: g.
        name: The name.
        gradient: The name of dJ/dg. Default "": "d" followed by the name.

    Returns:
        The value.

    >>> from backpass.circuit import trace
    >>> print(trace(lambda x: named(x * x, "g") + 1.0, [(2,)]))
    <lambda>(x: float64[2])
      g = multiply(x, x)   float64[2]
      %2 = 1   float64[]
      %3 = add(g, %2)   float64[2]
      return %3
    """
    recorder = value.recorder if isinstance(value, Traced) else active_recorder()
    if recorder is None:
        return value
    if recorder.intermediates is None:
        if isinstance(value, Traced):
            recorder.name(value.index, name, gradient or f"d{name}")
        return value
    if name in recorder.intermediates:
        raise GradientError(f"two intermediate values are named {name!r}", hint="give each value a different name")
    g = value if isinstance(value, Traced) else recorder.constant(numpy.asarray(value, float))
    # A node of its own: an equal expression elsewhere is another path to J.
    g = recorder.append(OPERATIONS["identity"], (g.index,), {}, g.spec)
    recorder.name(g.index, name, gradient or f"d{name}")
    recorder.intermediates[name] = g
    return g
