"""``backpass explain``: write the contribution of each column to each prediction as CSV, Parquet or JSON."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from backpass.cli.commands.predict import Columns, hand_out, hand_out_windows, kept_names, read_rows
from backpass.cli.console import Console
from backpass.cli.note_lines import note_lines
from backpass.cli.options.declaration import Command, WholeNumber, argument, keeping, option, output_options
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.output import check_apart, check_rows_output
from backpass.cli.progress import LINE_SECONDS
from backpass.cli.rows import hand_out_rows
from backpass.errors import UsageError
from backpass.model import Model, load
from backpass.model.batches.batches import cells, windows_for
from backpass.model.batches.findings import Findings
from backpass.model.file.storage import write_atomically
from backpass.reporting.explanation import attribution
from backpass.reporting.explanation.attribution import Explanation
from backpass.reporting.numbers.names import label
from backpass.reporting.numbers.numerals import value_text
from backpass.reporting.pictures.style import require_matplotlib
from backpass.reporting.pictures.waterfall import PICTURE_KINDS, picture_bytes, waterfall_of
from backpass.table import Table
from backpass.table.windows.windows import ROWS


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
@keeping()
@option(
    "--top",
    metavar="NUMBER",
    type=WholeNumber(1),
    help="write only the largest contributions of each row, with their columns and values; default: all",
)
@option(
    "--row",
    metavar="NUMBER",
    type=WholeNumber(1),
    help="explain only this row, counted from 1 without the header; default: all rows",
)
@option(
    "--picture",
    metavar="FILE",
    help="also draw the contributions of one row as a waterfall: .svg, .png or .pdf (requires matplotlib)",
)
@reading()
@output_options()
def explain(**given: Any) -> int:
    """Show the contribution of each column to each prediction.

    Contributions are computed by integrated gradients, relative to a typical row: the training median of each numeric,
    date and time column and the most frequent category of each categorical column. The baseline is the prediction for
    this row; baseline and contributions sum to the prediction.

    TABLE is a file in any format that fit reads; use - for standard input. The output is UTF-8 CSV, or Parquet if
    --output ends in .parquet, with one line per row: the kept columns, the prediction, the baseline and
    contribution(COLUMN) for each column. For a classifier, the prediction is the probability of a class, and the column
    explained_class names the class; it is not a decision, which predict makes.

    With --top 3 the contributions are column_1, value_1, contribution_1, ..., contribution_3, the largest absolute ones
    of each row, and contribution(other columns), the sum of the others.

    --json prints an object with "predictions", "explained_class", "baseline", "columns" and "contributions" (per row),
    and with --top "top" (per row, each with "column", "value" and "contribution") and "rest".

    \b
    Examples:
      backpass explain housing.backpass new.csv > contributions.csv
      backpass explain churn.backpass new.csv --class yes --keep customer_id
      backpass explain housing.backpass new.csv --top 3
      backpass explain housing.backpass new.csv --row 17 --picture row17.svg
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    if given["output"] is not None:
        check_rows_output(given["output"], given["model"], given["table"], as_json=given["as_json"])
    kind = None if given["picture"] is None else _picture_kind(given)
    if kind is None and given["row"] is None and not given["as_json"]:
        _hand_out_windows(model, given, console)
        return 0
    table, keep = read_rows(model, given)
    table = table if given["row"] is None else _row_of(table, given["row"])
    if kind is not None and table.rows != 1:
        raise UsageError(
            f"--picture draws the contributions of one row; {table.source} has {table.rows:,}", hint="add --row NUMBER"
        )
    found = attribution.explain(model, table, given["class_name"], _lines(console, 0))
    for note in note_lines((*table.notes, *found.notes), verbose=given["verbose"]):
        console.item("note", note)
    kept: Columns = {name: cells(table, name) for name in keep}
    if kind is not None:
        texts = [_text(table, name) for name in found.columns]
        write_atomically(given["picture"], picture_bytes(waterfall_of(found, 0, model.target, texts), kind))
    if given["as_json"]:
        facts = {**_facts(model, table, found, kept), **_top_facts(table, found, given["top"])}
        hand_out(iter([console.as_document("explain", **facts)]), given["output"], console)
    else:
        hand_out_rows([_columns(model, table, found, keep, given["top"])], given["output"], console)
    if kind is not None:
        console.line(f"saved {given['picture']}")
    return 0


def _hand_out_windows(model: Model, given: Mapping[str, Any], console: Console) -> None:
    """Explain the rows, a window after another, and write them; see ``hand_out_windows``.

    Standard output gets the rows of a window in blocks, because a window takes long to explain.
    """
    findings, keep = Findings(), kept_names(given)
    whole = given["output"] is not None

    def tell() -> None:
        for note in note_lines((*findings.notes, *findings.warnings), verbose=given["verbose"]):
            console.item("note", note)

    def windows(tables: Iterator[Table]) -> Iterator[Iterator[Columns]]:
        for table in tables:
            if not table.rows:
                findings.add(table)
                continue
            lines = _lines(console, findings.rows)
            encoded, blocks = attribution.blocks_of(model, table, given["class_name"], lines)
            findings.add(table, encoded)
            yield written(table, iter([Explanation.joined(blocks)]) if whole else blocks)

    def written(table: Table, blocks: Iterator[Explanation]) -> Iterator[Columns]:
        start = 0
        for found in blocks:
            rows = np.arange(start, start + len(found.predicted))
            yield _columns(model, table.take(rows), found, keep, given["top"])
            start += len(rows)

    with closing(windows_for(model, given["table"], keep=keep, **reading_of(given, model.schema.missing))) as tables:
        hand_out_windows(windows(tables), findings, given, console, tell, doing="explaining")


def _columns(model: Model, table: Table, found: Explanation, keep: Sequence[str], top: int | None) -> Columns:
    """Return the columns that are written for rows: kept ones, predictions and contributions."""
    kept = {name: cells(table, name) for name in keep}
    parts = _contributions(found) if top is None else _top(table, found, top)
    return {**kept, **_explained(model, found, kept), **parts}


def _picture_kind(given: Mapping[str, Any]) -> str:
    """Check that the picture can be drawn and written; return its format.

    Raises:
        UsageError: Its suffix is not that of a picture, the path is an input, or matplotlib is missing.
        ResourceError: The path is not writable.
    """
    path = given["picture"]
    kind: str = path.lower().rpartition(".")[2]
    if kind not in PICTURE_KINDS:
        known = ", ".join(f".{each}" for each in PICTURE_KINDS)
        raise UsageError(f"--picture {path}: a picture has one of the suffixes {known}", hint="--picture row.svg")
    require_matplotlib()
    check_apart(path, given["model"], given["table"])
    if given["output"] is not None and os.path.abspath(given["output"]) == os.path.abspath(path):
        raise UsageError(f"--output and --picture are the same file, {path}", hint="give them different names")
    return kind


def _row_of(table: Table, row: int) -> Table:
    """Return one row of a table, by its number.

    Raises:
        UsageError: The table has no such row.
    """
    found = np.flatnonzero(table.row_numbers == row)
    if not found.size:
        last = int(table.row_numbers.max(initial=0))
        raise UsageError(f"--row {row}: {table.source} has no such row", hint=f"rows are numbered from 1 to {last:,}")
    return table.take(found)


def _text(table: Table, name: str) -> str:
    """Return the value of a column in the only row of a table, in few digits."""
    value = cells(table, name)[0]
    return "missing" if value in (None, "") else value_text(value) if isinstance(value, float) else label(value)


def _lines(console: Console, above: int) -> Callable[[int, int], None]:
    """Return a callback that reports progress every few seconds; ``above`` rows are done."""
    reported = time.monotonic()

    def on_rows(done: int, rows: int) -> None:
        nonlocal reported
        if done < rows and time.monotonic() - reported >= LINE_SECONDS:
            reported = time.monotonic()
            total = f" of {rows:,}" if not above and rows < ROWS else ""  # a longer table is read in windows
            console.item("explained", f"{above + done:,}{total} rows")

    return on_rows


def _explained(model: Model, found: Explanation, kept: Mapping[str, Any]) -> Columns:
    columns: Columns = {}
    if model.classes:
        columns |= {"explained_class": found.classes, "probability": found.predicted.tolist()}
    else:
        columns[f"predicted({model.target})" if model.target in kept else model.target] = found.predicted.tolist()
    columns["baseline"] = found.baseline.tolist()
    return columns


def _contributions(found: Explanation) -> Columns:
    """Return the contributions of each column."""
    return {
        f"contribution({column})": values.tolist()
        for column, values in zip(found.columns, found.contributions.T, strict=True)
    }


def _top(table: Table, found: Explanation, count: int) -> Columns:
    """Return the largest contributions of each row with their columns and values, and the sum of the others."""
    order, values = found.largest(count), {name: cells(table, name) for name in found.columns}
    columns: Columns = {}
    for k, places in enumerate(order.T, start=1):
        names = [found.columns[j] for j in places]
        columns[f"column_{k}"] = names
        columns[f"value_{k}"] = [
            None if (cell := values[name][i]) is None else str(cell) for i, name in enumerate(names)
        ]
        columns[f"contribution_{k}"] = found.contributions[np.arange(len(places)), places].tolist()
    return {**columns, "contribution(other columns)": _rest(found, order).tolist()}


def _rest(found: Explanation, order: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the sum of each row's contributions other than those at ``order`` (n, k): (n,)"""
    others = found.contributions.copy()
    np.put_along_axis(others, order, 0.0, axis=1)
    return np.asarray(others.sum(axis=1))


def _top_facts(table: Table, found: Explanation, count: int | None) -> dict[str, Any]:
    """Return what ``_top`` does, for JSON; nothing without --top."""
    if count is None:
        return {}
    order, values = found.largest(count), {name: cells(table, name) for name in found.columns}
    top = [
        [
            {"column": (name := found.columns[j]), "value": values[name][i], "contribution": found.contributions[i, j]}
            for j in places
        ]
        for i, places in enumerate(order.tolist())
    ]
    return {"top": top, "rest": _rest(found, order).tolist()}


def _facts(model: Model, table: Table, found: Explanation, kept: Columns) -> dict[str, Any]:
    return {
        "rows": table.rows,
        "target": model.target,
        "task": model.head.target.task,
        "explained_class": list(found.classes),
        "predictions": found.predicted.tolist(),
        "baseline": found.baseline.tolist(),
        "columns": list(found.columns),
        "contributions": found.contributions.tolist(),
        "kept": dict(kept),
        "notes": [*table.notes, *found.notes],
    }
