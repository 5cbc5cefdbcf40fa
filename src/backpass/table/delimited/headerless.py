"""Header detection: whether the first line of a delimited file holds values instead of column names.

Takes the first record and a sample of the following ones; returns a verdict. A first line holds values if each of its
fields could belong to the column below it: numbers above similar numbers, strings that occur again. Numeric column
names remain names if they form a series (years; 0, 1, 2, ...; wavelengths) or differ from the numbers below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from itertools import islice

import numpy as np

from backpass.dataclass import dataclass
from backpass.table.datetimes.timestamp import timestamp_in
from backpass.table.messages import FIRST, shown
from backpass.table.notation.missing import DEFAULT_MISSING
from backpass.table.notation.number import number_in

_MISSING = frozenset(DEFAULT_MISSING)  # a set: every cell of the sample is looked up
FEWEST = 3  # minimum number of rows for a verdict
LOOKED_AT = 20  # values of a column that determine its type
ODD = 0.25  # maximum share of numbers that differ from those below
MONOTONE = 4  # minimum length of a rising or falling series
YEARS = (1900.0, 2100.0)
HINT = "a table without a header needs --no-header, or --names a,b,c"

Record = Sequence[str]


@dataclass(slots=True)
class _Evidence:
    """Counts how the fields of the first record compare with their columns. Mutable."""

    numbers: list[tuple[str, list[str]]] = field(default_factory=list)
    repeated: int = 0  # strings that occur in their column, and dates above dates
    unmatched: int = 0  # strings that do not occur in a column of recurring strings


def looks_like_data(first: Record, rows: Sequence[Record]) -> bool:
    """Whether the first record is a row of values.

    >>> rows = [["1.5", "a"], ["2.5", "b"], ["0.5", "a"]]
    >>> looks_like_data(["3.5", "b"], rows), looks_like_data(["size", "town"], rows)
    (True, False)
    """
    if {*map(len, rows)} != {len(first)}:
        rows = [row for row in rows if len(row) == len(first)]
    if len(rows) < FEWEST:
        return False
    if not all(map(_may_belong, first, zip(*rows, strict=True))):
        return False
    found = _Evidence()
    for cell, column in zip(first, zip(*rows, strict=True), strict=True):
        there = [value for text in column if (value := text.strip(" \t")) not in _MISSING]
        if len(there) < len(column) and set(there) == {cell}:
            found.unmatched += 1  # a checkbox column: its only value is its name
        elif there and cell not in _MISSING:
            _weigh(cell, there, found)
    return _verdict(found) and (len(first) == 1 or not _recurs_whole(first, rows))


def _may_belong(cell: str, column: Sequence[str]) -> bool:
    """Whether a field is missing or of the type of the first values below it; else it can only be a name."""
    if cell in _MISSING:
        return True
    there = (value for text in column if (value := text.strip(" \t")) not in _MISSING)
    values = [*islice(there, LOOKED_AT)]
    type_ = _type_of(values) if values else ""
    return not type_ or _type_of([cell]) == type_


def _weigh(cell: str, column: list[str], found: _Evidence) -> None:
    """Add a field to the evidence."""
    type_ = _type_of(column[:LOOKED_AT])
    if type_ == "numeric":
        found.numbers.append((cell, column))
    elif type_:
        found.repeated += 1
    elif cell in (levels := set(column)):
        found.repeated += len(levels) > 1
    elif 2 * len(levels) <= len(column):
        found.unmatched += 1


def _type_of(texts: Sequence[str]) -> str:
    """Return ``numeric`` or ``date`` if all strings are such values, else an empty string."""
    if all(_number(text) is not None for text in texts):
        return "numeric"
    return "date" if all(timestamp_in(text) for text in texts) else ""


def _number(text: str) -> float | None:
    found = number_in(text)
    return number_in(text, ",") if found is None else found


def _verdict(found: _Evidence) -> bool:
    """Weigh the evidence: recurring strings indicate values; unknown strings and a series of numbers indicate names."""
    if not found.numbers:
        return found.repeated > 0 and not found.unmatched
    if not _are_alike(found.numbers):
        return False
    if found.repeated:
        return found.repeated >= found.unmatched and not (found.unmatched and _is_series(found))
    return not found.unmatched and not _is_series(found)


def _are_alike(numbers: Sequence[tuple[str, list[str]]]) -> bool:
    """Whether nearly all numbers of the first record are close to those below and written like them."""
    odd = sum(not (_is_near(cell, column) and _is_written_alike(cell, column)) for cell, column in numbers)
    return odd <= ODD * len(numbers)


def _is_near(cell: str, column: list[str]) -> bool:
    """Whether a number exceeds the range of its column by no more than the width of that range."""
    values = [value for value in map(_number, column) if value is not None]
    value, low, high = _number(cell), min(values), max(values)
    return value is not None and low - (high - low) <= value <= high + (high - low)


def _is_written_alike(cell: str, column: list[str]) -> bool:
    """Whether a whole number stands above some whole numbers, or a fraction above some fractions."""
    pointed = sum(not text.lstrip("+-").isdigit() for text in column)
    is_whole = cell.lstrip("+-").isdigit()
    return pointed < 0.95 * len(column) if is_whole else pointed > 0


def _is_series(found: _Evidence) -> bool:
    """Whether the numbers form a series, as names that count or measure do: 0, 1, 2; 1990, 2000, 2020."""
    values = [value for cell, _ in found.numbers if (value := _number(cell)) is not None]
    whole = all(value.is_integer() for value in values)
    if whole and all(YEARS[0] <= value <= YEARS[1] for value in values) and not _holds_years(found):
        return True
    steps = np.diff(values)
    if not len(steps):
        return values == [0.0]
    if whole and np.all(np.abs(steps) == 1.0) and np.all(steps == steps[0]):
        return True
    if len(steps) < MONOTONE - 1:  # by chance, a third of all triples rise or fall
        return len(steps) > 1 and bool(np.allclose(steps, steps[0], rtol=1e-6))
    return bool(np.all(steps > 0) or np.all(steps < 0))


def _holds_years(found: _Evidence) -> bool:
    """Whether most numbers below the first record are years, too."""
    values = [value for _, column in found.numbers for value in map(_number, column) if value is not None]
    return float(np.mean([YEARS[0] <= value <= YEARS[1] for value in values])) > 0.5


def _recurs_whole(first: Record, rows: Sequence[Record]) -> bool:
    """Whether the fields of the record recur only where the whole record does: the header is repeated."""
    again = sum([*map(str.strip, row)] == [*first] for row in rows)
    return again > 0 and all(sum(row[j].strip() == cell for row in rows) == again for j, cell in enumerate(first))


def first_line(first: Record) -> str:
    """Return the first fields of the first record, for a message.

    >>> first_line(["39", "State-gov", "77516", "a", "b", "c"])
    "'39, State-gov, 77516, a, b, ...'"
    """
    return shown(", ".join(first[:FIRST]) + (", ..." if len(first) > FIRST else ""))
