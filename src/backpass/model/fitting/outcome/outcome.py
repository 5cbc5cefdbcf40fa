"""The outcome of a fit: the model of the trained networks, calibrated, with its scores and the record of the run.

It takes a problem, its members and their runs and returns a Model. Outputs on held-out rows are computed in ``scoring``
once, after calibration, and handed on to scores, residuals and warnings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.engine import host_engine
from backpass.errors import UsageError
from backpass.model.baseline.baseline import kept
from backpass.model.evaluation.diagnostics import beaten_by, nearly_perfect
from backpass.model.fitting.checks.backtest import Backtest
from backpass.model.fitting.checks.lookups import Outputs, lookup_outputs, lookups_of
from backpass.model.fitting.outcome.diagnostics import after_training, before_training, untrained
from backpass.model.fitting.outcome.neighbors import with_neighbors
from backpass.model.fitting.outcome.scoring import Compared, ScoredRows, baseline_scores, comparison_of
from backpass.model.fitting.outcome.scoring import kept as finite
from backpass.model.fitting.outcome.temperature import fitted_factor, is_calibrated, tempered
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member, network_of, pooled, shares_of
from backpass.model.fitting.runs.runs import Runs
from backpass.model.fitting.teaching.scores import teacher_facts
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.head.threshold import chosen_rule, threshold_note, with_threshold
from backpass.model.model import Model
from backpass.model.prediction.group import Group
from backpass.model.record import COVERAGE_LEVEL, Record
from backpass.numerics.bootstrap import intervals
from backpass.numerics.elementary import mean
from backpass.training import TrainingResult

_FEWEST_UNITS = 5
"""The fewest groups or blocks of time of the test rows whose coverage is judged."""

_TOLERANCE = 0.03
"""How much lower than requested a coverage may be."""


def make_model(
    problem: Problem,
    members: Sequence[Member],
    runs: Runs,
    compared: Compared,
    tested: Backtest | None = None,
    candidates: Sequence[Mapping[str, Any]] = (),
) -> Model:
    """The model with its scores and those of the baselines. Members that were not trained are left out."""
    tested = Backtest() if tested is None else tested
    # A member that stopped before its first epoch is no better than chance.
    done = [i for i, each in runs.results.items() if each.progress.history] or [min(runs.results)]
    members, results = [members[i] for i in done], [runs.results[i] for i in done]
    chosen = with_neighbors(problem, members, predicting(members, results))
    trained, members = members, chosen.members
    thetas, validation, said = _calibrated(problem, members, chosen.thetas, tested)
    said = [*chosen.notes, *said]
    problem, decided = _decided(problem, validation)
    said += decided
    test = ScoredRows.of(problem, members, thetas, "test")
    scored = {name: rows for name, rows in (("validation", validation), ("test", test)) if rows is not None}
    found = None if validation is None else validation.intervals(problem.head)
    if found is not None and tested.intervals is not None:
        found = found.wider(tested.intervals)
    covered = () if found is None or test is None else test.coverages(problem.head, found)
    coverage = mean(covered) if covered else None
    narrow = [] if found is None or test is None else _too_narrow(found, test, problem)
    if found is not None and test is not None and problem.settings.time is not None:
        found, widened = _widened(found, test, problem.head, coverage)
        said += widened
    if found is not None and tested.intervals is not None and tested.later is not None:
        found = found.with_later(tested.intervals, tested.later)
        said.append(
            "intervals of rows after the time that the test rows reach are wider: by as much as the errors of the "
            "backtest on the test rows are larger than those on the rows before"
        )
    if found is not None:
        found = found.floored(_floors(problem))
    first, steps = results[0].progress, sum(each.progress.step for each in results)
    where, shown = next(((name, scored[name]) for name in ("test", "validation") if name in scored), ("", None))
    lookups, left_out = lookups_of(problem) if compared.baselines else ((), [])
    simple = {name: lookup_outputs(problem, members, lookups, name) for name in scored}
    comparison = None if shown is None else comparison_of(problem, compared.baselines, shown, simple[where])
    scores = {name: rows.scores(problem.head) for name, rows in scored.items()}
    notes = (note for note in problem.notes if note not in problem.of_source)
    is_ensemble = problem.settings.ensemble_size > 1 or problem.settings.candidates > 1
    record = Record(
        settings=problem.settings.to_json(),
        rows=_rows(problem),
        scores=scores,
        baselines={
            **{each.name: baseline_scores(problem, each) for each in compared.baselines},
            **{each.name: _lookup_scores(problem.head, each.name, simple, scored) for each in lookups},
        },
        history=tuple(first.history),
        best_epoch=first.best_epoch,
        steps=steps,
        reason=runs.ending.reason,
        notes=(*notes, *compared.notes, *runs.notes, *_notes(problem, trained), *said, *tested.notes, *left_out),
        members=tuple(_remembered(each) for each in results) * (len(members) // len(trained)) if is_ensemble else (),
        columns=problem.columns,
        split_columns=problem.split_columns,
        horizon=problem.horizon,
        expected=tested.expected,
        confusion={name: C for name, rows in scored.items() if (C := rows.confusion(problem.head))},
        coverage=coverage,
        coverages=() if problem.head.is_flat else covered,
        weight=problem.weight,
        warnings=(
            *before_training(problem),
            *untrained(steps, runs.ending.reason),
            *after_training(problem, trained, thetas[: len(trained)], scored),
            *beaten_by(comparison, f"the {where} rows"),
            *narrow,
            *(
                []
                if shown is None
                else nearly_perfect(problem.head, scores[where], shown.part.rows, f"the {where} rows")
            ),
        ),
        comparison=comparison,
        candidates=tuple(candidates),
        teacher=teacher_facts(problem),
        features_of=None if problem.kept is None else problem.kept.facts,
    )
    leading, *others = groups_of(problem, members, thetas)
    return Model(
        problem.schema,
        problem.head,
        problem.feature_map,
        leading.network,
        leading.theta if is_ensemble else thetas[0],
        record,
        host_engine(problem.settings.engine),
        problem.settings.threads,
        found,
        kept(compared.baselines),
        lookups,
        problem.training_rows,
        tuple(others),
        shares_of(members),
    )


def predicting(members: Sequence[Member], results: Sequence[TrainingResult]) -> list[NDArray[Any]]:
    """theta of each network that predicts, see ``Problem.predicting``."""
    return [member.problem.predicting(each.theta) for member, each in zip(members, results, strict=True)]


def groups_of(problem: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> list[Group]:
    """The networks by their layers: one group, or one for each candidate of a pack."""
    found = []
    for _, own in groupby(zip(members, thetas, strict=True), key=lambda pair: pair[0].candidate):
        pairs = list(own)
        found.append(Group(network_of(problem, pairs[0][0]), np.stack([theta for _, theta in pairs])))
    return found


def _floors(problem: Problem) -> list[float | None]:
    """For each target, 0 if it is not below 0 in any training or validation row, else None."""
    known = [part.truth.reshape(part.rows, -1) for name, part in problem.parts.items() if name != "test"]
    negative = np.any([(truth < 0.0).any(axis=0) for truth in known], axis=0)
    return [None if each else 0.0 for each in negative]


def _lookup_scores(
    head: Head, name: str, outputs: Mapping[str, Outputs], scored: Mapping[str, ScoredRows]
) -> dict[str, dict[str, float]]:
    """The metrics of a lookup on each split."""
    return {
        split: finite(head.scores(outputs[split][name], rows.part.truth, rows.part.weights))
        for split, rows in scored.items()
    }


def _calibrated(
    problem: Problem, members: Sequence[Member], thetas: list[NDArray[Any]], tested: Backtest
) -> tuple[list[NDArray[Any]], ScoredRows | None, list[str]]:
    """The networks with the temperature of the validation rows and the backtest, these rows, and a note about it."""
    rows = ScoredRows.of(problem, members, thetas, "validation")
    factor = None if rows is None else _factor(problem, rows, tested)
    if rows is None or factor is None:
        return thetas, rows, []
    fitted_on = "validation rows" if tested.factor is None else "validation rows and a backtest"
    found = f"T = {1.0 / factor:.3g}, {rows.part.rows:,} {fitted_on}"
    note = f"probabilities are calibrated by temperature scaling ({found})"
    if factor == 1.0:
        return thetas, rows, [note]
    thetas = warmed(members, thetas, factor)
    return thetas, ScoredRows.of(problem, members, thetas, "validation"), [note]


def warmed(members: Sequence[Member], thetas: Sequence[NDArray[Any]], factor: float) -> list[NDArray[Any]]:
    """theta of the networks whose outputs are multiplied by the factor of a temperature."""
    return [tempered(member.problem.network, theta, factor) for member, theta in zip(members, thetas, strict=True)]


def _factor(problem: Problem, rows: ScoredRows, tested: Backtest) -> float | None:
    """The factor of the outputs, the less certain one of validation and backtest; None if nothing is calibrated."""
    head = problem.head
    if not is_calibrated(head, problem.settings):
        return None
    factor = fitted_factor(head, rows.outputs, rows.part, rows.shares)
    # Folds calibrate single networks. Their average is less confident, so it is only ever sharpened.
    factor = max(factor, 1.0) if problem.folds else factor
    return factor if tested.factor is None else min(factor, tested.factor)


def factor_of(problem: Problem, members: Sequence[Member], runs: Runs, tested: Backtest) -> float:
    """The factor of the outputs in the model of complete runs; 1 if probabilities are not calibrated."""
    rows = ScoredRows.of(problem, members, predicting(members, [*runs.results.values()]), "validation")
    return (None if rows is None else _factor(problem, rows, tested)) or 1.0


def _widened(found: Intervals, test: ScoredRows, head: Head, coverage: float | None) -> tuple[Intervals, list[str]]:
    """Intervals for rows later than the test rows: at least as wide as the errors of the test rows, and a note.

    They are the latest forecast whose errors are known. The coverage on them is that of intervals made without them.
    """
    latest = test.intervals(head)
    if latest is None:
        return found, []
    without = "" if coverage is None else f"; without them, {COVERAGE_LEVEL:.0%} intervals cover {coverage:.1%} of them"
    return found.wider(latest), [f"intervals are at least as wide as the errors of the test rows{without}"]


def _too_narrow(made: Intervals, test: ScoredRows, problem: Problem) -> list[str]:
    """A warning if intervals clearly hold fewer of the later test rows than they should.

    Clearly: even the upper end of the interval of the coverage, which draws groups or blocks of time, is too low.
    """
    unit = None if test.units is None else test.units.resampled
    if problem.settings.time is None or unit is None or len(np.unique(unit)) < _FEWEST_UNITS:
        return []
    p = problem.head.predictions(test.o)

    def covered(drawn: NDArray[np.float64] | None) -> dict[str, float]:
        weights = test.part.weights if drawn is None or test.part.weights is None else drawn * test.part.weights
        weights = drawn if test.part.weights is None else weights
        found = made.coverages(p, test.part.truth, COVERAGE_LEVEL, weights)
        return {"coverage": mean(found)} if found else {}

    found = intervals(covered, test.part.rows, unit=unit, seed=problem.settings.seed).get("coverage")
    if found is None or found.high >= COVERAGE_LEVEL or found.value > COVERAGE_LEVEL - _TOLERANCE:
        return []
    return [
        f"{COVERAGE_LEVEL:.0%} intervals made without the test rows cover only {found.value:.1%} of them"
        f"{_growth(made, test, problem.head)}: the target drifts more than in the earlier rows. The intervals of the "
        "model are as wide as the errors of the test rows, but may be too narrow for later rows"
    ]


def _growth(made: Intervals, test: ScoredRows, head: Head) -> str:
    """How much larger the errors of the test rows are than those before, at the level of the coverage."""
    latest = test.intervals(head)
    if latest is None:
        return ""
    try:
        pairs = zip(latest.half_widths(COVERAGE_LEVEL), made.half_widths(COVERAGE_LEVEL), strict=True)
    except UsageError:
        return ""
    times = max((new / old for new, old in pairs if old > 0.0), default=0.0)
    return f", because their errors are {times:.2g} times as large as those before" if times > 1.0 else ""


def _decided(problem: Problem, validation: ScoredRows | None) -> tuple[Problem, list[str]]:
    """The problem with the threshold that is best on the validation rows, if one was asked for, and notes."""
    head, settings, notes = problem.head, problem.settings, list[str]()
    if problem.class_weights is not None:
        listed = ", ".join(f"{name} {w:.4g}" for name, w in zip(head.classes, problem.class_weights, strict=True))
        is_true = "are corrected for them" if problem.can_unweight else "are those of the weighted rows"
        notes.append(f"class weights {listed}: the probabilities {is_true}")
    rule = chosen_rule(settings)
    if rule is None or validation is None or head.decision is None:
        return problem, notes
    part = validation.part
    decision = with_threshold(head.decision, rule, head.predictions(validation.o), part.truth, part.weights)
    notes.append(threshold_note(decision, head.classes, part.rows))
    return replace(problem, head=replace(head, decision=decision)), notes


def _remembered(result: TrainingResult) -> dict[str, Any]:
    """The part of one member's run that the record keeps."""
    progress = result.progress
    return {"best_epoch": progress.best_epoch, "epochs": len(progress.history), "score": progress.best_score}


def _rows(problem: Problem) -> dict[str, int]:
    """The number of rows of each split; with folds, all of them both train and validate."""
    rows = problem.counts
    if not problem.folds:
        return rows
    validation = pooled(problem).rows
    return {**rows, "train": validation + rows["train"] - problem.parts["train"].rows, "validation": validation}


def _notes(problem: Problem, members: Sequence[Member]) -> list[str]:
    if not problem.folds:
        return []
    count = problem.settings.ensemble_size
    networks = "1 network" if len(members) == 1 else f"{len(members)} networks, each"
    return [
        f"{networks} trained on {count - 1} of {count} folds and validated on the other: validation "
        "scores are out-of-fold"
    ]
