"""The smooth model: predictions as a differentiable function of continuous inputs, and their gradient.

The embeddings of a model read integer codes, which have no derivative. Here the embedding vectors themselves are the
inputs in place of the codes; the rest of the network, and so the predictions, are the same. ``SmoothModel`` takes a
model and computes predictions and gradients; ``importance`` and ``attribution`` turn the gradients into sensitivities
and contributions.
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
from backpass.model.model import Model
from backpass.network import Embedding, Network
from backpass.reporting.numbers.held_out import head_of

CHUNK = 8192
"""Rows per call of the engine, which bounds memory."""


@dataclass(frozen=True)
class SmoothModel:
    """A model whose inputs s (n, e) are the network inputs with each code replaced by its embeddings in every member.

    Attributes:
        model: The model. Its ensemble has one or more members.
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
        """theta of each member, with embedding tables: (members, P)"""
        return self.model.theta.reshape(-1, self.model.network.parameter_count)

    @cached_property
    def plain(self) -> int:
        """The number of inputs that are not codes; they come first."""
        return self.model.network.inputs - (len(self.embedding.levels) if self.embedding else 0)

    @cached_property
    def embedded(self) -> int:
        """The number of inputs that replace the codes, for one member."""
        return len(self.embedding.levels) * self.embedding.size if self.embedding else 0

    @cached_property
    def network(self) -> Network:
        """The network without its embedding layer."""
        layers = tuple(layer for layer in self.model.network.layers if not isinstance(layer, Embedding))
        return Network(self.plain + self.embedded, layers)

    @cached_property
    def theta(self) -> NDArray[Any]:
        """The parameters of all members without embedding tables, concatenated: (P,)"""
        layout, kept = self.model.network.layout, self.network.layout
        return np.concatenate([kept.vector(layout.views(theta), theta.dtype) for theta in self.thetas])

    @cached_property
    def width(self) -> int:
        """e, the number of inputs."""
        return self.plain + self.embedded * len(self.thetas)

    def inputs(self, x: NDArray[Any]) -> NDArray[Any]:
        """Convert network inputs: x (n, d) -> s (n, e)"""
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
        """Return the positions in s of each encoded number, then of each categorical column."""
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
        """Predict numbers (n,) in the target's unit, or probabilities (n, classes) or (n, labels); can be traced.

        Args:
            theta: The parameters of all members, without embedding tables.
            s: (n, e). The inputs.
        """
        size, first = self.network.parameter_count, self.plain
        outputs = []
        for i in range(len(self.thetas)):
            own = s
            if self.embedded:
                start = first + i * self.embedded
                own = concatenate([s[:, :first], s[:, start : start + self.embedded]], axis=1)
            outputs.append(self.network(theta[i * size : (i + 1) * size], own))
        return head_of(self.model).decoded(self.model.head.average(outputs))

    @cached_property
    def gradient(self) -> Circuit:
        """(theta, s, pick) -> ds = d(selected output)/ds, row by row

        pick (n, classes) or (n, labels) is a one-hot selection of the output; for numbers it is (n, 1) of ones.
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
        """Predict numbers (n,) or probabilities (n, classes) or (n, labels) for s (n, e), in chunks of rows."""
        return np.concatenate(
            [self.engine.run(self.forward, self.theta, s[i : i + CHUNK])[0] for i in range(0, max(len(s), 1), CHUNK)]
        )

    def slopes(self, s: NDArray[Any], pick: NDArray[np.float64]) -> NDArray[Any]:
        """Compute ``gradient`` ds (n, e) for s (n, e), in chunks of rows."""
        parts = [
            self.engine.run(self.gradient, self.theta, s[i : i + CHUNK], pick[i : i + CHUNK])[0]
            for i in range(0, len(s), CHUNK)
        ]
        return np.concatenate(parts)
