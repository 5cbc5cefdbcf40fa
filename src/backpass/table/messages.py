"""Message formatting: names, values and rows as they appear in messages, and a list that collects errors.

Takes names and row numbers from untrusted data; returns text that is safe to print on a terminal, and one ``DataError``
for all errors. The callers decide what is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from backpass.errors import DataError, did_you_mean

LONGEST_NAME = 60  # maximum characters of a name or value in a message
FIRST = 5  # rows, lines or names listed before "... and 12 more"


def shown(name: object) -> str:
    """Return a name in quotes, with control characters escaped; long names are truncated.

    >>> print(shown("price"), shown("a\\x1b[31m"))
    'price' 'a\\x1b[31m'
    """
    text = str(name)
    return repr(text if len(text) <= LONGEST_NAME else text[:LONGEST_NAME] + "...")


def plain(text: str) -> str:
    """Return the text as ``shown`` does, but without quotes and never truncated; for file names."""
    return repr(text)[1:-1]


def listed(items: Sequence[object], write: Callable[[object], str] = str) -> str:
    """Return the first five items, and the total number if there are more.

    >>> listed([3, 4, 5, 6, 7, 8, 9])
    '3, 4, 5, 6, 7, ... (7 in all)'
    """
    head = ", ".join(write(item) for item in items[:FIRST])
    return head if len(items) <= FIRST else f"{head}, ... ({len(items):,} in all)"


def rows_listed(rows: Iterable[int]) -> str:
    """Return ``row 4``, or ``rows 4, 9``; rows are counted from 1.

    >>> rows_listed([4]), rows_listed([4, 9])
    ('row 4', 'rows 4, 9')
    """
    numbers = [int(row) for row in rows]
    return f"{'row' if len(numbers) == 1 else 'rows'} {listed(numbers)}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 text``, ``2 texts``, ``12,000 rows``.

    >>> counted(1, "text"), counted(12000, "row")
    ('1 text', '12,000 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def plural(kind: str) -> str:
    """Return the noun for the values of columns of a kind, in the plural.

    >>> plural("numeric"), plural("categorical"), plural("date")
    ('numbers', 'texts', 'dates')
    """
    return {"numeric": "numbers", "categorical": "texts"}.get(kind, f"{kind}s")


def absent(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return one error text per name that is not in ``known``, each with the nearest known name."""
    faults = []
    for name in names:
        if name not in known:
            near = did_you_mean(name, known)
            faults.append(f"column {shown(name)} not found" + (f" ({near})" if near else ""))
    return faults


@dataclass(slots=True)
class ErrorList:
    """Errors of one table, collected while reading and raised together as one ``DataError``. Mutable.

    Attributes:
        source: Name of the table in messages.
        texts: The errors.
        hints: What to do about them, without duplicates.
    """

    source: str
    texts: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def add(self, text: str, hint: str = "") -> None:
        """Append an error, and its hint unless the hint is already listed."""
        self.texts.append(text)
        if hint and hint not in self.hints:
            self.hints.append(hint)

    def extend(self, others: ErrorList) -> None:
        """Append the errors and hints of another list."""
        self.texts.extend(others.texts)
        self.hints.extend(hint for hint in others.hints if hint not in self.hints)

    def stop(self) -> None:
        """Raise the collected errors, if any.

        Raises:
            DataError: The list is not empty.
        """
        if self.texts:
            raise self.error()

    def error(self) -> DataError:
        """Return the ``DataError``: a single error becomes its message, several are listed below it."""
        where = plain(self.source)
        hint = "; ".join(self.hints)
        if len(self.texts) == 1:
            return DataError(f"{where}: {self.texts[0]}", hint=hint)
        return DataError(f"{where}: {len(self.texts)} faults", hint=hint, faults=self.texts)


def refusal(source: str, text: str, hint: str = "") -> DataError:
    """Return a ``DataError`` for a table with a single error."""
    return DataError(f"{plain(source)}: {text}", hint=hint)
