"""``backpass features``: write the penultimate activations of a model for the rows of a table (CS229 (2.21))."""

from __future__ import annotations

from typing import Any

import click

from backpass.cli.commands.predict import Columns, hand_out, print_findings, read_rows
from backpass.cli.console import Console
from backpass.cli.options.declaration import Command, argument, keeping, option, output_options, strictness
from backpass.cli.options.reading import reading
from backpass.cli.output import check_rows_output
from backpass.cli.rows import hand_out_rows
from backpass.errors import UsageError
from backpass.model import load
from backpass.model.batches.batches import cells
from backpass.model.batches.findings import Findings


@click.command(cls=Command)
@argument("model", type=click.Path())
@argument("table", type=click.Path())
@option("-o", "--output", metavar="FILE", help="output file, written atomically; default: standard output")
@keeping("such as a target")
@strictness()
@reading()
@output_options()
def features(**given: Any) -> int:
    """Write the learned features of the rows of a table.

    The features are the activations of the last hidden layer, phi(x) = a^[r-1] of CS229 (2.21): the prediction is a
    linear function of them. TABLE needs the columns of the model, not its target. The features also serve other
    targets and tables: fit a linear model or a small network on them.

    The output is UTF-8 CSV, or Parquet if --output ends in .parquet: the kept columns, then feature_1, feature_2, ...;
    for an ensemble the features of one network after another.

    --json prints an object with "features", one list of numbers per row, and "kept".

    \b
    Examples:
      backpass features housing.backpass other.csv --keep rent --output features.csv
      backpass fit features.csv --target rent --hidden none
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    if given["output"] is not None:
        check_rows_output(given["output"], given["model"], given["table"], as_json=given["as_json"])
    table, keep = read_rows(model, given)
    values, encoded = model.features_of(table)
    print_findings(console, Findings.of(table, encoded), given)
    kept: Columns = {name: cells(table, name) for name in keep}
    columns: Columns = {f"feature_{j + 1}": values[:, j].tolist() for j in range(values.shape[1])}
    if taken := [name for name in columns if name in kept]:
        raise UsageError(
            f"--keep {taken[0]}: a column of features has this name", hint="rename the column, or leave it out"
        )
    if given["as_json"]:
        document = console.as_document("features", features=values.tolist(), kept=kept)
        hand_out(iter([document]), given["output"], console)
    else:
        hand_out_rows([{**kept, **columns}], given["output"], console)
    return 0
