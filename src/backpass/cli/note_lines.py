"""Notes: what was noticed about a table, grouped, so that a wide table does not fill the screen.

It takes the notes of a table or a fit and returns the lines to print. Files and ``--json`` hold every note.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from backpass.table.messages import counted

FEW = 10
"""The maximum number of lines."""

_VARIABLE = re.compile(r"'(?:[^'\\]|\\.)*'|\d[\d,.]*|\(.*\)")
"""What differs between notes of one kind: quoted names, numbers, and lists in parentheses."""


def note_lines(notes: Sequence[str], *, verbose: bool = False) -> list[str]:
    """Return the lines to print: notes that differ only in names and numbers share one, and the last line counts the
    notes that have no line.

    Args:
        notes: The notes.
        verbose: Whether every note has its own line.

    >>> note_lines([*(f"column 'x{j}' is constant" for j in range(1, 13)), "3 rows repeat"])
    ["column 'x1' is constant (and 11 more notes like this)", '3 rows repeat']
    """
    if verbose or len(notes) <= FEW:
        return list(notes)
    groups: dict[str, list[str]] = {}
    for note in notes:
        groups.setdefault(_VARIABLE.sub("#", note), []).append(note)
    lines = [_of_group(group) for group in groups.values()]
    if len(lines) <= FEW:
        return lines
    hidden = sum(len(group) for group in [*groups.values()][FEW - 1 :])
    return [*lines[: FEW - 1], f"{counted(hidden, 'more note')}: --verbose prints all"]


def _of_group(group: Sequence[str]) -> str:
    others = len(group) - 1
    return f"{group[0]} (and {counted(others, 'more note')} like this)" if others else group[0]
