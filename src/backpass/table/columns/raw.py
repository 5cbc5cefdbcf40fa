"""Raw columns: columns as a reader returns them, before their kind is decided: numbers, dates and times, or strings.

Strings are stored as codes. Repeated strings are thus examined only once, in Python, by the same rules for every
source. ``kinds`` converts raw columns to typed ones. It looks for numbers and dates in the strings without their
presentation: what only shows a value, such as tags and entities of HTML, quotation marks and odd characters. Categories
keep their strings, because models store those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.table.datetimes.timestamp import DatetimeKind, timestamp_texts
from backpass.table.messages import ErrorList, shown
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.number import WHOLE_LIMIT, text_of
from backpass.table.notation.scripts import INVISIBLE, without_marks


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


_NAMES = (
    "abbr|address|a|bdi|bdo|big|br|b|caption|center|cite|code|col|dd|del|div|dl|dt|em|font|h[1-6]|hr|img|ins|i|kbd|"
    "label|li|mark|nobr|ol|pre|p|q|samp|section|small|span|strike|strong|sub|sup|s|table|tbody|td|tfoot|thead|th|time|"
    "tr|tt|ul|u|var|wbr"
)
TAG = LazyPattern(rf"<(?:/?(?:{_NAMES})(?![\w-])[^<>]*+|!--[^<>]*+)>", re.IGNORECASE)
RAISED = LazyPattern(r"<su[bp](?![\w-])[^<>]*+>\s?(?P<mark>[^<>\s]{1,4})\s?</su[bp]>", re.IGNORECASE)
ENTITY = LazyPattern(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
LONGEST = 300  # characters of a string that may hold a value
LOOKED_AT = 200  # strings that rule out most columns
DIGIT = re.compile(r"\d")
QUOTES = frozenset({'""', "“”", "„“", "«»", "»«", "‟”", "''", "‘’"})
SPACES = dict.fromkeys(map(ord, "\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u200a\u205f"), " ")
"""Spaces that no number has between its digits except to align them."""
SIGNS = (*map(chr, SPACES), *map(chr, INVISIBLE), "“", "„", "«", "»", "‘")
UNSEEN = "invisible characters"
SIGNS_IN_ASCII = ("<", "&", '"', "'", "  ")
Presentation: TypeAlias = tuple[str, str, str]
"""A string, the same without its presentation, and what that is."""


def plain_text(text: str) -> str:
    """Return a string without tags and entities of HTML, quotation marks, invisible characters and odd spaces.

    A tag leaves a space, so that digits on both sides stay apart. Raised characters stay raised.

    >>> plain_text("<td class='n'>1&nbsp;234</td>"), plain_text("&lt;5"), plain_text("12<sup>a</sup>")
    ('1\\xa0234', '<5', '12[a]')
    >>> plain_text('"12.5"'), plain_text("12 m<sup>2</sup>"), plain_text("<NA>"), plain_text("1<br>2")
    ('12.5', '12 m²', '<NA>', '1 2')
    """
    if len(text) > LONGEST:
        return text
    if "&" in text and ENTITY.search(text):
        from html import unescape  # here: its table is slow to import, and seldom needed

        text = unescape(text)
    if "<" in text:
        text = TAG.sub(" ", RAISED.sub(_raised, text))
    if not text.isascii():
        text = without_marks(text).translate(SPACES)
    if "  " in text:
        text = re.sub(" {2,}", " ", text)
    text = text.strip(" \t\u00a0")
    return text[1:-1].strip(" \t\u00a0") if len(text) > 2 and text[0] + text[-1] in QUOTES else text


def _raised(found: re.Match[str]) -> str:
    mark = found["mark"]
    is_sign = mark.isascii() and set(mark) <= set("0123456789+-*")
    return mark.translate(SUPERSCRIPTS) if is_sign else f"[{mark}]"


def without_presentation(raw: RawStrings) -> tuple[RawStrings, Presentation | None]:
    """Return a column with plain strings, the same object if they are plain already, and what was left out, for a note.

    A source with tags or quotation marks in its cells does not mean strings by its type.
    """
    sample = raw.levels[:: max(len(raw.levels) // LOOKED_AT, 1)]
    if 2 * sum(DIGIT.search(text) is not None for text in sample) < len(sample):
        return raw, None  # names and sentences
    joined = "\0".join(raw.levels)  # all at once, for speed
    is_odd = any(sign in joined for sign in SIGNS_IN_ASCII)
    if not is_odd and (joined.isascii() or not any(sign in joined for sign in SIGNS)):
        return raw, None
    texts = [plain_text(text) for text in raw.levels]
    if texts == [text.strip(" \t") for text in raw.levels]:
        return raw, None
    found = presentation_of(raw.levels, texts)
    return replace(raw, levels=texts, typed=raw.typed and (found is None or found[-1] == UNSEEN)), found


def presentation_of(texts: Sequence[str], plain: Sequence[str]) -> Presentation | None:
    """Return a string with tags, entities, quotation marks or invisible characters, the same without, and their name.

    >>> presentation_of(["1", "<b>2</b>"], ["1", "2"]), presentation_of(["1  kg"], ["1 kg"])
    (('<b>2</b>', '2', 'tags or entities of HTML'), None)
    """
    unseen = None
    for text, bare in zip(texts, plain, strict=True):
        if text == bare:
            continue
        if TAG.search(text) or ENTITY.search(text):
            return text, bare, "tags or entities of HTML"
        if (stripped := text.strip()) and stripped[0] + stripped[-1] in QUOTES:
            return text, bare, "quotation marks"
        if unseen is None and without_marks(text) != text:
            unseen = text, bare, UNSEEN
    return unseen
