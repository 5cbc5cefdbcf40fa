"""The time limit: the seconds that each part of a fit gets of ``max_seconds``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member

_FOR_A_LATER_FIT = 0.8
"""The part of the time of training that a backtest, or a refit, gets of a time limit."""


def within(members: Sequence[Member], limit: float | None, spent: float, later_fits: int) -> list[Member]:
    """The members with what is left of the time limit, in the same proportions.

    Args:
        members: The networks.
        limit: The time limit in seconds; None without one.
        spent: The seconds that are over.
        later_fits: The number of fits that follow this one: a backtest, a refit.
    """
    if limit is None:
        return [*members]
    left = max(1.0 - spent / limit, 1e-3) * (1.0 / (1.0 + _FOR_A_LATER_FIT * later_fits))

    def shortened(problem: Problem) -> Problem:
        seconds = problem.settings.max_seconds
        return replace(
            problem, settings=replace(problem.settings, max_seconds=None if seconds is None else seconds * left)
        )

    return [replace(each, problem=shortened(each.problem)) for each in members]


def left_of(limit: float | None, began: float, fits: int = 1) -> float | None:
    """The seconds that the next of so many fits gets of a time limit; None without one."""
    return None if limit is None else max(limit - (time.monotonic() - began), 1e-3 * limit) / fits
