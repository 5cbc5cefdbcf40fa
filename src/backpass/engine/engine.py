"""Engine: the interface of everything that runs circuits. All engines give a circuit the same meaning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit
from backpass.circuit.spec import check_unmasked
from backpass.engine.step import Arrays, Epoch, Outcome, Step

Partial = Callable[..., list[NDArray[Any]]]
"""(the remaining inputs of a circuit) -> its outputs, as a flat list."""


class Engine(ABC):
    """Runs a circuit once, or a training step over whole epochs.

    Attributes:
        name: The name in ``ENGINE_NAMES``.
    """

    name: ClassVar[str]

    @property
    def description(self) -> str:
        """The engine and its configuration, in a few words."""
        return self.name

    @property
    def cores(self) -> int:
        """The number of runs that can usefully run in parallel threads; 1 if Python code runs between steps."""
        return 1

    def side_by_side(self, runs: int, alike: int) -> Engine:
        """The engine of each of several training runs in parallel threads.

        Args:
            runs: The number of runs at a time, at most ``cores``.
            alike: The largest number of runs whose steps are equal, such as those of the members of an ensemble.
        """
        return self

    def taking_part(self) -> AbstractContextManager[None]:
        """For the time of one of the runs that share an engine of ``side_by_side``."""
        return nullcontext()

    @abstractmethod
    def run(self, circuit: Circuit, *inputs: Any) -> list[NDArray[Any]]:
        """Evaluate a circuit.

        Returns:
            The outputs, as a flat list.

        Raises:
            ShapeError: If an input does not match its spec; the message names it.
        """

    def partial(self, circuit: Circuit, *first: Any) -> Partial:
        """Bind the first inputs of a circuit, such as theta.

        The bound inputs are copied. The returned function may be called from several threads at once.

        Args:
            circuit: The circuit.
            *first: The inputs to bind.

        Returns:
            A function of the remaining inputs; it raises the errors of ``run``.
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
        """Run the steps of an epoch in order, until ``should_stop`` returns True or J is not finite.

        Args:
            step: The step.
            state: The initial state; its arrays are not changed.
            key: The random key, uint32 (2,).
            data: Arrays whose first axis is the rows.
            epoch: The rows and settings of each step.
            should_stop: Called with the number of steps done, before the first step and then from time to time (at
                least every 100 milliseconds, if a step is not longer).
        """


def packed(value: Any, dtype: Any) -> NDArray[Any]:
    """Convert to a contiguous, aligned array in row-major order; such an array is returned unchanged.

    Raises:
        TraceError: If the value is a masked array.
    """
    if type(value) is numpy.ndarray and value.dtype == dtype and value.flags.c_contiguous and value.flags.aligned:
        return value  # in a tenth of the time of what follows
    check_unmasked(value, "an input")
    return numpy.require(value, dtype, ("C", "A", "E"))


def frozen(value: Any, dtype: Any) -> NDArray[Any]:
    """A read-only copy. It starts at a cache line, so that no vector straddles two lines."""
    given = numpy.asarray(value, dtype)
    room = numpy.empty(given.nbytes + 64, numpy.uint8)
    start = -room.ctypes.data % 64
    copy = room[start : start + given.nbytes].view(given.dtype).reshape(given.shape)
    copy[...] = given
    copy.flags.writeable = False
    return copy
