"""The fit of a problem: trains its networks, scores them against baselines and makes the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import inf
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from backpass.errors import DivergedError, InterruptedTraining, UsageError
from backpass.model.file.storage import check_writable
from backpass.model.fitting.checks.backtest import Backtest, backtest, is_backtested
from backpass.model.fitting.checks.storable import require_storable
from backpass.model.fitting.outcome.calibration import factor_of
from backpass.model.fitting.outcome.diagnostics import before_training, check_held_out
from backpass.model.fitting.outcome.outcome import make_model
from backpass.model.fitting.outcome.refit import refitted
from backpass.model.fitting.outcome.scoring import WORST, Compared, baselines
from backpass.model.fitting.pack.candidates import field_of, identity_of
from backpass.model.fitting.pack.pack import Pack, raced
from backpass.model.fitting.pack.race import Race
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.checkpoint import SECONDS, Checkpoint, RunState, resume, warn_on_failure
from backpass.model.fitting.runs.ensemble import Member, members_of
from backpass.model.fitting.runs.processes import announce_idle, is_stopped_anywhere, require_same, require_work
from backpass.model.fitting.runs.runs import (
    Runs,
    group_size,
    side_by_side,
    train_members,
    with_lower_learning_rate,
)
from backpass.model.fitting.runs.time_limit import left_of, within
from backpass.model.model import Model
from backpass.training import Callback, stop_on_signals
from backpass.training.callback import check_callbacks
from backpass.training.processes.exchange import SOLO, Exchange

_FOR_BASELINES = 0.1
"""The share of the time limit that the baselines may take."""


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
    _check_arguments(problem, callbacks, on_interrupt, theta)
    members = _members(problem, exchange)
    identity = cache(partial(identity_of, problem, members))
    if exchange.size > 1:
        require_work(problem.settings.shards, len(members), exchange)
        require_same(exchange, {**identity(), "engine": problem.engine.name})
    if exchange.rank:
        callbacks, checkpoint, rescue, on_model = (), None, None, None
    states: list[RunState | None] = [None] * len(members)
    if resume_from is not None:
        states = exchange.from_first(resume(resume_from, identity()) if exchange.rank == 0 else None)
    kept = _checkpoint(checkpoint, rescue, identity, states)
    # The baselines come first, so that nothing slow happens between the end of training and the model.
    began, limit = time.monotonic(), problem.settings.max_seconds
    does_backtest = compare and is_backtested(problem)
    compared = _compared(problem, callbacks, resume_from) if compare and exchange.rank == 0 else Compared()
    compared = exchange.from_first(compared)
    members = within(members, limit, time.monotonic() - began, does_backtest + problem.settings.refit)
    announce_idle(group_size(members, len(members), exchange), members, exchange, callbacks)
    early = before_training(problem)
    _announce(early, callbacks)
    with stop_on_signals() as stop:
        if problem.settings.candidates > 1:
            pack = raced(problem, Race(members, stop, callbacks, states, kept, exchange=exchange))
        else:
            runs = train_members(
                members, stop, callbacks, theta=theta, states=states, checkpoint=kept, exchange=exchange
            )
            pack = Pack(members, runs)
        members, runs = pack.members, pack.runs
        if runs.ending.reason == "diverged":
            diverged = _diverged(problem, members, runs, compared)
            if on_model is not None and isinstance(diverged.model, Model):
                on_model(diverged.model)
            exchange.share(None)  # the error of another process must not end process 0 while it saves the model
            raise diverged
        goes_on = does_backtest and runs.ending.reason != "stopped" and not is_stopped_anywhere(stop, exchange)
        left = left_of(limit, began, 2 if problem.settings.refit else 1)
        tested = backtest(problem, members, callbacks, stop, left, exchange) if goes_on else Backtest()
        saved = (checkpoint is not None or stop()) and _saved(kept, callbacks)
        model = make_model(problem, members, runs, compared, tested, pack.record)
        if problem.settings.refit and runs.ending.reason != "stopped" and not is_stopped_anywhere(stop, exchange):
            factor = factor_of(problem, members, runs, tested)
            model = refitted(model, problem, members, factor, callbacks, stop, left_of(limit, began), exchange)
            saved = saved or (stop() and _saved(kept, callbacks))
        _check_scores(model, problem.head.metric)
        if on_model is not None:
            on_model(model)
        if stop() and not saved:
            saved = _saved(kept, callbacks)
        is_stopped = is_stopped_anywhere(stop, exchange)
    _announce(model.record.warnings[len(early) :], callbacks)
    if is_stopped and on_interrupt == "raise":
        interrupted = InterruptedTraining(f"interrupted after {model.record.steps} steps")
        interrupted.model, interrupted.signal = model, stop.signal or 0
        interrupted.checkpoint = str(kept.path) if kept is not None and saved else None
        raise interrupted
    return model


def _check_arguments(
    problem: Problem, callbacks: Sequence[Callback], on_interrupt: str, theta: NDArray[Any] | None
) -> None:
    """Check everything that can be checked before the first computation.

    Raises:
        BackpassError: An argument cannot be used, or the model could not be saved.
    """
    if on_interrupt not in ("raise", "return"):
        raise UsageError(f"on_interrupt must be 'raise' or 'return'; got {on_interrupt!r}")
    check_callbacks(callbacks)
    if (problem.settings.candidates > 1 or problem.settings.ensemble_size > 1) and theta is not None:
        raise UsageError("theta gives the initial parameters of one network; an ensemble trains several")
    require_storable(problem)


def _members(problem: Problem, exchange: Exchange) -> Sequence[Member]:
    """The networks to train: those of the ensemble, or all candidates of a pack."""
    count = problem.settings.ensemble_size
    at_once = side_by_side(problem, count, exchange.size)
    members = field_of(problem) if problem.settings.candidates > 1 else members_of(problem, at_once=at_once)
    check_held_out(problem, members[:count])
    return members


def _checkpoint(
    checkpoint: str | Path | None,
    rescue: str | Path | None,
    identity: Callable[[], Mapping[str, Any]],
    states: Sequence[RunState | None],
) -> Checkpoint | None:
    """The checkpoint that receives the runs: saved while they train, or only when they are interrupted (``rescue``)."""
    if checkpoint is not None:
        check_writable(checkpoint)
    path, seconds = (rescue, None) if checkpoint is None else (checkpoint, SECONDS)
    return None if path is None else Checkpoint(Path(path), identity, [*states], seconds)


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
        what = "nothing was trained, so nothing is saved" if resume_from is None else f"{resume_from} is unchanged"
        interrupted = InterruptedTraining(f"interrupted before the first step; {what}")
        interrupted.checkpoint = None if resume_from is None else str(resume_from)
        raise interrupted from None
    for note in compared.notes:
        for each in callbacks:
            each.on_note(note)
    return compared


def _check_scores(model: Model, metric: str) -> None:
    endless = [part for part, scores in model.record.scores.items() if abs(scores[metric]) == WORST]
    if endless:
        where = " and ".join(endless)
        raise DivergedError(f"the {metric} of the {where} rows is not finite", hint="check their targets")


def _saved(kept: Checkpoint | None, callbacks: Sequence[Callback]) -> bool:
    """Save the run if it has a checkpoint; return whether it was saved."""
    if kept is None:
        return False
    with warn_on_failure(callbacks):
        kept.save()
        return True
    return False


def _diverged(problem: Problem, members: Sequence[Member], runs: Runs, compared: Compared) -> DivergedError:
    result = runs.ending
    rate, best = (with_lower_learning_rate(problem) or problem).settings.learning_rate, result.progress.best_epoch
    kept = f"; the weights of epoch {best} are kept" if best else ""
    which = f"network {runs.last + 1} of {len(members)}, " if len(members) > 1 else ""
    error = DivergedError(
        f"training diverged in {which}{result.non_finite}{kept}",
        hint=f"learning_rate {rate:g} may be too high: try {rate / 10:g}, or max_grad_norm 1",
    )
    error.model = make_model(problem, members, runs, compared) if best else None
    return error
