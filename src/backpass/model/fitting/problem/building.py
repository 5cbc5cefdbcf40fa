"""Building: makes the network that the settings describe, layer by layer.

It takes settings, a schema and a feature map and returns a Network. ``problem`` initializes its parameters.
"""

from __future__ import annotations

from collections.abc import Iterator

from backpass.errors import DataError, did_you_mean
from backpass.model.settings.settings import Settings
from backpass.network import (
    Dense,
    Dropout,
    Embedding,
    FeatureMap,
    Layer,
    LearnedInputScale,
    Network,
    ParametricActivation,
    Periodic,
    Projection,
    ScaledDense,
    Selection,
    Unit,
    Wired,
)
from backpass.table import Schema


def build_network(settings: Settings, schema: Schema, feature_map: FeatureMap, outputs: int, rows: int) -> Network:
    """The network that the settings describe.

    Args:
        settings: The settings.
        schema: The columns.
        feature_map: The feature map.
        outputs: The number of outputs.
        rows: The number of training rows; it bounds the number of principal components.

    Raises:
        DataError: Names every wired column that the table lacks.
    """
    layers = list(_front(settings, feature_map, rows))
    if settings.wire:
        layers.append(_wired(settings, schema, feature_map))
    dense = ScaledDense if settings.parametrization == "ntk" else Dense
    for units in settings.hidden:
        if settings.parametric_activation:
            layers += [dense(units), ParametricActivation(settings.activation)]
        else:
            layers.append(dense(units, settings.activation))
        if settings.dropout:
            layers.append(Dropout(settings.dropout))
    return Network(feature_map.width, (*layers, dense(outputs, settings.output_activation)))


def _front(settings: Settings, feature_map: FeatureMap, rows: int) -> Iterator[Layer]:
    """The layers before the first dense layer."""
    columns, numbers = feature_map.width - len(feature_map.embedded), feature_map.numeric_inputs
    if feature_map.knots and not settings.quantile_features:
        numbers = len(feature_map.has_missing)
        yield Selection(feature_map.numeric_inputs, numbers)
    if settings.principal_components is not None and columns:
        numbers = min(settings.principal_components, columns, max(rows - 1, 1))
        yield Projection(columns, numbers)
    if settings.numerical_embedding == "periodic" and numbers:
        yield Periodic(numbers, deviation=settings.frequency_scale[0])
    if feature_map.embedded:
        yield Embedding(feature_map.embedded, settings.embedding_dim)
    if settings.learned_input_scale:
        yield LearnedInputScale()


def _wired(settings: Settings, schema: Schema, feature_map: FeatureMap) -> Wired:
    columns_of_groups = [*(number.column for number in schema.numbers), *(text.name for text in schema.texts)]
    inputs: dict[str, tuple[int, ...]] = {}
    for name, group in zip(columns_of_groups, feature_map.groups(), strict=True):
        inputs[name] = (*inputs.get(name, ()), *group)  # a date has a group of inputs for each of its components
    errors = [
        f"unit {unit!r} is wired to {column!r}, which is not among the columns to learn from "
        f"({did_you_mean(column, list(inputs))})"
        for unit, columns in settings.wire
        for column in columns
        if column not in inputs
    ]
    if errors:
        raise DataError("unknown columns in the wiring", details=errors)
    units = tuple(Unit(name, tuple(i for column in columns for i in inputs[column])) for name, columns in settings.wire)
    return Wired(units, settings.activation)
