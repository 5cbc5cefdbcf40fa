"""Neuron: the weights of a network that is one neuron, in the units of the columns and of the target.

It takes a model whose network is one neuron, or linear and therefore equal to one, and whose numbers are not clipped,
so that the pre-activation is an affine function of the columns. It returns w and b of h(x) = sigma(w x + b).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.anatomy.inspectable import Inspectable
from backpass.network import Dense, FeatureMap, Network, ScaledDense
from backpass.numerics.elementary import total

HOMOGENEOUS = ("identity", "relu", "leaky_relu")
"""Activations with sigma(c z) = c sigma(z) for c > 0: the unit of the target moves into w and b."""


@dataclass(frozen=True, slots=True)
class Neuron:
    """factor * sigma(w x + b): the prediction of a regression, or, with the sigmoid, the probability of the last class.

    Attributes:
        weights: Name of the input -> w, in units of the target per unit of the column.
        bias: b, in units of the target.
        activation: The name of sigma.
        factor: 1 if sigma is linear or piecewise linear; otherwise the scale of the target.
    """

    weights: Mapping[str, float]
    bias: float
    activation: str
    factor: float

    @property
    def kink(self) -> float | None:
        """-b / w, where w x + b = 0; None with several inputs, a weight of 0, or an activation without a kink."""
        (w, *others), bends = self.weights.values(), self.activation in ("relu", "leaky_relu")
        return -self.bias / w if bends and not others and w else None


def is_single_neuron(model: Inspectable) -> bool:
    """Whether the model is one ReLU neuron on one column, max(w x + b, 0), as in CS229 Figure 1, (2.1)."""
    dense = [layer for layer in model.network.layers if layer.neurons]
    activation = getattr(dense[-1], "activation", "identity")
    return model.network.inputs == 1 and model.network.widths == (1,) and activation == "relu"


def neuron_of(model: Inspectable) -> Neuron | None:
    """The neuron that a model is, w x + b in the units of the columns    CS229 (2.1), (2.2)

    A network of identity activations is one, too (2.20). None for any other model.

    >>> from backpass.model import fit
    >>> x = [0.1 * i for i in range(100)]
    >>> data = {"x": x, "y": [max(2.0 * value - 8.0, 0.0) for value in x]}
    >>> neuron = neuron_of(fit(data, "y", hidden=(), output_activation="relu", epochs=300, test_fraction=0.0))
    >>> round(neuron.weights["x"], 1), round(neuron.bias, 1), round(neuron.kink, 1)
    (2.0, -8.0, 4.0)
    """
    return None if why_no_neuron(model) else _in_units(model)


def collapsed(model: Inspectable) -> Neuron:
    """The single linear map of a model with identity activations, in the units of the columns; see ``Model.collapse``.

    Raises:
        UsageError: If the model is not a linear function of its columns.
    """
    if not model.network.is_linear:
        raise UsageError(
            "only a network whose activations are all the identity collapses to a linear map (CS229 (2.16) to (2.20))",
            hint='fit with activation="identity", or without hidden layers: hidden=()',
        )
    if why := why_no_neuron(model):
        raise UsageError(f"the model does not collapse to a linear map of its columns: {why[0]}", hint=why[1])
    return _in_units(model)


def why_no_neuron(model: Inspectable) -> tuple[str, str] | None:
    """The reason why a model is not one neuron of its columns, with what to do about it; None if it is."""
    head, network, first = model.head, model.network, model.network.layers[0]
    is_one = len(network.layers) == 1 and isinstance(first, Dense | ScaledDense) and model.theta.ndim == 1
    if model.others or model.shares:
        return "it averages networks of different layers or shares", "fit one network: candidates=1, ensemble_size=1"
    if network.outputs > 1:
        return f"it has {network.outputs} outputs", "fit one target, with numbers or two classes"
    if not (network.is_linear or is_one):
        return "its network has hidden units that are not linear", ""
    if model.feature_map.clipped:
        return "its numbers are clipped", 'fit with numerical_scaling="standard"'
    if head.is_log:
        return "it learned the logarithm of the target", 'fit with target_transform="none"'
    if not head.is_flat or head.has_log_link:
        return "its predictions are not a linear function of the outputs", 'fit with loss="squared"'
    if model.theta.ndim > 1 and (head.classes or head.custom_loss is not None):
        return "it averages probabilities of several networks", "fit one network: ensemble_size=1"
    if head.classes and str(getattr(network.layers[-1], "activation", "")) != "identity":
        return "its output activation is not a logit", 'fit with output_activation="identity"'
    return None


def _in_units(model: Inspectable) -> Neuron:
    """w and b of a model that is one neuron."""
    head, network = model.head, model.network
    thetas = np.atleast_2d(model.theta.astype(np.float64))
    pairs = [_affine(network, theta) for theta in thetas]  # an ensemble of linear maps predicts their mean
    w = np.array([total(each) for each in zip(*(w for w, _ in pairs), strict=True)]) / len(pairs)
    b = total([b for _, b in pairs]) / len(pairs)
    center, scale = input_scales(model.feature_map)
    w = w * scale
    b -= total(w * center)
    activation, names = str(getattr(network.layers[-1], "activation", "identity")), model.input_names
    if head.classes:
        return Neuron(dict(zip(names, w.tolist(), strict=True)), b, "sigmoid", 1.0)
    (unit,) = head.scales
    if activation not in HOMOGENEOUS:
        return Neuron(dict(zip(names, w.tolist(), strict=True)), b, activation, unit.scale)
    return Neuron(
        dict(zip(names, (unit.scale * w).tolist(), strict=True)), unit.scale * b + unit.center, activation, 1.0
    )


def _affine(network: Network, theta: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """W (d,) and b of the pre-activation of a single neuron, or of a network that is linear    CS229 (2.20)"""
    if network.is_linear and len(network.layers) > 1:
        W, bias = network.collapse(theta)
        return W[:, 0], float(bias[0])
    views, d = network.layout.views(theta), network.inputs
    factor = np.sqrt(d) if isinstance(network.layers[0], ScaledDense) else 1.0
    return views["W1"][:, 0] / factor, float(views["b1"][0])


def input_scales(phi: FeatureMap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """center and scale of every network input: input = (column - center) scale; 0 and 1 where nothing is scaled."""
    numbers = len(phi.has_missing)
    scaled = [*range(numbers), *range(phi.numeric_inputs, phi.numeric_inputs + phi.center.size - numbers)]
    center, scale = np.zeros(phi.width), np.ones(phi.width)
    center[scaled], scale[scaled] = phi.center, phi.scale
    return center, scale
