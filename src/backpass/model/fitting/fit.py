"""Fitting: trains a model on a table and scores it against baselines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from inspect import signature
from math import inf
from pathlib import Path
from typing import Any, Unpack

from numpy.typing import NDArray

from backpass.errors import DataError, DivergedError, InterruptedTraining, UsageError
from backpass.model.diagnostics import Warned
from backpass.model.file.storage import check_writable
from backpass.model.fitting.checks.backtest import Backtest, backtest, is_backtested
from backpass.model.fitting.checks.storable import require_storable
from backpass.model.fitting.larger.choice import check_stream, resident_or_streamed
from backpass.model.fitting.larger.streamed import check_streamable, streamed_problem
from backpass.model.fitting.outcome.diagnostics import before_training, check_held_out
from backpass.model.fitting.outcome.outcome import factor_of, make_model
from backpass.model.fitting.outcome.refit import refitted
from backpass.model.fitting.outcome.scoring import WORST, Compared, baselines
from backpass.model.fitting.pack.candidates import field_of, identity_of
from backpass.model.fitting.pack.pack import raced
from backpass.model.fitting.pack.race import Race
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.checkpoint import SECONDS, Checkpoint, RunState, differences, resume, told
from backpass.model.fitting.runs.ensemble import Member, members_of
from backpass.model.fitting.runs.runs import (
    Runs,
    group_size,
    side_by_side,
    train_members,
    with_lower_learning_rate,
)
from backpass.model.model import Model
from backpass.model.settings.options import SettingsOptions
from backpass.model.settings.settings import Settings
from backpass.table import Table, read_table, required_kind, table_from
from backpass.table.columns.rules import check_name_lists
from backpass.table.memory import limited_memory, memory_size
from backpass.table.messages import counted
from backpass.table.targets import target_names
from backpass.training import Callback, StopRequest, stop_on_signals
from backpass.training.processes.exchange import SOLO, Exchange
from backpass.training.processes.mpi import exchange_of

_FOR_BASELINES = 0.1
"""The share of the time limit that the baselines may take."""

_FOR_A_LATER_FIT = 0.8
"""The part of the time of training that a backtest, or a refit, gets of a time limit."""


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
        weight: The column of row weights, which is no feature: weights multiply the loss and the scores. Default None:
            all rows have weight 1.
        teacher: Predictions of another model to learn from, next to the target (Hinton et al. 2015): the columns that
            hold them, which are no features, or the predictions themselves, (n,) or (n, k), one row per row of
            ``data``. Numbers in the units of each target; for classes one probability per class, named by class or in
            the order of the classes, or that of the positive class of two. They must be out-of-fold: predicted by
            models that did not train on the row. Rows without a prediction (NaN) learn from the target alone. See the
            setting ``teacher_weight``. Default None: no teacher.
        strict: Whether a row without a target is an error. Default False: it is left out, with a note.
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
        stream: Whether to read ``data``, a Parquet file or a pattern for several, in pieces, because it does not fit in
            memory. A random sample of about 2^18 rows decides on columns and scales, and is divided into training,
            validation and test rows; all other rows train, too, and are kept encoded in a temporary folder. "auto"
            does so if a fit in memory would be refused, with a note. Default "auto".
        memory: The memory that the fit may take beyond what the process has: bytes, or a text such as "4GB". Default
            None: what the machine has.
        **settings: See ``Settings``. If ``preset`` is not set, it is "default", or "plain" if any setting describes the
            network or its training.

    Returns:
        The model with the weights of the best epoch.

    Raises:
        UsageError: A setting or an argument cannot be used.
        DataError: The table cannot be used.
        ResourceError: Memory, disk or permission is missing.
        ModelFileError: The checkpoint belongs to another run, or is damaged.
        InterruptedTraining: The run was interrupted, see ``on_interrupt``.
        DivergedError: Training diverged even after the retry; its ``model`` is the best finite one, if any.

    Warns:
        BackpassWarning: A constant scores better, all predictions are the same, units no longer learn, or the output
            activation cannot reach some targets (all kept in ``model.record.warnings``); or the run was retried, or a
            checkpoint could not be saved.
    """
    target_names(target)
    check_name_lists(drop=drop, columns=columns)
    _check_not_reading(settings)
    checked = Settings.of(settings)
    _check_callbacks(callbacks)
    check_stream(stream)
    options, exchange = dict(reading or {}), exchange_of(comm)
    roles: dict[str, Any] = {"drop": drop, "columns": columns, "weight": weight, "strict": strict}
    others = {"validation": validation, "test": test, "teacher": teacher}
    note = partial(_note, callbacks)
    with ExitStack() as stack:
        stack.enter_context(limited_memory(None if memory is None else memory_size(memory)))
        problem = resident_or_streamed(
            stack,
            stream,
            partial(_in_memory, data, target, checked, options, **others, **roles),
            partial(streamed_problem, data, target, checked, options, note, **roles),
            partial(check_streamable, data, checked, options, exchange, **others),
            note,
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
    warned.warn()
    return model


def _in_memory(
    data: Any,
    target: str | Sequence[str],
    settings: Settings,
    options: Mapping[str, Any],
    *,
    validation: Any,
    test: Any,
    **roles: Any,
) -> Problem:
    """The problem of tables that fit in memory."""
    table = as_table(data, options)
    kinds = {name: required_kind(column) for name, column in table.columns.items()}
    parts = [as_table(part, options, kinds) if part is not None else None for part in (validation, test)]
    return make_problem(table, target, settings, validation=parts[0], test=parts[1], **roles)


def _note(callbacks: Sequence[Callback], text: str) -> None:
    for each in callbacks:
        each.on_note(text)


def _check_not_reading(settings: Mapping[str, Any]) -> None:
    """Reject reading options among the settings, and say where they belong."""
    if misplaced := [name for name in settings if name in signature(read_table).parameters]:
        given = ", ".join(f"{name!r}: {settings[name]!r}" for name in misplaced)
        raise UsageError(f"{' and '.join(misplaced)}: how a file is read is no setting", hint=f"reading={{{given}}}")


def as_table(data: Any, options: Mapping[str, Any], kinds: Mapping[str, str] | None = None) -> Table:
    """The table in any of the supported forms of data."""
    if isinstance(data, Table):
        return data
    if isinstance(data, str | Path):
        return read_table(data, **({**options, "kinds": kinds} if kinds is not None else options))
    names = {*signature(table_from).parameters} - {"data", "source", "drop"}
    given = {name: value for name, value in options.items() if name in names}
    return table_from(data, **({**given, "kinds": kinds} if kinds is not None else given))


def _check_callbacks(callbacks: Any) -> None:
    """Reject anything that is not a callback before the run starts."""
    is_list = isinstance(callbacks, list | tuple)
    odd = [each for each in callbacks if not isinstance(each, Callback)] if is_list else [callbacks]
    if odd:
        came = (
            f"the class {odd[0].__name__}" if isinstance(odd[0], type) else f"a value of type {type(odd[0]).__name__}"
        )
        raise UsageError(
            f"callbacks is a list of instances of backpass.Callback; got {came}",
            hint="callbacks=[Watcher()], where the class Watcher inherits from it",
        )


def fit_problem(
    problem: Problem,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    rescue: str | Path | None = None,
    resume_from: str | Path | None = None,
    on_interrupt: str = "raise",
    theta: NDArray[Any] | None = None,
    compare: bool = True,
    on_model: Callable[[Model], object] | None = None,
    exchange: Exchange = SOLO,
) -> Model:
    """Train on a prepared problem and make a model of the best weights.

    With several processes, all of them call this function with the same problem and get the same model. Process 0 alone
    calls the callbacks and ``on_model``, and reads and writes the checkpoint.

    Args:
        problem: The problem.
        callbacks: Observers of the training run.
        checkpoint: File to save the run to while it trains.
        rescue: File to save the run to if it is interrupted and there is no ``checkpoint``.
        resume_from: Checkpoint to continue from.
        on_interrupt: What Ctrl-C does, as for ``fit``.
        theta: Initial parameters, in place of random ones.
        compare: Whether to score the baselines, too.
        on_model: Called with the model, for example to save it. A first Ctrl-C does not interrupt it. Also called if
            training was interrupted, or diverged after a finite epoch.
        exchange: The processes, which divide the networks.

    Raises:
        BackpassError: As ``fit``.
    """
    if on_interrupt not in ("raise", "return"):
        raise UsageError(f"on_interrupt must be 'raise' or 'return'; got {on_interrupt!r}")
    _check_callbacks(callbacks)
    is_pack = problem.settings.candidates > 1
    if (is_pack or problem.settings.ensemble_size > 1) and theta is not None:
        raise UsageError("theta is where one network starts from; it does not go with ensemble")
    require_storable(problem)
    count = problem.settings.ensemble_size
    at_once = side_by_side(problem, count, exchange.size)
    members = field_of(problem) if is_pack else members_of(problem, at_once=at_once)
    check_held_out(problem, members[:count])
    identity = cache(partial(identity_of, problem, members))
    if exchange.size > 1:
        _require_work(problem, len(members), exchange)
        _require_same(exchange, {**identity(), "engine": problem.engine.name})
    if exchange.rank:
        callbacks, checkpoint, rescue, on_model = (), None, None, None
    standings: list[RunState | None] = [None] * len(members)
    if resume_from is not None:
        standings = exchange.from_first(resume(resume_from, identity()) if exchange.rank == 0 else None)
    if checkpoint is not None:
        check_writable(checkpoint)
    place, seconds = (rescue, None) if checkpoint is None else (checkpoint, SECONDS)
    kept = None if place is None else Checkpoint(Path(place), identity, [*standings], seconds)
    # The baselines come first, so that nothing slow happens between the end of training and the model.
    began = time.monotonic()
    does_backtest = compare and is_backtested(problem)
    compared = _compared(problem, callbacks, resume_from) if compare and exchange.rank == 0 else Compared()
    compared = exchange.from_first(compared)
    limit = problem.settings.max_seconds
    share = 1.0 / (1.0 + _FOR_A_LATER_FIT * (does_backtest + problem.settings.refit))
    members = _within(members, limit, time.monotonic() - began, share)
    _announce_idle(group_size(members, len(members), exchange), members, exchange, callbacks)
    early = before_training(problem)
    _announce(early, callbacks)
    with stop_on_signals() as stop:
        runs, pack = Runs({}, 0, ()), None
        if is_pack:
            pack = raced(problem, Race(members, stop, callbacks, standings, kept, exchange=exchange))
            members, runs = pack.members, pack.runs
        else:
            runs = train_members(
                members, stop, callbacks, theta=theta, standings=standings, checkpoint=kept, exchange=exchange
            )
        if runs.ending.reason == "diverged":
            diverged = _diverged(problem, members, runs, compared)
            if on_model is not None and isinstance(diverged.model, Model):
                on_model(diverged.model)
            exchange.share(None)  # the error of another process must not end process 0 while it saves the model
            raise diverged
        goes_on = does_backtest and runs.ending.reason != "stopped" and not _is_stopped(stop, exchange)
        left = _left(limit, began, 2 if problem.settings.refit else 1)
        tested = backtest(problem, members, callbacks, stop, left, exchange) if goes_on else Backtest()
        saved = (checkpoint is not None or stop()) and _saved(kept, callbacks)
        model = make_model(problem, members, runs, compared, tested, pack.record if pack is not None else ())
        if problem.settings.refit and runs.ending.reason != "stopped" and not _is_stopped(stop, exchange):
            factor = factor_of(problem, members, runs)
            model = refitted(model, problem, members, factor, callbacks, stop, _left(limit, began), exchange)
            saved = saved or (stop() and _saved(kept, callbacks))
        _check_scores(model, problem.head.metric)
        if on_model is not None:
            on_model(model)
        if stop() and not saved:
            saved = _saved(kept, callbacks)
        is_stopped = _is_stopped(stop, exchange)
    _announce(model.record.warnings[len(early) :], callbacks)
    if is_stopped and on_interrupt == "raise":
        interrupted = InterruptedTraining(f"interrupted after {model.record.steps} steps")
        interrupted.model, interrupted.signal = model, stop.signal or 0
        interrupted.checkpoint = str(place) if saved else None
        raise interrupted
    return model


def _require_work(problem: Problem, networks: int, exchange: Exchange) -> None:
    """Reject processes that cannot divide one network.

    Raises:
        UsageError: Their number does not divide the shards.
    """
    shards, size = problem.settings.shards, exchange.size
    if networks > 1 or shards % size == 0:
        return
    powers = [str(2**i) for i in range(shards.bit_length())]
    number = f"use {', '.join(powers[:-1])} or {powers[-1]} processes, or train an ensemble"
    most = 2 ** max((size - 1).bit_length(), 3)
    setting = f"set --shards to {most}, for 1, 2, 4 ... {most} processes, or train an ensemble"
    raise UsageError(
        f"{size} processes cannot divide one network of {counted(shards, 'shard')}",
        hint=number if shards > 1 else setting,
    )


def _announce_idle(together: int, members: Sequence[Member], exchange: Exchange, callbacks: Sequence[Callback]) -> None:
    """Report processes that have no network to train, where so many train each of them together."""
    busy = min(exchange.size // together, len(members)) * together
    if idle := exchange.size - busy:
        text = f"{idle} of {exchange.size} processes have nothing to train: there are {len(members)} networks"
        for each in callbacks:
            each.on_note(text)


def _require_same(exchange: Exchange, identity: Mapping[str, Any]) -> None:
    """Reject processes that do not have the same rows, settings, engine and version of Backpass.

    Raises:
        DataError: They differ; lists what differs, and where.
    """
    shared = exchange.share((exchange.name, dict(identity)))
    (_, first), *others = shared
    faults = [f"{name}: {fault}" for name, its in others for fault in differences(first, its)]
    if faults:
        raise DataError(
            "the processes do not train the same network on the same rows; compared with process 0",
            faults=faults,
            hint="give every process the same version of Backpass, the same options and the same files",
        )


def _is_stopped(stop: StopRequest, exchange: Exchange) -> bool:
    """Whether a signal has reached any process; all of them get the same answer."""
    signals = [each for each in exchange.share(stop.signal) if each is not None]
    stop.signal = stop.signal if stop() or not signals else signals[0]
    return bool(signals)


def _announce(texts: Sequence[str], callbacks: Sequence[Callback]) -> None:
    """Report warnings to the callbacks."""
    for text in texts:
        for each in callbacks:
            each.on_warning(text)


def _compared(problem: Problem, callbacks: Sequence[Callback], resume_from: str | Path | None) -> Compared:
    """The baselines. With a time limit, their fit ends after a tenth of it.

    Raises:
        InterruptedTraining: On Ctrl-C. It has no model; its checkpoint is the one to resume from, if any.
    """
    limit = problem.settings.max_seconds
    end = inf if limit is None else time.monotonic() + limit * _FOR_BASELINES

    def watch(name: str, share: float) -> bool:
        for each in callbacks:
            each.on_baseline(name, share)
        return time.monotonic() > end

    try:
        compared = baselines(problem, watch)
    except KeyboardInterrupt:
        what = "nothing was trained, so nothing is saved" if resume_from is None else f"{resume_from} is as it was"
        interrupted = InterruptedTraining(f"interrupted before the first step; {what}")
        interrupted.checkpoint = None if resume_from is None else str(resume_from)
        raise interrupted from None
    for note in compared.notes:
        for each in callbacks:
            each.on_note(note)
    return compared


def _within(members: Sequence[Member], limit: float | None, spent: float, share: float) -> list[Member]:
    """The members with a share of what is left of the time limit, in the same proportions."""
    if limit is None:
        return [*members]
    left = max(1.0 - spent / limit, 1e-3) * share

    def shortened(problem: Problem) -> Problem:
        seconds = problem.settings.max_seconds
        return replace(
            problem, settings=replace(problem.settings, max_seconds=None if seconds is None else seconds * left)
        )

    return [replace(each, problem=shortened(each.problem)) for each in members]


def _left(limit: float | None, began: float, fits: int = 1) -> float | None:
    """The seconds that the next of so many fits gets of a time limit; None without one."""
    return None if limit is None else max(limit - (time.monotonic() - began), 1e-3 * limit) / fits


def _check_scores(model: Model, metric: str) -> None:
    endless = [part for part, scores in model.record.scores.items() if abs(scores[metric]) == WORST]
    if endless:
        where = " and ".join(endless)
        raise DivergedError(f"the {metric} of the {where} rows is not finite", hint="look at their targets")


def _saved(kept: Checkpoint | None, callbacks: Sequence[Callback]) -> bool:
    """Save the run if it has a checkpoint; return whether it was saved."""
    if kept is None:
        return False
    with told(callbacks):
        kept.save()
        return True
    return False


def _diverged(problem: Problem, members: Sequence[Member], runs: Runs, compared: Compared) -> DivergedError:
    result = runs.ending
    rate, best = (with_lower_learning_rate(problem) or problem).settings.learning_rate, result.progress.best_epoch
    kept = f"; the weights of epoch {best} are kept" if best else ""
    which = f"network {runs.last + 1} of {len(members)}, " if len(members) > 1 else ""
    error = DivergedError(
        f"training diverged in {which}{result.fault}{kept}",
        hint=f"learning_rate {rate:g} may be too high: try {rate / 10:g}, or max_grad_norm 1",
    )
    error.model = make_model(problem, members, runs, compared) if best else None
    return error
