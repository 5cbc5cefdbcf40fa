"""Pairs: two contenders compared on the same test rows, by the paired bootstrap of ``backpass compare``.

A fit leaves the loss of each test row and the unit of the row: a row of the table, a group, or a block of time. The
error of one contender over that of the other is computed on units that are drawn with replacement; the same draw serves
both, and every split of the table, so that rows which are hard for both, or which several splits test, count once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.bootstrap import intervals

SMALLEST = 1e-15
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Losses:
    """The losses of a contender on the test rows of one split.

    Attributes:
        loss: Squared errors of numbers, negative log-likelihoods of classes: (n,)
        unit: The unit of each row: int (n,)
        is_number: Whether the error is the root of the mean loss.
    """

    loss: Floats
    unit: NDArray[Any]
    is_number: bool

    def log_error(self, weights: Floats) -> float:
        """The logarithm of the RMSE, or of the mean negative log-likelihood."""
        mean = float(np.average(self.loss, weights=weights)) if weights.any() else 0.0
        return float(np.log(max(mean, SMALLEST))) * (0.5 if self.is_number else 1.0)

    def save(self, path: Path) -> None:
        np.savez_compressed(path, loss=self.loss, unit=self.unit, is_number=self.is_number)

    @staticmethod
    def load(path: Path) -> Losses:
        with np.load(path, allow_pickle=False) as file:
            return Losses(file["loss"], file["unit"], bool(file["is_number"]))


@dataclass(frozen=True)
class Ratio:
    """The error of a contender over that of another, the geometric mean of the splits, with its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def result(self) -> str:
        """ "better" or "worse" if the interval excludes 1, else "unclear"."""
        return "better" if self.high < 1.0 else "worse" if self.low > 1.0 else "unclear"


def losses_of(predicted: Any, y: NDArray[Any], unit: NDArray[Any], *, is_number: bool) -> Losses:
    """The losses of predictions: numbers (n,), or probabilities (n, classes)."""
    if is_number:
        return Losses((np.asarray(predicted, float).reshape(-1) - y) ** 2, unit, True)
    probability = np.asarray(predicted, float)[np.arange(len(y)), y]
    return Losses(-np.log(np.maximum(probability, SMALLEST)), unit, False)


def ratio(ours: Sequence[Losses], theirs: Sequence[Losses]) -> Ratio:
    """The error of one contender over that of another.

    Args:
        ours: The losses of the first, one entry per split.
        theirs: The losses of the second, on the same splits.
    """
    sizes = [len(each.loss) for each in ours]
    if sizes != [len(each.loss) for each in theirs]:
        raise ValueError("the contenders were scored on different rows")
    cuts = np.cumsum(sizes)[:-1]

    def log_ratio(weights: Floats | None) -> dict[str, float]:
        parts = np.split(np.ones(sum(sizes)) if weights is None else weights, cuts)
        pairs = zip(ours, theirs, parts, strict=True)
        return {"ratio": float(np.mean([a.log_error(part) - b.log_error(part) for a, b, part in pairs]))}

    found = intervals(log_ratio, sum(sizes), unit=np.concatenate([each.unit for each in ours]))["ratio"]
    return Ratio(exp(found.value), exp(found.low), exp(found.high))
