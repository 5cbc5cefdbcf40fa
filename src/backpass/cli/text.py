"""Text: how numbers, sizes, tables and foreign characters are written for people.

Plain values in, strings out; where they are shown is the console's affair.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

BARS = "▁▂▃▄▅▆▇█"


def figure(value: float, digits: int = 4) -> str:
    """A number with so many significant digits, without an exponent where it can be read that way.

    >>> figure(0.51234), figure(46980.4), figure(12.0), figure(0.0), figure(1.5e-7)
    ('0.5123', '46980', '12.00', '0', '1.500e-07')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(decimals, 0)}f}"


def figures(values: Sequence[float], digits: int = 4) -> list[str]:
    """Numbers to be compared: as many decimals for each as the first one needs.

    >>> figures([0.62191, 1.14827, -0.0001078])
    ['0.6219', '1.1483', '-0.0001']
    """
    first = figure(values[0], digits)
    if "e" in first or not math.isfinite(values[0]) or values[0] == 0:
        return [figure(value, digits) for value in values]
    decimals = len(first.partition(".")[2])
    return [f"{value:.{decimals}f}" for value in values]


def size(count: int) -> str:
    """Bytes in the unit that suits.

    >>> size(275_412), size(12), size(3_200_000)
    ('275 kB', '12 bytes', '3.2 MB')
    """
    if count < 1_000:
        return f"{count} bytes"
    if count < 1_000_000:
        return f"{count / 1_000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def duration(seconds: float) -> str:
    """Minutes and seconds, hours where there are some.

    >>> duration(7.2), duration(75), duration(3 * 3600 + 61)
    ('0:07', '1:15', '3:01:01')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def aligned(rows: Sequence[Sequence[str]], gap: str = "   ", left: Sequence[int] = (0,)) -> list[str]:
    """Rows of cells as lines: the columns ``left`` (the first) flush left, the others flush right.

    >>> aligned([["test", "rmse"], ["network", "0.51"]])
    ['test      rmse', 'network   0.51']
    """
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = zip(row, widths, strict=True)
        placed = [cell.ljust(width) if j in left else cell.rjust(width) for j, (cell, width) in enumerate(cells)]
        lines.append(gap.join(placed).rstrip())
    return lines


def sparkline(values: Sequence[float], most: int = 20) -> str:
    """The course of some numbers as one line of bars, lowest to highest; at most ``most`` of them, evenly chosen.

    >>> sparkline([4.0, 2.0, 1.0, 0.5])
    '█▄▂▁'
    """
    if len(values) > most:
        values = [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]
    low, high = min(values), max(values)
    return "".join(BARS[round((value - low) / ((high - low) or 1.0) * (len(BARS) - 1))] for value in values)


def finite(value: Any) -> Any:
    """Plain data in which numbers that are not finite, which JSON does not have, are None."""
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
