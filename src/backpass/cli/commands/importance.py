"""``backpass importance``: print the permutation importance of each column on rows whose target is known."""

from __future__ import annotations

from typing import Any

import click

from backpass.cli.console import Console
from backpass.cli.note_lines import note_lines
from backpass.cli.options.declaration import Command, WholeNumber, argument, option, output_options
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.text import aligned, figure, figures
from backpass.errors import DataError
from backpass.model import load
from backpass.reporting.explanation.importance import (
    REPEATS,
    Importance,
    dominance_warnings,
    importance_metric,
    importances,
    screening_note,
)
from backpass.reporting.numbers.held_out import held_out
from backpass.reporting.page.facts import importance_facts


@click.command(cls=Command)
@argument("model", type=click.Path())
@argument("table", type=click.Path())
@option(
    "--repeats",
    metavar="NUMBER",
    type=WholeNumber(1),
    default=REPEATS,
    help=f"number of times that each column is shuffled; default: {REPEATS}",
)
@option("--seed", metavar="NUMBER", type=WholeNumber(0), default=0, help="seed of the shuffling; default: 0")
@reading()
@output_options()
def importance(**given: Any) -> int:
    """Show how much the score depends on each column: permutation importance.

    TABLE is a file in any format that fit reads and contains the target column; use - for standard input. For the table
    that the model was trained on, only the held-out rows are used. Of more than 5,000 rows, 5,000 are sampled.

    Prints one line per column, the most important one first: how much worse the metric gets when the column is
    shuffled (mean and standard deviation over the repeats), and how far the prediction moves, on average, when a
    number moves by its interquartile range, or a category is replaced by that of another row. Columns with the same
    information share their importance. Of more than 500 columns, the 100 with the largest slopes are shuffled one
    by one, and all others together, on a line of their own.

    --json prints an object with "metric", "rows", "measured_on" and "importances" (each with "column", "importance",
    "spread" and "change", and "columns" if it stands for several).

    \b
    Examples:
      backpass importance housing.backpass housing.csv
      backpass importance churn.backpass labeled.csv --repeats 20 --json
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    table = model.table(given["table"], with_target=True, **reading_of(given, model.schema.missing))
    held = held_out(model, table, "importance")
    if held.rows < 2:
        raise DataError(
            f"importance shuffles the values of a column among rows; got {held.origin}",
            hint="use more labeled rows",
        )
    found = importances(model, held, seed=given["seed"], repeats=given["repeats"])
    warnings = [*held.warnings, *dominance_warnings(found)]
    notes = [*held.notes, *filter(None, [screening_note(found)])]
    for note in note_lines(notes, verbose=given["verbose"]):
        console.item("note", note)
    for warning in warnings:
        console.alarm("warning", warning)
    metric = importance_metric(model.head, held, seed=given["seed"])
    if given["as_json"]:
        facts = {"target": model.target, "metric": metric, "rows": held.rows, "measured_on": held.origin}
        facts["repeats"], facts["importances"] = given["repeats"], importance_facts(found)
        console.document("importance", **facts, notes=notes, warnings=warnings)
        return 0
    console.item("rows", held.origin)
    console.page(_lines(found, metric))
    return 0


def _lines(found: list[Importance], metric: str) -> list[str]:
    """Format one line per column; all numbers of a column have the same number of decimals."""
    worse, change = (figures([getattr(each, name) for each in found]) for name in ("worse", "change"))
    rows = [[each.name, a, figure(each.spread, 2), b] for each, a, b in zip(found, worse, change, strict=True)]
    return aligned([["column", f"{metric} worse by", "std dev", "change"], *rows])
