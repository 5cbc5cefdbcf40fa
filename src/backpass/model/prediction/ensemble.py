"""The ensemble: all networks of a model on an engine, from encoded columns to averaged outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.model.head.head import Head
from backpass.model.prediction.forward import CHUNK, chunk_for, inputs_of
from backpass.model.prediction.group import Group
from backpass.network import FeatureMap
from backpass.table import Encoded

_CHUNKS = 8
"""Chunks of rows whose network inputs are in memory at a time: whole ones, so that each chunk has the same rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """The networks of a model: encoded columns -> inputs x (n, d) -> outputs o (n, k)

    Attributes:
        feature_map: Maps encoded columns to network inputs.
        groups: The networks, by their layers. A single network is one group of one.
        head: Averages the outputs.
        shares: The share of each network in the average; empty if all are equal.
        engine: The engine.
    """

    feature_map: FeatureMap
    groups: Sequence[Group]
    head: Head
    shares: tuple[float, ...]
    engine: Engine

    def inputs(self, numbers: NDArray[np.float64], codes: NDArray[np.int32]) -> NDArray[Any]:
        """The network inputs x (n, d) for encoded columns (n, p) and (n, q)."""
        return inputs_of(self.feature_map, numbers, codes, self.groups[0].theta.dtype, self.engine)

    def outputs(self, x: NDArray[Any]) -> NDArray[Any]:
        """The outputs o (n, k) for x (n, d), averaged over networks."""
        return self.head.averaged([o for group in self.groups for o in group.outputs(x, self.engine)], self.shares)

    def features(self, x: NDArray[Any]) -> NDArray[Any]:
        """The penultimate activations of all networks for x (n, d), concatenated.

        Neighbors have none of their own: what their last layer takes are predictions, made from stored targets.
        """
        groups = [group for group in self.groups if not group.is_of_neighbors]
        found = [a for group in groups for a in group.outputs(x, self.engine, features=True)]
        return np.concatenate(found, axis=1)

    def blocks(self, encoded: Encoded) -> Iterator[NDArray[Any]]:
        """Yield the network inputs (b, d) of blocks of rows, which need less memory than those of all rows."""
        size = _CHUNKS * min(CHUNK, *(chunk_for(group.network) for group in self.groups if not group.is_of_neighbors))
        for first in range(0, max(len(encoded.codes), 1), size):
            yield self.inputs(encoded.numbers[first : first + size], encoded.codes[first : first + size])
