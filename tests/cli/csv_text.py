"""CSV as text: tables that tests of the command line write, and predictions that they read."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any


def written(columns: dict[str, Any], path: Path) -> Path:
    """Write columns to a file; values are written as ``str`` writes them."""
    lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return path


def predicted(done: Any) -> list[str]:
    """The predictions that the command ``predict`` wrote: the last column."""
    assert done.code == 0, done.err
    (_, *found) = csv.reader(StringIO(done.out))
    return [row[-1] for row in found]
