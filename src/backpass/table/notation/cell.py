"""Cells: the parts of a string that may be a number in an everyday notation: sign, digits, currency, unit, footnote.

Takes one string; returns its parts, or None. Nothing is decided here: ``agreement`` finds the reading that the cells of
a column share, ``reading`` computes values.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from backpass.table.notation.comparison import BEFORE, PATTERN, bound_of, split_behind
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.measures.aside import without_aside
from backpass.table.notation.measures.interval import with_one_unit
from backpass.table.notation.measures.units import has_right_exponents
from backpass.table.notation.numeral import DECIMALS, NUMERAL, SPACES, decimals_of, is_padded
from backpass.table.notation.vocabulary import LETTERS, SIGNS, is_currency
from backpass.table.presentation.scripts import has_other_digits, with_ascii_digits, with_one_myriad
from backpass.table.presentation.spaces import without_marks

DASHES = "\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d"  # minus sign, hyphens, dashes, small and full-width hyphen
MINUS = f"{DASHES}-"  # the hyphen last, so that it is no range in a class of characters
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
SUPERSCRIPT_LETTERS = "ᵃᵇᶜᵈᵉᶠᵍʰ"
POWERS = str.maketrans(f"{SUPERSCRIPTS}⁻⁺{DASHES}", f"0123456789-+{'-' * len(DASHES)}")
LONGEST = 60  # characters of a cell that may be a number
ONES = str.maketrans("023456789\0", f"{'1' * 9}0")
LEADING = LazyPattern(r"(?<![0-9.,])0")
NUMERALS = LazyPattern(NUMERAL)
VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
DIGIT = LazyPattern(f"[0-9{VULGAR}]")
MIXED = LazyPattern(  # 3 3/8, 3-3/8, 3½, ½
    rf"(?P<whole>(?<![0-9.,/-])[0-9]{{0,3}})(?:[{SPACES}]?(?P<vulgar>[{VULGAR}])"
    r"|(?<=[0-9])[ \u00a0-](?P<part>[0-9]{1,2})[/⁄](?P<of>2|3|4|5|6|8|10|12|16|32|64)(?![0-9/]))"
)
OF_VALUE = LazyPattern(  # digits that are no plain value: 4.1/5, x 10^3, e5, m3
    rf"[/x×·…\0{VULGAR}]|[*^][{MINUS}]?[0-9]|\.\.|(?:[^\W\d_]|[%‰°º\"″′]|[0-9][^0-9]*[{SIGNS}])[^0-9]*[0-9]"
)
NUMBERED = LazyPattern(rf".*[{SPACES}][1-9][0-9]?\)")  # 12.5 1): the number of a footnote is no value, either
MISTYPED = LazyPattern(  # 1OO, 1O0, 2l5: letters in the place of digits that look like them
    r"[OoIlSZB]+[0-9][0-9OoIlSZB]*|[Oo]{2,}"
)
THOUSANDS_OF_EUROS = frozenset({"T€", "T €", "TEUR", "TEuro"})  # in German; T is tera elsewhere
DECIMALS_OF_WORD = LazyPattern(r"(?:[^\W\d_]|[°%])\.[0-9]")  # 5O.5, 10 No.5
PHRASES = tuple(BEFORE)
POWER_ALONE = LazyPattern(rf"(?P<sign>[{MINUS}]?)(?P<power>10(?:\^|\*\*)[{MINUS}]?[0-9]{{1,3}})")
CELL = LazyPattern(
    rf"""
    (?P<quote>'?)
    (?P<bound>{PATTERN})?                                     [{SPACES}]*
    (?P<sign>[+{MINUS}])?                                     [{SPACES}]*
    (?:(?P<before>[{SIGNS}%]|[A-Z]{{1,2}}\$|[^\W\d_]{{2,3}}\.?|[SB]/\.?|[{LETTERS}](?![^\W\d_]))[{SPACES}]*)?
    (?P<inner>[+{MINUS}])?
    (?P<digits>{NUMERAL})(?:(?:(?<=[.,])|:)[{MINUS}]{{1,2}})?
    (?P<exponent>[eEdD][+-]?[0-9]{{1,3}}|[{SPACES}]?[x×·*][{SPACES}]?10(?:(?:\^|\*\*?)[+{MINUS}]?[0-9]{{1,3}}|[⁻⁺]?[{SUPERSCRIPTS}]+)|[{SPACES}]10(?:\^|\*\*?|E)[+{MINUS}]?[0-9]{{1,2}})?
    (?:[{SPACES}]*(?:[{MINUS}]|to|bis|à|\.{{2,3}}|[…~～〜至到])[{SPACES}]*(?P<upper>{NUMERAL}))?
    (?:[{SPACES}]?/[{SPACES}]?(?P<scale>[0-9]+))?
    (?P<early_plus>\+(?=[{SPACES}]*[^\W\d_]))?
    (?P<gap>[{SPACES}]*|-(?=[a-z]{{3}}))
    (?P<after>(?![{SUPERSCRIPTS}{SUPERSCRIPT_LETTERS}])(?:[^\W\d_]|[%‰°º℃℉"”″′/{SIGNS}µμΩ¢★⭐])(?:[\w%°º℃℉²³⁻/·.^"″′{SIGNS}{SPACES}]|(?<=[^\W\d_]|\^)(?<![AaPp][Mm])[{MINUS}](?=[1-9](?:[{SPACES}·]|$)))*)?
    (?P<trailing>[{MINUS}])?
    (?P<plus>\+)?
    (?:[{SPACES}]*(?P<footnote>[*†‡§#!?↑↓]+|[{SUPERSCRIPTS}]+|[{SUPERSCRIPT_LETTERS}]+|\[[^\[\]]{{1,4}}\]|\((?:[A-Za-z?!*]|HH|LL)\)|(?<=[{SPACES}])(?:[a-z]|[1-9][0-9]?)\)))?
    """,
    re.VERBOSE,
)


class Cell(NamedTuple):  # a tuple, because one is made of every distinct string
    """The parts of a string that may be a number.

    Attributes:
        digits: The numeral.
        decimals: The decimal signs that can read it, and the upper end of a range.
        is_negative: Whether a minus sign stands before or behind the digits, or parentheses surround them.
        sign: The sign before the digits as written.
        trails: Whether the minus sign stands behind.
        in_parentheses: Whether parentheses surround the number.
        bound: "<", ">" or "~" for a comparison, else empty.
        currency: The currency before or behind the digits.
        word: The unit, magnitude or flag behind the digits.
        is_apart: Whether a space stands before the word.
        exponent: The power of ten.
        exponent_sign: "e", "d" or "x".
        upper: The numeral at the upper end of a range.
        scale: The number behind a slash.
        has_footnote: Whether a footnote mark follows.
        is_quoted: Whether the apostrophe that spreadsheets use for text stands first.
        is_padded: Whether the digits start with a zero as codes do.
        has_other_digits: Whether the digits are those of another script, such as full-width ones.
        aside: "±" or "(" if an uncertainty or an interval stands beside the number.
        fraction: What a fraction behind whole digits adds: 0.375 in 3 3/8.
        has_fraction: Whether there is one.
    """

    digits: str
    decimals: str
    is_negative: bool = False
    sign: str = ""
    trails: bool = False
    in_parentheses: bool = False
    bound: str = ""
    currency: str = ""
    word: str = ""
    is_apart: bool = False
    exponent: int = 0
    exponent_sign: str = ""
    upper: str = ""
    scale: str = ""
    has_footnote: bool = False
    is_quoted: bool = False
    is_padded: bool = False
    has_other_digits: bool = False
    aside: str = ""
    fraction: float = 0.0
    has_fraction: bool = False

    @property
    def shape(self) -> Cell:
        """The cell without its values: cells of one shape are read alike."""
        separators = "".join(sorted({each for each in self.digits if not each.isdigit()}))
        return Cell(
            separators,
            self.decimals,
            self.is_negative,
            self.sign,
            self.trails,
            self.in_parentheses,
            self.bound,
            self.currency,
            self.word,
            self.is_apart,
            0,
            self.exponent_sign,
            "-" if self.upper else "",
            self.scale,
            self.has_footnote,
            self.is_quoted,
            self.is_padded,
            self.has_other_digits,
            self.aside,
            0.0,
            self.has_fraction,
        )


DURATION = Cell("", "")
"""Stands for the cells of a column of durations, which have no parts of a number (see ``datetimes.span``)."""
ANGLE = Cell("", ".,")
"""Stands for the cells of a column of angles."""
COMPOUND = Cell("", ".")
"""Stands for the cells of a column of compound measures (see ``measures.compound``)."""


def quick_cell_in(text: str) -> Cell | None:
    """Return the same as ``cell_in``, sooner for strings that differ from an earlier one in digits only.

    >>> quick_cell_in("12.5 kg") == cell_in("12.5 kg"), quick_cell_in("98.1 kg") == cell_in("98.1 kg")
    (True, True)
    """
    if has_other_digits(text):
        return _of_other_digits(quick_cell_in(with_ascii_digits(text)))
    if len(text) > LONGEST or _has_further_digits(text):
        return cell_in(text)
    text = without_marks(text)
    form = _form(_without_values(text))
    if form is None:
        return None
    digits = NUMERALS.findall(text)
    return form._replace(digits=digits[0], upper=digits[1] if form.upper else "")


def quick_shape_of(text: str) -> Cell | None:
    """Return the shape of the cell in a string."""
    if has_other_digits(text):
        return _of_other_digits(quick_shape_of(with_ascii_digits(text)))
    if len(text) > LONGEST or _has_further_digits(text):
        return None if (cell := cell_in(text)) is None else cell.shape
    return _shape(_without_values(text))


def _has_further_digits(text: str) -> bool:
    """Whether a string may hold digits beside those of its value."""
    return OF_VALUE.search(text) is not None or (text.endswith(")") and NUMBERED.fullmatch(text) is not None)


def _without_values(text: str) -> str:
    """Return the string with 1 for every digit but leading zeros: strings that are equal then have one shape."""
    return (LEADING.sub("\0", text) if "0" in text else text).translate(ONES)


@lru_cache(maxsize=4096)
def _form(text: str) -> Cell | None:
    return cell_in(text)


@lru_cache(maxsize=4096)
def _shape(text: str) -> Cell | None:
    return None if (cell := cell_in(text)) is None else cell.shape


def cell_in(text: str) -> Cell | None:
    """Return the parts of a trimmed string, or None if it cannot be a number.

    >>> cell_in("12.5 kg").word, cell_in("USD 5").currency, cell_in("23.02-").trails, cell_in("1.2.3"), cell_in("1O0")
    ('kg', 'USD', True, None, None)
    """
    if has_other_digits(text):
        return _of_other_digits(cell_in(with_ascii_digits(text)))
    if len(text) > LONGEST or DIGIT.search(text) is None:
        return None
    if text.startswith('="') and text.endswith('"'):  # as spreadsheets export text
        text = text[2:-1]
    single, aside = without_aside(with_one_unit(with_one_myriad(without_marks(text))))
    single, mark = split_behind(single) if single.endswith(")") else (single, "")  # 12.5 kg (est.)
    whole, fraction = _without_fraction(single)
    bare = _without_parentheses(whole) if "(" in whole else whole
    if bare[:4].isalpha() and bare.isascii() and not bare.lower().startswith(PHRASES):
        return None  # a word, without the large pattern: no name of a currency has four letters
    if "10" in bare and (alone := POWER_ALONE.fullmatch(bare)) is not None:
        bare = f"{alone['sign']}1x{alone['power']}"
    if (match := CELL.fullmatch(bare)) is None:
        return None
    is_enclosed = len(bare) < len(whole)
    (quote, bound, sign, before, inner, digits, exponent) = match.group(1, 2, 3, 4, 5, 6, 7)
    (upper, scale, early_plus, gap, after, trailing, plus, footnote) = match.group(8, 9, 10, 11, 12, 13, 14, 15)
    plus = plus or early_plus  # 10+ years
    if trailing and after == "/":  # 12/- and 12,- and 12.-- are whole amounts
        trailing, after = "", ""
    decimals = decimals_of(digits)
    if upper:
        decimals = "".join(sign for sign in decimals if sign in decimals_of(upper))
    if exponent and exponent[0] in "eEdD" and sum(map(digits.count, DECIMALS)) == 1:  # 1,536E+06 has no thousands
        decimals = "".join(sign for sign in decimals if sign in digits)
    signs = [each for each in (sign, inner, trailing) if each]
    if not decimals or len(signs) > 1 or (is_enclosed and signs) or (fraction and not digits.isdigit()):
        return None
    power = _power(exponent, digits) if exponent else 0
    after, behind = split_behind((after or "").strip(SPACES))
    bounds = [each for each in (bound_of(bound) if bound else "", behind, mark, ">" if plus else "") if each]
    if len(bounds) > 1 or (bound and not bounds):
        return None
    currency, word = _affixes(before or "", after)
    if power is None or currency is None or (sign == "+" and not digits.isdigit() and len(digits) > 11):
        return None
    if word and ((not gap and MISTYPED.fullmatch(word)) or DECIMALS_OF_WORD.search(word)):
        return None
    if word[-1:].isdigit() and not has_right_exponents(word):
        return None
    return Cell(
        digits,
        decimals,
        (bool(signs) and signs[0] != "+") or is_enclosed,
        sign or inner or "",
        bool(trailing),
        is_enclosed,
        bounds[0] if bounds else "",
        currency,
        word,
        bool(gap),
        power,
        _exponent_sign(exponent),
        upper or "",
        scale or "",
        bool(footnote),
        bool(quote),
        is_padded(digits) or is_padded(upper or ""),
        aside=aside,
        fraction=fraction,
        has_fraction=fraction > 0.0,
    )


def _without_fraction(text: str) -> tuple[str, float]:
    """Return a string with a fraction taken from its whole number, and the fraction: 3 3/8, 3-3/8, 3½, ½."""
    found = MIXED.search(text) if not text.isascii() or "/" in text else None
    if found is None:
        return text, 0.0
    vulgar = found["vulgar"]
    value = unicodedata.numeric(vulgar) if vulgar else int(found["part"]) / int(found["of"])
    if not 0.0 < value < 1.0:
        return text, 0.0
    return text[: found.start()] + (found["whole"] or "0") + text[found.end() :], value


def _of_other_digits(cell: Cell | None) -> Cell | None:
    """Return a cell that was written in the digits of another script."""
    return None if cell is None else cell._replace(has_other_digits=True)


def _without_parentheses(text: str) -> str:
    """Return the string without the parentheses around its digits; unchanged if there are none, or several."""
    opened, closed = text.find("("), text.find(")")
    if text.count("(") != 1 or text.count(")") != 1:
        return text
    before, inside, behind = text[:opened], text[opened + 1 : closed], text[closed + 1 :]
    digits = any(each.isdigit() for each in inside) and not any(each.isdigit() for each in before + behind)
    return before + inside.strip(SPACES) + behind if digits else text


def _exponent_sign(exponent: str | None) -> str:
    first = (exponent or "").lstrip(SPACES)[:1].lower()
    return first if first in ("", "e", "d") else "x"


def _power(exponent: str, digits: str) -> int | None:
    """Return the power of ten; None for digits and a letter without a point or sign, which are a code (12D5)."""
    if exponent[0] in "dD" and exponent[1].isdigit() and digits.isdigit():
        return None
    if exponent[0] in "eEdD":
        return int(exponent[1:])
    return int(re.split(r"10(?:\^|\*\*?|E)?", exponent, maxsplit=1)[1].translate(POWERS))


def _affixes(before: str, after: str) -> tuple[str | None, str]:
    """Return the currency and the word behind the number; None if what stands before it is no currency."""
    after = after.strip(SPACES).replace("℃", "°C").replace("℉", "°F")
    if after in THOUSANDS_OF_EUROS:
        return ("EUR" if "R" in after else "€"), "Tsd"
    if before == "%":
        return (None, "") if after else ("", before)
    if before:
        return (before, after) if (is_currency(before) or before in LETTERS) and not is_currency(after) else (None, "")
    if is_currency(after):
        return after, ""
    for length in (1, 4, 3, 2):
        word, end = after[:-length].rstrip(SPACES), after[-length:]
        if word and is_currency(end) and (len(end) == 1 or after[-length - 1] in SPACES):
            return end, word
    return "", after
