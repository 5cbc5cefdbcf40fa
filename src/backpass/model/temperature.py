"""The temperature: a factor for a classifier's outputs, so that its probabilities are right as often as they say.

Comes in: outputs and true classes of rows that the networks did not train on. Goes out: the factor, the inverse of the
temperature T, and theta with the factor inside its last layer, so that whatever runs the network needs no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit.elementary import mean
from backpass.model.heads import AnyHead, Heads
from backpass.model.part import Part
from backpass.network import Network, loss_named

# Steps of 1/32 are exact in binary, and the log-loss changes by less than 1e-3 of itself between two of them near its
# lowest. A search with logarithms in it would end at other bits on other machines.
_FACTORS = np.arange(8, 129) / 32.0


def fitted_factor(head: AnyHead, outputs: Sequence[NDArray[Any]], part: Part) -> float:
    """The factor f = 1/T, from 1/4 to 4, with the lowest log-loss of softmax(f o)    (Guo et al. 2017, section 4.2)

    outputs: o (n, k) of each network for the rows of the part; their probabilities are averaged

    The true class counts (n + 1) / (n + k) and each other 1 / (n + k): few rows, all of them right, do not make
    certainties (Platt 1999, section 2.2). Labels share one factor: rare ones alone would have poor ones.
    """
    k = len(head.target.classes)
    loss = loss_named(_loss_of(head), label_smoothing=k / (part.rows + k))
    exact = [o.astype(np.float64) for o in outputs]
    losses = [mean(loss.per_example(loss.averaged([f * o for o in exact]), part.truth), part.weights) for f in _FACTORS]
    return float(_FACTORS[int(np.argmin(losses))])


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
