"""``backpass fit``: train on a table and write a model file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from backpass.cli import summary
from backpass.cli.config import as_toml, from_file, given_why, written
from backpass.cli.console import Console
from backpass.cli.folds import Folds, facts
from backpass.cli.options import (
    Command,
    argument,
    names_in,
    only_once,
    option,
    reading,
    reading_of,
    settings_of,
    settings_options,
    talking,
)
from backpass.cli.output import check_page_replaceable, check_replaceable, checkpoint_path, model_path
from backpass.cli.progress import watcher
from backpass.cli.report import write_page
from backpass.cli.text import size
from backpass.errors import DataError, DivergedError, InterruptedTraining, ResourceError, UsageError
from backpass.model import CrossValidation, Model, Problem, Settings, fit_problem, make_problem
from backpass.model.fitting.fit import as_table
from backpass.model.settings.settings import SETTINGS
from backpass.reporting.page import require
from backpass.table import Table, Target, read_table, required_kind
from backpass.table.messages import shown
from backpass.table.target import labeled


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a run, validated as far as possible without opening the table.

    Attributes:
        table: The path or pattern of the table, or - for standard input.
        target: The column to predict.
        output: The path of the model file.
        validation_file: The table of the validation rows, if they are not split off ``table``.
        test_file: The table of the test rows, if they are not split off ``table``.
        drop: Columns to leave out.
        columns: The only columns to learn from; None for all.
        categorical: Numeric-looking columns to treat as categorical.
        weight: The column of row weights, if any.
        strict: Whether a row without a target is an error.
        checkpoint: The path for checkpoints, if any.
        resume: The checkpoint to continue from, if any.
        report: The path of the HTML report, if any.
        reading: Keyword arguments of ``read_table``.
        settings: The settings of the fit.
    """

    table: str
    target: str
    output: str
    validation_file: str | None
    test_file: str | None
    drop: tuple[str, ...]
    columns: tuple[str, ...] | None
    categorical: tuple[str, ...]
    weight: str | None
    strict: bool
    checkpoint: str | None
    resume: str | None
    report: str | None
    reading: Mapping[str, Any]
    settings: Settings

    @staticmethod
    def of(given: Mapping[str, Any]) -> Request:
        """Build the request from the parsed options.

        Raises:
            UsageError: An option is invalid, or two of them contradict each other.
        """
        settings = settings_of(given)
        drop, target = tuple(names_in(given["drop"])), given["target"]
        if target in drop:
            raise UsageError(f"--drop leaves out {target!r}, which is the --target")
        output = model_path(given["table"], given["output"])
        if given["weight"] is not None and given["weight"] in (target, *drop):
            other = "the --target" if given["weight"] == target else "left out by --drop"
            raise UsageError(f"--weight {given['weight']!r} is {other}", hint="name a column of numbers from 0 up")
        if output == given["checkpoint"]:
            raise UsageError(f"--output and --checkpoint are the same file, {output}", hint="give them two names")
        return Request(
            given["table"],
            target,
            output,
            given["validation_file"],
            given["test_file"],
            drop,
            tuple(names_in(given["columns"])) or None,
            tuple(names_in(given["categorical"])),
            given["weight"],
            given["strict"],
            given["checkpoint"],
            given["resume"],
            given["report"],
            reading_of(given),
            settings,
        )

    @property
    def needed(self) -> list[str]:
        """The columns that the table must have."""
        named = (self.target, self.settings.group, self.settings.time, self.weight)
        return list(dict.fromkeys(name for name in named if name is not None))

    @property
    def left_out(self) -> list[str]:
        """The columns of --drop that are not read: a group or time column is read, though it is no input."""
        return [name for name in self.drop if name not in self.needed]

    @property
    def unread(self) -> list[str]:
        """The columns of --drop that are read all the same, and are no inputs."""
        return [name for name in self.drop if name in self.needed and name != self.weight]

    def rescue(self, console: Console) -> str | None:
        """Return the checkpoint path of an interrupted run if --checkpoint is not set.

        None, with a warning, if that path is not writable or holds a file of another kind.
        """
        if self.checkpoint is not None:
            return None
        path = checkpoint_path(self.output)
        try:
            check_replaceable(path, "checkpoint")
        except (UsageError, ResourceError) as error:
            console.alarm("warning", f"{error.message}; if the run is interrupted, it is not saved")
            return None
        return path

    def check_files(self) -> None:
        """Check before training that all results can be written.

        Raises:
            UsageError: An output path holds a file of another kind, or a package for the report is missing.
            ResourceError: An output path is not writable.
        """
        check_replaceable(self.output, "model")
        if self.checkpoint is not None:
            check_replaceable(self.checkpoint, "checkpoint")
        if self.report is not None:
            require()
            check_page_replaceable(self.report, "--report")

    def tables(self) -> tuple[Table, Table | None, Table | None]:
        """Read the table and, if they are in files of their own, the tables of the validation and test rows."""
        try:
            table = read_table(
                self.table, categorical=self.categorical, drop=self.left_out, need=self.needed, **self.reading
            )
        except DataError as error:
            if "," in self.target and f"{shown(self.target)} is not there" in str(error):
                error.hint = "one column is predicted here; several at once: docs/how-to/scikit-learn.md"
            raise
        kinds = {name: required_kind(column) for name, column in table.columns.items()}
        files = (self.validation_file, self.test_file)
        validation, test = (None if file is None else as_table(file, self.reading, kinds) for file in files)
        return table, validation, test


@click.command(cls=Command)
@argument("table", type=click.Path())
@option(
    "-t",
    "--target",
    required=True,
    metavar="COLUMN",
    section="Data",
    callback=only_once,
    multiple=True,
    help="the column to predict",
)
@option(
    "-o",
    "--output",
    metavar="FILE",
    section="Data",
    help="path of the model file; default: the table's name with the suffix .backpass, in the current directory",
)
@option(
    "--validation-file",
    metavar="FILE",
    section="Data",
    help="table of validation rows, which select the best epoch; default: a random split of TABLE, or none with the "
    "preset plain",
)
@option("--test-file", metavar="FILE", section="Data", help="table of test rows; default: a random split of TABLE")
@option("--drop", metavar="COLUMNS", multiple=True, section="Data", help="columns to ignore: a,b (repeatable)")
@option(
    "--columns",
    metavar="COLUMNS",
    multiple=True,
    section="Data",
    help="use only these columns as features: a,b (repeatable)",
)
@option(
    "--categorical",
    metavar="COLUMNS",
    multiple=True,
    section="Data",
    help="numeric-looking columns to treat as categorical: a,b (repeatable)",
)
@option(
    "--weight",
    metavar="COLUMN",
    section="Data",
    help="column of row weights, numbers from 0 up, which is no feature: it weights loss and scores",
)
@option(
    "--strict",
    is_flag=True,
    section="Data",
    help="refuse a table with missing targets; default: such rows are left out, with a note",
)
@option(
    "--folds",
    metavar="NUMBER",
    type=click.IntRange(min=2),
    section="Data",
    help="also cross-validate: one more fit per fold, each scored on the rows it left out; default: no",
)
@option(
    "--repeats",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    section="Data",
    help="repeat the cross-validation with other folds; default: 1",
)
@option("--out-of-fold", metavar="FILE", section="Data", help="file for the predictions of the left-out rows")
@option("--report", metavar="FILE", section="Data", help="also write an HTML report (see backpass report)")
@settings_options()
@reading()
@option(
    "--config",
    metavar="FILE",
    section="Run",
    is_eager=True,
    expose_value=False,
    callback=from_file,
    help="read options from a TOML file; command-line options override it",
)
@option(
    "--print-config", is_flag=True, section="Run", help="print all options as a TOML file and exit without training"
)
@option(
    "--checkpoint",
    metavar="FILE",
    section="Run",
    help="write checkpoints periodically and when training ends; default: only when interrupted, next to the model",
)
@option(
    "--resume",
    metavar="FILE",
    section="Run",
    help="continue from a checkpoint; the table and the settings must be the same",
)
@talking()
def fit(**given: Any) -> int:
    """Train a network on a table and write a model file.

    TABLE is a file in CSV, Excel, Parquet, Stata, SQLite or another format, optionally compressed (.gz, .zst).
    FILE::NAME is a sheet of a workbook or a table of a database. Use - for standard input, or a quoted pattern such as
    'data/*.csv' for all matching files; both require --output. Column types, missing values and scaling are detected
    automatically, and rows are held out for validation and for the test score.

    The default preset, "default", trains four small networks and averages their predictions. If you set an option that
    describes the network or its training (--hidden, --wire, --activation, --optimizer, --learning-rate, ...), the
    preset is "plain": one network with the defaults listed below, and no validation rows unless an option needs them.

    Ctrl-C stops training after the current step, keeps the best weights, saves a checkpoint and prints the command that
    resumes the run; a second Ctrl-C aborts immediately. SIGTERM and closing the terminal act like Ctrl-C; a run under
    nohup continues when the terminal closes.

    \b
    Examples:
      backpass fit housing.csv --target median_house_value
      backpass fit churn.parquet -t churned --drop customer_id --hidden 64,64
      backpass fit long.csv -t y --preset best --checkpoint run.checkpoint
      backpass fit housing.csv -t median_house_value --print-config > run.toml
      backpass fit --config run.toml --epochs 50
    """
    console = Console(quiet=given["quiet"])
    request = Request.of(given)
    folds = Folds.of(given)
    if given["print_config"]:
        console.write("\n".join([*_config_lines(request, given), ""]))
        return 0
    request.check_files()
    problem, table, judge = _prepared(request, console, verbose=given["verbose"])
    model, stopped = _trained(problem, request, console)
    try:
        _tell(model, request, console, stopped)
        crossed = None
        if folds is not None and stopped is None:
            crossed = folds.run(
                table,
                request.target,
                request.settings,
                console,
                drop=request.unread,
                columns=request.columns,
                weight=request.weight,
                strict=request.strict,
                metric=model.head.metric,
            )
        _hand_out(model, judge, stopped, request, console, as_json=given["as_json"], crossed=_crossed(crossed, folds))
    except KeyboardInterrupt:
        raise InterruptedTraining(f"interrupted; {request.output} is saved") from None
    return 0 if stopped is None else 128 + stopped.signal


def _hand_out(
    model: Model,
    judge: Table,
    stopped: InterruptedTraining | None,
    request: Request,
    console: Console,
    *,
    as_json: bool,
    crossed: Mapping[str, Any],
) -> None:
    """Write the results other than the model: the HTML report, and the JSON object on standard output."""
    if request.report is not None:
        write_page(model, judge if model.record.scores else None, request.report, console)
    if as_json:
        checkpoint = request.checkpoint if stopped is None else stopped.checkpoint
        files = {"output": request.output, "checkpoint": checkpoint, "report": request.report}
        console.document("fit", **summary.facts(model), **files, **crossed)


def _crossed(found: CrossValidation | None, folds: Folds | None) -> dict[str, Any]:
    """The entry of a cross-validation in the JSON object, if there was one."""
    return {} if found is None or folds is None else {"cross_validation": facts(found, folds.output)}


def _config_lines(request: Request, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a configuration file with every option resolved for this table; a run with it writes the same model.

    A learning rate that the user did not set stays unset, because training lowers it if the run diverges.
    """
    table = read_table(
        request.table, categorical=request.categorical, drop=request.left_out, need=request.needed, **request.reading
    )
    target = Target.fit(labeled(table, request.target)[0], request.target, request.settings.task)
    settings = request.settings.suited(target.task)
    chosen = {setting.name: written(setting, getattr(settings, setting.name)) for setting in SETTINGS}
    why = given_why(SETTINGS)
    if "learning_rate" not in dict(settings.given):
        why["learning_rate"] = f"{settings.learning_rate!r}, or a tenth of it where training diverges"
        chosen["learning_rate"] = None
    values = {**given, **chosen, "output": request.output}
    return as_toml(click.get_current_context().command, values, why)


def _prepared(request: Request, console: Console, *, verbose: bool) -> tuple[Problem, Table, Table]:
    """Return the problem, the table, and that for the report: the test rows, or the table they are split off."""
    table, validation, test = request.tables()
    problem = make_problem(
        table,
        request.target,
        request.settings,
        validation=validation,
        test=test,
        drop=request.unread,
        columns=request.columns,
        weight=request.weight,
        strict=request.strict,
    )
    for label, text in summary.before(table, problem, verbose=verbose):
        console.item(label, text)
    console.line()
    if test is None and validation is not None and not request.settings.test_fraction:
        return problem, table, validation
    return problem, table, table if test is None else test


def _trained(problem: Problem, request: Request, console: Console) -> tuple[Model, InterruptedTraining | None]:
    """Train and save the model; return it with the interruption that ended training, if any."""
    with watcher(console, problem.head.metric, problem.parts["train"].rows) as watching:
        try:
            return fit_problem(
                problem,
                callbacks=[watching],
                checkpoint=request.checkpoint,
                rescue=request.rescue(console),
                resume_from=request.resume,
                on_model=lambda model: model.save(request.output),
            ), None
        except DivergedError as error:
            raise _worded(error, request.output) from None
        except InterruptedTraining as stop:
            if isinstance(stop.model, Model):
                return stop.model, stop
            raise _unbegun(stop) from None


def _unbegun(stop: InterruptedTraining) -> InterruptedTraining:
    """Return the error for a run interrupted before its first step; it names the resume command, if any."""
    goes_on = None if stop.checkpoint is None else _resume_command(stop.checkpoint)
    return InterruptedTraining(stop.message, hint="" if goes_on is None else f"to go on: {goes_on}")


def _worded(error: DivergedError, output: str) -> DivergedError:
    """Return the error for a diverged run; it names the file with the best finite weights, if there are any."""
    if not isinstance(error.model, Model):
        return DivergedError(f"{error.message}; no model is written", hint=error.hint)
    return DivergedError(f"{error.message} in {output}", hint=error.hint)


def _tell(model: Model, request: Request, console: Console, stopped: InterruptedTraining | None) -> None:
    """Print how training ended, the scores, and commands to continue with."""
    if stopped is not None:
        console.item("interrupted", _what_is_kept(model))
    console.item("trained", summary.course(model))
    for line in ("", *table) if (table := summary.scores_table(model)) else ():
        console.line(line)
    if decision := summary.decision_line(model.head):
        console.item("decision", decision)
    if model.record.comparison is not None:
        console.line(model.record.comparison.sentence)
    console.line()
    if stopped is not None and stopped.checkpoint is not None:
        console.item("checkpoint", stopped.checkpoint)
        console.command("resume", _resume_command(stopped.checkpoint))
    console.command("next", shlex.join(["backpass", "show", request.output]))
    for line in summary.score_lines(model):
        console.line(line)
    console.line(f"saved {request.output} ({size(os.path.getsize(request.output))})")


def _what_is_kept(model: Model) -> str:
    """Describe which weights an interrupted run has saved."""
    record = model.record
    if record.reason != "interrupted":
        return "after training; the model is whole"
    if not record.history:
        return f"before the first epoch was finished; the weights of step {record.steps:,} are kept"
    if record.settings["ensemble_size"] > 1:
        return f"the weights of {len(record.members)} of {record.settings['ensemble_size']} networks are kept"
    if record.history[-1].score is None:
        return f"the weights of step {record.steps:,} are kept"
    return f"the best weights, those of epoch {record.best_epoch}, are kept"


def _resume_command(checkpoint: str) -> str:
    """Return the command line that continues this run."""
    return shlex.join(["backpass", *_without_resume(click.get_current_context().obj or []), "--resume", checkpoint])


def _without_resume(arguments: Sequence[str]) -> list[str]:
    """Drop --resume and its value from the arguments.

    >>> _without_resume(["fit", "a.csv", "--resume", "old", "-q", "--resume=old"])
    ['fit', 'a.csv', '-q']
    """
    kept, rest = [], iter(arguments)
    for each in rest:
        if each == "--resume":
            next(rest, None)
        elif not each.startswith("--resume="):
            kept.append(each)
    return kept
