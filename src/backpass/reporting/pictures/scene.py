"""A scene: a network as circles and lines with positions, in the style of Figures 2 and 3 of the notes.

``scene_of`` takes a model, ``scene_of_sizes`` layer sizes; both return plain data, which ``drawing`` renders. Columns
are at the left, the prediction is at the right. Of a large layer only the strongest units are shown, with the total
number beneath.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.model import Model
from backpass.network import (
    Embedding,
    Layer,
    LearnedInputScale,
    Network,
    ParametricActivation,
    Periodic,
    Projection,
    Selection,
    Wired,
)
from backpass.reporting.numbers.columns import by_column, columns_of
from backpass.reporting.numbers.names import label


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a network is drawn; what exceeds a limit is left out, the weakest first.

    Attributes:
        inputs: The maximum number of inputs.
        units: The maximum number of units per hidden layer.
        outputs: The maximum number of outputs.
        edges: The maximum number of lines.
    """

    inputs: int = 14
    units: int = 10
    outputs: int = 10
    edges: int = 10_000


WHOLE, SMALL = Limits(), Limits(5, 5, 5, 40)
FAINTEST = 0.08
"""Weights below this share of the largest weight of their layer are not drawn."""

_ROW, _COLUMN, _MARGIN = 30.0, 130.0, 18.0
_ENDS, _NAMES = 44.0, 168.0  # margins at the left and right, in points, without and with names

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Neuron:
    """A circle.

    Attributes:
        x: The horizontal position of its center, in points.
        y: The vertical position of its center, in points.
        name: Its name; may be empty.
        side: The side of the circle on which the name is written: left, right or above.
        kind: input, hidden or output.
    """

    x: float
    y: float
    name: str
    side: str
    kind: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from one circle to another.

    Attributes:
        x0: The horizontal position of its start.
        y0: The vertical position of its start.
        x1: The horizontal position of its end.
        y1: The vertical position of its end.
        weight: Its weight relative to the largest one of the layer, -1 to 1; None if unknown.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    weight: float | None


@dataclass(frozen=True, slots=True)
class Caption:
    """A text beneath a layer, centered at a position in points."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawing of a network.

    Attributes:
        width: The width, in points.
        height: The height, in points.
        title: The title.
        neurons: The circles, drawn over the edges.
        edges: The lines, the strongest last.
        captions: The texts beneath the layers.
        gaps: The centers of the dots that stand for omitted units.
    """

    width: float
    height: float
    title: str
    neurons: tuple[Neuron, ...]
    edges: tuple[Edge, ...]
    captions: tuple[Caption, ...]
    gaps: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A layer before layout.

    Attributes:
        count: The number of units.
        names: The names of the units; may be empty.
        weights: (units of the previous layer, units). None if unknown.
        what: The caption: column, input, output or the activation.
        joined: 1 for each wire of a wired layer, otherwise 0, in the shape of ``weights``; None for other layers.
    """

    count: int
    names: Sequence[str]
    weights: Floats | None
    what: str
    joined: Floats | None = None

    @property
    def row(self) -> float:
        """The distance between two units in points; larger if names are written above them."""
        return _ROW * (1.7 if self.joined is not None else 1.0)


def scene_of_sizes(sizes: Sequence[int], activation: str = "") -> Scene:
    """Lay out a fully connected network d -> m_1 -> ... -> m_r with unknown weights    CS229 Figure 3

    Args:
        sizes: d, m_1, ..., m_r.
        activation: The caption of the hidden layers.
    """
    whats = ["input", *[activation or "hidden"] * (len(sizes) - 2), "output"]
    layers = [_Layer(size, (), None, what) for size, what in zip(sizes, whats, strict=True)]
    return _placed(layers, " → ".join(map(str, sizes)))


def scene_of(model: Model, limits: Limits = WHOLE) -> Scene:
    """Lay out the network of a model; for an ensemble, the first one.

    The inputs of the drawing are columns. A column that becomes several inputs has the largest of their weights. Wired
    units have their names and only their own lines (CS229 Figure 2).

    Args:
        model: The model.
        limits: How much of the network is drawn.
    """
    network = model.network
    theta = model.theta.reshape(-1, network.parameter_count)[0]
    views = network.layout.views(theta)
    columns = columns_of(model)
    names = [label(column.name) for column in columns]
    by_inputs = by_column(columns, model.feature_map.groups())
    groups, factors = _front(network, by_inputs, views)
    mixed = next((views[f"P{number}"] for number, each, _ in network.numbered() if isinstance(each, Projection)), None)
    layers = [_Layer(len(names), names, None, "column")]
    is_of_classes = model.head.outputs == len(model.classes)
    output = [label(name) for name in (model.classes if is_of_classes else model.labels)]
    learned = {
        number: str(each.activation) for number, each, _ in network.numbered() if isinstance(each, ParametricActivation)
    }
    neurons = [(number, layer, width) for number, layer, width in network.numbered() if layer.neurons]
    for number, layer, width in neurons:
        is_last = number == str(len(neurons))
        weights, joined = _weights(layer, number, width, views), _joined(layer, width)
        if number == "1":
            weights = _by_column(weights * factors[:, None], groups)
            if mixed is not None:
                weights = _of_columns(weights, mixed, by_inputs)
            joined = None if joined is None else _by_column(joined, groups)
        shown = [label(unit.name) for unit in layer.units] if isinstance(layer, Wired) else output * is_last
        what = "output" if is_last else learned.get(number, str(getattr(layer, "activation", "identity")))
        layers.append(_Layer(layer.width(width), shown, weights, what, joined))
    count = model.networks
    title = " → ".join(map(str, [len(names), *network.widths]))
    return _placed(layers, title if count == 1 else f"{title}, the first of {count} networks", limits)


def _weights(layer: Layer, number: str, width: int, views: Mapping[str, Any]) -> Floats:
    """Return the weights of a layer, (inputs, units); 0 where a wired unit has no wire."""
    if not isinstance(layer, Wired):
        return np.asarray(views[f"W{number}"], dtype=np.float64)
    weights = np.zeros((width, len(layer.units)))
    for j, unit in enumerate(layer.units):
        weights[list(unit.inputs), j] = views[f"W{number}.{unit.name}"]
    return weights


def _joined(layer: Layer, width: int) -> Floats | None:
    """Return 1 for each wire of a wired layer, otherwise 0, (inputs, units); None for other layers."""
    if not isinstance(layer, Wired):
        return None
    wires = np.zeros((width, len(layer.units)))
    for j, unit in enumerate(layer.units):
        wires[list(unit.inputs), j] = 1.0
    return wires


def _front(network: Network, groups: Sequence[Any], views: Any) -> tuple[list[NDArray[Any]], Floats]:
    """Map columns to the inputs of the first layer of neurons.

    Periodic and categorical embeddings before that layer turn one input into several, and a learned input scale
    multiplies each input by a factor.

    Args:
        network: The network.
        groups: The positions of the inputs of each column.
        views: The parameters of its layers, by name.

    Returns:
        The positions of the inputs of each column, or of each component and code behind a projection, and the learned
        scale factor of each input.
    """
    width, factors = network.inputs, np.ones(network.inputs)
    for number, layer, _ in network.numbered():
        if layer.neurons:
            break
        if isinstance(layer, Selection):
            gone = layer.columns - layer.size
            kept = [[i for i in g if not layer.size <= i < layer.columns] for g in groups]
            groups = [[i if i < layer.size else i - gone for i in g] for g in kept]
            width = layer.width(width)
        elif isinstance(layer, Projection):
            width = layer.width(width)
            groups = [[i] for i in range(width)]
        elif isinstance(layer, Periodic):
            step, p = layer.mixtures + 1, layer.columns
            groups = [
                np.concatenate([np.arange(i * step, (i + 1) * step) if i < p else [i + p * layer.mixtures] for i in g])
                for g in groups
            ]
            width += p * layer.mixtures
        elif isinstance(layer, Embedding):
            first = width - len(layer.levels)
            groups = [
                g if g[0] < first else np.arange(layer.size) + first + (g[0] - first) * layer.size for g in groups
            ]
            width = layer.width(width)
        factors = np.ones(width)
        if isinstance(layer, LearnedInputScale):
            factors = np.asarray(views[f"s{number}"], dtype=np.float64)
    return [np.asarray(group, dtype=np.intp) for group in groups], factors


def _of_columns(weights: Floats, P: Floats, groups: Sequence[NDArray[Any]]) -> Floats:
    """The weights of columns behind a projection x P, from those of k components and q codes.

    (k + q, units)   ->   (columns, units)
    """
    behind = np.concatenate([P.astype(np.float64) @ weights[: P.shape[1]], weights[P.shape[1] :]])
    return _by_column(behind, groups)


def _by_column(weights: Floats, groups: Sequence[NDArray[Any]]) -> Floats:
    """Reduce weights (inputs, units) to (columns, units): a column gets the largest weight of its inputs."""
    rows = []
    for group in groups:
        part = weights[group]
        rows.append(part[np.abs(part).argmax(axis=0), np.arange(part.shape[1])])
    return np.array(rows)


def _placed(layers: Sequence[_Layer], title: str, limits: Limits = WHOLE) -> Scene:
    """Lay out the layers as columns from left to right, each centered vertically.

    The largest layer sets the height. In a layer with omitted units, one row before the last unit is left for dots.
    """
    kept = _chosen(layers, limits)
    most = max((len(units) + (len(units) < each.count)) * each.row for units, each in zip(kept, layers, strict=True))
    height = most + 2 * _MARGIN + 26.0
    left = _NAMES if layers[0].names else _ENDS
    wired = any(layer.joined is not None for layer in layers)
    column = _COLUMN * (1.35 if wired else 1.0)
    width = left + column * (len(layers) - 1) + (_NAMES if layers[-1].names else _ENDS)
    places: list[dict[int, tuple[float, float]]] = []
    neurons, captions, gaps = list[Neuron](), list[Caption](), list[tuple[float, float]]()
    for k, (layer, units) in enumerate(zip(layers, kept, strict=True)):
        x, cut = left + k * column, len(units) < layer.count
        top = (height - 26.0 - (len(units) + cut - 1) * layer.row) / 2
        rows = [top + (i + (cut and i >= len(units) - 1)) * layer.row for i in range(len(units))]
        places.append({unit: (x, y) for unit, y in zip(units, rows, strict=True)})
        kind = "input" if k == 0 else "output" if k == len(layers) - 1 else "hidden"
        side = {"input": "left", "output": "right", "hidden": "above"}[kind]
        neurons += [
            Neuron(x, y, layer.names[u] if layer.names else "", side, kind) for u, y in zip(units, rows, strict=True)
        ]
        if cut:
            gaps.append((x, rows[-1] - layer.row))
        captions.append(Caption(x, height - 8.0, f"{layer.count:,} {_plural(layer)}"))
    edges = [edge for k in range(1, len(layers)) for edge in _edges(layers[k], places[k - 1], places[k])]
    edges.sort(key=lambda edge: abs(edge.weight or 0.0))
    strongest = tuple(edges[-limits.edges :])
    return Scene(width, height, title, tuple(neurons), strongest, tuple(captions), tuple(gaps))


def _plural(layer: _Layer) -> str:
    return layer.what + "s" * (layer.count != 1 and layer.what in ("input", "column", "output"))


def _chosen(layers: Sequence[_Layer], limits: Limits) -> list[list[int]]:
    """Return the units to show, in order; of a large layer those with the largest incoming and outgoing weights."""
    kept = []
    for k, layer in enumerate(layers):
        most = limits.inputs if k == 0 else limits.outputs if k == len(layers) - 1 else limits.units
        if layer.count <= most:
            kept.append(list(range(layer.count)))
            continue
        strength = np.zeros(layer.count)
        if layer.weights is not None:
            strength += np.abs(layer.weights).sum(axis=0) / (np.abs(layer.weights).max() or 1.0)
        after = layers[k + 1].weights if k + 1 < len(layers) else None
        if after is not None:
            strength += np.abs(after).sum(axis=1) / (np.abs(after).max() or 1.0)
        kept.append(sorted(np.argsort(-strength, kind="stable")[:most].tolist()))
    return kept


def _edges(layer: _Layer, before: dict[int, tuple[float, float]], after: dict[int, tuple[float, float]]) -> list[Edge]:
    """Return the lines into a layer: those of wires, or of weights that are not too faint; all if weights are unknown.

    Args:
        layer: The layer.
        before: The positions of the units of the previous layer.
        after: The positions of its own units.
    """
    found = []
    largest = 1.0
    if layer.weights is not None:
        largest = max((abs(float(layer.weights[i, j])) for i in before for j in after), default=0.0) or 1.0
    for i, (x0, y0) in before.items():
        for j, (x1, y1) in after.items():
            weight = None if layer.weights is None else float(layer.weights[i, j]) / largest
            if weight is None or (abs(weight) >= FAINTEST if layer.joined is None else layer.joined[i, j]):
                found.append(Edge(x0, y0, x1, y1, weight))
    return found
