"""Asides: what stands beside a number and is no part of it: its uncertainty (12.3 ± 0.5, 12.3 (0.5)), or an interval.

Takes a string; returns it without the aside. The number is read, the aside is not.
"""

from __future__ import annotations

import re

from backpass.table.notation.lazy_pattern import LazyPattern

_NUMBER = (
    r"[+\-−–]?(?:[0-9]+(?:[.,][0-9]+|[ \u00a0\u2009\u202f][0-9]{3}(?![0-9]))*|[.,][0-9]+)(?:[eE][+\-−]?[0-9]{1,3})?"
)
_NAME = r"(?:(?:sd|se|sem|cv|rsd|iqr|range|n|σ|[0-9]{2} ?% ?(?:ci|ki|ic|ui|cri|pi)|ci|ki|ic|ui|cri)[\s:=]*)?"
OPENING = LazyPattern(r"[±(\[+]")
PLUS_MINUS = LazyPattern(
    rf"\s*(?:(?:±|\+\s?/\s?[-−–]|\+[-−–]|\+\\-)\s*{_NUMBER}|\+{_NUMBER}\s?/?\s?[-−–]{_NUMBER})", re.IGNORECASE
)
ENCLOSED = LazyPattern(
    rf"\s*(?:\(\s*{_NAME}(?:±|\+/-)?\s*{_NUMBER}\s*(?:%|°?[^\W\d_]{{1,12}}\.?|/\s?[0-9]+)?(?:\s*(?:[-–—−,;~]|to|bis)\s*{_NUMBER}\s*%?)?\s*\)"
    rf"|\[\s*{_NAME}{_NUMBER}\s*%?\s*(?:[-–—−,;~]|to|bis)\s*{_NUMBER}\s*%?\s*\])",
    re.IGNORECASE,
)


def without_aside(text: str) -> tuple[str, str]:
    """Return a string without the aside behind its number, and the sign that opens it; unchanged if there is none.

    >>> without_aside("12.3 ± 0.5 kg"), without_aside("2.1 (1.8-2.4)"), without_aside("(5.0)")
    (('12.3 kg', '±'), ('2.1', '('), ('(5.0)', ''))
    """
    for pattern, sign in ((PLUS_MINUS, "±"), (ENCLOSED, "(")) if OPENING.search(text) else ():
        found = pattern.search(text)
        if found is not None and any(each.isdigit() for each in text[: found.start()]):
            number, behind = text[: found.start()], text[found.end() :]
            unit = behind.strip()
            return (number if unit and number.endswith(unit) else number + behind), sign
    return text, ""
