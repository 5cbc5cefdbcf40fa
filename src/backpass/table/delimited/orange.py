"""Orange headers: the three header lines of Orange's tab-delimited files: names, types and roles of the columns.

    sepal length    species         name
    continuous      discrete        string
                    class           meta

Takes the first records of a file; returns what they declare about its columns. https://orangedatamining.com describes
the format.
"""

from __future__ import annotations

from collections.abc import Sequence

from backpass.dataclass import dataclass
from backpass.table.messages import listed, shown
from backpass.table.notation.missing import DEFAULT_MISSING
from backpass.table.notation.number import number_in

HEADERS = 3
TYPES = {"continuous": "c", "discrete": "d", "string": "s", "time": "t", "basket": "b"}
SHORT = frozenset(TYPES.values())
FLAGS = {"class": "class", "c": "class", "meta": "meta", "m": "meta", "ignore": "ignore", "i": "ignore"}

Record = Sequence[str]


@dataclass(frozen=True, slots=True)
class Orange:
    """Column names by what an Orange header declares.

    Attributes:
        texts: Categorical columns.
        classes: Columns to predict.
        left_out: Columns that are not features.
    """

    texts: tuple[str, ...]
    classes: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def note(self) -> str:
        """Message about the header."""
        notes = ["three header lines, as Orange writes them: types are taken from the second"]
        if self.classes:
            notes.append(f"the third names {listed(self.classes, shown)} as the target (--target)")
        if self.left_out:
            notes.append(f"columns marked meta or ignore are left out: {listed(self.left_out, shown)}")
        return "; ".join(notes)


def orange_of(records: Sequence[Record]) -> Orange | None:
    """Return what three header lines declare; None if the first records are not such lines.

    Types written in full are conclusive. The letters c, d, s, t may also be values; then the columns marked continuous
    must hold numbers, which rules out a header that is really a row of values.

    >>> orange_of([["x", "y"], ["continuous", "discrete"], ["", "class"], ["1", "a"]])
    Orange(texts=('y',), classes=('y',), left_out=())
    """
    if len(records) <= HEADERS or len({len(record) for record in records[: HEADERS + 1]}) > 1:
        return None
    if any(_type_of(cell.strip()) is None for cell in records[1]):
        return None  # nearly all tables, at the first value
    names, written, flags = ([cell.strip() for cell in record] for record in records[:HEADERS])
    types = [_type_of(cell) for cell in written]
    roles = [_role_of(cell) for cell in flags]
    if None in roles or not any(written):
        return None
    rows = [row for row in records[HEADERS:] if len(row) == len(names)]
    numbers = [j for j, kind in enumerate(types) if kind == "c"]
    if not all(_are_numbers([row[j].strip() for row in rows]) for j in numbers):
        return None
    if not numbers and not any(cell in TYPES for cell in written):
        return None
    texts = tuple(name for name, kind in zip(names, types, strict=True) if kind in ("d", "s"))
    classes = tuple(name for name, role in zip(names, roles, strict=True) if role == "class")
    left_out = tuple(name for name, role in zip(names, roles, strict=True) if role in ("meta", "ignore"))
    return Orange(texts, classes, left_out)


def _type_of(cell: str) -> str | None:
    """Return the letter of a type.

    An empty cell gives an empty string, a list of a discrete column's values gives d, any other string gives None.
    """
    if not cell or cell in SHORT:
        return cell
    return TYPES.get(cell.lower(), "d" if " " in cell else None)


def _role_of(cell: str) -> str | None:
    """Return the role in a cell of flags, ignoring attributes (``-dc``, ``key=value``); None for any other string."""
    words = [word for word in cell.split() if "=" not in word and not word.startswith("-")]
    if not words:
        return ""
    return FLAGS.get(words[0].lower()) if len(words) == 1 else None


def _are_numbers(texts: Sequence[str]) -> bool:
    return all(number_in(text) is not None for text in texts if text not in (*DEFAULT_MISSING, ".", "*", "~"))
