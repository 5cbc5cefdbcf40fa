"""``backpass predict``: apply a model to a table and write predictions as CSV, Parquet or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from backpass.cli.console import Console
from backpass.cli.note_lines import note_lines
from backpass.cli.options.declaration import Command, argument, keeping, names_in, option, output_options, strictness
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.output import check_rows_output
from backpass.cli.rows import hand_out_rows
from backpass.dataclass import dataclass
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


@dataclass(frozen=True, slots=True)
class Spread:
    """The intervals and the quantiles that are requested.

    Attributes:
        model: The model that has them; None if none are requested.
        level: The level of the intervals; None without them.
        quantiles: The quantiles, ascending.
    """

    model: Model | None = None
    level: float | None = None
    quantiles: tuple[float, ...] = ()

    @staticmethod
    def of(model: Model | GroupedModel, level: float | None, quantiles: str | None) -> Spread:
        """What the options --interval and --quantiles request of a model.

        Raises:
            UsageError: The model does not have it.
        """
        given = {"--interval": level, "--quantiles": quantiles}
        named = [name for name, value in given.items() if value is not None]
        if not named:
            return Spread()
        if isinstance(model, GroupedModel):
            raise UsageError(f"{named[0]}: a grouped model stores no residuals", hint=f"leave out {named[0]}")
        intervals = model.predicted_intervals
        if level is not None:
            intervals.check_level(level)
        asked = () if quantiles is None else intervals.checked_quantiles(quantiles.replace(" ", "").split(","))
        return Spread(model, level, asked)

    def columns(self, found: Predictions) -> Columns:
        """The columns of the ends of the intervals and of the quantiles, target by target."""
        if self.model is None:
            return {}
        names = [] if self.level is None else ["low", "high"]
        names += [f"q{q!r}" for q in self.quantiles]
        ends = [] if self.level is None else [self.model.predicted_intervals.ends(found, self.level)]
        ends += [self.model.predicted_intervals.quantiles(found, self.quantiles)] if self.quantiles else []
        both = np.concatenate(ends, axis=-1).reshape(len(found.values), len(self.model.targets), len(names))
        return {
            f"{name}({target})": both[:, j, i]
            for j, target in enumerate(self.model.targets)
            for i, name in enumerate(names)
        }

    def facts(self, found: Predictions) -> dict[str, Any]:
        """The intervals and the quantiles for --json."""
        if self.model is None:
            return {"intervals": None, "quantiles": None}
        ends = None if self.level is None else self.model.predicted_intervals.ends(found, self.level).tolist()
        if not self.quantiles:
            return {"intervals": ends, "quantiles": None}
        each = self.model.predicted_intervals.quantiles(found, self.quantiles)
        return {"intervals": ends, "quantiles": {repr(q): each[..., i].tolist() for i, q in enumerate(self.quantiles)}}


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
@output_options()
def predict(**given: Any) -> int:
    """Predict the target for the rows of a table.

    TABLE is a file in CSV, Excel, Parquet, Stata, SQLite or another format, optionally compressed (.gz, .zst).
    FILE::NAME is a sheet of a workbook or a table of a database. Use - for standard input, or a quoted pattern such as
    'new/*.csv' for all matching files. Columns are matched by name, in any order; additional columns are ignored. If
    the model was trained on a file without a header, columns are matched by position, with or without the target.

    Each row of the table gets one prediction. Rows without data that lie between data rows, such as empty rows or a
    repeated header, keep their places, so that predictions can be joined by position; totals and notes below the
    last row do not count as rows.

    The output is UTF-8 CSV, or Parquet if --output ends in .parquet, with one line per row: the kept columns, the
    prediction under the target's name, then probabilities, interval or quantiles if requested. Numbers are written with
    the fewest digits that read back exactly.

    CSV, TSV and Parquet files, and text from standard input, are read and predicted a window of rows at a time, so that
    memory use does not grow with their length. The output file appears once all rows are predicted; on standard
    output, the rows before an error have already been written.

    Prediction intervals are derived from the errors on the validation rows. They are wider for predictions whose errors
    are larger. With a time column, the width does not depend on the prediction, but rows later than the latest test row
    get wider intervals. With several targets, each has its own interval. Coverage holds for rows similar to the
    validation rows; it is slightly lower in practice, because these also select the best epoch. Quantiles are
    endpoints of such intervals: 0.05 and 0.95 bound the 0.9 interval, and 0.5 is the prediction itself.

    --json prints an object with "predictions", "probabilities" (per row, in the order of "classes"), "intervals" (per
    row, low and high; with several targets, a pair for each), "quantiles" (per quantile, one number for each row; with
    several targets, one for each) and "kept".

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
    spread = Spread.of(model, given["interval"], given["quantiles"])
    if given["output"] is not None:
        check_rows_output(given["output"], given["model"], given["table"], as_json=given["as_json"])
    if not given["as_json"]:
        _hand_out_windows(model, given, console, spread)
        return 0
    with console.working(f"reading {given['table']}"):
        table, keep = read_rows(model, given)
    with console.working(f"predicting {counted(table.rows, 'row')}"):
        predictions = model.predictions(table)
    print_findings(console, Findings.of(table, predictions), given)
    kept: Columns = {name: cells(table, name) for name in keep}
    document = console.as_document("predict", **prediction_facts(model, table, predictions, kept, spread))
    hand_out(iter([document]), given["output"], console)
    return 0


def _hand_out_windows(
    model: Model | GroupedModel,
    given: Mapping[str, Any],
    console: Console,
    spread: Spread,
) -> None:
    """Predict a window of rows after another and write them.

    Notes on a table of one window are printed before anything is written; otherwise after the last row.

    Raises:
        DataError: With --strict, a column is unlike that of the training rows.
    """
    keep = kept_names(given)
    with closing(windows_for(model, given["table"], keep=keep, **reading_of(given, model.schema.missing))) as tables:
        _hand_out_predictions(model, tables, given, console, keep, spread)


def _hand_out_predictions(
    model: Model | GroupedModel,
    tables: Iterator[Table],
    given: Mapping[str, Any],
    console: Console,
    keep: Sequence[str],
    spread: Spread,
) -> None:
    findings = Findings()

    def windows() -> Iterator[Iterable[Columns]]:
        for table, predictions in predictions_of(model, tables, findings):
            columns: Columns = {name: cells(table, name) for name in keep}
            columns |= predicted_columns(model, predictions, columns, proba=given["proba"])
            yield [columns | spread.columns(predictions)]
        if given["strict"]:
            require_seen(findings.source, findings.unseen, findings.suspects)

    hand_out_windows(
        windows(),
        findings,
        given,
        console,
        lambda: print_findings(console, findings, given),
        doing="predicting",
        complete=given["strict"],
    )


def hand_out_windows(
    windows: Iterator[Iterable[Columns]],
    findings: Findings,
    given: Mapping[str, Any],
    console: Console,
    tell: Callable[[], object],
    *,
    doing: str,
    complete: bool = False,
) -> None:
    """Write the rows of windows while they are made.

    Args:
        windows: The rows of one window after another, in one or several blocks with the same columns.
        findings: What was noticed about the windows so far.
        given: The options of the command.
        console: Where standard output is written.
        tell: Prints the findings: before anything is written if there is one window, otherwise after the last row.
        doing: What is done to the rows, for the line of progress.
        complete: See ``hand_out_rows``.
    """
    with console.working(f"{doing} the rows of {given['table']}"):
        first = [next(windows)]
        # The first rows of a long standard input are written before the next ones are there.
        if given["table"] != STANDARD_INPUT or findings.rows < ROWS:
            first += [each for each in [next(windows, None)] if each is not None]
            if len(first) == 1:
                tell()
                hand_out_rows(first[0], given["output"], console)
                return
    with console.working(f"{doing} the rows of {given['table']}"):
        blocks = chain.from_iterable(chain(first, windows))
        hand_out_rows(blocks, given["output"], console, complete=complete)
    tell()


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
    keep = kept_names(given)
    kinds = {**dict.fromkeys(keep, "categorical"), **model.kinds()}
    options = {"headerless": model.headerless(), "keep_rows": True, **reading_of(given, model.schema.missing)}
    return read_table(given["table"], kinds=kinds, need=keep, **options), keep


def kept_names(given: Mapping[str, Any]) -> list[str]:
    """Return the names of the columns to keep."""
    return list(dict.fromkeys(names_in(given["keep"])))


def prediction_facts(
    model: Model | GroupedModel,
    table: Table,
    predictions: Predictions,
    kept: Columns,
    spread: Spread,
) -> dict[str, Any]:
    """The object that --json prints."""
    values, probabilities = predictions.values, predictions.probabilities
    return {
        "rows": table.rows,
        "target": model.target,
        "task": model.head.target.task,
        "outputs": list(model.labels),
        "classes": list(model.classes),
        "predictions": values.tolist(),
        "probabilities": None if probabilities is None else probabilities.tolist(),
        **spread.facts(predictions),
        "kept": dict(kept),
        "notes": [*table.notes, *predictions.notes],
        "warnings": list(predictions.warnings),
    }
