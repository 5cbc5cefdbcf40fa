"""Diagnostics of a fit: warnings about a problem or its trained networks.

It reports targets that the output activation cannot reach, and units that no longer learn.
``model.evaluation.diagnostics`` checks the predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import UsageError
from backpass.model.evaluation.diagnostics import constant_warnings
from backpass.model.fitting.outcome.scoring import ScoredRows, targets_of_baselines
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member
from backpass.model.head.target_head import TargetHead
from backpass.model.head.threshold import chosen_rule
from backpass.model.metrics import why_undefined
from backpass.network import Activation, dead_units, range_of
from backpass.numerics.distinct import distinct_values
from backpass.table.messages import counted, listed, rounded, shown
from backpass.training import TrainingResult

_PARTS = {"test": "test", "validation": "validation", "train": "training"}

_FEW_GROUPS = 20
"""Number of groups below which one unusual group, or its absence, decides a score: a bootstrap draws only those that
are there, and intervals from fewer than 20 to 50 groups are known to be too narrow (Cameron & Miller 2015)."""


def before_training(problem: Problem) -> list[str]:
    """What makes scores too good, and training targets that the output activation cannot reach.

    >>> from backpass.model import Settings, make_problem
    >>> from backpass.table import table_from
    >>> table = table_from({"x": range(20), "y": range(-5, 15)})
    >>> settings = Settings.of({"output_activation": "relu", "test_fraction": 0.0, "validation_fraction": 0.0})
    >>> before_training(make_problem(table, "y", settings))
    ["the target 'y' is below 0 in 5 of 20 training rows, but the output activation relu cannot be negative"]
    """
    head, activation = problem.head, problem.settings.output_activation
    if head.target.task != "regression" or head.has_log_link:
        return [*problem.warnings]
    truth = problem.parts["train"].truth
    columns = truth.reshape(len(truth), -1).T
    # Several quantiles have the same target.
    distinct = {each.target.name: (each, column) for each, column in zip(head.targets, columns, strict=True)}
    beyond = [text for each, column in distinct.values() if (text := _out_of_range(each, column, activation))]
    return [*problem.warnings, *beyond]


def notes_on_scored_groups(problem: Problem, rows: ScoredRows, split: str) -> list[str]:
    """A note if the rows of a score belong to few groups.

    Args:
        problem: The problem.
        rows: The rows.
        split: The split that they form, such as "test".
    """
    if problem.settings.group is None or rows.units is None:
        return []
    count = len(distinct_values(rows.units.numbered()[0]))
    if count >= _FEW_GROUPS:
        return []
    return [
        f"the {split} score rests on {counted(count, 'group')}: its 95% interval does not allow for groups that differ "
        "much from these; cross-validation scores every group"
    ]


def _out_of_range(head: TargetHead, y: NDArray[np.float64], activation: Activation) -> str:
    low, high = (bound * head.scale.scale for bound in range_of(activation))
    below, above = np.count_nonzero(y < low), np.count_nonzero(y > high)
    if not below and not above:
        return ""
    sides = [*([f"below {rounded(low)}"] if below else []), *([f"above {rounded(high)}"] if above else [])]
    where = " or ".join(sides)
    limit = "cannot be negative" if low == 0.0 and not above else f"never outputs a number {where}"
    return (
        f"the target {shown(head.target.name)} is {where} in {below + above:,} of {len(y):,} training rows, but the "
        f"output activation {activation} {limit}"
    )


def check_held_out(problem: Problem, members: Sequence[Member]) -> None:
    """Check that there are rows to choose a threshold on, and that the metric is defined where it is computed.

    Raises:
        UsageError: There are no such rows, or it is not.
    """
    if chosen_rule(problem.settings) is not None and not problem.folds and "validation" not in problem.parts:
        raise UsageError(
            "a threshold is chosen on validation rows, and there are none",
            hint="set --validation-fraction or --validation-file, or set the threshold to a number",
        )
    head, name = problem.head, problem.head.metric
    parts = {_PARTS[part]: rows for part, rows in problem.parts.items() if part != "train"}
    for i, each in enumerate(members, start=1):
        if each.fold is not None:
            parts[f"validation (network {i})"] = each.problem.parts["validation"]
    for where, part in parts.items():
        for target, y in zip(head.targets, part.truth.reshape(part.rows, -1).T, strict=True):
            if reason := why_undefined(name, y, part.weights):
                raise UsageError(
                    f"metric {name!r} is undefined on the {where} rows of target {shown(target.target.name)}: {reason}",
                    hint="choose another --metric, or use more rows",
                )


def cut_short(runs: Sequence[TrainingResult], reason: str) -> list[str]:
    """A warning if the time limit was reached before the first epoch was over.

    Args:
        runs: The results of the networks of the model.
        reason: Why training ended.
    """
    steps = max(each.progress.step for each in runs)
    if steps == 0 and reason == "time":
        return ["the time limit was reached before the first step: nothing was trained; increase --max-seconds"]
    if any(each.reason != "time" or each.progress.history for each in runs):
        return []
    return [
        f"the time limit was reached in the first epoch, after {counted(steps, 'step')}; increase --max-seconds or "
        "train on fewer rows"
    ]


def after_training(
    problem: Problem,
    members: Sequence[Member],
    thetas: Sequence[NDArray[Any]],
    scored: Mapping[str, ScoredRows],
) -> list[str]:
    """Dead units of every network that was trained as a whole, and problems with the averaged predictions.

    Args:
        problem: The problem.
        members: The members.
        thetas: The parameters of each member.
        scored: The rows of the splits that the model is scored on.
    """
    dead = _dead(members, thetas) if problem.kept is None else []
    return [*dead, *_constant_warnings_at_fit(problem, members, thetas, scored)]


def _dead(members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> list[str]:
    """``layer 1: 3 of 64 units are 0 on every training row (units 4, 17, 60)``"""
    found = []
    for i, (member, theta) in enumerate(zip(members, thetas, strict=True), start=1):
        problem = member.problem
        which = f"network {i} of {len(members)}, " if len(members) > 1 else ""
        for dead in dead_units(problem.network, theta, problem.parts["train"].inputs, problem.engine):
            is_zero = dead.activation == "relu" and not problem.settings.parametric_activation
            state = "0" if is_zero else f"on the flat side of {dead.activation}"
            verb, noun = ("is", "unit") if len(dead.units) == 1 else ("are", "units")
            found.append(
                f"{which}layer {dead.layer}: {len(dead.units):,} of {dead.count:,} "
                f"{'unit' if dead.count == 1 else 'units'} {verb} {state} on every training row "
                f"({noun} {listed(dead.units)}) and no longer {'learns' if verb == 'is' else 'learn'}"
            )
    return found


def _constant_warnings_at_fit(
    problem: Problem,
    members: Sequence[Member],
    thetas: Sequence[NDArray[Any]],
    scored: Mapping[str, ScoredRows],
) -> list[str]:
    """Check the predictions on the rows that scores refer to: test rows, else validation rows, else training rows."""
    name = next(each for each in _PARTS if each in problem.parts)
    rows = scored.get(name) or ScoredRows.of(problem, members, thetas, name)
    if rows is None:
        return []
    constant = problem.head.level(targets_of_baselines(problem))
    return constant_warnings(
        problem.head, rows.o, rows.part.truth, rows.part.weights, f"the {_PARTS[name]} rows", constant
    )
