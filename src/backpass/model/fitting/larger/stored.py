"""Stored rows: encoded training rows on disk, in windows that are read one at a time.

It takes a folder and encoded rows and returns them as a feed of the training loop. A row's window is drawn at random,
so that every window is like the whole table, however the file is sorted or divided.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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

EVERY, NONE = -1, -2
"""The uses of a row that trains every member of an ensemble, and of a row that trains none."""

ELSEWHERE = "set the environment variable TMPDIR to a folder on a larger disk"
_ARRAYS, _USES = ("x", "y", "truth", "weights"), "uses"


@dataclass(slots=True, eq=False)
class Stored:
    """Windows of encoded rows in a folder. Mutable while rows are added.

    Attributes:
        folder: The folder.
        expected: The bytes that all rows take, about.
        windows: The number of windows.
        uses: The number of rows of each window by their use, see ``HeldOut``.
        layout: The dtype and the shape of a row of each array.
        member: The number of the member of an ensemble that these rows train; None: every row is one.
    """

    folder: Path
    expected: int
    windows: int
    uses: list[Counter[int]]
    layout: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = field(default_factory=dict)
    member: int | None = None
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
        return Stored(folder, needed, windows, [Counter[int]() for _ in range(windows)], layout)

    def for_member(self, member: int) -> Stored:
        """The rows that train a member of an ensemble: all but those that validate it."""
        return replace(self, member=member)

    def add(self, part: DataSplit, windows: NDArray[np.int64], uses: NDArray[np.int64] | None = None) -> None:
        """Append rows, each to its window.

        Args:
            part: The rows.
            windows: The window of each row.
            uses: The use of each row, see ``HeldOut``. Default None: all of them train every member.

        Raises:
            ResourceError: They cannot be written.
        """
        for window in range(self.windows):
            index = np.flatnonzero(windows == window)
            for name, (dtype, _) in self.layout.items():
                self._append(window, name, np.ascontiguousarray(getattr(part, name)[index], dtype))
            if uses is None:
                self.uses[window][EVERY] += len(index)
                continue
            self.uses[window].update(uses[index].tolist())
            self._append(window, _USES, uses[index])

    def _append(self, window: int, name: str, values: NDArray[Any]) -> None:
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
    def rows(self) -> list[int]:
        """The number of rows of each window that train."""
        return [sum(count for use, count in each.items() if use != self.member) for each in self.uses]

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
        rows = self.rows
        used = [window for window in range(self.windows) if rows[window]]

        def load(number: int) -> Sequence[NDArray[Any]]:
            x, y, truth, weights = (self._read(used[number], name) for name in _ARRAYS)
            scaled = np.full(len(x), factor) if weights is None else weights * factor
            if of_classes is not None:
                scaled = scaled * of_classes[truth]
            return [x, y, scaled.astype(x.dtype)]

        return Feed(tuple(rows[window] for window in used), load)

    def _read(self, window: int, name: str) -> Any:
        if name not in self.layout:
            return None
        try:
            return self._array(window, name)
        except (OSError, ValueError) as error:  # ValueError: the file lacks rows
            reason = error.strerror if isinstance(error, OSError) else "a file lacks rows"
            what = f"the encoded training rows in {self.folder} cannot be read ({reason})"
            raise ResourceError(what, hint="leave this folder alone; it is removed when the fit ends") from error

    def _array(self, window: int, name: str) -> NDArray[Any]:
        dtype, of_row = self.layout[name]
        shape = (self.uses[window].total(), *of_row)
        if self.member is None or not self.uses[window][self.member]:
            return np.fromfile(self._file(window, name), dtype).reshape(shape)
        trains = np.fromfile(self._file(window, _USES), np.int64) != self.member
        # Mapped, so that the rows that do not train take no memory.
        whole = np.memmap(self._file(window, name), dtype, "r").reshape(shape)
        return np.array(whole[trains])

    def _file(self, window: int, name: str) -> Path:
        return self.folder / f"{window}.{name}"
