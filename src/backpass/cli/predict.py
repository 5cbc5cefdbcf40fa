"""``backpass predict``: a model and a table in, predictions out, as CSV or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
import numpy as np

from backpass.cli.console import Console
from backpass.cli.options import Command, argument, names_in, option, reading, reading_of, talking
from backpass.cli.output import PARQUET, check_rows_output
from backpass.cli.rows import csv_lines, parquet_bytes
from backpass.errors import UsageError
from backpass.model import Model, Predictions, load
from backpass.model.file.storage import write_atomically
from backpass.table import DatetimeColumn, NumericColumn, Table, read_table
from backpass.table.timestamp import moment_texts

Columns = dict[str, Sequence[Any]]


@click.command(cls=Command)
@argument("model", type=click.Path())
@argument("table", type=click.Path())
@option("-o", "--output", metavar="FILE", help="write there, whole or not at all; default: standard output")
@option("--proba", is_flag=True, help="add the probability of each class, in columns named p(class)")
@option(
    "--interval",
    type=float,
    metavar="LEVEL",
    help="add the ends of an interval that holds the target with this chance, such as 0.9, in columns low and high",
)
@option(
    "--quantiles",
    metavar="LIST",
    help="add these quantiles of the target, such as 0.05,0.5,0.95, in columns q0.05(target) and so on",
)
@option(
    "--keep",
    metavar="COLUMNS",
    multiple=True,
    help="columns of TABLE to repeat beside the predictions: a,b (repeatable)",
)
@reading()
@talking()
def predict(**given: Any) -> int:
    """Predict the target for the rows of a table.

    TABLE is a CSV, TSV, JSON or Parquet file; - is standard input, and a pattern in quotes ('new/*.csv') all files that
    match it. Columns are matched by name, in any order; others are ignored. If the model learned from a file without a
    header, such a file is matched by the place of its columns, with or without the target. Out comes CSV (UTF-8), or
    Parquet where --output ends in .parquet, a line for each row: kept columns, then the target's name, then
    probabilities, the ends of the interval, low(target) and high(target), or the quantiles. Numbers are the shortest
    that read back exactly.

    An interval is as wide as the errors on the validation rows ask for, the same width for every row. Where new rows
    are like those, it holds the target as often as asked; these rows also chose the best epoch, so a little less often.
    Quantiles are the ends of such intervals: 0.05 and 0.95 those of 0.9, 0.5 the prediction itself.

    With --json: one object with "predictions", "probabilities" (by row, in the order of "classes"), "intervals" (by
    row, low and high), "quantiles" (by quantile, a number for each row) and "kept".

    \b
    Examples:
      backpass predict housing.backpass new.csv > predicted.csv
      backpass predict housing.backpass new.csv --interval 0.9
      backpass predict housing.backpass new.csv --quantiles 0.05,0.5,0.95
      cat new.csv | backpass predict churn.backpass - --proba --keep customer_id
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    if given["proba"] and not model.classes:
        raise UsageError(model.why_no_probabilities, hint="leave out --proba")
    half = None if given["interval"] is None else model.half_width(given["interval"])
    asked = given["quantiles"]
    offsets = {} if asked is None else model.quantile_offsets(asked.replace(" ", "").split(","))
    if given["output"] is not None:
        check_rows_output(given["output"], given["model"], given["table"], as_json=given["as_json"])
    table, keep = read_rows(model, given)
    predictions = model.predictions(table)
    for note in (*table.notes, *predictions.notes):
        console.item("note", note)
    kept: Columns = {name: cells(table, name) for name in keep}
    if given["as_json"]:
        document = console.as_document("predict", **_facts(model, table, predictions, kept, half, offsets))
        hand_out(iter([document]), given["output"], console)
    else:
        columns = {**kept, **_predicted(model, predictions, kept, proba=given["proba"])}
        columns |= _spread(model, predictions, half, offsets)
        hand_out_rows(columns, given["output"], console)
    return 0


def hand_out_rows(columns: Columns, output: str | None, console: Console) -> None:
    """Write columns as Parquet where a file's name asks for it, else as CSV."""
    if output is not None and output.endswith(PARQUET):
        write_atomically(output, parquet_bytes(columns))
    else:
        hand_out(csv_lines(columns), output, console)


def hand_out(pieces: Iterator[str], output: str | None, console: Console) -> None:
    """Write to a file, whole or not at all, or to standard output."""
    if output is not None:
        write_atomically(output, "".join(pieces).encode("utf-8", "surrogateescape"))
        return
    for piece in pieces:
        console.write(piece)


def read_rows(model: Model, given: Mapping[str, Any]) -> tuple[Table, list[str]]:
    """The table in the model's kinds; kept columns that the model does not know are texts, as they stand."""
    keep = list(dict.fromkeys(names_in(given["keep"])))
    kinds = {**dict.fromkeys(keep, "categorical"), **model.kinds()}
    options = reading_of(given, model.schema.missing)
    return read_table(given["table"], kinds=kinds, need=keep, headerless=model.headerless(), **options), keep


def cells(table: Table, name: str) -> list[Any]:
    """The cells of a column; a missing one is None."""
    column = table.columns[name]
    if isinstance(column, DatetimeColumn):
        return list(moment_texts(column.microseconds, column.kind))
    if isinstance(column, NumericColumn):
        return [None if gap else value for value, gap in zip(column.values.tolist(), column.missing, strict=True)]
    levels = (None, *column.levels)
    return [levels[code] for code in column.codes.tolist()]


def _predicted(model: Model, predictions: Predictions, kept: Columns, *, proba: bool) -> Columns:
    # A kept column of the target's name is the truth; the prediction beside it needs another name.
    names = [f"predicted({name})" if name in kept else name for name in model.labels]
    columns: Columns = dict(zip(names, predictions.values.reshape(-1, len(names)).T.tolist(), strict=True))
    if proba and predictions.probabilities is not None:
        for label, column in zip(model.classes, predictions.probabilities.T, strict=True):
            columns[f"p({label})"] = column.tolist()
    return columns


def _spread(model: Model, predictions: Predictions, half: float | None, offsets: Mapping[float, float]) -> Columns:
    """The ends of the interval, and the quantiles."""
    named = {} if half is None else {"low": -half, "high": half}
    named |= {f"q{q!r}": offset for q, offset in offsets.items()}
    return {f"{name}({model.target})": (predictions.values + offset).tolist() for name, offset in named.items()}


def _facts(
    model: Model,
    table: Table,
    predictions: Predictions,
    kept: Columns,
    half: float | None,
    offsets: Mapping[float, float],
) -> dict[str, Any]:
    values, probabilities = predictions.values, predictions.probabilities
    return {
        "rows": table.rows,
        "target": model.target,
        "task": model.head.target.task,
        "outputs": list(model.labels),
        "classes": list(model.classes),
        "predictions": values.tolist(),
        "probabilities": None if probabilities is None else probabilities.tolist(),
        "intervals": None if half is None else np.column_stack([values - half, values + half]).tolist(),
        "quantiles": {repr(q): (values + offset).tolist() for q, offset in offsets.items()} or None,
        "kept": dict(kept),
        "notes": [*table.notes, *predictions.notes],
    }
