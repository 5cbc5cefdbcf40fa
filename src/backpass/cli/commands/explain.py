"""``backpass explain``: write the contribution of each column to each prediction as CSV, Parquet or JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from backpass.cli.commands.predict import Columns, cells, hand_out, hand_out_rows, read_rows
from backpass.cli.console import Console
from backpass.cli.notes import note_lines
from backpass.cli.options.declaration import Command, argument, option, talking
from backpass.cli.options.reading import reading
from backpass.cli.output import check_rows_output
from backpass.cli.progress import LINE_SECONDS
from backpass.model import Model, load
from backpass.reporting import attribution
from backpass.reporting.attribution import Explanation
from backpass.table import Table


@click.command(cls=Command)
@argument("model")
@argument("table")
@option("-o", "--output", metavar="FILE", help="output file, written atomically; default: standard output")
@option(
    "--class",
    "class_name",
    metavar="NAME",
    help="explain the probability of this class; default: the positive one of two, otherwise the most probable one",
)
@option(
    "--keep",
    metavar="COLUMNS",
    multiple=True,
    help="columns of TABLE to copy to the output: a,b (repeatable)",
)
@reading()
@talking()
def explain(**given: Any) -> int:
    """Show the contribution of each column to each prediction.

    Contributions are computed by integrated gradients, relative to a typical row: the training median of each numeric,
    date and time column and the most frequent category of each categorical column. The baseline is the prediction for
    this row; baseline and contributions sum to the prediction.

    TABLE is a file in any format that fit reads; use - for standard input. The output is UTF-8 CSV, or Parquet if
    --output ends in .parquet, with one line per row: the kept columns, the prediction, the baseline and
    contribution(COLUMN) for each column. A classifier's prediction is a class and its probability, and the probability
    is what is explained.

    --json prints an object with "predictions", "baseline", "columns" and "contributions" (per row).

    \b
    Examples:
      backpass explain housing.backpass new.csv > contributions.csv
      backpass explain churn.backpass new.csv --class yes --keep customer_id
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    if given["output"] is not None:
        check_rows_output(given["output"], given["model"], given["table"], as_json=given["as_json"])
    table, keep = read_rows(model, given)
    found = attribution.explain(model, table, given["class_name"], _lines(console))
    for note in note_lines((*table.notes, *found.notes), verbose=given["verbose"]):
        console.item("note", note)
    kept: Columns = {name: cells(table, name) for name in keep}
    if given["as_json"]:
        hand_out(iter([console.as_document("explain", **_facts(model, table, found, kept))]), given["output"], console)
    else:
        hand_out_rows({**kept, **_explained(model, found, kept)}, given["output"], console)
    return 0


def _lines(console: Console) -> Callable[[int, int], None]:
    """Return a callback that reports progress every few seconds."""
    said = time.monotonic()

    def on_rows(done: int, rows: int) -> None:
        nonlocal said
        if done < rows and time.monotonic() - said >= LINE_SECONDS:
            said = time.monotonic()
            console.item("explained", f"{done:,} of {rows:,} rows")

    return on_rows


def _explained(model: Model, found: Explanation, kept: Mapping[str, Any]) -> Columns:
    name = f"predicted({model.target})" if model.target in kept else model.target
    columns: Columns = {}
    if model.classes:
        columns |= {name: found.classes, "probability": found.predicted.tolist()}
    else:
        columns[name] = found.predicted.tolist()
    columns["baseline"] = found.baseline.tolist()
    for column, values in zip(found.columns, found.contributions.T, strict=True):
        columns[f"contribution({column})"] = values.tolist()
    return columns


def _facts(model: Model, table: Table, found: Explanation, kept: Columns) -> dict[str, Any]:
    return {
        "rows": table.rows,
        "target": model.target,
        "task": model.head.target.task,
        "classes": list(found.classes),
        "predictions": found.predicted.tolist(),
        "baseline": found.baseline.tolist(),
        "columns": list(found.columns),
        "contributions": found.contributions.tolist(),
        "kept": dict(kept),
        "notes": [*table.notes, *found.notes],
    }
