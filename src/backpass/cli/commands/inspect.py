"""``backpass inspect``: profile the columns of a table and report likely problems."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import Any

import click

from backpass.cli.console import Console, columns_of
from backpass.cli.options.declaration import Command, argument, names_in, option, talking
from backpass.cli.options.reading import reading, reading_of, reading_words
from backpass.cli.text import aligned, figure
from backpass.errors import visible
from backpass.table import read_table
from backpass.table.inspection import ColumnReport, Inspection, inspect_table
from backpass.table.messages import counted, listed, shown
from backpass.table.number import text_of

HEAD = ("column", "kind", "missing", "distinct", "values", "used as")
NARROW = 24  # maximum characters of a cell in a terminal, except "values"
VALUES, GAP = 4, "  "
LEFT = (0, 1, 4, 5)  # the left-aligned columns of the list; the others hold counts


@click.command(cls=Command)
@argument("table", type=click.Path())
@option("-t", "--target", metavar="COLUMN", section="Data", help="the column to predict")
@option(
    "--categorical",
    metavar="COLUMNS",
    multiple=True,
    section="Data",
    help="columns to treat as categorical: a,b (repeatable)",
)
@reading()
@talking()
def inspect(**given: Any) -> int:
    """Profile the columns of a table and report likely problems.

    Lists for each column its type, the number of missing and of distinct values, its range or most frequent categories,
    and how training would use it. Then lists likely problems: constant columns, identifiers, copies of the target and
    other possible leakage, columns of mixed types with the rows concerned, outliers, rare categories, rare classes and
    duplicate rows.

    --json prints an object with "rows", "target", "task", "columns" (each with "name", "kind", "missing", "distinct",
    "range", "quartiles", "commonest", "fitting", "findings", "notation" and "label"), "findings" about rows, and
    "notes". Each finding has a "code" and a "text".

    \b
    Examples:
      backpass inspect housing.csv --target median_house_value
      backpass inspect churn.parquet -t churned --json
    """
    console = Console(quiet=given["quiet"])
    table = read_table(given["table"], categorical=names_in(given["categorical"]), tolerant=True, **reading_of(given))
    found = inspect_table(table, given["target"])
    if given["as_json"]:
        console.document("inspect", **found.to_json())
        return 0
    console.page([_title(table.source, found), ""])
    watched = sys.stdout is not None and sys.stdout.isatty()
    if watched:
        _show_table(found)
    else:
        console.page(aligned([HEAD, *(_cells(column) for column in found.columns)], left=LEFT))
    console.page(["", *_odd_lines(console, found)])
    if given["target"] is not None and not found.stops_fitting:
        command = ["backpass", "fit", given["table"], "--target", given["target"], *reading_words(given)]
        console.command("next", shlex.join(command))
    return 0


def _title(source: str, found: Inspection) -> str:
    size = f"{source}: {counted(found.rows, 'row')} x {counted(len(found.columns), 'column')}"
    if found.target is None:
        return size
    return f"{size}, target {shown(found.target)[1:-1]}{f' ({found.task})' if found.task else ''}"


def _cells(column: ColumnReport) -> tuple[str, ...]:
    missing = f"{column.missing:,}" if column.missing else ""
    kind = f"{column.kind} ({column.notation})" if column.notation else column.kind
    return (shown(column.name)[1:-1], kind, missing, f"{column.distinct:,}", _values(column), column.fitting)


def _values(column: ColumnReport) -> str:
    """Format the range of a column, or its most frequent categories with their row counts."""
    if column.range is not None:
        middle = f", median {_written(column.quartiles[1])}" if column.quartiles else ""
        return f"{_written(column.range[0])} to {_written(column.range[1])}{middle}"
    return listed([f"{shown(text)} {count:,}" for text, count in column.commonest[:3]])


def _written(value: Any) -> str:
    """Format whole numbers with all digits, other numbers with four significant digits, and dates unchanged."""
    if not isinstance(value, float):
        return str(value)
    return text_of(value) if value.is_integer() and abs(value) < 1e9 else figure(value)


def _show_table(found: Inspection) -> None:
    """Print the column list to a terminal, with colors and with cells truncated to its width."""
    from rich.console import Console as Screen
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), header_style="bold")
    rows = [[visible(cell) for cell in _cells(column)] for column in found.columns]
    widths = [min(max(map(len, cells)), NARROW) for cells in zip(HEAD, *rows, strict=True)]
    room = columns_of(sys.stdout) - sum(widths[:VALUES]) - len(GAP) * (len(HEAD) - 1)
    widths[-1] = min(widths[-1], room // 2)
    widths[VALUES] = room - widths[-1]
    for j, (name, width) in enumerate(zip(HEAD, widths, strict=True)):
        grid.add_column(name, justify="left" if j in LEFT else "right", overflow="ellipsis", no_wrap=True, width=width)
    for column, row in zip(found.columns, rows, strict=True):
        style = "dim" if column.fitting.startswith("left out") else "bold" if column.fitting == "target" else ""
        grid.add_row(*(Text(cell, style) for cell in row))
    Screen(width=columns_of(sys.stdout), highlight=False).print(grid)


def _named(text: str, name: str) -> str:
    """Prefix a finding with its column's name; errors from parsing contain the name already."""
    return text if text.startswith(("column ", "inf, ", "target ")) else f"column {shown(name)}: {text}"


def _odd_lines(console: Console, found: Inspection) -> Iterator[str]:
    """Yield the likely problems of columns and rows, then the notes from parsing."""
    odd = [
        *(_named(each.text, column.name) for column in found.columns for each in column.findings),
        *(each.text for each in found.findings),
    ]
    if labels := [f"{shown(column.name)[1:-1]}: {visible(column.label)}" for column in found.columns if column.label]:
        yield from console.labelled("labels", labels)
    yield from console.labelled("findings", odd or ["none"])
    if found.notes:
        yield from console.labelled("notes", found.notes)
