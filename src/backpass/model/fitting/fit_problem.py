"""The fit of a problem: trains its networks, scores them against baselines and makes the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import inf
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from backpass.dataclass import dataclass
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
    group_size,
    side_by_side,
    train_members,
    with_lower_learning_rate,
)
from backpass.model.fitting.runs.time_limit import left_of, within
from backpass.model.model import Model
from backpass.training import Callback, StopRequest, stop_on_signals
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
    began = time.monotonic()
    does_backtest = compare and is_backtested(problem)
    compared = _compared(problem, callbacks, resume_from) if compare and exchange.rank == 0 else Compared()
    compared = exchange.from_first(compared)
    spent, later_fits = time.monotonic() - began, does_backtest + problem.settings.refit
    members = within(members, problem.settings.max_seconds, spent, later_fits)
    announce_idle(group_size(members, len(members), exchange), members, exchange, callbacks)
    early = before_training(problem)
    _announce(early, callbacks)
    with stop_on_signals() as stop:
        run = _Run(problem, compared, callbacks, stop, kept, exchange, began)
        pack = run.train(members, theta, states)
        if pack.runs.ending.reason == "diverged":
            raise run.diverged(pack, on_model)
        tested = run.backtest(pack) if does_backtest else Backtest()
        if checkpoint is not None or stop():
            run.save()
        model = make_model(problem, pack.members, pack.runs, compared, tested, pack.record)
        model = run.refit(model, pack, tested) if problem.settings.refit else model
        _check_scores(model, problem.head.metric)
        if on_model is not None:
            on_model(model)
        run.save_if_stopped()
        is_stopped = is_stopped_anywhere(stop, exchange)
    _announce(model.record.warnings[len(early) :], callbacks)
    if is_stopped and on_interrupt == "raise":
        raise run.interrupted(model)
    return model


@dataclass(slots=True, eq=False)
class _Run:
    """A fit from the start of training, which a signal may stop. ``is_saved`` changes.

    Attributes:
        problem: The problem.
        compared: The baselines.
        callbacks: Observers of the training run.
        stop: Stops the fit between two steps.
        kept: The checkpoint; None without one.
        exchange: The processes, which divide the networks.
        began: When the fit of the baselines began, for the time limit.
        is_saved: Whether the checkpoint was saved after training.
    """

    problem: Problem
    compared: Compared
    callbacks: Sequence[Callback]
    stop: StopRequest
    kept: Checkpoint | None
    exchange: Exchange
    began: float
    is_saved: bool = False

    def train(self, members: Sequence[Member], theta: NDArray[Any] | None, states: list[RunState | None]) -> Pack:
        """Train the members, or run the race of a pack; ``theta`` and ``states`` as for ``train_members``."""
        stop, callbacks, kept, exchange = self.stop, self.callbacks, self.kept, self.exchange
        if self.problem.settings.candidates > 1:
            return raced(self.problem, Race(members, stop, callbacks, states, kept, exchange=exchange))
        runs = train_members(members, stop, callbacks, theta=theta, states=states, checkpoint=kept, exchange=exchange)
        return Pack([*members], runs)

    def backtest(self, pack: Pack) -> Backtest:
        """The backtest; it is left out if training was stopped."""
        if not self._goes_on(pack):
            return Backtest()
        left = self._left(2 if self.problem.settings.refit else 1)
        return backtest(self.problem, pack.members, self.callbacks, self.stop, left, self.exchange)

    def refit(self, model: Model, pack: Pack, tested: Backtest) -> Model:
        """The model trained again on all rows; the model itself if training was stopped."""
        if not self._goes_on(pack):
            return model
        factor = factor_of(self.problem, pack.members, pack.runs, tested)
        model = refitted(
            model, self.problem, pack.members, factor, self.callbacks, self.stop, self._left(), self.exchange
        )
        self.save_if_stopped()
        return model

    def _goes_on(self, pack: Pack) -> bool:
        return pack.runs.ending.reason != "stopped" and not is_stopped_anywhere(self.stop, self.exchange)

    def _left(self, fits: int = 1) -> float | None:
        """The seconds that are left for each of so many fits; None without a limit."""
        return left_of(self.problem.settings.max_seconds, self.began, fits)

    def save(self) -> None:
        """Save the checkpoint, if there is one."""
        if self.kept is not None:
            with warn_on_failure(self.callbacks):
                self.kept.save()
                self.is_saved = True

    def save_if_stopped(self) -> None:
        """Save the checkpoint if the fit was stopped after the last time."""
        if self.stop() and not self.is_saved:
            self.save()

    def diverged(self, pack: Pack, on_model: Callable[[Model], object] | None) -> DivergedError:
        """The error of a run that diverged; ``on_model`` gets the model of a finite epoch, if there is one."""
        error = _diverged(self.problem, pack, self.compared)
        if on_model is not None and isinstance(error.model, Model):
            on_model(error.model)
        self.exchange.share(None)  # the error of another process must not end process 0 while it saves the model
        return error

    def interrupted(self, model: Model) -> InterruptedTraining:
        """The exception of a fit that was stopped, with its model."""
        error = InterruptedTraining(f"interrupted after {model.record.steps} steps")
        error.model, error.signal = model, self.stop.signal or 0
        error.checkpoint = str(self.kept.path) if self.kept is not None and self.is_saved else None
        return error


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
        raise UsageError("theta contains the initial parameters of a single network, but an ensemble trains several")
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


def _diverged(problem: Problem, pack: Pack, compared: Compared) -> DivergedError:
    runs, members, result = pack.runs, pack.members, pack.runs.ending
    rate, best = (with_lower_learning_rate(problem) or problem).settings.learning_rate, result.progress.best_epoch
    kept = f"; the weights of epoch {best} are kept" if best else ""
    which = f"network {runs.last + 1} of {len(members)}, " if len(members) > 1 else ""
    error = DivergedError(
        f"training diverged in {which}{result.non_finite}{kept}",
        hint=f"--learning-rate {rate:g} may be too high: try {rate / 10:g}, or --max-grad-norm 1",
    )
    error.model = make_model(problem, members, runs, compared) if best else None
    return error
