"""The first fault: when J is not finite, which operation of the step made the first number that is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit.traced import Node
from backpass.engine.step import Arrays, Epoch, Step


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the first value that is not finite appeared."""

    label: str
    operation: str
    value: float
    row: int | None

    def __str__(self) -> str:
        place = self.label or "the loss"
        at = f", batch row {self.row}" if self.row is not None else ""
        return f"{place} ({self.operation}{at}: {self.value:g})"


class _Found(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def first_fault(
    step: Step, state: Arrays, key: NDArray[Any], data: Sequence[NDArray[Any]], epoch: Epoch
) -> Fault | None:
    """Replay the first step of an epoch operation by operation, and stop at the first value that is not finite."""
    size = int(epoch.sizes[0])
    rows = epoch.rows[0, :size]
    number = numpy.asarray(epoch.first_step, dtype=numpy.uint32)
    inputs = [*state, epoch.settings[0], key, number, *(array[rows] for array in data)]
    for i, array in enumerate(inputs[: step.states]):
        if not numpy.isfinite(array).all():
            value = float(array[~numpy.isfinite(array)][0])
            return Fault("the state before the step", step.circuit.input_names[i], value, None)
    try:
        step.circuit.evaluate(inputs, watch=_watch)
    except _Found as found:
        return found.fault
    return None


def _watch(i: int, node: Node, value: Any) -> None:
    array = numpy.asarray(value)
    if node.operation.name == "constant" or array.dtype.kind != "f" or numpy.isfinite(array).all():
        return
    position = tuple(int(p) for p in numpy.argwhere(~numpy.isfinite(array))[0])
    row = position[0] if node.spec.shape[:1] == ("B",) else None
    raise _Found(Fault(node.label, node.operation.name.rstrip("_"), float(array[position]), row))
