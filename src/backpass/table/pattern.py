"""Pattern: the files that the name of a table stands for: itself, or all that match ``*``, ``?`` and ``[``.

A file that has such signs in its name is that file. Nothing is opened here.
"""

from __future__ import annotations

from glob import glob, has_magic
from pathlib import Path

from backpass.errors import UsageError
from backpass.table.messages import refusal


def files_of(path: str | Path) -> list[str]:
    """The names of the files, in order.    Errors: DataError when none matches a pattern; UsageError for no name."""
    name = str(path)
    if not name:
        raise UsageError("the path of the table is empty, expected the name of a file")
    if not is_pattern(path):
        return [name]
    found = sorted(each for each in glob(name, recursive=True) if not Path(each).is_dir())
    if not found:
        raise refusal(name, "no file matches this pattern")
    return found


def is_pattern(path: str | Path) -> bool:
    """Whether a name stands for the files that match it.

    >>> is_pattern("data/*.csv"), is_pattern("data.csv")
    (True, False)
    """
    return has_magic(str(path)) and not _is_there(path)


def _is_there(path: str | Path) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False
