"""Custom activation: a function sigma given by the user, kept as the elementwise operations that it is made of.

The function is traced once. What remains are names of operations and numbers, so that networks with the same function
are equal, and a model file holds the function as plain data: no code is stored, and none runs when a file is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from types import ModuleType
from typing import Any

import numpy

from backpass.circuit import Array, Circuit, Spec, trace
from backpass.circuit.operation import Operation
from backpass.circuit.operations import elementwise
from backpass.dataclass import dataclass
from backpass.errors import BackpassError, UsageError

CUSTOM = "custom"
"""Stands for a function in settings and on screen."""
_CONSTANT = "constant"


def _operations_of(module: ModuleType) -> dict[str, Operation[Any]]:
    return {each.name: each for each in vars(module).values() if isinstance(each, Operation)}


_OPERATIONS = _operations_of(elementwise)
_Z = Spec(("n", "m"), numpy.dtype(numpy.float64))


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of an activation, or one of its numbers.

    Attributes:
        operation: The name of an elementwise operation, or "constant".
        inputs: The arguments: 0 for z, i for the result of step i, counted from 1.
        value: The number, for a constant.
    """

    operation: str
    inputs: tuple[int, ...] = ()
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class CustomActivation:
    """a = sigma(z) for each element of z, as a sequence of operations; the last one gives a.

    Attributes:
        steps: The operations.

    >>> swish = CustomActivation.of(lambda z: z * elementwise.sigmoid(1.5 * z))
    >>> [step.operation for step in swish.steps]
    ['constant', 'multiply', 'sigmoid', 'multiply']
    >>> swish == CustomActivation.of(lambda x: x * elementwise.sigmoid(1.5 * x))
    True
    """

    steps: tuple[Step, ...]

    def __call__(self, z: Array) -> Array:
        a = self._last(z)
        # Products of truth values and numbers are float64, also in a float32 network.
        return a if a.dtype == z.dtype else a.astype(z.dtype)

    def _last(self, z: Array) -> Array:
        """The result of the last step."""
        values = [z]
        for step in self.steps:
            is_number = step.operation == _CONSTANT
            values.append(step.value if is_number else _OPERATIONS[step.operation](*(values[i] for i in step.inputs)))
        return values[-1]

    def __str__(self) -> str:
        return CUSTOM

    @staticmethod
    def of(function: Callable[[Array], Array]) -> CustomActivation:
        """The activation that a function of the operations computes.

        Args:
            function: z -> a, made of operations.

        Raises:
            UsageError: It cannot be traced, is not elementwise, or does not depend on z.
        """
        try:
            circuit = trace(function, [_Z])
        except BackpassError as error:
            raise _unusable(error.message, error.hint) from None
        except Exception as error:
            raise _unusable(f"it raised {type(error).__name__}: {error}", "") from error
        return _checked(_steps_of(circuit))

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {"steps": [{**asdict(step), "inputs": list(step.inputs)} for step in self.steps]}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> CustomActivation:
        """The activation that ``to_json`` wrote.

        Args:
            data: What ``to_json`` returns.

        Raises:
            UsageError: The data do not describe an activation.
        """
        return _checked(
            tuple(Step(step["operation"], tuple(step["inputs"]), float(step["value"])) for step in data["steps"])
        )


def _steps_of(circuit: Circuit) -> tuple[Step, ...]:
    """The operations of a traced function.

    Raises:
        UsageError: An operation or a constant cannot be part of an activation.
    """
    if len(circuit.outputs) != 1:
        raise _unusable(f"it returns {len(circuit.outputs)} arrays", "return one array of the shape of z")
    sources = [0]
    steps: list[Step] = []
    for _, node in circuit.operations:
        name = node.operation.name
        if name == "constant":
            steps.append(Step(_CONSTANT, (), _number_of(node.params["value"], node.line)))
            sources.append(len(steps))
        elif name == "cast" and numpy.dtype(node.params["dtype"]).kind == "f":
            sources.append(sources[node.inputs[0]])  # numbers have the dtype of the network
        elif name in _OPERATIONS:
            steps.append(Step(name, tuple(sources[i] for i in node.inputs)))
            sources.append(len(steps))
        else:
            raise _unusable(f"{node.line}: {name} does not act element by element", "")
    return tuple(steps)


def _number_of(value: Any, line: str) -> float:
    if value.ndim or not isfinite(float(value)):
        raise _unusable(f"{line}: it uses an array, or a number that is not finite", "use finite numbers")
    return float(value)


def _checked(steps: Sequence[Step]) -> CustomActivation:
    """The activation, if every step has known arguments and the last one gives real numbers of the shape of z.

    Raises:
        UsageError: It does not.
    """
    if not steps:
        raise _unusable("it returns z itself", 'activation="identity" leaves z as it is')
    for number, step in enumerate(steps):
        operation = _OPERATIONS.get(step.operation)
        count = len(operation.arguments) if operation is not None else 0 if step.operation == _CONSTANT else -1
        if len(step.inputs) != count or not all(0 <= i <= number for i in step.inputs):
            raise _unusable(f"step {number + 1} has an unknown operation or argument", "")
    activation = CustomActivation(tuple(steps))
    try:
        circuit = trace(activation._last, [_Z])
    except BackpassError as error:
        raise _unusable(error.message, error.hint) from None
    spec = circuit.nodes[circuit.outputs[0]].spec
    if spec != _Z:
        raise _unusable(f"it maps {_Z!r} to {spec!r}", "return one number per element of z")
    return activation


def _unusable(message: str, hint: str) -> UsageError:
    rule = "an activation is a function of z made of backpass.operations, element by element"
    return UsageError(f"the function cannot be an activation: {message}", hint=hint or rule)
