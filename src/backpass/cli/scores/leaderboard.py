"""The leaderboard of a search: its trials as lines of a table, or as plain data for ``--json``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Any

from backpass.cli.options.config import written
from backpass.cli.options.declaration import flag
from backpass.cli.text import aligned, duration, figure
from backpass.model.settings.declarations import BY_NAME
from backpass.model.tuning.trial import Trial
from backpass.model.tuning.trial_runner import TrialRunner
from backpass.table.messages import counted

MOST = 20
"""The maximum number of trials that are printed; ``--json`` has all of them."""


def lines(trials: Sequence[Trial]) -> list[str]:
    """Format the trials, best first: score, spread over folds, number of folds, time, and the settings changed."""
    rows = [["trial", trials[0].metric, "+-", "folds", "time", "settings"]]
    for trial in trials[:MOST]:
        if trial.failure:
            score, spread = "failed", ""
        else:
            score, spread = figure(trial.score), _spread(trial)
        rows.append([str(trial.number), score, spread, str(trial.folds), duration(trial.seconds), options(trial)])
    return aligned(rows, left=(5,))


def ending(runner: TrialRunner, state: str) -> list[tuple[str, str]]:
    """Return what a search that its budget ended left out, and how it continues, as labels and texts.

    Args:
        runner: The search, which has ended.
        state: The file of its trials.
    """
    if runner.ended != "budget":
        return []
    found = [("to continue", f"the same command with a larger --budget; the trials are kept in {state}")]
    if runner.left_out is not None:
        trial, fits = runner.left_out.trial, counted(runner.left_out.fits, "fit")
        what = f"; {fits} since it began {'is' if runner.left_out.fits == 1 else 'are'} not counted"
        text = f"trial {trial} is left out, because the budget ended before it was complete"
        found.insert(0, ("note", text + (what if runner.left_out.fits else "")))
    return found


def line(trial: Trial, where: str = "") -> str:
    """Format the last fit of a trial: ``fold 2: rmse 0.512, --preset default --dropout 0.3``

    Args:
        trial: The trial.
        where: The rows that it was scored on. Default "": a fold.
    """
    rows = where or f"fold {trial.folds}"
    result = trial.failure or f"{rows}: {trial.metric} {figure(trial.scores[-1][trial.metric])}"
    return f"{result}, {options(trial)}"


def options(trial: Trial) -> str:
    """Format the settings that a trial changes as options; "as given" if it changes none."""
    return shlex.join(words(trial.changes)) or "as given"


def words(changes: Mapping[str, Any]) -> list[str]:
    """Return settings as command-line words.

    >>> words({"preset": "default", "hidden": (64, 64), "quantile_features": False})
    ['--preset', 'default', '--hidden', '64,64', '--quantile-features', 'no']
    """
    found: list[str] = []
    for name, value in changes.items():
        value = written(BY_NAME[name], value)
        for each in value if BY_NAME[name].repeated else [value]:
            found += [flag(name), _word(each)]
    return found


def facts(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return the trials for ``--json``, best first."""
    return [
        {
            "trial": trial.number,
            "settings": dict(trial.changes),
            "score": None if trial.failure else trial.score,
            "folds": [dict(sorted(each.items())) for each in trial.scores],
            "seconds": trial.seconds,
            "failure": trial.failure or None,
        }
        for trial in trials
    ]


def _spread(trial: Trial) -> str:
    scores = [each[trial.metric] for each in trial.scores]
    return figure(stdev(scores), 2) if len(scores) > 1 else ""


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
