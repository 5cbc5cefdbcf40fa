"""The sample of a streamed fit: the rows that are in memory, which decide on columns and scales and score the model.

It takes the numbers of rows and a seed and decides which rows are drawn, and into which window the others go. That
depends on their numbers and the seed alone, not on how the table is divided or in which format it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.distinct import are_among
from backpass.table.columns.raw import RawColumn, RawNumbers, RawStrings
from backpass.table.content import hashes_of

SAMPLE = 2**18
"""Approximate number of rows in the sample."""

MOST_CLASSES = 1_000
"""Maximum number of target values that each get a row in the sample; targets with more are unlikely to be classes."""

_DRAWN, _PLACED = 0x5A3B_0001, 0x5A3B_0002


@dataclass(slots=True)
class FirstRows:
    """The first row with each value of the targets, which may be classes. Mutable: it grows from piece to piece.

    Attributes:
        seen: For each target, the row of each value so far; it is not complete if there are too many values.
        again: For each target, those of these rows whose value other rows have, too.
    """

    seen: dict[str, dict[Any, int]]
    again: dict[str, set[int]]

    @staticmethod
    def of(targets: Sequence[str]) -> FirstRows:
        """No rows yet."""
        return FirstRows({name: {} for name in targets}, {name: set() for name in targets})

    def wants(self, name: str) -> bool:
        """Whether a column is a target whose values may be classes."""
        return name in self.seen and len(self.seen[name]) <= MOST_CLASSES

    def add(self, name: str, values: Iterable[tuple[Any, int, int]]) -> list[int]:
        """Take in values with the first row and the number of rows of each; return the rows of those that are new."""
        seen, new = self.seen[name], dict[Any, int]()
        for value, row, count in values:
            place = seen.get(value, new.get(value))  # -0.0 and 0.0 are one value
            if place is not None or count > 1:
                self.again[name].add(row if place is None else place)
            if place is None:
                new[value] = row
        found = dict(list(new.items())[: MOST_CLASSES + 1])
        seen.update(found)
        return list(found.values())

    def merge(self, later: FirstRows) -> None:
        """Take in those of rows that follow."""
        for name, found in later.seen.items():
            ours = self.seen[name]
            repeated = {ours[value] for value in found if value in ours}
            again = {ours.get(value, row) for value, row in found.items() if row in later.again[name]}
            self.again[name] |= repeated | again
            new = [(value, row) for value, row in found.items() if value not in ours]
            ours.update(new[: MOST_CLASSES + 1])

    @property
    def recurring(self) -> dict[str, frozenset[int]]:
        """The numbers of the rows, from 1, whose value of a target other rows have, too, by target."""
        return {name: frozenset(row + 1 for row in rows) for name, rows in self.again.items()}

    @property
    def rows(self) -> list[int]:
        """The rows of all values of targets that may be classes."""
        # A target that turned out to be no classes adds no rows, wherever the pieces end.
        return [row for each in self.seen.values() if len(each) <= MOST_CLASSES for row in each.values()]


@dataclass(slots=True)
class GrowingSample:
    """Draws rows of a table whose number of rows is not known yet, see ``backpass.table.windows.sampling``. Mutable.

    Attributes:
        seed: The seed.
        first: The first row with each value of the targets.
        rows: The number of rows so far.
    """

    seed: int
    first: FirstRows
    rows: int = 0

    def draw(self, first: int, rows: int, columns: Sequence[RawColumn]) -> NDArray[np.bool_]:
        """Which rows of the next piece are drawn; ``first`` is the number of the first one."""
        new = [row for each in columns if self.first.wants(each.name) for row in self._new(each, first)]
        self.rows = first + rows
        chosen = drawn(np.arange(first, first + rows), self.seed, self.share)
        chosen[np.array(new, dtype=np.intp) - first] = True
        return chosen

    def still(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows are drawn at the present number of rows."""
        return drawn(rows, self.seed, self.share) | are_among(rows, self.first.rows)

    @property
    def share(self) -> float:
        """The probability with which a row is drawn: a smaller one draws some of the same rows."""
        return min(SAMPLE / max(self.rows, 1), 1.0)

    def _new(self, column: RawColumn, first: int) -> list[int]:
        if isinstance(column, RawNumbers):
            values, places, counts = np.unique(column.values, return_index=True, return_counts=True)
            found = zip(values.tolist(), places.tolist(), counts.tolist(), strict=True)
            known = [(value, first + place, count) for value, place, count in found if value == value]
        else:
            assert isinstance(column, RawStrings), "text files hold numbers and strings"
            codes, places, counts = np.unique(column.codes, return_index=True, return_counts=True)
            found = zip(codes.tolist(), places.tolist(), counts.tolist(), strict=True)
            known = [(column.levels[code - 1], first + place, count) for code, place, count in found if code]
        return self.first.add(column.name, sorted(known, key=lambda pair: pair[1]))


def drawn(rows: NDArray[np.int64], seed: int, share: float) -> NDArray[np.bool_]:
    """Which rows are drawn, with this probability each: (n,)"""
    if share >= 1.0:
        return np.ones(len(rows), dtype=np.bool_)
    return _hashes(rows, seed, _DRAWN) < np.uint64(share * 2.0**64)


def windows_of(rows: NDArray[np.int64], seed: int, windows: int) -> NDArray[np.int64]:
    """The window of each row, drawn at random: (n,)"""
    return (_hashes(rows, seed, _PLACED) % np.uint64(windows)).astype(np.int64)


def _hashes(rows: NDArray[np.int64], seed: int, purpose: int) -> NDArray[np.uint64]:
    key = [np.full(len(rows), each, dtype=np.uint64) for each in (seed % 2**64, purpose)]
    return hashes_of([*key, rows.astype(np.uint64)], len(rows))
