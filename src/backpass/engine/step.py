"""Step and epoch: the work that an engine runs.

A ``Step`` is a circuit from (state, settings, key, step number, batch) to (new state, J). An ``Epoch`` lists the rows
and the settings of each step; every sampling scheme and every schedule only writes these two tables. Engines do not
depend on what the state means, such as the parameters of a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit, Spec, trace
from backpass.dataclass import dataclass
from backpass.errors import ShapeError

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One training step as a circuit.

    Attributes:
        circuit: Its inputs are the state arrays, settings (columns,), key uint32 (2,), step uint32 () and the batch
            arrays (B, ...); its outputs are the new state arrays and J ().
        states: The number of state arrays.
    """

    circuit: Circuit
    states: int

    @property
    def batch(self) -> tuple[Spec, ...]:
        """The specs of the batch arrays."""
        return self.circuit.inputs[self.states + 3 :]


@dataclass(frozen=True, slots=True)
class Epoch:
    """Consecutive steps.

    Attributes:
        rows: int (steps, B), the rows of the data that each step reads.
        sizes: (steps,), the number of rows that each step uses, from the start of its row of ``rows``.
        settings: (steps, columns), the hyperparameters of each step.
        first_step: The number of the first step, counted over the whole run (random draws depend on it).
    """

    rows: NDArray[Any]
    sizes: NDArray[Any]
    settings: NDArray[Any]
    first_step: int

    def __post_init__(self) -> None:
        steps = self.rows.shape[0]
        if self.sizes.shape != (steps,) or self.settings.shape[0] != steps:
            raise ShapeError(f"an epoch of {steps} steps got {len(self.sizes)} sizes and {len(self.settings)} settings")

    @property
    def steps(self) -> int:
        return int(self.rows.shape[0])

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Ranges of consecutive steps of equal size, as (first, last + 1)."""
        first = 0
        for i in range(1, self.steps + 1):
            if i == self.steps or self.sizes[i] != self.sizes[first]:
                yield first, i
                first = i

    def until(self, stop: int) -> Epoch:
        """The first ``stop`` steps."""
        return Epoch(self.rows[:stop], self.sizes[:stop], self.settings[:stop], self.first_step)

    def after(self, done: int) -> Epoch:
        """The remaining steps after the first ``done``."""
        return Epoch(self.rows[done:], self.sizes[done:], self.settings[done:], self.first_step + done)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of an epoch.

    Attributes:
        state: The state after the last good step.
        losses: J of each step taken.
        failed: Whether the next step had a non-finite J; its state is discarded.
    """

    state: Arrays
    losses: NDArray[numpy.float64]
    failed: bool


def make_step(
    step: Callable[..., tuple[Sequence[Any], Any]],
    state: Sequence[NDArray[Any]],
    columns: int,
    batch: Sequence[Spec],
    dtype: Any,
) -> Step:
    """Trace ``step(state, settings, key, number, batch) -> (new state, J)`` for any batch size.

    Args:
        step: The function to trace.
        state: The state arrays, or arrays of the same shapes and dtypes.
        columns: The number of columns of the settings table.
        batch: Specs whose first dimension is the free ``"B"``.
        dtype: The dtype of the settings.
    """
    specs = [Spec(a.shape, a.dtype) for a in state]
    whole = numpy.dtype(numpy.uint32)
    circuit = trace(
        step, [tuple(specs), Spec((columns,), numpy.dtype(dtype)), Spec((2,), whole), Spec((), whole), tuple(batch)]
    )
    return Step(circuit, len(specs))
