"""Feature importance: how much a model's predictions depend on each column, measured on held-out rows.

``importances`` computes permutation importance, the loss of score when a column is shuffled (Breiman 2001), and
sensitivity, the mean absolute change of the prediction when a number moves. Both are drawn in ``pictures.effects``;
``permutation_importance`` is the same from a model and data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.metrics import as_loss
from backpass.model.model import Model
from backpass.numerics.philox import permutation
from backpass.reporting.numbers.columns import ModelColumn, by_column, columns_of
from backpass.reporting.numbers.held_out import HeldOut, held_out
from backpass.table import CategoricalFeature
from backpass.table.messages import shown

REPEATS = 5
MOST_ROWS = 5_000
"""The maximum number of rows to shuffle; more rows hardly change the mean."""
DOMINANT = 0.95
"""Share of the importance of all columns from which a single column is suspected to hold the target."""
_FEWEST_COLUMNS = 3
_PURPOSE = 0x5D0C_0000


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of one column.

    Attributes:
        name: The name of the column.
        worse: The mean increase of the metric, turned so that higher is worse, when the column is shuffled.
        spread: The standard deviation of this increase over repetitions.
        change: Mean |h(x + d/2) - h(x - d/2)| in units of the prediction, where d is the interquartile range of the
            training rows; half the sum over classes. Dates: the largest over their components. Categorical columns: the
            mean change when the category is replaced by that of another row. For labels, the mean over them.
    """

    name: str
    worse: float
    spread: float
    change: float


def permutation_importance(
    model: Model, data: Any, *, repeats: int = REPEATS, seed: int = 0, **reading: Any
) -> tuple[Importance, ...]:
    """Return the permutation importance of every column, in descending order    (Breiman 2001)

        importance_j = mean over repeats of  metric(rows with column j shuffled) - metric(rows)

    with the sign turned for metrics of which higher is better. The metric is the one that selected the best epoch. A
    date is shuffled as a whole. Of more than 5,000 rows, 5,000 are drawn.

    Args:
        model: A model with one target, or with labels.
        data: Rows with known targets: a path, a data frame, a dict or a Table. Of the table that the model was trained
            on, only the test (or validation) rows are used.
        repeats: The number of permutations per column.
        seed: The seed of the permutations.
        **reading: Options of ``read_table`` if ``data`` is a path.

    Raises:
        DataError: Lists what the rows lack.
        UsageError: The model predicts several numbers.

    Example:
        >>> import numpy as np, backpass
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> table = {"a": x[:, 0], "b": x[:, 1], "y": 3.0 * x[:, 0]}
        >>> model = backpass.fit(table, "y", hidden=(), optimizer="sgd", epochs=20)
        >>> [each.name for each in backpass.permutation_importance(model, table)]
        ['a', 'b']
    """
    held = held_out(model, model.table(data, with_target=True, **reading), "importance")
    return tuple(importances(model, held, seed=seed, repeats=repeats))


def dominance_warnings(found: Sequence[Importance]) -> tuple[str, ...]:
    """A warning if one of at least three columns has nearly all of the importance.

    Args:
        found: The columns in descending order of importance.

    >>> dominance_warnings([Importance(name, worse, 0.0, 0.0) for name, worse in (("a", 9.0), ("b", 0.1), ("c", 0.0))])
    ("column 'a' has 99 % of the importance of all columns: possible leakage; is it known at prediction time?",)
    """
    total = sum(abs(each.worse) for each in found)  # a negative importance shows the size of the noise
    if len(found) < _FEWEST_COLUMNS or not 0.0 < total < np.inf or found[0].worse < DOMINANT * total:
        return ()
    return (
        f"column {shown(found[0].name)} has {100 * found[0].worse / total:.0f} % of the importance of all columns: "
        "possible leakage; is it known at prediction time?",
    )


def importances(model: Model, held: HeldOut, *, seed: int = 0, repeats: int = REPEATS) -> list[Importance]:
    """Compute the importance of every column.

    Args:
        model: The model.
        held: The rows to measure on.
        seed: The seed of the permutations.
        repeats: The number of permutations per column.

    Returns:
        The columns in descending order of permutation importance.
    """
    rows = _measured_rows(held, seed)
    x, truth = held.x[rows], held.truth[rows]
    weights = None if held.weights is None else held.weights[rows]
    metric = importance_metric(model, held, seed=seed)
    best = _score(model, metric, held.outputs[rows], truth, weights)
    columns = columns_of(model)
    changes = _changes(model, columns, held.numbers[rows], held.codes[rows])
    found = []
    for column, group in zip(columns, by_column(columns, model.feature_map.groups()), strict=True):
        losses, moves = [], []
        for repeat in range(repeats):
            order = permutation(seed, repeat + 1, _PURPOSE + 1 + int(group[0]), len(x))
            shuffled = x.copy()
            shuffled[:, group] = x[order][:, group]
            o = model.outputs_at(shuffled)
            losses.append(_score(model, metric, o, truth, weights) - best)
            moves.append(_distance(model, o, held.outputs[rows]))
        is_text = isinstance(column.feature, CategoricalFeature)
        change = float(np.mean(moves)) if is_text else float(changes[list(column.places)].max())
        found.append(Importance(column.name, float(np.mean(losses)), float(np.std(losses)), change))
    return sorted(found, key=lambda each: -each.worse)


def importance_metric(model: Model, held: HeldOut, *, seed: int = 0) -> str:
    """Return the metric that ``importances`` measures with the same seed: that which selected the best epoch, or, if
    it is undefined on the rows (as ROC AUC is on rows of one class), the first of the model's metrics that is defined.
    """
    rows = _measured_rows(held, seed)
    weights = None if held.weights is None else held.weights[rows]
    return model.head.metric_among(model.head.scores(held.outputs[rows], held.truth[rows], weights))


def _measured_rows(held: HeldOut, seed: int) -> NDArray[Any]:
    return permutation(seed, 0, _PURPOSE, held.rows)[:MOST_ROWS]


def picked_classes(predicted: NDArray[np.float64], chosen: int | None = None, positive: int = 1) -> NDArray[np.float64]:
    """Return a one-hot selection of the output to explain: (n,) or (n, k) -> pick (n, 1) or (n, k)

    Args:
        predicted: Numbers (n,) or probabilities (n, k).
        chosen: The class or label to select. None selects the positive one of two classes, otherwise the most probable
            class of each row.
        positive: The number of the positive class of two.
    """
    if predicted.ndim == 1:
        return np.ones((len(predicted), 1))
    k = predicted.shape[1]
    if chosen is None and k == 2:
        chosen = positive
    places = np.argmax(predicted, axis=1) if chosen is None else np.full(len(predicted), chosen)
    return np.asarray(np.equal(places[:, None], np.arange(k)), dtype=np.float64)


def _score(
    model: Model, metric: str, o: NDArray[np.float64], truth: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> float:
    """Return a metric, negated if higher values are better."""
    return as_loss(metric, model.head.scores(o, truth, weights, [metric])[metric])


def _distance(model: Model, o: NDArray[np.float64], before: NDArray[np.float64]) -> float:
    """Return the mean change of predictions: |difference|, half its sum over classes, or its mean over labels."""
    moved = np.abs(model.head.predictions(o) - model.head.predictions(before))
    return float(np.mean(0.5 * moved.sum(axis=1) if model.classes else moved))


def _changes(
    model: Model, columns: Sequence[ModelColumn], numbers: NDArray[np.float64], codes: NDArray[np.int32]
) -> NDArray[np.float64]:
    """The mean change of the prediction when each number and date component moves by its interquartile range: (p,)

    A finite difference, so it never exceeds what the predictions can differ by.
    """
    found = np.zeros(numbers.shape[1])
    distances = [distance for column in columns for distance in column.quartile_distances]
    for j, distance in enumerate(distances):
        ends = []
        for side in (0.5, -0.5):
            moved = numbers.copy()
            moved[:, j] += side * distance
            ends.append(model.outputs_at(model.inputs_at(moved, codes)))
        found[j] = _distance(model, *ends)
    return found
