"""Plain data: converts layers to the form of the model file and back, with a fixed table of layer types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from backpass.network.activations import activation_named
from backpass.network.custom_activation import CustomActivation
from backpass.network.input_layers import Embedding, LearnedInputScale, Periodic, Projection, Selection
from backpass.network.layers import (
    Dense,
    Dropout,
    KernelRegression,
    Layer,
    ParametricActivation,
    ScaledDense,
    Unit,
    Wired,
)

LAYERS: MappingProxyType[str, type[Layer]] = MappingProxyType(
    {
        layer.kind: layer
        for layer in (
            Dense,
            ScaledDense,
            ParametricActivation,
            Wired,
            Dropout,
            Selection,
            Projection,
            Periodic,
            Embedding,
            LearnedInputScale,
            KernelRegression,
        )
    }
)
"""Every layer class by its type."""


def layer_to_json(layer: Layer) -> dict[str, Any]:
    """A layer as plain data for the model file."""
    names = [each.name for each in fields(layer)]  # type: ignore[arg-type]  # every final layer is a dataclass
    return {"kind": layer.kind, **{name: _plain(getattr(layer, name)) for name in names}}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, CustomActivation):
        return value.to_json()
    return {"name": value.name, "inputs": list(value.inputs)} if isinstance(value, Unit) else value


def layer_from_json(data: Mapping[str, Any]) -> Layer:
    """A layer from plain data.

    Raises:
        ValueError, KeyError or UsageError: If the data do not describe a layer.
    """
    kind = data["kind"]
    if kind not in LAYERS:
        raise ValueError(f"unknown layer kind {kind!r}")
    chosen = LAYERS[kind]
    values = {each.name: data[each.name] for each in fields(chosen)}  # type: ignore[arg-type]  # as above
    if chosen is Wired:
        values["units"] = tuple(Unit(str(unit["name"]), tuple(map(int, unit["inputs"]))) for unit in values["units"])
    if chosen is Embedding:
        values["levels"] = tuple(map(int, values["levels"]))
    if "activation" in values:
        given = values["activation"]
        values["activation"] = CustomActivation.from_json(given) if isinstance(given, Mapping) else given
        activation_named(values["activation"])
    return chosen(**values)
