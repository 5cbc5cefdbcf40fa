"""Targets: the scores of each of several numeric targets, and the coverage of its intervals.

``target_scores`` takes a model of several numbers and rows with known targets. Labels have ``labels``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.model import Model
from backpass.model.record import COVERAGE, COVERAGE_LEVEL
from backpass.numerics.bootstrap import Interval, intervals
from backpass.reporting.numbers.held_out import HeldOut, number_names


def target_scores(
    model: Model, held: HeldOut, *, unit: NDArray[Any] | None = None, seed: int = 0
) -> dict[str, dict[str, Interval]]:
    """Return the main metrics of each of several numeric targets, and the coverage of its intervals.

    Args:
        model: The model.
        held: The rows to score.
        unit: The number of the group of each row (n,), see ``intervals``.
        seed: The seed of the bootstrap.
    """
    head, later = model.head, model.record.beyond(held.table)
    if not (names := number_names(head)):
        return {}

    def scored(drawn: NDArray[np.float64] | None) -> dict[str, float]:
        own = held.weights
        weights = drawn if own is None else own if drawn is None else own * drawn
        each = head.scores_of_each(held.outputs, held.truth, weights, head.metrics)
        made = model.intervals
        covered = () if made is None else made.coverages(held.predicted, held.truth, COVERAGE_LEVEL, weights, later)
        found = {f"{j}/{name}": value for j, scores in enumerate(each) for name, value in scores.items()}
        return found | {f"{j}/{COVERAGE}": value for j, value in enumerate(covered)}

    found = intervals(scored, held.rows, unit=unit, seed=seed)
    several: dict[str, dict[str, Interval]] = {name: {} for name in names}
    for key, interval in found.items():
        j, metric = key.split("/", 1)
        several[names[int(j)]][metric] = interval
    return several
