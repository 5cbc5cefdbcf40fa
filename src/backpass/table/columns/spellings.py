"""Spellings: categories that differ only in spaces, which are merged, or in case, which are named.

``very  good``, ``very good`` and one with a no-break space look alike and mean the same. Texts that no other one
resembles stay as they are. ``yes`` and ``YES`` may be two codes, so they stay apart.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from backpass.table.files.database import identifier
from backpass.table.messages import counted, listed, shown

ZERO_WIDTH = {0x200B: None, 0x2060: None, 0xFEFF: None}  # zero-width space, word joiner, byte order mark
UNTIDY = re.compile(r" \s|[^\S ]|[\u200b\u2060\ufeff]|(?:^|\x00) | (?:\x00|$)")
BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
KEEP_SPACES = "--keep-spaces keeps them apart"


def tidy(text: str) -> str:
    """Return the text with single plain spaces between words and none around it; booleans in lower case.

    >>> tidy("very\\u00a0 good "), tidy("no\\u200b"), tidy("TRUE ")
    ('very good', 'no', 'true')
    """
    plain = " ".join(text.translate(ZERO_WIDTH).split())
    return BOOLEANS.get(plain, plain)


def merged(texts: Sequence[str]) -> dict[str, str]:
    """Return the tidy form of each text that differs from another one only in spaces.

    >>> merged(["very good", "very  good", "so  so"])
    {'very good': 'very good', 'very  good': 'very good'}
    """
    if not UNTIDY.search("\x00".join(texts)):
        return {}
    groups: dict[str, list[str]] = {}
    for text in dict.fromkeys(texts):
        groups.setdefault(tidy(text), []).append(text)
    return {text: form for form, same in groups.items() if form and len(same) > 1 for text in same}


def with_one_spelling(name: str, texts: Sequence[str], counts: Sequence[int], notes: list[str]) -> list[str]:
    """Return the texts of a column with one spelling for those that differ only in spaces, with a note.

    Args:
        name: Column name.
        texts: The texts.
        counts: Number of rows of each; texts of no row are left alone.
        notes: Collects the note.
    """
    rows = Counter[str]()
    for text, count in zip(texts, counts, strict=True):
        if count:
            rows[text] += count
    same = merged([*rows])
    notes += [merging_note(name, same, rows)] if same else []
    return [same.get(text, text) for text in texts]


def merging_note(name: str, same: Mapping[str, str], rows: Mapping[str, int]) -> str:
    """Return the note on merged texts, with the rows of each.

    >>> print(merging_note("out", {"so so": "so so", "so  so": "so so"}, {"so so": 9, "so  so": 1}))
    column 'out': 'so  so' (1 row) counts as 'so so': they differ only in spaces; --keep-spaces keeps them apart
    """
    said = [f"{shown(t)} ({counted(rows[t], 'row')}) counts as {shown(form)}" for t, form in same.items() if t != form]
    return f"column {shown(name)}: {listed(said)}: they differ only in spaces; {KEEP_SPACES}"


def alike(texts: Iterable[str]) -> list[list[str]]:
    """Return groups of texts that differ only in upper and lower case, spaces or a full stop at the end.

    >>> alike(["yes", "YES", "no", "etc", "etc."])
    [['yes', 'YES'], ['etc', 'etc.']]
    """
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(tidy(text).casefold().rstrip(". "), []).append(text)
    return [same for form, same in groups.items() if form and len(same) > 1]


def likeness(name: str, texts: Iterable[str]) -> str:
    """Return a message on texts of a column that are hardly different categories; an empty string without such."""
    groups = alike(texts)
    if not groups:
        return ""
    named, column = listed([", ".join(map(shown, same)) for same in groups]), identifier(name)
    join = shlex.quote(f"SELECT * REPLACE (lower({column}) AS {column}) FROM data")
    return f"texts that differ only in case, spaces or a full stop: {named}; if they mean the same: --query {join}"
