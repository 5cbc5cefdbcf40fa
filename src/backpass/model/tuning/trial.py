"""A trial: one configuration and its scores on the folds so far; and successive halving, which ranks trials.

Every trial is scored on one fold. The better half of those is scored on two folds, the better half of these on four,
and so on up to all folds. A trial goes on as soon as it is among the better half of the trials that came as far
(asynchronous successive halving: Li et al. 2020), so a search can end after any trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from backpass.dataclass import dataclass
from backpass.model.metrics import as_loss
from backpass.numerics.elementary import mean


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration and its scores.

    Attributes:
        number: The number of the trial, from 1.
        changes: The settings that it changes, by name; the others are those that the user set, or defaults.
        metric: The metric that ranks trials.
        scores: Every metric on each fold so far.
        seconds: The time that its fits took.
        failure: Why it could not be fitted; empty if it could.
    """

    number: int
    changes: Mapping[str, Any]
    metric: str
    scores: tuple[Mapping[str, float], ...] = ()
    seconds: float = 0.0
    failure: str = ""

    @property
    def folds(self) -> int:
        """The number of folds that it is scored on."""
        return len(self.scores)

    @property
    def score(self) -> float:
        """The mean of the metric over its folds."""
        return mean([each[self.metric] for each in self.scores]) if self.scores else inf

    def loss_on(self, folds: int) -> float:
        """The mean of the metric over the first folds, smaller is better; infinite if the trial failed before.

        Args:
            folds: The number of folds.
        """
        if self.folds < folds:
            return inf
        return mean([as_loss(self.metric, each[self.metric]) for each in self.scores[:folds]])


def rungs_of(folds: int) -> tuple[int, ...]:
    """The numbers of folds after which trials are compared: powers of 2, and all folds.

    >>> rungs_of(4), rungs_of(5), rungs_of(2)
    ((1, 2, 4), (1, 2, 4, 5), (1, 2))
    """
    powers = [2**k for k in range(folds.bit_length())]
    return (*(each for each in powers if each < folds), folds)


def to_continue(trials: Sequence[Trial], rungs: Sequence[int]) -> Trial | None:
    """The trial that is scored on its next fold; None if the next trial begins."""
    for trial in trials:
        if not trial.failure and trial.folds not in rungs:
            return trial
    for i in range(len(rungs) - 2, -1, -1):
        here = [each for each in trials if each.folds >= rungs[i] or (each.failure and _reached(each, rungs, i))]
        ranked = sorted(here, key=lambda each: (each.loss_on(rungs[i]), each.number))
        for trial in ranked[: len(here) // 2]:
            if trial.folds == rungs[i] and not trial.failure:
                return trial
    return None


def _reached(trial: Trial, rungs: Sequence[int], i: int) -> bool:
    """Whether a trial that failed was on its way to a rung."""
    return i == 0 or trial.folds >= rungs[i - 1]


def ranked(trials: Sequence[Trial], rungs: Sequence[int]) -> list[Trial]:
    """The trials, best first: those with more folds, then those with the better mean over them; failures last."""

    def key(trial: Trial) -> tuple[Any, ...]:
        done = max((each for each in rungs if each <= trial.folds), default=0)
        return bool(trial.failure), -done, trial.loss_on(done) if done else inf, trial.number

    return sorted(trials, key=key)
