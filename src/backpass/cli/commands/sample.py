"""``backpass sample``: print a sample dataset."""

from __future__ import annotations

from typing import Any

import click

from backpass.cli.console import Console
from backpass.cli.options.declaration import Command, argument, output_options
from backpass.datasets import SAMPLES, sample_bytes


@click.command(cls=Command)
@argument("name", required=False)
@output_options()
def sample(name: str | None, as_json: bool, **given: Any) -> int:
    """Print a sample dataset.

    Without NAME, lists the available datasets.

    \b
    Example:
      backpass sample housing > housing.csv
    """
    console = Console()
    if as_json:
        text = None if name is None else sample_bytes(name).decode("utf-8")
        console.document("sample", samples=SAMPLES, **({} if text is None else {"name": name, "csv": text}))
    elif name is None:
        width = max(map(len, SAMPLES))
        console.page([f"{each:<{width}}   {what}" for each, what in SAMPLES.items()])
    else:
        console.write_bytes(sample_bytes(name))
    return 0
