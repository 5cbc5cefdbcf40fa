"""Raw columns: columns as a reader returns them, before their kind is decided: numbers, dates and times, or strings.

Strings are stored as codes. Repeated strings are thus examined only once, in Python, by the same rules for every
source. ``kinds`` converts raw columns to typed ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.datetimes.timestamp import DatetimeKind, timestamp_texts
from backpass.table.messages import ErrorList, shown
from backpass.table.notation.number import WHOLE_LIMIT, text_of


@dataclass(frozen=True, slots=True)
class RawNumbers:
    """Column that the source declares or shows to be numeric.

    Attributes:
        name: Column name.
        values: float64 (n,), NaN where missing.
        is_duration: Whether the numbers are durations in seconds.
    """

    name: str
    values: NDArray[np.float64]
    is_duration: bool = False


@dataclass(frozen=True, slots=True)
class RawStrings:
    """Column of unconverted strings.

    Attributes:
        name: Column name.
        levels: The distinct strings, in no particular order.
        codes: int32 (n,), 0 where missing, j for levels[j - 1].
        typed: Whether the source declares strings (Parquet, a data frame); a column of digits only then stays text.
        is_category: Whether the source declares categories, which stay as they are.
    """

    name: str
    levels: Sequence[str]
    codes: NDArray[np.int32]
    typed: bool = False
    is_category: bool = False


@dataclass(frozen=True, slots=True)
class RawDatetimes:
    """Column that the source declares to be dates or times of day.

    Attributes:
        name: Column name.
        microseconds: int64 (n,), as in ``DatetimeColumn``.
        kind: "date" or "time".
        zoned: Whether the source states time zones.
    """

    name: str
    microseconds: NDArray[np.int64]
    kind: DatetimeKind
    zoned: bool = False


RawColumn: TypeAlias = RawNumbers | RawStrings | RawDatetimes


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader returns.

    Attributes:
        names: Names of all columns, except those of a pandas index.
        columns: The requested columns.
        rows: Number of rows.
        notes: Messages about how the source is written.
        has_header: Whether the source names its columns.
        no_data: Rows, from 1, that hold nothing or the header again; their values are missing.
        labels: Descriptions of columns by name, where the source has them.
    """

    names: tuple[str, ...]
    columns: Sequence[RawColumn]
    rows: int
    notes: tuple[str, ...] = ()
    has_header: bool = True
    no_data: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


def coded(name: str, texts: Iterable[str | None], *, typed: bool) -> RawStrings:
    """Encode strings by order of first appearance.

    >>> coded("x", ["b", None, "a", "b"], typed=True).codes.tolist()
    [1, 0, 2, 1]
    """
    known: dict[str | None, int] = {None: 0}
    codes = [known.setdefault(text, len(known)) for text in texts]
    levels = [text for text in known if text is not None]
    return RawStrings(name, levels, np.array(codes, dtype=np.int32), typed)


def extent_of(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the smallest and the largest number of (n,), NaN aside; infinity and its negative if there is none.

    >>> extent_of(np.array([2.0, np.nan, 1.0])), extent_of(np.array([np.nan]))
    ((1.0, 2.0), (inf, -inf))
    """
    return float(np.fmin.reduce(values, initial=np.inf)), float(np.fmax.reduce(values, initial=-np.inf))


def lost_digits(values: NDArray[np.float64]) -> bool:
    """Whether all values are whole numbers and the largest lies between 2^53 and 2^64, the range of 64-bit integers."""
    largest = max(np.fmax.reduce(values, initial=0.0), -np.fmin.reduce(values, initial=0.0))
    if not WHOLE_LIMIT <= largest < 2.0**64:
        return False
    there = values[~np.isnan(values)]
    return bool(np.all(there == np.rint(there)))


def numbers_as_texts(raw: RawNumbers, errors: ErrorList) -> RawStrings:
    """Convert numbers to strings, for a column that the user or the model requires to be categorical."""
    if lost_digits(raw.values):
        message = f"column {shown(raw.name)} holds whole numbers beyond 2^53 as float64, whose last digits are lost"
        errors.add(message, "some values would be the same category: store them as integers or as strings")
    values, inverse = np.unique(raw.values, return_inverse=True)  # NaN sorts last, and is one value
    count = int(np.count_nonzero(~np.isnan(values)))
    codes = np.where(inverse < count, inverse + 1, 0).astype(np.int32)
    return RawStrings(raw.name, [text_of(float(value)) for value in values[:count]], codes, typed=True)


def integers_as_texts(name: str, values: NDArray[np.integer], gaps: NDArray[np.bool_] | None) -> RawStrings:
    """Convert integers (n,) to strings with all their digits, missing where ``gaps`` says so, for the same case.

    >>> integers_as_texts("id", np.array([2**53 + 1, 2**53]), None).levels
    ['9007199254740992', '9007199254740993']
    """
    levels, inverse = np.unique(values, return_inverse=True)
    codes = inverse.astype(np.int32) + np.int32(1)
    return RawStrings(name, levels.astype(str).tolist(), codes if gaps is None else codes * ~gaps, typed=True)


def datetimes_as_texts(raw: RawDatetimes) -> RawStrings:
    """Convert dates or times to strings, for the same case."""
    microseconds, place = np.unique(raw.microseconds, return_inverse=True)
    texts = coded(raw.name, timestamp_texts(microseconds, raw.kind), typed=True)
    return RawStrings(raw.name, texts.levels, texts.codes[place], typed=True)
