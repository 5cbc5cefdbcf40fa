"""Records of delimited text: the sample of a file, its delimiter, its first record, and messages about bad records.

Python's ``csv`` parses the first record and the first 64 kB; a scanner (``scan``) parses the whole file.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from backpass.dataclass import dataclass
from backpass.table.delimited.cells import is_footnote, is_ruler, is_value
from backpass.table.messages import FIRST, ErrorList, data_error, listed, shown
from backpass.table.notation.missing import DEFAULT_MISSING
from backpass.table.notation.number import number_in
from backpass.table.scan.plain import LONGEST

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = (",", ";", "\t", "|")
RARE = ("\x01", "\x1f", "~", "^")  # Hive's, ASCII's unit separator, and signs of exchange formats
WHITESPACE = "whitespace"  # runs of blanks and tabs; every other delimiter is one character
BLANKS = (WHITESPACE, " ")
SAMPLE = 65_536  # characters
LAST = 20  # maximum number of records below the rows in a sample
LINES, LONGEST_SAMPLE = 8, 1 << 22  # minimum lines of a sample, up to a maximum of characters
SPOKEN = {"\t": "tab", WHITESPACE: WHITESPACE}
NAMELESS = "give every column a name; or does every line end in a delimiter?"
Records: TypeAlias = list[tuple[int, list[str]]]  # each with the number of lines before it
UNIQUE = "column names must be unique: rename one of them"
ROW_NAMES = "(row names)"  # stands for the empty name that pandas and R give to row names


@dataclass(frozen=True, slots=True)
class Sample:
    """Start of a text file, after the skipped lines.

    Attributes:
        lines: The lines, with their ends.
        is_whole: Whether the sample reaches the end of the file.
        offset: Where it starts, in bytes.
    """

    lines: Sequence[str]
    is_whole: bool
    offset: int

    @property
    def text(self) -> str:
        """The sample."""
        return "".join(self.lines)

    def records(self, delimiter: str) -> Records:
        """Return the records, their cells trimmed, each with the number of lines before it.

        The last one is left out if the sample is cut. There are none if the quotes do not match.
        """
        text = self.text
        try:
            found = [*(_quoted if needs_csv(text, delimiter) else _split)(self.lines, delimiter)]
        except csv.Error:
            return []
        if " " in text or "\t" in text:
            found = [(before, [cell.strip(" \t") for cell in record]) for before, record in found]
        return found if self.is_whole or len(found) < 2 else found[:-1]

    def behind(self, lines: int) -> int:
        """Return the position in the file after this many lines of the sample, in bytes."""
        return self.offset + sum(len(line.encode()) for line in self.lines[:lines])


def needs_csv(text: str, delimiter: str) -> bool:
    """Whether a text needs Python's ``csv``: cutting its lines at the delimiter does not give its records."""
    return '"' in text or delimiter == WHITESPACE or len(text) > LONGEST


def _split(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of lines without quotes."""
    for before, line in enumerate(lines):
        if bare := line.rstrip("\r\n"):
            yield before, bare.split(delimiter)


def _quoted(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of lines that may have quotes, and records of several lines.

    Raises:
        csv.Error: The quotes do not match.
    """
    before, rows = 0, reader(lines, delimiter)
    for record in rows:
        if record:
            yield before, record
        before = rows.line_num


def sample_of(file: Path, source: str, skip: int = 0) -> Sample:
    """Return the first 64 kB after ``skip`` lines, or more to include at least eight lines.

    Joined files may begin with several byte order marks.

    Raises:
        DataError: The file has fewer than ``skip`` lines.
    """
    with file.open("rb") as binary, TextIOWrapper(binary, encoding="utf-8", newline="") as stream:
        offset = 0
        while binary.peek(3).startswith(codecs.BOM_UTF8):
            offset += len(binary.read(3))
        skipped = [len(line.encode()) for line in islice(stream, skip)]
        if len(skipped) < skip:
            raise data_error(source, f"has {len(skipped)} lines, of which {skip} are to be skipped")
        text = stream.read(SAMPLE)
        while len(text.splitlines()) < LINES and len(text) < LONGEST_SAMPLE and (more := stream.read(SAMPLE)):
            text += more
        return Sample([*StringIO(text, newline="")], not stream.read(1), offset + sum(skipped))


def delimiter_name(delimiter: str) -> str:
    """Return a delimiter as written in messages: ``','`` or ``tab``."""
    return SPOKEN.get(delimiter, repr(delimiter))


def records_of(sample: Sample, source: str) -> tuple[str, Records]:
    """Return the delimiter among , ; tab | that splits every record into the same number of fields, and the records.

    Fallbacks, in this order:

    - The delimiter for which the header is one field shorter than every other record, as R writes row names.
    - If the header contains none of the delimiters: one of the signs in ``RARE`` that splits every record alike.
    - The delimiter for which all records below some first ones have the same number of fields, apart from a few last
      ones; of several, the one that leaves out the fewest first records.
    - If most records contain none of the delimiters: whitespace or single blanks, by the rules above, provided that
      some column is numeric.
    - The delimiter for which most records have as many fields as the header or, if no record matches the header, as
      many as the last record.
    - ``,`` if every record has a single field.

    Raises:
        DataError: Several delimiters fit equally well.
    """
    text = sample.text
    present = [delimiter for delimiter in DELIMITERS if delimiter in text]
    records = {delimiter: sample.records(delimiter) for delimiter in present}
    widths = {delimiter: [*map(len, _without_rulers(found))] for delimiter, found in records.items()}
    cutting = [delimiter for delimiter, found in widths.items() if found and found[0] > 1]
    best = [delimiter for delimiter in cutting if len(set(widths[delimiter])) == 1]
    best = best or [delimiter for delimiter in cutting if lacks_one(widths[delimiter])]
    if not (cutting or best):
        best = [delimiter for delimiter in RARE if _splits_alike(sample.records(delimiter))][:1]
    best = best or _beneath(widths)
    is_cut = any(2 * sum(width > 1 for width in widths[delimiter]) > len(widths[delimiter]) for delimiter in cutting)
    if not (is_cut or best):
        best = [delimiter for delimiter in BLANKS if _holds_table(sample.records(delimiter))][:1]
    best = best or _most_agreed(widths, cutting)
    if len(best) > 1:
        names = " and ".join(delimiter_name(delimiter) for delimiter in best)
        raise data_error(source, f"the delimiter may be {names}", "set it with --delimiter")
    chosen = best[0] if best else ","
    return chosen, records[chosen] if chosen in records else sample.records(chosen)


def _beneath(widths: dict[str, list[int]]) -> list[str]:
    """Return the delimiters that split alike all records below a preamble and above a footer."""
    above = {}
    for delimiter, found in widths.items():
        (width, count), *_ = Counter(found[len(found) // 2 :]).most_common(1) or [(0, 0)]
        last = len(found) - next((k for k, each in enumerate(reversed(found)) if each == width), 0)
        first = next((k + 1 for k in range(last - 1, -1, -1) if found[k] != width), 0)
        if width > 1 and count >= LINES // 2 and 2 * first <= len(found) + 1 and len(found) - last <= LAST:
            above[delimiter] = first
    fewest = min(above.values(), default=0)
    return [delimiter for delimiter, first in above.items() if first == fewest]


def lacks_one(widths: Sequence[int]) -> bool:
    """Whether the first record has one field fewer than every other record.

    >>> lacks_one([2, 3, 3]), lacks_one([2, 3, 2]), lacks_one([3, 3]), lacks_one([2])
    (True, False, False, False)
    """
    return len(widths) > 1 and set(widths[1:]) == {widths[0] + 1}


def _splits_alike(found: Records) -> bool:
    """Whether all records have the same number of fields, and more than one; two names are none of ~n, m^3 and x^x."""
    widths = {len(record) for _, record in found}
    if len(found) <= LINES // 2 or len(widths) != 1 or widths == {1}:
        return False
    names = [name.strip() for name in found[0][1]]
    return len(names) > 2 or (all(names) and len(set(names)) == 2 and sum(map(is_value, names)) != 1)


def _holds_table(found: Records) -> bool:
    """Whether blanks separate the fields of all records, or of those below some titles; lines of dashes aside."""
    records = _without_rulers(found)
    notes = next((k for k, record in enumerate(reversed(records)) if not is_footnote(" ".join(record))), 0)
    records = records[: len(records) - min(notes, LAST)]
    if _is_table(records):
        return True
    (width, _), *_ = Counter(map(len, records)).most_common(1) or [(0, 0)]
    last = next((k for k, record in enumerate(reversed(records)) if len(record) == width), 0)
    records = records[: len(records) - min(last, LAST)]
    return any(_is_table(records[k:]) for k in range(min(LAST, len(records) - LINES)))


def _without_rulers(found: Records) -> list[list[str]]:
    """Return the records without lines of dashes among the first."""
    records = [record for _, record in found]
    return [*(record for record in records[:LAST] if not is_ruler(record)), *records[LAST:]]


def _is_table(records: Sequence[Sequence[str]]) -> bool:
    """Whether blanks separate fields: records are equally long (the header may lack one), and some column is numeric.

    A one-word header proves nothing, and every row of a one-column table may have the same number of words by chance.
    """
    widths = [len(record) for record in records]
    if len(widths) < 2 or widths[0] < 2 or not (len(set(widths)) == 1 or lacks_one(widths)):
        return False
    columns = [{cell.strip() for cell in column} - {*DEFAULT_MISSING} for column in zip(*records[1:], strict=True)]
    return any(column and all(number_in(cell) is not None for cell in column) for column in columns)


def _most_agreed(widths: dict[str, list[int]], cutting: Sequence[str]) -> list[str]:
    """Return the delimiters for which most records are as long as the header, or else as the last record."""
    with_header = {each: Counter(widths[each])[widths[each][0]] for each in cutting}
    beneath = {each: Counter(found[1:])[found[-1]] for each, found in widths.items() if found and found[-1] > 1}
    agreed = with_header if max(with_header.values(), default=0) > 1 else beneath or with_header
    most = max(agreed.values(), default=0)
    return [delimiter for delimiter, count in agreed.items() if count == most]


def first_record(file: Path, delimiter: str, source: str, skip: int = 0) -> tuple[str, ...]:
    """Return the trimmed fields of the first record after ``skip`` lines.

    Raises:
        DataError: The header cannot be parsed, or every line is blank.
    """
    with text_of_file(file) as stream:
        lines = islice(stream, skip, None)
        try:
            record = next((record for record in reader(lines, delimiter) if record), None)
        except csv.Error:
            raise data_error(
                source, "the header has a name of more than 131,072 characters, or an open quote"
            ) from None
    if record is None:
        raise data_error(source, "has blank lines only")
    return tuple(name.strip(" \t") for name in record)


def check_names(names: Sequence[str], source: str, hint: str = "") -> None:
    """Reject empty and duplicate column names; ``hint`` replaces the usual hints.

    Raises:
        DataError: Some names are empty or repeated.
    """
    if all(names) and len(set(names)) == len(names):
        return
    errors = ErrorList(source)
    empty = [position for position, name in enumerate(names, start=1) if not name]
    if empty:
        errors.add(f"the header has no name at {_positions(empty)}", hint or NAMELESS)
    for name, count in Counter(name for name in names if name).items():
        if count > 1:
            where = [position for position, other in enumerate(names, start=1) if other == name]
            errors.add(f"the header has the name {shown(name)} at {_positions(where)}", hint or UNIQUE)
    errors.stop()


def _positions(positions: list[int]) -> str:
    return f"{'position' if len(positions) == 1 else 'positions'} {listed(positions)}"


def uneven_message(uneven: Sequence[tuple[int, int]], count: int, width: int, of: str) -> str:
    """Return the error text for records with the wrong number of fields.

    Args:
        uneven: Line and number of fields of the first such records.
        count: Number of such records.
        width: Expected number of fields.
        of: What has ``width`` fields, for the message.
    """
    expected = f"{width} {'field' if width == 1 else 'fields'}"
    if count == 1:
        line, found = uneven[0]
        return f"line {line} has {found} {'field' if found == 1 else 'fields'}, {of} has {expected}"
    lines = ", ".join(f"line {line} ({found})" for line, found in uneven[:FIRST])
    more = ", ..." if count > FIRST else ""
    return f"{count:,} lines do not have the {expected} of {of}: {lines}{more}"


def broken_message(broken: str, line: int) -> str:
    """Return the error text for a record that cannot be split into fields.

    Args:
        broken: The scanner's code for the problem.
        line: First line of the record.
    """
    if broken == "open quote":
        return f"a quote opened on line {line} is never closed"
    if broken == "long field":
        return f"line {line} starts a field of more than {LONGEST:,} bytes: is a quote not closed?"
    return f"line {line} has text after a closing quote (a quote inside a field is written twice)"


def text_of_file(file: Path) -> IO[str]:
    """Open the file as text with line endings preserved."""
    return file.open(encoding="utf-8-sig", newline="")


def reader(lines: Iterable[str], delimiter: str) -> Reader:
    """Return a ``csv`` reader. Spaces before a quote do not belong to the field, as in the scanner."""
    if delimiter == WHITESPACE:  # skipinitialspace makes a run of blanks one delimiter
        lines = (line.replace("\t", " ").strip(" \r\n") + "\n" for line in lines)
        return csv.reader(lines, delimiter=" ", skipinitialspace=True)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != " ")
