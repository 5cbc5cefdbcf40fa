"""A pack: the candidates that are left of a race, and the share of each in the average.

It takes a problem, the members of every candidate and the race that they ran, and returns the members that the model
keeps. ``choice`` finds the shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from backpass.dataclass import dataclass
from backpass.model.fitting.outcome.scoring import outputs_by_candidate
from backpass.model.fitting.pack.choice import shares_of
from backpass.model.fitting.pack.race import Race, stages_of
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member
from backpass.model.fitting.runs.runs import Runs
from backpass.model.metrics import as_loss
from backpass.model.settings.pack_portfolio import changes_of
from backpass.model.settings.setting import listed as plain
from backpass.table.messages import counted, listed


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """What a race has left.

    Attributes:
        members: The members that the model keeps, the best candidate first, with their shares.
        runs: Their runs.
        record: What the model file keeps about each candidate.
    """

    members: list[Member]
    runs: Runs
    record: tuple[Mapping[str, Any], ...] = ()


def raced(problem: Problem, race: Race) -> Pack:
    """Run a race, and choose the shares of the candidates that are left.

    If it is ended early, the pack is the candidates that are complete, or else the best of the others.
    """
    runs, alive = race.run()
    trained = {c: _trained(race, c) for c in alive}
    complete = [c for c in alive if len(trained[c]) == race.networks]
    complete = [c for c in complete if not any(_has_diverged(race, i) for i in trained[c])] or complete
    kept = complete or [next((c for c in alive if trained[c]), alive[0])]
    numbers = [i for c in kept for i in trained[c] or [c * race.networks]]
    results = {i: state.result() for i in numbers if (state := race.states[i]) is not None}
    if not results:
        first = min(runs.results)
        ended = (race.diverged if runs.ending.reason == "diverged" else None) or runs.ending
        return Pack([race.members[first]], replace(runs, results={0: runs.results[first]}, ended_by=ended))
    members, ended = [race.members[i] for i in results], runs.ending
    if ended.reason == "diverged":  # one candidate that diverges does not end a race
        others = (runs.results[i] for i in results if i in runs.results)
        ended = next((each for each in others if each.reason != "diverged"), race.diverged or ended)
    thetas = [race.members[i].problem.predicting(result.theta) for i, result in results.items()]
    parts = outputs_by_candidate(problem, members, thetas)
    shares, scores = [1.0 / len(kept)] * len(kept), dict[int, float]()
    if parts is not None:
        part, outputs = parts
        shares = shares_of(problem.head, outputs, part)
        metric = problem.head.metric
        alone = [problem.head.scores(o, part.truth, part.weights, [metric])[metric] for o in outputs]
        scores = {c: as_loss(metric, score) for c, score in zip(kept, alone, strict=True)}
    by_candidate = dict(zip(kept, shares, strict=True))
    order = sorted(kept, key=lambda c: -by_candidate[c])
    places = [(c, i) for c in order for i in results if race.members[i].candidate == c]
    count = {c: sum(each == c for each, _ in places) for c in kept}
    members = [replace(race.members[i], share=by_candidate[c] / count[c]) for c, i in places]
    notes = (*runs.notes, _note(problem, order, by_candidate, parts is not None))
    kept_runs = Runs({j: results[i] for j, (_, i) in enumerate(places)}, 0, notes, ended_by=ended)
    record = tuple(
        _recorded(problem, race, c, scores.get(c), count.get(c, 0), by_candidate.get(c, 0.0))
        for c in range(len(race.members) // race.networks)
    )
    return Pack(members, kept_runs, record)


def _has_diverged(race: Race, number: int) -> bool:
    state = race.states[number]
    return state is not None and state.ended == "diverged"


def _trained(race: Race, candidate: int) -> list[int]:
    """The numbers of the candidate's members that finished an epoch."""
    numbers = range(candidate * race.networks, (candidate + 1) * race.networks)
    return [i for i in numbers if (each := race.states[i]) is not None and each.progress.history]


def _recorded(
    problem: Problem, race: Race, candidate: int, score: float | None, networks: int, share: float
) -> dict[str, Any]:
    """What the model file keeps about a candidate."""
    settings, rows = problem.settings, problem.parts["train"].rows
    changes = changes_of(candidate, settings, problem.head.target.task, rows)
    stages = [stage for stage in stages_of(settings.candidates, validates=True) if not stage.is_last]
    state = race.states[candidate * race.networks]
    done = 0 if state is None else len(state.progress.history)
    scores = [race.score(candidate, stage) for stage in stages if done >= race.epochs(candidate, stage)]
    return {
        "settings": {name: plain(value) for name, value in changes.items()},
        "scores": [each for each in scores if isfinite(each)],
        "score": score if score is None or isfinite(score) else None,
        "networks": networks,
        "share": share,
    }


def _note(problem: Problem, order: Sequence[int], shares: Mapping[int, float], is_chosen: bool) -> str:
    what = listed([f"{c + 1} (share {shares[c]:.2f})" for c in order])
    rows = "out-of-fold rows" if problem.folds else "validation rows"
    how = f"chosen on the {rows}" if is_chosen else "the first of the portfolio: there are no validation rows"
    candidates = counted(problem.settings.candidates, "candidate")
    use = "is used" if len(order) == 1 else "are averaged"
    return f"{len(order)} of {candidates} {use}, {how}: {what}"
