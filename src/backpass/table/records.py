"""Records: the delimiter of a text file, its header, and how records that do not fit are spoken of.

Python's ``csv`` looks at the first record and the first 64 kB; a scanner (``scan``) goes over the whole.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from backpass.table.scan.plain import LONGEST
from backpass.table.wording import FIRST, Faults, listed, refusal, shown

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 65_536  # characters
SPOKEN = {"\t": "tab"}
NAMELESS = "give every column a name; or does every line end in a delimiter?"
UNIQUE = "names have to differ: rename one of the columns"
ROW_NAMES = "(row names)"  # the name of a first column that has none, as pandas and R write their row names


def spoken(delimiter: str) -> str:
    """A delimiter in a message: ``','`` or ``tab``."""
    return SPOKEN.get(delimiter, repr(delimiter))


def delimiter_of(file: Path, source: str) -> str:
    """The delimiter among , ; tab | that cuts every record of the first 64 kB into the same number of fields.

    None does: the one that most records agree on, with the header; ``,`` where the header has a single field. Several
    do, or agree equally well: DataError.
    """
    with _text(file) as stream:
        sample = stream.read(SAMPLE)
        whole = not stream.read(1)
    widths = {delimiter: _widths(sample, delimiter, whole) for delimiter in DELIMITERS}
    cutting = [delimiter for delimiter, found in widths.items() if found and found[0] > 1]
    even = [delimiter for delimiter in cutting if len(set(widths[delimiter])) == 1]
    best = even or _most_agreed(widths, cutting)
    if len(best) > 1:
        names = " and ".join(spoken(delimiter) for delimiter in best)
        raise refusal(source, f"the delimiter may be {names}", "say which with --delimiter")
    return best[0] if best else ","


def _widths(sample: str, delimiter: str, whole: bool) -> list[int]:
    """The number of fields of each record; the last record of a cut sample is left out."""
    try:
        widths = [len(record) for record in _reader(StringIO(sample, newline=""), delimiter) if record]
    except csv.Error:
        return []
    return widths if whole or len(widths) < 2 else widths[:-1]


def _most_agreed(widths: dict[str, list[int]], cutting: list[str]) -> list[str]:
    agreed = {delimiter: Counter(widths[delimiter])[widths[delimiter][0]] for delimiter in cutting}
    most = max(agreed.values(), default=0)
    return [delimiter for delimiter, count in agreed.items() if count == most]


def header_of(file: Path, delimiter: str, source: str) -> tuple[str, ...]:
    """The names in the first record, trimmed; a first column without a name holds ``ROW_NAMES``.

    DataError for other empty names and for duplicate ones, all positions named.
    """
    with _text(file) as stream:
        try:
            record = next((record for record in _reader(stream, delimiter) if record), None)
        except csv.Error:
            raise refusal(source, "the header has a name of more than 131,072 characters, or an open quote") from None
    if record is None:
        raise refusal(source, "has blank lines only")
    first, *others = (name.strip(" \t") for name in record)
    names = (first or (ROW_NAMES if others else ""), *others)
    check_names(names, source)
    return names


def check_names(names: tuple[str, ...], source: str) -> None:
    """Refuse empty and duplicate names."""
    faults = Faults(source)
    empty = [position for position, name in enumerate(names, start=1) if not name]
    if empty:
        faults.add(f"the header has no name at {_positions(empty)}", NAMELESS)
    for name, count in Counter(name for name in names if name).items():
        if count > 1:
            where = [position for position, other in enumerate(names, start=1) if other == name]
            faults.add(f"the name {shown(name)} stands at {_positions(where)} of the header", UNIQUE)
    faults.stop()


def _positions(positions: list[int]) -> str:
    return f"{'position' if len(positions) == 1 else 'positions'} {listed(positions)}"


def uneven_fault(uneven: Sequence[tuple[int, int]], count: int, width: int) -> str:
    """What to say of ``count`` records without ``width`` fields; of the first ones line and number of fields."""
    expected = f"{width} {'field' if width == 1 else 'fields'}"
    if count == 1:
        line, found = uneven[0]
        return f"line {line} has {found} {'field' if found == 1 else 'fields'}, the header has {expected}"
    lines = ", ".join(f"line {line} ({found})" for line, found in uneven[:FIRST])
    more = ", ..." if count > FIRST else ""
    return f"{count:,} lines do not have the {expected} of the header: {lines}{more}"


def broken_fault(broken: str, line: int) -> str:
    """What to say of a record that cannot be cut into fields, by the word of a scanner and the record's first line."""
    if broken == "open quote":
        return f"a quote opened on line {line} is never closed"
    if broken == "long field":
        return f"line {line} starts a field of more than {LONGEST:,} bytes: is a quote not closed?"
    return f"line {line} has text after a closing quote (a quote inside a field is written twice)"


def _text(file: Path) -> IO[str]:
    return file.open(encoding="utf-8-sig", newline="")


def _reader(lines: Iterable[str], delimiter: str) -> Reader:
    """Spaces before a quote are no part of the field, as for a scanner."""
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
