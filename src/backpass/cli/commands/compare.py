"""``backpass compare``: score two models on the same rows, side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from typing import Any

import click

from backpass.cli.console import Console
from backpass.cli.note_lines import note_lines
from backpass.cli.options.declaration import Command, argument, output_options, strictness
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.text import aligned, figure, figures
from backpass.errors import UsageError
from backpass.model import load
from backpass.reporting.numbers.comparison import Comparison, check_alike, compared
from backpass.table import Table
from backpass.table.unseen import require_seen

_ROUNDING = 1e-12  # relative


@click.command(cls=Command)
@argument("first", type=click.Path())
@argument("second", type=click.Path())
@argument("table", type=click.Path())
@strictness("reject a table with missing targets; default: leave such rows out")
@reading()
@output_options()
def compare(**given: Any) -> int:
    """Compare two models for the same target on rows whose target is known.

    TABLE is a file in any format that fit reads, with the columns of both models and the target. Use rows that neither
    model was trained on: scores on training rows are too optimistic.

    Prints one line per metric: its value for FIRST and SECOND, the difference SECOND - FIRST, the 95% interval of the
    difference by the paired bootstrap, and which model is better. If the interval contains 0, the rows do not show a
    clear difference.

    \b
    Example:
      backpass compare plain.backpass best.backpass labeled.csv
    """
    console = Console(quiet=given["quiet"])
    if given["table"] == "-":
        raise UsageError("compare reads the table once for each model, so it cannot read standard input")
    models = (load(given["first"]), load(given["second"]))
    check_alike(*models)
    tables = [
        model.labeled(
            model.table(
                given["table"], with_target=True, strict=given["strict"], **reading_of(given, model.schema.missing)
            ),
            strict=given["strict"],
        )
        for model in models
    ]
    encoded = [model.encoded(table) for model, table in zip(models, tables, strict=True)]
    if given["strict"]:
        unseen = dict.fromkeys(chain(*(each.unseen for each in encoded)))
        suspects = dict.fromkeys(chain(*(each.suspects for each in encoded)))
        require_seen(tables[0].source, tuple(unseen), tuple(suspects))
    known = [
        f"{path}: {text}"
        for path, model, each, table in zip((given["first"], given["second"]), models, encoded, tables, strict=True)
        if model.training_rows is not None
        for text in model.training_rows.warnings_on_rows(each, model.head.truth(table))
    ]
    warnings = [*dict.fromkeys(chain(*(each.warnings for each in encoded), known))]
    found = compared(models, (tables[0], tables[1]))
    of_reading = _notes_on_reading([given["first"], given["second"]], tables)
    notes = [*dict.fromkeys((*of_reading, *found.notes))]
    for note in note_lines(notes, verbose=given["verbose"]):
        console.item("note", note)
    for warning in warnings:
        console.alarm("warning", warning)
    if given["as_json"]:
        facts = {"rows": found.rows, "target": models[0].target, "models": [given["first"], given["second"]]}
        console.document("compare", **facts, **_facts(found), notes=notes, warnings=warnings)
        return 0
    console.page(_lines(found, [given["first"], given["second"]]))
    return 0


def _notes_on_reading(paths: list[str], tables: Sequence[Table]) -> list[str]:
    """The notes on the table as each model reads it: those that both share once, the others with the model's name."""
    first, second = (dict.fromkeys(table.notes) for table in tables)
    own = [(paths[0], note) for note in first if note not in second]
    own += [(paths[1], note) for note in second if note not in first]
    return [*(note for note in first if note in second), *(f"{path}: {note}" for path, note in own)]


def _facts(found: Comparison) -> dict[str, Any]:
    return {
        "scores": [dict(found.first), dict(found.second)],
        "differences": {
            name: {
                "value": each.value,
                **dict(zip(("low", "high"), each.ends(), strict=True)),
                "better": found.better(name) or None,
            }
            for name, each in found.differences.items()
        },
    }


def _headings(paths: list[str]) -> list[str]:
    """The names of two model files, as short as they differ; numbered if the two are one file.

    >>> _headings(["new/a.backpass", "b.backpass"]), _headings(["new/a.backpass", "a.backpass"]), _headings(["m", "m"])
    (['a.backpass', 'b.backpass'], ['new/a.backpass', 'a.backpass'], ['m (1)', 'm (2)'])
    """
    names = [os.path.basename(path) for path in paths]
    if names[0] == names[1]:
        names = paths
    return names if names[0] != names[1] else [f"{name} ({number})" for number, name in enumerate(names, start=1)]


def _rounded(difference: float, scale: float) -> float:
    """A difference of two scores; 0 if it is within the rounding of numbers of that size.

    >>> _rounded(-2.78e-17, 0.3), _rounded(-0.01, 0.3)
    (0.0, -0.01)
    """
    return 0.0 if abs(difference) <= _ROUNDING * scale else difference


def _lines(found: Comparison, paths: list[str]) -> list[str]:
    names = _headings(paths)
    words = ["no clear difference", names[0], names[1]]
    rows = [["metric", *names, "difference", "95% interval", "better"]]
    for name, each in found.differences.items():
        first, second = figures([found.first[name], found.second[name]])
        scale = max(abs(found.first[name]), abs(found.second[name]))
        value, low, high = (figure(_rounded(end, scale), 3) for end in (each.value, each.low, each.high))
        interval = f"{low} to {high}" if each.is_known else "-"
        rows.append([name, first, second, value, interval, words[found.better(name)]])
    return aligned(rows, left=(0, 5))
