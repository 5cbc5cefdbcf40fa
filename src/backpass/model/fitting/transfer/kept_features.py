"""Kept features: the map phi_beta(x) = a^[r-1] of trained networks, with beta fixed    CS229 (2.21)

It takes networks with their parameters and gives the features of rows, standardized, on which ``output_layer`` trains
a new layer; and it joins beta and that layer into the parameters of one network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.model.prediction.forward import CHUNK, outputs_of
from backpass.network import Activation, Dense, FeatureMap, Network
from backpass.network.activity import InputRows
from backpass.network.column_scales import scales_of
from backpass.numerics.elementary import totals


@dataclass(frozen=True, slots=True, eq=False)
class KeptFeatures:
    """The learned features of trained networks of the same layers.

    Attributes:
        network: The layers of the networks; those of their output layer play no part.
        theta: The parameters of each network (networks, P).
        facts: What a model file says about where they come from.
        center: The mean of each feature on the training rows (networks, m).
        scale: 1 / its standard deviation, or 0 for a feature that is constant up to rounding (networks, m).
    """

    network: Network
    theta: NDArray[Any]
    facts: Mapping[str, Any]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]

    @staticmethod
    def of(
        network: Network, theta: NDArray[Any], facts: Mapping[str, Any], x: NDArray[Any], engine: Engine
    ) -> KeptFeatures:
        """The features, standardized on training rows.

        Args:
            network: The layers.
            theta: The parameters of each network (networks, P).
            facts: What a model file says about where they come from.
            x: The network inputs of the training rows (n, d).
            engine: The engine.
        """
        pairs = [_scales_in(outputs_of(network, each, x, engine, features=True)) for each in theta]
        center, scale = (np.stack(each) for each in zip(*pairs, strict=True))
        return KeptFeatures(network, theta, facts, center, scale)

    @property
    def size(self) -> int:
        """The number of features of one network, m."""
        return int(self.center.shape[1])

    @property
    def notes(self) -> tuple[str, ...]:
        """A note on the features that are constant on the training rows."""
        constant = int(np.count_nonzero(self.scale == 0.0))
        return (f"{constant} of {self.scale.size} kept features are constant on the training rows",) if constant else ()

    def member(self, number: int) -> KeptFeatures:
        """The features of one of the networks."""
        i = slice(number, number + 1)
        return replace(self, theta=self.theta[i], center=self.center[i], scale=self.scale[i])

    def output_network(self, outputs: int, activation: Activation) -> Network:
        """The network that is trained: one layer on the features of one network."""
        return Network(self.size, (Dense(outputs, activation),))

    def standardized(self, x: InputRows, engine: Engine) -> NDArray[Any]:
        """The features of the first network for all rows, (a^[r-1] - center) scale: x (n, d) -> (n, m)"""
        (theta, *_), dtype = self.theta, self.theta.dtype
        forward = self.network.forward(dtype, features=True)
        scaling = self.feature_map.circuit(dtype)
        found = np.empty((len(x), self.size), dtype)
        for i in range(0, len(x), CHUNK):
            features = engine.run(forward, theta, x[i : i + CHUNK])[0].astype(np.float64)
            found[i : i + CHUNK] = engine.run(scaling, features, np.zeros((len(features), 0), np.int32))[0]
        return found

    @property
    def feature_map(self) -> FeatureMap:
        """The standardization of the features of the first network, as that of numeric columns."""
        return FeatureMap(self.center[0], self.scale[0], (False,) * self.size, (), (), (), clipped=False)

    def joined(self, theta: NDArray[Any]) -> NDArray[Any]:
        """The parameters of the network ``with_output``, from those of a layer trained on standardized features.

        phi W + b with phi = (a - center) scale is a W' + b' with W'_ij = scale_i W_ij, b'_j = b_j - sum over i of
        center_i W'_ij.

        theta (m k + k,)   ->   (P',)
        """
        m, k = self.size, theta.size // (self.size + 1)
        W = self.scale[0][:, None] * theta[: m * k].reshape(m, k)
        b = theta[m * k :] - totals(self.center[0][:, None] * W)
        below = self.theta[0, : self.theta.shape[1] - _output_size(self.network)]
        return np.concatenate([below, W.reshape(-1).astype(theta.dtype), b.astype(theta.dtype)])


def with_output(network: Network, outputs: int, activation: Activation) -> Network:
    """The network with a new output layer, that of ``KeptFeatures.output_network``, in place of its own."""
    return Network(network.inputs, (*network.layers[:-1], Dense(outputs, activation)))


def _output_size(network: Network) -> int:
    """The number of parameters of the output layer, which come last."""
    *_, (number, layer, width) = network.numbered()
    return sum(parameter.size for parameter in layer.parameters(width, number))


def _scales_in(features: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean of each feature and 1 / its standard deviation: (n, m) -> (m,), (m,)

    The scale is 0 where the deviation is at most sqrt(eps) of the mean: in such a feature, such as a saturated unit,
    rounding would be multiplied to the size of the target.
    """
    limits = np.finfo(features.dtype)
    center, scale = scales_of(features.astype(np.float64), "standard")
    least = np.sqrt(limits.eps) * np.abs(center) + np.sqrt(limits.tiny)
    return center, np.where(scale * least < 1.0, scale, 0.0)
