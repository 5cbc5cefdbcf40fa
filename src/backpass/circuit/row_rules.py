"""Row rules: whether an operation processes each row by itself, so that many rows can run block by block.

Rows are the elements along one free length, on whatever axis it stands. Every operation declares its rule; rules that
only one operation has are declared beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backpass.circuit.spec import Shape, Spec

Params = Mapping[str, Any]


def shapes_with_rows(inputs: Sequence[Spec], length: str) -> list[Shape]:
    """The shapes of the inputs that have rows."""
    return [spec.shape for spec in inputs if length in spec.shape]


def mixed(params: Params, inputs: Sequence[Spec], output: Spec, length: str) -> bool:
    """Rows depend on each other, or are not rows of the inputs: such an operation needs all rows at once."""
    return False


def in_place(params: Params, inputs: Sequence[Spec], output: Spec, length: str) -> bool:
    """Element i of the output depends on element i of the only input."""
    return length in inputs[0].shape


def aligned(params: Params, inputs: Sequence[Spec], output: Spec, length: str) -> bool:
    """Rows are independent if broadcasting puts those of every input onto those of the output."""
    from_the_end = output.ndim - output.shape.index(length)
    return all(len(shape) - shape.index(length) == from_the_end for shape in shapes_with_rows(inputs, length))
