"""Listing of a circuit: its nodes in order, and their text form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from backpass.circuit.node import Node
from backpass.circuit.spec import Spec, text_of
from backpass.dataclass import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """Operations in topological order: each comes after its arguments.

    Attributes:
        name: The name of the traced function.
        nodes: The inputs, ``nodes[:len(input_names)]``, followed by the operations.
        input_names: The names of the inputs.
        outputs: The indices of the output nodes.
    """

    name: str
    nodes: tuple[Node, ...]
    input_names: tuple[str, ...]
    outputs: tuple[int, ...]

    @property
    def inputs(self) -> tuple[Spec, ...]:
        return tuple(node.spec for node in self.nodes[: len(self.input_names)])

    @property
    def operations(self) -> Iterator[tuple[int, Node]]:
        """The nodes other than inputs, with their indices."""
        return ((i, node) for i, node in enumerate(self.nodes) if i >= len(self.input_names))

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """The circuit as text, one operation per line."""
        inputs = ", ".join(f"{name}: {spec!r}" for name, spec in zip(self.input_names, self.inputs, strict=True))
        yield f"{self.name}({inputs})"
        labeled = ""
        for i, node in self.operations:
            if node.label != labeled:
                labeled = node.label
                yield f"  -- {labeled or 'unnamed'}"
            yield f"  {' = '.join(node.names or (self.reference(i),))} = {self.text(i)}   {node.spec!r}"
        yield f"  return {', '.join(self.reference(i) for i in self.outputs)}"

    def reference(self, i: int) -> str:
        """The text that refers to node i: the name of an input or of a named value, else a number.

        Args:
            i: The number of the node.
        """
        if i < len(self.input_names):
            return self.input_names[i]
        return self.nodes[i].names[-1] if self.nodes[i].names else f"%{i}"

    def text(self, i: int) -> str:
        """The operation of node i with its arguments, on one line.

        Args:
            i: The number of the node.
        """
        node = self.nodes[i]
        if node.operation.name == "constant":
            value = node.params["value"]
            return f"{value.item():g}" if value.ndim == 0 else f"constant array {text_of(value.shape)}"
        parts = [self.reference(j) for j in node.inputs]
        parts += [f"{key}={_param_text(value)}" for key, value in node.params.items() if key != "ranges"]
        if "ranges" in node.params:
            parts.append(f"ranges={_ranges_text(node.params['ranges'])}")
        return f"{node.operation.name.rstrip('_')}({', '.join(parts)})"


def _param_text(value: Any) -> str:
    if isinstance(value, tuple):
        return text_of(value)
    return value.name if isinstance(value, numpy.dtype) else str(value)


def _ranges_text(ranges: tuple[Any, ...]) -> str:
    if ranges and isinstance(ranges[0], tuple) and (not ranges[0] or not isinstance(ranges[0][0], int)):
        return " ".join(_ranges_text(place) for place in ranges)
    parts = [":" if r is None else f"{r[0]}:{r[1]}" + (f":{r[2]}" if r[2] != 1 else "") for r in ranges]
    return f"[{', '.join(parts)}]"
