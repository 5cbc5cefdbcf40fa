"""The command line: it takes arguments and returns an exit code.

Results go to standard output, messages to standard error.

    backpass inspect housing.csv                                a table   ->  a profile of its columns
    backpass fit housing.csv --target median_house_value        a table   ->  housing.backpass
    backpass predict housing.backpass new.csv                   a table   ->  predictions
    backpass evaluate housing.backpass labeled.csv              a table   ->  metrics
    backpass show housing.backpass                              a model   ->  its contents
    backpass explain housing.backpass new.csv                   a table   ->  contributions of the columns
    backpass report housing.backpass labeled.csv -o page.html   a model   ->  an HTML report
    backpass draw housing.backpass -o network.svg               a model   ->  a picture of its network
    backpass export housing.backpass housing.onnx               a model   ->  an ONNX file for other runtimes
    backpass sample housing > housing.csv                       nothing   ->  a sample dataset

Reading order: ``root`` (commands and error handling), ``options``, ``commands``. Only this package handles
terminals; the packages that it imports do the computing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: The arguments without the program name; None for those of the process.
    """
    try:
        from backpass.cli.root import run

        return run(arguments)
    except KeyboardInterrupt:  # raised before run() handles it, or a second time while it does
        return 130
    except (MemoryError, ImportError, OSError) as error:  # too little memory to import error reporting
        from backpass.cli.shortage import shortage_of

        if not (shortage := shortage_of(error)):
            raise
        sys.stderr.write(f"error: {shortage}\n")
        return 5
