"""Stored rows: training rows on disk, in windows that are read one at a time.

It takes a folder and rows whose inputs are packed and returns them as a feed of the training loop. A row's window is
drawn at random, so that every window is like the whole table, however the file is sorted or divided. Where processes
divide the shards of each batch, a row's shard follows from its number, and each process stores the rows of its own
shards.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import ResourceError
from backpass.model.fitting.larger.packed import Exceptions, Packing
from backpass.model.fitting.problem.data_split import DataSplit, Weights, weights_or_ones
from backpass.model.prediction.forward import CHUNK
from backpass.network.activity import InputRows
from backpass.numerics.elementary import total
from backpass.table.memory import written_bytes
from backpass.training.feed import Feed

WINDOW = 2**28
"""Approximate size of a window in memory, in bytes."""

EVERY, NONE = -1, -2
"""The uses of a row that trains every member of an ensemble, and of a row that trains none."""

ELSEWHERE = "set the environment variable TMPDIR to a folder on a larger disk"


@dataclass(frozen=True, slots=True, eq=False)
class NewRows:
    """Rows to store.

    Attributes:
        numbers: Their numbers (n, p).
        codes: Their codes (n, q).
        y: Targets as the loss takes them.
        truth: The targets themselves.
        weights: The weight of each row (n,); None if all are 1.
        uses: The use of each row (n,), see ``HeldOut``.
    """

    numbers: InputRows
    codes: NDArray[np.int32]
    y: NDArray[Any]
    truth: NDArray[Any]
    weights: Weights
    uses: NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Stored:
    """Windows of rows in a folder, a file of records for each window and shard. Mutable while rows are added.

    Attributes:
        folder: The folder.
        expected: The approximate size of the rows in the folder, in bytes.
        windows: The number of windows.
        own: The shards whose rows are in the folder.
        uses: The number of rows of each shard by window and use, see ``HeldOut``: (shards, windows).
        packing: How inputs are stored.
        record: The dtype of a record.
        exceptions: The numbers that the records do not hold, by shard and window.
        digests: The digest of the rows of each shard and their windows; empty until all rows are added.
        member: The number of the member of an ensemble that these rows train; None: every row is one.
    """

    folder: Path
    expected: int
    windows: int
    own: range
    uses: list[list[Counter[int]]]
    packing: Packing
    record: np.dtype[Any]
    exceptions: dict[tuple[int, int], list[Exceptions]] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)
    member: int | None = None
    _hashes: list[Any] = field(default_factory=list)

    @staticmethod
    def of(
        folder: Path,
        rows: int,
        like: DataSplit,
        packing: Packing,
        shards: int = 1,
        own: range = range(1),
        *,
        has_classes: bool,
        has_uses: bool,
    ) -> Stored:
        """An empty store for about so many rows.

        Args:
            folder: The folder.
            rows: The number of rows of all shards.
            like: Rows of the same layout.
            packing: How inputs are stored.
            shards: The number of shards.
            own: The shards whose rows are stored here.
            has_classes: Whether the class of a row has a weight in the loss.
            has_uses: Whether some rows do not train every member.

        Raises:
            ResourceError: The disk has less room.
        """
        kept = {"y": like.y, "truth": like.truth if has_classes else None, "weights": like.weights}
        fields = [(name, each.dtype.name, each.shape[1:]) for name, each in kept.items() if each is not None]
        record = np.dtype([*packing.fields, *fields, *([("use", "int16", ())] if has_uses else [])])
        free, here = shutil.disk_usage(folder).free, rows * record.itemsize * len(own) // shards
        if here > free:
            room = f"about {written_bytes(here)} in {folder}, which has {written_bytes(free)} free"
            raise ResourceError(f"the encoded training rows need {room}", hint=ELSEWHERE)
        arrays = [each for each in (like.x, like.y, like.truth, like.weights) if each is not None]
        windows = max(-(-rows * sum(each[:1].nbytes for each in arrays) // WINDOW), 1)
        uses = [[Counter[int]() for _ in range(windows)] for _ in range(shards)]
        hashes = [sha256(str(record).encode()) for _ in range(shards)]
        return Stored(folder, here, windows, own, uses, packing, record, _hashes=hashes)

    def for_member(self, member: int) -> Stored:
        """The rows that train a member of an ensemble: all but those that validate it."""
        return replace(self, member=member)

    def add(self, new: NewRows, windows: NDArray[np.int64], shard: int = 0) -> None:
        """Append rows of a shard, each to its window.

        Args:
            new: The rows, ordered by window.
            windows: The window of each row, ascending.
            shard: Their shard, one of ``own``.

        Raises:
            ResourceError: They cannot be written.
        """
        records, several = np.empty(len(windows), self.record), list[Exceptions]()
        for first in range(0, len(windows), CHUNK):
            rows = slice(first, first + CHUNK)
            several.append(self.packing.fill(records[rows], new.numbers[rows], new.codes[rows]).moved(first))
        for name, values in {"y": new.y, "truth": new.truth, "weights": new.weights, "use": new.uses}.items():
            if name in (self.record.names or ()):
                records[name] = values
        exceptions = Exceptions.joined(several)
        ends = np.searchsorted(windows, np.arange(self.windows), side="right").tolist()
        for window, (first, last) in enumerate(zip([0, *ends], ends, strict=False)):
            uses, found = self.uses[shard][window], exceptions.between(first, last)
            if len(found.rows):
                self.exceptions.setdefault((shard, window), []).append(found.moved(uses.total()))
            has_uses = "use" in (self.record.names or ())
            uses.update(new.uses[first:last].tolist() if has_uses else {EVERY: last - first})
            self._append(shard, window, records[first:last], found)

    def _append(self, shard: int, window: int, records: NDArray[Any], exceptions: Exceptions) -> None:
        written = records.view(np.uint8)
        for each in (written, exceptions.rows, exceptions.columns, exceptions.values):
            self._hashes[shard].update(each.data)
        try:
            with self._file(shard, window).open("ab") as file:
                file.write(written.data)
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
        rows, arrays = self.rows, (part.pool.x, part.pool.y, part.pool.x[:, 0])
        used = [window for window in range(self.windows) if any(rows[window])]

        def load(number: int) -> Sequence[NDArray[Any]]:
            window = used[number]
            count = sum(rows[window][shard] for shard in self.own)
            x, y, weights = (np.empty((count, *each.shape[1:]), each.dtype) for each in arrays)
            first = 0
            for records, exceptions, trains in self._read(window):
                chosen = records[trains]
                last = first + len(chosen)
                self.packing.read(records, exceptions, trains, x[first:last])
                y[first:last] = chosen["y"]
                scaled = chosen["weights"] * factor if "weights" in (self.record.names or ()) else factor
                weights[first:last] = scaled if of_classes is None else scaled * of_classes[chosen["truth"]]
                first = last
            return [x, y, weights]

        return Feed(tuple(rows[window] for window in used), load, self.own)

    def _read(self, window: int) -> Iterator[tuple[NDArray[Any], Exceptions, Any]]:
        """Yield the records of a window, one shard after another, some at a time, and which of them train."""
        for shard in self.own:
            uses, file = self.uses[shard][window], self._file(shard, window)
            exceptions = Exceptions.joined(self.exceptions.get((shard, window), []))
            for first in range(0, uses.total(), CHUNK):
                records = np.empty(min(CHUNK, uses.total() - first), self.record)
                self._read_into(records.view(np.uint8), file, first * self.record.itemsize)
                has_others = self.member is not None and uses[self.member]
                trains = records["use"] != self.member if has_others else slice(None)
                yield records, exceptions.between(first, first + len(records)), trains

    def _read_into(self, found: NDArray[np.uint8], file: Path, offset: int) -> None:
        try:
            with file.open("rb") as opened:
                opened.seek(offset)
                if opened.readinto(found.data) != found.nbytes:
                    raise ValueError(f"{file} lacks rows")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "a file lacks rows"
            what = f"the encoded training rows in {self.folder} cannot be read ({reason})"
            raise ResourceError(what, hint="leave this folder alone; it is removed when the fit ends") from error

    def _file(self, shard: int, window: int) -> Path:
        return self.folder / f"{window}.{shard}"
