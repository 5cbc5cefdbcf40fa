"""NumPy engine: one NumPy call per operation. It is the reference for all other engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, ClassVar

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit
from backpass.circuit.circuit import bind_param
from backpass.engine.engine import Engine
from backpass.engine.step import Arrays, Epoch, Outcome, Step

_Instruction = tuple[Callable[..., Any], tuple[int, ...], dict[str, Any], int, tuple[int, ...]]


class _Program:
    """A circuit prepared for one batch size: parameters bound and NumPy functions looked up."""

    def __init__(self, circuit: Circuit, lengths: dict[str, int]) -> None:
        self.inputs = len(circuit.inputs)
        self.slots = len(circuit.nodes)
        self.outputs = circuit.outputs
        self.instructions: list[_Instruction] = [
            (
                node.operation.forward,
                node.inputs,
                {key: bind_param(value, lengths) for key, value in node.params.items()},
                i,
                circuit.last_uses[i],
            )
            for i, node in circuit.operations
        ]

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        alive: list[Any] = [None] * self.slots
        alive[: self.inputs] = inputs
        for forward, arguments, params, i, dead in self.instructions:
            alive[i] = forward(*[alive[j] for j in arguments], **params)
            for j in dead:
                alive[j] = None
        return [alive[i] for i in self.outputs]


class NumpyEngine(Engine):
    """Runs circuits with one NumPy call per operation."""

    name: ClassVar[str] = "numpy"

    def run(self, circuit: Circuit, *inputs: Any) -> list[NDArray[Any]]:
        return circuit.evaluate(inputs)

    def run_epoch(
        self,
        step: Step,
        state: Arrays,
        key: NDArray[Any],
        data: Sequence[NDArray[Any]],
        epoch: Epoch,
        should_stop: Callable[[int], bool],
    ) -> Outcome:
        programs: dict[int, _Program] = {}
        losses: list[float] = []
        settings_dtype = step.circuit.inputs[step.states].dtype
        settings = epoch.settings.astype(settings_dtype)
        with numpy.errstate(all="ignore"):
            for s in range(epoch.steps):
                if should_stop(s):
                    break
                size = int(epoch.sizes[s])
                if size not in programs:
                    programs[size] = _Program(step.circuit, {"B": size})
                rows = epoch.rows[s, :size]
                number = numpy.asarray(epoch.first_step + s, dtype=numpy.uint32)
                batch = [array[rows] for array in data]
                *new_state, J = programs[size]([*state, settings[s], key, number, *batch])
                if not isfinite(J):
                    return Outcome(state, numpy.array(losses), failed=True)
                state = tuple(new_state)
                losses.append(float(J))
        return Outcome(state, numpy.array(losses), failed=False)
