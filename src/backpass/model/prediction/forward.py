"""The forward pass: encoded columns -> network inputs x -> outputs o, in chunks of rows, to bound the memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.engine import Engine
from backpass.network import FeatureMap, KernelRegression, Network
from backpass.network.activity import InputRows
from backpass.table import Schema

ENGINE_ROWS = 224
"""Rows of a block of the native engine."""

CHUNK = 36 * ENGINE_ROWS
"""Rows per chunk of a forward pass outside training: whole blocks of the native engine."""

_OUTPUTS = 2**22
"""Outputs per chunk."""

_PAIRS = 2**20
"""Pairs of a row and a stored row per chunk."""


def outputs_of(
    network: Network, theta: NDArray[Any], x: InputRows, engine: Engine, *, features: bool = False
) -> NDArray[Any]:
    """The outputs (or penultimate activations) for all rows of x, computed in chunks."""
    forward, chunk = network.forward(theta.dtype, features=features), chunk_for(network)
    first = engine.run(forward, theta, x[:chunk])[0]
    found = np.empty((len(x), *first.shape[1:]), first.dtype)
    found[: len(first)] = first
    for i in range(chunk, len(x), chunk):
        found[i : i + chunk] = engine.run(forward, theta, x[i : i + chunk])[0]
    return found


def chunk_for(network: Network) -> int:
    """Rows per chunk: fewer of many outputs, and where each row is compared with many stored ones."""
    stored = [layer.rows for layer in network.layers if isinstance(layer, KernelRegression)]
    if stored:
        return min(CHUNK, max(_PAIRS // max(stored), 1))
    return min(CHUNK, max(_OUTPUTS // network.outputs // ENGINE_ROWS, 1) * ENGINE_ROWS)


def inputs_of(
    feature_map: FeatureMap,
    numbers: InputRows,
    codes: InputRows,
    dtype: Any,
    engine: Engine,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """The network inputs x for all rows, computed in chunks.

    Args:
        feature_map: The feature map.
        numbers: float64 (n, p), NaN where missing.
        codes: int32 (n, q).
        dtype: The dtype of x.
        engine: The engine.
        out: The array (n, d) that x is written to. Default None: a new one.
    """
    phi, rows = feature_map.circuit(dtype), len(numbers)
    x = np.empty((rows, feature_map.width), dtype) if out is None else out
    for i in range(0, max(rows, 1), CHUNK):
        x[i : i + CHUNK] = engine.run(phi, numbers[i : i + CHUNK], codes[i : i + CHUNK])[0]
    return x


def input_names(schema: Schema, feature_map: FeatureMap) -> list[str]:
    """The name of each network input."""
    numbers = [feature.name for feature in schema.numbers]
    return feature_map.input_names(numbers, {feature.name: feature.levels for feature in schema.texts})
