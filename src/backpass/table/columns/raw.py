"""Raw columns: columns as a reader returns them, before their kind is decided: numbers, dates and times, or strings.

Strings are stored as codes. Repeated strings are thus examined only once, in Python, by the same rules for every
source. ``kinds`` converts raw columns to typed ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.table.moments.timestamp import DatetimeKind, moment_texts
from backpass.table.notation.number import text_of


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


def numbers_as_texts(raw: RawNumbers) -> RawStrings:
    """Convert numbers to strings, for a column that the user or the model requires to be categorical."""
    values, inverse = np.unique(raw.values, return_inverse=True)  # NaN sorts last, and is one value
    count = int(np.count_nonzero(~np.isnan(values)))
    codes = np.where(inverse < count, inverse + 1, 0).astype(np.int32)
    return RawStrings(raw.name, [text_of(float(value)) for value in values[:count]], codes, typed=True)


def moments_as_texts(raw: RawDatetimes) -> RawStrings:
    """Convert dates or times to strings, for the same case."""
    microseconds, place = np.unique(raw.microseconds, return_inverse=True)
    texts = coded(raw.name, moment_texts(microseconds, raw.kind), typed=True)
    return RawStrings(raw.name, texts.levels, texts.codes[place], typed=True)
