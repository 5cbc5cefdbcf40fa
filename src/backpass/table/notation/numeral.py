"""Numerals: the digits of a number with a decimal sign and thousands separators, and which decimal signs can read them.

``12``, ``12.5``, ``1,234.50``, ``1.234,50``, ``1 234,50``, ``1'234.50``, ``1_234`` and ``1,25,689`` (Indian grouping)
are numerals; ``1.2.3`` and ``12,34,5`` are not. In ``1,234`` the comma may be either sign: ``agreement`` decides by the
whole column.
"""

from __future__ import annotations

import re

from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.presentation.spaces import GROUPING

SPACES = f" {GROUPING}"
APOSTROPHES = "'\u2019\u00b4`"
UNDERSCORE = "_"
SEPARATORS = f".,{APOSTROPHES}{SPACES}{UNDERSCORE}"
NUMERAL = rf"(?:[0-9]+(?:[{SEPARATORS}][0-9]+)*[.,]?|[.,][0-9]+)"
DECIMALS = (".", ",")
PADDED = LazyPattern(r"0[0-9]")
MARKS = LazyPattern(f"[{APOSTROPHES}{SPACES}{UNDERSCORE}]")


def _pattern(decimal: str) -> LazyPattern[str]:
    """Return the pattern of numerals with a decimal sign: plain, in groups of three, or in Indian groups."""
    other = "," if decimal == "." else "."
    marks = f"{other}{APOSTROPHES}{SPACES}{UNDERSCORE}"
    grouped = rf"[1-9][0-9]{{0,2}}(?P<mark>[{marks}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*"
    indian = rf"[1-9][0-9]?(?:{re.escape(other)}[0-9]{{2}})+{re.escape(other)}[0-9]{{3}}"
    point = re.escape(decimal)
    return LazyPattern(rf"(?:{grouped}|{indian}|[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+")


PATTERNS = {decimal: _pattern(decimal) for decimal in DECIMALS}


def decimals_of(digits: str) -> str:
    """Return the decimal signs that can read a numeral.

    >>> decimals_of("12"), decimals_of("1.234,50"), decimals_of("1,234"), decimals_of("1.2.3"), decimals_of("1,25,689")
    ('.,', ',', '.,', '', '.')
    """
    if digits.isdigit():
        return ".,"
    return "".join(decimal for decimal in DECIMALS if PATTERNS[decimal].fullmatch(digits))


def plain(digits: str, decimal: str) -> str:
    """Return a numeral that the decimal sign can read as ``float`` takes it.

    >>> plain("1.234,50", ","), plain("1'234", ".")
    ('1234.50', '1234')
    """
    if decimal == ",":
        return MARKS.sub("", digits.replace(".", "")).replace(",", ".")
    return MARKS.sub("", digits.replace(",", ""))


def is_padded(digits: str) -> bool:
    """Whether a numeral starts with a zero before another digit, as codes do."""
    return PADDED.match(digits) is not None
