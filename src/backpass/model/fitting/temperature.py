"""The temperature: a factor for a classifier's outputs, so that its probabilities are right as often as they say.

Comes in: outputs and true classes of rows that the networks did not train on. Goes out: the factor, the inverse of the
temperature T, and theta with the factor inside its last layer, so that whatever runs the network needs no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.fitting.data_split import DataSplit
from backpass.model.head.heads import AnyHead, Heads
from backpass.network import Network, loss_named
from backpass.numerics.elementary import mean

# Steps of 1/32 are exact in binary, and the log-loss changes by less than 1e-3 of itself between two of them near its
# lowest. A search with logarithms in it would end at other bits on other machines.
_FACTORS = np.arange(8, 129) / 32.0


def fitted_factor(head: AnyHead, outputs: Sequence[NDArray[Any]], part: DataSplit) -> float:
    """The factor f = 1/T, from 1/4 to 4, with the lowest log-loss of softmax(f o)    (Guo et al. 2017, section 4.2)

    outputs: o (n, k) of each network for the rows of the part; their probabilities are averaged

    The true class counts (n + 1) / (n + 2) and the most probable of the others 1 / (n + 2): few rows, all of them
    right, do not make certainties (Platt 1999, section 2.2, for two classes). Labels share one factor: rare ones alone
    would have poor ones.
    """
    loss = loss_named(_loss_of(head))
    exact = [o.astype(np.float64) for o in outputs]
    other, doubt = _runner_up(loss.averaged(exact), part.truth), 1.0 / (part.rows + 2.0)

    def log_loss(f: float) -> float:
        o = loss.averaged([f * each for each in exact])
        right, wrong = (loss.per_example(o, y) for y in (part.truth, other))
        return mean((1.0 - doubt) * right + doubt * wrong, part.weights)

    return float(_FACTORS[int(np.argmin([log_loss(f) for f in _FACTORS]))])


def _runner_up(o: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    """The most probable of the classes that are not the true one: o (n, k), truth (n,) -> (n,); of labels (n, k)"""
    if o.shape[1] == 1 or truth.ndim == 2:
        return 1 - truth
    others = o.copy()
    np.put_along_axis(others, truth[:, None], -np.inf, axis=1)
    found: NDArray[Any] = np.argmax(others, axis=1)
    return found


def _loss_of(head: AnyHead) -> str:
    if isinstance(head, Heads):
        return "label_cross_entropy"
    return "binary_cross_entropy" if head.outputs == 1 else "cross_entropy"


def tempered(network: Network, theta: NDArray[Any], factor: float) -> NDArray[Any]:
    """theta of the network whose outputs are those of this one times the factor.

    Its last layer has no activation: f (a W + b) = a (f W) + f b.
    """
    last, changed = len(network.widths), theta.copy()
    views = network.layout.views(changed)
    for name in (f"W{last}", f"b{last}"):
        views[name][...] *= theta.dtype.type(factor)
    return changed
