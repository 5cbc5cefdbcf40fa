"""Stored rows: encoded training rows on disk, in windows that are read one at a time.

It takes a folder and encoded rows and returns them as a feed of the training loop. A row's window is drawn at random,
so that every window is like the whole table, however the file is sorted or divided.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import ResourceError
from backpass.model.fitting.problem.data_split import DataSplit, Weights, weights_or_ones
from backpass.numerics.elementary import total
from backpass.table.memory import written_bytes
from backpass.training.feed import Feed

WINDOW = 2**28
"""The bytes of a window, about."""

ELSEWHERE = "set the environment variable TMPDIR to a folder on a larger disk"
_ARRAYS = ("x", "y", "truth", "weights")


@dataclass(slots=True, eq=False)
class Stored:
    """Windows of encoded rows in a folder. Mutable while rows are added.

    Attributes:
        folder: The folder.
        expected: The bytes that all rows take, about.
        windows: The number of windows.
        rows: The number of rows of each window.
        layout: The dtype and the shape of a row of each array.
    """

    folder: Path
    expected: int
    windows: int
    rows: list[int]
    layout: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = field(default_factory=dict)
    _digest: Any = field(default_factory=sha256)

    @staticmethod
    def of(folder: Path, rows: int, like: DataSplit) -> Stored:
        """An empty store for about so many rows.

        Args:
            folder: The folder.
            rows: The number of rows.
            like: Rows of the same layout.

        Raises:
            ResourceError: The disk has less room.
        """
        arrays = {name: each for name in _ARRAYS if (each := getattr(like, name)) is not None}
        layout = {name: (each.dtype, each.shape[1:]) for name, each in arrays.items()}
        needed = rows * sum(each[:1].nbytes for each in arrays.values())
        free = shutil.disk_usage(folder).free
        if needed > free:
            room = f"about {written_bytes(needed)} in {folder}, {written_bytes(free)} are free"
            raise ResourceError(f"the encoded training rows need {room}", hint=ELSEWHERE)
        windows = max(-(-needed // WINDOW), 1)
        return Stored(folder, needed, windows, [0] * windows, layout)

    def add(self, part: DataSplit, windows: NDArray[np.int64]) -> None:
        """Append rows, each to its window.

        Raises:
            ResourceError: They cannot be written.
        """
        for window in range(self.windows):
            index = np.flatnonzero(windows == window)
            self.rows[window] += len(index)
            for name, (dtype, _) in self.layout.items():
                values = np.ascontiguousarray(getattr(part, name)[index], dtype)
                self._digest.update(values.data)
                try:
                    with self._file(window, name).open("ab") as file:
                        file.write(values.data)
                except OSError as error:
                    what = f"the encoded training rows cannot be written to {self.folder} ({error.strerror or error})"
                    raise ResourceError(what, hint=ELSEWHERE) from error

    @property
    def count(self) -> int:
        """The number of rows of all windows."""
        return sum(self.rows)

    @property
    def digest(self) -> str:
        """A digest of all rows and their windows."""
        return f"{self.windows} {self._digest.hexdigest()}"

    def feed(self, part: DataSplit, of_classes: Weights) -> Feed:
        """The windows as the objective takes them: x, y and weights.

        Args:
            part: The training rows in memory, whose weights have a mean of 1.
            of_classes: The weight of each class in the loss (classes,); None if all are 1.
        """
        unscaled = weights_or_ones(part) * (1.0 if of_classes is None else of_classes[part.truth])
        factor = 1.0 if part.weights is None and of_classes is None else part.rows / total(unscaled)
        used = [window for window in range(self.windows) if self.rows[window]]

        def load(number: int) -> Sequence[NDArray[Any]]:
            x, y, truth, weights = (self._read(used[number], name) for name in _ARRAYS)
            scaled = np.full(len(x), factor) if weights is None else weights * factor
            if of_classes is not None:
                scaled = scaled * of_classes[truth]
            return [x, y, scaled.astype(x.dtype)]

        return Feed(tuple(self.rows[window] for window in used), load)

    def _read(self, window: int, name: str) -> Any:
        if name not in self.layout:
            return None
        dtype, shape = self.layout[name]
        return np.fromfile(self._file(window, name), dtype).reshape(-1, *shape)

    def _file(self, window: int, name: str) -> Path:
        return self.folder / f"{window}.{name}"
