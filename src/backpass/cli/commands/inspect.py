"""``backpass inspect``: profile the columns of a table and report likely problems."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import ceil
from typing import Any, Literal

import click

from backpass.cli.console import Console, columns_of
from backpass.cli.options.data import categorical_option, targets_in, text_option
from backpass.cli.options.declaration import Command, argument, names_in, option, output_options
from backpass.cli.options.reading import reading, reading_of, reading_words
from backpass.cli.text import BARS, aligned, figure
from backpass.errors import UsageError, visible
from backpass.model.settings.settings import Settings
from backpass.table import Table, read_table
from backpass.table.diagnosis.inspection import Coding, ColumnReport, Inspection, inspect_table
from backpass.table.labeled import Labeled
from backpass.table.messages import counted, listed, shown
from backpass.table.notation.number import text_of
from backpass.table.targets import Targets, target_names

HEAD = ("column", "kind", "missing", "distinct", "values", "shape", "target", "used as")
NARROW = 24  # maximum characters of a cell in a terminal, except "values"
VALUES, SHAPE, TARGET, FITTING, GAP = 4, 5, 6, 7, "  "
LEFT = (0, 1, VALUES, SHAPE, FITTING)  # the left-aligned columns of the list; the others hold numbers
MOST_SHARES = 8  # classes whose shares are listed
ASCII_BARS = ".:-=+*#@"  # for terminals that can't show Unicode blocks


@click.command(cls=Command)
@argument("table", type=click.Path())
@option(
    "-t",
    "--target",
    metavar="COLUMNS",
    section="Data",
    multiple=True,
    help="the column to predict, or several that one network predicts together: a,b (repeatable)",
)
@categorical_option()
@text_option()
@option(
    "--preset",
    metavar="NAME",
    section="Data",
    default="default",
    help="the preset of fit whose encoding of the columns is shown; default: default",
)
@reading()
@output_options()
def inspect(**given: Any) -> int:
    """Profile the columns of a table and report likely problems.

    Lists for each column its type, the number of missing and of distinct values, its range or most frequent categories,
    how strongly it is associated with the target, and how training would use it; in a terminal also a small histogram.
    The association with the target is the correlation of two numbers, the correlation ratio of a number and a category,
    or Cramer's V of two categories; the last two are corrected for chance.
    Then lists likely problems: constant columns, identifiers, copies of the target and other possible leakage, columns
    of mixed types with the affected rows, outliers, rare categories, rare classes and duplicate rows.

    With several targets, each is examined in turn, with the other targets left out of the columns.

    --json prints an object with "rows", "target", "task", "columns" (each with "name", "kind", "missing", "distinct",
    "range", "quartiles", "commonest", "fitting", "findings", "notation", "label", "histogram" and "association"),
    "findings" about rows, "notes", and the "classes" of the target with their row counts. Each finding has a
    "code" and a "text". With several targets, "targets" is a list of such objects.

    \b
    Examples:
      backpass inspect housing.csv --target median_house_value
      backpass inspect churn.parquet -t churned --json
    """
    console = Console(quiet=given["quiet"])
    with console.working(f"reading {given['table']}"):
        options = reading_of(given)
        table = read_table(
            given["table"],
            categorical=names_in(given["categorical"]),
            text=names_in(given["text"]),
            tolerant=True,
            **options,
        )
    with console.working(f"examining {counted(table.rows, 'row')}"):
        targets = [*target_names(targets_in(given["target"], table.names))] if given["target"] else [None]
        inspections = [_inspected(table, target, targets, given["preset"]) for target in targets]
    if given["as_json"]:
        facts = [found.to_json() for found in inspections]
        console.document("inspect", **(facts[0] if len(facts) == 1 else {"targets": facts}))
        return 0
    for i, found in enumerate(inspections):
        console.page([""] if i else [])
        _show(console, table, found)
    if given["target"] and not any(found.stops_fitting for found in inspections):
        if why := _why_apart(table, targets):
            console.alarm("warning", f"fit rejects these targets: {why}")
            return 0
        preset = [] if given["preset"] == "default" else ["--preset", given["preset"]]
        named = [w for name in ("target", "categorical", "text") for each in given[name] for w in (f"--{name}", each)]
        command = [
            "backpass",
            "fit",
            given["table"],
            *named,
            *preset,
            *_split_words(inspections),
            *reading_words(given),
        ]
        console.command("next", shlex.join(command))
    return 0


def _split_words(inspections: Sequence[Inspection]) -> list[str]:
    """The option that the findings on times and groups ask for; empty if they name no column, or several."""
    options = {"no_time": "--time", "no_group": "--group"}
    asked = {
        (options[each.code], column.name)
        for found in inspections
        for column in found.columns
        for each in column.findings
        if each.code in options
    }
    return list(*asked) if len(asked) == 1 else []


def _why_apart(table: Table, targets: Sequence[str | None]) -> str:
    """Why fit would not predict the targets together; empty if it would. Rows without a target do not count."""
    names = [name for name in targets if name is not None]
    try:
        Targets.fit(Labeled.of(table, names).table, names)
    except UsageError as error:
        return error.message
    return ""


def _inspected(table: Table, target: str | None, targets: Sequence[str | None], preset: str) -> Inspection:
    """Examine a table beside one of several targets; the others are no columns to learn from."""
    columns = {name: each for name, each in table.columns.items() if name == target or name not in targets}
    return inspect_table(replace(table, columns=columns), target, partial(_coding, preset))


def _show(console: Console, table: Table, found: Inspection) -> None:
    """Print an inspection."""
    console.page([_title(table.source, found), *_shares(console, found), ""])
    watched = sys.stdout is not None and sys.stdout.isatty()
    if watched:
        _show_table(found)
    else:
        shown_columns = [j for j in range(len(HEAD)) if j != SHAPE and (j != TARGET or found.task)]
        rows = [HEAD, *(_cells(column, ASCII_BARS) for column in found.columns)]
        left = [place for place, j in enumerate(shown_columns) if j in LEFT]
        console.page(aligned([[row[j] for j in shown_columns] for row in rows], left=left))
    console.page(["", *_odd_lines(console, found)])


def _title(source: str, found: Inspection) -> str:
    size = f"{source}: {counted(found.rows, 'row')} x {counted(len(found.columns), 'column')}"
    if found.target is None:
        return size
    return f"{size}, target {shown(found.target)[1:-1]}{f' ({found.task})' if found.task else ''}"


def _shares(console: Console, found: Inspection) -> Iterator[str]:
    """Yield the line with the share of each class, the most frequent ones first."""
    if found.classes:
        total = sum(rows for _, rows in found.classes)
        ranked = sorted(found.classes, key=lambda each: -each[1])
        shares = [f"{shown(name)} {100.0 * rows / total:.3g}%" for name, rows in ranked[:MOST_SHARES]]
        others = [f"{counted(len(ranked) - MOST_SHARES, 'other class')}"] if len(ranked) > MOST_SHARES else []
        yield from console.labeled("classes", [", ".join([*shares, *others])])


def _coding(preset: str, task: str | None, rows: int) -> Coding:
    """Return how a preset feeds columns to the network."""
    settings = Settings.of({"preset": preset}, task, rows)
    numbers = ["scaled" if settings.numerical_scaling == "standard" else f"{settings.numerical_scaling} scaling"]
    numbers += [] if settings.numerical_embedding == "none" else [f"{settings.numerical_embedding} embedding"]
    numbers += ["quantiles"] if settings.quantile_features else []
    return Coding(", ".join(numbers), settings.max_one_hot_levels)


def _cells(column: ColumnReport, bars: str) -> tuple[str, ...]:
    missing = f"{column.missing:,}" if column.missing else ""
    kind = f"{column.kind} ({column.notation})" if column.notation else column.kind
    strength = "" if column.association is None else f"{column.association:.2f}"
    return (
        shown(column.name)[1:-1],
        kind,
        missing,
        f"{column.distinct:,}",
        _values(column),
        _shape(column.histogram, bars),
        strength,
        column.fitting,
    )


def _shape(counts: Sequence[int], bars: str) -> str:
    """Draw a histogram; an interval without rows is blank.

    >>> _shape([9, 4, 0, 1], BARS), _shape([9, 4, 0, 1], ASCII_BARS)
    ('█▄ ▁', '@= .')
    """
    most = max(counts, default=0)
    return "".join(bars[ceil(count / most * len(bars)) - 1] if count else " " for count in counts).rstrip()


def _bars() -> str:
    """Return the blocks that standard output can show."""
    try:
        BARS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ASCII_BARS
    return BARS


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

    bars = _bars()
    grid = Grid(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), header_style="bold")
    places = [j for j in range(len(HEAD)) if j != TARGET or found.task]
    rows = [[visible(cell) for cell in _cells(column, bars)] for column in found.columns]
    widths = [min(max(map(len, cells)), NARROW) for cells in zip(HEAD, *rows, strict=True)]
    widths[FITTING] = max(len(row[FITTING]) for row in (HEAD, *rows))
    fixed = sum(widths[j] for j in places if j not in (VALUES, FITTING))
    room = columns_of(sys.stdout) - fixed - len(GAP) * (len(places) - 1)
    widths[-1] = min(widths[-1], room // 2)
    widths[VALUES] = room - widths[-1]
    for j in places:
        side: Literal["left", "right"] = "left" if j in LEFT else "right"
        grid.add_column(HEAD[j], justify=side, overflow="ellipsis", no_wrap=True, width=widths[j])
    for column, row in zip(found.columns, rows, strict=True):
        style = "dim" if column.fitting.startswith("left out") else "bold" if column.fitting == "target" else ""
        grid.add_row(*(Text(row[j], style) for j in places))
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
        yield from console.labeled("labels", labels)
    yield from console.labeled("findings", odd or ["none"])
    if found.notes:
        yield from console.labeled("notes", found.notes)
