"""Attribution: the contributions of columns to predictions, by integrated gradients (Sundararajan et al. 2017).

    phi_i = (s_i - b_i)  times  the mean of dh/ds_i along the straight line from b to s

s are the numeric inputs of a row (scaled, one-hot encoded or embedded), and b those of the typical row. The phi_i of
all inputs of a column are added up; over all columns they sum to h(s) - h(b), the difference of the two predictions.
``explain`` takes a model and rows and returns an ``Explanation``. Gradients are computed in ``smooth``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError, did_you_mean, function_errors
from backpass.model.head.head import Head
from backpass.model.model import Model
from backpass.reporting.explanation.importance import picked_classes
from backpass.reporting.explanation.smooth import SmoothModel
from backpass.reporting.numbers.columns import by_column, columns_of, typical_row
from backpass.reporting.numbers.held_out import check_model
from backpass.table import Encoded

FEWEST_STEPS, MOST_STEPS = 12, 12 * 3**5
TOLERANCE, CANCELLED, STEADY = 0.01, 0.1, 0.05
"""When an integral is accurate enough. TOLERANCE bounds the difference between the sum of contributions and that of the
predictions, relative to the latter or to CANCELLED times the total absolute contribution, whichever is larger. STEADY
bounds the change of a contribution when the steps are tripled, relative to the total; the remaining error is far
smaller."""
BLOCK = 2048
"""Rows that are explained at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Contributions of columns to the predictions for rows.

    Attributes:
        columns: Column names.
        contributions: (n, columns). Each row sums to ``predicted - baseline``.
        baseline: (n,). The prediction for the typical row; for a classifier, of the class explained in each row.
        predicted: (n,). The prediction; for a classifier, the probability of the class explained in each row.
        classes: The class explained in each row; empty for regression.
        notes: What was noticed while the table was read.
    """

    columns: tuple[str, ...]
    contributions: NDArray[np.float64]
    baseline: NDArray[np.float64]
    predicted: NDArray[np.float64]
    classes: tuple[str, ...]
    notes: tuple[str, ...]

    def largest(self, count: int) -> NDArray[np.intp]:
        """Return the positions in ``columns`` of each row's largest absolute contributions, descending: (n, count)

        Equal ones keep the order of the columns; there are no more than columns.

        Args:
            count: The number of columns per row.
        """
        return np.argsort(-np.abs(self.contributions), axis=1, kind="stable")[:, :count]

    @staticmethod
    def joined(blocks: Iterable[Explanation]) -> Explanation:
        """Return the rows of several explanations of the same columns.

        Args:
            blocks: The explanations, one after another.
        """
        parts = list(blocks)
        return replace(
            parts[0],
            contributions=np.concatenate([each.contributions for each in parts]),
            baseline=np.concatenate([each.baseline for each in parts]),
            predicted=np.concatenate([each.predicted for each in parts]),
            classes=tuple(chain.from_iterable(each.classes for each in parts)),
        )


def explain(
    model: Model, data: Any, class_name: str | None = None, on_rows: Callable[[int, int], object] | None = None
) -> Explanation:
    """Explain each prediction, a number or the probability of a class, by contributions of the columns.

    Args:
        model: A model with one target.
        data: A Table, or anything that ``Model.predict`` takes.
        class_name: The class to explain. Default: the positive one of two classes, otherwise the most probable class of
            each row.
        on_rows: Called after each block of rows with the number of rows that are done and the total.

    Returns:
        The contributions, baselines and predictions of all rows.

    Raises:
        DataError: Lists what the table lacks.
        UsageError: The class is unknown, or the model has several targets or is a grouped model.
    """
    return Explanation.joined(blocks_of(model, data, class_name, on_rows)[1])


def blocks_of(
    model: Model, data: Any, class_name: str | None = None, on_rows: Callable[[int, int], object] | None = None
) -> tuple[Encoded, Iterator[Explanation]]:
    """The encoded rows, and the result of ``explain`` in blocks of at most ``BLOCK`` rows, each computed on demand.

    Raises:
        BackpassError: As ``explain``.
    """
    check_model(model)
    if errors := function_errors(on_rows=on_rows):
        raise UsageError(errors[0])
    if not model.head.is_flat:
        raise UsageError(
            f"an explanation is about one target; this model predicts {model.head.outputs}",
            hint="fit one model per target",
        )
    chosen = _class_number(model.head, class_name)
    encoded = model.encoded(model.table(data))
    return encoded, _blocks(model, encoded, chosen, on_rows)


def _blocks(
    model: Model, encoded: Encoded, chosen: int | None, on_rows: Callable[[int, int], object] | None
) -> Iterator[Explanation]:
    smooth, columns = SmoothModel(model), columns_of(model)
    x, x0 = model.ensemble.inputs(encoded.numbers, encoded.codes), model.ensemble.inputs(*typical_row(columns))
    h, h0 = smooth.predictions(smooth.inputs(x)), smooth.predictions(smooth.inputs(x0))
    pick = picked_classes(h, chosen, model.head.positive)
    inputs_of = by_column(columns, smooth.groups())
    names, notes = tuple(column.name for column in columns), (*encoded.notes, *encoded.warnings)
    for i in range(0, len(x), BLOCK):
        rows = slice(i, i + BLOCK)
        by_input = integrated(smooth, smooth.inputs(x[rows]), smooth.inputs(x0), pick[rows])
        contributions = np.column_stack([by_input[:, group].sum(axis=1) for group in inputs_of])
        predicted, baseline = (
            (each.reshape(len(each), -1) * pick[rows]).sum(axis=1) for each in (np.asarray(h)[rows], np.asarray(h0))
        )
        classes = tuple(model.classes[k] for k in np.argmax(pick[rows], axis=1)) if model.classes else ()
        yield Explanation(names, contributions, baseline, predicted, classes, notes)
        if on_rows is not None:
            on_rows(min(i + BLOCK, len(x)), len(x))


def _class_number(head: Head, name: str | None) -> int | None:
    if name is None:
        return None
    if name not in head.classes:
        what = "has no classes" if not head.classes else f"has no class {name!r}"
        raise UsageError(f"target {head.target.name!r} {what}", hint=did_you_mean(name, head.classes))
    return head.classes.index(name)


def integrated(
    smooth: SmoothModel, s: NDArray[np.float64], base: NDArray[np.float64], pick: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return phi for inputs s; each row sums to its difference of predictions.

    The integral is computed by the midpoint rule. Tripling the number of steps keeps every old midpoint, so that only
    two thirds of the gradients are new. A row is done when tripling changes no contribution by more than 5% of the
    total and the sum is within 1% of the difference of predictions; breakpoints of the network and periodic embeddings
    of high frequency need many steps. The remaining error is distributed over the inputs in proportion to the absolute
    contributions.

    Args:
        smooth: The model.
        s: (n, e). The inputs.
        base: (1, e). The inputs of the baseline.
        pick: (n, k). Selects the output to explain, see ``picked_classes``.

    Returns:
        (n, e). The contribution of each input.
    """
    difference = _picked(smooth, s, pick) - _picked(smooth, np.repeat(base, len(s), axis=0), pick)
    left, steps = np.arange(len(s)), FEWEST_STEPS
    phi = _mean_slope(smooth, s, base, pick, _middles(steps))
    while left.size and (steps := 3 * steps) <= MOST_STEPS:
        between = _mean_slope(smooth, s[left], base, pick[left], np.delete(_middles(steps), np.s_[1::3]))
        finer = (phi[left] + 2.0 * between) / 3.0
        total, moved = np.abs(finer).sum(axis=1), np.abs(finer - phi[left]).max(axis=1, initial=0.0)
        # If contributions cancel each other, the difference is small, and the tolerance is relative to their total.
        size = np.maximum(np.abs(difference[left]), CANCELLED * total)
        is_far = np.abs(finer.sum(axis=1) - difference[left]) > TOLERANCE * size
        phi[left] = finer
        left = left[is_far | (moved > STEADY * total)]
    total = np.abs(phi).sum(axis=1, keepdims=True)
    missing = difference[:, None] - phi.sum(axis=1, keepdims=True)
    return np.asarray(phi + missing * np.abs(phi) / np.where(total > 0.0, total, 1.0))


def _picked(smooth: SmoothModel, s: NDArray[np.float64], pick: NDArray[np.float64]) -> NDArray[np.float64]:
    h = smooth.predictions(s)
    return np.asarray((h.reshape(len(h), -1) * pick).sum(axis=1))


def _middles(steps: int) -> NDArray[np.float64]:
    """Return the midpoints of ``steps`` equal intervals of [0, 1]."""
    return (np.arange(steps) + 0.5) / steps


def _mean_slope(
    smooth: SmoothModel,
    s: NDArray[np.float64],
    base: NDArray[np.float64],
    pick: NDArray[np.float64],
    at: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(s - b) times the mean of the gradients at b + t (s - b), for t in ``at``: (n, e)"""
    t = at.astype(s.dtype)
    way = s - base
    phi = np.empty(s.shape)
    rows = max(BLOCK * FEWEST_STEPS // len(t), 1)
    for i in range(0, len(s), rows):
        part = way[i : i + rows]
        path = base[None] + t[:, None, None] * part
        slopes = smooth.slopes(path.reshape(-1, s.shape[1]), np.tile(pick[i : i + rows], (len(t), 1)))
        phi[i : i + rows] = part * slopes.reshape(path.shape).mean(axis=0, dtype=np.float64)
    return phi
