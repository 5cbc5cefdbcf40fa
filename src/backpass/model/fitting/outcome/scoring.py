"""Scoring: the outputs of trained networks on the rows of each split, and what follows from them.

It takes a problem with its members and their theta, runs them once on each split that is needed, and returns scores and
residuals; it fits and scores the baselines. ``outcome`` makes a model of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from math import isfinite
from sys import float_info
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.baseline.baseline import Baseline, constant_baseline, linear_baseline
from backpass.model.baseline.linear import Linear
from backpass.model.baseline.work import CONVERGED, Shape, budget_of, plan_of, sample_of
from backpass.model.evaluation.comparison import Comparison, compare
from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.fitting.problem.problem import Problem, batch_size_for
from backpass.model.fitting.runs.ensemble import Member, network_of, pooled, shares_of
from backpass.model.head.constant import CLASS_FREQUENCIES, CONSTANTS
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.head.residuals import PredictedRows
from backpass.model.metrics import LOWER_IS_BETTER
from backpass.model.prediction.forward import outputs_of
from backpass.model.record import COVERAGE_LEVEL, Scores
from backpass.model.split.units import Units
from backpass.numerics.elementary import total
from backpass.training.newton import Effort

WORST = float_info.max
"""Stands for a score that is not finite."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Rows of a split, with the outputs of the networks that predict them.

    Attributes:
        part: The rows.
        outputs: o (n, k) of each network, as long as they are needed. With folds, the outputs for the validation rows
            are a single array: those of each row by the network that did not train on it.
        o: Outputs (n, k) that predict the average of the networks' predictions.
        shares: The share of each array of ``outputs`` in the average; empty if all are equal.
        units: Which of the rows belong together; None if that is not known.
    """

    part: DataSplit
    outputs: tuple[NDArray[Any], ...]
    o: NDArray[Any]
    units: Units | None = None
    shares: tuple[float, ...] = ()

    @staticmethod
    def of(problem: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]], name: str) -> ScoredRows | None:
        """The rows of a split and their outputs; None if the split has no rows.

        Validation rows of folds selected the epoch of their member, so scores on them are slightly optimistic.
        """
        shares = shares_of(members)
        if name == "validation" and problem.folds:
            part, outputs = _out_of_fold(members, thetas)
            by_candidate = [total([each.share or 0.0 for each in own]) for own in _by_candidate(members)]
            shares = tuple(by_candidate) if shares else ()
        elif name in problem.parts:
            part = problem.parts[name]
            outputs = tuple(
                outputs_of(network_of(problem, member), theta, part.inputs, problem.engine)
                for member, theta in zip(members, thetas, strict=True)
            )
        else:
            return None
        o = problem.head.averaged(outputs, shares)
        return ScoredRows(part, outputs, o, _units_of(problem, members, name), shares)

    def averaged_only(self, head: Head) -> ScoredRows:
        """The same rows without the outputs of each network, which take memory, unless intervals follow from these."""
        return self if has_intervals(head) else replace(self, outputs=())

    def scores(self, head: Head) -> dict[str, float]:
        """Every metric, finite, see ``kept``."""
        return kept(head.scores(self.o, self.part.truth, self.part.weights))

    def confusion(self, head: Head) -> list[list[float]]:
        """The confusion matrix; empty without classes."""
        found = head.confusion(self.o, self.part.truth, self.part.weights)
        return [] if found is None else found.tolist()

    def coverages(self, head: Head, found: Intervals) -> tuple[float, ...]:
        """The share of these rows inside their interval, for each target, see ``Intervals.coverages``."""
        return found.coverages(head.predictions(self.o), self.part.truth, COVERAGE_LEVEL, self.part.weights)

    def intervals(self, head: Head, *, with_spread: bool = False) -> Intervals | None:
        """The intervals from the residuals of predicted numbers; None if there are none, or if one overflows.

        Args:
            head: The targets.
            with_spread: Whether their width depends on the prediction.
        """
        if not has_intervals(head):
            return None
        # Averaged by NumPy, not by the engine, whose logarithms of rates differ from it in the last bit.
        o = np.asarray(head.average(self.outputs, self.shares))
        return Intervals.of(self.predicted(head.predictions(o)), with_spread=with_spread)

    def predicted(self, predicted: NDArray[np.float64]) -> PredictedRows:
        """These rows with predictions (n,) or (n, k) of their targets."""
        groups = self.units.blocks if self.units is not None and self.units.are_groups else None
        return PredictedRows(predicted, self.part.truth, self.part.weights, groups)


def has_intervals(head: Head) -> bool:
    """Whether predictions are numbers, one for each target: neither classes nor several quantiles of one target."""
    return head.target.task == "regression" and len({each.target.name for each in head.targets}) == head.outputs


def _out_of_fold(
    members: Sequence[Member], thetas: Sequence[NDArray[Any]]
) -> tuple[DataSplit, tuple[NDArray[Any], ...]]:
    """The validation rows, fold by fold, and the outputs of each row by the member that did not train on it.

    In a pack there is such a member, and an array of outputs, per candidate.
    """
    outputs = iter(
        outputs_of(member.problem.network, theta, member.problem.parts["validation"].inputs, member.problem.engine)
        for member, theta in zip(members, thetas, strict=True)
    )
    candidates = _by_candidate(members)
    part = DataSplit.joined([member.problem.parts["validation"] for member in candidates[0]])
    return part, tuple(np.concatenate([next(outputs) for _ in own]) for own in candidates)


def _by_candidate(members: Sequence[Member]) -> list[list[Member]]:
    """The members of each candidate, which follow one another."""
    return [list(own) for _, own in groupby(members, key=lambda member: member.candidate)]


def first_candidate(members: Sequence[Member]) -> list[Member]:
    """The members of the first candidate: one per fold."""
    return _by_candidate(members)[0]


def outputs_by_candidate(
    problem: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]]
) -> tuple[DataSplit, list[NDArray[Any]]] | None:
    """The validation rows and the outputs o (n, k) of each candidate, whose networks count alike; None without rows."""
    rows = ScoredRows.of(problem, members, thetas, "validation")
    if rows is None or problem.folds:
        return None if rows is None else (rows.part, list(rows.outputs))
    outputs, first = [], 0
    for own in _by_candidate(members):
        outputs.append(problem.head.averaged(rows.outputs[first : first + len(own)]))
        first += len(own)
    return rows.part, outputs


def _units_of(problem: Problem, members: Sequence[Member], name: str) -> Units | None:
    """The units of the rows of ``ScoredRows.of``, in the order of these rows."""
    if name != "validation" or not problem.folds:
        return problem.units.get(name)
    pool = [part for part in ("train", "validation") if part in problem.parts]
    if not {*pool} <= problem.units.keys():
        return None
    left_out = [member.fold.validation for member in first_candidate(members) if member.fold is not None]
    return Units.joined([problem.units[part] for part in pool]).take(np.concatenate(left_out))


def kept(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores, with the worst possible number in place of any that is not finite: files hold finite numbers only."""
    worst = {name: WORST if name in LOWER_IS_BETTER else -WORST for name in scores}
    return {name: value if isfinite(value) else worst[name] for name, value in scores.items()}


@dataclass(frozen=True, slots=True)
class Compared:
    """The baselines of a fit.

    Attributes:
        baselines: The constant baseline and, unless it was left out, the linear one; none if no rows are left to score
            them on.
        notes: What was not done as usual.
    """

    baselines: tuple[Baseline, ...] = ()
    notes: tuple[str, ...] = ()


def baselines(problem: Problem, watch: Callable[[str, float], bool] = lambda name, share: False) -> Compared:
    """The constant and the linear baseline, fitted on the training rows within a fixed amount of work.

    Args:
        problem: The problem.
        watch: Called with the name of the baseline and the share of its work that is done; returning True ends its fit.
    """
    return Compared() if len(problem.parts) == 1 else fitted_baselines(problem, watch)


def fitted_baselines(problem: Problem, watch: Callable[[str, float], bool] = lambda name, share: False) -> Compared:
    """The baselines of a problem, whether or not it has rows to score them on; see ``baselines``."""
    part, head = problem.parts["train"], problem.head
    is_number, y = head.target.task == "regression", targets_of_baselines(problem)
    name = CONSTANTS[head.loss_name] if is_number else CLASS_FREQUENCIES
    if head.is_flat:
        simple = constant_baseline(name, head.built_in, y, head.outputs, head.targets[0].q, part.weights)
    else:
        simple = Baseline(name, Linear(0, (), head.outputs), head.level(y, part.weights))
    linear, notes = _linear("linear" if is_number else "logistic", problem, watch)
    return Compared((simple, *linear), notes)


def targets_of_baselines(problem: Problem) -> NDArray[Any]:
    """The training targets as a baseline learns them, see ``Head.of_baseline``."""
    part, head = problem.parts["train"], problem.head
    return head.of_baseline("").encode(part.truth, problem.dtype) if head.is_log else part.y


def _linear(
    name: str, problem: Problem, watch: Callable[[str, float], bool]
) -> tuple[tuple[Baseline, ...], tuple[str, ...]]:
    """The linear baseline, if it converges within its work, and notes."""
    part, head, feature_map = problem.parts["train"], problem.head, problem.feature_map
    y = targets_of_baselines(problem)
    levels = feature_map.folded_levels
    dense = feature_map.folded_width - len(levels)
    plan = plan_of(Shape(part.rows, dense, levels, head.outputs), budget_of(_training_work(problem)))
    left_out = f"the {name} baseline is left out"
    if plan is None:
        return (), (f"{left_out}: {dense + sum(levels):,} inputs and {head.outputs} outputs would take too long",)
    index = sample_of(part.rows, plan.rows)
    effort = Effort(plan.passes, plan.step, partial(watch, name))
    found = linear_baseline(
        name,
        head.built_in,
        feature_map.folded(part.x[index]),
        y[index],
        head.outputs,
        problem.engine,
        levels,
        plan.method,
        effort,
        None if part.weights is None else part.training_weights()[index],
        None if head.is_flat or head.are_labels else head.builtin_loss,
    )
    if effort.is_spent and effort.gradient > CONVERGED:
        return (), (f"{left_out}: it did not converge within its share of the training time",)
    sampled = f"the {name} baseline is fitted on {len(y[index]):,} of {part.rows:,} training rows"
    return (found,), ((sampled,) if plan.rows < part.rows else ())


def _training_work(problem: Problem) -> float:
    """The floating-point operations of a whole training run: six per parameter and row."""
    settings, rows = problem.settings, problem.parts["train"].rows
    if settings.max_steps is None:
        seen = settings.epochs * rows
    else:
        seen = settings.max_steps * (rows if settings.sampling == "full" else batch_size_for(settings, rows))
    return 6.0 * problem.network.parameter_count * seen * settings.ensemble_size


def baseline_scores(problem: Problem, baseline: Baseline) -> Scores:
    """The metrics of a baseline on the splits that the network is scored on."""
    return {name: _scores_of(problem, baseline, part) for name, part in _scored_parts(problem)}


def comparison_of(
    problem: Problem, several: Sequence[Baseline], rows: ScoredRows, more: Mapping[str, NDArray[np.float64]]
) -> Comparison | None:
    """The networks and the best of the baselines on the rows of a split.

    Args:
        problem: The problem.
        several: The baselines.
        rows: The rows with the outputs of the networks.
        more: The outputs (n, k) of other baselines, by name.
    """
    part = rows.part
    fold, engine = problem.feature_map.folded, problem.engine
    outputs = {each.name: each.outputs(part.inputs, engine, fold) for each in several} | dict(more)
    unit = None if rows.units is None else rows.units.resampled
    return compare(problem.head, rows.o, outputs, part.truth, part.weights, unit=unit, seed=problem.settings.seed)


def _scored_parts(problem: Problem) -> Iterator[tuple[str, DataSplit]]:
    if problem.folds:
        yield "validation", pooled(problem)
    elif "validation" in problem.parts:
        yield "validation", problem.parts["validation"]
    if "test" in problem.parts:
        yield "test", problem.parts["test"]


def _scores_of(problem: Problem, baseline: Baseline, part: DataSplit) -> dict[str, float]:
    o = np.asarray(baseline.outputs(part.inputs, problem.engine, problem.feature_map.folded))
    return kept(problem.head.of_baseline(baseline.name).scores(o, part.truth, part.weights))
