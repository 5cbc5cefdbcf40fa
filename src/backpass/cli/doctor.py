"""``backpass doctor``: what runs here, to paste into a bug report."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from backpass._version import __version__
from backpass.cli.console import Console
from backpass.cli.options import Command, talking

LIBRARIES = ("numpy", "click", "duckdb", "narwhals", "rich", "safetensors")


@click.command(cls=Command)
@talking()
def doctor(as_json: bool, **given: Any) -> int:
    """Show what runs here, to paste into a bug report.

    Versions, the engine with its instruction set and threads, and why a slower engine was chosen, if one was. Nothing
    of yours is in it: no path, no name, no data.
    """
    from backpass.engine.machine import machine_facts

    facts = {"backpass": __version__, **machine_facts()}
    facts |= {library: _version(library) for library in LIBRARIES}
    console = Console()
    if as_json:
        console.document("doctor", **{name.replace(" ", "_"): text for name, text in facts.items()})
    else:
        width = max(map(len, facts))
        console.page([f"{name:<{width}}   {text}" for name, text in facts.items()])
    return 0


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"
