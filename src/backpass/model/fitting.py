"""Fitting: from a table to a model, with its scores beside two baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from sys import float_info
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import DivergedError, InterruptedTraining, UsageError
from backpass.model.baseline import Baseline, constant_baseline, linear_baseline
from backpass.model.checkpoint import Checkpoint, resume
from backpass.model.metrics import LOWER_IS_BETTER
from backpass.model.model import Model
from backpass.model.part import Part
from backpass.model.problem import Problem, make_problem, outputs_of
from backpass.model.record import Record, Scores
from backpass.model.settings import Settings
from backpass.model.storage import check_writable
from backpass.table import Table, read_table, table_from
from backpass.training import Callback, TrainingResult

WORST = float_info.max
"""What is kept of a score that is not finite."""


def fit(
    data: Any,
    target: str,
    *,
    valid: Any = None,
    test: Any = None,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    resume_from: str | Path | None = None,
    on_interrupt: str = "raise",
    reading: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Model:
    """Fit a network to a table.

    data: a path, a data frame, a dict of columns or a Table
    target: the column to predict
    valid, test: rows for validation and for the test score; otherwise they are set aside from ``data``
    drop, columns: columns to leave out, or the only ones to learn from
    checkpoint, resume_from: files to save the run to, and to go on from
    on_interrupt: "raise" InterruptedTraining on Ctrl-C (its ``model`` is the best so far), or "return" the model
    reading: options of ``read_table`` for paths (delimiter, missing, text ...)
    settings: see ``Settings``

    Errors: UsageError, DataError, ResourceError; ModelFileError for a checkpoint of another run; DivergedError when
    training meets a number that is not finite (its ``model`` is the best finite one, if there is any).
    """
    checked = Settings.of(settings)
    options = dict(reading or {})
    table = as_table(data, options)
    kinds = {name: column.kind for name, column in table.columns.items()}
    parts = [as_table(part, options, kinds) if part is not None else None for part in (valid, test)]
    problem = make_problem(table, target, checked, valid=parts[0], test=parts[1], drop=drop, columns=columns)
    return fit_problem(
        problem, callbacks=callbacks, checkpoint=checkpoint, resume_from=resume_from, on_interrupt=on_interrupt
    )


def as_table(data: Any, options: Mapping[str, Any], kinds: Mapping[str, str] | None = None) -> Table:
    """A table from whatever holds one."""
    if isinstance(data, Table):
        return data
    if isinstance(data, str | Path):
        return read_table(data, **({**options, "kinds": kinds} if kinds is not None else options))
    return table_from(data, kinds=kinds)


def fit_problem(
    problem: Problem,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    resume_from: str | Path | None = None,
    on_interrupt: str = "raise",
    theta: NDArray[Any] | None = None,
    compare: bool = True,
) -> Model:
    """Train on a problem that is ready, and make a model of the best weights.

    theta: parameters to start from, in place of drawn ones    compare: whether to score baselines, too

    Errors: as ``fit``.
    """
    if on_interrupt not in ("raise", "return"):
        raise UsageError(f"on_interrupt must be 'raise' or 'return'; got {on_interrupt!r}")
    identity = problem.identity() if checkpoint is not None or resume_from is not None else {}
    progress = resume(resume_from, identity) if resume_from is not None else None
    save: Callable[..., None] | None = None
    if checkpoint is not None:
        check_writable(checkpoint)
        save = Checkpoint(Path(checkpoint), identity).save
    # The baselines come first: nothing slow may stand between the end of training and the model.
    simple = baselines(problem) if compare else []
    result = problem.train(theta=theta, callbacks=callbacks, progress=progress, save=save)
    if result.reason == "diverged":
        raise _diverged(problem, result, simple)
    model = make_model(problem, result, simple)
    endless = [part for part, scores in model.record.scores.items() if scores[problem.head.metric] == WORST]
    if endless:
        where = " and ".join(endless)
        raise DivergedError(
            f"the {problem.head.metric} of the {where} rows is not finite", hint="look at their targets"
        )
    if result.reason == "interrupted" and on_interrupt == "raise":
        interrupted = InterruptedTraining(f"interrupted after {result.progress.step} steps")
        interrupted.model, interrupted.signal = model, result.signal or 0
        raise interrupted
    return model


def _diverged(problem: Problem, result: TrainingResult, simple: Sequence[Baseline]) -> DivergedError:
    rate, best = problem.settings.learning_rate, result.progress.best_epoch
    kept = f"; the weights of epoch {best} are kept" if best else ""
    error = DivergedError(
        f"training diverged in {result.fault}{kept}",
        hint=f"learning_rate {rate:g} may be too high: try {rate / 10:g}, or clip_norm 1",
    )
    error.model = make_model(problem, result, simple) if best else None
    return error


def make_model(problem: Problem, result: TrainingResult, simple: Sequence[Baseline]) -> Model:
    """The model with its scores and those of the baselines."""
    progress = result.progress
    scored = {name: part for name, part in problem.parts.items() if name != "train"}
    record = Record(
        settings=problem.settings.to_json(),
        rows={name: part.rows for name, part in problem.parts.items()},
        scores={name: score(problem, result, part) for name, part in scored.items()},
        baselines={each.name: _scores(problem, each, scored) for each in simple},
        history=tuple(progress.history),
        best_epoch=progress.best_epoch,
        steps=progress.step,
        reason=result.reason,
        notes=problem.notes,
    )
    return Model(
        problem.schema,
        problem.head,
        problem.feature_map,
        problem.network,
        result.theta,
        record,
        problem.settings.engine,
    )


def score(problem: Problem, result: TrainingResult, part: Part) -> dict[str, float]:
    """The metrics of the trained network on one part."""
    o = outputs_of(problem.network, result.theta, part.x, problem.engine)
    return _kept(problem.head.scores(o, part.truth, part.weights))


def _kept(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores, those that are not finite as the worst number there is: a file holds finite numbers only."""
    worst = {name: WORST if name in LOWER_IS_BETTER else -WORST for name in scores}
    return {name: value if isfinite(value) else worst[name] for name, value in scores.items()}


def baselines(problem: Problem) -> list[Baseline]:
    """The constant and the linear one, fitted on the training rows; none where no rows are left to score them on."""
    if len(problem.parts) == 1:
        return []
    part, head = problem.parts["train"], problem.head
    is_number = head.target.task == "regression"
    loss = "binary_cross_entropy" if head.target.task == "binary" else head.loss_name
    # What the constant is called: the mean of the target, its median, or the commonest class.
    constant = {"squared": "mean", "huber": "mean", "poisson": "mean", "absolute": "median", "quantile": "quantile"}
    name = constant[loss] if is_number else "majority"
    return [
        constant_baseline(name, loss, part.y, head.outputs, head.q),
        linear_baseline("linear" if is_number else "logistic", loss, part.x, part.y, head.outputs, problem.engine),
    ]


def _scores(problem: Problem, baseline: Baseline, parts: Mapping[str, Part]) -> Scores:
    return {
        name: _kept(problem.head.scores(np.asarray(baseline.outputs(part.x)), part.truth, part.weights))
        for name, part in parts.items()
    }
