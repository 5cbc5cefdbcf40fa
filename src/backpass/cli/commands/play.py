"""``backpass play``: write a page that trains a network on a table in the browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from backpass.cli.console import Console
from backpass.cli.note_lines import note_lines
from backpass.cli.options.data import categorical_option
from backpass.cli.options.declaration import Command, argument, names_in, option, output_options
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.output import check_apart, check_page_replaceable
from backpass.cli.text import size
from backpass.errors import UsageError
from backpass.model.file.storage import write_atomically
from backpass.playground.columns import columns_of
from backpass.playground.page import page_of
from backpass.table import read_table


@click.command(cls=Command)
@argument("table", type=click.Path())
@option("-t", "--target", metavar="COLUMN", section="Data", help="the column to predict; default: the last one")
@categorical_option()
@option("-o", "--output", metavar="FILE", help="output file; default: standard output")
@reading()
@output_options()
def play(**given: Any) -> int:
    """Write a page that trains a network on a table in the browser.

    The page draws the network while it learns, J of every step, and the fit; it walks through one step line by line,
    with the numbers; it saves models that backpass predict reads. The training step is the circuit that Python runs, as
    WebAssembly. Another CSV file can be dropped on the page.

    The page is a single file that loads nothing and sends nothing. It contains at most 5,000 rows of the table, and
    its columns except free text.

    \b
    Examples:
      backpass play housing.csv --target median_house_value --output housing.html
      backpass play iris.csv > iris.html
    """
    console = Console(quiet=given["quiet"])
    output = given["output"]
    if output is not None:
        check_apart(output, given["table"])
        check_page_replaceable(output, "--output")
    elif given["as_json"]:
        raise UsageError("--json needs a file for the page", hint="add --output page.html")
    elif sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("a page cannot be printed in a terminal", hint="add --output page.html")
    with console.working(f"reading {given['table']}"):
        table = read_table(given["table"], categorical=names_in(given["categorical"]), **reading_of(given))
        columns = columns_of(table, given["target"])
    for note in note_lines(columns["notes"], verbose=given["verbose"]):
        console.item("note", note)
    with console.working("tracing the training steps"):
        page = page_of(columns, None if given["table"] == "-" else Path(given["table"]).name)
    if output is None:
        console.write(page)
        return 0
    data = page.encode("utf-8")
    write_atomically(output, data)
    if given["as_json"]:
        names = [each["name"] for each in columns["columns"] if each["name"] != columns["target"]]
        console.document(
            "play", output=output, bytes=len(data), target=columns["target"], columns=names, notes=columns["notes"]
        )
        return 0
    console.line(f"saved {output} ({size(len(data))})")
    return 0
