"""Formats table: writes the list of the formats that can be read, from their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generated import Generated, list_table, plain
from sphinx.application import Sphinx

from backpass.table.formats.registry import FORMATS, Format


class FormatsTable(Generated):
    """``.. formats-table::`` has one row for each format."""

    def lines(self) -> Iterator[str]:
        heads = ("Format", "Usual suffix or address", "Install", "May hold several")
        yield from list_table(heads, map(row, FORMATS), "formats")


def row(form: Format) -> tuple[str, str, str, str]:
    """Title, suffixes, the command that installs what it needs, and what a file may hold several of."""
    suffixes = ", ".join(f"``{suffix}``" for suffix in form.suffixes)
    install = f"``pip install 'backpass[{form.extra}]'``" if form.extra else ""
    return plain(form.title), suffixes, install, f"{form.holds}s" if form.holds else ""


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("formats-table", FormatsTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
