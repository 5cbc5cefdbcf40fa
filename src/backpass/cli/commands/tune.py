"""``backpass tune``: search for the best settings for a table, and write the model that is fitted with them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from backpass.cli import summary
from backpass.cli.console import Console
from backpass.cli.fitting.outcome import tell
from backpass.cli.fitting.request import Request
from backpass.cli.options.data import data_options
from backpass.cli.options.declaration import Command, WholeNumber, argument, option, output_options
from backpass.cli.options.reading import reading
from backpass.cli.options.settings import settings_options
from backpass.cli.output import SUFFIX
from backpass.cli.progress import watcher
from backpass.cli.scores import leaderboard
from backpass.errors import InterruptedTraining
from backpass.model import Model, fit_problem
from backpass.model.tuning import journal
from backpass.model.tuning.budget import Limit, limit_of
from backpass.model.tuning.journal import Journal, identity_of
from backpass.model.tuning.search import FOLDS, Search
from backpass.model.tuning.trial_runner import TrialRunner
from backpass.table.messages import counted

_OWN = ("--budget", "--trials", "--folds")
"""The options of this command that fit lacks, or that have another meaning there."""
_ABSENT = ("checkpoint", "resume", "report", "memory", "features_of")
"""The options of fit that this command lacks."""


@click.command(cls=Command)
@argument("table", type=click.Path())
@option(
    "--budget",
    metavar="TIME",
    section="Search",
    help="time for the search and the final fit, such as 90s, 10m or 1h30m; default: no limit",
)
@option(
    "--trials",
    metavar="NUMBER",
    type=WholeNumber(1),
    section="Search",
    help="number of trials; default: 16, or as many as the budget allows",
)
@option(
    "--folds",
    metavar="NUMBER",
    type=WholeNumber(2),
    section="Search",
    help=f"number of folds that trials are scored on, 2 or more; default: {FOLDS}, or none with --validation-file",
)
@data_options()
@settings_options()
@reading()
@output_options()
def tune(**given: Any) -> int:
    """Search for the best settings for a table, and write the model that is fitted with them.

    Each trial is a configuration: a preset, or a random variant of one. Settings that you set are never changed. Trials
    are scored on rows that their models did not train on: all of them on one fold of the table, the better half on two,
    the better half of these on four, and so on (successive halving). --group and --time apply to the folds as to the
    splits of fit. Test rows are set aside first and play no part in the search. With --validation-file, all trials are
    fitted on TABLE and scored on the rows of that file.

    The model is the one that fit makes with the settings of the best trial. The search depends on the table, the
    settings, --seed and the number of trials; --budget only limits how many trials are run.

    Ctrl-C ends the search and keeps its trials in a file next to the model, with the suffix .search. The same command
    resumes it, ends with the result of an uninterrupted search, and removes the file. The file also stays when
    --budget ends the search; the same command with a larger --budget continues it.

    \b
    Examples:
      backpass tune housing.csv -t median_house_value --budget 10m
      backpass tune churn.csv -t churned --trials 8 --metric roc_auc -o best.backpass
      backpass tune visits.csv -t status --group patient --preset plain
    """
    console = Console(quiet=given["quiet"])
    limit = limit_of(given["budget"], given["trials"])
    request = Request.of({**given, **dict.fromkeys(_ABSENT)})
    request.check_files()
    state = f"{request.output.removesuffix(SUFFIX)}{journal.SUFFIX}"
    try:
        search, runner, model = _run(request, limit, state, given["folds"], console, verbose=given["verbose"])
    except (InterruptedTraining, KeyboardInterrupt) as stop:
        raise _interrupted(stop, state) from None
    tell(model, request, console, None)
    trials = runner.leaderboard
    command = _fit_command(trials[0].changes)
    console.command("same model", command)
    if given["as_json"]:
        settings = search.settings_with(trials[0].changes).to_json()
        facts = {
            "metric": search.metric,
            "ended": runner.ended,
            "trials": leaderboard.facts(trials),
            "left_out": None if runner.left_out is None else asdict(runner.left_out),
            "command": command,
        }
        console.document("tune", **summary.facts(model), output=request.output, search=facts, settings=settings)
    return 0


def _run(
    request: Request, limit: Limit, state: str, folds: int | None, console: Console, *, verbose: bool
) -> tuple[Search, TrialRunner, Model]:
    """Run the trials, print them, and fit and save the best model."""
    table, validation, test = request.tables()
    search = Search.of(
        table,
        request.targets(table),
        request.settings,
        folds,
        validation=validation,
        test=test,
        drop=request.unread,
        columns=request.columns,
        weight=request.weight,
        teacher=request.teacher,
        strict=request.strict,
    )
    runner = TrialRunner(search, Journal.of(state, identity_of(search)), limit)
    if runner.journal.note:
        console.item("note", runner.journal.note)
    if runner.journal.fits:
        console.item("resumed", f"after {_so_far(runner)}, from {state}")
    else:
        rows, scored = counted(search.folds.table.rows, "row"), search.folds.validation
        how = f"{search.count} folds" if scored is None else f"scored on the {counted(scored.rows, 'validation row')}"
        console.item("search", f"{rows}, {how}; trials are kept in {state}")
    where = "" if search.validation is None else "validation"
    for trial in runner.steps():
        console.item(f"trial {trial.number}", leaderboard.line(trial, where))
    trials = runner.leaderboard
    console.line()
    for line in leaderboard.lines(trials):
        console.line(line)
    console.line()
    for label, text in leaderboard.ending(runner, state):
        console.item(label, text)
    problem = search.problem(trials[0].changes)
    for label, text in summary.before(table, problem, verbose=verbose):
        console.item(label, text)
    if "test" not in problem.parts:
        console.item("note", "no test rows: the score of the best of several trials is optimistic")
    console.line()
    seconds = problem.settings.max_seconds
    with watcher(console, problem.head.metric, problem.parts["train"].rows, seconds) as watching:
        model = fit_problem(problem, callbacks=[watching])
    model.save(request.output)
    runner.close()
    return search, runner, model


def _so_far(runner: TrialRunner) -> str:
    return f"{counted(len(runner.journal.fits), 'fit')} of {counted(runner.journal.step, 'trial')}"


def _interrupted(stop: BaseException, state: str) -> InterruptedTraining:
    """The error of an interrupted search; it names the command that continues it."""
    if not Path(state).exists():
        found = InterruptedTraining("interrupted before the first fit was complete; nothing is saved")
    else:
        command = shlex.join(["backpass", *(click.get_current_context().obj or [])])
        found = InterruptedTraining(f"interrupted; the trials so far are in {state}", hint=f"to continue: {command}")
    number = stop.signal if isinstance(stop, InterruptedTraining) else 0
    if number:
        found.exit_code = 128 + number
    return found


def _fit_command(changes: Mapping[str, Any]) -> str:
    """The command line of ``fit`` that writes the same model."""
    words = _without((click.get_current_context().obj or [])[1:], _OWN)
    return shlex.join(["backpass", "fit", *words, *leaderboard.words(changes)])


def _without(arguments: Sequence[str], names: Sequence[str]) -> list[str]:
    """Drop options and their values from arguments.

    >>> _without(["tune", "a.csv", "--trials", "3", "-t", "y", "--budget=1m"], ["--trials", "--budget"])
    ['tune', 'a.csv', '-t', 'y']
    """
    kept, rest = list[str](), iter(arguments)
    for each in rest:
        if each in names:
            next(rest, None)
        elif not each.startswith(tuple(f"{name}=" for name in names)):
            kept.append(each)
    return kept
