"""The command line: arguments in, exit code out; data on standard output, all talk on standard error.

    backpass inspect housing.csv                                a table   ->  what is in it
    backpass fit housing.csv --target median_house_value        a table   ->  housing.backpass
    backpass predict housing.backpass new.csv                   a table   ->  predictions
    backpass evaluate housing.backpass labelled.csv             a table   ->  metrics
    backpass show housing.backpass                              a model   ->  what is inside
    backpass explain housing.backpass new.csv                   a table   ->  what each column contributes
    backpass report housing.backpass labelled.csv -o page.html  a model   ->  one page to look at
    backpass draw housing.backpass -o network.svg               a model   ->  a picture of its network
    backpass export housing.backpass housing.onnx               a model   ->  an ONNX file for other runtimes
    backpass sample housing > housing.csv                       nothing   ->  a table to try

Reading order: ``root`` (the commands, and what becomes of errors), ``options``, ``fit``, ``predict``. This room knows
terminals; numbers are made below it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (without the program's name; None: that of the process) and return its exit code."""
    try:
        from backpass.cli.root import run

        return run(arguments)
    except KeyboardInterrupt:  # before run() could take care of it, or a second one while it did
        return 130
    except (MemoryError, ImportError, OSError) as error:  # too little memory for the very modules that report errors
        from backpass.cli.shortage import shortage_of

        if not (shortage := shortage_of(error)):
            raise
        sys.stderr.write(f"error: {shortage}\n")
        return 5
