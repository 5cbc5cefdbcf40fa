"""Calibration: the networks whose probabilities have the temperature of the validation rows and the backtest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from backpass.model.fitting.checks.backtest import Backtest
from backpass.model.fitting.outcome.scoring import ScoredRows
from backpass.model.fitting.outcome.temperature import fitted_factor, fitted_rows, is_calibrated, tempered
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member
from backpass.model.fitting.runs.runs import Runs
from backpass.training import TrainingResult


def predicting(members: Sequence[Member], results: Sequence[TrainingResult]) -> list[NDArray[Any]]:
    """theta of each network that predicts, see ``Problem.predicting``."""
    return [member.problem.predicting(each.theta) for member, each in zip(members, results, strict=True)]


def calibrated(
    problem: Problem, members: Sequence[Member], thetas: list[NDArray[Any]], tested: Backtest
) -> tuple[list[NDArray[Any]], ScoredRows | None, list[str]]:
    """The networks with the temperature of the validation rows and the backtest, these rows, and a note about it."""
    rows = ScoredRows.of(problem, members, thetas, "validation")
    factor = None if rows is None else _factor(problem, rows, tested)
    if rows is None or factor is None:
        return thetas, rows, []
    fitted_on = "validation rows" if tested.factor is None else "validation rows and a backtest"
    found = f"T = {1.0 / factor:.3g}, {len(fitted_rows(*rows.o.shape)):,} {fitted_on}"
    note = f"probabilities are calibrated by temperature scaling ({found})"
    if factor != 1.0:
        thetas, rows = warmed(members, thetas, factor), None  # its outputs take memory
        rows = ScoredRows.of(problem, members, thetas, "validation")
    return thetas, None if rows is None else rows.averaged_only(problem.head), [note]


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
