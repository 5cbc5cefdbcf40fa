"""The smooth model: predictions as one circuit of inputs that all vary smoothly, and their gradient.

A model with embeddings reads whole numbers, along which there is no slope. Here the rows of its tables stand in the
place of the codes: the network behind them is the same, and so are the predictions. What becomes of gradients
(sensitivities, contributions) is decided by those who ask for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, grad, trace
from backpass.circuit.operations import concatenate
from backpass.engine import Engine, engine_named
from backpass.model.head.circuits import averaged, predicted
from backpass.model.model import Model
from backpass.network import Embedding, Network
from backpass.report.held_out import head_of

CHUNK = 8192
"""Rows that go through the circuit at once, so that memory stays bounded."""


@dataclass(frozen=True)
class SmoothModel:
    """A model whose inputs s (n, e) are those of its network, each code replaced by the embeddings of every member.

    theta (P,): the parameters of all members without their embedding tables, one after another
    """

    model: Model

    @cached_property
    def engine(self) -> Engine:
        return engine_named(self.model.engine, self.model.threads)

    @cached_property
    def embedding(self) -> Embedding | None:
        return next((layer for layer in self.model.network.layers if isinstance(layer, Embedding)), None)

    @cached_property
    def thetas(self) -> NDArray[Any]:
        """theta of each member: (members, P)"""
        return self.model.theta.reshape(-1, self.model.network.parameter_count)

    @cached_property
    def plain(self) -> int:
        """The number of inputs that are not codes: they stand first."""
        return self.model.network.inputs - (len(self.embedding.levels) if self.embedding else 0)

    @cached_property
    def embedded(self) -> int:
        """The number of inputs that a member's embeddings make."""
        return len(self.embedding.levels) * self.embedding.size if self.embedding else 0

    @cached_property
    def network(self) -> Network:
        """The network behind the embeddings."""
        layers = tuple(layer for layer in self.model.network.layers if not isinstance(layer, Embedding))
        return Network(self.plain + self.embedded, layers)

    @cached_property
    def theta(self) -> NDArray[Any]:
        layout, kept = self.model.network.layout, self.network.layout
        return np.concatenate([kept.vector(layout.views(theta), theta.dtype) for theta in self.thetas])

    @cached_property
    def width(self) -> int:
        """e, the number of inputs s."""
        return self.plain + self.embedded * len(self.thetas)

    def inputs(self, x: NDArray[Any]) -> NDArray[Any]:
        """Network inputs x (n, d)  ->  s (n, e)"""
        if self.embedding is None:
            return x
        codes = x[:, self.plain :].astype(np.int32)
        layout = self.model.network.layout
        number = next(number for number, layer, _ in self.model.network.numbered() if layer is self.embedding)
        parts = [x[:, : self.plain]]
        for theta in self.thetas:
            tables = layout.views(theta)
            parts += [tables[f"E{number}.{j + 1}"][codes[:, j]] for j in range(codes.shape[1])]
        return np.concatenate(parts, axis=1)

    def groups(self) -> list[NDArray[Any]]:
        """Per column (numbers first, then texts) the numbers of the inputs s that it becomes."""
        found = []
        for group in self.model.feature_map.groups():
            if group[0] < self.plain:
                found.append(np.array(group))
                continue
            first = self.plain + (group[0] - self.plain) * (self.embedding.size if self.embedding else 0)
            of_one = np.arange(first, first + (self.embedding.size if self.embedding else 0))
            found.append(np.concatenate([of_one + i * self.embedded for i in range(len(self.thetas))]))
        return found

    def predicted(self, theta: Array, s: Array) -> Array:
        """Numbers (n,) in the target's unit, or probabilities (n, classes) or (n, labels); traced or not."""
        size, first = self.network.parameter_count, self.plain
        outputs = []
        for i in range(len(self.thetas)):
            own = s
            if self.embedded:
                start = first + i * self.embedded
                own = concatenate([s[:, :first], s[:, start : start + self.embedded]], axis=1)
            outputs.append(self.network(theta[i * size : (i + 1) * size], own))
        return predicted(head_of(self.model), averaged(self.model.head, outputs))

    @cached_property
    def gradient(self) -> Circuit:
        """(theta, s, pick) -> ds = d(the picked prediction)/ds, row by row

        pick (n, classes) has a 1 at the class, or (n, labels) at the label, whose probability is meant; (n, 1) of ones
        for numbers
        """

        def picked(theta: Array, s: Array, pick: Array) -> Array:
            h = self.predicted(theta, s)
            return (h * pick).sum() if h.ndim == 2 else (h * pick[:, 0]).sum()

        dtype, wide = self.model.theta.dtype, np.dtype(np.float64)
        specs = [
            Spec((len(self.theta),), dtype),
            Spec(("n", self.width), dtype),
            Spec(("n", len(self.model.classes) or self.model.head.outputs), wide),
        ]
        return trace(grad(picked, 1), specs)

    @cached_property
    def forward(self) -> Circuit:
        """(theta, s) -> predictions"""
        dtype = self.model.theta.dtype
        return trace(self.predicted, [Spec((len(self.theta),), dtype), Spec(("n", self.width), dtype)])

    def predictions(self, s: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers (n,) or probabilities (n, classes) for all rows, chunk by chunk."""
        return np.concatenate(
            [self.engine.run(self.forward, self.theta, s[i : i + CHUNK])[0] for i in range(0, max(len(s), 1), CHUNK)]
        )

    def slopes(self, s: NDArray[Any], pick: NDArray[np.float64]) -> NDArray[Any]:
        """ds (n, e) for all rows, chunk by chunk."""
        parts = [
            self.engine.run(self.gradient, self.theta, s[i : i + CHUNK], pick[i : i + CHUNK])[0]
            for i in range(0, len(s), CHUNK)
        ]
        return np.concatenate(parts)
