"""Numerals: the digits of a number with a decimal sign and thousands separators, and which decimal signs can read them.

``12``, ``12.5``, ``1,234.50``, ``1.234,50``, ``1 234,50``, ``1'234.50``, ``1_234`` and ``1,25,689`` (Indian grouping)
are numerals; ``1.2.3`` and ``12,34,5`` are not. In ``1,234`` the comma may be either sign: ``agreement`` decides by the
whole column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.presentation.spaces import GROUPING

SPACES = f" {GROUPING}"
APOSTROPHES = "'\u2019\u00b4`"
UNDERSCORE = "_"
SEPARATORS = f".,{APOSTROPHES}{SPACES}{UNDERSCORE}"
NUMERAL = rf"(?:[0-9]+(?:[{SEPARATORS}][0-9]+)*[.,]?|[.,][0-9]+)"
DECIMALS = (".", ",")
PADDED = LazyPattern(r"0[0-9]")
FIRST_NUMERAL = LazyPattern(NUMERAL)
THOUSANDS = LazyPattern(r"[1-9][0-9]{0,2}(?:[.,][0-9]{3})+")
ONE_OF_THOUSANDS = re.compile(r"(?<![0-9.])[1-9][0-9]{0,2}\.[0-9]{2}0(?![0-9.])")
THREE_DIGITS = re.compile(r"(?<![0-9.])[0-9]{3}(?![0-9.])")
FEWEST_THOUSANDS = 5  # different numbers with a sign that separates thousands
FRACTION = LazyPattern(r"[+-]?[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,})")
FEWEST_FRACTIONS = 5  # different numbers whose point can only be decimal
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


def thousands_sign(texts: Iterable[str]) -> str:
    """Return the sign that can only separate thousands in the first numbers of strings; empty if it may be decimal.

    That is so if three digits stand behind each sign, some of them ending in 0, and other numbers, all below 1000 and
    some of three digits, have no sign: of fractions, either all would have three digits (12.340, 7.000), or none a zero
    at the end (12.34, 7). Where people wrote down fractions in both ways, whole numbers are as small (1.250, 2, 3.500).

    >>> thousands_sign(["35.067", "999", "12.340", "1.204", "410", "2.567", "8.100"])
    '.'
    >>> thousands_sign(["1.250", "2", "3.500", "12", "1.125", "2.750", "10.100"])
    ''
    >>> thousands_sign(["35.067", "7.000", "12.340", "1.204", "2.567"]), thousands_sign(["35.067", "12.34", "999"])
    ('', '')
    """
    marked, plain = set[str](), False
    for text in texts:
        if (found := FIRST_NUMERAL.search(text)) is None:
            continue
        digits = found.group()
        if digits.isdigit() and len(digits) < 4:
            plain = plain or len(digits) == 3
        elif THOUSANDS.fullmatch(digits):
            marked.add(digits)
        else:
            return ""
    signs = {each for digits in marked for each in digits if not each.isdigit()}
    is_clear = plain and len(marked) >= FEWEST_THOUSANDS and any(digits.endswith("0") for digits in marked)
    return signs.pop() if is_clear and len(signs) == 1 else ""


def has_decimal_points(texts: Iterable[str]) -> bool:
    """Whether several different strings are numbers whose point cannot separate thousands.

    >>> has_decimal_points(["1.5", "2.25", "7.1234", "0.5", "9.75"]), has_decimal_points(["1.250", "35.067", "7"])
    (True, False)
    """
    return len({text for text in texts if FRACTION.fullmatch(text)}) >= FEWEST_FRACTIONS


def may_have_thousands(text: str) -> bool:
    """Whether a number in a text has three digits behind a point, the last of them 0, and another only three digits.

    >>> may_have_thousands("12.340;700"), may_have_thousands("12.345;0.250;1234.500"), may_have_thousands("1.250,7.000")
    (True, False, False)
    """
    return ONE_OF_THOUSANDS.search(text) is not None and THREE_DIGITS.search(text) is not None
