"""The smooth model: predictions as a differentiable function of continuous inputs, and their gradient.

The embeddings of a model read integer codes, which have no derivative. Here the embedding vectors themselves are the
inputs in place of the codes; the rest of the network, and so the predictions, are the same. ``SmoothModel`` takes a
model and computes predictions and gradients; ``importance`` and ``attribution`` turn the gradients into sensitivities
and contributions.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, grad, trace
from backpass.circuit.operations import concatenate
from backpass.dataclass import dataclass
from backpass.engine import Engine, engine_named
from backpass.model.model import Model
from backpass.network import Embedding, Network
from backpass.reporting.numbers.held_out import reportable

CHUNK = 8192
"""Rows per call of the engine, which bounds memory."""


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """One network behind its embedding.

    Attributes:
        network: The network without its embedding layer.
        theta: Its parameters without embedding tables (P,).
        tables: The embedding table of each code (levels + 1, size).
        start: The position of its embeddings in s.
        first: The position of its parameters among those of all members.
    """

    network: Network
    theta: NDArray[Any]
    tables: tuple[NDArray[Any], ...]
    start: int
    first: int

    @property
    def stop(self) -> int:
        """The position in s after its embeddings."""
        return self.start + sum(int(table.shape[1]) for table in self.tables)


@dataclass(slots=False, frozen=True)
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
    def plain(self) -> int:
        """The number of inputs that are not codes; they come first."""
        embedding = next((each for each in self.model.network.layers if isinstance(each, Embedding)), None)
        return self.model.network.inputs - (len(embedding.levels) if embedding else 0)

    @cached_property
    def members(self) -> list[_Member]:
        """Every network of the model."""
        found: list[_Member] = []
        start, first = self.plain, 0
        for group in self.model.groups:
            layout = group.network.layout
            tables = [f"E{number}." for number, each, _ in group.network.numbered() if isinstance(each, Embedding)]
            kept = tuple(each for each in group.network.layers if not isinstance(each, Embedding))
            for theta in group.theta:
                views = layout.views(theta)
                own = tuple(views[name] for name in views if tables and name.startswith(tables[0]))
                network = Network(self.plain + sum(table.shape[1] for table in own), kept)
                found.append(_Member(network, network.layout.vector(views, theta.dtype), own, start, first))
                start, first = found[-1].stop, first + network.parameter_count
        return found

    @cached_property
    def theta(self) -> NDArray[Any]:
        """The parameters of all members without embedding tables, concatenated: (P,)"""
        return np.concatenate([member.theta for member in self.members])

    @cached_property
    def width(self) -> int:
        """e, the number of inputs."""
        return self.members[-1].stop

    def inputs(self, x: NDArray[Any]) -> NDArray[Any]:
        """Convert network inputs: x (n, d) -> s (n, e)"""
        if self.width == self.plain:
            return x
        codes = x[:, self.plain :].astype(np.int32)
        parts = [x[:, : self.plain]]
        for member in self.members:
            parts += [table[codes[:, j]] for j, table in enumerate(member.tables)]
        return np.concatenate(parts, axis=1)

    def groups(self) -> list[NDArray[Any]]:
        """Return the positions in s of each encoded number, then of each categorical column."""
        found = []
        starts = [m.start + np.cumsum([0, *(table.shape[1] for table in m.tables)]) for m in self.members]
        for group in self.model.feature_map.groups():
            if group[0] < self.plain:
                found.append(np.array(group))
                continue
            code = group[0] - self.plain
            found.append(np.concatenate([np.arange(ends[code], ends[code + 1]) for ends in starts]))
        return found

    def predicted(self, theta: Array, s: Array) -> Array:
        """Predict numbers (n,) in the target's unit, or probabilities (n, classes) or (n, labels); can be traced.

        Args:
            theta: The parameters of all members, without embedding tables.
            s: (n, e). The inputs.
        """
        outputs = []
        for member in self.members:
            own = s
            if member.tables:
                own = concatenate([s[:, : self.plain], s[:, member.start : member.stop]], axis=1)
            outputs.append(member.network(theta[member.first : member.first + member.theta.size], own))
        return reportable(self.model.head).decoded(self.model.head.average(outputs, self.model.shares))

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
