"""The fuzzing of delimited text: the compiled scanner, the plain one and Python's ``csv`` cut it into the same cells.

A target of ``fuzz``. The first byte chooses the delimiter, whether there is a header and whether runs of blanks are one
delimiter, the second one where the text is cut into pieces, the rest is the text. Python's ``csv`` is asked where its
dialect is ours; the differences are listed at ``in_both_dialects``.
"""

from __future__ import annotations

import csv
import re
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any
from zlib import crc32

from backpass.errors import DataError, ResourceError
from backpass.table import read_table
from backpass.table.scan import scanner_for
from backpass.table.scan.plain import PlainScanner, records

DELIMITERS = ",;\t| "
TOKENS = [b"NA"]
MANY = 64  # columns
SPACED_OUT = re.compile(r'" ')

Cells = list[list[str]]


def read(data: bytes) -> int:
    """Read bytes as delimited text; how many ways gave the same cells.    Errors: AssertionError."""
    if len(data) < 3:
        return 0
    delimiter, size = DELIMITERS[data[0] % len(DELIMITERS)], data[1] + 1
    text = data[2:].decode("utf-8", "ignore").replace("\0", "")
    manner = {"headers": int(data[0] < 128), "is_merged": delimiter == " " and data[0] % 2 == 0}
    scanned = _same_in_both_scanners(text, delimiter, manner, size)
    agreed = _same_as_csv(text, delimiter) if in_both_dialects(text, delimiter) else 0
    # Files are slow: the text tells which inputs become one.
    return scanned + agreed + (_is_read_or_refused(data[2:]) if crc32(data) % 8 == 0 else 0)


def in_both_dialects(text: str, delimiter: str) -> bool:
    """Whether Python's ``csv`` means the same by a text.

    Ours lets spaces follow a closing quote, which a strict ``csv`` refuses; and only where spaces are no delimiters can
    ``csv`` skip those in front of a quote.
    """
    return delimiter != " " and SPACED_OUT.search(text) is None


def _same_in_both_scanners(text: str, delimiter: str, manner: dict[str, Any], size: int) -> int:
    """Cells, structure and numbers of the compiled scanner, fed in pieces, and of the plain one.

    manner: whether the first record is a header, and whether runs of blanks are one delimiter
    """
    found = records(text, delimiter, is_merged=manner["is_merged"])
    first = next((fields for _, fields in found if isinstance(fields, list) and fields), [])
    if not 0 < len(first) <= MANY:
        return 0
    raw = text.encode()
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    for role in "tn":
        plain = facts(PlainScanner, [raw], role * len(first), delimiter, manner)
        compiled = facts(scanner_for(delimiter), pieces, role * len(first), delimiter, manner)
        assert compiled == plain, "the scanners differ"
    return 1


def facts(make: Any, pieces: list[bytes], roles: str, delimiter: str, manner: dict[str, Any]) -> dict[str, Any]:
    """All that a scanner has to say of a text in pieces."""
    scanner = make(roles, TOKENS, with_points=True, rows_about=1)
    scanner.begin(delimiter, range(len(roles)), **manner)
    for piece in pieces:
        scanner.feed(piece)
    scanner.end()
    found = {name: getattr(scanner, name) for name in ("rows", "uneven", "uneven_count", "broken", "broken_line")}
    for j, role in enumerate(roles):
        found[f"{j} is unfit"] = scanner.is_unfit(j)
        if role == "n" and not scanner.is_unfit(j):
            found[f"{j}"] = [value.hex() for value in scanner.numbers(j).tolist()]
        elif role == "t":
            levels, codes = scanner.texts(j)
            found[f"{j}"] = (levels, codes.tolist())
    return found


def _same_as_csv(text: str, delimiter: str) -> int:
    """The records of the plain scanner and those of Python's ``csv``, both or neither refusing the text."""
    found: Cells = []
    fault = ""
    for _, fields in records(text, delimiter):
        if isinstance(fields, str):
            fault = fields
        else:
            found.append(fields)
    expected = _csv_records(text, delimiter)
    assert (expected is None) == bool(fault), f"one refuses what the other reads: {fault or 'csv'}"
    assert expected is None or found == expected, "the scanner and csv differ"
    return int(expected is not None)


def _csv_records(text: str, delimiter: str) -> Cells | None:
    """Trimmed cells by Python's ``csv``; None where it refuses the text."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        return [[field.strip(" \t") for field in record] for record in reader]
    except csv.Error:
        return None


def _is_read_or_refused(data: bytes) -> int:
    """Bytes as a file: a table, or an error of ours."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        file = Path(folder, "table.csv")
        file.write_bytes(data)
        try:
            table = read_table(file)
        except (DataError, ResourceError):
            return 0
    assert table.rows > 0
    return 1
