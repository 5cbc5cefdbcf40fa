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

from backpass.dataclass import dataclass
from backpass.engine import host_engine
from backpass.model.baseline.baseline import Baseline, kept
from backpass.model.baseline.lookup import Lookup
from backpass.model.evaluation.comparison import Comparison
from backpass.model.evaluation.diagnostics import beaten_by, nearly_perfect
from backpass.model.fitting.checks.backtest import Backtest
from backpass.model.fitting.checks.lookups import Outputs, lookup_outputs, lookups_of
from backpass.model.fitting.outcome.calibration import calibrated, predicting
from backpass.model.fitting.outcome.correction import corrected
from backpass.model.fitting.outcome.diagnostics import (
    after_training,
    before_training,
    cut_short,
    notes_on_scored_groups,
)
from backpass.model.fitting.outcome.intervals import fitted_intervals
from backpass.model.fitting.outcome.neighbors import with_neighbors
from backpass.model.fitting.outcome.scoring import Compared, ScoredRows, baseline_scores, comparison_of
from backpass.model.fitting.outcome.scoring import kept as finite
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member, network_of, pooled, shares_of
from backpass.model.fitting.runs.runs import Runs
from backpass.model.fitting.teaching.scores import teacher_facts
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.head.threshold import chosen_rule, threshold_note, threshold_warnings, with_threshold
from backpass.model.model import Model
from backpass.model.prediction.group import Group
from backpass.model.record import Record
from backpass.training import Progress, TrainingResult


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
    networks = _Networks.of(problem, members, runs, tested)
    problem, reason = networks.problem, runs.ending.reason
    test = ScoredRows.of(problem, networks.members, networks.thetas, "test")
    test = None if test is None else test.averaged_only(problem.head)
    made = fitted_intervals(problem, networks.validation, test, tested)
    scored = {name: rows for name, rows in (("validation", networks.validation), ("test", test)) if rows is not None}
    scores = _Scores.of(problem, networks.members, compared, scored)
    of_table = (note for note in problem.notes if note not in problem.of_source)
    notes = (*of_table, *compared.notes, *runs.notes, *networks.notes, *made.notes, *tested.notes, *scores.notes)
    of_run = (*before_training(problem), *cut_short(networks.results, reason), *networks.warnings(scored))
    record = Record(
        settings=problem.settings.to_json(),
        rows=_rows(problem),
        scores=scores.networks,
        baselines=scores.baselines,
        history=tuple(networks.first.history),
        best_epoch=networks.first.best_epoch,
        steps=networks.steps,
        reason=reason,
        notes=notes,
        members=networks.members_facts,
        columns=problem.columns,
        split_columns=problem.split_columns,
        horizon=problem.horizon,
        expected=tested.expected,
        confusion={name: C for name, rows in scored.items() if (C := rows.confusion(problem.head))},
        coverage=made.coverage,
        coverages=() if problem.head.is_flat else made.coverages,
        weight=problem.weight,
        warnings=(*of_run, *scores.warnings(problem.head, made.warnings)),
        comparison=scores.comparison,
        candidates=tuple(candidates),
        teacher=teacher_facts(problem),
        features_of=None if problem.kept is None else problem.kept.facts,
    )
    return networks.model(record, made.intervals, kept(compared.baselines), scores.lookups)


@dataclass(frozen=True, slots=True, eq=False)
class _Networks:
    """The networks of the model, with their neighbors, calibrated.

    Attributes:
        problem: The problem, with the threshold and the correction that were chosen on the validation rows.
        trained: The members that were trained.
        results: Their results.
        members: The members of the model: those that were trained, and the same ones with neighbors if these improve
            them.
        thetas: The parameters (P,) of each of them.
        validation: The validation rows with their outputs; None without such rows.
        notes: How predictions are made of the outputs.
        doubts: Warnings about the threshold.
    """

    problem: Problem
    trained: Sequence[Member]
    results: Sequence[TrainingResult]
    members: Sequence[Member]
    thetas: Sequence[NDArray[Any]]
    validation: ScoredRows | None
    notes: tuple[str, ...]
    doubts: Sequence[str]

    @staticmethod
    def of(problem: Problem, members: Sequence[Member], runs: Runs, tested: Backtest) -> _Networks:
        """The networks of the runs; those that were not trained are left out."""
        trained, results = _trained(members, runs)
        chosen = with_neighbors(problem, trained, predicting(trained, results))
        thetas, validation, calibration = calibrated(problem, chosen.members, chosen.thetas, tested)
        problem, decided, doubts = _decided(problem, validation)
        problem, correction = corrected(problem, validation)
        notes = (*_fold_notes(problem, trained), *chosen.notes, *calibration, *correction, *decided)
        return _Networks(problem, trained, results, chosen.members, thetas, validation, notes, doubts)

    @property
    def first(self) -> Progress:
        """The progress of the first network."""
        return self.results[0].progress

    @property
    def steps(self) -> int:
        """The number of steps of all networks."""
        return sum(each.progress.step for each in self.results)

    @property
    def is_ensemble(self) -> bool:
        """Whether the settings ask for several networks, of which a run that ended early may have left one."""
        return self.problem.settings.ensemble_size > 1 or self.problem.settings.candidates > 1

    @property
    def members_facts(self) -> tuple[Mapping[str, Any], ...]:
        """What the record keeps about the run of each network of an ensemble."""
        repeats = len(self.members) // len(self.trained)
        return tuple(_remembered(each) for each in self.results) * repeats if self.is_ensemble else ()

    def warnings(self, scored: Mapping[str, ScoredRows]) -> list[str]:
        """Warnings about the networks that were trained, given the held-out rows by split, and the threshold."""
        of_training = after_training(self.problem, self.trained, self.thetas[: len(self.trained)], scored)
        return [*of_training, *self.doubts]

    def model(
        self, record: Record, intervals: Intervals | None, baselines: tuple[Baseline, ...], lookups: tuple[Lookup, ...]
    ) -> Model:
        """The model of the networks."""
        problem = self.problem
        leading, *others = groups_of(problem, self.members, self.thetas)
        return Model(
            problem.schema,
            problem.head,
            problem.feature_map,
            leading.network,
            leading.theta if self.is_ensemble else self.thetas[0],
            record,
            host_engine(problem.settings.engine),
            problem.settings.threads,
            intervals,
            baselines,
            lookups,
            problem.training_rows,
            tuple(others),
            shares_of(self.members),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """The scores on held-out rows of the networks, and of the baselines and lookups that they are compared with.

    Attributes:
        networks: Split -> metric -> score of the networks.
        baselines: Name -> split -> metric -> score of each baseline and each lookup.
        split: The split whose scores are compared: "test", else "validation", or "" without held-out rows.
        count: Its number of rows.
        comparison: The networks against the best baseline; None if there is nothing to compare.
        lookups: The lookups that the model keeps.
        notes: Why lookups are left out, and how far the score can be relied on.
    """

    networks: Mapping[str, dict[str, float]]
    baselines: Mapping[str, Mapping[str, Mapping[str, float]]]
    split: str
    count: int
    comparison: Comparison | None
    lookups: tuple[Lookup, ...]
    notes: Sequence[str]

    @staticmethod
    def of(
        problem: Problem, members: Sequence[Member], compared: Compared, scored: Mapping[str, ScoredRows]
    ) -> _Scores:
        """Score the held-out rows, which are given by split with the outputs of the networks."""
        lookups, notes = lookups_of(problem) if compared.baselines else ((), [])
        simple = {name: lookup_outputs(problem, members, lookups, name) for name in scored}
        split = next((name for name in ("test", "validation") if name in scored), "")
        return _Scores(
            {name: rows.scores(problem.head) for name, rows in scored.items()},
            {
                **{each.name: baseline_scores(problem, each) for each in compared.baselines},
                **{
                    each.name: _lookup_scores(problem.head, each.name, simple, scored)
                    for each in lookups
                    if all(each.name in outputs for outputs in simple.values())
                },
            },
            split,
            scored[split].part.rows if split else 0,
            comparison_of(problem, compared.baselines, scored[split], simple[split]) if split else None,
            lookups,
            [*notes, *notes_on_scored_groups(problem, scored[split], split)] if split else notes,
        )

    def warnings(self, head: Head, of_intervals: Sequence[str]) -> list[str]:
        """Warnings: a baseline is better, the intervals, or the scores are too good to be true."""
        rows = f"the {self.split} rows"
        too_good = nearly_perfect(head, self.networks[self.split], self.count, rows) if self.split else []
        return [*beaten_by(self.comparison, rows), *of_intervals, *too_good]


def _trained(members: Sequence[Member], runs: Runs) -> tuple[list[Member], list[TrainingResult]]:
    """The members that were trained, and their results: those with a complete epoch.

    If none has one, they are those with at least half of the steps of the longest run; the first if no step was taken.
    """
    steps = {i: each.progress.step for i, each in runs.results.items()}
    enough = [i for i, taken in steps.items() if taken and 2 * taken >= max(steps.values())]
    done = [i for i, each in runs.results.items() if each.progress.history] or enough or [min(steps)]
    return [members[i] for i in done], [runs.results[i] for i in done]


def groups_of(problem: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> list[Group]:
    """The networks by their layers: one group, or one for each candidate of a pack."""
    found = []
    for _, own in groupby(zip(members, thetas, strict=True), key=lambda pair: pair[0].candidate):
        pairs = list(own)
        found.append(Group(network_of(problem, pairs[0][0]), np.stack([theta for _, theta in pairs])))
    return found


def _lookup_scores(
    head: Head, name: str, outputs: Mapping[str, Outputs], scored: Mapping[str, ScoredRows]
) -> dict[str, dict[str, float]]:
    """The metrics of a lookup on each split."""
    return {
        split: finite(head.of_baseline(name).scores(outputs[split][name], rows.part.truth, rows.part.weights))
        for split, rows in scored.items()
    }


def _decided(problem: Problem, validation: ScoredRows | None) -> tuple[Problem, list[str], list[str]]:
    """The problem with the threshold that is best on the validation rows, if one was requested; notes and warnings."""
    head, settings, notes = problem.head, problem.settings, list[str]()
    if problem.class_weights is not None:
        listed = ", ".join(f"{name} {w:.4g}" for name, w in zip(head.classes, problem.class_weights, strict=True))
        is_true = "are corrected for them" if problem.can_unweight else "are those of the weighted rows"
        notes.append(f"class weights {listed}: the probabilities {is_true}")
    rule = chosen_rule(settings)
    if rule is None or validation is None or head.decision is None:
        return problem, notes, []
    part = validation.part
    decision = with_threshold(head.decision, rule, head.predictions(validation.o), part.truth, part.weights)
    notes.append(threshold_note(decision, head.classes, part.truth))
    warnings = threshold_warnings(head.classes, part.truth)
    return replace(problem, head=replace(head, decision=decision)), notes, warnings


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


def _fold_notes(problem: Problem, members: Sequence[Member]) -> list[str]:
    if not problem.folds:
        return []
    count = problem.settings.ensemble_size
    networks = "1 network" if len(members) == 1 else f"{len(members)} networks, each"
    return [
        f"{networks} trained on {count - 1} of {count} folds and validated on the other: validation "
        "scores are out-of-fold"
    ]
