"""Class weights: how much the rows of each class count in the loss, and what follows for probabilities and decisions.

A network that is trained with weights w predicts p'_j proportional to w_j p_j. ``log_weights`` undoes that in its
outputs, so that probabilities are those of the data; the decision keeps the weights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.head.decision import Decision, class_number
from backpass.model.settings.settings import Settings
from backpass.numerics.elementary import log, total
from backpass.table import Target
from backpass.table.messages import shown

Floats = NDArray[np.float64]

IMBALANCE = 5
"""How many times the rows of the rarest class the most frequent one has where a note asks for weights."""


def class_weights(target: Target, settings: Settings, y: NDArray[Any], weights: Floats | None = None) -> Floats | None:
    """The weight of each class in the loss (classes,); None if the settings give none.

    "balanced": W / (k W_c), W the weight of all rows and W_c that of the rows of class c (King & Zeng 2001). A class
    that is not named has weight 1.

    Args:
        target: The target.
        settings: The settings.
        y: The class numbers of the training rows (n,).
        weights: The weights of these rows (n,).

    Raises:
        UsageError: A class is named that the target does not have.
    """
    given, k = settings.class_weight, len(target.classes)
    if given is None:
        return None
    if isinstance(given, str):
        counted = np.ones(len(y)) if weights is None else weights
        present = np.array([total(counted[y == j]) for j in range(k)])
        return np.asarray(total(counted) / (np.count_nonzero(present) * np.where(present > 0.0, present, 1.0)))
    numbers = {class_number(target, name): float(weight) for name, weight in given}
    return np.array([numbers.get(j, 1.0) for j in range(k)])


def imbalance_notes(target: Target, settings: Settings, y: NDArray[Any]) -> list[str]:
    """A note that asks for a threshold or for weights if a class has at least ``IMBALANCE`` times the rows of another.

    Args:
        target: The target.
        settings: The settings.
        y: The class numbers of the training rows (n,).
    """
    if target.task == "regression" or any(
        each is not None for each in (settings.class_weight, settings.threshold, settings.cost)
    ):
        return []
    counts = np.bincount(y, minlength=len(target.classes))
    most, least = int(np.argmax(counts)), int(np.argmin(counts))
    if counts[most] < IMBALANCE * max(counts[least], 1):
        return []
    frequent, rare = shown(target.classes[most]), shown(target.classes[least])
    threshold = "--threshold f1, balanced or cost, or " if len(counts) == 2 else ""
    return [
        f"class {frequent} of {shown(target.name)} is {counts[most] / max(counts[least], 1):,.0f} times as frequent as "
        f"{rare}, which may rarely be predicted: see {threshold}--class-weight balanced"
    ]


def log_weights(weights: Floats) -> Floats:
    """What training with weights adds to the outputs o (n, k): log w_j, or log(w_1 / w_0) to the one of two classes."""
    logs = log(weights)
    return logs[1:] - logs[:1] if len(weights) == 2 else logs


def weighted_decision(decision: Decision, weights: Floats) -> Decision:
    """The decision that the weights ask for, given the probabilities p of the data: the class of the largest w_j p_j.

    Of two classes, the positive one from the probability w_other / (w_other + w_positive).

    >>> weighted_decision(Decision(positive=1), np.array([1.0, 3.0])).threshold
    0.25
    """
    if len(weights) > 2:
        return replace(decision, rule="class_weight", weights=tuple(weights.tolist()))
    positive, other = float(weights[decision.positive]), float(weights[1 - decision.positive])
    return replace(decision, rule="class_weight", threshold=other / (other + positive))
