"""Words: what a text consists of, in any script.

Takes a text and returns its words, in order: runs of letters, digits and marks, in one case and one Unicode form
(NFKC). Chinese, Japanese, Thai, Lao, Khmer and Burmese are written without spaces between words; a run of their
characters becomes its overlapping pairs (the bigrams of text retrieval, Lee & Ahn 1996). Punctuation and symbols
separate words.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from backpass.table.notation.lazy_pattern import LazyPattern

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""The characters of scripts without spaces between words, as ranges of a regular expression."""
LAST_MARK = 0x20000
LONGEST = 40  # characters of a word that count; longer ones are links, digests or data

_SPACED = {c: " " for c in range(128) if not chr(c).isalnum()}
_PLAIN = LazyPattern(r"[a-z0-9]+(?:'[a-z0-9]+)*")


def words_of(text: str) -> list[str]:
    """Return the words of a text.

    >>> words_of("Don't panic: 2 cafÉs!")
    ["don't", 'panic', '2', 'cafés']
    >>> words_of("東京都")
    ['東京', '京都']
    """
    if text.isascii():
        lowered = text.lower()
        words: list[str] = _PLAIN.findall(lowered) if "'" in text else lowered.translate(_SPACED).split()
        is_short = max(map(len, words), default=0) <= LONGEST  # almost always; to cut every word takes long
        return words if is_short else [word[:LONGEST] for word in words]
    one_form = unicodedata.normalize("NFKC", text.replace("\u2019", "'")).casefold()
    found = list[str]()
    for match in _pattern().finditer(unicodedata.normalize("NFKC", one_form)):
        run = match.group()
        if match.lastgroup == "unspaced":
            found += [run[i : i + 2] for i in range(max(len(run) - 1, 1))]
        else:
            found.append(run[:LONGEST])
    return found


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    """A run of an unspaced script, or a word of letters, digits, marks and apostrophes."""
    marks = "".join(re.escape(chr(c)) for c in range(0x300, LAST_MARK) if unicodedata.category(chr(c))[0] == "M")
    other = rf"(?:[^\W_{UNSPACED}]|[{marks}])"
    return re.compile(rf"(?P<unspaced>[{UNSPACED}]+)|{other}+(?:'{other}+)*")
