"""Angles: degrees, minutes and seconds, as coordinates are written: 48°51'24"N.

Takes a string; returns decimal degrees. ``agreement`` decides whether the strings of a column are angles.
"""

from __future__ import annotations

from collections.abc import Iterable

from backpass.table.notation.lazy_pattern import LazyPattern

FEWEST_ANGLES = 3  # different angles; fewer are as good as categories
_NUMBER = r"[0-9]{1,3}(?:[.,][0-9]+)?"
ANGLE = LazyPattern(
    rf"(?P<before>[NSEW])?\s*(?P<sign>[-+−])?\s*(?P<degrees>{_NUMBER})\s*(?P<mark>[°º˚d:\s])\s*"
    rf"(?:(?P<minutes>{_NUMBER})\s*(?:['’′´:]|\s|$|(?=[NSEW]))\s*"
    rf"(?:(?P<seconds>{_NUMBER})\s*(?:\"|”|″|''|′′|’’)?)?)?\s*(?P<behind>[NSEW])?"
)
FULL = 360.0


def angle_in(text: str) -> float | None:
    """Return the decimal degrees of an angle, negative in the south and the west; None for any other string.

    Degrees alone are a number with a unit. Without the sign ``°`` an angle names its direction.

    >>> angle_in("48°51'36\\"N"), angle_in("S 12° 30′"), angle_in("2 30 0 W"), angle_in("-7° 15' 0\\"")
    (48.86, -12.5, -2.5, -7.25)
    >>> angle_in("12:30:00"), angle_in("20°"), angle_in("48°75'0\\"N"), angle_in("12 30")
    (None, None, None, None)
    """
    found = ANGLE.fullmatch(text)
    if found is None or (found["before"] and found["behind"]):
        return None
    direction = found["before"] or found["behind"] or ""
    is_marked = found["mark"] in "°º˚d"
    if not (direction or (is_marked and found["minutes"])) or (found["sign"] and direction):
        return None
    if not (is_marked or found["minutes"]):
        return None
    degrees, minutes, seconds = (_number(found[part]) for part in ("degrees", "minutes", "seconds"))
    if minutes >= 60.0 or seconds >= 60.0 or degrees > (FULL / 2.0 if direction else FULL):
        return None
    size = degrees + (minutes * 60.0 + seconds) / 3600.0
    return -size if direction in {"S", "W"} or found["sign"] in ("-", "−") else size


def are_angles(texts: Iterable[str]) -> bool:
    """Whether enough different strings are angles.

    >>> are_angles(["1°2′", "1°3′", "1°4′"]), are_angles(["1°2′", "1°2′"])
    (True, False)
    """
    return len({text for text in texts if angle_in(text) is not None}) >= FEWEST_ANGLES


def _number(digits: str | None) -> float:
    return float((digits or "0").replace(",", "."))
