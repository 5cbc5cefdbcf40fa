"""Fixed-width text: lines whose fields have fixed widths, rewritten as CSV.

Takes a text file and the widths of its fields in characters; returns a CSV file. ``delimited`` reads it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path

from backpass.table.messages import counted, data_error


def as_csv(file: Path, widths: Sequence[int], copy: Path, source: str) -> Path:
    """Write the fields of each line as a record of a CSV file, without the blanks around them.

    Args:
        file: The text, in UTF-8.
        widths: Width of each field in characters.
        copy: Path of the CSV file.
        source: Name of the file in messages.

    Raises:
        DataError: A line is longer than all widths together, and its rest is not blank.
    """
    bounds = [*pairwise([0, *accumulate(widths)])]
    end = sum(widths)
    with file.open(encoding="utf-8-sig") as lines, copy.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for number, line in enumerate(lines, start=1):
            text = line.rstrip("\n")
            if rest := text[end:].strip():
                found = f"line {number} has {counted(len(text), 'character')}, the widths add up to {end:,}"
                raise data_error(source, f"{found}: {rest[:20]!r} is left over", "--widths names every field")
            writer.writerow([text[start:stop].strip() for start, stop in bounds] if text.strip() else [])
    return copy
