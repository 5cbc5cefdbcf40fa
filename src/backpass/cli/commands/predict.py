"""``backpass predict``: apply a model to a table and write predictions as CSV, Parquet or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from backpass.cli.console import Console
from backpass.cli.notes import note_lines
from backpass.cli.options.declaration import Command, argument, keeping, names_in, option, strictness, talking
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.output import check_rows_output
from backpass.cli.rows import hand_out_rows
from backpass.errors import UsageError
from backpass.model import GroupedModel, Model, Predictions
from backpass.model.batches.batches import cells, predicted_columns, predictions_of, windows_for
from backpass.model.batches.findings import Findings
from backpass.model.file.storage import write_atomically
from backpass.model.grouped.loading import load
from backpass.table import Table, read_table
from backpass.table.files.opening import STANDARD_INPUT
from backpass.table.messages import counted
from backpass.table.unseen import require_seen
from backpass.table.windows.windows import ROWS

Columns = dict[str, Sequence[Any] | NDArray[Any]]


@click.command(cls=Command)
@argument("model", type=click.Path())
@argument("table", type=click.Path())
@option("-o", "--output", metavar="FILE", help="output file, written atomically; default: standard output")
@option("--proba", is_flag=True, help="add the probability of each class, as columns p(CLASS)")
@option(
    "--interval",
    type=float,
    metavar="LEVEL",
    help="add a prediction interval with this coverage, such as 0.9, as columns low(TARGET) and high(TARGET)",
)
@option(
    "--quantiles",
    metavar="LIST",
    help="add these quantiles of the target, such as 0.05,0.5,0.95, as columns q0.05(TARGET), ...",
)
@keeping()
@strictness()
@reading()
@talking()
def predict(**given: Any) -> int:
    """Predict the target for the rows of a table.

    TABLE is a file in CSV, Excel, Parquet, Stata, SQLite or another format, optionally compressed (.gz, .zst).
    FILE::NAME is a sheet of a workbook or a table of a database. Use - for standard input, or a quoted pattern such as
    'new/*.csv' for all matching files. Columns are matched by name, in any order; additional columns are ignored. If
    the model was trained on a file without a header, columns are matched by position, with or without the target.

    Each row of the table gets one prediction. Rows without data between others, such as empty rows or a repeated
    header, keep their places, so that predictions can be joined by position; totals and notes below the last row do
    not count as rows.

    The output is UTF-8 CSV, or Parquet if --output ends in .parquet, with one line per row: the kept columns, the
    prediction under the target's name, then probabilities, interval or quantiles if requested. Numbers are written with
    the fewest digits that read back exactly.

    CSV, TSV and Parquet files, and text from standard input, are read and predicted a window of rows at a time, so that
    memory use does not grow with their length. The file of --output appears once all rows are predicted; on standard
    output, the rows before an error have already been written.

    Prediction intervals are derived from the errors on the validation rows and have the same width for every row.
    Coverage holds for rows similar to those; it is slightly lower in practice, because the validation rows also select
    the best epoch. Quantiles are the ends of such intervals: 0.05 and 0.95 are those of the 0.9 interval, and 0.5 is
    the prediction itself.

    --json prints an object with "predictions", "probabilities" (per row, in the order of "classes"), "intervals" (per
    row, low and high), "quantiles" (per quantile, one number for each row) and "kept".

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
    half = None if given["interval"] is None else _single(model, "--interval").half_width(given["interval"])
    asked = given["quantiles"]
    offsets = {}
    if asked is not None:
        offsets = _single(model, "--quantiles").quantile_offsets(asked.replace(" ", "").split(","))
    if given["output"] is not None:
        check_rows_output(given["output"], given["model"], given["table"], as_json=given["as_json"])
    if not given["as_json"]:
        _hand_out_windows(model, given, console, half, offsets)
        return 0
    with console.working(f"reading {given['table']}"):
        table, keep = read_rows(model, given)
    with console.working(f"predicting {counted(table.rows, 'row')}"):
        predictions = model.predictions(table)
    print_findings(console, Findings.of(table, predictions), given)
    kept: Columns = {name: cells(table, name) for name in keep}
    document = console.as_document("predict", **_facts(model, table, predictions, kept, half, offsets))
    hand_out(iter([document]), given["output"], console)
    return 0


def _hand_out_windows(
    model: Model | GroupedModel,
    given: Mapping[str, Any],
    console: Console,
    half: float | None,
    offsets: Mapping[float, float],
) -> None:
    """Predict a window of rows after another and write them.

    What was noticed about a table of one window is said before anything is written, otherwise behind the last row.

    Raises:
        DataError: With --strict, a column is unlike that of the training rows.
    """
    keep = _kept_names(given)
    with closing(windows_for(model, given["table"], keep=keep, **reading_of(given, model.schema.missing))) as tables:
        _hand_out_predictions(model, tables, given, console, keep, half, offsets)


def _hand_out_predictions(
    model: Model | GroupedModel,
    tables: Iterator[Table],
    given: Mapping[str, Any],
    console: Console,
    keep: Sequence[str],
    half: float | None,
    offsets: Mapping[float, float],
) -> None:
    findings = Findings()

    def windows() -> Iterator[Columns]:
        for table, predictions in predictions_of(model, tables, findings):
            columns: Columns = {name: cells(table, name) for name in keep}
            columns |= predicted_columns(model, predictions, columns, proba=given["proba"])
            yield columns | _spread(model, predictions, half, offsets)
        if given["strict"]:
            require_seen(findings.source, findings.unseen, findings.suspects)

    with console.working(f"predicting the rows of {given['table']}"):
        rest = windows()
        first = [next(rest)]
        # The first rows of a long standard input are written before the next ones are there.
        if given["table"] != STANDARD_INPUT or findings.rows < ROWS:
            first += [each for each in [next(rest, None)] if each is not None]
            if len(first) == 1:
                print_findings(console, findings, given)
                hand_out_rows(first, given["output"], console)
                return
    with console.working(f"predicting the rows of {given['table']}"):
        hand_out_rows(chain(first, rest), given["output"], console, complete=given["strict"])
    print_findings(console, findings, given)


def print_findings(console: Console, found: Findings, given: Mapping[str, Any]) -> None:
    """Print the notes and warnings about the rows of a table.

    Raises:
        DataError: With --strict, a column is unlike that of the training rows.
    """
    for note in note_lines(found.notes, verbose=given["verbose"]):
        console.item("note", note)
    if given["strict"]:
        require_seen(found.source, found.unseen, found.suspects)
    for warning in found.warnings:
        console.alarm("warning", warning)


def hand_out(pieces: Iterator[str], output: str | None, console: Console) -> None:
    """Write text to a file atomically, or to standard output piece by piece."""
    if output is not None:
        write_atomically(output, "".join(pieces).encode("utf-8", "surrogateescape"))
        return
    for piece in pieces:
        console.write(piece)


def read_rows(model: Model | GroupedModel, given: Mapping[str, Any]) -> tuple[Table, list[str]]:
    """Read the table with the model's column kinds; return it with the names of the columns to keep.

    Kept columns that the model does not use are read as categorical, so that their cells are copied verbatim.
    """
    keep = _kept_names(given)
    kinds = {**dict.fromkeys(keep, "categorical"), **model.kinds()}
    options = {"headerless": model.headerless(), "keep_rows": True, **reading_of(given, model.schema.missing)}
    return read_table(given["table"], kinds=kinds, need=keep, **options), keep


def _kept_names(given: Mapping[str, Any]) -> list[str]:
    """Return the names of the columns to keep."""
    return list(dict.fromkeys(names_in(given["keep"])))


def _single(model: Model | GroupedModel, option: str) -> Model:
    """The model, if it is one that an option applies to.

    Raises:
        UsageError: It is a grouped model.
    """
    if isinstance(model, GroupedModel):
        raise UsageError(f"{option}: a grouped model keeps no residuals", hint=f"leave out {option}")
    return model


def _spread(
    model: Model | GroupedModel, predictions: Predictions, half: float | None, offsets: Mapping[float, float]
) -> Columns:
    """Return the columns of the interval's ends and of the quantiles."""
    named = {} if half is None else {"low": -half, "high": half}
    named |= {f"q{q!r}": offset for q, offset in offsets.items()}
    values = predictions.values
    return {f"{name}({model.target})": _end(model, values, offset) for name, offset in named.items()}


def _end(model: Model | GroupedModel, predicted: NDArray[Any], offset: float) -> NDArray[np.float64]:
    """The end of an interval, or a quantile, of each row."""
    return _single(model, "--interval").interval_end(predicted, offset)


def _facts(
    model: Model | GroupedModel,
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
        "intervals": None
        if half is None
        else np.column_stack([_end(model, values, offset) for offset in (-half, half)]).tolist(),
        "quantiles": {repr(q): _end(model, values, offset).tolist() for q, offset in offsets.items()} or None,
        "kept": dict(kept),
        "notes": [*table.notes, *predictions.notes],
        "warnings": list(predictions.warnings),
    }
