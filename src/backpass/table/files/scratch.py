"""Scratch folder: where a file is decompressed, converted or copied while it is read.

Most files are read where they are, so the folder is made when the first temporary file is named. The ``ExitStack`` of
the caller deletes it.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory


class Scratch:
    """A folder for temporary files. Mutable: it does not exist before it is needed.

    Args:
        stack: Deletes the folder.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder."""
        if self._folder is None:
            self._folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="backpass-")))
        return self._folder

    def file(self, name: str) -> Path:
        """Return the path of a temporary file, for writing."""
        return self.folder / name
