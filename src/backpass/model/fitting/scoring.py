"""Scoring: the outputs of trained networks on the rows of each split, and what follows from them.

It takes a problem with its members and their theta, runs them once on each split that is needed, and returns scores and
residuals; it fits and scores the baselines. ``outcome`` makes a model of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from sys import float_info
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.baseline.baseline import Baseline, constant_baseline, linear_baseline
from backpass.model.fitting.data_split import DataSplit
from backpass.model.fitting.ensemble import Member, pooled
from backpass.model.fitting.problem import Problem
from backpass.model.forward import outputs_of
from backpass.model.head.head import Head
from backpass.model.head.residuals import Residuals
from backpass.model.metrics import LOWER_IS_BETTER
from backpass.model.record import COVERAGE_LEVEL, Scores

WORST = float_info.max
"""Stands for a score that is not finite."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Rows of a split, with the outputs of the networks that predict them.

    Attributes:
        part: The rows.
        outputs: o (n, k) of each network. With folds, the outputs for the validation rows are a single array: those of
            each row by the network that did not train on it.
        o: Outputs (n, k) that predict the average of the networks' predictions.
    """

    part: DataSplit
    outputs: tuple[NDArray[Any], ...]
    o: NDArray[Any]

    @staticmethod
    def of(problem: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]], name: str) -> ScoredRows | None:
        """The rows of a split and their outputs; None if the split has no rows.

        Validation rows of folds selected the epoch of their member, so scores on them are slightly optimistic.
        """
        if name == "validation" and problem.folds:
            part, outputs = _out_of_fold(members, thetas)
        elif name in problem.parts:
            part = problem.parts[name]
            outputs = tuple(outputs_of(problem.network, theta, part.x, problem.engine) for theta in thetas)
        else:
            return None
        return ScoredRows(part, outputs, problem.head.averaged(outputs))

    def scores(self, head: Head) -> dict[str, float]:
        """Every metric, finite, see ``kept``."""
        return kept(head.scores(self.o, self.part.truth, self.part.weights))

    def confusion(self, head: Head) -> list[list[float]]:
        """The confusion matrix; empty without classes."""
        found = head.confusion(self.o, self.part.truth, self.part.weights)
        return [] if found is None else found.tolist()

    def coverage(self, head: Head, residuals: Residuals) -> float | None:
        """The share of these rows inside their interval, see ``Residuals.coverage``."""
        return residuals.coverage(head.predictions(self.o), self.part.truth, COVERAGE_LEVEL, self.part.weights)

    def residuals(self, head: Head, groups: int | None = None) -> Residuals | None:
        """The residuals of predicted numbers; None for classes, for several targets, or if one overflows."""
        if not head.is_flat or head.target.task != "regression":
            return None
        # Averaged by NumPy, not by the engine, whose logarithms of rates differ from it in the last bit.
        o = np.asarray(head.average(self.outputs))
        return Residuals.of(head.predictions(o), self.part.truth, self.part.weights, groups)


def _out_of_fold(
    members: Sequence[Member], thetas: Sequence[NDArray[Any]]
) -> tuple[DataSplit, tuple[NDArray[Any], ...]]:
    """The validation rows, fold by fold, and the outputs of each row by the member that did not train on it."""
    problems = [member.problem for member in members]
    parts = [problem.parts["validation"] for problem in problems]
    outputs = [
        outputs_of(problem.network, theta, part.x, problem.engine)
        for problem, theta, part in zip(problems, thetas, parts, strict=True)
    ]
    return DataSplit.joined(parts), (np.concatenate(outputs),)


def kept(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores, with the worst possible number in place of any that is not finite: files hold finite numbers only."""
    worst = {name: WORST if name in LOWER_IS_BETTER else -WORST for name in scores}
    return {name: value if isfinite(value) else worst[name] for name, value in scores.items()}


def baselines(problem: Problem) -> list[Baseline]:
    """The constant and the linear baseline, fitted on the training rows; none if no rows are left to score them on."""
    if len(problem.parts) == 1:
        return []
    part, head, feature_map = problem.parts["train"], problem.head, problem.feature_map
    is_number = head.target.task == "regression"
    # The name of the constant: the mean of the target, its median, or the most frequent class.
    constant = {"squared": "mean", "huber": "mean", "poisson": "mean", "absolute": "median", "quantile": "quantile"}
    name = constant[head.loss_name] if is_number else "majority"
    return [
        constant_baseline(name, head.built_in, part.y, head.outputs, head.targets[0].q),
        linear_baseline(
            "linear" if is_number else "logistic",
            head.built_in,
            feature_map.folded(part.x),
            part.y,
            head.outputs,
            problem.engine,
            feature_map.folded_levels,
        ),
    ]


def baseline_scores(problem: Problem, baseline: Baseline) -> Scores:
    """The metrics of a baseline on the splits that the network is scored on."""
    return {name: _scores_of(problem, baseline, part) for name, part in _scored_parts(problem)}


def _scored_parts(problem: Problem) -> Iterator[tuple[str, DataSplit]]:
    if problem.folds:
        yield "validation", pooled(problem)
    elif "validation" in problem.parts:
        yield "validation", problem.parts["validation"]
    if "test" in problem.parts:
        yield "test", problem.parts["test"]


def _scores_of(problem: Problem, baseline: Baseline, part: DataSplit) -> dict[str, float]:
    o = np.asarray(baseline.outputs(problem.feature_map.folded(part.x)))
    return kept(problem.head.scores(o, part.truth, part.weights))
