"""Number: which texts are numbers, and which number each one is.

``12``, ``-3.5``, ``.5``, ``1.``, ``+2`` and ``1e-3`` are; ``1_000``, ``0x10``, ``1,000``, ``12%`` and digits of other
scripts are not. ``inf`` and ``1e999`` are told apart from both, because no column may hold them. Python's ``float``
rounds correctly.
"""

from __future__ import annotations

import math
import re

WHOLE_LIMIT = 2.0**53  # from here on float64 cannot tell neighbouring whole numbers apart
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
COMMA_NUMBER = re.compile(r"[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?")
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
PADDED = re.compile(r"[+-]?0[0-9]")


def number_in(text: str, decimal: str = ".") -> float | None:
    """The number a trimmed text spells, infinite when too large, or None.

    >>> number_in("1e3"), number_in("1,5", ","), number_in("1_000"), number_in("1e999")
    (1000.0, 1.5, None, inf)
    """
    if NUMBER.fullmatch(text):
        return None if decimal == "," and "." in text else float(text)
    if decimal == "," and COMMA_NUMBER.fullmatch(text):
        return float(text.replace(",", "."))
    if INFINITE.fullmatch(text):
        return -math.inf if text[0] == "-" else math.inf
    return None


def is_padded(text: str) -> bool:
    """Whether a text starts as a code does, with a zero before another digit.

    >>> is_padded("00123"), is_padded("0.5"), is_padded("0")
    (True, False, False)
    """
    return PADDED.match(text) is not None


def text_of(number: float) -> str:
    """The shortest text of a number; whole numbers without a point.

    >>> text_of(3.0), text_of(0.1), text_of(1e300)
    ('3', '0.1', '1e+300')
    """
    return str(int(number)) if number.is_integer() and abs(number) <= WHOLE_LIMIT else repr(number)
