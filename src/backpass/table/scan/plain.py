"""The plain scanner: the slow twin of ``_scanner``, and what it is held against.

A line ends in \\n, \\r\\n or \\r; spaces before an opening quote and behind a closing one belong to no field; a quote
inside a field that does not start with one is a sign like any other (RFC 4180 and a little more). Fields are trimmed
of spaces and tabs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backpass.table.number import NUMBER, is_padded

LONGEST = 1_000_000  # bytes of a field
NAMED = 8  # uneven records that are kept
END = re.compile(r"\r\n|\r|\n")
BLANKS = re.compile(r"[ \t]*+")

Record = tuple[int, list[str] | str]


def records(text: str, delimiter: str, *, is_merged: bool = False) -> Iterator[Record]:
    """The line on which each record starts, and its fields, none for a line of nothing; last, maybe, what is wrong.

    ``is_merged``: runs of blanks and tabs separate fields, and those around a record belong to none.

    >>> list(records('a,"b\\nc"\\n1', ","))
    [(1, ['a', 'b\\nc']), (3, ['1'])]
    >>> list(records('a,"b', ","))
    [(1, 'open quote')]
    >>> list(records(' a  "b c" \\n', " ", is_merged=True))
    [(1, ['a', 'b c'])]
    """
    cutter = _Cutter.of(delimiter, is_merged=is_merged)
    at, line = 0, 1
    while at < len(text):
        start, fields = at, list[str]()
        at = cutter.behind_blanks(text, at)
        while fields or text[at : at + 1] not in {"", "\r", "\n"}:
            content, at, fault = cutter.field(text, at)
            if fault:
                yield line, fault
                return
            fields.append(content.strip(" \t"))
            following = cutter.next_field(text, at)
            if following is None:
                break
            at = following
        at = cutter.behind_blanks(text, at)
        ended = END.match(text, at)
        at = ended.end() if ended else at
        yield line, fields
        line += len(END.findall(text, start, at))


@dataclass(frozen=True, slots=True)
class _Cutter:
    """Where a field begins and ends, as patterns."""

    delimiter: str
    opening: re.Pattern[str]
    closing: re.Pattern[str]
    bare: re.Pattern[str]
    is_merged: bool

    @staticmethod
    def of(delimiter: str, *, is_merged: bool) -> _Cutter:
        spaces = "" if delimiter == " " else " *+"
        opening, closing = rf'{spaces}"((?:[^"]++|"")*+)', rf'"{spaces}'
        delimiters = " \t" if is_merged else re.escape(delimiter)
        bare = rf"[^{delimiters}\r\n]*+"
        return _Cutter(delimiter, re.compile(opening), re.compile(closing), re.compile(bare), is_merged)

    def behind_blanks(self, text: str, at: int) -> int:
        """Behind the blanks at ``at`` where they are merged."""
        return BLANKS.match(text, at).end() if self.is_merged else at  # type: ignore[union-attr]  # as ``bare``

    def next_field(self, text: str, at: int) -> int | None:
        """Where the field behind the one that ends at ``at`` begins; None where the record ends."""
        if self.is_merged:
            at = self.behind_blanks(text, at)
            return None if text[at : at + 1] in {"", "\r", "\n"} else at
        return at + 1 if text[at : at + 1] == self.delimiter else None

    def field(self, text: str, at: int) -> tuple[str, int, str]:
        """What the field at ``at`` holds, where it ends, and what is wrong with it."""
        opened = self.opening.match(text, at)
        if opened is None:
            end = self.bare.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
            return text[at:end], end, "long field" if _is_long(text[at:end]) else ""
        content, closed = opened[1], self.closing.match(text, opened.end())
        if closed is None:
            return content, len(text), "long field" if _is_long(content) else "open quote"
        clear = {"", self.delimiter, "\r", "\n", *("\t" if self.is_merged else "")}
        is_clear = text[closed.end() : closed.end() + 1] in clear
        fault = "long field" if _is_long(content) else "" if is_clear else "after quote"
        return content.replace('""', '"'), closed.end(), fault


def _is_long(content: str) -> bool:
    return 4 * len(content) > LONGEST and len(content.encode()) > LONGEST


@dataclass(slots=True)
class _Column:
    """What a column held so far: each text with its code, and the code of each row (this object grows)."""

    known: dict[str, int] = field(default_factory=lambda: {"": 0})
    codes: list[int] = field(default_factory=list)


class PlainScanner:
    """Delimited text in pieces -> columns, each in its role: numbers (n), texts (t), or left out (-).

    A column of numbers that holds anything else, tokens aside, is unfit. A code such as 007, and what is too large for
    float64, is no number here; nor is 1.5 unless ``with_points``. This object grows: ``begin`` a file by telling which
    column each of its fields belongs to, ``feed`` it, ``end`` it, the next one. What is fed starts on ``line``; its
    first ``headers`` records are no rows. ``is_merged``: runs of blanks and tabs separate fields.

    ``uneven`` holds line and number of fields of the first records that have not one field per column, ``uneven_count``
    their number; ``broken`` what ended a file early ("long field", "after quote", "open quote", else ""), and
    ``broken_line`` the line on which that record starts.
    """

    def __init__(self, roles: str, tokens: Sequence[bytes], *, with_points: bool, rows_about: int) -> None:
        self._roles, self._tokens, self._with_points = roles, {token.decode() for token in tokens}, with_points
        self._columns = [_Column() for _ in roles]
        self._delimiter, self._order, self._pieces = ",", list[int](), list[bytes]()
        self._line, self._headers, self._is_merged = 1, 1, False
        self.rows, self.uneven_count, self.broken_line = 0, 0, 0
        self.uneven, self.broken = list[tuple[int, int]](), ""

    def begin(
        self, delimiter: str, order: Sequence[int], *, line: int = 1, headers: int = 1, is_merged: bool = False
    ) -> None:
        self._delimiter, self._order, self._pieces = delimiter, list(order), []
        self._line, self._headers, self._is_merged = line, headers, is_merged

    def feed(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def end(self) -> None:
        headers, text = self._headers, b"".join(self._pieces).decode()
        for line, fields in records(text, self._delimiter, is_merged=self._is_merged):
            if isinstance(fields, str):
                self.broken, self.broken_line = fields, self._line + line - 1
            elif not fields and (headers or len(self._order) != 1):
                continue
            elif headers:
                headers -= 1
            elif len(fields or [""]) != len(self._order):
                self.uneven = [*self.uneven, (self._line + line - 1, len(fields))][:NAMED]
                self.uneven_count += 1
            else:
                self._take(fields or [""])  # in a table of one column a line of nothing is a row without a value

    def _take(self, fields: Sequence[str]) -> None:
        self.rows += 1
        for j, text in zip(self._order, fields, strict=True):
            column = self._columns[j]
            column.codes.append(column.known.setdefault(text, len(column.known)))

    def numbers(self, column: int) -> NDArray[np.float64]:
        found = self._columns[column]
        values = [float(text) if self._is_number(text) else math.nan for text in found.known]
        return np.array(values)[np.array(found.codes, dtype=np.intp)]

    def texts(self, column: int) -> tuple[list[str], NDArray[np.int32]]:
        found = self._columns[column]
        return [*found.known][1:], np.array(found.codes, dtype=np.int32)

    def is_unfit(self, column: int) -> bool:
        strange = (text for text in self._columns[column].known if text and not self._is_number(text))
        return self._roles[column] == "n" and any(text not in self._tokens for text in strange)

    def has_points(self, column: int) -> bool:
        return any("." in text and self._is_number(text) for text in self._columns[column].known)

    def _is_number(self, text: str) -> bool:
        plain = NUMBER.fullmatch(text) is not None and not is_padded(text) and math.isfinite(float(text))
        return plain and (self._with_points or "." not in text)
