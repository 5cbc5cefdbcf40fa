"""Comparisons: the signs and words that make a number a bound or an approximation: <30, over 90, ca. 605, 90 or more.

``cell`` finds them before and behind the digits. A bound is "<" for an upper one, ">" for a lower one, and "~" for an
approximation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import filterfalse

from backpass.table.notation.lazy_pattern import LazyPattern

_SIGNS = {"<": "< <= =< ≤ ⩽ ≦ ＜", ">": "> >= => ≥ ⩾ ≧ ＞", "~": "~ ≈ ≃ ≅ ∼ ～ ± ∓ +/-"}
_BEFORE = {
    "~": """
        ca, ca., circa, c., cca, cca., approx, approx., approximately, about, around, roughly, nearly, almost, est.,
        estimated, zirka, etwa, ungefähr, rund, knapp, environ, env, env., aprox, aprox., aproximadamente, cerca de,
        ongeveer, cirka, omkring, około, yaklaşık, около, примерно, 约, 約, 大约, 大約, 약
    """,
    "<": """
        less than, fewer than, no more than, not more than, under, below, up to, at most, max, max., maximum,
        weniger als, unter, bis zu, höchstens, maximal, moins de, jusqu'à, menos de, hasta, meno di, fino a, até,
        minder dan, mindre än, 少于, 小于, 不到, до, менее
    """,
    ">": """
        more than, greater than, no less than, not less than, over, above, at least, min, min., minimum, mehr als, über,
        mindestens, mind., plus de, au moins, más de, mais de, più di, meer dan, mer än, from, ab, от, более, свыше,
        超过, 大于, 高于
    """,
}
_BEHIND = {
    "~": "approx, approx., est., (est), (est.), (approx), (approx.), (ca.), ca., 左右, 前後, 程度",
    "<": "or less, or fewer, or under, or below, and under, and below, oder weniger, ou moins, o menos, 以下, 未満",
    ">": """
        or more, or over, or above, or older, or higher, and over, and above, and older, and up, and more, plus,
        oder mehr, und mehr, und älter, ou plus, et plus, o más, y más, ou mais, e mais, o più, 以上
    """,
}


def _by_phrase(table: dict[str, str], separator: str | None) -> dict[str, str]:
    found = dict[str, str]()
    for bound, phrases in table.items():
        found |= {" ".join(phrase.split()): bound for phrase in phrases.split(separator)}
    return found


SIGNS = _by_phrase(_SIGNS, None)
BEFORE = _by_phrase(_BEFORE, ",")
_IN_CAPITALS = {phrase.upper(): bound for phrase, bound in BEFORE.items()}  # ı and i have one capital
BEHIND = _by_phrase(_BEHIND, ",")
SURE = 4  # letters of a word that counts in capitals too; CA 90210 and C. 5 are codes


def _is_closed(phrase: str) -> bool:
    """Whether digits may follow a phrase without a space: ca.605, 約605; ab12 is a code."""
    return phrase.endswith(".") or phrase > "\u2fff"


def _longest_first(phrases: Iterable[str]) -> str:
    return "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))


PATTERN = (
    rf"{_longest_first(SIGNS)}|(?i:{_longest_first(filter(_is_closed, BEFORE))})"
    rf"|(?i:{_longest_first(filterfalse(_is_closed, BEFORE))})(?=[ \u00a0\u2009\u202f])"
)
"""Pattern of what may stand before the digits."""
_ENDING = LazyPattern(
    rf"(?:^|(?<=\s)|(?=[^\x00-\x7f])|(?=\())(?:{_longest_first(BEHIND)}|\([\w ]{{1,20}} est\.?\))$", re.IGNORECASE
)


def bound_of(mark: str) -> str:
    """Return the bound that a sign or phrase before a number means; empty for a word in capitals that may be a code.

    >>> bound_of("≤"), bound_of("Ca."), bound_of("over"), bound_of("CA"), bound_of("YAKLAŞIK")
    ('<', '~', '>', '', '~')
    """
    if mark in SIGNS:
        return SIGNS[mark]
    is_code = mark.isupper() and mark.isascii() and len(mark) < SURE
    return "" if is_code else _IN_CAPITALS.get(mark.casefold().upper(), "")


def split_behind(word: str) -> tuple[str, str]:
    """Return what stands behind a number without the phrase at its end that makes it a bound, and the bound.

    >>> split_behind("years or more"), split_behind("or less"), split_behind("kg")
    (('years', '>'), ('', '<'), ('kg', ''))
    """
    found = _ENDING.search(word)
    if found is None:
        return word, ""
    return word[: found.start()].rstrip(), BEHIND.get(found[0].lower(), "~")
