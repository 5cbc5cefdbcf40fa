"""Fit: trains a model on data in any supported form, with the settings of its keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from backpass.errors import UsageError, hints_in_reading
from backpass.model.evaluation.diagnostics import Warned
from backpass.model.fitting.fit_problem import fit_problem
from backpass.model.fitting.larger.choice import check_stream, resident_or_streamed
from backpass.model.fitting.larger.streamed import check_streamable, streamed_problem
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.problem.tables import as_table, reading_options
from backpass.model.fitting.transfer.feature_source import FeatureSource
from backpass.model.model import Model
from backpass.model.settings.options import SettingsOptions
from backpass.model.settings.settings import Settings
from backpass.table import Table, required_kind
from backpass.table.columns.rules import check_name_lists
from backpass.table.memory import limited_memory, memory_size
from backpass.table.targets import target_names
from backpass.table.windows.read_settings import READING_OPTIONS
from backpass.training import Callback
from backpass.training.callback import check_callbacks
from backpass.training.processes.mpi import exchange_of


def fit(
    data: Any,
    target: str | Sequence[str],
    *,
    validation: Any = None,
    test: Any = None,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    weight: str | None = None,
    teacher: Any = None,
    features_of: Any = None,
    strict: bool = False,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    resume_from: str | Path | None = None,
    on_interrupt: str = "raise",
    reading: Mapping[str, Any] | None = None,
    comm: Any = None,
    stream: bool | str = "auto",
    memory: str | int | None = None,
    **settings: Unpack[SettingsOptions],
) -> Model:
    """Fit a network to a table.

    If training diverges, it is retried once at a tenth of the learning rate, unless ``learning_rate`` was set; a note
    in the model records this.

    Args:
        data: A path, a data frame, a dict of columns or a Table.
        target: The column to predict, or a list of several, which one network predicts together. Several targets all
            hold numbers, or all have two classes; then each prediction is the probability of the second class.
        validation: Rows for validation, in the same forms as ``data``. Default None: a share of ``data``, see the
            setting ``validation_fraction``.
        test: Rows for the test score. Default None: a share of ``data``, see the setting ``test_fraction``.
        drop: Columns to leave out. Default ().
        columns: The only columns to learn from. Default None: all.
        weight: The column of row weights, which is not a feature: weights multiply the loss and the scores. Default
            None: all rows have weight 1.
        teacher: Predictions of another model to learn from, next to the target (Hinton et al. 2015): the columns that
            hold them, which are not used as features, or the predictions themselves, (n,) or (n, k), one row per row of
            ``data``. Numbers in the units of each target; for classes one probability per class, named by class or in
            the order of the classes, or that of the positive class of two. They must be out-of-fold: predicted by
            models that did not train on the row. Rows without a prediction (NaN) learn from the target alone. See the
            setting ``teacher_weight``. Default None: no teacher.
        features_of: A model, or the path of its file, whose learned features a^[r-1] are kept, CS229 (2.21): only a new
            output layer is trained on them. The table needs the columns of that model, which are read and scaled as for
            it; its layers, and with them the settings that describe layers, are those of that model. An ensemble gives
            an ensemble: each network keeps its own features. The preset is "plain". Default None: all layers are
            trained.
        strict: Whether a row without a target raises an error. Default False: it is left out, with a note.
        callbacks: Observers of the training run. Default ().
        checkpoint: File to save the run to. Default None: no checkpoint.
        resume_from: Checkpoint to continue from. Default None: start from scratch.
        on_interrupt: What Ctrl-C does: "raise" raises InterruptedTraining, whose ``model`` is the best so far; "return"
            returns that model. Before the first step there is no model, and it always raises. Default "raise".
        reading: Options of ``read_table`` (delimiter, missing, categorical, text, ...); data in memory uses those that
            ``table_from`` has. Default None.
        comm: A communicator of mpi4py, such as ``MPI.COMM_WORLD``, whose processes train together. All of them call
            ``fit`` with the same arguments and get the model of one process; process 0 calls the callbacks and writes
            the checkpoint. Default None: this process alone.
        stream: Whether to read ``data``, a Parquet or CSV file or a pattern for several, in pieces, because it does not
            fit in memory. A random sample of about 2^18 rows decides on columns and scales, and is divided into
            training, validation and test rows; all other rows train, too, and are kept encoded in a temporary folder.
            "auto" does so if a fit in memory would be refused, with a note. Default "auto".
        memory: The memory that the fit may take beyond what the process has: bytes, or a string such as "4GB". Default
            None: what the machine has.
        **settings: See ``Settings``. If ``preset`` is not set, it is "default", or "plain" if any setting describes the
            network or its training.

    Returns:
        The model with the weights of the best epoch.

    Raises:
        UsageError: A setting or an argument cannot be used.
        DataError: The table cannot be used.
        ResourceError: Memory, disk space or a permission is missing.
        ModelFileError: The checkpoint belongs to another run, or is damaged.
        InterruptedTraining: The run was interrupted, see ``on_interrupt``.
        DivergedError: Training diverged even after the retry; its ``model`` is the best finite one, if any.

    Warns:
        BackpassWarning: A constant scores better, all predictions are the same, units no longer learn, or the output
            activation cannot reach some targets (all kept in ``model.record.warnings``); or the run was retried, or a
            checkpoint could not be saved.
    """
    target_names(target)
    check_name_lists("drop", drop=drop, columns=columns)
    check_not_reading(settings)
    checked = Settings.of(settings)
    check_callbacks(callbacks)
    check_stream(stream)
    options, exchange = reading_options(reading), exchange_of(comm)
    roles: dict[str, Any] = {"drop": drop, "columns": columns, "weight": weight, "strict": strict}
    source = None if features_of is None else FeatureSource.of(features_of)
    others = {"validation": validation, "test": test, "teacher": teacher, "features_of": source}
    note = partial(_note, callbacks)
    with ExitStack() as stack:
        stack.enter_context(hints_in_reading())
        stack.enter_context(limited_memory(None if memory is None else memory_size(memory)))
        problem = resident_or_streamed(
            stack,
            stream,
            partial(_in_memory, data, target, checked, options, **others, **roles),
            partial(streamed_problem, data, target, checked, options, note, exchange=exchange, **roles),
            partial(
                check_streamable,
                data,
                checked,
                options,
                validation_file=validation,
                test_file=test,
                teacher=teacher,
                features_of=source,
            ),
            exchange,
        )
        warned = Warned()
        model = fit_problem(
            problem,
            callbacks=[*callbacks, warned],
            checkpoint=checkpoint,
            resume_from=resume_from,
            on_interrupt=on_interrupt,
            exchange=exchange,
        )
    exchange.release()
    warned.warn(reading=True)
    return model


def _in_memory(
    data: Any,
    target: str | Sequence[str],
    settings: Settings,
    options: Mapping[str, Any],
    *,
    validation: Any,
    test: Any,
    features_of: FeatureSource | None,
    **roles: Any,
) -> Problem:
    """The problem of tables that fit in memory."""
    known = {} if features_of is None else features_of.model.kinds()
    options = options if features_of is None else features_of.reading(options)
    table = as_table(data, options)
    kinds = {name: required_kind(column) for name, column in table.columns.items()} | known
    parts = [as_table(part, options, kinds) if part is not None else None for part in (validation, test)]
    owned = not any(isinstance(each, Table) for each in (data, validation, test))
    roles |= {"features_of": features_of, "owned": owned}
    return make_problem(table, target, settings, validation=parts[0], test=parts[1], **roles)


def _note(callbacks: Sequence[Callback], text: str) -> None:
    for each in callbacks:
        each.on_note(text)


def check_not_reading(settings: Mapping[str, Any]) -> None:
    """Reject reading options among the settings, and say where they belong."""
    if misplaced := [name for name in settings if name in READING_OPTIONS]:
        given = ", ".join(f"{name!r}: {settings[name]!r}" for name in misplaced)
        raise UsageError(
            f"{' and '.join(misplaced)}: options for reading files are not settings", hint=f"reading={{{given}}}"
        )
