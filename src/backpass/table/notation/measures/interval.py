"""Intervals: ranges whose ends have words or units of their own: between 5 and 9, $60k - $80k, 1 kg - 10 kg.

Takes a string; returns it as one number, a dash and another number, with one unit: 5-9, $60-80k, 1-10 kg.
"""

from __future__ import annotations

import re

from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.numeral import SPACES
from backpass.table.notation.vocabulary import SIGNS

_NUMBER = r"[0-9]+(?:[.,'’][0-9]+)*"
WORDED = LazyPattern(
    r"(?:between|from|von|zwischen|de|entre|da|van|od|от)\s+(?P<low>\S*[0-9]\S*)\s+"
    r"(?:and|to|bis|und|à|et|y|a|e|do|до|tot|en)\s+(?P<high>\S*[0-9].*)",
    re.IGNORECASE,
)
TWICE = LazyPattern(
    rf"(?P<before>(?:[^\W\d_]{{0,3}}[{SIGNS}]|[A-Z]{{3}})?[{SPACES}]?)(?P<low>{_NUMBER})"
    rf"(?P<unit>[{SPACES}]?[^\d\s\-–—~/()]{{0,12}}?)[{SPACES}]?(?:[-–—~～〜]|to|bis|至|到)[{SPACES}]?"
    rf"(?P=before)(?P<high>{_NUMBER})(?P=unit)(?P<behind>[^\d]*)"
)


def with_one_unit(text: str) -> str:
    """Return a range with one unit and a dash; any other string unchanged.

    >>> with_one_unit("$60k - $80k"), with_one_unit("1 kg - 10 kg"), with_one_unit("between 5 and 9")
    ('$60-80k', '1-10 kg', '5-9')
    """
    if found := WORDED.fullmatch(text):
        text = f"{found['low']}-{found['high']}"
    if found := TWICE.fullmatch(text):
        return f"{found['before']}{found['low']}-{found['high']}{found['unit']}{found['behind']}"
    return text
