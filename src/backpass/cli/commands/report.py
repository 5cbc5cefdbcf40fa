"""``backpass report``: write an HTML report about a model and, if a table is given, its predictions for that table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from backpass.cli.console import Console
from backpass.cli.options.declaration import Command, argument, option, talking
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.output import check_page_replaceable
from backpass.cli.text import size
from backpass.errors import UsageError
from backpass.model import Model, load
from backpass.model.file.storage import write_atomically
from backpass.reporting.page import page_and_warnings, require

if TYPE_CHECKING:
    from backpass.table import Table


@click.command(cls=Command)
@argument("model")
@argument("table", required=False)
@option("-o", "--output", metavar="FILE", help="output file; default: standard output")
@reading()
@talking()
def report(**given: Any) -> int:
    """Write a self-contained HTML report about a model.

    The report shows scores next to simple baselines, learning curves, feature importance, partial dependence, the
    largest errors and the network. Sliders change the inputs and update the prediction.

    TABLE is a file in any format that fit reads and contains the target column; use - for standard input. For the table
    that the model was trained on, only the held-out rows are used. Without TABLE, the report shows only what the model
    file contains.

    The report is a single file that loads nothing from the network. Requires matplotlib and Jinja2:
    pip install 'backpass[report]'.

    \b
    Examples:
      backpass report housing.backpass housing.csv --output housing.html
      backpass report housing.backpass > model.html
    """
    console = Console(quiet=given["quiet"])
    output = given["output"]
    _check_destination(output, as_json=given["as_json"])
    model = load(given["model"])
    table = None
    if given["table"] is not None:
        table = model.table(given["table"], with_target=True, **reading_of(given, model.schema.missing))
    text, warnings = page_and_warnings(model, table)
    for warning in warnings:
        console.alarm("warning", warning)
    if output is None:
        console.write(text)
        return 0
    facts = _kept(text, output, console)
    if given["as_json"]:
        console.document("report", **facts, warnings=list(warnings))
    return 0


def _check_destination(output: str | None, *, as_json: bool) -> None:
    """Check that the page can be made and written before doing so.

    Raises:
        UsageError: A package is missing, or the page has no valid destination.
        ResourceError: The output path is not writable.
    """
    require()
    if output is not None:
        check_page_replaceable(output, "--output")
    elif as_json:
        raise UsageError("--json and the page both go to standard output", hint="add --output page.html")
    elif sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("a page is not shown in a terminal", hint="add --output page.html")


def write_page(model: Model, table: Table | None, output: str, console: Console) -> None:
    """Build the report, write it atomically, and print a message.

    Args:
        model: The model.
        table: Rows with known targets, or None.
        output: The path of the page.
        console: The console for the message.
    """
    _kept(page_and_warnings(model, table)[0], output, console)


def _kept(text: str, output: str, console: Console) -> Mapping[str, Any]:
    """Write the page atomically, print a message, and return the facts for ``--json``."""
    data = text.encode("utf-8")
    write_atomically(output, data)
    console.line(f"saved {output} ({size(len(data))})")
    return {"output": output, "bytes": len(data)}
