"""Compound measures: one quantity in several units, such as 5'11", 5 ft 11 in, 4 lb 9 oz, 1m75 and 2 years 3 months.

Takes a string; returns the quantity in the largest unit. ``agreement`` decides whether a column holds them. Durations
of days, hours, minutes and seconds are ``datetimes.span``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from backpass.dataclass import dataclass
from backpass.table.notation.lazy_pattern import LazyPattern

FEWEST_COMPOUNDS = 3  # different quantities; fewer are as good as categories
DAYS_PER_MONTH = Fraction("30.436875")  # of the Gregorian calendar, on average
BARE = {"ft": 1, "m": 2}  # units behind which a number may stand without its own, and its fewest digits: 5'9, 1m75
_NUMBER = r"[0-9]+(?:[.,][0-9]+)?"
TWO_NUMBERS = LazyPattern(r"[0-9][^0-9]*[^0-9.,\s][^0-9]*[0-9]")
STARTS = frozenset("0123456789-−")
_BETWEEN = r"[\s,]*(?:(?:and|und|et|y|e|en|och|og|и)\s+)?"


@dataclass(frozen=True, slots=True)
class Ladder:
    """Units of one dimension, the largest first.

    Attributes:
        units: Names of the units, as messages and model files have them.
        sizes: How many of the next unit make one.
        pattern: The quantities in at least one of the units.
    """

    units: tuple[str, ...]
    sizes: tuple[Fraction, ...]
    pattern: LazyPattern[str]

    def size(self, unit: int, top: int) -> Fraction:
        """Return how many of the unit ``top`` one of a unit is."""
        size = Fraction(1)
        for step in range(min(unit, top), max(unit, top)):
            size *= self.sizes[step]
        return 1 / size if unit > top else size


def _ladder(*units: tuple[str, str, int | Fraction]) -> Ladder:
    """Return the ladder of units, each with its name, the pattern of its spellings, and its size in the next unit.

    The last number may have a fraction (5' 10 1/2"), and no unit behind a foot mark or a meter (5'11, 1m75).
    """
    parts = list[str]()
    for place, (_, spellings, _) in enumerate(units):
        fraction = rf"(?:[\s-](?P<n{place}>[0-9]{{1,2}})[/⁄](?P<d{place}>2|4|8|16|32|64))?"
        parts.append(rf"(?:(?P<p{place}>{_NUMBER}){fraction}\s?(?:{spellings})(?![^\W\d_])\.?{_BETWEEN})?")
    bare = r"(?:(?<=['′’mM])\s?(?P<bare>[0-9]{1,2}))?"
    return Ladder(
        tuple(name for name, _, _ in units),
        tuple(Fraction(size) for _, _, size in units[:-1]),
        LazyPattern(rf"(?P<sign>[-−])?{''.join(parts)}{bare}", re.IGNORECASE),
    )


LADDERS = (
    _ladder(("ft", r"ft|feet|foot|['′’](?!['′’])", 12), ("in", r"inches|inch|ins|in|\"|″|”|''|′′|’’", 1)),
    _ladder(("stone", "stones|stone|st", 14), ("lb", "pounds|pound|lbs|lb", 16), ("oz", "ounces|ounce|oz", 1)),
    _ladder(("km", "kilomet(?:er|re)s?|km", 1000), ("m", "met(?:er|re)s?|m", 100), ("cm", "centimet(?:er|re)s?|cm", 1)),
    _ladder(("kg", "kilograms?|kilos?|kg", 1000), ("g", "grams?|gr|g", 1)),
    _ladder(
        ("years", "years?|yrs?|y|jahren?|jahre?|ans?|años?|anos?|anni|anno|jaar|år|лет|года?|年|歳|岁", 12),
        (
            "months",
            "months?|mon|mos?|m|monate?n?|mois|meses|mes|mesi|mese|maanden|maand|mån|месяц(?:ев|а)?|个月|か月|ヶ月",
            DAYS_PER_MONTH,
        ),
        ("days", "days?|d|tage?n?|jours?|días?|dias?|giorni|giorno|dagen|dag|дн(?:ей|я)|天|日", 1),
    ),
    _ladder(
        ("weeks", "weeks?|wks?|w|wochen?|semaines?|semanas?", 7), ("days", "days?|d|tage?n?|jours?|días?|dias?", 1)
    ),
)


def _parts(ladder: Ladder, found: re.Match[str]) -> list[tuple[int, Fraction]] | None:
    """Return the units of a match and their numbers; None if a number is not below one of the next larger unit."""
    parts = [
        (place, _number(found[f"p{place}"], found[f"n{place}"], found[f"d{place}"]))
        for place in range(len(ladder.units))
        if found[f"p{place}"]
    ]
    if not parts:
        return None
    last = parts[-1][0]
    if found["bare"]:
        if ladder.units[last] not in BARE or len(found["bare"]) < BARE[ladder.units[last]]:
            return None
        parts.append((last + 1, Fraction(found["bare"])))
    whole = all(number.denominator == 1 for _, number in parts[:-1])
    below = all(number < ladder.size(before, place) for (before, _), (place, number) in pairwise(parts))
    return parts if whole and below else None


def _number(digits: str, numerator: str | None, denominator: str | None) -> Fraction:
    number = Fraction(digits.replace(",", "."))
    return number + Fraction(int(numerator), int(denominator)) if numerator and denominator else number


def compound_in(text: str, unit: str) -> float | None:
    """Return a quantity of several units, or with a foot mark, in one of these units; None for any other string.

    >>> [compound_in(text, "ft") for text in ("5'6\\"", "5 ft 6 in", "5'")], compound_in("4 lb 8 oz", "lb")
    ([5.5, 5.5, 5.0], 4.5)
    >>> compound_in("1m75", "m"), compound_in("2 years 3 months", "years"), compound_in("5'14\\"", "ft")
    (1.75, 2.25, None)
    """
    for ladder in LADDERS:
        if unit in ladder.units and (found := ladder.pattern.fullmatch(text)) and (parts := _parts(ladder, found)):
            top = ladder.units.index(unit)
            size = sum((number * ladder.size(place, top) for place, number in parts), Fraction(0))
            return float(-size if found["sign"] else size)
    return None


def unit_of_compounds(texts: Iterable[str], fewest: int = FEWEST_COMPOUNDS) -> str:
    """Return the largest unit of strings of which so many different ones have several units; empty for other strings.

    >>> unit_of_compounds(["5'11\\"", "6'", "5'7\\"", "5'8\\""]), unit_of_compounds(["5 ft", "6 ft", "7 ft"])
    ('ft', '')
    """
    texts = [text for text in texts if text[:1] in STARTS]
    if len({text for text in texts if TWO_NUMBERS.search(text)}) < fewest:
        return ""  # most columns, without the patterns of units
    for ladder in LADDERS:
        several, top = set[str](), len(ladder.units)
        for text in texts:
            if (found := ladder.pattern.fullmatch(text)) and (parts := _parts(ladder, found)):
                top = min(top, parts[0][0])
                if len(parts) > 1:
                    several.add(text)
        if len(several) >= fewest:
            return ladder.units[top]
    return ""
