"""Lowering: turns a circuit with its lengths into a graph of terms; names, shapes and slices become views.

It also simplifies: equal terms are shared, constants are folded where that is exact, x 1, x + 0 and the like become x,
operations that move no numbers become views, and log-sum-exp is decomposed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backpass.circuit import Circuit
from backpass.circuit.circuit import bind_param
from backpass.circuit.node import Node
from backpass.circuit.primitive import Primitive
from backpass.circuit.spec import bind
from backpass.engine.plan.builder import GraphBuilder
from backpass.engine.plan.graph import Graph
from backpass.engine.plan.limits import DTYPES, Unplannable
from backpass.engine.plan.lowering import arrangement, contraction, elementwise
from backpass.engine.plan.strides import Lengths
from backpass.engine.plan.term import TermKind, View

Rule = Callable[[GraphBuilder, Node, list[View], dict[str, Any], Lengths], View]
"""(builder, node, views of its arguments, params with their lengths, shape) -> the view of its value."""

RULES: Mapping[str, Rule] = {
    "constant": arrangement.constant,
    "identity": arrangement.same,
    "stop_gradient": arrangement.same,
    "cast": elementwise.cast_to_output,
    "to_unit": elementwise.to_unit,
    "reshape": arrangement.reshape,
    "transpose": arrangement.transpose,
    "broadcast_to": arrangement.broadcast_to,
    "slice_": arrangement.slice_,
    "assemble": arrangement.assemble,
    "concatenate_": arrangement.concatenate,
    "matmul_": contraction.product,
    "affine": contraction.product,
    "sum": contraction.reduce,
    "max": contraction.reduce,
    "logsumexp": contraction.logsumexp,
    "take": contraction.take,
    "scatter_add": contraction.scatter_add,
    "random_bits": contraction.random_bits,
}
"""The rules of operations by name. Other elementwise operations become a map of the same name."""


def rule_of(operation: Primitive) -> Rule | None:
    """How an operation is lowered; None if the core cannot run it."""
    return RULES.get(operation.name, elementwise.elementwise if operation.is_elementwise else None)


def lower(circuit: Circuit, lengths: Mapping[str, int]) -> Graph:
    """Lower a circuit.

    Raises:
        Unplannable: If a dtype, rank or operation is not supported by the core.
    """
    builder = GraphBuilder()
    views: list[View] = []
    for i, node in enumerate(circuit.nodes):
        shape = bind(node.spec.shape, lengths)
        if node.spec.dtype not in DTYPES:
            raise Unplannable(f"{node.operation.name} of dtype {node.spec.dtype.name}")
        builder.label = node.label
        if i < len(circuit.input_names):
            name = circuit.input_names[i]
            views.append(builder.append(TermKind.INPUT, name, (), shape, node.spec.dtype, {"at": i}).whole)
            continue
        params = {key: bind_param(value, lengths) for key, value in node.params.items()}
        rule = rule_of(node.operation)
        if rule is None:
            raise Unplannable(f"no rule for the operation {node.operation.name!r}")
        view = rule(builder, node, [views[j] for j in node.inputs], params, shape)
        assert view.shape == shape, (node.operation.name, view.shape, shape)
        views.append(view)
    return Graph.of([views[i].term for i in range(len(circuit.inputs))], [views[i] for i in circuit.outputs])
