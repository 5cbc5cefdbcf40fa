"""The refit: a model trained again on all rows, test rows too, once its scores are known.

It takes the model before it and its problem, and trains the same settings on the rows of every split. Networks with
folds choose their epochs on their folds; others train for as many epochs as were best before. The temperature, the
threshold, the correction of logarithms and the intervals are those of the model before: no rows are left to determine
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backpass.model.baseline.baseline import kept
from backpass.model.fitting.checks.backtest import Progressing
from backpass.model.fitting.checks.lookups import lookups_of
from backpass.model.fitting.outcome.calibration import predicting, warmed
from backpass.model.fitting.outcome.outcome import groups_of
from backpass.model.fitting.outcome.scoring import fitted_baselines
from backpass.model.fitting.pack.candidates import again
from backpass.model.fitting.problem.data_split import Rows
from backpass.model.fitting.problem.problem import Problem, Source
from backpass.model.fitting.runs.ensemble import Member, shares_of
from backpass.model.fitting.runs.runs import Runs, side_by_side, train_members
from backpass.model.model import Model
from backpass.model.split.horizon import Horizon
from backpass.training import Callback, StopRequest
from backpass.training.processes.exchange import SOLO, Exchange


def refitted(
    model: Model,
    problem: Problem,
    like: Sequence[Member],
    factor: float,
    callbacks: Sequence[Callback],
    stop: StopRequest,
    seconds: float | None = None,
    exchange: Exchange = SOLO,
) -> Model:
    """The model trained again on all rows; the model itself, with a note, if that was interrupted or diverged.

    Args:
        model: The model whose scores are known.
        problem: Its problem, with the rows that it was made of.
        like: The members of the fit, whose candidates are those of the refit.
        factor: The factor of its outputs, see ``temperature``.
        callbacks: Observers of the fit.
        stop: Ends the refit between two steps.
        seconds: The time limit; None without one.
        exchange: The processes, which divide the members.
    """
    whole = _whole(problem, seconds)
    members = again(whole, like, side_by_side(whole, len(like), exchange.size))
    if len(members) != max(len(model.record.members), 1):
        return _with_note(model, "the refit was left out: not all networks were trained")
    if not whole.folds:
        members = [_until(member, epoch) for member, epoch in zip(members, _best_epochs(model), strict=True)]
    runs = train_members(members, stop, [Progressing(callbacks, "refit")], exchange=exchange)
    if runs.ending.reason in ("interrupted", "diverged") or len(runs.results) < len(members):
        return _with_note(
            model, f"the refit was not finished ({runs.ending.reason}): the model is the one before the refit"
        )
    return _assembled(model, whole, members, runs, factor)


def _whole(problem: Problem, seconds: float | None) -> Problem:
    """The problem whose training rows are those of every split."""
    assert problem.source is not None
    rows = {"train": Rows.stacked([*problem.source.rows.values()])}
    whole = problem.source.remake(rows)
    return replace(
        whole,
        settings=replace(whole.settings, max_seconds=seconds),
        source=Source(rows, problem.source.remake),
    )


def _best_epochs(model: Model) -> list[int]:
    record = model.record
    return [each["best_epoch"] for each in record.members] if record.members else [record.best_epoch]


def _until(member: Member, epoch: int) -> Member:
    """The member whose run ends with an epoch; its schedules are those of all epochs."""
    return replace(member, problem=replace(member.problem, last_epoch=max(epoch, 1)))


def _assembled(model: Model, whole: Problem, members: Sequence[Member], runs: Runs, factor: float) -> Model:
    """The model of the trained networks, with the scores and decisions of the model before."""
    results = [runs.results[i] for i in sorted(runs.results)]
    thetas = predicting(members, results)
    thetas = warmed(members, thetas, factor) if factor != 1.0 else thetas
    first, *others = groups_of(whole, members, thetas)
    count, epochs = whole.parts["train"].rows, [each.progress.best_epoch for each in results]
    record = replace(
        model.record,
        columns=whole.columns,
        horizon=_horizon(model, whole),
        refit={"rows": count, "epochs": epochs if whole.folds else _best_epochs(model)},
    )
    compared = {each.name for each in model.baselines}
    simple = [each for each in fitted_baselines(whole).baselines if each.name in compared]
    names = {each.name for each in model.lookups}
    return replace(
        model,
        schema=whole.schema,
        head=replace(whole.head.corrected_like(model.head), decision=model.head.decision),
        feature_map=whole.feature_map,
        network=first.network,
        theta=first.theta if model.theta.ndim > 1 else thetas[0],
        others=tuple(others),
        shares=shares_of(members),
        training_rows=whole.training_rows,
        record=record,
        baselines=kept(simple),
        lookups=tuple(each for each in lookups_of(whole)[0] if each.name in names),
    )


def _horizon(model: Model, whole: Problem) -> Horizon | None:
    """The horizon of all rows; what was tested is the distance in time of the test rows before."""
    if whole.horizon is None or model.record.horizon is None:
        return whole.horizon
    return replace(whole.horizon, ahead=model.record.horizon.ahead)


def _with_note(model: Model, note: str) -> Model:
    return replace(model, record=replace(model.record, notes=(*model.record.notes, note)))
