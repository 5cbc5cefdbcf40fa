"""The link: from a network's outputs to what they mean, as circuits that an engine runs.

NumPy's own exponentials and logarithms differ between machines in the last bit; an engine's do not, so predictions
have the bits of the engine throughout. Scales and units are ``scaling``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, trace
from backpass.engine import Engine
from backpass.network import Loss


def predicted(loss: Loss, o: NDArray[Any], engine: Engine) -> NDArray[Any]:
    """outputs o (n, k)  ->  what they mean in the loss's own terms, such as probabilities"""
    circuit = _predicted(loss, o.shape[1], o.dtype)
    means_itself = circuit.outputs == (0,)
    return o if means_itself else engine.run(circuit, o)[0]


def averaged(loss: Loss, outputs: Sequence[NDArray[Any]], engine: Engine) -> NDArray[Any]:
    """outputs of several networks, each (n, k)  ->  outputs (n, k) that predict their average"""
    circuit = _averaged(loss, len(outputs), outputs[0].shape[1], outputs[0].dtype)
    return engine.run(circuit, *outputs)[0]


@lru_cache(maxsize=64)
def _predicted(loss: Loss, width: int, dtype: np.dtype[Any]) -> Circuit:
    return trace(loss.predicted, [Spec(("n", width), dtype)])


@lru_cache(maxsize=64)
def _averaged(loss: Loss, networks: int, width: int, dtype: np.dtype[Any]) -> Circuit:
    def average(*outputs: Array) -> Array:
        return loss.averaged(outputs)

    return trace(average, [Spec(("n", width), dtype)] * networks)
