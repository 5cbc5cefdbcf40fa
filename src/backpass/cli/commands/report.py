"""``backpass report``: write an HTML report about a model and, if a table is given, its predictions for that table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from backpass.cli.console import Console
from backpass.cli.options.declaration import Command, argument, option, output_options
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.output import check_page_replaceable
from backpass.cli.text import size
from backpass.errors import UsageError
from backpass.model import Model, load
from backpass.model.file.storage import write_atomically
from backpass.reporting.page.facts import facts_of
from backpass.reporting.page.page import findings_on, page_of, require

if TYPE_CHECKING:
    from backpass.table import Table


@click.command(cls=Command)
@argument("model")
@argument("table", required=False)
@option("-o", "--output", metavar="FILE", help="output file; default: standard output")
@reading()
@output_options()
def report(**given: Any) -> int:
    """Write a self-contained HTML report about a model.

    The report shows scores next to simple baselines, learning curves, feature importance, partial dependence, the
    largest errors and the network. Sliders change the inputs and update the prediction.

    TABLE is a file in any format that fit reads and contains the target column; use - for standard input. For the table
    that the model was trained on, only the held-out rows are used. Without TABLE, the report shows only what the model
    file contains.

    The report is a single file that loads nothing from the network. Requires matplotlib and Jinja2:
    pip install 'backpass[report]'.

    --json prints an object with the numbers of the page: those of backpass evaluate --intervals --json ("scores",
    "intervals", "comparison", "drift" ...), and "baselines", "thresholds" and "gains" (two classes), "importances" (see
    backpass importance), "labels" and "verdict". With --output the page is written, too; without it no page is made,
    and no package is required.

    \b
    Examples:
      backpass report housing.backpass housing.csv --output housing.html
      backpass report housing.backpass > model.html
      backpass report housing.backpass housing.csv --json > numbers.json
    """
    console = Console(quiet=given["quiet"])
    output = given["output"]
    _check_destination(output, as_json=given["as_json"])
    model = load(given["model"])
    table = None
    if given["table"] is not None:
        table = model.table(given["table"], with_target=True, **reading_of(given, model.schema.missing))
    findings = findings_on(model, table)
    for warning in findings.warnings:
        console.alarm("warning", warning)
    if output is None and not given["as_json"]:
        console.write(page_of(findings))
        return 0
    kept = {"output": None, "bytes": None} if output is None else _kept(page_of(findings), output, console)
    if given["as_json"]:
        console.document("report", **kept, **facts_of(findings))
    return 0


def _check_destination(output: str | None, *, as_json: bool) -> None:
    """Check that the page, if one is asked for, can be made and written before doing so.

    Raises:
        UsageError: A package is missing, or the page has no valid destination.
        ResourceError: The output path is not writable.
    """
    if output is None and as_json:
        return
    require()
    if output is not None:
        check_page_replaceable(output, "--output")
    elif sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("a page cannot be printed in a terminal", hint="add --output page.html")


def write_page(model: Model, table: Table | None, output: str, console: Console) -> None:
    """Build the report, write it atomically, and print a message.

    Args:
        model: The model.
        table: Rows with known targets, or None.
        output: The path of the page.
        console: The console for the message.
    """
    _kept(page_of(findings_on(model, table)), output, console)


def _kept(text: str, output: str, console: Console) -> Mapping[str, Any]:
    """Write the page atomically, print a message, and return the facts for ``--json``."""
    data = text.encode("utf-8")
    write_atomically(output, data)
    console.line(f"saved {output} ({size(len(data))})")
    return {"output": output, "bytes": len(data)}
