"""Distillation of a model: one small network learns its predictions on a table, and on rows mixed from it.

It takes a model and a table with known targets and returns a model of one network, with the scores of both on rows
that are held out. ``mixing`` makes up rows; ``fitting`` trains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from backpass.errors import DataError, UsageError, hints_in_reading, whole_number_errors
from backpass.model.distillation.mixing import mixed_rows
from backpass.model.evaluation.diagnostics import Warned
from backpass.model.fitting.fit_problem import fit_problem
from backpass.model.fitting.problem.data_split import DataSplit, Rows, Weights
from backpass.model.fitting.problem.division import divide, possible_inputs
from backpass.model.fitting.problem.encoded_rows import part_of
from backpass.model.fitting.problem.preparation import assemble
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.problem.tables import as_table, reading_options
from backpass.model.fitting.teaching.teacher import Teacher
from backpass.model.head.decision import OF_TWO
from backpass.model.head.head import Head
from backpass.model.model import Model
from backpass.model.settings.options import SettingsOptions
from backpass.model.settings.settings import Settings
from backpass.model.training_rows import row_digests
from backpass.numerics.distinct import distinct_values
from backpass.table import Table
from backpass.table.labeled import Labeled
from backpass.table.messages import absent, counted
from backpass.table.targets import Targets
from backpass.training import Callback
from backpass.training.callback import check_callbacks

FEWEST_MIXED = 4
"""The default number of mixed rows per training row, for large tables."""

MIXED_ROWS = 8_192
"""The default number of mixed rows of a small table, whose rows alone show little of the model."""

KEPT = ("seed", "group", "time", "test_fraction", "validation_fraction", "metric", "clip_predictions", "precision")
"""The settings of the model that the small network has, too."""

STUDENT: Mapping[str, Any] = {
    "preset": "default",
    "ensemble_size": 1,
    "frequency_scale": (1.0,),
    "calibration": "none",
    "teacher_weight": 1.0,
    "dropout": 0.0,
    "weight_decay": 0.0,
}
"""The settings of the small network, unless others are given: predictions have no noise, so nothing regularizes it."""

FIXED = ("ensemble_size", "candidates", "refit", "task", "loss", "quantile", *OF_TWO, "class_weight")
"""Settings that the model decides."""

_FEWEST_VALIDATING = 0.16


def distill(
    model: Model,
    data: Any,
    *,
    mixed: int | None = None,
    callbacks: Sequence[Callback] = (),
    reading: Mapping[str, Any] | None = None,
    **settings: Unpack[SettingsOptions],
) -> Model:
    """Train one small network on the predictions of a model, such as an ensemble.

    The network learns from the predictions on the training rows of a table, and on rows mixed from them. Its test rows
    are those of the model if the table is the one that the model was fitted on (recognized by the digests in its
    file), otherwise a share of the table. The targets select the epoch and score both the network and the model.

    Args:
        model: The teacher.
        data: Rows with the columns of the model and its target, in any form that ``fit`` takes.
        mixed: The number of mixed rows per training row. Default None: 4, or as many as make 8,192 rows.
        callbacks: Observers of the run. Default ().
        reading: Options of ``read_table``, see ``fit``. Default None.
        **settings: Settings of the network, such as ``hidden``, see ``Settings``. Default: one network of the preset
            "default".

    Returns:
        The small model; ``record.teacher_scores`` has the scores of the teacher on the same rows.

    Raises:
        UsageError: A setting cannot be used, or the model already is such a network.
        DataError: The table lacks a column of the model, or the target.
        InterruptedTraining: The run was interrupted; its ``model`` is the network so far.
        DivergedError: Training diverged.

    >>> from backpass import fit
    >>> data = {"x": range(60), "y": [abs(x - 30.0) for x in range(60)]}
    >>> small = distill(fit(data, "y", preset="fast", epochs=4), data, epochs=2)
    >>> small.networks, sorted(small.record.teacher_scores)
    (1, ['test', 'validation'])

    Source: Bucilua, Caruana & Niculescu-Mizil 2006; Hinton, Vinyals & Dean 2015.
    """
    if not isinstance(model, Model):
        raise UsageError(f"model must be a Model; got {model!r}", hint="backpass.load reads the file of a model")
    check_callbacks(callbacks)
    problem = distillation_problem(model, data, mixed=mixed, reading=reading, settings=settings)
    warned = Warned()
    found = distilled(model, problem, [*callbacks, warned])
    warned.warn(reading=True)
    return found


def distilled(model: Model, problem: Problem, callbacks: Sequence[Callback] = ()) -> Model:
    """The small model of a problem of ``distillation_problem``; its intervals are no narrower than the teacher's."""
    found = fit_problem(problem, callbacks=callbacks)
    if found.intervals is None or model.intervals is None:
        return found
    floors = [each.floor for each in found.intervals.each]
    record = replace(found.record, horizon=model.record.horizon)
    return replace(found, intervals=found.intervals.wider(model.intervals).floored(floors), record=record)


def distillation_problem(
    model: Model,
    data: Any,
    *,
    mixed: int | None = None,
    reading: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Problem:
    """The problem of a small network that learns from a model; arguments and errors as for ``distill``."""
    if mixed is not None and (errors := whole_number_errors(0, mixed=mixed)):
        raise UsageError(errors[0], hint="it is the number of synthetic rows per training row")
    chosen = _settings(model, dict(settings or {}))
    with hints_in_reading():
        table = table_for(model, data, reading_options(reading))
    names = [each.target.name for each in model.head.targets]
    weight = model.record.weight if model.record.weight in table.columns else None
    labeled = Labeled.of(table, names, weight)
    targets = Targets(tuple(each.target for each in model.head.targets))
    features = [feature.name for feature in model.schema.features]
    inputs = possible_inputs(labeled.table, names, chosen, (), features)
    division = divide(labeled, targets, chosen, inputs, diagnose=False)
    rows = {name: replace(each, teacher=_predictions(model, each.table)) for name, each in division.rows.items()}
    train, known = rows["train"], len(_pool(rows))
    mixed = max(FEWEST_MIXED, -(-MIXED_ROWS // known)) if mixed is None else mixed
    chosen = chosen.suited(targets.task, (1 + mixed) * known, len(features))
    head = replace(Head.of(targets, train.truth, chosen), decision=model.head.decision)
    is_same = _is_training_table(model, rows)
    notes = [*division.notes, f"distilled from a model of {_title(model)}", _about(model, rows, is_same=is_same)]
    if "validation" in rows:
        notes.append(
            "the network also learns the predictions of the model on the validation rows: their score is optimistic"
        )
    problem = assemble(chosen, model.schema, head, rows, notes=notes)
    if model.networks == 1 and problem.network == model.network:
        raise UsageError(
            "the model already is one network with these layers", hint="choose a smaller one, such as --hidden 32,32"
        )
    test = rows.get("test")
    warnings = [] if test is None else _known(model, test)
    return replace(
        problem,
        teacher=Teacher((), (), model.classes, "", ""),
        made_up=_made_up(model, problem, rows, mixed),
        weight=weight or "",
        split_columns=model.record.split_columns,
        warnings=(*problem.warnings, *warnings),
    )


def _settings(model: Model, given: dict[str, Any]) -> Settings:
    """The settings of the small network."""
    refused = [name for name in FIXED if name in given and given[name] is not None]
    if refused:
        raise UsageError(
            f"distill makes one network that predicts like the model: {', '.join(refused)} cannot be set",
            hint="fit a model with these settings, and distill that one",
        )
    head, settings = model.head, model.record.settings
    if len({*model.targets}) < len(head.targets):
        raise UsageError("a model of several quantiles cannot be distilled", hint="distill a model of one quantile")
    kept = {name: settings[name] for name in KEPT if settings.get(name) is not None}
    kept["validation_fraction"] = kept.get("validation_fraction") or _FEWEST_VALIDATING
    options = {"loss": head.loss_name, "quantile": head.targets[0].q} if head.target.task == "regression" else {}
    if "delta" in head.options:
        options["huber_delta"] = head.options["delta"]
    activation = settings.get("output_activation", "identity")
    bounded = {} if activation == "identity" else {"output_activation": activation}
    return Settings.of({**STUDENT, **kept, **options, **bounded, **given}, head.target.task)


def table_for(model: Model, data: Any, reading: dict[str, Any]) -> Table:
    """The table with the columns and the target of the model.

    Raises:
        DataError: It lacks some of them.
    """
    kinds = model.kinds(with_target=True)
    kept = {"missing": model.schema.missing}
    table = as_table(data, {**kept, **reading}, kinds)
    wanted = [*model.targets, *(feature.name for feature in model.schema.features), *model.record.split_columns]
    if errors := absent(wanted, table.names):
        raise DataError(
            f"{table.source} is not a table for this model",
            details=errors,
            hint="distill needs the columns of the model and its target, on which both are scored",
        )
    return table


def _title(model: Model) -> str:
    return f"{counted(model.networks, 'network')}, {counted(model.parameter_count, 'parameter')}"


def _predictions(model: Model, table: Table) -> Any:
    """The predictions of the model as those of a teacher: float64 (n, k)"""
    predicted = model.head.predictions(model.outputs(table))
    return np.asarray(predicted, dtype=np.float64).reshape(table.rows, -1)


def _pool(rows: Mapping[str, Rows]) -> Rows:
    return Rows.stacked([rows[name] for name in ("train", "validation") if name in rows])


def _digests(model: Model, rows: Rows) -> Any:
    encoded = model.schema.encode(rows.table)
    return row_digests(encoded.numbers, encoded.codes, rows.truth)


def _is_training_table(model: Model, rows: Mapping[str, Rows]) -> bool:
    """Whether the training and validation rows are those of the model, so that it has seen none of the test rows."""
    known = model.training_rows
    if known is None or model.record.refit is not None:
        return False
    pool = _pool(rows)
    digests = distinct_values(_digests(model, pool))[: len(known.digests)].astype(np.uint32)
    return known.rows == pool.table.rows and np.array_equal(digests, known.digests)


def _about(model: Model, rows: Mapping[str, Rows], *, is_same: bool) -> str:
    """What is known, or assumed, about the rows that the model trained on."""
    if is_same:
        return "the rows are split as they were for the model, which did not train on the test rows"
    share = 0.0 if model.training_rows is None else model.training_rows.known_share(_digests(model, _pool(rows)))
    known = (
        f"about {share:.0%} of the training rows trained the model"
        if share
        else "the model may not have seen any of them"
    )
    return f"the rows are split anew because this is not the table that the model was fitted on: {known}"


def _known(model: Model, test: Rows) -> list[str]:
    """A warning if the model trained on test rows: its scores there are too good, and so may be the network's."""
    found = [] if model.training_rows is None else model.training_rows.warnings_on(_digests(model, test))
    if model.record.refit is not None and not found:
        return ["the model was refitted on all of its rows: its scores on test rows of the same table are optimistic"]
    return [f"test rows: {text}" for text in found]


def _made_up(model: Model, problem: Problem, rows: Mapping[str, Rows], mixed: int) -> DataSplit | None:
    """The validation rows and mixed rows, with the predictions of the model also in place of the target.

    The model has learned from the validation rows, and the network needs all of what it knows.
    """
    pool = _pool(rows)
    table, base = mixed_rows(pool.table, mixed * pool.table.rows, problem.settings.seed)
    weights = None if pool.weights is None else pool.weights[base]
    parts = [_taught(model, problem, table, weights)] if mixed else []
    if "validation" in rows:
        parts.insert(0, _taught(model, problem, rows["validation"].table, rows["validation"].weights))
    return DataSplit.joined(parts) if parts else None


def _taught(model: Model, problem: Problem, table: Table, weights: Weights) -> DataSplit:
    """Rows whose targets are the predictions of the model."""
    teacher = _predictions(model, table)
    truth = teacher[:, 0] if problem.head.is_flat else teacher
    if model.classes:
        truth = np.argmax(teacher, axis=1)
    elif problem.head.are_labels:
        truth = (teacher > 0.5).astype(np.int64)
    return part_of(problem, Rows(table, truth, weights, teacher=teacher))
