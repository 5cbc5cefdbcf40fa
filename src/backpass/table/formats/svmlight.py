"""svmlight files: sparse rows of a target and pairs of column and value, as in LIBSVM and SVMlight.

Takes an opened text file; returns raw columns: ``target`` (``target1``, ``target2``, ... if the rows have several),
``qid`` where rows have it, and one column for each number in the file: ``x1``, ``x2``, ... A pair that a row leaves out
is 0. Source: Joachims (1999), SVMlight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field

import numpy as np

from backpass.dataclass import dataclass
from backpass.table.columns.raw import Content, RawNumbers
from backpass.table.columns.rules import Rules
from backpass.table.files.opening import Opened
from backpass.table.memory import CELL, require_table_memory
from backpass.table.messages import ErrorList, data_error, shown

TARGET, QUERY = "target", "qid"
COLUMN = re.compile(r"x([0-9]+)")


@dataclass(slots=True)
class Pairs:
    """The pairs of a file by column: rows (from 0) and values."""

    targets: list[list[float]] = field(default_factory=list)
    queries: dict[int, float] = field(default_factory=dict)
    rows: dict[int, list[int]] = field(default_factory=dict)
    values: dict[int, list[float]] = field(default_factory=dict)


def read(file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Read the requested columns of a file.

    Raises:
        DataError: A line is damaged; the error names it.
        ResourceError: The columns do not fit in memory.
    """
    with file.path.open(encoding="utf-8-sig") as lines:
        pairs = _parsed(lines, file.source)
    rows = len(pairs.targets)
    # A column that the model has and no row fills in is 0, as in any other row.
    asked = {int(found[1]) for name in rules.kinds or rules.known_kinds if (found := COLUMN.fullmatch(name))}
    places = sorted(pairs.rows.keys() | asked)
    width = len(pairs.targets[0])
    targets = [TARGET] if width == 1 else [f"{TARGET}{j}" for j in range(1, width + 1)]
    names = (*targets, *([QUERY] if pairs.queries else []), *(f"x{place}" for place in places))
    wanted = sum(map(rules.wants, names))
    require_table_memory(file.source, rows, wanted, CELL)
    columns = [
        RawNumbers(name, np.array(truth)) for name, truth in zip(targets, zip(*pairs.targets, strict=True), strict=True)
    ]
    if pairs.queries:
        columns.append(RawNumbers(QUERY, np.array([pairs.queries.get(row, np.nan) for row in range(rows)])))
    columns = [column for column in columns if rules.wants(column.name)]
    for place in places:
        if rules.wants(f"x{place}"):
            values = np.zeros(rows)
            values[pairs.rows.get(place, [])] = pairs.values.get(place, [])
            columns.append(RawNumbers(f"x{place}", values))
    return Content(names, columns, rows)


def _parsed(lines: Iterator[str], source: str) -> Pairs:
    found = Pairs()
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            _add(found, words)
        except ValueError:
            text = f"line {number}: expected a target and pairs COLUMN:VALUE; got {shown(line.strip())}"
            raise data_error(source, text) from None
    if not found.targets:
        raise data_error(source, "has no rows")
    return found


def _add(found: Pairs, words: list[str]) -> None:
    """Add a row.

    Raises:
        ValueError: A word is damaged, or the number of targets differs.
    """
    targets = [float(word) for word in words[0].split(",")]
    if found.targets and len(targets) != len(found.targets[0]):
        raise ValueError
    row = len(found.targets)
    found.targets.append(targets)
    for word in words[1:]:
        name, separator, value = word.partition(":")
        if name == QUERY and separator:
            found.queries[row] = float(value)
            continue
        place = int(name)
        if place < 0:
            raise ValueError
        found.rows.setdefault(place, []).append(row)
        found.values.setdefault(place, []).append(float(value))
