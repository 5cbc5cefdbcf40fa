"""Origin of a non-finite value: finds the step and the operation that first produced it during training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit.node import Node
from backpass.dataclass import dataclass
from backpass.engine.engine import Engine
from backpass.engine.step import Arrays, Epoch, Step

_ROWS_NAMED = 5


@dataclass(frozen=True, slots=True)
class NonFiniteOrigin:
    """The place where the first non-finite value appeared.

    Attributes:
        label: The scope in the step.
        operation: The operation.
        step: The number of the step, from 1.
        value: The value.
        rows: The rows of the batch that contain it, from 0; empty if the value does not belong to a row.
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
        """Whether the other value may result from this one: if both belong to rows, they must share one."""
        return not self.rows or not other.rows or not {*self.rows}.isdisjoint(other.rows)

    def _rows(self) -> str:
        if not self.rows:
            return ""
        names = [str(row) for row in self.rows[:_ROWS_NAMED]]
        if more := len(self.rows) - len(names):
            names.append(f"{more} more")
        most, last = ", ".join(names[:-1]), names[-1]
        return f", rows {most} and {last} of the batch" if most else f", row {last} of the batch"


def first_non_finite(
    engine: Engine, step: Step, state: Arrays, key: NDArray[Any], data: Sequence[NDArray[Any]], epoch: Epoch
) -> NonFiniteOrigin:
    """Find the step of an epoch after which J or the state is not finite, and replay it operation by operation.

    The search bisects the epoch, so it finds the step that broke the state even if J became non-finite much later.

    Args:
        engine: The engine that ran the epoch.
        step: The step.
        state: The state before the epoch.
        key: The random key.
        data: Arrays whose first axis is the rows.
        epoch: The steps to search.
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
    """Whether all numbers of the state are finite."""
    return all(bool(numpy.isfinite(array).all()) for array in state)


def _replayed(
    step: Step, state: Arrays, key: NDArray[Any], data: Sequence[NDArray[Any]], epoch: Epoch
) -> NonFiniteOrigin:
    """Find the origin within the single step of this epoch."""
    number = epoch.first_step + 1
    for array, name in zip(state, step.circuit.input_names, strict=False):
        if not numpy.isfinite(array).all():
            return NonFiniteOrigin("the state before the step", name, number, float(array[~numpy.isfinite(array)][0]))
    rows = epoch.rows[0, : int(epoch.sizes[0])]
    count = numpy.asarray(epoch.first_step, dtype=numpy.uint32)
    found: dict[int, NonFiniteOrigin] = {}

    def watch(i: int, node: Node, value: Any) -> None:
        if (origin := _non_finite_in(node, numpy.asarray(value), number)) is not None:
            found[i] = origin

    step.circuit.evaluate([*state, epoch.settings[0], key, count, *(array[rows] for array in data)], watch=watch)
    *after, J = step.circuit.outputs
    broken = next((i for i in (J, *after) if i in found), None)
    if broken is None:  # only in the engine's own arithmetic, for example where it flushes subnormal numbers to 0
        return NonFiniteOrigin("the state after the step", "", number, numpy.nan)
    # A non-finite value that no output depends on, such as the branch not taken of a condition, does not count.
    while causes := [i for i in step.circuit.nodes[broken].inputs if i in found and found[i].may_cause(found[broken])]:
        broken = min(causes)
    return found[broken]


def _non_finite_in(node: Node, value: NDArray[Any], number: int) -> NonFiniteOrigin | None:
    if node.operation.name == "constant" or value.dtype.kind != "f" or numpy.isfinite(value).all():
        return None
    places = numpy.argwhere(~numpy.isfinite(value))
    rows = tuple(int(row) for row in numpy.unique(places[:, 0])) if node.spec.shape[:1] == ("B",) else ()
    return NonFiniteOrigin(node.label, node.operation.name.rstrip("_"), number, float(value[tuple(places[0])]), rows)
