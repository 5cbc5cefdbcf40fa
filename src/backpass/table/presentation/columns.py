"""Columns without presentation: what numbers and dates are looked for in. Categories keep their strings, because models
store those.
"""

from __future__ import annotations

import re
from dataclasses import replace

from backpass.table.columns.raw import RawStrings
from backpass.table.presentation.markup import UNSEEN, Presentation, plain_text, presentation_of
from backpass.table.presentation.spaces import ALIGNING, INVISIBLE

LOOKED_AT = 200  # strings that rule out most columns
DIGIT = re.compile(r"\d")
SIGNS = (*ALIGNING, *INVISIBLE, "“", "„", "«", "»", "‘")
SIGNS_IN_ASCII = ("<", "&", '"', "'", "  ")


def without_presentation(raw: RawStrings) -> tuple[RawStrings, Presentation | None]:
    """Return a column with plain strings, the same object if they are plain already, and what was left out, for a note.

    A source with tags or quotation marks in its cells does not mean strings by its type.
    """
    sample = raw.levels[:: max(len(raw.levels) // LOOKED_AT, 1)]
    if 2 * sum(DIGIT.search(text) is not None for text in sample) < len(sample):
        return raw, None  # names and sentences
    joined = "\0".join(raw.levels)  # all at once, for speed
    is_odd = any(sign in joined for sign in SIGNS_IN_ASCII)
    if not is_odd and (joined.isascii() or not any(sign in joined for sign in SIGNS)):
        return raw, None
    texts = [plain_text(text) for text in raw.levels]
    if texts == [text.strip(" \t") for text in raw.levels]:
        return raw, None
    found = presentation_of(raw.levels, texts)
    return replace(raw, levels=texts, typed=raw.typed and (found is None or found[-1] == UNSEEN)), found
