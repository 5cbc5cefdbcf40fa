"""Wired units: the equations of hand-wired hidden units and of the output above them, with their values.

It takes a model and returns one equation per unit, with theta numbered from 1 as in the notes. Values are in the units
of the columns and of the target where the model is affine in them; otherwise they are those of the scaled inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.anatomy.inspectable import Inspectable
from backpass.model.anatomy.neuron import HOMOGENEOUS, input_scales
from backpass.network import Dense, Dropout, Unit, Wired
from backpass.numerics.elementary import total

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Term:
    """theta_i times an input, or the bias.

    Attributes:
        theta: i, counted from 1.
        input: The name of the input; empty for the bias.
        value: theta_i.
    """

    theta: int
    input: str
    value: float


@dataclass(frozen=True, slots=True)
class Equation:
    """unit = activation(sum of terms)    CS229 (2.3)

    Attributes:
        unit: The name of the unit; empty for the output.
        activation: The activation.
        terms: The weights in the order of theta, then the bias.
    """

    unit: str
    activation: str
    terms: tuple[Term, ...]


def are_in_units(model: Inspectable) -> bool:
    """Whether the values of ``equations_of`` are in the units of the columns and of the target."""
    return not model.feature_map.clipped and model.head.is_flat and model.theta.ndim == 1


def equations_of(model: Inspectable) -> list[Equation]:
    """The equations of wired units; the last one is that of an output on them    CS229 (2.3), Figure 2

    Empty for an ensemble, and for a network without wired units.
    """
    return list(_equations(model)) if model.theta.ndim == 1 else []


def _equations(model: Inspectable) -> Iterator[Equation]:
    views = model.network.layout.views(model.theta.astype(np.float64))
    first, names, before = 1, list(model.input_names), False
    center, scale = input_scales(model.feature_map)
    if not are_in_units(model):
        center, scale = np.zeros(len(center)), np.ones(len(scale))
    for number, layer, width in model.network.numbered():
        size = sum(parameter.size for parameter in layer.parameters(width, number))
        if isinstance(layer, Wired):
            for unit in layer.units:
                yield _of_unit(unit, str(layer.activation), number, views, names, center, scale, first)
                first += len(unit.inputs) + 1
            names = [unit.name for unit in layer.units]
            center, scale = np.zeros(len(names)), np.ones(len(names))
        else:
            if before and isinstance(layer, Dense) and layer.units == 1 and number == str(len(model.network.widths)):
                yield _of_output(model, layer, number, views, names, first)
            first += size
        before = isinstance(layer, Wired) or (before and isinstance(layer, Dropout))


def _of_unit(
    unit: Unit,
    activation: str,
    number: str,
    views: Mapping[str, Any],
    names: Sequence[str],
    center: Floats,
    scale: Floats,
    first: int,
) -> Equation:
    inputs = list(unit.inputs)
    w = views[f"W{number}.{unit.name}"] * scale[inputs]
    b = float(views[f"b{number}.{unit.name}"][0]) - total(w * center[inputs])
    return Equation(unit.name, activation, _terms(first, [names[i] for i in inputs], w, b))


def _of_output(
    model: Inspectable, layer: Dense, number: str, views: Mapping[str, Any], names: Sequence[str], first: int
) -> Equation:
    """theta_9 a_1 + theta_10 a_2 + theta_11 a_3 + theta_12    CS229 (2.3)"""
    w, b, activation = views[f"W{number}"][:, 0], float(views[f"b{number}"][0]), str(layer.activation)
    if are_in_units(model) and not model.head.classes and activation in HOMOGENEOUS:
        (unit,) = model.head.scales
        w, b = unit.scale * w, unit.scale * b + unit.center
    return Equation("", activation, _terms(first, names, w, b))


def _terms(first: int, names: Sequence[str], w: Floats, b: float) -> tuple[Term, ...]:
    weights = [Term(first + i, name, float(w[i])) for i, name in enumerate(names)]
    return (*weights, Term(first + len(names), "", b))
