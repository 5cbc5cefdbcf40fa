"""Number parsing: which strings are numbers, and their values.

Numbers are ``12``, ``-3.5``, ``.5``, ``1.``, ``+2`` and ``1e-3``, and amounts: ``1,000``, ``$1,234.50``, ``-5 €``,
``$-5`` and, in accounting notation, ``($5)``. ``1_000``, ``0x10``, ``1,00``, ``(5)`` and digits of other scripts are
not numbers, nor is ``12%`` on its own: only in a column that holds nothing else is it a percentage. ``inf`` and
``1e999`` are returned as infinite, because no column may hold them. Python's ``float`` does the correctly rounded
conversion.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from backpass.table.notation.lazy_pattern import LazyPattern

WHOLE_LIMIT = 2.0**53  # from here on float64 cannot distinguish neighboring whole numbers
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
COMMA_NUMBER = LazyPattern(r"[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?")
INFINITE = LazyPattern(r"[+-]?inf(?:inity)?", re.IGNORECASE)
STARTS = frozenset("0123456789+-.,(iIıİ$€£¥₹")
"""First characters of numbers, of ``inf`` in either case, and of amounts."""
PERCENT = "percent"
"""Required kind of a column of percentages, which are numbers: 12% is 12."""
PADDED = re.compile(r"[+-]?0[0-9]")
CURRENCIES = "$€£¥₹"
CURRENCY = LazyPattern(f"[{CURRENCIES}]")
ADDRESS = LazyPattern(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})")
SPACES = " \u00a0\u202f"
GROUP_MARKS = {".": ",'’\u00a0\u202f", ",": f".'’{SPACES}"}  # decimal sign -> thousands separators


def _amount(decimal: str) -> LazyPattern[str]:
    """Return the pattern of amounts: digits in groups of three, a fraction, a sign, and a currency before or after."""
    grouped = rf"[1-9][0-9]{{0,2}}(?P<mark>[{GROUP_MARKS[decimal]}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*"
    point = re.escape(decimal)
    digits = rf"(?P<digits>(?:{grouped}|0|[1-9][0-9]*)(?:{point}[0-9]*)?|{point}[0-9]+)"
    money = rf"[{CURRENCIES}]"
    before = rf"(?P<sign>[+-]?)(?:{money}[{SPACES}]?)?|{money}[{SPACES}]?(?P<inner>[+-])"
    return LazyPattern(rf"(?:{before}){digits}(?:[{SPACES}]?{money})?")


AMOUNTS = {decimal: _amount(decimal) for decimal in GROUP_MARKS}


def number_in(text: str, decimal: str = ".") -> float | None:
    """Return the number that a trimmed string spells, infinite if too large; None if it is not a number.

    >>> number_in("1e3"), number_in("1,5", ","), number_in("1_000"), number_in("1e999")
    (1000.0, 1.5, None, inf)
    >>> number_in("$1,234.50"), number_in("-1.234,50 €", ","), number_in("$-5"), number_in("($5)")
    (1234.5, -1234.5, -5.0, -5.0)
    """
    if text[:1] not in STARTS:
        return None  # most texts, without a pattern
    if NUMBER.fullmatch(text) and not (decimal == "," and "." in text):
        return float(text)
    if decimal == "," and COMMA_NUMBER.fullmatch(text):
        return float(text.replace(",", "."))
    if text[-1] in "fFyY" and INFINITE.fullmatch(text):
        return -math.inf if text[0] == "-" else math.inf
    if amount := _amount_in(text, decimal):
        digits = amount["digits"].replace(amount["mark"] or " ", "").replace(decimal, ".")
        return float((amount["sign"] or amount["inner"] or "") + digits)
    return None


def _amount_in(text: str, decimal: str) -> re.Match[str] | None:
    """Match an amount; one in parentheses with a currency is negative."""
    if text[:1] == "(" and text[-1:] == ")" and currency_of(text) and not set(text) & set("+-"):
        text = f"-{text[1:-1]}"
    return AMOUNTS[decimal].fullmatch(text)


def is_amount(text: str, decimal: str = ".") -> bool:
    """Whether a number is written with thousands separators or a currency.

    >>> is_amount("$5"), is_amount("1,000"), is_amount("1,000", ","), is_amount("5")
    (True, True, False, False)
    """
    found = _amount_in(text, decimal)
    return found is not None and bool(found["mark"] or currency_of(text))


def currency_of(text: str) -> str:
    """Return the currency sign in a string, or an empty string."""
    found = CURRENCY.search(text)
    return found[0] if found else ""


def without_percent(text: str) -> str:
    """Return the string without its percent sign.

    >>> without_percent("12.5 %"), without_percent("12.5")
    ('12.5', '12.5')
    """
    return text[:-1].rstrip(SPACES) if text.endswith("%") else text


def is_percentage(text: str, decimal: str = ".") -> bool:
    """Whether a string is a number followed by a percent sign.

    >>> is_percentage("12.5 %"), is_percentage("-3%"), is_percentage("12"), is_percentage("$5%"), is_percentage("%")
    (True, True, False, False, False)
    """
    number = number_in(without_percent(text), decimal) if text.endswith("%") and not currency_of(text) else None
    return number is not None and math.isfinite(number)


def are_addresses(texts: Iterable[str]) -> bool:
    """Whether all strings, at least one, are addresses of IPv4, in which every part may have three digits.

    >>> are_addresses(["192.168.142.177", "192.168.100.254"]), are_addresses(["192.168.142.777"])
    (True, False)
    """
    matches = [ADDRESS.fullmatch(text) for text in texts]
    return bool(matches) and all(match and all(int(part) < 256 for part in match.groups()) for match in matches)


def is_padded(text: str) -> bool:
    """Whether a string starts with a zero before another digit, as codes do.

    >>> is_padded("00123"), is_padded("0.5"), is_padded("0")
    (True, False, False)
    """
    return PADDED.match(text) is not None


def text_of(number: float) -> str:
    """Return the shortest string of a number; whole numbers have no decimal point.

    >>> text_of(3.0), text_of(0.1), text_of(1e300)
    ('3', '0.1', '1e+300')
    """
    return str(int(number)) if number.is_integer() and abs(number) <= WHOLE_LIMIT else repr(number)
