"""The link: decodes and averages the outputs of networks, as their loss defines it (probabilities, rates).

Losses define both with operations; here the default engine computes them, so that they have the same bits everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Circuit, Spec, trace
from backpass.engine import default_engine
from backpass.network import Loss


def predicted(loss: Loss, o: NDArray[Any]) -> NDArray[Any]:
    """outputs o (n, k)  ->  predictions on the target's own scale"""
    return _worked_out(_predicting(loss, o.shape[1], o.dtype), [o])


def averaged(loss: Loss, outputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """outputs of several networks, each (n, k)  ->  outputs (n, k) that predict their average; one network's stay"""
    first = outputs[0]
    return _worked_out(_averaging(loss, len(outputs), first.shape[1], first.dtype), outputs)


def _worked_out(circuit: Circuit, outputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    is_identity = circuit.outputs == (0,)
    return outputs[0] if is_identity else default_engine(threads=1).run(circuit, *outputs)[0]


@lru_cache(maxsize=32)
def _predicting(loss: Loss, k: int, dtype: np.dtype[Any]) -> Circuit:
    return trace(loss.predicted, [Spec(("n", k), dtype)])


@lru_cache(maxsize=32)
def _averaging(loss: Loss, networks: int, k: int, dtype: np.dtype[Any]) -> Circuit:
    return trace(lambda *o: loss.averaged(o) if networks > 1 else o[0], [Spec(("n", k), dtype)] * networks)
