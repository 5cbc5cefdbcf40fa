"""Diagnostics: warnings about the predictions of a model.

It reports predictions that are all the same, and scores that a constant beats. ``fitting.outcome.diagnostics``
has the checks that need a fit.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import BackpassWarning
from backpass.idiom import in_python
from backpass.model.evaluation.comparison import Comparison, baseline_title
from backpass.model.head.constant import CLASS_FREQUENCIES
from backpass.model.head.head import Head
from backpass.model.metrics import FEWEST_ROWS, LOWER_IS_BETTER
from backpass.table.messages import rounded, shown
from backpass.training import Callback

_LEVEL = {"absolute": "median", "quantile": "quantile"}
_MANY_ROWS, _PERFECT_R2, _PERFECT_ACCURACY = 100, 0.9995, 0.998
"""When a score is nearly perfect: on so many rows, an R2 or an accuracy of at least so much."""
_SLACK = 1e-6
"""A constant must be better than the network by this share of its score, so that rounding causes no warning."""
_SIMPLE = ("linear", "logistic", "group", "last", "seasonal")
"""The baselines that a warning names if they are better than the network; constants have their own warning."""


class Warned(Callback):
    """Collects the warnings of a run, so that they are issued where its model is returned."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def on_warning(self, text: str) -> None:
        self.texts.append(text)

    def warn(self, stacklevel: int = 2, *, reading: bool = False) -> None:
        """Issue each warning once, as ``BackpassWarning``; for ``reading``, see ``idiom.in_python``."""
        warn_all(self.texts, stacklevel + 1, reading=reading)


def warn_all(texts: Sequence[str], stacklevel: int = 2, *, reading: bool = False) -> None:
    """Issue each text once, as ``BackpassWarning``, with options as arguments of Python.

    ``stacklevel`` counts from the caller, as in ``warnings.warn``; for ``reading``, see ``idiom.in_python``.
    """
    for text in dict.fromkeys(texts):
        warnings.warn(in_python(text, reading=reading), BackpassWarning, stacklevel=stacklevel + 1)


def constant_warnings(
    head: Head,
    o: NDArray[Any],
    truth: NDArray[Any],
    weights: NDArray[np.float64] | None = None,
    where: str = "these rows",
    constant: NDArray[np.float64] | None = None,
) -> list[str]:
    """Warnings about predictions that are all the same, and scores that a constant beats.

    Args:
        head: The meaning of the outputs.
        o: Outputs (n, k).
        truth: Targets (n,) or (n, k).
        weights: The weight of each row (n,).
        where: The name of the rows in the warnings.
        constant: Outputs (k,) of a baseline to compare with. Default None: the best ones for these rows, if there are
            at least ten.
    """
    found = _alike(head, o, truth, where)
    if constant is None:
        if len(o) < FEWEST_ROWS:
            return found
        constant = head.level(head.of_baseline(CLASS_FREQUENCIES).encode(truth, np.float64))
    return [*found, *_beaten(head, o, truth, weights, where, constant)]


def beaten_by(comparison: Comparison | None, where: str) -> list[str]:
    """A warning if a baseline is clearly better than the network; ``constant_warnings`` warns about constants."""
    if comparison is None or comparison.result != "worse" or comparison.baseline not in _SIMPLE:
        return []
    metric = comparison.metric.replace("_", " ")
    scores = f"{metric} {rounded(comparison.network_score)} against {rounded(comparison.baseline_score)}"
    return [f"the network is worse than {baseline_title(comparison.baseline)} on {where}: {scores}"]


def nearly_perfect(head: Head, scores: Mapping[str, float], rows: int, where: str) -> list[str]:
    """A warning if a score is better than that of most honest data.

    Args:
        head: The meaning of the outputs.
        scores: The scores on the rows.
        rows: The number of rows.
        where: The name of the rows in the warning.
    """
    name, least = ("r2", _PERFECT_R2) if head.target.task == "regression" else ("accuracy", _PERFECT_ACCURACY)
    if rows < _MANY_ROWS or scores.get(name, 0.0) < least:
        return []
    figure = f"{name} {scores[name]:.6g} on {where}"
    return [f"the score is nearly perfect ({figure}): does a column contain what is known only after the target?"]


def _alike(head: Head, o: NDArray[Any], truth: NDArray[Any], where: str) -> list[str]:
    """A warning if the predictions are the same for every row and the targets are not."""
    if len(o) < 2:
        return []
    predicted = head.predictions(o)
    if head.classes:
        classes = head.decided(predicted)
        if (classes != classes[0]).any() or (truth == truth[0]).all():
            return []
        same = " with the same probability" if (predicted == predicted[0]).all() else ""
        return [f"all of {where} are predicted to be {shown(head.classes[classes[0]])}{same}"]
    columns = predicted.reshape(len(o), -1).T
    targets = np.broadcast_to(truth.reshape(len(o), -1).T, columns.shape)
    return [
        f"the prediction of {name if name.startswith('p(') else shown(name)} is {rounded(values[0])} on all of {where}"
        for name, values, y in zip(head.labels, columns, targets, strict=True)
        if (values == values[0]).all() and (y != y[0]).any()
    ]


def _beaten(
    head: Head,
    o: NDArray[Any],
    truth: NDArray[Any],
    weights: NDArray[np.float64] | None,
    where: str,
    constant: NDArray[np.float64],
) -> list[str]:
    """Warnings for scores that a constant beats: of the metric that selects the epoch, and of the loss's metric."""
    network = head.scores(o, truth, weights)
    simple = head.of_baseline(CLASS_FREQUENCIES).scores(np.tile(constant, (len(o), 1)).astype(o.dtype), truth, weights)
    of_loss = {"cross_entropy": "log_loss", "squared": "rmse"}.get(head.loss_name, head.metric)
    names = [each for each in dict.fromkeys((head.metric, of_loss)) if each in network and each in simple]
    worse = [each for each in names if _is_worse(each, network[each], simple[each])]
    if not worse:
        return []
    has_r2 = worse[0] in ("rmse", "mae") and "r2" in network and _is_worse("r2", network["r2"], simple["r2"])
    compared = [*worse, *(["r2"] if has_r2 else [])]  # r2 is 0 for any prediction of a constant target
    figures = [f"{n.replace('_', ' ')} {rounded(network[n])} against {rounded(simple[n])}" for n in compared]
    if head.target.task != "regression":
        what = "the class frequencies" if head.classes else "the label frequencies"
    else:
        what = f"the {_LEVEL.get(head.loss_name, 'mean')}"
    return [f"the network is no better than always predicting {what} on {where}: {', '.join(figures)}"]


def _is_worse(metric: str, score: float, other: float) -> bool:
    """Whether a score is worse than another by more than rounding; a score that is not finite is the worst."""
    margin = _SLACK * abs(other)
    if metric in LOWER_IS_BETTER:
        return not score <= other + margin and np.isfinite(other)
    return not score >= other - margin and bool(np.isfinite(other))
