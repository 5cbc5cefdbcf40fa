"""The start: the parameters of a problem before its first step.

It takes the network, its head and the training rows and returns theta. ``network`` defines how weights are drawn and
how layers are fitted to data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.engine import Engine
from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.head.head import Head
from backpass.model.settings.precision import dtype_of
from backpass.model.settings.settings import Settings
from backpass.network import (
    Activation,
    Network,
    Periodic,
    fit_output,
    frequency_scales,
    initialize,
    initialize_from_data,
    range_of,
    saturates,
)
from backpass.numerics.elementary import log, total
from backpass.numerics.philox import key_of

_FITTED_ROWS = 4096
_FITTED_NUMBERS = 2**26
"""The most numbers in an array of the rows that the start is fitted to, 256 MiB in float32; fewer rows if wide."""
_FEWEST_FITTED = 256
_ROUNDS = 12
_MARGIN = 0.05
"""Initial distance of an activation from its bounds, if it has both, as a share of its range."""


def first_theta(
    network: Network,
    head: Head,
    part: DataSplit,
    settings: Settings,
    engine: Engine,
    fixed: Mapping[str, NDArray[Any]],
) -> NDArray[Any]:
    """The parameters before the first step: drawn from the seed, and fitted to data if the settings say so.

    A bounded output activation starts near the targets (see ``fit_output``). With random parameters its slope could
    vanish on every row, and the network would never learn.

    Args:
        network: The network.
        head: The meaning of the outputs.
        part: The training rows.
        settings: The settings.
        engine: The engine.
        fixed: The parameters that are not trained, by name.
    """
    key, dtype = key_of(settings.seed), dtype_of(settings.precision)
    if settings.initialization == "data":
        x = part.between(0, fitted_rows(network)).x
        circuit = initialize_from_data(network, len(x), dtype, fixed)
        theta = engine.run(circuit, key, x, frequency_scales(network, dtype))[0]
    else:
        theta = engine.run(initialize(network, settings.initialization, dtype, fixed), key)[0]
    if saturates(settings.output_activation):
        return _aimed(network, head, part, settings.output_activation, engine, theta)
    if settings.output_activation != "identity" or head.has_log_link:
        theta = theta.copy()
        is_number = head.target.task == "regression"
        theta[-head.outputs :] = head.level(part.y) if is_number else 0.0
    return theta


def fitted_rows(network: Network) -> int:
    """The number of training rows that the parameters are fitted to, at most; fewer for a wide network."""
    periodic = [layer.columns * layer.frequencies for layer in network.layers if isinstance(layer, Periodic)]
    # The fit of the outputs takes several arrays of their size, where that of other layers takes one.
    widest = max(network.inputs, *network.widths, *periodic, 4 * network.outputs)
    return max(min(_FITTED_ROWS, _FITTED_NUMBERS // widest), _FEWEST_FITTED)


def _aimed(
    network: Network, head: Head, part: DataSplit, activation: Activation, engine: Engine, theta: NDArray[Any]
) -> NDArray[Any]:
    """theta with an output layer that is fitted to the targets of rows from all over the training split.

    The first fit is a least-squares fit. A row whose target lies at the lower bound, such as 0 of a ReLU, is matched by
    every z below it. So the next fits count such a row only where the previous fit was above the bound, and the best
    fit wins.

    Every such fit is above the bound on some row whose target is: it satisfies sum of w (z - line) line = 0 over the
    rows that count, so the sum of w z line is positive.
    """
    low, dtype = range_of(activation)[0], theta.dtype
    index = np.arange(0, part.rows, -(-part.rows // fitted_rows(network)))
    z = _before(activation, head.wanted(part.y)[index])
    weights = np.broadcast_to(part.training_weights()[index, None], z.shape)
    above = (z > low) | ~(z > low).any(axis=0)
    circuit, counts = fit_output(network, len(index), dtype), np.ones(z.shape, dtype=np.bool_)
    arrays = (theta, part.take(index).x, z.astype(dtype))
    found = []
    for _ in range(_ROUNDS):
        fitted, line = engine.run(circuit, *arrays, (weights * counts).astype(dtype))
        error = np.where(above | (line > low), line.astype(np.float64) - z, 0.0)
        found.append((total((weights * error * error).reshape(-1)), fitted))
        before, counts = counts, above | (line > low)
        if np.array_equal(before, counts):
            break
    return np.asarray(min(found, key=lambda each: each[0])[1])


def _before(activation: Activation, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pre-activations z with sigma(z) near the outputs, as far as sigma reaches, and never deep in its flat region.

    sigmoid and tanh are inverted within their range, less a margin. The others are close to the identity above their
    lower bound.
    """
    low, high = range_of(activation)
    if not np.isfinite(high):
        return np.maximum(outputs, low)
    share = np.clip((outputs - low) / (high - low), _MARGIN, 1.0 - _MARGIN)
    logit = log(share) - log(1.0 - share)
    return logit if activation == "sigmoid" else 0.5 * logit
