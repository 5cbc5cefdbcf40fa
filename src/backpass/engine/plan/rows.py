"""Row independence: whether a circuit processes each row separately, so that many rows can run block by block.

The forward pass of a network does; a loss, or anything that sums or counts rows, does not.
"""

from __future__ import annotations

from math import prod
from typing import Any

from backpass.circuit import Circuit
from backpass.circuit.operations.reduction import axes_of
from backpass.circuit.spec import Spec
from backpass.circuit.traced import Node

_ALIKE = ("cast", "to_unit", "identity", "stop_gradient")


def free_rows(circuit: Circuit) -> str | None:
    """The only free length, if row i of every output depends only on row i of the inputs; else None.

    In inputs and outputs, rows are the first axis; intermediate values may have them on any axis.
    """
    names = {d for node in circuit.nodes for d in node.spec.shape if isinstance(d, str)}
    if len(names) != 1 or not circuit.outputs:
        return None
    (name,) = names
    specs = [node.spec for node in circuit.nodes]
    for i, node in enumerate(circuit.nodes):
        arguments = [specs[j] for j in node.inputs]
        if name not in node.spec.shape:
            if any(name in spec.shape for spec in arguments):
                return None  # rows were reduced or rearranged
        elif node.spec.shape.count(name) > 1 or not (i < len(circuit.inputs) or _keeps_rows(node, arguments, name)):
            return None
    outside = [spec.shape for spec in circuit.inputs if name in spec.shape] + [specs[i].shape for i in circuit.outputs]
    return name if all(shape[:1] == (name,) for shape in outside) else None


def _keeps_rows(node: Node, arguments: list[Spec], name: str) -> bool:
    """Whether row i of the result depends only on row i of the arguments that have rows."""
    operation, params, shape = node.operation.name, node.params, node.spec.shape
    with_rows = [spec.shape for spec in arguments if name in spec.shape]
    if not with_rows:
        return operation == "broadcast_to"  # all rows are equal
    axis, first = shape.index(name), with_rows[0].index(name)
    if operation in _ALIKE:
        return True
    if operation == "reshape":  # the row axis keeps its distance from the start of memory order
        return prod(map(int, shape[:axis])) == prod(map(int, with_rows[0][:first]))
    if operation == "transpose":
        return bool(params["axes"][axis] == first)
    if operation == "slice_":
        return params["ranges"][axis] is None
    if operation == "assemble":
        return all(ranges[axis] is None for ranges in params["ranges"])
    if operation == "concatenate_":
        return bool(params["axis"] != axis)
    if operation in ("sum", "max", "logsumexp"):
        return first not in axes_of(params.get("axis"), len(with_rows[0]))
    if operation in ("affine", "matmul_"):
        return with_rows == [arguments[0].shape] and first < len(with_rows[0]) - 1
    if operation == "take":
        return _takes_by_row(params, arguments, name)
    is_elementwise = node.operation.forward.__module__.endswith("operations.elementwise") or operation == "broadcast_to"
    return is_elementwise and all(len(each) - each.index(name) == len(shape) - axis for each in with_rows)


def _takes_by_row(params: Any, arguments: list[Spec], name: str) -> bool:
    """Whether it takes rows of a table by the indices in each row, or the same columns of every row."""
    x, indices = (spec.shape for spec in arguments)
    if name in indices:
        return name not in x and indices[0] == name and params["axis"] == 0
    return bool(x[0] == name and params["axis"] != 0)
