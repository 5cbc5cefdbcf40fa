"""``backpass report``: a model, and rows with known targets if there are some, in; one HTML page out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from backpass.cli.console import Console
from backpass.cli.options import Command, argument, option, reading, reading_of, talking
from backpass.cli.output import check_page_replaceable
from backpass.cli.text import size
from backpass.errors import UsageError
from backpass.model import Model, load
from backpass.model.file.storage import write_atomically
from backpass.report.page import page, page_and_warnings, require

if TYPE_CHECKING:
    from backpass.table import Table


@click.command(cls=Command)
@argument("model")
@argument("table", required=False)
@option("-o", "--output", metavar="FILE", help="the page; default: standard output")
@reading()
@talking()
def report(**given: Any) -> int:
    """Write one HTML page about a model, to look at and to send.

    It shows how good the model is and against what, the course of training, which columns matter and how, where the
    model is wrong, and the network; sliders move the prediction.

    TABLE is a CSV, TSV or Parquet file with the target's column; - is standard input. Of the very table that the model
    was fitted on, the rows that were set aside are taken. Without TABLE the page shows what the model file alone can.

    The page is one file: it loads nothing, opens from disk and prints. Needs matplotlib and Jinja2:
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
    """Find out now what would stop the page from being made or kept.    Errors: UsageError, ResourceError."""
    require()
    if output is not None:
        check_page_replaceable(output, "--output")
    elif as_json:
        raise UsageError("--json and the page both go to standard output", hint="add --output page.html")
    elif sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("a page is not shown in a terminal", hint="add --output page.html")


def write_page(model: Model, table: Table | None, output: str, console: Console) -> None:
    """Make the page and write it, whole or not at all, and say so."""
    _kept(page(model, table), output, console)


def _kept(text: str, output: str, console: Console) -> Mapping[str, Any]:
    """Write the page, whole or not at all, and say so; facts for ``--json``."""
    data = text.encode("utf-8")
    write_atomically(output, data)
    console.line(f"saved {output} ({size(len(data))})")
    return {"output": output, "bytes": len(data)}
