"""Row independence: whether a circuit processes each row separately, so that many rows can run block by block.

The forward pass of a network does; a loss, or anything that sums or counts rows, does not. Each operation declares its
own rule (see ``circuit.row_rules``).
"""

from __future__ import annotations

from collections.abc import Sequence

from backpass.circuit import Circuit, Spec
from backpass.circuit.node import Node


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


def _keeps_rows(node: Node, arguments: Sequence[Spec], length: str) -> bool:
    return node.operation.rows(node.params, arguments, node.spec, length)
