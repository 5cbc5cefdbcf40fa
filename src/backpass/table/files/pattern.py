"""Path patterns: the files that a path stands for, either one file or all that match ``*``, ``?`` and ``[``.

A path that exists stands for itself, even if its name contains these characters. The name of a sheet or table after
``::`` stays with each file. This module opens no file.
"""

from __future__ import annotations

from glob import glob, has_magic
from os import PathLike
from pathlib import Path

from backpass.errors import UsageError
from backpass.table.formats.databases.address import SEPARATOR, Address
from backpass.table.messages import data_error


def files_of(path: str | Path) -> list[str]:
    """Return the paths of the files, sorted.

    Raises:
        DataError: No file matches the pattern.
        UsageError: The path is empty, or none.
    """
    if not isinstance(path, str | PathLike):
        raise UsageError(
            f"the path of a table must be a str or a pathlib.Path; got a value of type {type(path).__name__}"
        )
    name = str(path)
    if not name:
        raise UsageError("the path of the table is empty; expected the name of a file")
    if not is_pattern(path):
        return [name]
    address = Address.of(path)
    found = sorted(each for each in glob(address.file, recursive=True) if not Path(each).is_dir())
    if not found:
        raise data_error(name, "no file matches this pattern")
    return found if address.member is None else [f"{each}{SEPARATOR}{address.member}" for each in found]


def is_pattern(path: str | Path) -> bool:
    """Whether a path is a pattern rather than the name of an existing file.

    >>> is_pattern("data/*.csv"), is_pattern("data.csv")
    (True, False)
    """
    file = Address.of(path).file
    return has_magic(file) and not _is_there(file)


def _is_there(path: str | Path) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False
