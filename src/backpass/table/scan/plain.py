"""Plain scanner: the readable reference implementation of ``_scanner``, against which it is tested.

Takes delimited text in pieces; returns columns of numbers and coded strings. A line ends in \\n, \\r\\n or \\r. Spaces
before an opening quote and after a closing one belong to no field. A quote inside a field that does not start with one
is an ordinary character (RFC 4180, slightly extended). Spaces and tabs around fields are removed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.notation.number import NUMBER, is_padded

LONGEST = 1_000_000  # bytes of a field
NAMED = 8  # maximum uneven records to keep
END = re.compile(r"\r\n|\r|\n")
BLANKS = re.compile(r"[ \t]*+")

COMMENT, HEADER, PREAMBLE = "comment", "header", "preamble"  # lines that are no rows

Record = tuple[int, list[str] | str]


@dataclass(frozen=True, slots=True)
class LineWatch:
    """The lines of a delimited text that are not rows, recognized by how they begin, before any field is split.

    Attributes:
        comment: What a comment begins with; empty for none.
        is_certain: Whether every such line is a comment; else one with as many delimiters as a row is a row.
        headers: Lines that repeat a header, without their ends.
        preamble: Other lines of the preamble.
    """

    comment: str = ""
    is_certain: bool = False
    headers: frozenset[str] = frozenset()
    preamble: frozenset[str] = frozenset()

    def kind_of(self, line: str, delimiter: str, width: int) -> str:
        """Return ``comment``, ``header`` or ``preamble``; an empty string for a line that begins a record."""
        if self.comment and line.startswith(self.comment) and (self.is_certain or line.count(delimiter) + 1 != width):
            return COMMENT
        return HEADER if line in self.headers else PREAMBLE if line in self.preamble else ""


def records(
    text: str, delimiter: str, *, is_merged: bool = False, aside: Callable[[str], str] = lambda line: ""
) -> Iterator[Record]:
    """Yield each record's first line number and its fields (none for an empty line).

    If a record is malformed, the last item has an error code in place of its fields.

    Args:
        text: The delimited text.
        delimiter: One character.
        is_merged: Whether runs of blanks and tabs separate fields; those around a record then belong to no field.
        aside: Returns a code for a line that is not a record, which replaces the fields, else "".

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
        ended = END.search(text, at)
        if code := aside(text[at : ended.start() if ended else len(text)]):
            at = ended.end() if ended else len(text)
            yield line, code
            line += 1
            continue
        at = cutter.behind_blanks(text, at)
        while fields or text[at : at + 1] not in {"", "\r", "\n"}:
            content, at, reason = cutter.field(text, at)
            if reason:
                yield line, reason
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
    """Patterns that find where a field begins and ends."""

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
        """Return the position after the blanks at ``at`` if blanks are merged, else ``at``."""
        return BLANKS.match(text, at).end() if self.is_merged else at  # type: ignore[union-attr]  # as ``bare``

    def next_field(self, text: str, at: int) -> int | None:
        """Return where the field after the one that ends at ``at`` begins; None at the end of the record."""
        if self.is_merged:
            at = self.behind_blanks(text, at)
            return None if text[at : at + 1] in {"", "\r", "\n"} else at
        return at + 1 if text[at : at + 1] == self.delimiter else None

    def field(self, text: str, at: int) -> tuple[str, int, str]:
        """Return the content of the field at ``at``, its end, and an error code or an empty string."""
        opened = self.opening.match(text, at)
        if opened is None:
            end = self.bare.match(text, at).end()  # type: ignore[union-attr]  # the pattern also matches the empty string
            return text[at:end], end, "long field" if _is_long(text[at:end]) else ""
        content, closed = opened[1], self.closing.match(text, opened.end())
        if closed is None:
            return content, len(text), "long field" if _is_long(content) else "open quote"
        clear = {"", self.delimiter, "\r", "\n", *("\t" if self.is_merged else "")}
        is_clear = text[closed.end() : closed.end() + 1] in clear
        reason = "long field" if _is_long(content) else "" if is_clear else "after quote"
        return content.replace('""', '"'), closed.end(), reason


def _is_long(content: str) -> bool:
    return 4 * len(content) > LONGEST and len(content.encode()) > LONGEST


@dataclass(slots=True)
class _Column:
    """Content of a column so far: the code of each string, and the code of each row. Mutable."""

    known: dict[str, int] = field(default_factory=lambda: {"": 0})
    codes: list[int] = field(default_factory=list)


class PlainScanner:
    """Scanner of delimited text. Mutable: for each file call ``begin``, then ``feed`` for each piece, then ``end``.

    A numeric column is unfit if it holds anything but numbers and missing tokens. Values with leading zeros (007) and
    values too large for float64 do not count as numbers here; neither does 1.5 unless ``with_points``.

    Args:
        roles: One character per column: n (numeric), t (strings) or - (left out).
        tokens: The missing tokens.
        with_points: Whether numbers may contain a decimal point.
        rows_about: Estimated number of rows; unused here.

    Attributes:
        rows: Number of rows so far.
        uneven: Line and number of fields of the first records without exactly one field per column.
        uneven_count: Number of such records.
        empty_rows: Rows, from 1, whose fields are all empty.
        header_rows: Rows, from 1, that repeat a header line; they are rows without values.
        aside: Lines of the first comments and repeated lines of the preamble.
        aside_count: Number of such lines.
        broken: What ended a file early: "long field", "after quote" or "open quote"; else "".
        broken_line: First line of that record.
    """

    def __init__(self, roles: str, tokens: Sequence[bytes], *, with_points: bool, rows_about: int) -> None:
        self._roles, self._tokens, self._with_points = roles, {token.decode() for token in tokens}, with_points
        self._columns = [_Column() for _ in roles]
        self._delimiter, self._order, self._pieces = ",", list[int](), list[bytes]()
        self._line, self._headers, self._headers_left, self._is_merged = 1, 1, 0, False
        self.rows, self.uneven_count, self.broken_line = 0, 0, 0
        self.uneven, self.broken = list[tuple[int, int]](), ""
        self.empty_rows, self.header_rows, self.aside, self.aside_count = list[int](), list[int](), list[int](), 0
        self._watch, self._skips_empty = LineWatch(), False

    def begin(
        self,
        delimiter: str,
        order: Sequence[int],
        *,
        line: int = 1,
        headers: int = 1,
        is_merged: bool = False,
        comment: bytes = b"",
        all_comments: bool = False,
        header_lines: Sequence[bytes] = (),
        preamble: Sequence[bytes] = (),
        skips_empty: bool = False,
    ) -> None:
        """Begin a file.

        Args:
            delimiter: One character.
            order: Column index of each field.
            line: Line number at which the text starts.
            headers: Number of records at the start that are not rows.
            is_merged: Whether runs of blanks and tabs separate fields.
            comment: What a comment line begins with; empty for none.
            all_comments: Whether every such line is a comment, even one with as many delimiters as a row.
            header_lines: Lines that may be there again, as rows without values.
            preamble: Other lines that may be there again; they are left out.
            skips_empty: Whether a record of empty fields is listed in ``empty_rows``.
        """
        self._delimiter, self._order, self._pieces = delimiter, list(order), []
        self._line, self._headers, self._is_merged = line, headers, is_merged
        again, above = (frozenset(each.decode() for each in lines) for lines in (header_lines, preamble))
        self._watch, self._skips_empty = LineWatch(comment.decode(), all_comments, again, above), skips_empty

    def feed(self, piece: bytes) -> None:
        """Append a piece of the file."""
        self._pieces.append(piece)

    def end(self) -> None:
        """End the file: parse what was fed."""
        self._headers_left, text = self._headers, b"".join(self._pieces).decode()
        for line, fields in records(text, self._delimiter, is_merged=self._is_merged, aside=self._kind_of):
            if fields == HEADER:
                self._take([""] * len(self._order))
                self.header_rows.append(self.rows)
            elif fields in (COMMENT, PREAMBLE):
                self._put_aside(line)
            elif isinstance(fields, str):
                self.broken, self.broken_line = fields, self._line + line - 1
            elif not fields and (self._headers_left or len(self._order) != 1):
                continue
            elif self._headers_left:
                self._headers_left -= 1
            elif self._skips_empty and len(fields) > 1 and not any(fields):
                self._take_empty(line, fields)
            elif len(fields or [""]) != len(self._order):
                self.uneven = [*self.uneven, (self._line + line - 1, len(fields))][:NAMED]
                self.uneven_count += 1
            else:
                self._take(fields or [""])  # in a one-column table an empty line is a row with a missing value

    def _kind_of(self, line: str) -> str:
        """Return what a line is if it is no record; among the headers only a comment is none."""
        found = self._watch.kind_of(line, self._delimiter, len(self._order))
        return "" if self._headers_left and found != COMMENT else found

    def _put_aside(self, line: int) -> None:
        self.aside = [*self.aside, self._line + line - 1][:NAMED]
        self.aside_count += 1

    def _take_empty(self, line: int, fields: Sequence[str]) -> None:
        """Append an empty row; one of another length is no row."""
        if len(fields) != len(self._order):
            self._put_aside(line)
            return
        self._take(fields)
        self.empty_rows.append(self.rows)

    def _take(self, fields: Sequence[str]) -> None:
        """Append a row."""
        self.rows += 1
        for j, text in zip(self._order, fields, strict=True):
            column = self._columns[j]
            column.codes.append(column.known.setdefault(text, len(column.known)))

    def numbers(self, column: int) -> NDArray[np.float64]:
        """Return a column as float64 (rows,), NaN for everything that is not a number."""
        found = self._columns[column]
        values = [float(text) if self._is_number(text) else math.nan for text in found.known]
        return np.array(values)[np.array(found.codes, dtype=np.intp)]

    def texts(self, column: int) -> tuple[list[str], NDArray[np.int32]]:
        """Return a column's distinct strings and its codes int32 (rows,), 0 for empty fields."""
        found = self._columns[column]
        return [*found.known][1:], np.array(found.codes, dtype=np.int32)

    def is_unfit(self, column: int) -> bool:
        """Whether a numeric column holds anything but numbers and missing tokens."""
        others = (text for text in self._columns[column].known if text and not self._is_number(text))
        return self._roles[column] == "n" and any(text not in self._tokens for text in others)

    def has_points(self, column: int) -> bool:
        """Whether some number of a column has a decimal point."""
        return any("." in text and self._is_number(text) for text in self._columns[column].known)

    def _is_number(self, text: str) -> bool:
        """Whether the string counts as a number in a numeric column."""
        plain = NUMBER.fullmatch(text) is not None and not is_padded(text) and math.isfinite(float(text))
        return plain and (self._with_points or "." not in text)
