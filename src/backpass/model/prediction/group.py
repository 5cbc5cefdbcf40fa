"""A group of networks: the members of a model that share their layers, each with parameters of its own.

A model is one group, or several whose networks differ. All of them read the same matrix of inputs (decision 0006).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.model.prediction.forward import outputs_of
from backpass.network import FIXED, KernelRegression, Network


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Networks of the same layers.

    Attributes:
        network: The layers.
        theta: The parameters of each network (networks, P).
    """

    network: Network
    theta: NDArray[Any]

    @property
    def count(self) -> int:
        """The number of networks."""
        return len(self.theta)

    @property
    def title(self) -> str:
        """The widths of the layers: ``8 -> 64 -> 1``"""
        return " -> ".join(map(str, (self.network.inputs, *self.network.widths)))

    @property
    def is_of_neighbors(self) -> bool:
        """Whether the networks predict by neighbors: they are computed, and have the features of other networks."""
        return self.neighbors > 0

    @property
    def neighbors(self) -> int:
        """The number of rows that each network stores as neighbors."""
        return sum(layer.rows for layer in self.network.layers if isinstance(layer, KernelRegression))

    @property
    def features(self) -> int:
        """The number of penultimate activations of one network; 0 for neighbors, which have none of their own."""
        return 0 if self.is_of_neighbors else int([self.network.inputs, *self.network.widths][-2])

    @property
    def fixed_shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the parameters that are fitted before training, and that all groups of a model share."""
        return [each.shape for each in self.network.layout.parameters if each.group == FIXED]

    def outputs(self, x: NDArray[Any], engine: Engine, *, features: bool = False) -> Iterator[NDArray[Any]]:
        """The outputs o (n, k) of each network for x (n, d), or its penultimate activations."""
        for theta in self.theta:
            yield outputs_of(self.network, theta, x, engine, features=features)

    @staticmethod
    def of(network: Network, theta: NDArray[Any]) -> Group:
        """The group of a network with parameters (P,) or (networks, P)."""
        return Group(network, theta.reshape(-1, network.parameter_count))

    @staticmethod
    def cut(network: Network, count: int, trained: NDArray[Any], fixed: NDArray[Any]) -> Group:
        """The group whose trained parameters are a vector (networks * P,), behind the fixed ones that all share."""
        own = trained.reshape(count, -1)
        shared = np.broadcast_to(fixed, (count, fixed.size))
        return Group(network, np.concatenate([shared, own], axis=1) if fixed.size else own)
