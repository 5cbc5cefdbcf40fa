"""Codes: digits that name something although they read as numbers: 12e5 beside 8514, versions, article numbers.

Takes the distinct strings or numbers of a column and its name; returns what they are, for a message. Codes with leading
zeros are ``notation.number.is_padded``.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.distinct import distinct_values
from backpass.table.datetimes.name_evidence import words_of
from backpass.table.messages import shown
from backpass.table.notation.lazy_pattern import LazyPattern

ONE_DECIMAL, LAST_ZERO = re.compile(r"\.[0-9](?![0-9])"), re.compile(r"\.[0-9]0(?![0-9])")
SHORT_EXPONENT = re.compile(r"e[0-9](?<=[0-9]..)")  # the search for one letter is quick
EXPONENT = LazyPattern(r"([0-9]+)[eE]([0-9]+)")
VERSION = LazyPattern(r"([0-9]{1,3})\.([0-9]{1,2})")
LARGEST_EXPONENT = 30  # of a number that somebody writes by hand
MOST_VERSIONS = 100  # different ones
VERSION_WORDS = frozenset(["version", "versions", "versionen", "versión", "versão", "versione", "firmware", "python"])
_PART_WORDS = """
    ver release build edition revision rev section chapter clause kapitel chapitre driver protocol kernel
"""
PART_WORDS = frozenset(_PART_WORDS.split())
"""Words that say versions if a number ends in zero (1.10); a release may also be 0.5 and 0.25 mg."""
NUMBER_WORDS = frozenset(["code", "codes", "id", "no", "nr", "number", "num", "nummer"])
"""What may follow the word of a name that says what its column holds."""
ARTICLE_WORDS = frozenset(["ean", "gtin", "upc", "barcode", "isbn", "strichcode"])
ARTICLE_DIGITS = (8, 10, 11, 12, 13, 14)  # 10 of an old ISBN, 11 of a UPC that lost its zero
SMALLEST_ARTICLE = 1e7
FEWEST_ARTICLES = 6  # different numbers; by chance 1 in 10 has the right last digit
LOOKED_AT = 200  # rows that rule out most columns


def says(words: Collection[str], name: str) -> bool:
    """Whether the last word of a name that says what its column holds is one of these words.

    >>> [says({"driver"}, name) for name in ("Driver", "gpu_driver_no", "driver_rating")]
    [True, True, False]
    """
    said = [word for word in words_of(name) if word not in NUMBER_WORDS]
    return bool(said) and said[-1] in words


def one_says(words: Collection[str], names: Collection[str]) -> bool:
    """Whether one of the names ``says`` one of these words in lower case: all at once, for speed.

    >>> one_says({"driver"}, ["size", "gpu_driver"]), one_says({"driver"}, ["size", "driver_rating"])
    (True, False)
    """
    joined = "\0".join(names).lower()
    return any(word in joined for word in words) and any(says(words, name) for name in names)


def code_among(name: str, texts: Collection[str]) -> str:
    """Say which codes the strings of a column are that all are plain numbers; empty if they are numbers.

    Digits with an exponent are codes if all strings have one length and an exponent is none that anybody writes by
    hand: the number is beyond 1e30, or the part before it has several digits while other strings are plain digits that
    are not round. Numbers with one and with two digits behind the point are versions if the name says so, or if they
    go on from one digit to two: 1.9, 1.10, 1.11.

    >>> code_among("lot", ["12e5", "8514", "66e0"]), code_among("x", ["1e3", "1e4", "5000"])
    ("codes such as '12e5', all of 4 characters", '')
    >>> code_among("ohm", ["10e3", "47e3"]), code_among("ohm", ["10e3", "4700"])
    ('', '')
    >>> code_among("version", ["1.1", "1.10", "1.2"]), code_among("price", ["1.1", "1.10", "1.25"])
    ("versions such as '1.10'", '')
    """
    exponents = {text: match for text in texts if (match := EXPONENT.fullmatch(text))} if _has_letter(texts) else {}
    if exponents and len(texts) > 1 and len({*map(len, texts)}) == 1:
        is_beside = any(text not in exponents and not text.endswith("0") for text in texts)
        odd = [
            text
            for text, match in exponents.items()
            if int(match[2]) > LARGEST_EXPONENT or (is_beside and len(match[1]) > 1)
        ]
        if odd and all(text in exponents or text.isdecimal() for text in texts):
            return f"codes such as {shown(odd[0])}, all of {len(odd[0])} characters"
    if len(texts) > MOST_VERSIONS or not all(VERSION.fullmatch(text) or text.isdecimal() for text in texts):
        return ""
    minors = {text: match[2] for text in texts if (match := VERSION.fullmatch(text))}
    short, long = ({int(each) for each in minors.values() if len(each) == digits} for digits in (1, 2))
    goes_on = any(text.endswith(".9") and f"{text[:-1]}10" in minors for text in minors)
    goes_on = goes_on and len(long) > 1 and long == {*range(10, 10 + len(long))}
    if short and long and (goes_on or _says_versions(name, long)):
        return f"versions such as {shown(next(text for text, minor in minors.items() if len(minor) == 2))}"
    return ""


def doubtful_number(texts: Collection[str]) -> str:
    """Return what may be a code among the strings of a column of plain numbers, for a note; empty if nothing is.

    >>> doubtful_number(["1e10", "200"]), doubtful_number(["1.1", "1.10"]), doubtful_number(["1.5", "1.50", "22.75"])
    ("'1e10' is read as 10000000000", "'1.1' and '1.10' are read as one number", '')
    >>> doubtful_number(["1.5e10", "1e-3"]), doubtful_number(["1.10", "1.25"])
    ('', '')
    """
    if (
        _has_letter(texts)
        and (text := next(filter(EXPONENT.fullmatch, texts), ""))
        and not any(sign in each for each in texts for sign in ".-+")
    ):
        return f"{shown(text)} is read as {float(text):.15g}"
    if len(texts) > MOST_VERSIONS or not all(VERSION.fullmatch(text) or text.isdecimal() for text in texts):
        return ""
    twin = next((text for text in texts if text.endswith("0") and text[:-1] in texts and "." in text[:-2]), "")
    longest = max((float(text) for text in texts), default=0.0)
    return f"{shown(twin[:-1])} and {shown(twin)} are read as one number" if twin and longest < 20.0 else ""


def _says_versions(name: str, minors: Collection[int]) -> bool:
    """Whether a name says that numbers with these two digits behind the point are versions."""
    return says(VERSION_WORDS, name) or (says(PART_WORDS, name) and any(minor % 10 == 0 for minor in minors))


def may_have_codes(text: str) -> bool:
    """Whether a text has an exponent without a sign, or numbers of one decimal beside others with two that end in zero.

    >>> may_have_codes("1.1 1.10"), may_have_codes("1.10 1.25"), may_have_codes("12e5"), may_have_codes("1.2e-5")
    (True, False, True, False)
    """
    has_versions = ONE_DECIMAL.search(text) is not None and LAST_ZERO.search(text) is not None
    return has_versions or SHORT_EXPONENT.search(text.lower()) is not None


def _has_letter(texts: Collection[str]) -> bool:
    """Whether an exponent may be among the strings."""
    joined = "".join(texts)
    return "e" in joined or "E" in joined


def may_be_code(name: str, texts: Collection[str]) -> bool:
    """Whether the strings of some rows ask for a look at all strings of a column, although they are plain numbers."""
    if not (says(VERSION_WORDS, name) or may_have_codes(" ".join(texts))):  # nearly all columns, after a single search
        return False
    return bool(code_among(name, texts) or doubtful_number(texts))


def are_article_numbers(name: str, values: NDArray[np.float64]) -> bool:
    """Whether all numbers (n,), NaN where missing, are article numbers (EAN, UPC, GTIN, ISBN).

    They have right check digits, or the name says what they are.

    >>> are_article_numbers("ean", np.array([4006381333931.0, 9783161484100.0]))
    True
    >>> are_article_numbers("x", np.array([4006381333931.0, 9783161484100.0]))  # too few to rule out chance
    False
    """
    if len(values) and values[0] < SMALLEST_ARTICLE:  # nearly all columns
        return False
    head = values[:LOOKED_AT]
    head = head[~np.isnan(head)]
    if not _have_article_lengths(head):
        return False  # most columns, without a look at the name
    is_article = _have_article_lengths if says(ARTICLE_WORDS, name) else _have_check_digits
    if not is_article(head):
        return False
    there = values[~np.isnan(values)]
    return is_article(there) and (is_article is _have_article_lengths or len(distinct_values(there)) >= FEWEST_ARTICLES)


def _have_article_lengths(values: NDArray[np.float64]) -> bool:
    largest = 10.0 ** ARTICLE_DIGITS[-1]
    if not len(values) or not ((values >= SMALLEST_ARTICLE) & (values < largest) & (values == np.floor(values))).all():
        return False
    return {*(np.floor(np.log10(values)) + 1.0).tolist()} <= {*ARTICLE_DIGITS}


def _have_check_digits(values: NDArray[np.float64]) -> bool:
    """Whether the digits of numbers, weighted 1 and 3 from the right, add up to a multiple of 10."""
    if not _have_article_lengths(values):
        return False
    rest, total = values.astype(np.int64), np.zeros(len(values), dtype=np.int64)
    for place in range(ARTICLE_DIGITS[-1]):
        total += rest % 10 * (3 if place % 2 else 1)
        rest //= 10
    return bool((total % 10 == 0).all())
