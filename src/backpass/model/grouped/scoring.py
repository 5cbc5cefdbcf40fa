"""Scores of a grouped model: on the test rows of all groups together, and of each group."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.fitting.outcome.scoring import WORST
from backpass.model.grouped.grouped_model import GroupedModel
from backpass.table import Table


def with_scores(model: GroupedModel, table: Table, levels: NDArray[np.float64]) -> GroupedModel:
    """The model with its scores on test rows, beside those of the network of all rows and of constants.

    Args:
        model: The model.
        table: The test rows of its groups.
        levels: The best constant outputs of each group (groups, k), on the group's scale.
    """
    base, groups = model.base, model.places(table)
    encoded, truth = model.encoded(table), base.head.truth(table)
    predicted = model.predicted(table, encoded)
    of_all = base.head.predictions(base.ensemble.outputs(base.ensemble.inputs(encoded.numbers, encoded.codes)))
    scores = {
        "groups": model.scores_of(predicted, truth),
        "all rows": model.scores_of(of_all, truth),
        "constant": model.scores_of(model.decoded(levels[groups], groups), truth),
    }
    return replace(
        model,
        record=replace(
            model.record,
            scores={name: _finite(each) for name, each in scores.items()},
            group_scores=scores_by_group(model, predicted, truth, groups),
        ),
    )


def scores_by_group(
    model: GroupedModel, predicted: NDArray[np.float64], truth: NDArray[Any], groups: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The main metric of each group that has rows, ascending by its number.

    Args:
        model: The model.
        predicted: The predictions for some rows, numbers (n,) or probabilities (n, classes).
        truth: Their targets (n,).
        groups: The group of each row (n,).
    """
    order = np.argsort(groups, kind="stable")
    first = np.unique(groups[order], return_index=True)[1]
    metric = model.metric
    parts = np.split(order, first[1:]) if len(order) else []
    found = [model.scores_of(predicted[part], truth[part], [metric])[metric] for part in parts]
    return np.nan_to_num(np.array(found, dtype=np.float64), nan=WORST, posinf=WORST, neginf=-WORST)


def _finite(scores: dict[str, float]) -> dict[str, float]:
    """The scores that a file can hold."""
    return {name: value for name, value in scores.items() if np.isfinite(value)}
