"""Scripts: digits and signs of numbers in other scripts than ASCII, such as full-width １２ and Arabic-Indic ١٢.

Takes a string; returns it with the digits 0 to 9 and the signs that other modules know.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import lru_cache

from backpass.table.notation.lazy_pattern import LazyPattern

_SIGNS = {
    "\u066b": ".",  # Arabic decimal separator
    "\u066c": ",",  # Arabic thousands separator
    "\u066a": "%",  # Arabic percent sign
    "\uff0e": ".",
    "\uff0c": ",",
    "\uff0b": "+",
    "\uff0d": "-",
    "\uff05": "%",
    "\uff0f": "/",
    "\uff1a": ":",
    "\uffe5": "\u00a5",  # yen sign
    "\uff04": "$",
    "\uffe0": "\u00a2",
    "\uffe1": "\u00a3",
    "\uffe6": "\u20a9",  # won sign
    "\u3000": " ",
    "\u200e": None,  # marks of the direction of writing
    "\u200f": None,
    "\u061c": None,
}

_MYRIADS = LazyPattern(
    r"(?P<whole>[0-9]+)(?P<unit>[亿億억])(?P<rest>[0-9]{1,4})[万萬만]|(?P<w>[0-9]+)(?P<u>[万萬만])(?P<r>[0-9]{1,4})(?![0-9])"
)


def with_one_myriad(text: str) -> str:
    """Return a number in two of the East Asian units of ten thousand as a decimal number in the larger one.

    >>> with_one_myriad("5億3571万円"), with_one_myriad("12万3456"), with_one_myriad("12万")
    ('5.3571億円', '12.3456万', '12万')
    """
    if text.isascii() or (found := _MYRIADS.search(text)) is None:
        return text
    whole, unit, rest = found.group(1, 2, 3) if found[1] else found.group(4, 5, 6)
    return f"{text[: found.start()]}{whole}.{rest:0>4}{unit}{text[found.end() :]}"


def has_other_digits(text: str) -> bool:
    """Whether a string holds decimal digits of another script than ASCII.

    >>> has_other_digits("１２"), has_other_digits("١٢"), has_other_digits("12"), has_other_digits("x²")
    (True, True, False, False)
    """
    return not text.isascii() and any(each.isdecimal() and not each.isascii() for each in text)


def with_ascii_digits(text: str) -> str:
    """Return a string with ASCII digits and signs if it holds decimal digits of another script; unchanged otherwise.

    >>> with_ascii_digits("１，２３４．５"), with_ascii_digits("١٢٫٥"), with_ascii_digits("１２円")
    ('1,234.5', '12.5', '12円')
    """
    return text.translate(_table()) if has_other_digits(text) else text


@lru_cache(maxsize=1)
def _table() -> dict[int, str | None]:
    digits = (c for c in range(128, sys.maxunicode + 1) if unicodedata.category(chr(c)) == "Nd")
    return {c: str(unicodedata.decimal(chr(c))) for c in digits} | {ord(sign): form for sign, form in _SIGNS.items()}
