"""Findings: what was noticed about the windows of a table, merged, so that it is reported once for the whole table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import field, replace

import numpy as np

from backpass.dataclass import dataclass
from backpass.model.prediction.predictions import Predictions
from backpass.table import CategoricalColumn, Encoded, Table
from backpass.table.messages import left_out_together
from backpass.table.unseen import Suspect, Unseen, warnings_on

MOST_TEXTS = 10_000
"""Unseen texts of a column that are kept."""

_NUMBER = re.compile(r"('(?:[^'\\]|\\.)*')|[0-9][0-9,.]*")


@dataclass(slots=True)
class MergedNotes:
    """Notes on several parts of a table: one that differs in numbers only is kept once. Mutable."""

    _notes: dict[tuple[str, int], str] = field(default_factory=dict)

    def add(self, notes: Iterable[str]) -> None:
        """Take in the notes on the next part."""
        seen = Counter[str]()
        for note in notes:
            if self._joins(note):
                continue
            kind = _NUMBER.sub(lambda number: number[1] or "#", note)
            # A part may have several such notes, of which the nth belongs to the nth of the others.
            first = self._notes.setdefault((kind, seen[kind]), note)
            if first != note and not first.endswith(_MORE):
                self._notes[kind, seen[kind]] = first + _MORE
            seen[kind] += 1

    def _joins(self, note: str) -> bool:
        """Whether a note is on rows that are left out for the reason of an earlier one, which then counts them too."""
        for kind, earlier in self._notes.items():
            if (together := left_out_together(earlier, note)) is not None:
                self._notes[kind] = together
                return True
        return False

    def merge(self, later: MergedNotes) -> None:
        """Take in the notes on the parts that follow, as if they were added one after another."""
        for key, note in later._notes.items():
            if self._joins(note):
                continue
            first = self._notes.setdefault(key, note)
            is_same = note == first.removesuffix(_MORE)
            if not (first.endswith(_MORE) or is_same or first is note):
                self._notes[key] = first + _MORE

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on all parts."""
        return tuple(self._notes.values())


@dataclass(slots=True)
class Findings:
    """Notes and warnings about the windows of a table. Mutable.

    Attributes:
        source: Name of the table; empty before the first window.
        rows: Number of rows so far.
        windows: Number of windows with rows.
    """

    source: str = ""
    rows: int = 0
    windows: int = 0
    _first: tuple[str, ...] | None = None
    _notes: MergedNotes = field(default_factory=MergedNotes)
    _unseen: dict[str, Unseen] = field(default_factory=dict)
    _held: Counter[str] = field(default_factory=Counter)
    _suspects: dict[str, Suspect] = field(default_factory=dict)
    _suspected: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, table: Table, found: Predictions | Encoded) -> Findings:
        """The findings about a table that is one window."""
        findings = cls()
        findings.add(table, found)
        return findings

    def add(self, table: Table, found: Predictions | Encoded | None = None) -> None:
        """Take in a window.

        Args:
            table: Its rows.
            found: The predictions for them, or the encoded rows; None for a window without rows.
        """
        self.source = self.source or table.source
        self.rows += table.rows
        noted = (*table.notes, *(found.notes if found else ()))
        self._first = noted if self._first is None else ()
        of_unseen = {each.note for each in (found.unseen if found else ())}
        self._notes.add(note for note in noted if note not in of_unseen)
        if found is None:
            return
        self.windows += 1
        for column in table.columns.values():
            if isinstance(column, CategoricalColumn):
                self._held[column.name] += int(np.count_nonzero(column.codes))
        for unseen in found.unseen:
            before = self._unseen.get(unseen.name)
            texts = {*unseen.texts, *(before.texts if before else ())}
            rows = unseen.rows + (before.rows if before else 0)
            self._unseen[unseen.name] = replace(unseen, rows=rows, texts=tuple(sorted(texts)[:MOST_TEXTS]))
        for suspect in found.suspects:
            rows = suspect.rows + (self._suspects[suspect.name].rows if suspect.name in self._suspects else 0)
            self._suspects[suspect.name] = replace(suspect, rows=rows)
            self._suspected[suspect.name] += 1

    @property
    def unseen(self) -> tuple[Unseen, ...]:
        """The columns with values that the model does not know, over all windows."""
        return tuple(replace(each, held=self._held[each.name]) for each in self._unseen.values())

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """The columns that look different from those of the training rows in every window."""
        return tuple(each for name, each in self._suspects.items() if self._suspected[name] == self.windows)

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on all windows."""
        if self._first:
            return self._first
        return (*self._notes.notes, *(each.note for each in self.unseen if not each.is_nearly_all))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings on all windows."""
        return warnings_on(self.unseen, self.suspects)


_MORE = "; later rows have more of this"
