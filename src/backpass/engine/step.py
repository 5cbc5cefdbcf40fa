"""A step and an epoch: what an engine is asked to run.

A ``Step`` is a circuit from (state, settings, key, step number, batch) to (new state, J). An ``Epoch`` says which rows
each step reads and which settings it uses; every sampling scheme and every schedule only writes these two tables. The
engine neither knows nor cares that the state holds the parameters of a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit, Spec, trace
from backpass.errors import ShapeError

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One training step as a circuit.

    inputs: the state arrays, settings (columns,), key uint32 (2,), step uint32 (), then the batch arrays (B, ...)
    outputs: the state arrays again, then J ()
    """

    circuit: Circuit
    states: int

    @property
    def batch(self) -> tuple[Spec, ...]:
        """The specs of the batch arrays."""
        return self.circuit.inputs[self.states + 3 :]


@dataclass(frozen=True, slots=True)
class Epoch:
    """Some steps in a row.

    rows int (steps, B): the rows of the data that each step reads; a step uses the first ``sizes`` of them
    settings (steps, columns): the hyperparameters of each step
    first_step: the number of the first step, counted over the whole run (random draws depend on it)
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

    def until(self, stop: int) -> Epoch:
        """The first ``stop`` steps."""
        return Epoch(self.rows[:stop], self.sizes[:stop], self.settings[:stop], self.first_step)

    def after(self, done: int) -> Epoch:
        """What is left when ``done`` steps have been taken."""
        return Epoch(self.rows[done:], self.sizes[done:], self.settings[done:], self.first_step + done)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an epoch: the state after the last good step, and J of each step taken.

    ``failed`` is true when the step after those gave a J that is not finite; its state is not kept.
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

    ``state``: the arrays (or arrays like them); ``batch``: specs whose first dimension is the free ``"B"``.
    """
    specs = [Spec(a.shape, a.dtype) for a in state]
    whole = numpy.dtype(numpy.uint32)
    circuit = trace(
        step, [tuple(specs), Spec((columns,), numpy.dtype(dtype)), Spec((2,), whole), Spec((), whole), tuple(batch)]
    )
    return Step(circuit, len(specs))
