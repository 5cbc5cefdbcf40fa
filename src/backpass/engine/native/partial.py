"""Partial circuit: a circuit whose first inputs are fixed, bound to programs of the core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit
from backpass.engine.engine import frozen, packed
from backpass.engine.native._core import Bound
from backpass.engine.native.cache import Target, dtypes_of, execution_of

# Maximum number of input shapes for which a program is kept.
_MOST_BOUND = 64
# FLOPs plus bytes of a call that is so short (microseconds) that it should keep the GIL.
_BRIEF = 200_000


class NativePartial:
    """See ``Engine.partial``. Calls with the shapes of an earlier call skip the lookup of a program.

    Args:
        run: Runs a circuit that is not bound to a program.
        threads_for: The number of threads for an amount of work.
        target: The instruction set and the tiling that programs are compiled for.
        circuit: The circuit.
        first: The inputs to bind.
    """

    __slots__ = ("_bound", "_circuit", "_first", "_known", "_run", "_target", "_threads_for")

    def __init__(
        self,
        run: Callable[..., list[NDArray[Any]]],
        threads_for: Callable[[int], int],
        target: Target,
        circuit: Circuit,
        first: Sequence[Any],
    ) -> None:
        self._run, self._threads_for, self._target, self._circuit = run, threads_for, target, circuit
        self._first = [frozen(value, dtype) for value, dtype in zip(first, dtypes_of(circuit), strict=False)]
        self._known: dict[tuple[tuple[int, ...], ...], Bound] = {}
        self._bound: Bound | None = None  # the program of the last call, tried first

    def __call__(self, *others: Any) -> list[NDArray[Any]]:
        bound = self._bound  # read once, because another thread may change it
        if bound is not None and (outputs := bound(*others)) is not None:
            return outputs
        dtypes = dtypes_of(self._circuit)[len(self._first) :]
        given = [packed(value, dtype) for value, dtype in zip(others, dtypes, strict=True)]
        self._bound = bound = self._bound_to(given)
        outputs = None if bound is None else bound(*given)
        return self._run(self._circuit, *self._first, *given) if outputs is None else outputs

    def _bound_to(self, given: Sequence[NDArray[Any]]) -> Bound | None:
        """A program bound to arrays of these shapes, if a single thread runs it all at once; else None."""
        shapes = tuple([a.shape for a in given])
        if shapes not in self._known and len(self._known) < _MOST_BOUND:
            execution = execution_of(self._target, self._circuit, *[a.shape for a in self._first], *shapes)
            compiled = execution.compiled
            if compiled is None or execution.rows or self._threads_for(compiled.work) > 1:
                return None
            self._known[shapes] = Bound(
                compiled.program,
                self._first,
                given,
                numpy.empty,
                execution.outputs,
                is_brief=compiled.work < _BRIEF,
            )
        return self._known.get(shapes)
