"""Prologue of a delimited text: the delimiter line of spreadsheets (``sep=;``) and the comment lines at its start.

Takes the sample of a file; returns the sample without them, and what they say. ``heading`` finds what else stands above
the header.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backpass.dataclass import dataclass
from backpass.table.delimited.records import DELIMITERS, Sample
from backpass.table.layout.findings import lines_listed, note_of
from backpass.table.notation.lazy_pattern import LazyPattern

COMMENTS = ("#", "%", "//", "--", "!")
BLOCK = ("/*", "*/")  # the first line of a comment of several lines begins, and its last line ends with these
QUOTED = LazyPattern(r'"[^"]*+"')
SUSPECTED = 0.05  # share of further lines that begin as a comment, from which this is how rows begin


@dataclass(frozen=True, slots=True)
class Prologue:
    """What precedes the records of a file.

    Attributes:
        sample: The sample behind it, its comment lines emptied.
        line: Line on which that begins, from 1.
        separator: Delimiter that the file names.
        comment: What a comment begins with; empty if none does.
        last: The last two comments above the records, with their marks, if they may hold the column names; the lower
            one first.
        comments: Lines of the comments above the records.
        notes: Messages.
    """

    sample: Sample
    line: int
    separator: str | None = None
    comment: str = ""
    last: tuple[str, ...] = ()
    comments: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def comment_notes(self) -> tuple[str, ...]:
        """Message about the comments above the records."""
        return (note_of("comments", lines_listed(list(self.comments))),) if self.comments else ()


def prologue_of(sample: Sample, line: int, comment: str | None, *, searches: bool) -> Prologue:
    """Separate the prologue from a sample.

    Args:
        sample: The start of a text.
        line: Line on which it begins, from 1.
        comment: What a comment begins with; None detects it, an empty string means that the file has none.
        searches: Whether the sample begins with the file, so that a prologue may stand there.
    """
    found = Prologue(sample, line)
    if searches:
        found = _without_block(_without_delimiter_line(found))
    lines = found.sample.lines
    marks = COMMENTS if comment is None and searches else (comment,) if comment else ()
    filled = next((text for text in lines if text.strip()), "")
    mark = next((mark for mark in marks if filled.startswith(mark)), "") if comment is None else comment
    if not mark and searches and comment is None and _has_comments(lines, filled):
        mark = COMMENTS[0]
    if not mark:
        return found
    above = next((k for k, text in enumerate(lines) if text.strip() and not text.startswith(mark)), 0)
    last = [lines[k].rstrip("\r\n") for k in range(above - 1, -1, -1) if lines[k].strip()][:2]
    emptied = [_emptied(text) if text.startswith(mark) else text for text in lines[above:]]
    if comment is None and sum(text.startswith(mark) for text in lines[above:]) > SUSPECTED * len(emptied):
        emptied = [*lines[above:]]
    size = sum(len(text.encode()) for text in lines[:above])
    behind = Sample(emptied, found.sample.is_whole, found.sample.offset + size)
    comments = (*found.comments, *(found.line + k for k in range(above) if lines[k].strip()))
    named = tuple(last) if comment is None else ()
    return replace(found, sample=behind, line=found.line + above, comment=mark, last=named, comments=comments)


def _without_delimiter_line(found: Prologue) -> Prologue:
    first = next(iter(found.sample.lines), "")
    written = first.strip("\r\n ").strip('"')
    if len(written) != 5 or not written.lower().startswith("sep="):
        return found
    behind = Sample(found.sample.lines[1:], found.sample.is_whole, found.sample.offset + len(first.encode()))
    note = note_of("delimiter_line", f"line {found.line}, {written!r}")
    return replace(found, sample=behind, line=found.line + 1, separator=written[-1], notes=(note,))


def _without_block(found: Prologue) -> Prologue:
    lines = found.sample.lines
    if not lines or not lines[0].startswith(BLOCK[0]):
        return found
    end = next((k for k, text in enumerate(lines, start=1) if text.rstrip().endswith(BLOCK[1])), 0)
    size = sum(len(text.encode()) for text in lines[:end])
    behind = Sample(lines[end:], found.sample.is_whole, found.sample.offset + size)
    return replace(found, sample=behind, line=found.line + end, comments=tuple(range(found.line, found.line + end)))


def _has_comments(lines: Sequence[str], first: str) -> bool:
    """Whether a few lines between the others begin with # and have other delimiters than the first line."""
    marked = [text for text in lines if text[:1] == COMMENTS[0]]
    if not marked:
        return False
    signs, *of_marked = ([QUOTED.sub("", text).count(sign) for sign in DELIMITERS] for text in (first, *marked))
    others = signs not in of_marked
    return any(signs) and len(marked) <= SUSPECTED * len(lines) + 1 and others


def _emptied(line: str) -> str:
    """Return the end of a line."""
    return line[len(line.rstrip("\r\n")) :]
