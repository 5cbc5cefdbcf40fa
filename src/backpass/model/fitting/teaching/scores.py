"""The scores of a teacher, next to those of the network, and warnings about its predictions.

It takes a problem whose rows have the predictions of a teacher.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import DataError
from backpass.model.fitting.problem.data_split import DataSplit, weights_or_ones
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.teaching.objective import teaching_loss
from backpass.model.head.head import Head, mean_of
from backpass.numerics.elementary import log, mean
from backpass.table.messages import counted, listed, rounded, shown

SMALLEST = 1e-15
"""The smallest probability of a teacher that is scored."""

_FEWEST = 20
"""The fewest test rows that show whether predictions are in-sample."""

_IN_SAMPLE = 0.7
"""The share of the loss on test rows that a loss on training rows must be below to look in-sample."""

COPIED_R2 = 0.9995
"""R2 on the training rows from which predictions are suspected to be a copy of the target."""

COPIED_P = 0.998
"""The same as a mean probability of the true class."""

_SURE = 4.0
"""The number of standard errors by which it must be below."""


def outputs_of_teacher(head: Head, teacher: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outputs o (n, k) whose predictions are those of a teacher (n, k), without missing ones."""
    if head.target.task == "regression":
        y = head.encode(teacher[:, 0] if head.is_flat else teacher, np.float64)
        return log(np.maximum(y, SMALLEST)) if head.has_log_link else y
    p = np.clip(teacher, SMALLEST, 1.0 - SMALLEST)
    if head.built_in == "cross_entropy":
        return log(p)
    p = p[:, 1:] if head.is_flat else p
    return log(p) - log(1.0 - p)


def teacher_facts(problem: Problem) -> dict[str, Any] | None:
    """What the model file keeps about a teacher: its columns, the rows that have predictions, and its scores.

    It is scored on a split if every row there has a prediction.
    """
    if problem.teacher is None:
        return None
    known = {name: part for name, part in problem.parts.items() if part.teacher is not None}
    rows = {name: int(np.count_nonzero(_has(part))) for name, part in known.items()}
    if problem.folds:
        pool = DataSplit.joined([problem.parts[name] for name in ("train", "validation") if name in problem.parts])
        known["validation"] = pool
        rows["train"] = rows["validation"] = int(np.count_nonzero(_has(pool)))
    scores: Mapping[str, Any] = {
        name: _scores(problem.head, part)
        for name, part in known.items()
        if name != "train" and part.rows and _has(part).all()
    }
    return {"columns": list(problem.teacher.columns), "rows": rows, "scores": scores}


def _scores(head: Head, part: DataSplit) -> dict[str, float]:
    assert part.teacher is not None
    head = head.of_baseline("")  # the predictions of a teacher need no correction
    found = head.scores(outputs_of_teacher(head, part.teacher), part.truth, part.weights)
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _has(part: DataSplit) -> NDArray[np.bool_]:
    """Whether each row has a prediction of the teacher: (n,)"""
    return np.zeros(part.rows, dtype=np.bool_) if part.teacher is None else ~np.isnan(part.teacher[:, 0])


def with_teacher_checked(problem: Problem, *, diagnose: bool) -> Problem:
    """The problem with notes on its teacher, and warnings if its predictions look wrong.

    Raises:
        UsageError: The loss takes no predictions in place of the target.
    """
    assert problem.teacher is not None
    teaching_loss(problem.head)
    have = {name: int(np.count_nonzero(_has(part))) for name, part in problem.parts.items()}
    train = problem.parts["train"].rows
    columns = listed([shown(name) for name in problem.teacher.columns])
    notes = [f"the predictions of the teacher, {columns}, are taken to be out-of-fold"]
    notes += [f"the teacher: {problem.teacher.note}"] if problem.teacher.note else []
    if have["train"] < train:
        notes.append(
            f"{train - have['train']:,} of {counted(train, 'training row')} have no prediction of the teacher and "
            "learn from the target alone"
        )
    lacking = [name for name in ("test",) if name in have and 0 < problem.parts[name].rows != have[name]]
    notes += [
        f"the teacher is not scored: {problem.parts[name].rows - have[name]:,} of {problem.parts[name].rows:,} "
        f"{name} rows have no prediction"
        for name in lacking
    ]
    _require_logarithms(problem)
    checks = (_worse_than_constant, _in_sample, _equal_to_target) if diagnose and have["train"] else ()
    warnings = [text for check in checks for text in check(problem)]
    return replace(problem, notes=(*problem.notes, *notes), warnings=(*problem.warnings, *warnings))


def _require_logarithms(problem: Problem) -> None:
    """Check that predictions of a target that is learned as its logarithm are above 0.

    Raises:
        DataError: Some are not.
    """
    for name, part in problem.parts.items():
        wrong = 0 if part.teacher is None else int(np.count_nonzero((part.teacher <= 0.0).any(axis=1)))
        if problem.head.is_log and wrong:
            raise DataError(
                f"the teacher predicts numbers that are not above 0 in {wrong:,} of {counted(part.rows, 'row')} "
                f"({name}), but the target is learned as its logarithm",
                hint="leave these predictions empty, or fit with --target-transform none",
            )


def _losses(problem: Problem, part: DataSplit) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The built-in loss of the teacher on each row with a prediction, and the weights of these rows."""
    there, head = np.flatnonzero(_has(part)), problem.head
    assert part.teacher is not None
    o = outputs_of_teacher(head, part.teacher[there])
    y = head.encode(part.truth[there], np.float64)
    with np.errstate(all="ignore"):
        return np.asarray(head.builtin_loss.per_example(o, y)), weights_or_ones(part)[there]


def _worse_than_constant(problem: Problem) -> list[str]:
    part, head = problem.parts["train"].take(np.flatnonzero(_has(problem.parts["train"]))), problem.head
    losses, weights = _losses(problem, part)
    y = head.encode(part.truth, np.float64)
    constant = np.broadcast_to(head.level(y, part.weights), (part.rows, head.outputs))
    if not mean(losses, weights) > mean_of(head.builtin_loss, constant, y, part.weights):
        return []
    wrong = "units" if head.target.task == "regression" else "classes"
    return [f"the teacher predicts the training rows worse than a constant: are its predictions in the right {wrong}?"]


def _in_sample(problem: Problem) -> list[str]:
    """A warning if the teacher is clearly better on training rows than on test rows, which folds would not be."""
    test = problem.parts.get("test")
    if problem.settings.time is not None or test is None or np.count_nonzero(_has(test)) < _FEWEST:
        return []
    (train, weights), (later, of_later) = _losses(problem, problem.parts["train"]), _losses(problem, test)
    here, there = mean(train, weights), mean(later, of_later)
    if not 0.0 <= here < _IN_SAMPLE * there:
        return []
    error = float(np.sqrt(_variance(train) / len(train) + _variance(later) / len(later)))
    if there - here < _SURE * error:
        return []
    return [
        f"the loss of the teacher is {rounded(here, 3)} on the training rows and {rounded(there, 3)} on the test rows: "
        "it seems to have trained on the former; use out-of-fold predictions"
    ]


def _equal_to_target(problem: Problem) -> list[str]:
    """A warning if the teacher knows a target of the training rows almost exactly."""
    part = problem.parts["train"].take(np.flatnonzero(_has(problem.parts["train"])))
    assert part.teacher is not None
    if part.rows < _FEWEST:
        return []
    truth, teacher, head = part.truth.reshape(part.rows, -1), part.teacher, problem.head
    if head.target.task == "regression":
        spread = [_variance(y) for y in truth.T]
        left = [mean((y - t) * (y - t)) / v for y, t, v in zip(truth.T, teacher.T, spread, strict=True) if v > 0.0]
        figure = f"r2 {1.0 - min(left):.6g}" if left and min(left) < 1.0 - COPIED_R2 else ""
    elif head.is_flat:
        figure = _certain(np.take_along_axis(teacher, truth, axis=1))
    else:
        figure = _certain(np.where(truth > 0, teacher, 1.0 - teacher))
    if not figure:
        return []
    return [
        f"the predictions of the teacher are the target or nearly ({figure} on the training rows): are they a copy of "
        "it, or of rows that the teacher trained on? Use out-of-fold predictions"
    ]


def _certain(p: NDArray[np.float64]) -> str:
    """The mean probability of the true classes (n, k), if it is almost 1; otherwise an empty text."""
    least = mean(p.ravel())
    return f"probability {least:.6g} of the true class" if least > COPIED_P else ""


def _variance(values: NDArray[np.float64]) -> float:
    e = values - mean(values)
    return mean(e * e)
