"""Delimited: the columns of a CSV or TSV file, every field read as text, numbers found over all rows.

DuckDB reads the file with no guessing of its own (its types come from a sample of rows, and would turn a late 41.5
into 42). A column in which every field is a plain number or a missing token comes out as numbers; any other as coded
texts, to be judged in ``kinds``. The two ways agree (a test holds them against each other); the first is only faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from backpass.table.database import batches, literal, numbers_of, pattern, rows_in, texts_of
from backpass.table.expanding import CHUNK
from backpass.table.joining import check_same_names
from backpass.table.judging import Rules
from backpass.table.memory import CELL, COLUMN, LESS, require_memory, table_of
from backpass.table.opening import Opened
from backpass.table.raw import RawColumn, RawNumbers, RawTexts
from backpass.table.records import Header, extra_fields, structure_faults, with_plain_header
from backpass.table.text import with_plain_newlines
from backpass.table.wording import Faults, refusal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FIELDS = "fields"  # the temporary table of a file, with columns c0, c1, ...
GATHERED = "gathered"  # that of several files
FIRST_ROWS = 1_000  # rows that tell most columns of texts from those of numbers
MANY_ROWS = 50_000  # rows from which on that is cheaper than to look at all of them once


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file that has been read: its name in messages, its columns' names, its delimiter, its rows."""

    source: str
    names: tuple[str, ...]
    delimiter: str
    rows: int


def gather(database: DuckDBPyConnection, loaded: Sequence[Loaded], faults: Faults) -> None:
    """Put the rows of the file just loaded beneath those of the files before it, columns matched by name."""
    first, last = loaded[0], loaded[-1]
    if first is last:
        database.execute(f"CREATE OR REPLACE TEMP TABLE {GATHERED} AS SELECT * FROM {FIELDS}")
        return
    check_same_names(first.names, last.names, first.source, last.source, faults)
    if not faults.texts:
        order = ", ".join(f"c{last.names.index(name)}" for name in first.names)
        database.execute(f"INSERT INTO {GATHERED} SELECT {order} FROM {FIELDS}")


def load(database: DuckDBPyConnection, file: Opened, header: Header, delimiter: str) -> int:
    """Read all records into the temporary table and count them; DataError naming the lines that do not fit.

    A file that mixes line ends is read from a copy with one kind of them.
    """
    import duckdb

    width = len(header.names)
    rows = _rows_about(file.path)
    require_memory(CELL * rows * width + COLUMN * width, table_of(file.source, rows, width, about=True), LESS)
    try:
        if header.lines > 1:
            plain = with_plain_header(file.path, file.scratch / "header.csv", header, delimiter)
            _read(database, plain, replace(header, blank_lines=0), delimiter)
        else:
            _read(database, file.path, header, delimiter)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        _refuse_structure(file, delimiter, width)
        _read_again(database, file, header, delimiter)
    if _may_have_extra(file.path, delimiter) and extra_fields(file.path, delimiter, width):
        _refuse_structure(file, delimiter, width)
    if not (rows := rows_in(database, FIELDS)):
        raise refusal(file.source, "has a header but no data rows")
    return rows


def _rows_about(path: Path) -> int:
    """The number of rows, from the size of the file and the lengths of its first lines."""
    with path.open("rb") as stream:
        head = stream.read(CHUNK)
    ends = head.count(b"\n") + head.count(b"\r") - head.count(b"\r\n")
    return max(path.stat().st_size * ends // len(head), 1)


def _read(database: DuckDBPyConnection, path: Path, header: Header, delimiter: str) -> None:
    columns = ", ".join(f"'c{j}': 'VARCHAR'" for j in range(len(header.names)))
    options = (
        f"auto_detect=false, columns={{{columns}}}, delim={literal(delimiter)}, quote='\"', escape='\"', header=true, "
        f"skip={header.blank_lines}, null_padding=false, strict_mode=true"
    )
    fields = f"SELECT * FROM read_csv({literal(pattern(path))}, {options})"
    database.execute(f"CREATE OR REPLACE TEMP TABLE {FIELDS} AS {fields}")


def _read_again(database: DuckDBPyConnection, file: Opened, header: Header, delimiter: str) -> None:
    import duckdb

    plain = with_plain_header(file.path, file.scratch / "header.csv", header, delimiter)
    copy = with_plain_newlines(plain, file.scratch / "lines.csv")
    try:
        _read(database, copy, replace(header, blank_lines=0), delimiter)
    except duckdb.Error as error:
        raise refusal(file.source, f"cannot be read ({str(error).splitlines()[0]})") from error


def _refuse_structure(file: Opened, delimiter: str, width: int) -> None:
    faults = Faults(file.source)
    for fault in structure_faults(file.path, delimiter, width):
        faults.add(fault)
    faults.stop()


def _may_have_extra(path: Path, delimiter: str) -> bool:
    """Whether a line ends in a delimiter and nothing: DuckDB drops one empty field too many without a word."""
    ending = re.compile(re.escape(delimiter).encode() + rb'[ "]*(?:[\r\n]|\Z)')
    tail = b""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            chunk = tail + chunk
            tail = chunk[-64:]
            if (found := ending.search(chunk)) and found.group().endswith((b"\r", b"\n")):
                return True
        return ending.search(tail) is not None


@dataclass(frozen=True, slots=True)
class Field:
    """A column, and, of one of plain numbers, whether some have a decimal point."""

    column: RawColumn
    has_points: bool = False


def fields_of(
    database: DuckDBPyConnection, names: tuple[str, ...], rules: Rules, fields: str = FIELDS
) -> Iterator[Field]:
    """The wanted columns of a temporary table, in order."""
    wanted = [j for j, name in enumerate(names) if rules.wants(name)]
    points = plain_columns(database, [j for j in wanted if rules.demanded(names[j]) != "text"], rules, fields)
    plain = [j for j in points if not (rules.decimal == "," and points[j])]
    finite = [f"CASE WHEN isfinite({cast}) THEN {cast} END" for cast in (f"TRY_CAST(c{j} AS DOUBLE)" for j in plain)]
    numbers = dict(zip(plain, numbers_of(database, fields, finite), strict=True))
    for j in wanted:
        if j in numbers:
            yield Field(RawNumbers(names[j], numbers[j]), points[j])
        else:
            yield Field(RawTexts(names[j], *texts_of(database, fields, f"c{j}")))


def plain_columns(database: DuckDBPyConnection, wanted: Sequence[int], rules: Rules, fields: str) -> dict[int, bool]:
    """The columns in which every field is a plain number or missing, and whether some have a decimal point.

    What the first rows disprove is not looked at any further.
    """
    tokens = "|".join(re.escape(token) for token in sorted(rules.missing.tokens))
    found = dict.fromkeys(wanted, False)
    for relation in _first_then_all(database, fields):
        checked: dict[int, bool] = {}
        for batch in batches([*found]):
            tests = (f"bool_or({_is_strange(f'c{j}', tokens)}), bool_or(contains(c{j}, '.'))" for j in batch)
            answers = database.execute(f"SELECT {', '.join(tests)} FROM {relation}").fetchone() or ()
            checked |= {j: bool(answers[2 * k + 1]) for k, j in enumerate(batch) if not answers[2 * k]}
        found = checked
    return found


def _first_then_all(database: DuckDBPyConnection, fields: str) -> Iterator[str]:
    """A table of the first rows, where there are many more, then the whole."""
    if rows_in(database, fields) > MANY_ROWS:
        database.execute(f"CREATE OR REPLACE TEMP TABLE first_rows AS SELECT * FROM {fields} LIMIT {FIRST_ROWS}")
        yield "first_rows"
    yield fields


def _is_strange(field: str, tokens: str) -> str:
    """SQL: whether a field is neither a plain number nor missing; in few terms, since each costs time to prepare.

    DuckDB casts 1_000, inf and texts with spaces before, too, which are no plain numbers. Those and leading zeros are
    looked for only where the text lies before '0:', which settles most fields.
    """
    odd = f"{field} < '0:' AND regexp_matches({field}, '^([+-]?0[0-9]|[ \t])')"
    number = f"coalesce(isfinite(TRY_CAST({field} AS DOUBLE)), false)"
    strange = f"(NOT {number} OR contains({field}, '_') OR {odd})"
    return f"{strange} AND NOT regexp_full_match({field}, {literal(tokens)})"
