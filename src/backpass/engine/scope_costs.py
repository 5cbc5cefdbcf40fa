"""Scope costs: floating-point operations and time of each labeled part of a circuit.

It takes a circuit and inputs, and evaluates the circuit node by node with NumPy. Totals of whole circuits are
``Circuit.flops`` and ``Circuit.size``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from backpass.circuit import Circuit
from backpass.circuit.node import Node
from backpass.circuit.spec import match
from backpass.dataclass import dataclass

REPEATS = 5


@dataclass(frozen=True, slots=True)
class ScopeCost:
    """One labeled part of a circuit.

    Attributes:
        label: The label; empty for operations without one.
        flops: Floating-point operations.
        seconds: The shortest time of the repeats, in seconds.
    """

    label: str
    flops: int
    seconds: float


def scope_costs(circuit: Circuit, inputs: Sequence[Any], repeats: int = REPEATS) -> list[ScopeCost]:
    """The cost of each label, in the order of first use.

    Args:
        circuit: The circuit.
        inputs: One array per input.
        repeats: The number of evaluations.
    """
    lengths = match(circuit.inputs, circuit.arrays_for(inputs), circuit.input_names)
    runs = [_times(circuit, inputs) for _ in range(repeats)]
    return [ScopeCost(label, circuit.flops_of(label, **lengths), min(run[label] for run in runs)) for label in runs[0]]


def _times(circuit: Circuit, inputs: Sequence[Any]) -> dict[str, float]:
    """Label -> seconds, in one evaluation."""
    seconds: dict[str, float] = {}
    last = time.perf_counter()

    def watch(index: int, node: Node, value: Any) -> None:
        nonlocal last
        now = time.perf_counter()
        seconds[node.label] = seconds.get(node.label, 0.0) + now - last
        last = time.perf_counter()

    circuit.evaluate(inputs, watch)
    return seconds
