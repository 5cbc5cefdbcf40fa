"""Stored rows: encoded training rows on disk, in windows that are read one at a time.

It takes a folder and encoded rows and returns them as a feed of the training loop. A row's window is drawn at random,
so that every window is like the whole table, however the file is sorted or divided. Where processes divide the shards
of each batch, a row's shard follows from its number, and each process stores the rows of its own shards.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
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
"""Approximate size of a window, in bytes."""

EVERY, NONE = -1, -2
"""The uses of a row that trains every member of an ensemble, and of a row that trains none."""

ELSEWHERE = "set the environment variable TMPDIR to a folder on a larger disk"
_ARRAYS, _USES = ("x", "y", "truth", "weights"), "uses"


@dataclass(slots=True, eq=False)
class Stored:
    """Windows of encoded rows in a folder. Mutable while rows are added.

    Attributes:
        folder: The folder.
        expected: The approximate size of the rows in the folder, in bytes.
        windows: The number of windows.
        own: The shards whose rows are in the folder.
        uses: The number of rows of each shard by window and use, see ``HeldOut``: (shards, windows).
        layout: The dtype and the shape of a row of each array.
        digests: The digest of the rows of each shard and their windows; empty until all rows are added.
        member: The number of the member of an ensemble that these rows train; None: every row is one.
    """

    folder: Path
    expected: int
    windows: int
    own: range
    uses: list[list[Counter[int]]]
    layout: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)
    member: int | None = None
    _hashes: list[Any] = field(default_factory=list)

    @staticmethod
    def of(folder: Path, rows: int, like: DataSplit, shards: int = 1, own: range = range(1)) -> Stored:
        """An empty store for about so many rows.

        Args:
            folder: The folder.
            rows: The number of rows of all shards.
            like: Rows of the same layout.
            shards: The number of shards.
            own: The shards whose rows are stored here.

        Raises:
            ResourceError: The disk has less room.
        """
        arrays = {name: each for name in _ARRAYS if (each := getattr(like, name)) is not None}
        layout = {name: (each.dtype, each.shape[1:]) for name, each in arrays.items()}
        needed = rows * sum(each[:1].nbytes for each in arrays.values())
        free, here = shutil.disk_usage(folder).free, needed * len(own) // shards
        if here > free:
            room = f"about {written_bytes(here)} in {folder}, which has {written_bytes(free)} free"
            raise ResourceError(f"the encoded training rows need {room}", hint=ELSEWHERE)
        windows = max(-(-needed // WINDOW), 1)
        uses = [[Counter[int]() for _ in range(windows)] for _ in range(shards)]
        return Stored(folder, here, windows, own, uses, layout, _hashes=[sha256() for _ in range(shards)])

    def for_member(self, member: int) -> Stored:
        """The rows that train a member of an ensemble: all but those that validate it."""
        return replace(self, member=member)

    def add(
        self, part: DataSplit, windows: NDArray[np.int64], shard: int = 0, uses: NDArray[np.int64] | None = None
    ) -> None:
        """Append rows of a shard, each to its window.

        Args:
            part: The rows.
            windows: The window of each row.
            shard: Their shard, one of ``own``.
            uses: The use of each row, see ``HeldOut``. Default None: all of them train every member.

        Raises:
            ResourceError: They cannot be written.
        """
        for window in range(self.windows):
            index = np.flatnonzero(windows == window)
            for name, (dtype, _) in self.layout.items():
                self._append(shard, window, name, np.ascontiguousarray(getattr(part, name)[index], dtype))
            if uses is None:
                self.uses[shard][window][EVERY] += len(index)
                continue
            self.uses[shard][window].update(uses[index].tolist())
            self._append(shard, window, _USES, uses[index])

    def _append(self, shard: int, window: int, name: str, values: NDArray[Any]) -> None:
        self._hashes[shard].update(values.data)
        try:
            with self._file(shard, window, name).open("ab") as file:
                file.write(values.data)
        except OSError as error:
            what = f"the encoded training rows cannot be written to {self.folder} ({error.strerror or error})"
            raise ResourceError(what, hint=ELSEWHERE) from error

    @property
    def added(self) -> list[tuple[int, list[Counter[int]], str]]:
        """What is known of the shards in the folder, once all rows are added: number, uses and digest of each."""
        return [(shard, self.uses[shard], self._hashes[shard].hexdigest()) for shard in self.own]

    def complete(self, shards: Iterable[tuple[int, list[Counter[int]], str]]) -> None:
        """Take in what is ``added`` to the stores of all processes that divide the shards."""
        self.digests = [""] * len(self.uses)
        for shard, uses, digest in shards:
            self.uses[shard], self.digests[shard] = uses, digest

    @property
    def count(self) -> int:
        """The number of rows of all windows and shards that train."""
        return sum(map(sum, self.rows))

    @property
    def rows(self) -> list[tuple[int, ...]]:
        """The number of rows of each shard that train, by window: (windows, shards)."""
        return [tuple(self._trains(of_shard[window]) for of_shard in self.uses) for window in range(self.windows)]

    def _trains(self, uses: Counter[int]) -> int:
        return sum(count for use, count in uses.items() if use != self.member)

    @property
    def digest(self) -> str:
        """A digest of all rows and their windows."""
        return f"{self.windows} {sha256(' '.join(self.digests).encode()).hexdigest()}"

    def feed(self, part: DataSplit, of_classes: Weights) -> Feed:
        """The windows as the objective takes them: x, y and weights.

        Args:
            part: The training rows in memory, whose weights have a mean of 1.
            of_classes: The weight of each class in the loss (classes,); None if all are 1.
        """
        unscaled = weights_or_ones(part) * (1.0 if of_classes is None else of_classes[part.truth])
        factor = 1.0 if part.weights is None and of_classes is None else part.rows / total(unscaled)
        rows = self.rows
        used = [window for window in range(self.windows) if any(rows[window])]

        def load(number: int) -> Sequence[NDArray[Any]]:
            x, y, truth, weights = (self._read(used[number], name) for name in _ARRAYS)
            scaled = np.full(len(x), factor) if weights is None else weights * factor
            if of_classes is not None:
                scaled = scaled * of_classes[truth]
            return [x, y, scaled.astype(x.dtype)]

        return Feed(tuple(rows[window] for window in used), load, self.own)

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
        """The rows of the shards in the folder, one shard after another."""
        dtype, of_row = self.layout[name]
        counts = [self._trains(self.uses[shard][window]) for shard in self.own]
        whole = np.empty((sum(counts), *of_row), dtype)
        ends = np.cumsum([0, *counts]).tolist()
        for shard, first, last in zip(self.own, ends, ends[1:], strict=False):
            self._read_into(whole[first:last], shard, window, name)
        return whole

    def _read_into(self, found: NDArray[Any], shard: int, window: int, name: str) -> None:
        if not found.size:
            return
        uses, file = self.uses[shard][window], self._file(shard, window, name)
        if self.member is not None and uses[self.member]:
            trains = np.fromfile(self._file(shard, window, _USES), np.int64) != self.member
            # Mapped, so that the rows that do not train take no memory.
            found[...] = np.memmap(file, found.dtype, "r").reshape(uses.total(), *found.shape[1:])[trains]
            return
        with file.open("rb") as opened:
            if opened.readinto(found.data.cast("B")) != found.nbytes:
                raise ValueError(f"{file} lacks rows")

    def _file(self, shard: int, window: int, name: str) -> Path:
        return self.folder / f"{window}.{shard}.{name}"
