"""``backpass evaluate``: compute a model's metrics on rows whose target is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from backpass.cli.console import Console
from backpass.cli.options import Command, argument, reading, reading_of, talking
from backpass.cli.summary import PARTS, scored_part
from backpass.cli.text import figure
from backpass.model import load


@click.command(cls=Command)
@argument("model", type=click.Path())
@argument("table", type=click.Path())
@reading()
@talking()
def evaluate(**given: Any) -> int:
    """Score a model on rows whose target is known.

    TABLE is a file in any format that fit reads and contains the target column; use - for standard input. Prints one
    line per metric: name, value and, in parentheses, the value on the test (or validation) rows at training time.

    \b
    Example:
      backpass evaluate housing.backpass labeled.csv
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    table = model.table(given["table"], with_target=True, **reading_of(given, model.schema.missing))
    scores, warnings = model.evaluation(table)
    known = replace(model.schema, left_out=(*model.schema.left_out, *(each.target.name for each in model.head.targets)))
    notes = (*table.notes, *known.encode(table).notes)
    part = scored_part(model)
    then = dict(model.record.scores[part]) if part is not None else {}
    for note in notes:
        console.item("note", note)
    for warning in warnings:
        console.alarm("warning", warning)
    if given["as_json"]:
        at_fit = {"part": part, "scores": then} if part is not None else None
        facts = {"rows": table.rows, "target": model.target, "scores": scores, "at_fit": at_fit}
        console.document("evaluate", **facts, notes=list(notes), warnings=warnings)
        return 0
    name_width = max(map(len, scores))
    values = {name: figure(value) for name, value in scores.items()}
    width = max(map(len, values.values()))
    beside = {name: f"   ({figure(value)} on the {PARTS[part]} rows at fit)" for name, value in then.items() if part}
    console.page([f"{name:<{name_width}} {text:>{width}}{beside.get(name, '')}" for name, text in values.items()])
    return 0
