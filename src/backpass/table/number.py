"""Number: which texts are numbers, and which number each one is.

``12``, ``-3.5``, ``.5``, ``1.``, ``+2`` and ``1e-3`` are, and amounts: ``1,000``, ``$1,234.50``, ``-5 €``, ``$-5`` and,
as accountants write them, ``($5)``. ``1_000``, ``0x10``, ``1,00``, ``(5)`` and digits of other scripts are not, nor is
``12%`` by itself: a column of nothing else holds percentages. ``inf`` and ``1e999`` are told apart from both, because
no column may hold them. Python's ``float`` rounds correctly.
"""

from __future__ import annotations

import math
import re

WHOLE_LIMIT = 2.0**53  # from here on float64 cannot tell neighbouring whole numbers apart
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
COMMA_NUMBER = re.compile(r"[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?")
INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
PERCENT = "percent"
"""What is asked of a column of percentages, which are numbers: 12% is 12."""
PADDED = re.compile(r"[+-]?0[0-9]")
CURRENCIES = "$€£¥₹"
SPACES = " \u00a0\u202f"
GROUP_MARKS = {".": ",'’\u00a0\u202f", ",": f".'’{SPACES}"}  # by the decimal sign: what may stand between thousands


def _amount(decimal: str) -> re.Pattern[str]:
    grouped = rf"[1-9][0-9]{{0,2}}(?P<mark>[{GROUP_MARKS[decimal]}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*"
    point = re.escape(decimal)
    digits = rf"(?P<digits>(?:{grouped}|0|[1-9][0-9]*)(?:{point}[0-9]*)?|{point}[0-9]+)"
    money = rf"[{CURRENCIES}]"
    before = rf"(?P<sign>[+-]?)(?:{money}[{SPACES}]?)?|{money}[{SPACES}]?(?P<inner>[+-])"
    return re.compile(rf"(?:{before}){digits}(?:[{SPACES}]?{money})?")


AMOUNTS = {decimal: _amount(decimal) for decimal in GROUP_MARKS}


def number_in(text: str, decimal: str = ".") -> float | None:
    """The number a trimmed text spells, infinite when too large, or None.

    >>> number_in("1e3"), number_in("1,5", ","), number_in("1_000"), number_in("1e999")
    (1000.0, 1.5, None, inf)
    >>> number_in("$1,234.50"), number_in("-1.234,50 €", ","), number_in("$-5"), number_in("($5)")
    (1234.5, -1234.5, -5.0, -5.0)
    """
    if NUMBER.fullmatch(text) and not (decimal == "," and "." in text):
        return float(text)
    if decimal == "," and COMMA_NUMBER.fullmatch(text):
        return float(text.replace(",", "."))
    if INFINITE.fullmatch(text):
        return -math.inf if text[0] == "-" else math.inf
    if amount := _amount_in(text, decimal):
        digits = amount["digits"].replace(amount["mark"] or " ", "").replace(decimal, ".")
        return float((amount["sign"] or amount["inner"] or "") + digits)
    return None


def _amount_in(text: str, decimal: str) -> re.Match[str] | None:
    """The parts of an amount; one in brackets with its currency is below zero."""
    if text[:1] == "(" and text[-1:] == ")" and currency_of(text) and not set(text) & set("+-"):
        text = f"-{text[1:-1]}"
    return AMOUNTS[decimal].fullmatch(text)


def is_amount(text: str, decimal: str = ".") -> bool:
    """Whether a number is written with marks between thousands, or with a currency.

    >>> is_amount("$5"), is_amount("1,000"), is_amount("1,000", ","), is_amount("5")
    (True, True, False, False)
    """
    found = _amount_in(text, decimal)
    return found is not None and bool(found["mark"] or currency_of(text))


def currency_of(text: str) -> str:
    """The currency sign in a text, or nothing."""
    return next((sign for sign in text if sign in CURRENCIES), "")


def without_percent(text: str) -> str:
    """The number before a percent sign, as it is written.

    >>> without_percent("12.5 %"), without_percent("12.5")
    ('12.5', '12.5')
    """
    return text[:-1].rstrip(SPACES) if text.endswith("%") else text


def is_percentage(text: str, decimal: str = ".") -> bool:
    """Whether a text is a number with a percent sign behind it.

    >>> is_percentage("12.5 %"), is_percentage("-3%"), is_percentage("12"), is_percentage("$5%"), is_percentage("%")
    (True, True, False, False, False)
    """
    number = number_in(without_percent(text), decimal) if text.endswith("%") and not currency_of(text) else None
    return number is not None and math.isfinite(number)


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
