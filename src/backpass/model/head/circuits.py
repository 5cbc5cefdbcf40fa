"""Circuits of a whole model: how the outputs of its networks become predictions, for whoever runs circuits.

The head of a model comes in; traced functions and circuits go out. They mean what ``Model.predictions`` does.
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
    """The outputs of each network, (n, k)  ->  those that mean the average of their predictions."""
    with label("average"):
        return head.named.averaged(outputs) if len(outputs) > 1 else outputs[0]


def predicted(head: Head | Heads, o: Array) -> Array:
    """outputs o (n, k) -> numbers (n,) in the target's unit, or probabilities (n, classes), as ``Head.predictions``

    Of heads that are labels the probability that each is on, (n, k), as ``Heads.predictions``.
    """
    with label("head"):
        p = head.named.predicted(o).astype(WIDE)
        if isinstance(head, Heads):
            return p
        if head.target.classes:
            return concatenate([1.0 - p, p], axis=1) if head.outputs == 1 else p / p.sum(axis=1, keepdims=True)
        if head.scale.scale == 0.0:
            return where(isnan(p[:, 0]), head.scale.center, head.scale.center)  # the center, once per row
        return head.scale.decode(p[:, 0])


def averaging(head: AnyHead, networks: int, dtype: Any, rows: str = "n") -> Circuit:
    """``averaged`` as a circuit of the outputs of so many networks."""

    def average(*outputs: Array) -> Array:
        return averaged(head, outputs)

    return trace(average, [Spec((rows, head.outputs), dtype)] * networks)


def predicting(head: AnyHead, dtype: Any, rows: str = "n") -> Circuit:
    """``predicted`` of each head, as a circuit of outputs o (n, k); of a label the probability that it is on."""

    def predictions(o: Array) -> list[Array]:
        heads = head.heads
        if len(heads) == 1:
            return [predicted(heads[0], o)]
        each = [predicted(single, o[:, j : j + 1]) for j, single in enumerate(heads)]
        return [found[:, 1] if single.classes else found for single, found in zip(heads, each, strict=True)]

    return trace(predictions, [Spec((rows, head.outputs), dtype)])
