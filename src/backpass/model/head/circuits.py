"""Circuits of a head: the decoding of a model's outputs to predictions, for anything that runs circuits.

It takes the head of a model and returns traced functions and circuits, equivalent to ``Model.predictions``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.circuit.operations import concatenate, isnan, where
from backpass.model.head.head import Head
from backpass.model.head.heads import AnyHead, Heads

WIDE: np.dtype[Any] = np.dtype(np.float64)


def averaged(head: AnyHead, outputs: Sequence[Array]) -> Array:
    """The outputs of each network, (n, k)  ->  outputs that correspond to the average of their predictions."""
    with label("average"):
        return head.named.averaged(outputs) if len(outputs) > 1 else outputs[0]


def predicted(head: Head | Heads, o: Array) -> Array:
    """outputs o (n, k) -> numbers (n,) in the target's unit, or probabilities (n, classes), as ``Head.predictions``

    For labels, the probability that each one is on, (n, k), as ``Heads.predictions``.
    """
    with label("head"):
        p = head.named.predicted(o).astype(WIDE)
        if isinstance(head, Heads):
            return p
        if head.target.classes:
            return concatenate([1.0 - p, p], axis=1) if head.outputs == 1 else p / p.sum(axis=1, keepdims=True)
        if head.scale.scale == 0.0:
            return where(isnan(p[:, 0]), head.scale.center, head.scale.center)  # the center for every row
        return head.scale.decode(p[:, 0])


def averaging(head: AnyHead, networks: int, dtype: Any, rows: str = "n") -> Circuit:
    """``averaged`` as a circuit of the outputs of ``networks`` networks."""

    def average(*outputs: Array) -> Array:
        return averaged(head, outputs)

    return trace(average, [Spec((rows, head.outputs), dtype)] * networks)


def predicting(head: AnyHead, dtype: Any, rows: str = "n") -> Circuit:
    """``predicted`` as a circuit of the outputs o (n, k)."""

    def predictions(o: Array) -> list[Array]:
        heads = head.heads
        if len(heads) == 1:
            return [predicted(heads[0], o)]
        each = [predicted(single, o[:, j : j + 1]) for j, single in enumerate(heads)]
        return [found[:, 1] if single.classes else found for single, found in zip(heads, each, strict=True)]

    return trace(predictions, [Spec((rows, head.outputs), dtype)])
