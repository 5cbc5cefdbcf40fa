"""Feature importance: how much a model's predictions depend on each column, measured on held-out rows.

``importances`` computes permutation importance, the loss of score when a column is shuffled (Breiman 2001), and
sensitivity, the mean absolute change of the prediction when a number moves. Of thousands of columns, ``screened`` picks
those that are measured one by one. Both are drawn in ``pictures.effects``;
``permutation_importance`` is the same from a model and data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import argument_error, seed_errors, whole_number_errors
from backpass.model.head.head import Head
from backpass.model.metrics import as_loss
from backpass.model.model import Model
from backpass.model.prediction.ensemble import Ensemble
from backpass.model.prediction.options import check_reading
from backpass.numerics.philox import permutation
from backpass.reporting.explanation.smooth import SmoothModel
from backpass.reporting.numbers.columns import ModelColumn, by_column, columns_of
from backpass.reporting.numbers.held_out import HeldOut, check_model, held_out, number_names
from backpass.table import CategoricalFeature
from backpass.table.messages import counted, shown

REPEATS = 5
MOST_ROWS = 5_000
"""The maximum number of rows to shuffle; more rows hardly change the mean."""
MOST_COLUMNS = 500
"""The maximum number of columns that are all measured one by one."""
SCREENED = 100
"""The number of columns that are measured one by one if there are more; the others are shuffled together."""
_SCREENED_ROWS = 500
DOMINANT = 0.95
"""Share of the importance of all columns from which a single column is suspected to hold the target."""
_FEWEST_COLUMNS = 3
_PURPOSE = 0x5D0C_0000


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of one column.

    Attributes:
        name: The name of the column; for several, their number in words.
        worse: The mean increase of the metric, turned so that higher is worse, when the column is shuffled.
        spread: The standard deviation of this increase over repetitions.
        change: Mean |h(x + d/2) - h(x - d/2)| in units of the prediction, where d is the interquartile range of the
            training rows; half the sum over classes. Dates: the largest over their components. Categorical columns: the
            mean change when the category is replaced by that of another row. For labels, the mean over them. For
            several columns, the mean change when they are shuffled together.
        columns: The number of columns; more than 1 if they are shuffled together.
    """

    name: str
    worse: float
    spread: float
    change: float
    columns: int = 1


def permutation_importance(
    model: Model, data: Any, *, repeats: int = REPEATS, seed: int = 0, **reading: Any
) -> tuple[Importance, ...]:
    """Return the permutation importance of every column, in descending order    (Breiman 2001)

        importance_j = mean over repeats of  metric(rows with column j shuffled) - metric(rows)

    with the sign turned for metrics of which higher is better. The metric is the one that selected the best epoch. A
    date is shuffled as a whole. Of more than 5,000 rows, 5,000 are drawn. Of more than 500 columns, the 100 with the
    largest slopes are measured one by one, see ``screened``, and all others together, as one entry.

    Args:
        model: A model with one target or several.
        data: Rows with known targets: a path, a data frame, a dict or a Table. Of the table that the model was trained
            on, only the test (or validation) rows are used.
        repeats: The number of permutations per column.
        seed: The seed of the permutations.
        **reading: Options of ``read_table`` if ``data`` is a path.

    Returns:
        One entry per column with the mean and the standard deviation over the repeats, the most important first.

    Raises:
        DataError: Lists what the rows lack.
        UsageError: The model predicts several quantiles, or is a grouped model.

    Example:
        >>> import numpy as np, backpass
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> table = {"a": x[:, 0], "b": x[:, 1], "y": 3.0 * x[:, 0]}
        >>> model = backpass.fit(table, "y", hidden=(), optimizer="sgd", epochs=20)
        >>> [each.name for each in backpass.permutation_importance(model, table)]
        ['a', 'b']
    """
    check_model(model)
    if errors := [*whole_number_errors(1, repeats=repeats), *seed_errors(seed)]:
        raise argument_error(errors)
    check_reading("permutation_importance", model, data, reading)
    held = held_out(model, model.table(data, with_target=True, **reading), "importance")
    return tuple(importances(model, held, seed=seed, repeats=repeats))


def dominance_warnings(found: Sequence[Importance]) -> tuple[str, ...]:
    """A warning if one of at least three columns has nearly all of the importance.

    Args:
        found: The columns in descending order of importance.

    >>> dominance_warnings([Importance(name, worse, 0.0, 0.0) for name, worse in (("a", 9.0), ("b", 0.1), ("c", 0.0))])
    ("column 'a' has 99% of the importance of all columns: possible leakage; is it known at prediction time?",)
    """
    total = sum(abs(each.worse) for each in found)  # a negative importance shows the size of the noise
    if (
        len(found) < _FEWEST_COLUMNS
        or found[0].columns > 1
        or not 0.0 < total < np.inf
        or found[0].worse < DOMINANT * total
    ):
        return ()
    return (
        f"column {shown(found[0].name)} has {100 * found[0].worse / total:.0f}% of the importance of all columns: "
        "possible leakage; is it known at prediction time?",
    )


def screening_note(found: Sequence[Importance]) -> str:
    """Say which columns are measured together; an empty text if all are measured one by one.

    >>> screening_note([Importance("a", 9.0, 0.0, 0.0), Importance("2 other columns", 0.1, 0.0, 0.0, 2)])
    'of 3 columns, the 1 with the largest slopes is shuffled by itself, the 2 others together'
    """
    others = sum(each.columns for each in found if each.columns > 1)
    if not others:
        return ""
    one = sum(each.columns == 1 for each in found)
    how = "are shuffled one by one" if one > 1 else "is shuffled by itself"
    return f"of {one + others:,} columns, the {one:,} with the largest slopes {how}, the {others:,} others together"


def importances(model: Model, held: HeldOut, *, seed: int = 0, repeats: int = REPEATS) -> list[Importance]:
    """Compute the importance of every column.

    Args:
        model: The model.
        held: The rows to measure on.
        seed: The seed of the permutations.
        repeats: The number of permutations per column.

    Returns:
        The columns in descending order of permutation importance. Of more than ``MOST_COLUMNS`` columns, ``SCREENED``
        are measured one by one, and the others together.
    """
    head, ensemble, rows = model.head, model.ensemble, _measured_rows(held, seed)
    x, truth = held.x[rows], held.truth[rows]
    weights = None if held.weights is None else held.weights[rows]
    metric = importance_metric(head, held, seed=seed)
    best = _score(head, metric, held.outputs[rows], truth, weights)
    columns = columns_of(model)
    groups = by_column(columns, model.feature_map.groups())

    def shuffled_together(name: str, group: NDArray[np.intp], count: int) -> Importance:
        losses, moves = [], []
        for repeat in range(repeats):
            order = permutation(seed, repeat + 1, _PURPOSE + 1 + int(group[0]), len(x))
            shuffled = x.copy()
            shuffled[:, group] = x[np.ix_(order, group)]
            o = ensemble.outputs(shuffled)
            losses.append(_score(head, metric, o, truth, weights) - best)
            moves.append(_distance(head, o, held.outputs[rows]))
        return Importance(name, float(np.mean(losses)), float(np.std(losses)), float(np.mean(moves)), count)

    chosen = screened(model, x, columns)
    changes = _changes(ensemble, [columns[j] for j in chosen], held.numbers[rows], held.codes[rows])
    found = []
    for j in chosen:
        column = columns[j]
        each = shuffled_together(column.name, groups[j], 1)
        is_text = isinstance(column.feature, CategoricalFeature)
        found.append(each if is_text else replace(each, change=float(changes[list(column.places)].max())))
    if others := sorted({*range(len(columns))} - {*chosen}):
        group = np.concatenate([groups[j] for j in others])
        found.append(shuffled_together(counted(len(others), "other column"), group, len(others)))
    return sorted(found, key=lambda each: -each.worse)


def screened(model: Model, x: NDArray[Any], columns: Sequence[ModelColumn]) -> list[int]:
    """Return the columns that are measured one by one: all, or those with the largest slopes.

    The slope of a column is the sum over its inputs of  mean |dh/dx| std(x), over at most 500 of the rows.

    Args:
        model: The model.
        x: The inputs of its networks (n, d).
        columns: The columns of the model.
    """
    if len(columns) <= MOST_COLUMNS:
        return [*range(len(columns))]
    smooth, some = SmoothModel(model), x[:_SCREENED_ROWS]
    s = smooth.inputs(some)
    slopes = smooth.slopes(s, picked_classes(smooth.predictions(s), positive=model.head.positive))
    sizes = np.abs(slopes).mean(axis=0) * s.std(axis=0)
    of_column = np.array([sizes[group].sum() for group in by_column(columns, smooth.groups())])
    return sorted(np.argsort(-of_column, kind="stable")[:SCREENED].tolist())


def importance_metric(head: Head, held: HeldOut, *, seed: int = 0) -> str:
    """Return the metric that ``importances`` measures with the same seed: that which selected the best epoch, or, if
    it is undefined on the rows (as ROC AUC is on rows of one class), the first of the model's metrics that is defined.
    For several numbers, it is r2.
    """
    rows = _measured_rows(held, seed)
    weights = None if held.weights is None else held.weights[rows]
    scores = head.scores(held.outputs[rows], held.truth[rows], weights)
    # The mean of r2 counts all targets alike; that of an error is the error of the target with the largest numbers.
    return "r2" if number_names(head) and "r2" in scores else head.metric_among(scores)


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
    head: Head, metric: str, o: NDArray[np.float64], truth: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> float:
    """Return a metric, negated if higher values are better."""
    return as_loss(metric, head.scores(o, truth, weights, [metric])[metric])


def _distance(head: Head, o: NDArray[np.float64], before: NDArray[np.float64]) -> float:
    """Return the mean change of predictions: |difference|, half its sum over classes, or its mean over labels.

    For several numbers, it is the mean over the targets, each in its standard deviation in the training rows.
    """
    moved = np.abs(head.predictions(o) - head.predictions(before))
    if number_names(head):
        moved = moved / np.array([each.scale for each in head.scales])
    return float(np.mean(0.5 * moved.sum(axis=1) if head.classes else moved))


def _changes(
    ensemble: Ensemble, columns: Sequence[ModelColumn], numbers: NDArray[np.float64], codes: NDArray[np.int32]
) -> NDArray[np.float64]:
    """The mean change of the prediction when each number and date component moves by its interquartile range: (p,)

    A finite difference, so it never exceeds what the predictions can differ by.
    """
    found = np.zeros(numbers.shape[1])
    distances = {
        j: each for column in columns for j, each in zip(column.places, column.quartile_distances, strict=False)
    }
    for j, distance in distances.items():
        ends = []
        for side in (0.5, -0.5):
            moved = numbers.copy()
            moved[:, j] += side * distance
            ends.append(ensemble.outputs(ensemble.inputs(moved, codes)))
        found[j] = _distance(ensemble.head, *ends)
    return found
