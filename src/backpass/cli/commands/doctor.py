"""``backpass doctor``: print version and system information for bug reports."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from backpass._version import __version__
from backpass.cli.console import Console
from backpass.cli.options.declaration import Command, output_options

LIBRARIES = ("numpy", "click", "duckdb", "narwhals", "rich", "safetensors")


@click.command(cls=Command)
@output_options()
def doctor(as_json: bool, **given: Any) -> int:
    """Print version and system information for bug reports.

    Lists the versions of Backpass and its dependencies, the engine with its instruction set and thread count, and the
    reason if a slower engine is used. The output contains no paths, names or data.
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
