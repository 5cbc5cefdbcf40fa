"""Raw: a column as a door hands it over, before its kind is decided: numbers, moments, or coded texts.

Distinct values are few where texts are texts, so each one is judged once, in Python, by the same rules for every door.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.table.number import text_of
from backpass.table.timestamp import DatetimeKind, moment_texts


@dataclass(frozen=True, slots=True)
class RawNumbers:
    """Numbers that are known to be numbers: values float64 (n,), NaN where missing. Durations are seconds."""

    name: str
    values: NDArray[np.float64]
    is_duration: bool = False


@dataclass(frozen=True, slots=True)
class RawStrings:
    """Texts as they stand: codes int32 (n,), 0 where there is none, j for levels[j - 1], in no order.

    ``typed`` says that the source itself calls them texts (Parquet, a data frame), so that digits among them stay
    texts.
    """

    name: str
    levels: Sequence[str]
    codes: NDArray[np.int32]
    typed: bool = False


@dataclass(frozen=True, slots=True)
class RawDatetimes:
    """Moments that are known to be dates, or times of day: ticks int64 (n,), as in ``MomentColumn``."""

    name: str
    microseconds: NDArray[np.int64]
    kind: DatetimeKind
    zoned: bool = False


RawColumn: TypeAlias = RawNumbers | RawStrings | RawDatetimes


@dataclass(frozen=True, slots=True)
class Content:
    """What a door found: all names, the columns that are wanted, and the number of rows.

    The ``notes`` are on how the source was written. Columns that are an index of pandas are not among the names.
    ``has_header`` says whether the source names its columns.
    """

    names: tuple[str, ...]
    columns: Sequence[RawColumn]
    rows: int
    notes: tuple[str, ...] = ()
    has_header: bool = True


def coded(name: str, texts: Iterable[str | None], *, typed: bool) -> RawStrings:
    """Code texts by first appearance.

    >>> coded("x", ["b", None, "a", "b"], typed=True).codes.tolist()
    [1, 0, 2, 1]
    """
    known: dict[str | None, int] = {None: 0}
    codes = [known.setdefault(text, len(known)) for text in texts]
    levels = [text for text in known if text is not None]
    return RawStrings(name, levels, np.array(codes, dtype=np.int32), typed)


def numbers_as_texts(raw: RawNumbers) -> RawStrings:
    """The texts of numbers, for a column that the user, or the model, wants as text."""
    values, inverse = np.unique(raw.values, return_inverse=True)  # NaN sorts last, and is one value
    count = int(np.count_nonzero(~np.isnan(values)))
    codes = np.where(inverse < count, inverse + 1, 0).astype(np.int32)
    return RawStrings(raw.name, [text_of(float(value)) for value in values[:count]], codes, typed=True)


def moments_as_texts(raw: RawDatetimes) -> RawStrings:
    """The texts of moments, for the same."""
    microseconds, place = np.unique(raw.microseconds, return_inverse=True)
    texts = coded(raw.name, moment_texts(microseconds, raw.kind), typed=True)
    return RawStrings(raw.name, texts.levels, texts.codes[place], typed=True)
