"""Diagnostics: what is wrong with a trained model, in sentences for warnings.

Units that have stopped learning, targets that the output cannot reach, predictions that are all alike, and scores that
a constant beats. Who shows them, and where, is the affair of ``fitting``, the estimators, the report and the commands.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import BackpassWarning
from backpass.model.fitting.baseline import constant_outputs
from backpass.model.fitting.ensemble import Member, out_of_fold, outputs_of_members
from backpass.model.fitting.problem import Problem, outputs_of
from backpass.model.fitting.split import FEWEST_ROWS
from backpass.model.head.head import Head
from backpass.model.head.heads import AnyHead, Heads
from backpass.model.metrics import LOWER_IS_BETTER
from backpass.network import RANGES, dead_units
from backpass.table.messages import listed, shown
from backpass.training import Callback

_PARTS = {"test": "test", "validation": "validation", "train": "training"}
_LEVEL = {"absolute": "median", "quantile": "quantile"}
_SLACK = 1e-6
"""A constant has to be better than the network by this share of its score, so that rounding raises no warning."""


class Warned(Callback):
    """Collects the warnings of a run, so that they are raised where its model is returned."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def on_warning(self, text: str) -> None:
        self.texts.append(text)

    def warn(self, stacklevel: int = 2) -> None:
        """Issue each warning once, as ``BackpassWarning``."""
        warn_all(self.texts, stacklevel + 1)


def warn_all(texts: Sequence[str], stacklevel: int = 2) -> None:
    """Issue each text once, as ``BackpassWarning``; ``stacklevel`` counts from the caller, as in ``warnings.warn``."""
    for text in dict.fromkeys(texts):
        warnings.warn(text, BackpassWarning, stacklevel=stacklevel + 1)


def before_training(problem: Problem) -> list[str]:
    """Targets of training rows that the output activation cannot reach.

    >>> from backpass.model import Settings, make_problem
    >>> from backpass.table import table_from
    >>> table = table_from({"x": range(20), "y": range(-5, 15)})
    >>> settings = Settings.of({"output_activation": "relu", "test_fraction": 0.0, "validation_fraction": 0.0})
    >>> before_training(make_problem(table, "y", settings))
    ["the target 'y' is below 0 in 5 of 20 training rows, but the output activation relu cannot be negative"]
    """
    head, activation = problem.head, problem.settings.output_activation
    if head.target.task != "regression" or head.loss_name == "poisson":
        return []
    truth = problem.parts["train"].truth
    columns = truth.reshape(len(truth), -1).T
    # Of several quantiles every head has the same target.
    heads = {single.target.name: (single, column) for single, column in zip(head.heads, columns, strict=True)}
    return [text for single, column in heads.values() if (text := _out_of_range(single, column, activation))]


def _out_of_range(head: Head, y: NDArray[np.float64], activation: str) -> str:
    low, high = (bound * head.scale.scale for bound in RANGES[activation])
    below, above = np.count_nonzero(y < low), np.count_nonzero(y > high)
    if not below and not above:
        return ""
    sides = [*([f"below {low:.4g}"] if below else []), *([f"above {high:.4g}"] if above else [])]
    where = " or ".join(sides)
    limit = "cannot be negative" if low == 0.0 and not above else f"gives no number {where}"
    return (
        f"the target {shown(head.target.name)} is {where} in {below + above:,} of {len(y):,} training rows, but the "
        f"output activation {activation} {limit}"
    )


def after_training(problem: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> list[str]:
    """Dead units of every network, and what is wrong with the predictions of all of them together."""
    return [*_dead(members, thetas), *_judged_at_fit(problem, members, thetas)]


def _dead(members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> list[str]:
    """``layer 1: 3 of 64 units are 0 on every training row (units 4, 17, 60)``"""
    found = []
    for i, (member, theta) in enumerate(zip(members, thetas, strict=True), start=1):
        problem = member.problem
        which = f"network {i} of {len(members)}, " if len(members) > 1 else ""
        for dead in dead_units(problem.network, theta, problem.parts["train"].x, problem.engine):
            is_zero = dead.activation == "relu" and not problem.settings.parametric_activation
            state = "0" if is_zero else f"on the flat side of {dead.activation}"
            verb, noun = ("is", "unit") if len(dead.units) == 1 else ("are", "units")
            found.append(
                f"{which}layer {dead.layer}: {len(dead.units):,} of {dead.count:,} "
                f"{'unit' if dead.count == 1 else 'units'} {verb} {state} on every training row "
                f"({noun} {listed(dead.units)}) and no longer {'learns' if verb == 'is' else 'learn'}"
            )
    return found


def _judged_at_fit(problem: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> list[str]:
    """On the rows that the scores are about: the test rows, else the validation rows, else the training rows."""
    name = next(each for each in _PARTS if each in problem.parts)
    part = problem.parts[name]
    if name == "validation" and any(member.fold is not None for member in members):
        o, part = out_of_fold(members, thetas)
    elif name == "train" and len(members) == 1:
        o = outputs_of(problem.network, thetas[0], part.x, problem.engine)
    else:
        o = outputs_of_members(problem, thetas, part.x)
    constant = _constant(problem.head, problem.parts["train"].y)
    return judged(problem.head, o, part.truth, part.weights, f"the {_PARTS[name]} rows", constant)


def judged(
    head: AnyHead,
    o: NDArray[Any],
    truth: NDArray[Any],
    weights: NDArray[np.float64] | None = None,
    where: str = "these rows",
    constant: NDArray[np.float64] | None = None,
) -> list[str]:
    """Predictions that are all alike, and scores that a constant beats.

    constant: the outputs (k,) to compare with; None, the best ones for these rows, of which there must be at least ten

    o (n, k)   truth (n,) or (n, k)   weights (n,)
    """
    found = _alike(head, o, truth, where)
    if constant is None:
        if len(o) < FEWEST_ROWS:
            return found
        constant = _constant(head, head.encode(truth, np.float64))
    return [*found, *_beaten(head, o, truth, weights, where, constant)]


def _alike(head: AnyHead, o: NDArray[Any], truth: NDArray[Any], where: str) -> list[str]:
    """Predictions that are the same for every row where the targets are not."""
    if len(o) < 2:
        return []
    predicted = head.predictions(o)
    if head.classes:
        classes = np.argmax(predicted, axis=1)
        if (classes != classes[0]).any() or (truth == truth[0]).all():
            return []
        same = " with the same probability" if (predicted == predicted[0]).all() else ""
        return [f"all of {where} are predicted to be {shown(head.classes[classes[0]])}{same}"]
    columns = predicted.reshape(len(o), -1).T
    targets = np.broadcast_to(truth.reshape(len(o), -1).T, columns.shape)
    return [
        f"the prediction of {name if name.startswith('p(') else shown(name)} is {values[0]:.4g} on all of {where}"
        for name, values, y in zip(head.labels, columns, targets, strict=True)
        if (values == values[0]).all() and (y != y[0]).any()
    ]


def _beaten(
    head: AnyHead,
    o: NDArray[Any],
    truth: NDArray[Any],
    weights: NDArray[np.float64] | None,
    where: str,
    constant: NDArray[np.float64],
) -> list[str]:
    """Scores that are worse than those of the constant: of the metric that counts, and the one of the loss."""
    network = head.scores(o, truth, weights)
    simple = head.scores(np.tile(constant, (len(o), 1)).astype(o.dtype), truth, weights)
    of_loss = {"cross_entropy": "log_loss", "squared": "rmse"}.get(head.loss_name, head.metric)
    names = [each for each in dict.fromkeys((head.metric, of_loss)) if each in network and each in simple]
    worse = [each for each in names if _is_worse(each, network[each], simple[each])]
    if not worse:
        return []
    told = [*worse, *(["r2"] if worse[0] in ("rmse", "mae") and "r2" in network else [])]
    figures = [f"{name.replace('_', ' ')} {network[name]:.4g} against {simple[name]:.4g}" for name in told]
    if head.target.task != "regression":
        what = "the class shares" if head.classes else "the share of each label"
    else:
        what = f"the {_LEVEL.get(head.loss_name, 'mean')}"
    return [f"the network is worse than always predicting {what} on {where}: {', '.join(figures)}"]


def _is_worse(metric: str, score: float, other: float) -> bool:
    """Whether a score is worse than another by more than rounding; one that is not finite is the worst."""
    margin = _SLACK * abs(other)
    if metric in LOWER_IS_BETTER:
        return not score <= other + margin and np.isfinite(other)
    return not score >= other - margin and bool(np.isfinite(other))


def _constant(head: AnyHead, y: NDArray[Any]) -> NDArray[np.float64]:
    """The outputs (k,) that are best for every row alike, given the encoded targets."""
    if isinstance(head, Heads) and head.are_labels:
        return np.concatenate([constant_outputs("cross_entropy", column.astype(np.int64), 1) for column in y.T])
    if head.target.task == "regression":
        return head.level(y)
    return constant_outputs("cross_entropy", y, head.outputs)
