"""``backpass distill``: one small network that predicts like a model of many."""

from __future__ import annotations

import os
import shlex
import time
from typing import Any

import click
import numpy as np

from backpass.cli import summary
from backpass.cli.console import Console
from backpass.cli.note_lines import note_lines
from backpass.cli.options.declaration import Command, WholeNumber, argument, flag, option, output_options
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.options.settings import settings_of, settings_options
from backpass.cli.output import check_apart, check_replaceable
from backpass.cli.progress import watcher
from backpass.cli.scores.model_scores import score_lines, scores_table
from backpass.cli.text import size
from backpass.errors import UsageError
from backpass.model import Model, load
from backpass.model.distillation.distill import FIXED, distillation_problem, distilled, table_for
from backpass.table import Table

_TIMED_ROWS = 10_000
_TIMES = 3
_TIMES_ALONE = 20


@click.command(cls=Command)
@argument("model", type=click.Path())
@argument("table", type=click.Path())
@option("-o", "--output", metavar="FILE", required=True, section="Data", help="path of the small model's file")
@option(
    "--mixed",
    metavar="NUMBER",
    type=WholeNumber(0),
    section="Data",
    help="number of synthetic rows per training row, which the model labels; default: 4, or at least 8,192 in all",
)
@settings_options()
@reading()
@output_options()
def distill(**given: Any) -> int:
    """Train one small network that predicts like a model, such as an ensemble.

    TABLE has the columns of MODEL and its target. Ideally it is the table that the model was fitted on: then the test
    rows are those of the model, which did not train on them. Another table is split anew. The network learns from the
    model's predictions on the training rows and on synthetic rows: training rows in which some values are replaced by
    those of other rows.

    Prints the scores of the network and of MODEL (the teacher) on the same rows, and the size and the time per row of
    both. The file is a model like any other. Options describe the network; those that the model determines, such as
    --loss and --ensemble-size, cannot be set.

    \b
    Examples:
      backpass distill best.backpass houses.csv -o small.backpass
      backpass distill best.backpass houses.csv -o tiny.backpass --hidden 32,32
    """
    console = Console(quiet=given["quiet"])
    path, output, table_path = given["model"], given["output"], given["table"]
    if refused := [name for name in FIXED if given.get(name) not in (None, ())]:
        raise UsageError(
            f"distill makes one network that predicts like the model: {', '.join(map(flag, refused))} cannot be set",
            hint="fit a model with these options, and distill that one",
        )
    settings = dict(settings_of(given).given)
    check_apart(output, path, table_path)
    check_replaceable(output, "model")
    model = load(path)
    with console.working(f"reading {table_path}"):
        table = table_for(model, table_path, reading_of(given, model.schema.missing))
    with console.working("predicting"):
        problem = distillation_problem(model, table, mixed=given["mixed"], settings=settings)
    for label, text in summary.before(table, problem, verbose=given["verbose"]):
        console.item(label, text)
    console.line()
    limit = problem.settings.max_seconds
    with watcher(console, problem.head.metric, problem.trained.rows, limit) as watching:
        small = distilled(model, problem, [watching])
    small.save(output)
    paths = {"network": (output, small), "teacher": (path, model)}
    costs = {name: _cost(each, table) for name, (_, each) in paths.items()}
    sizes = {name: os.path.getsize(where) for name, (where, _) in paths.items()}
    console.item("trained", summary.run_line(small))
    for line in ("", *scores_table(small)):
        console.line(line)
    console.line()
    for name, cost in costs.items():
        console.item(
            name,
            f"{size(sizes[name])}, {cost['microseconds_per_row']:.3g} us per row, "
            f"{cost['microseconds_for_one_row']:,.0f} us for a single row",
        )
    console.command("next", shlex.join(["backpass", "report", output, table_path]))
    for line in score_lines(small):
        console.line(line)
    console.line(f"saved {output} ({size(os.path.getsize(output))})")
    if given["as_json"]:
        notes = note_lines(small.record.notes, verbose=True)
        console.document("distill", **{**summary.facts(small), "notes": notes}, output=output, bytes=sizes, costs=costs)
    return 0


def _cost(model: Model, table: Table) -> dict[str, float]:
    """The microseconds that a model takes per row of many, and for one row."""
    rows = table.take(np.arange(min(table.rows, _TIMED_ROWS)))
    many, one = _seconds(model, rows, _TIMES), _seconds(model, rows.take(np.arange(1)), _TIMES_ALONE)
    return {
        "microseconds_per_row": 1e6 * many / rows.rows,
        "microseconds_for_one_row": 1e6 * one,
    }


def _seconds(model: Model, rows: Table, times: int) -> float:
    """The shortest of several times that the model takes for rows, after one to warm up."""
    model.outputs(rows)
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        model.outputs(rows)
        found.append(time.perf_counter() - begin)
    return min(found)
