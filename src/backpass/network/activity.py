"""Unit activity: detects dead units, whose slope vanishes on every row.

It takes a network, theta and rows. A dead unit receives no gradient, so it has stopped learning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, grad, trace
from backpass.circuit.operations import absolute
from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.network.activations import activation_named
from backpass.network.layers import Layer, ParametricActivation, Wired
from backpass.network.network import Network
from backpass.once import Once

FLAT = 1e-6
"""Slopes of an activation below this value count as zero."""


class InputRows(Protocol):
    """Network inputs (n, d) that are read in slices of rows, such as an array."""

    def __len__(self) -> int: ...
    def __getitem__(self, rows: slice, /) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class DeadUnits:
    """The dead units of one layer.

    Attributes:
        layer: The number of the layer.
        units: The units, by number from 1 or by name.
        count: The number of all units of the layer.
        activation: The activation of the layer.
    """

    layer: int
    units: tuple[str, ...]
    count: int
    activation: str


def dead_units(network: Network, theta: NDArray[Any], x: InputRows, engine: Engine, rows: int = 512) -> list[DeadUnits]:
    """Find the layers with units whose slope |sigma'(z)| is below ``FLAT`` on every row of x (n, d).

    Args:
        network: The network.
        theta: Its parameters, (P,).
        x: The inputs, (n, d), which are read in slices of rows.
        engine: The engine that evaluates the slopes.
        rows: The number of rows of the first chunk; later chunks are 16 times as large. The search stops as soon as
            every unit has had a slope.

    >>> from backpass.engine import NumpyEngine
    >>> from backpass.network import dense_network
    >>> network = dense_network(1, (), 1, output_activation="relu")
    >>> dead_units(network, numpy.array([1.0, -5.0]), numpy.array([[0.0], [4.0]]), NumpyEngine())
    [DeadUnits(layer=1, units=('1',), count=1, activation='relu')]
    """
    layers = list(_bent(network))
    if not layers or not len(x):
        return []
    circuit = _slopes(network.without_scales, theta.dtype)
    highest = list(engine.run(circuit, theta, x[:rows]))
    for start in range(rows, len(x), 16 * rows):
        if all((each >= FLAT).all() for each in highest):
            break
        found = engine.run(circuit, theta, x[start : start + 16 * rows])
        highest = [numpy.maximum(a, b) for a, b in zip(highest, found, strict=True)]
    return [
        DeadUnits(int(number), tuple(_named(layer, index)), len(each), str(layer.activation))
        for (number, layer), each in zip(layers, highest, strict=True)
        if (index := numpy.flatnonzero(each < FLAT)).size
    ]


def _bent(network: Network) -> Iterator[tuple[str, Any]]:
    """The layers with an activation other than the identity, and their numbers."""
    for number, layer, _ in network.numbered():
        if getattr(layer, "activation", "identity") != "identity":
            yield number, layer


def _named(layer: Layer, index: Sequence[int] | NDArray[Any]) -> list[str]:
    return [layer.units[i].name if isinstance(layer, Wired) else str(i + 1) for i in index]


@Once
def _slopes(network: Network, dtype: numpy.dtype[Any]) -> Circuit:
    """The circuit (theta, x) -> the largest |da/dz| of every unit over the rows, (m,) per layer with an activation."""

    def highest(theta: Array, x: Array) -> tuple[Array, ...]:
        views, found = network.layout.views(theta), []
        for number, layer, _ in network.numbered():
            name = getattr(layer, "activation", "identity")
            if name != "identity":
                z = layer.pre_activation(views, x, number)
                if isinstance(layer, ParametricActivation):
                    slope = grad(lambda z, layer=layer, number=number: layer(views, z, number, None).sum())(z)
                else:
                    slope = grad(lambda z, name=name: activation_named(name)(z).sum())(z)
                found.append(absolute(slope).max(axis=0))
            x = layer(views, x, number, None)
        return tuple(found)

    return trace(highest, [Spec((network.parameter_count,), dtype), Spec(("n", network.inputs), dtype)])
