"""Orange: the three header lines of Orange's tab-delimited files: names, types, and what each column is for.

    sepal length    species         name
    continuous      discrete        string
                    class           meta

https://orangedatamining.com describes the format. The first records come in; what they say of the columns goes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backpass.table.messages import listed, shown
from backpass.table.missing import DEFAULT_MISSING
from backpass.table.number import number_in

HEADERS = 3
TYPES = {"continuous": "c", "discrete": "d", "string": "s", "time": "t", "basket": "b"}
SHORT = frozenset(TYPES.values())
FLAGS = {"class": "class", "c": "class", "meta": "meta", "m": "meta", "ignore": "ignore", "i": "ignore"}

Record = Sequence[str]


@dataclass(frozen=True, slots=True)
class Orange:
    """Names of columns: texts, the class to predict, and those that are not learned from."""

    texts: tuple[str, ...]
    classes: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def note(self) -> str:
        """What to say of it."""
        told = ["three header lines, as Orange writes them: types are taken from the second"]
        if self.classes:
            told.append(f"the third names {listed(self.classes, shown)} as the target (--target)")
        if self.left_out:
            told.append(f"columns marked meta or ignore are left out: {listed(self.left_out, shown)}")
        return "; ".join(told)


def orange_of(records: Sequence[Record]) -> Orange | None:
    """What three header lines say; None where the first records are no such lines.

    Types written out speak for themselves. The letters c, d, s, t may be values: then a column marked continuous has to
    hold numbers, which no values of a row above them are.

    >>> orange_of([["x", "y"], ["continuous", "discrete"], ["", "class"], ["1", "a"]])
    Orange(texts=('y',), classes=('y',), left_out=())
    """
    if len(records) <= HEADERS or len({len(record) for record in records[: HEADERS + 1]}) > 1:
        return None
    names, written, flags = ([cell.strip() for cell in record] for record in records[:HEADERS])
    types = [_type_of(cell) for cell in written]
    roles = [_role_of(cell) for cell in flags]
    if None in types or None in roles or not any(written):
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
    """The letter of a type; nothing for an empty cell, d for the values of a discrete column, None for other texts."""
    if not cell or cell in SHORT:
        return cell
    return TYPES.get(cell.lower(), "d" if " " in cell else None)


def _role_of(cell: str) -> str | None:
    """The role in a cell of flags, which may have attributes (``-dc``, ``key=value``) besides; None for other texts."""
    words = [word for word in cell.split() if "=" not in word and not word.startswith("-")]
    if not words:
        return ""
    return FLAGS.get(words[0].lower()) if len(words) == 1 else None


def _are_numbers(texts: Sequence[str]) -> bool:
    return all(number_in(text) is not None for text in texts if text not in (*DEFAULT_MISSING, ".", "*", "~"))
