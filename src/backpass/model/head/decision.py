"""The decision: which class a row is given, from the probabilities of the classes.

It takes probabilities and returns class numbers. ``threshold`` chooses the threshold on held-out rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError, did_you_mean
from backpass.model.settings.settings import Settings
from backpass.table import Target
from backpass.table.messages import listed, shown
from backpass.table.notation.number import text_of

EVEN = 0.5
OF_TWO = ("positive", "threshold", "cost")
"""Settings that belong to a target of two classes."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The positive class of two and the smallest probability at which a row is given it; or a weight per class.

    Attributes:
        positive: The number of the positive class.
        threshold: Rows whose probability of the positive class is at least this are given it. At 0.5 it is the most
            probable class, the first one in a tie.
        rule: How the threshold was chosen: "" (not at all), "value", "f1", "balanced", "cost" or "class_weight".
        cost: The cost of a false positive and of a false negative; None if unknown.
        weights: For more than two classes, the weight w_j of each: a row is given the class of the largest w_j p_j.
            Empty: the most probable class.

    >>> Decision(1, 0.25).classes_of(np.array([[0.9, 0.1], [0.7, 0.3]])).tolist()
    [0, 1]
    """

    positive: int = 1
    threshold: float = EVEN
    rule: str = ""
    cost: tuple[float, float] | None = None
    weights: tuple[float, ...] = ()

    @staticmethod
    def fit(target: Target, y: NDArray[Any], settings: Settings) -> Decision | None:
        """The decision before a threshold is chosen; None if there is nothing to decide.

        The positive class is the one in the settings, else the rarer one, and the second one in a tie.

        Args:
            target: The target.
            y: Its class numbers on the training rows (n,).
            settings: The settings.

        Raises:
            UsageError: A setting that belongs to two classes is set for another target, or there is no such class.
        """
        if target.task == "regression":
            check_unset((*OF_TWO, "class_weight"), settings, target)
            return None
        if target.task == "multiclass":
            check_unset(OF_TWO, settings, target)
            return None if settings.class_weight is None else Decision()
        counts = np.bincount(y, minlength=2)
        positive = int(counts[0] >= counts[1]) if settings.positive is None else class_number(target, settings.positive)
        costs = dict(settings.cost or ())
        cost = (float(costs["false_positive"]), float(costs["false_negative"])) if costs else None
        threshold = settings.threshold
        if isinstance(threshold, float):
            return Decision(positive, threshold, "value", cost)
        return Decision(positive, cost=cost)

    @property
    def most_probable(self) -> Decision:
        """The decision for the most probable class, with the same positive class.

        >>> Decision(1, 0.25, "f1").most_probable
        Decision(positive=1, threshold=0.5, rule='', cost=None, weights=())
        """
        return Decision(self.positive)

    @property
    def is_default(self) -> bool:
        """Whether a row is given its most probable class."""
        return self.threshold == EVEN and not self.weights

    def classes_of(self, probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
        """The number of the class that each row is given: probabilities (n, classes) -> (n,)"""
        if self.weights:
            return np.asarray(np.argmax(probabilities * np.array(self.weights), axis=1))
        if self.threshold == EVEN:
            return np.asarray(np.argmax(probabilities, axis=1))
        is_positive = probabilities[:, self.positive] >= self.threshold
        return np.where(is_positive, self.positive, 1 - self.positive)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        cost = {} if self.cost is None else {"cost": list(self.cost)}
        weights = {"weights": list(self.weights)} if self.weights else {}
        return {"positive": self.positive, "threshold": self.threshold, "rule": self.rule, **cost, **weights}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Decision:
        """The decision that ``to_json`` wrote."""
        cost = data.get("cost")
        pair = None if cost is None else (float(cost[0]), float(cost[1]))
        weights = tuple(map(float, data.get("weights", ())))
        return Decision(data["positive"], float(data["threshold"]), data["rule"], pair, weights)


def check_unset(names: Sequence[str], settings: Settings, target: Target) -> None:
    """Check that settings which belong to classes are not set for another target.

    Raises:
        UsageError: One of them is set.
    """
    if named := _given(names, settings):
        held = "numbers" if target.task == "regression" else f"{len(target.classes)} classes"
        what = "classes" if names[-1] == "class_weight" else "a target of two classes"
        raise UsageError(
            f"{named}: only for {what}; target {shown(target.name)} holds {held}", hint=f"leave out {named}"
        )


def check_unset_for_several(names: Sequence[str], settings: Settings) -> None:
    """Check that settings which belong to the classes of one target are not set for several targets.

    Raises:
        UsageError: One of them is set.
    """
    if named := _given(names, settings):
        raise UsageError(f"{named}: only for a single classification target", hint=f"leave out {named}")


def _given(names: Sequence[str], settings: Settings) -> str:
    """The options of settings that are set: ``--positive and --threshold``"""
    return " and ".join(f"--{name.replace('_', '-')}" for name in names if getattr(settings, name) is not None)


def class_number(target: Target, value: Any) -> int:
    """The number of a class, named by its text or, for numbers and booleans, by its value.

    Raises:
        UsageError: The target has no such class.
    """
    text = str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else text_of(float(value))
    for j, name in enumerate(target.classes):
        if text == name or (isinstance(value, bool) and text == name.lower()):
            return j
    near = did_you_mean(text, target.classes)
    raise UsageError(
        f"target {shown(target.name)} has no class {shown(text)}",
        hint=near if near.startswith("did") else f"its classes: {listed(target.classes, shown)}",
    )
