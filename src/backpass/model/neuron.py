"""Neuron: the weights of a network without hidden layers, in the units of the columns and of the target.

It takes a model whose network is one neuron and whose numbers are not clipped, so that the pre-activation is an affine
function of the columns, and returns w and b of h(x) = sigma(w x + b) (CS229 eqs. (2.1), (2.2)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from backpass.model.model import Model
from backpass.network import Dense, ScaledDense
from backpass.numerics.elementary import total

_HOMOGENEOUS = ("identity", "relu", "leaky_relu")
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


def is_single_neuron(model: Model) -> bool:
    """Whether the model is one ReLU neuron on one column, max(w x + b, 0), as in Figure 1    CS229 eq. (2.1)"""
    dense = [layer for layer in model.network.layers if layer.neurons]
    activation = getattr(dense[-1], "activation", "identity")
    return model.network.inputs == 1 and model.network.widths == (1,) and activation == "relu"


def neuron_of(model: Model) -> Neuron | None:
    """The neuron of a model that is one; None for any other model.

    >>> from backpass.model import fit
    >>> x = [0.1 * i for i in range(100)]
    >>> data = {"x": x, "y": [max(2.0 * value - 8.0, 0.0) for value in x]}
    >>> neuron = neuron_of(fit(data, "y", hidden=(), output_activation="relu", epochs=300, test_fraction=0.0))
    >>> round(neuron.weights["x"], 1), round(neuron.bias, 1), round(neuron.kink, 1)
    (2.0, -8.0, 4.0)
    """
    head, phi, (*before, last) = model.head, model.feature_map, model.network.layers
    if before or not isinstance(last, Dense | ScaledDense) or last.units > 1 or model.theta.ndim > 1:
        return None
    if phi.clipped or not head.is_flat or head.loss_name == "poisson":
        return None
    views = model.network.layout.views(model.theta.astype(np.float64))
    w, b = views["W1"][:, 0], float(views["b1"][0])
    if isinstance(last, ScaledDense):
        w = w / np.sqrt(len(w))
    names = model.input_names
    scaled = [*range(len(phi.has_missing)), *range(phi.views, phi.views + phi.center.size - len(phi.has_missing))]
    center, scale = np.zeros(len(w)), np.ones(len(w))
    center[scaled], scale[scaled] = phi.center, phi.scale
    w = w * scale
    b -= total(w * center)
    activation = str(last.activation)
    if head.target.task == "binary":
        return (
            Neuron(dict(zip(names, w.tolist(), strict=True)), b, "sigmoid", 1.0) if activation == "identity" else None
        )
    (unit,) = head.scales
    if activation not in _HOMOGENEOUS:
        return Neuron(dict(zip(names, w.tolist(), strict=True)), b, activation, unit.scale)
    return Neuron(
        dict(zip(names, (unit.scale * w).tolist(), strict=True)), unit.scale * b + unit.center, activation, 1.0
    )
