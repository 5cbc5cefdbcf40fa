"""Rows: whether a circuit treats every row by itself, so that many rows may be run block by block.

A network's forward pass does; a loss, or anything that sums over rows or counts them, does not.
"""

from __future__ import annotations

from typing import Any

from backpass.circuit import Circuit
from backpass.circuit.operations.reduction import axes_of
from backpass.circuit.spec import Shape, Spec
from backpass.circuit.traced import Node

_ALIKE = ("cast", "to_unit", "identity", "stop_gradient")


def free_rows(circuit: Circuit) -> str | None:
    """The name of the one free length, if row i of every output depends on row i of the inputs alone; else None."""
    names = {d for node in circuit.nodes for d in node.spec.shape if isinstance(d, str)}
    if len(names) != 1 or not circuit.outputs:
        return None
    (name,) = names
    specs = [node.spec for node in circuit.nodes]
    for i, node in enumerate(circuit.nodes):
        arguments = [specs[j] for j in node.inputs]
        if not _has(node.spec.shape, name):
            if any(_has(spec.shape, name) for spec in arguments):
                return None  # rows became something else
        elif not (_leads(node.spec.shape, name) and (i < len(circuit.inputs) or _keeps_rows(node, arguments, name))):
            return None
    return name if all(_has(specs[i].shape, name) for i in circuit.outputs) else None


def _leads(shape: Shape, name: str) -> bool:
    return shape[0] == name and shape.count(name) == 1


def _has(shape: Shape, name: str) -> bool:
    return name in shape


def _keeps_rows(node: Node, arguments: list[Spec], name: str) -> bool:
    """Whether row i of the result comes from row i of those arguments that have rows (their first axis)."""
    operation, params, ndim = node.operation.name, node.params, node.spec.ndim
    with_rows = [spec for spec in arguments if _has(spec.shape, name)]
    if operation in _ALIKE or operation == "reshape":
        return True  # row by row in memory: the first axis stays the first
    if operation == "transpose":
        return bool(params["axes"][0] == 0)
    if operation == "slice_":
        return params["ranges"][0] is None
    if operation == "concatenate_":
        return bool(params["axis"] != 0)
    if operation in ("sum", "max", "logsumexp"):
        return 0 not in axes_of(params.get("axis"), arguments[0].ndim)
    if operation in ("affine", "matmul_"):
        return with_rows == [arguments[0]] and arguments[0].ndim == 2
    if operation == "take":
        return _takes_by_row(params, arguments, name)
    is_elementwise = node.operation.meaning.__module__.endswith("operations.elementwise") or operation == "broadcast_to"
    return is_elementwise and all(spec.ndim == ndim for spec in with_rows)


def _takes_by_row(params: Any, arguments: list[Spec], name: str) -> bool:
    """Rows of a table by the numbers in each row, or the same columns of every row."""
    x, indices = (_has(spec.shape, name) for spec in arguments)
    return bool(indices and not x and params["axis"] == 0) or bool(x and not indices and params["axis"] != 0)
