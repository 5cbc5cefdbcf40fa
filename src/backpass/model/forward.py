"""The forward pass: encoded columns -> network inputs x -> outputs o, in chunks of rows, to bound the memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.engine import Engine
from backpass.network import FeatureMap, Network
from backpass.table import Schema

CHUNK = 8192
"""Rows per chunk of a forward pass outside training."""


def outputs_of(
    network: Network, theta: NDArray[Any], x: NDArray[Any], engine: Engine, *, features: bool = False
) -> NDArray[Any]:
    """The outputs (or penultimate activations) for all rows of x, computed in chunks."""
    forward = network.forward(theta.dtype, features=features)
    parts = [engine.run(forward, theta, x[i : i + CHUNK])[0] for i in range(0, max(len(x), 1), CHUNK)]
    return np.concatenate(parts)


def inputs_of(
    feature_map: FeatureMap, numbers: NDArray[Any], codes: NDArray[Any], dtype: Any, engine: Engine
) -> NDArray[Any]:
    """The network inputs x for all rows, computed in chunks."""
    phi = feature_map.circuit(dtype)
    rows = len(numbers)
    parts = [engine.run(phi, numbers[i : i + CHUNK], codes[i : i + CHUNK])[0] for i in range(0, max(rows, 1), CHUNK)]
    return np.concatenate(parts)


def input_names(schema: Schema, feature_map: FeatureMap) -> list[str]:
    """The name of each network input."""
    numbers = [feature.name for feature in schema.numbers]
    return feature_map.input_names(numbers, {feature.name: feature.levels for feature in schema.texts})
