"""Prologue of a delimited text: the delimiter line of spreadsheets (``sep=;``) and the comment lines at its start.

Takes the sample of a file; returns the sample without them, and what they say. ``heading`` finds what else stands above
the header.
"""

from __future__ import annotations

from dataclasses import replace

from backpass.dataclass import dataclass
from backpass.table.delimited.records import Sample
from backpass.table.layout.findings import lines_listed, note_of

COMMENTS = ("#", "%", "//", "--", "!")
SUSPECTED = 0.05  # share of further lines that begin as a comment, from which this is how rows begin


@dataclass(frozen=True, slots=True)
class Prologue:
    """What precedes the records of a file.

    Attributes:
        sample: The sample behind it, its comment lines emptied.
        line: Line on which that begins, from 1.
        separator: Delimiter that the file names.
        comment: What a comment begins with; empty if none does.
        last: The last comment above the records, with its mark, if it may hold the column names.
        comments: Lines of the comments above the records.
        notes: Messages.
    """

    sample: Sample
    line: int
    separator: str | None = None
    comment: str = ""
    last: str = ""
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
        found = _without_delimiter_line(found)
    lines = found.sample.lines
    marks = COMMENTS if comment is None and searches else (comment,) if comment else ()
    filled = next((text for text in lines if text.strip()), "")
    mark = next((mark for mark in marks if filled.startswith(mark)), "") if comment is None else comment
    if not mark:
        return found
    above = next((k for k, text in enumerate(lines) if text.strip() and not text.startswith(mark)), 0)
    last = next((k for k in range(above - 1, -1, -1) if lines[k].strip()), None)
    emptied = [_emptied(text) if text.startswith(mark) else text for text in lines[above:]]
    if comment is None and sum(text.startswith(mark) for text in lines[above:]) > SUSPECTED * len(emptied):
        emptied = [*lines[above:]]
    size = sum(len(text.encode()) for text in lines[:above])
    behind = Sample(emptied, found.sample.is_whole, found.sample.offset + size)
    comments = tuple(found.line + k for k in range(above) if lines[k].strip())
    headline = lines[last].rstrip("\r\n") if last is not None and comment is None else ""
    return replace(found, sample=behind, line=found.line + above, comment=mark, last=headline, comments=comments)


def _without_delimiter_line(found: Prologue) -> Prologue:
    first = next(iter(found.sample.lines), "")
    written = first.strip("\r\n ").strip('"')
    if len(written) != 5 or not written.lower().startswith("sep="):
        return found
    behind = Sample(found.sample.lines[1:], found.sample.is_whole, found.sample.offset + len(first.encode()))
    note = note_of("delimiter_line", f"line {found.line}, {written!r}")
    return replace(found, sample=behind, line=found.line + 1, separator=written[-1], notes=(note,))


def _emptied(line: str) -> str:
    """Return the end of a line."""
    return line[len(line.rstrip("\r\n")) :]
