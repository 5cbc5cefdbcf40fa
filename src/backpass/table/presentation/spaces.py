"""Spaces: the characters that look like a space, by what they are for, and those that cannot be seen at all.

Each set stands here once; other modules say which of them a number, a date or a category may hold.
"""

from __future__ import annotations

GROUPING = "\u00a0\u2009\u202f"
"""The no-break, thin and narrow no-break space: between the digits of a number they are thousands separators."""

ALIGNING = "\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u200a\u205f"
"""Spaces of other widths, which a number holds between its digits only to align them."""

WIDE = "\u3000"
"""The space of East Asian scripts, as wide as their letters."""

ENDING = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
"""Tabs, and what ends a line, a page or a record."""

OTHER_SPACES = ENDING + GROUPING + ALIGNING + WIDE
"""Everything that ``str.isspace`` counts except the plain space."""

JOINING = "\u200b\u2060\ufeff"
"""The zero-width space, the word joiner and the byte order mark: they change no word of any language."""

INVISIBLE = JOINING + "\u00ad\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""These, soft hyphens, joiners of letters and marks of direction: nothing of them belongs to a number."""

_PLAIN = str.maketrans(dict.fromkeys(GROUPING + ALIGNING + WIDE, " "))
_ALIGNED = str.maketrans(dict.fromkeys(ALIGNING, " "))
_UNJOINED = str.maketrans(dict.fromkeys(JOINING))
_VISIBLE = str.maketrans(dict.fromkeys(INVISIBLE))


def with_plain_spaces(text: str) -> str:
    """Return a string with plain spaces in the place of others in the same line, none around it.

    >>> with_plain_spaces("31\u00a0Dec\u202f2024 ")
    '31 Dec 2024'
    """
    return text.translate(_PLAIN).strip()


def without_alignment(text: str) -> str:
    """Return a string with plain spaces in the place of those that only align; thousands separators stay.

    >>> without_alignment("\u20075\u00a0058")
    ' 5\xa0058'
    """
    return text.translate(_ALIGNED)


def with_single_spaces(text: str) -> str:
    """Return a string with single plain spaces between words, none around it, and none of zero width.

    >>> with_single_spaces(" very\u00a0 good\u200b ")
    'very good'
    """
    return " ".join(text.translate(_UNJOINED).split())


def without_marks(text: str) -> str:
    """Return a string without invisible characters: marks of direction, zero-width spaces, soft hyphens, byte-order
    marks.

    >>> without_marks("\u200e-12.5\ufeff")
    '-12.5'
    """
    return text if text.isascii() else text.translate(_VISIBLE)
