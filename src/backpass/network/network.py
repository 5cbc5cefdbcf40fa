"""Network: layers in sequence, from a single neuron to r layers (CS229 eqs. (2.1)-(2.13)).

It maps theta and x to outputs. ``training`` finds theta; ``feature_map`` computes x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.errors import ShapeError, UsageError
from backpass.network.activations import Activation
from backpass.network.layers import Dense, Dropout, Layer, RandomKey
from backpass.network.parameters import Layout
from backpass.network.plain_data import layer_from_json, layer_to_json


@dataclass(frozen=True, slots=True)
class Network:
    """h_theta(x): a^[0] = x, a^[k] = sigma(a^[k-1] W^[k] + b^[k])    CS229 eqs. (2.12), (2.13)

    Attributes:
        inputs: d.
        layers: The layers; the last one is the output layer.

    >>> network = dense_network(4, (3,), 1)
    >>> network.parameter_count, network.neuron_count
    (19, 4)
    """

    inputs: int
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers or not self.layers[-1].neurons:
            raise UsageError("a network needs at least one layer of neurons, and one at its end")
        faults = [
            f"layer {number} of {len(self.widths)}: {fault}" if layer.neurons else fault
            for number, layer, width in self.numbered()
            for fault in layer.faults(width)
        ]
        if not faults:
            names = [parameter.name for parameter in self.layout.parameters]
            faults = [f"two arrays are named {name}" for name in sorted({n for n in names if names.count(n) > 1})]
        if faults:
            raise UsageError("the network cannot be built", faults=faults)

    def numbered(self) -> Iterator[tuple[str, Layer, int]]:
        """Each layer with its number and its number of inputs; a layer without neurons shares the number before."""
        width, number = self.inputs, 0
        for layer in self.layers:
            number += layer.neurons
            yield str(number), layer, width
            width = layer.width(width)

    @property
    def layout(self) -> Layout:
        """The positions of each W^[k] and b^[k] in theta."""
        return Layout(tuple(p for number, layer, width in self.numbered() for p in layer.parameters(width, number)))

    @property
    def widths(self) -> tuple[int, ...]:
        """m_1, ..., m_r: the units of each layer of neurons."""
        return tuple(layer.width(width) for _, layer, width in self.numbered() if layer.neurons)

    @property
    def outputs(self) -> int:
        return self.widths[-1]

    @property
    def parameter_count(self) -> int:
        """(d+1) m_1 + (m_1+1) m_2 + ... + (m_{r-1}+1) m_r for dense layers    CS229, after eq. (2.13)"""
        return self.layout.size

    @property
    def neuron_count(self) -> int:
        """m_1 + ... + m_r    CS229, after eq. (2.13)"""
        return sum(self.widths)

    def __call__(self, theta: Array, x: Array, draws: RandomKey | None = None) -> Array:
        """The outputs h_theta(x).

        theta (P,)   x (n, d)   ->   (n, m_r)

        Raises:
            ShapeError: If the shape of x or theta is wrong; the message names the layer.
        """
        return self._run(theta, x, draws, len(self.layers))

    def features(self, theta: Array, x: Array) -> Array:
        """The penultimate activations phi_beta(x) = a^[r-1], on which the network is linear    CS229 eq. (2.21)

        theta (P,)   x (n, d)   ->   (n, m_{r-1}); for a network of one layer x itself
        """
        return self._run(theta, x, None, len(self.layers) - 1)

    def _run(self, theta: Array, x: Array, draws: RandomKey | None, stop: int) -> Array:
        views = self.layout.views(theta)
        depth = len(self.widths)
        if x.ndim != 2 or x.shape[1] != self.inputs:
            raise ShapeError(
                f"layer 1 of {depth} ({self.inputs} -> {self.widths[0]}) expected {self.inputs} columns, "
                f"got shape {list(x.shape)}"
            )
        for number, layer, _ in list(self.numbered())[:stop]:
            kind = layer.kind.replace("_", " ")
            beside = f"{kind} after layer {number}" if int(number) else f"{kind} before layer 1"
            with label(f"layer {number} of {depth}" if layer.neurons else beside):
                x = layer(views, x, number, draws)
        return x

    def forward(self, dtype: Any = numpy.float32, *, features: bool = False) -> Circuit:
        """The circuit (theta, x) -> outputs, or -> penultimate activations, for any number of rows."""
        return _forward(self, numpy.dtype(dtype), features)

    @property
    def is_linear(self) -> bool:
        """Whether every activation is the identity, so that the network, outside training, is a single linear map."""
        return all(layer.is_linear for layer in self.layers)

    def collapse(self, theta: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The single linear map x W~ + b~ of a network of identity activations    CS229 eqs. (2.16)-(2.20)

        W~ = W^[1] W^[2] ... W^[r]    b~ = (... (b^[1] W^[2] + b^[2]) ...) W^[r] + b^[r]

        theta (P,)   ->   W~ (d, m_r), b~ (m_r,)

        Raises:
            UsageError: If an activation is not the identity.
        """
        if not self.is_linear:
            raise UsageError("only a network whose activations are all the identity collapses to a linear map")
        b = self(theta, numpy.zeros((1, self.inputs), theta.dtype))
        # With biases 0 the identity matrix maps to W~; no large b~ is added and subtracted.
        weights = theta * self.layout.per_group({"bias": 0.0}).astype(theta.dtype)
        return self(weights, numpy.eye(self.inputs, dtype=theta.dtype)), b[0]

    def to_json(self) -> dict[str, Any]:
        """The network as plain data for the model file."""
        return {"inputs": self.inputs, "layers": [layer_to_json(layer) for layer in self.layers]}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Network:
        """A network from plain data.

        Raises:
            ValueError, KeyError or UsageError: If the data do not describe a network.
        """
        return Network(int(data["inputs"]), tuple(layer_from_json(layer) for layer in data["layers"]))


@lru_cache(maxsize=64)
def _forward(network: Network, dtype: numpy.dtype[Any], features: bool) -> Circuit:
    """Trace a network once, so that engines recognize the circuit and reuse their work."""
    run = network.features if features else network.__call__
    return trace(run, [Spec((network.parameter_count,), dtype), Spec(("n", network.inputs), dtype)])


def dense_network(
    inputs: int,
    hidden: Sequence[int],
    outputs: int,
    *,
    activation: Activation | Callable[[Array], Array] = "relu",
    output_activation: Activation | Callable[[Array], Array] = "identity",
    dropout: float = 0.0,
) -> Network:
    """A fully connected network d -> m_1 -> ... -> m_r; without hidden layers it is one layer (eq. (2.2)).

    An activation is a name or a function of the operations that acts element by element:

    >>> from backpass import operations
    >>> dense_network(4, (3,), 1, activation=lambda z: z * operations.sigmoid(z)).parameter_count
    19

    One unit with ReLU as the output activation is the line with a kink in Figure 1. Dropout, if any, follows each
    hidden layer.
    """
    layers: list[Layer] = []
    for units in hidden:
        layers.append(Dense(units, activation))
        if dropout:
            layers.append(Dropout(dropout))
    return Network(inputs, (*layers, Dense(outputs, output_activation)))
