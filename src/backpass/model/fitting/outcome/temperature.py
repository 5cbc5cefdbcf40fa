"""The temperature: a factor for a classifier's outputs that calibrates its probabilities.

It takes the outputs and true classes of rows that the networks did not train on. It returns the factor, the inverse of
the temperature T, and theta with the factor multiplied into its last layer, so that prediction needs no extra step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.head.head import Head
from backpass.model.settings.settings import Settings
from backpass.network import Network, loss_named
from backpass.numerics.elementary import mean

# Steps of 1/32 are exact in binary. Near its minimum the log-loss changes by less than 0.1% from one to the next. A
# search that uses logarithms would end at different bits on different machines.
_FACTORS = np.arange(8, 129) / 32.0
_STEP = 8
_NUMBERS_AT_ONCE = 1 << 15
_ROWS_AT_ONCE = 1 << 20
"""Outputs of rows at once, if there are more."""
_MOST = 2**22
"""Outputs that a factor is fitted to: one number needs no more, and each of them is tried 31 times."""


def is_calibrated(head: Head, settings: Settings) -> bool:
    """Whether the probabilities of a head are calibrated."""
    is_plain = settings.output_activation == "identity" and head.custom_loss is None
    return is_plain and settings.calibration != "none" and head.target.task != "regression"


def fitted_rows(rows: int, outputs: int) -> range:
    """The rows that a factor is fitted to: evenly spaced, with at most ``_MOST`` outputs in all.

    >>> fitted_rows(100, 3), fitted_rows(10_000, 1_000)
    (range(0, 100), range(0, 10000, 3))
    """
    return range(0, rows, max(1, -(-rows * outputs // _MOST)))


def fitted_factor(head: Head, outputs: Sequence[NDArray[Any]], part: DataSplit, shares: Sequence[float] = ()) -> float:
    """The factor f = 1/T, from 1/4 to 4, with the lowest log-loss of softmax(f o)    (Guo et al. 2017, section 4.2)

    The true class has target (n + 1) / (n + 2) and the most probable of the others 1 / (n + 2), so that a few rows, all
    of them right, do not produce certainty (Platt 1999, section 2.2, for two classes). All labels share one factor: a
    rare label alone would give a poor one.

    Args:
        head: The meaning of the outputs.
        outputs: o (n, k) of each network; their probabilities are averaged.
        part: The rows, of which ``fitted_rows`` are used.
        shares: The share of each network in the average. Default (): equal shares.
    """
    loss, k = loss_named(head.built_in), outputs[0].shape[1]
    used = fitted_rows(part.rows, k)
    if len(used) < part.rows:
        outputs, part = [o[:: used.step] for o in outputs], part.take(np.array(used))
    doubt = 1.0 / (part.rows + 2.0)
    rows_at_once = max(1, _ROWS_AT_ONCE // k)
    blocks = [slice(i, i + rows_at_once) for i in range(0, part.rows, rows_at_once)]
    truth, exact = part.truth, partial(_exact, outputs)
    other = np.concatenate([_runner_up(loss.averaged(exact(rows), shares), truth[rows]) for rows in blocks])

    def row_losses(factors: NDArray[Any], rows: slice) -> NDArray[Any]:
        scaled = [(factors[:, None, None] * each).reshape(-1, k) for each in exact(rows)]
        o = loss.averaged(scaled, shares)
        right, wrong = (loss.per_example(o, np.concatenate([y[rows]] * len(factors))) for y in (truth, other))
        return np.asarray((1.0 - doubt) * right + doubt * wrong).reshape(len(factors), -1)

    def log_losses(factors: NDArray[Any]) -> list[float]:
        blurred = np.concatenate([row_losses(factors, rows) for rows in blocks], axis=1)
        return [mean(each, part.weights) for each in blurred]

    # A few rows at many factors at once, since a circuit's overhead is that of many rows.
    at_once = max(1, _NUMBERS_AT_ONCE // max(1, outputs[0].size))

    def best_of(tried: NDArray[np.intp]) -> int:
        parts = (_FACTORS[tried[i : i + at_once]] for i in range(0, len(tried), at_once))
        return int(tried[int(np.argmin([each for part in parts for each in log_losses(part)]))])

    # The loss of one network is convex in its factor: every eighth one, then the neighbors of the best.
    near = best_of(np.arange(0, len(_FACTORS), _STEP))
    return float(_FACTORS[best_of(np.arange(max(0, near - _STEP + 1), min(len(_FACTORS), near + _STEP)))])


def _exact(outputs: Sequence[NDArray[Any]], rows: slice) -> list[NDArray[np.float64]]:
    """The outputs of some rows in float64."""
    return [o[rows].astype(np.float64) for o in outputs]


def _runner_up(o: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    """The most probable of the wrong classes: o (n, k), truth (n,) -> (n,); for labels (n, k)"""
    if o.shape[1] == 1 or truth.ndim == 2:
        return 1 - truth
    others = o.copy()
    np.put_along_axis(others, truth[:, None], -np.inf, axis=1)
    found: NDArray[Any] = np.argmax(others, axis=1)
    return found


def tempered(network: Network, theta: NDArray[Any], factor: float) -> NDArray[Any]:
    """theta of the network whose outputs are those of this one times the factor.

    Its last layer has no activation: f (a W + b) = a (f W) + f b.
    """
    last, changed = len(network.widths), theta.copy()
    views = network.layout.views(changed)
    for name in (f"W{last}", f"b{last}"):
        views[name][...] *= theta.dtype.type(factor)
    return changed


def shifted(network: Network, theta: NDArray[Any], amounts: NDArray[np.float64]) -> NDArray[Any]:
    """theta of the network whose outputs are those of this one plus the amounts (k,): they are added to the bias."""
    changed = theta.copy()
    network.layout.views(changed)[f"b{len(network.widths)}"][...] += amounts.astype(theta.dtype)
    return changed
