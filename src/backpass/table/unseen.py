"""Unseen values: the strings of a column that a model does not know, their number, and the messages about them.

A few are usual: new towns appear. A column of nothing else is probably written in other codes than the training rows.
``schema`` counts them. ``Suspect`` is a column whose values are known but unlike those of the training rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from backpass.dataclass import dataclass
from backpass.table.messages import ErrorList, counted, listed, shown

FEW = 0.05
"""Share of a column's values up to which a note on unseen values does not state the share."""
NEARLY_ALL = 0.9
"""Share of a column's values from which unseen ones are worth a warning."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """The values of a categorical column that a model does not know.

    Attributes:
        name: Column name.
        rows: Number of rows with such a value, at least 1.
        held: Number of rows with any value.
        texts: The distinct unseen values.
        known: The categories of the model.
    """

    name: str
    rows: int
    held: int
    texts: tuple[str, ...]
    known: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share of the column's values that are unseen."""
        return self.rows / self.held

    @property
    def is_nearly_all(self) -> bool:
        """Whether the column holds almost no value that the model knows."""
        return self.share >= NEARLY_ALL

    @property
    def is_many(self) -> bool:
        """Whether the share is above ``FEW``."""
        return self.share > FEW

    @property
    def note(self) -> str:
        """The note on unseen values, with their share unless it is small.

        >>> print(Unseen("town", 3, 12, ("A",), ("b",)).note)
        column 'town': 3 rows (25%) with a category that the model does not know
        """
        share = f" ({100 * self.share:.0f}%)" if self.is_many else ""
        rows = f"{counted(self.rows, 'row')}{share}"
        return f"column {shown(self.name)}: {rows} with a category that the model does not know"

    @property
    def error(self) -> str:
        """The error if such values are rejected."""
        return self.warning if self.is_nearly_all else f"{self.note}: {listed(self.texts, shown)}"

    @property
    def hint(self) -> str:
        """What to do about that error."""
        return f"--strict allows {100 * FEW:.0f}% of a column; without it such values count as missing"

    @property
    def warning(self) -> str:
        """The warning on a column of unseen values, with examples of them and of the model's categories.

        >>> print(Unseen("town", 12, 12, ("A", "B"), ("a", "b")).warning)
        column 'town': the model knows none of the values ('A', 'B'; 12 rows); it was fitted on 'a', 'b'; only upper \
and lower case differ
        """
        count = "none" if self.rows == self.held else f"only {100 * (1 - self.share):.2g}%"
        texts, known = listed(self.texts, shown), listed(self.known, shown)
        folded = {text.casefold() for text in self.known}
        is_case = sum(text.casefold() in folded for text in self.texts) > len(self.texts) / 2
        hint = "; only upper and lower case differ" if is_case else ""
        what = f"the model knows {count} of the values ({texts}; {counted(self.rows, 'row')})"
        return f"column {shown(self.name)}: {what}; it was fitted on {known}{hint}"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A column that is probably not what the model was fitted on.

    Attributes:
        name: Column name.
        what: What it holds, and what the training rows held; ``{rows}`` stands for the number of rows.
        hint: What to do.
        rows: The number of rows.
        share: The share of the column's values that are unlike; with ``FEW`` or less it is a warning, never an error.
    """

    name: str
    what: str
    hint: str
    rows: int = 0
    share: float = 1.0

    @property
    def text(self) -> str:
        """What the column holds, with the number of rows."""
        return self.what.replace("{rows}", counted(self.rows, "row"))

    @property
    def warning(self) -> str:
        """The warning on the column.

        >>> Suspect("rate", "12 rows are missing", "give its values").warning
        "column 'rate': 12 rows are missing (give its values)"
        """
        return f"column {shown(self.name)}: {self.text} ({self.hint})"


def warnings_on(unseen: Sequence[Unseen], suspects: Sequence[Suspect] = ()) -> tuple[str, ...]:
    """Return the warnings about columns with almost no known value, and about suspect ones."""
    return (*(each.warning for each in unseen if each.is_nearly_all), *(each.warning for each in suspects))


def require_seen(source: str, unseen: Sequence[Unseen], suspects: Sequence[Suspect] = ()) -> None:
    """Check that no column is suspect or holds many values that the model does not know.

    Raises:
        DataError: Some do; the error lists all of them.
    """
    errors = ErrorList(source)
    for suspect in suspects:
        if suspect.share <= FEW:
            continue
        errors.add(f"column {shown(suspect.name)}: {suspect.text}", suspect.hint)
    for each in unseen:
        if each.is_many:
            errors.add(each.error, each.hint)
    errors.stop()
