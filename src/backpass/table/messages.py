"""Wording: how names, values and rows are written in a message, and how faults are collected before stopping.

In come names and row numbers from data nobody vouches for; out goes text that is safe on a terminal, and one
``DataError`` for all faults. What counts as a fault is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from backpass.errors import DataError, did_you_mean

LONGEST_NAME = 60  # characters of a name or value shown in a message
FIRST = 5  # rows, lines or names listed before "... and 12 more"


def shown(name: object) -> str:
    """A name in quotes, control characters escaped, cut when long.

    >>> print(shown("price"), shown("a\\x1b[31m"))
    'price' 'a\\x1b[31m'
    """
    text = str(name)
    return repr(text if len(text) <= LONGEST_NAME else text[:LONGEST_NAME] + "...")


def plain(text: str) -> str:
    """The same without the quotes, for file names, and never cut."""
    return repr(text)[1:-1]


def listed(items: Sequence[object], write: Callable[[object], str] = str) -> str:
    """The first five, and how many more.

    >>> listed([3, 4, 5, 6, 7, 8, 9])
    '3, 4, 5, 6, 7, ... (7 in all)'
    """
    head = ", ".join(write(item) for item in items[:FIRST])
    return head if len(items) <= FIRST else f"{head}, ... ({len(items):,} in all)"


def rows_listed(rows: Iterable[int]) -> str:
    """``row 4``, or ``rows 4, 9``, counted from 1.

    >>> rows_listed([4]), rows_listed([4, 9])
    ('row 4', 'rows 4, 9')
    """
    numbers = [int(row) for row in rows]
    return f"{'row' if len(numbers) == 1 else 'rows'} {listed(numbers)}"


def counted(count: int, noun: str) -> str:
    """``1 text``, ``2 texts``, ``12,000 rows``.

    >>> counted(1, "text"), counted(12000, "row")
    ('1 text', '12,000 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def absent(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """One fault for every name that is not among the known ones, each with the nearest known name."""
    faults = []
    for name in names:
        if name not in known:
            near = did_you_mean(name, known)
            faults.append(f"column {shown(name)} is not there" + (f" ({near})" if near else ""))
    return faults


@dataclass(slots=True)
class ErrorList:
    """Faults of one table, collected while reading (this object grows), raised together as one ``DataError``."""

    source: str
    texts: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def add(self, text: str, hint: str = "") -> None:
        """Remember a fault and, once, what to do about it."""
        self.texts.append(text)
        if hint and hint not in self.hints:
            self.hints.append(hint)

    def extend(self, others: ErrorList) -> None:
        """Take over the faults of a part of the table."""
        self.texts.extend(others.texts)
        self.hints.extend(hint for hint in others.hints if hint not in self.hints)

    def stop(self) -> None:
        """Raise what was collected, if anything."""
        if self.texts:
            raise self.error()

    def error(self) -> DataError:
        """One error: a single fault is the message, several are listed beneath it."""
        where = plain(self.source)
        hint = "; ".join(self.hints)
        if len(self.texts) == 1:
            return DataError(f"{where}: {self.texts[0]}", hint=hint)
        return DataError(f"{where}: {len(self.texts)} faults", hint=hint, faults=self.texts)


def refusal(source: str, text: str, hint: str = "") -> DataError:
    """The error of a table with this one fault."""
    return DataError(f"{plain(source)}: {text}", hint=hint)
