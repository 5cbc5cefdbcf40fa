"""The first fault: when training meets a number that is not finite, which operation of which step made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit.traced import Node
from backpass.engine.engine import Engine
from backpass.engine.step import Arrays, Epoch, Step

_ROWS_NAMED = 5


@dataclass(frozen=True, slots=True)
class NonFiniteOrigin:
    """Where the first value that is not finite appeared.

    label, operation: the part of the step and what it did there    step: its number, from 1
    rows: of the batch, from 0; none where the value is not one of a row
    """

    label: str
    operation: str
    step: int
    value: float
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        place = f"the {self.label}" if self.label.startswith("gradient") else self.label or "the loss"
        how = f" (operation {self.operation})" if self.operation else ""
        return f"{place}{how} at step {self.step}{self._rows()}: {self.value:g}"

    def may_cause(self, other: NonFiniteOrigin) -> bool:
        """Whether the other may come from this one: where both are faults of rows, they share one."""
        return not self.rows or not other.rows or not {*self.rows}.isdisjoint(other.rows)

    def _rows(self) -> str:
        if not self.rows:
            return ""
        names = [str(row) for row in self.rows[:_ROWS_NAMED]]
        if more := len(self.rows) - len(names):
            names.append(f"{more} more")
        most, last = ", ".join(names[:-1]), names[-1]
        return f", rows {most} and {last} of the batch" if most else f", row {last} of the batch"


def first_fault(
    engine: Engine, step: Step, state: Arrays, key: NDArray[Any], data: Sequence[NDArray[Any]], epoch: Epoch
) -> NonFiniteOrigin:
    """Find the step of an epoch after which J or the state is not finite, and replay it operation by operation.

    ``state`` is that before the epoch. The epoch is halved until one step is left, so that a state which broke long
    before J did is found where it broke.
    """
    while epoch.steps > 1:
        half = epoch.until(epoch.steps // 2)
        outcome = engine.run_epoch(step, state, key, data, half, lambda done: False)
        if outcome.failed or not is_finite(outcome.state):
            epoch = half
        else:
            state, epoch = outcome.state, epoch.after(half.steps)
    return _replayed(step, state, key, data, epoch)


def is_finite(state: Sequence[NDArray[Any]]) -> bool:
    """Whether every number of the state is finite."""
    return all(bool(numpy.isfinite(array).all()) for array in state)


def _replayed(
    step: Step, state: Arrays, key: NDArray[Any], data: Sequence[NDArray[Any]], epoch: Epoch
) -> NonFiniteOrigin:
    """The fault of the one step of this epoch."""
    number = epoch.first_step + 1
    for array, name in zip(state, step.circuit.input_names, strict=False):
        if not numpy.isfinite(array).all():
            return NonFiniteOrigin("the state before the step", name, number, float(array[~numpy.isfinite(array)][0]))
    rows = epoch.rows[0, : int(epoch.sizes[0])]
    count = numpy.asarray(epoch.first_step, dtype=numpy.uint32)
    found: dict[int, NonFiniteOrigin] = {}

    def watch(i: int, node: Node, value: Any) -> None:
        if (fault := _fault_in(node, numpy.asarray(value), number)) is not None:
            found[i] = fault

    step.circuit.evaluate([*state, epoch.settings[0], key, count, *(array[rows] for array in data)], watch=watch)
    *after, J = step.circuit.outputs
    broken = next((i for i in (J, *after) if i in found), None)
    if broken is None:  # only in the engine's own arithmetic, such as where it takes the smallest numbers for 0
        return NonFiniteOrigin("the state after the step", "", number, numpy.nan)
    # A value that is not finite and that no output rests on, such as the branch not taken of a condition, is no fault.
    while causes := [i for i in step.circuit.nodes[broken].inputs if i in found and found[i].may_cause(found[broken])]:
        broken = min(causes)
    return found[broken]


def _fault_in(node: Node, value: NDArray[Any], number: int) -> NonFiniteOrigin | None:
    if node.operation.name == "constant" or value.dtype.kind != "f" or numpy.isfinite(value).all():
        return None
    places = numpy.argwhere(~numpy.isfinite(value))
    rows = tuple(int(row) for row in numpy.unique(places[:, 0])) if node.spec.shape[:1] == ("B",) else ()
    return NonFiniteOrigin(node.label, node.operation.name.rstrip("_"), number, float(value[tuple(places[0])]), rows)
