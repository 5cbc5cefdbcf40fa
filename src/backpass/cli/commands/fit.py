"""``backpass fit``: train on a table and write a model file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import click

from backpass.cli import summary
from backpass.cli.commands.report import write_page
from backpass.cli.console import Console
from backpass.cli.fitting.outcome import not_started, tell, with_saved_path
from backpass.cli.fitting.preparation import in_memory, problem_of, require_streamable, streamed
from backpass.cli.fitting.request import Request
from backpass.cli.grouped.fit import fit_by_group
from backpass.cli.job.launch import launch
from backpass.cli.job.launcher import JOB, Job
from backpass.cli.options.config import as_toml, from_file, given_why, written
from backpass.cli.options.data import data_options
from backpass.cli.options.declaration import Command, WholeNumber, argument, option, output_options
from backpass.cli.options.reading import reading
from backpass.cli.options.settings import settings_options
from backpass.cli.progress import watcher
from backpass.cli.scores.folds import Folds, facts
from backpass.errors import DivergedError, InterruptedTraining, UsageError
from backpass.model import CrossValidation, Model, Problem, fit_problem
from backpass.model.fitting.larger.choice import resident_or_streamed
from backpass.model.settings.declarations import SETTINGS
from backpass.table import Table
from backpass.table.memory import limited_memory
from backpass.training.processes.exchange import Exchange


def _only_one(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Return the value of an option that may be given once.

    Raises:
        UsageError: It was given several times.
    """
    if len(values) > 1:
        named = " and ".join(values)
        hint = "for a network per combination, add a column that joins them"
        raise UsageError(f"{parameter.opts[-1]} names one column of groups; got {named}", hint=hint)
    return values[0] if values else None


@click.command(cls=Command)
@argument("table", type=click.Path())
@data_options()
@option(
    "--features-of",
    metavar="MODEL",
    section="Data",
    help="model file whose learned features (the layers below its output layer) are kept; only a new output layer is "
    "trained. TABLE needs the columns of that model; default: all layers are trained",
)
@option(
    "--folds",
    metavar="NUMBER",
    type=WholeNumber(2),
    section="Data",
    help="also cross-validate with this many folds, 2 or more: one more fit per fold, scored on the rows it left out; "
    "default: no",
)
@option(
    "--repeats",
    metavar="NUMBER",
    type=WholeNumber(1),
    section="Data",
    help="repeat the cross-validation with different folds; default: 1",
)
@option("--out-of-fold", metavar="FILE", section="Data", help="file for the predictions of the left-out rows")
@option("--report", metavar="FILE", section="Data", help="also write an HTML report (see backpass report)")
@option(
    "--by",
    metavar="COLUMN",
    multiple=True,
    callback=_only_one,
    section="Data",
    help="train a small network for each group of rows, such as each store, and write all of them to one model file",
)
@option(
    "--min-rows",
    metavar="NUMBER",
    type=WholeNumber(2),
    section="Data",
    help="with --by, the minimum number of rows for a group to get its own network; one network, trained on all rows, "
    "predicts the smaller groups; default: 30",
)
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
@option(
    "--workers",
    metavar="NUMBER",
    type=WholeNumber(1),
    section="Run",
    help="train in this many processes on this machine, which share its cores (MPI, backpass[mpi]); default: one",
)
@option(
    "--stream/--no-stream",
    default=None,
    section="Data",
    help="read a Parquet or CSV table (or a pattern for several) in pieces, for tables that do not fit in memory; "
    "encoded rows are kept in a temporary folder; default: if the table is too large for memory",
)
@option(
    "--memory",
    metavar="SIZE",
    section="Run",
    help="memory limit of the fit, such as 4GB or 500MB; default: the available memory",
)
@output_options()
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
      backpass fit sales.parquet -t sold --by store
      backpass fit rents.csv -t rent --features-of housing.backpass
    """
    console = Console(quiet=given["quiet"])
    context = click.get_current_context()
    job: Job = context.meta[JOB]
    exchange = job.exchange
    if given["by"] is not None:
        return fit_by_group(given, console, exchange.size)
    if given["min_rows"] is not None:
        raise UsageError("--min-rows requires --by", hint="name the column of groups: --by COLUMN")
    if (workers := _workers(given["workers"], exchange.size)) > 1:
        _require_file(given["table"])
        if exchange.size == 1 and not given["print_config"]:
            Request.of(given)
            return launch(workers, context.obj)
    request = Request.of(given)
    folds = Folds.of(given)
    if given["print_config"]:
        console.write("\n".join([*_config_lines(request, given), ""]))
        return 0
    if exchange.rank == 0:
        request.check_files()
    with ExitStack() as stack:
        stack.enter_context(limited_memory(request.memory))
        prepared = resident_or_streamed(
            stack,
            "auto" if given["stream"] is None else given["stream"],
            partial(in_memory, request, folds, console, verbose=given["verbose"]),
            partial(streamed, request, console, exchange=exchange, verbose=given["verbose"]),
            partial(require_streamable, request, folds),
            exchange,
        )
        if prepared.is_streamed and "--stream" not in context.obj:
            context.obj = [*context.obj, "--stream"]  # a command that resumes the run streams, too
        model, stopped = _trained(prepared.problem, request, console, exchange)
    try:
        if exchange.rank == 0:
            tell(model, request, console, stopped)
        crossed = None
        if folds is not None and prepared.cut is not None and stopped is None:
            crossed = folds.run(prepared.cut, request.settings, console, model.head.metric, exchange)
        if exchange.rank == 0:
            crossed_facts = _crossed(crossed, folds)
            _hand_out(
                model, prepared.report_table, stopped, request, console, as_json=given["as_json"], crossed=crossed_facts
            )
    except KeyboardInterrupt:
        raise InterruptedTraining(f"interrupted; {request.output} is saved") from None
    return 0 if stopped is None else 128 + stopped.signal


def _workers(asked: int | None, processes: int) -> int:
    """The number of processes to train in.

    Raises:
        UsageError: A launcher has started another number of them.
    """
    if processes > 1 and asked not in (None, processes):
        raise UsageError(
            f"--workers {asked}, but the launcher has started {processes} processes", hint="leave out one of the two"
        )
    return processes if asked is None else asked


def _require_file(table: str) -> None:
    """Reject standard input, which only one of several processes could read."""
    if table == "-":
        raise UsageError("several processes cannot read standard input", hint="write the table to a file first")


def _hand_out(
    model: Model,
    report_table: Table | None,
    stopped: InterruptedTraining | None,
    request: Request,
    console: Console,
    *,
    as_json: bool,
    crossed: Mapping[str, Any],
) -> None:
    """Write the results other than the model: the HTML report, and the JSON object on standard output."""
    if request.report is not None:
        write_page(model, report_table if model.record.scores else None, request.report, console)
    if as_json:
        checkpoint = request.checkpoint if stopped is None else stopped.checkpoint
        files = {"output": request.output, "checkpoint": checkpoint, "report": request.report}
        console.document("fit", **summary.facts(model), **files, **crossed)


def _crossed(found: CrossValidation | None, folds: Folds | None) -> dict[str, Any]:
    """The entry of a cross-validation in the JSON object, if there was one."""
    return {} if found is None or folds is None else {"cross_validation": facts(found, folds.output)}


def _config_lines(request: Request, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a configuration file with every option resolved for this table; a run with it writes the same model.

    What the user did not set stays unset where it follows from something else: the learning rate, which training lowers
    if the run diverges, and the patience of a preset, which is a share of the epochs.
    """
    settings = problem_of(request, *request.tables()).settings
    chosen = {setting.name: written(setting, getattr(settings, setting.name)) for setting in SETTINGS}
    why = given_why(SETTINGS)
    if "learning_rate" not in dict(settings.given):
        why["learning_rate"] = f"{settings.learning_rate!r}, or a tenth of it where training diverges"
        chosen["learning_rate"] = None
    if "patience" not in dict(settings.given) and settings.patience is not None:
        why["patience"] = f"{settings.patience}, 5/8 of the epochs"
        chosen["patience"] = None
    target = request.target if len(request.target) > 1 else request.target[0]
    values = {**given, **chosen, "output": request.output, "target": target}
    return as_toml(click.get_current_context().command, values, why)


def _trained(
    problem: Problem, request: Request, console: Console, exchange: Exchange
) -> tuple[Model, InterruptedTraining | None]:
    """Train and save the model; return it with the interruption that ended training, if any."""
    limit = problem.settings.max_seconds
    with watcher(console, problem.head.metric, problem.counts["train"], limit) as watching:
        try:
            return fit_problem(
                problem,
                callbacks=[watching],
                checkpoint=request.checkpoint,
                rescue=request.rescue(console) if exchange.rank == 0 else None,
                resume_from=request.resume,
                on_model=lambda model: model.save(request.output),
                exchange=exchange,
            ), None
        except DivergedError as error:
            raise with_saved_path(error, request.output) from None
        except InterruptedTraining as stop:
            if isinstance(stop.model, Model):
                return stop.model, stop
            raise not_started(stop) from None
