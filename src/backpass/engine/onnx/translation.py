"""Translation of a circuit to nodes of an ONNX graph.

Operations on constants are folded with their NumPy functions, so that W1 is a constant of the graph and not a slice of
theta.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit
from backpass.circuit.circuit import bind_param, is_bound_late
from backpass.circuit.node import Node
from backpass.circuit.spec import Spec, match
from backpass.engine.onnx.forms import FORMS, WITHOUT_FORM
from backpass.engine.onnx.graph import Graph, Operand, Value
from backpass.engine.onnx.writer import Writer
from backpass.errors import CircuitError


def translate(graph: Graph, circuit: Circuit, inputs: Sequence[Value | NDArray[Any]]) -> list[Value]:
    """Write a circuit into a graph.

    Args:
        graph: The graph.
        circuit: The circuit.
        inputs: Values of the graph, or arrays, which become constants.

    Returns:
        The outputs.

    Raises:
        CircuitError: If an operation has no ONNX form; the message names it.
        ShapeError: If an input does not match its spec; the message names it.
    """
    values = [
        value if isinstance(value, Value) else Value.constant(numpy.asarray(value, dtype=spec.dtype))
        for value, spec in zip(inputs, circuit.inputs, strict=True)
    ]
    # A dimension that is free in the circuit may be fixed, or have another name, in the graph.
    lengths: Mapping[str, Any] = match(circuit.inputs, values, circuit.input_names)
    for _, node in circuit.operations:
        values.append(_written(graph, _bound(node, lengths), [values[i] for i in node.inputs]))
    return [values[i] for i in circuit.outputs]


def _bound(node: Node, lengths: Mapping[str, Any]) -> Node:
    """The node with the circuit's dimensions replaced by those of the graph."""
    shape = tuple(lengths[d] if isinstance(d, str) else d for d in node.spec.shape)
    params = {key: bind_param(value, lengths) for key, value in node.params.items()}
    return replace(node, params=params, spec=Spec(shape, node.spec.dtype))


def _written(graph: Graph, node: Node, arguments: Sequence[Value]) -> Value:
    if (array := _known(node, arguments)) is not None:
        return Value.constant(array)
    name = node.operation.name
    if name not in FORMS:
        place = f" ({node.label})" if node.label else ""
        raise CircuitError(
            f"operation {name.rstrip('_')!r}{place} has no form in ONNX: {WITHOUT_FORM.get(name, 'none is declared')}",
            hint="leave it out of the export",
        )
    stem = "/".join(part.replace(" ", "_") for part in (node.label, name.rstrip("_")) if part)
    return _value(FORMS[name](Writer(graph, stem), node, arguments), node.spec)


def _known(node: Node, arguments: Sequence[Value]) -> NDArray[Any] | None:
    """The result, if it is constant and not larger than the arguments; else None."""
    arrays = [value.array for value in arguments if value.array is not None]
    if len(arrays) < len(arguments) or node.operation.name == "argument":
        return None
    if is_bound_late(node.spec.shape) or any(is_bound_late(value) for value in node.params.values()):
        return None
    if arguments and node.spec.size({}) > sum(array.size for array in arrays):
        return None
    with numpy.errstate(all="ignore"):
        return numpy.asarray(node.operation.forward(*arrays, **node.params))


def _value(result: Operand, spec: Spec) -> Value:
    if isinstance(result, Value):
        return Value(result.name, spec, result.array)
    return Value(result, spec) if isinstance(result, str) else Value("", spec, result)
