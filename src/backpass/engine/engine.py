"""The engine: what runs circuits. Every engine gives the same meaning to the same circuit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit
from backpass.circuit.spec import check_unmasked
from backpass.engine.step import Arrays, Epoch, Outcome, Step

Partial = Callable[..., list[NDArray[Any]]]
"""The other inputs of a circuit -> its outputs, as a flat list."""


class Engine(ABC):
    """Runs a circuit once, or a step over whole epochs."""

    name: ClassVar[str]

    @property
    def description(self) -> str:
        """The engine and what it runs on, in a few words."""
        return self.name

    @property
    def cores(self) -> int:
        """How many runs are worth doing side by side, a thread each; 1 where Python stands between the steps."""
        return 1

    @abstractmethod
    def run(self, circuit: Circuit, *inputs: Any) -> list[NDArray[Any]]:
        """The outputs of a circuit, as a flat list.    Errors: ShapeError naming the input that does not fit."""

    def partial(self, circuit: Circuit, *first: Any) -> Partial:
        """The circuit with its first inputs given for good, such as theta: to be called with the others.

        It keeps copies, is never changed by a call, and may be called from several threads at a time.
        Errors of a call: as ``run``.
        """
        kept = [frozen(value, spec.dtype) for value, spec in zip(first, circuit.inputs, strict=False)]
        return lambda *others: self.run(circuit, *kept, *others)

    @abstractmethod
    def run_epoch(
        self,
        step: Step,
        state: Arrays,
        key: NDArray[Any],
        data: Sequence[NDArray[Any]],
        epoch: Epoch,
        should_stop: Callable[[int], bool],
    ) -> Outcome:
        """Take the steps of an epoch one after another, until ``should_stop`` says so or J is not finite.

        The given state arrays are not changed. ``should_stop`` is asked before the first step and then now and then
        (at least every 100 milliseconds, if a step is not longer), with the number of steps done.
        """


def packed(value: Any, dtype: Any) -> NDArray[Any]:
    """As an array without gaps, row by row, with elements that begin where they should; itself if it is one.

    Errors: TraceError for a masked array.
    """
    check_unmasked(value, "an input")
    return numpy.require(value, dtype, ("C", "A", "E"))


def frozen(value: Any, dtype: Any) -> NDArray[Any]:
    """A copy that nobody can write to. It begins at a cache line, so that no vector of it lies in two."""
    given = numpy.asarray(value, dtype)
    room = numpy.empty(given.nbytes + 64, numpy.uint8)
    start = -room.ctypes.data % 64
    copy = room[start : start + given.nbytes].view(given.dtype).reshape(given.shape)
    copy[...] = given
    copy.flags.writeable = False
    return copy
