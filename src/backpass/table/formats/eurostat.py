"""Eurostat's tables: tab-separated text whose first column joins the keys of a row, rewritten with a column per key.

    freq,unit,geo\\TIME_PERIOD   2020    2021
    A,PC,AT                      12.5    13.1 p

Takes the start of a text file; returns the names of its keys, and the file with tabs between them. ``delimited`` reads
it. https://ec.europa.eu/eurostat/data describes the format.
"""

from __future__ import annotations

import re
from pathlib import Path

HEADER = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?:(?P<keys>[A-Za-z]\w*(?:,[A-Za-z]\w*)+)\\[A-Za-z]\w*|(?P<key>[A-Za-z]\w*)\\(?i:time)\w*)[ ]*(?=\t)"
)
"""A single key may be the name of any column, unless time stands beside it."""
TAB = b"\t"


def keys_in(head: bytes) -> tuple[str, ...]:
    """Return the names of the joined keys, none if the text is no table of Eurostat.

    >>> keys_in(b"freq,geo\\\\TIME_PERIOD\\t2020\\n"), keys_in(b"freq,geo\\t2020\\n")
    (('freq', 'geo'), ())
    >>> keys_in(b"geo\\\\time\\t2020\\n"), keys_in(b"folder\\\\name\\tsize\\n")
    (('geo',), ())
    """
    found = HEADER.match(head) if b"\\" in head else None
    return () if found is None else tuple((found["keys"] or found["key"]).decode().split(","))


def with_key_columns(file: Path, keys: tuple[str, ...], copy: Path) -> Path:
    """Write the file with a column for each key.

    Lines with another number of keys stay as they are, so that reading names them.
    """
    with file.open("rb") as lines, copy.open("wb") as out:
        header = HEADER.sub(b"", lines.readline(), count=1)
        out.write(TAB.join(key.encode() for key in keys) + header)
        for line in lines:
            joined, tab, values = line.partition(TAB)
            parts = joined.split(b",")
            out.write(TAB.join(parts) + tab + values if len(parts) == len(keys) else line)
    return copy
