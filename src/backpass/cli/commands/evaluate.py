"""``backpass evaluate``: compute a model's metrics on rows whose target is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import click
import numpy as np

from backpass.cli.console import Console
from backpass.cli.evaluation_view import EvaluationView, segment_lines
from backpass.cli.grouped.evaluate import evaluate_groups
from backpass.cli.note_lines import note_lines
from backpass.cli.options.declaration import Command, argument, option, output_options, strictness
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.scores.model_scores import comparison_lines
from backpass.cli.text import aligned
from backpass.errors import DataError, UsageError
from backpass.model import GroupedModel, Model
from backpass.model.evaluation.gathering import labeled_windows
from backpass.model.grouped.loading import load
from backpass.model.record import COVERAGE
from backpass.reporting.numbers.columns import columns_of
from backpass.reporting.numbers.drift import Drift, drift_facts, drifts
from backpass.reporting.numbers.segments import columns_for_segments, segments_of
from backpass.table import Table, read_table
from backpass.table.messages import counted, shown
from backpass.table.unseen import Unseen, require_seen

MOST_DRIFTS = 10
"""The maximum number of columns whose drift is printed."""

MOST_TEXTS = 100
"""The maximum number of unknown values of a column in ``--json``."""


@click.command(cls=Command)
@argument("model", type=click.Path())
@argument("table", type=click.Path())
@option(
    "--by",
    metavar="COLUMN[:UNIT]",
    multiple=True,
    help="also score each value of a column, or each period of a date column, by itself: region, sold:month, or month "
    "alone if there is one date column (repeatable)",
)
@option(
    "--intervals",
    is_flag=True,
    help="add the 95% bootstrap interval of each metric; rows are drawn with replacement (whole groups, "
    "or blocks of time, if the model was fitted with --group or --time)",
)
@strictness("reject a table with missing targets; default: leave such rows out")
@reading()
@output_options()
def evaluate(**given: Any) -> int:
    """Score a model on rows whose target is known.

    TABLE is a file in any format that fit reads and contains the target column; use - for standard input. Rows without
    a target are left out. If the model was fitted with --weight and TABLE has that column, it weights the rows.

    Prints one line per metric: name, value and, in parentheses, the value on the test (or validation) rows at training
    time. For classes, the confusion matrix follows, with precision, recall and F1 of each class. For several targets,
    these metrics are means, and those of each target follow.
    A message says whether the network beats the best baseline on these rows; a warning appears if many of them are
    training rows. Columns whose distribution has shifted since training are listed with the distance: the
    Kolmogorov-Smirnov statistic for numbers and dates, the total variation distance for categories.

    For a model trained with fit --by, the groups with the worst scores follow; pass --by with the group column to print
    all of them.

    A CSV, TSV or Parquet file is read in windows. From 524,288 rows on, memory does not grow with its length, unless
    --by or --intervals is given or the model was fitted with --group or --time; a note says what is then approximate.

    --by scores segments: the values of a column (numbers with many values are split at the quartiles), or periods
    of a date or time column by year, quarter, month, week, day, weekday or hour.

    --json prints an object with "scores", "intervals", "comparison", "drift" (every column), "unseen" (unknown
    categories), "segments", "notes" and "warnings".

    \b
    Examples:
      backpass evaluate housing.backpass labeled.csv
      backpass evaluate churn.backpass labeled.csv --intervals
      backpass evaluate sales.backpass later.csv --by month --by region
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    if isinstance(model, GroupedModel):
        return evaluate_groups(model, given, console)
    options = reading_of(given, model.schema.missing)
    weight = model.record.weight
    tables = labeled_windows(model, given["table"], weight=weight, strict=given["strict"], **options)
    with console.working(f"scoring the rows of {given['table']}"), closing(tables) as windows:
        rows = EvaluationView.of(model, windows, given["by"], with_intervals=given["intervals"])
    table, encoded = _with_columns(rows.found.table, model, given), rows.found.encoded
    segments = [segments_of(table, by, model.record.settings.get("time")) for by in dict.fromkeys(given["by"])]
    named = (*(each.target.name for each in model.head.targets), *(each.column for each in segments))
    known = replace(model.schema, left_out=(*model.schema.left_out, *named))
    if given["strict"]:
        require_seen(table.source, encoded.unseen, encoded.suspects)
    notes, warnings = (
        [*encoded.notes, *rows.found.notes, *known.ignored(table)],
        [*encoded.warnings, *rows.found.warnings],
    )
    drift = drifts(columns_of(model), model.training_rows, encoded)
    if drift is None:
        notes.append(
            "the model file lacks the statistics for drift and the digests of its training rows: it was "
            "written by an earlier version, by partial_fit or by the playground"
        )
    if model.record.weight and model.record.weight not in table.columns:
        notes.append(
            f"the table has no column {model.record.weight!r}, the row weights of the fit: all rows have equal weight"
        )
    for note in note_lines(notes, verbose=given["verbose"]):
        console.item("note", note)
    for warning in warnings:
        console.alarm("warning", warning)
    scored = [(each.title, rows.by(each)) for each in segments]
    if given["as_json"]:
        facts = {"drift": drift_facts(drift), "unseen": [_unseen_facts(each) for each in encoded.unseen]}
        facts["segments"] = [{"by": title, "parts": [each.to_json() for each in parts]} for title, parts in scored]
        console.document("evaluate", **rows.facts(), **facts, notes=notes, warnings=warnings)
        return 0
    metrics = dict.fromkeys((model.head.metric, *model.head.metrics, COVERAGE))
    of_segments = [line for title, parts in scored for line in ("", *segment_lines(title, parts, [*metrics]))]
    console.page([*rows.lines(), *of_segments, *_drift_lines(drift)])
    for label, text in comparison_lines(model, rows.found.comparison):
        console.item(label, text)
    return 0


def _with_columns(table: Table, model: Model, given: Mapping[str, Any]) -> Table:
    """The table with the columns of --by that the model does not use, read from the file once more.

    Raises:
        DataError: The file has other rows by now.
        UsageError: The table comes from standard input, which cannot be read again.
    """
    wanted = [name for by in given["by"] for name in columns_for_segments(table, by)]
    if not wanted:
        return table
    if given["table"] == "-":
        raise UsageError(
            f"--by {wanted[0]} is not a column of the model, and standard input cannot be read twice",
            hint="pass the name of a file",
        )
    others = [name for name in (*table.names, *table.left_out) if name not in wanted]
    options = {"headerless": model.headerless(), **reading_of(given, model.schema.missing)}
    whole_table = read_table(given["table"], drop=others, tolerant=True, keep_rows=True, **options)
    rows = {int(number): place for place, number in enumerate(whole_table.row_numbers)}
    places = [rows.get(int(number), -1) for number in table.row_numbers]
    if min(places, default=0) < 0:
        raise DataError(f"{table.source}: the values of {wanted[0]!r} cannot be matched to the rows")
    placed = whole_table.take(np.array(places, dtype=np.intp))
    left_out = tuple(name for name in table.left_out if name not in placed.columns)
    return replace(table, columns={**table.columns, **placed.columns}, left_out=left_out)


def _drift_lines(found: Sequence[Drift] | None) -> list[str]:
    """Format the columns that have clearly moved, the most first; none if none have."""
    moved = [each for each in found or () if each.is_clear]
    if not moved:
        return []
    rows = [[shown(each.name)[1:-1], f"{each.distance:.2f}", each.sentence] for each in moved[:MOST_DRIFTS]]
    more = [f"... {counted(len(moved) - len(rows), 'more column')} (--json has all)"] if len(moved) > len(rows) else []
    heading = f"{len(moved):,} of {counted(len(found or ()), 'column')} moved since training"
    return ["", *aligned([[heading, "distance", ""], *rows], left=(0, 2)), *more]


def _unseen_facts(found: Unseen) -> dict[str, Any]:
    values = list(found.texts[:MOST_TEXTS])
    return {
        "column": found.name,
        "rows": found.rows,
        "share": found.share,
        "distinct": len(found.texts),
        "values": values,
    }
