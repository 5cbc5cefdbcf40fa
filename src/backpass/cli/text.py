"""Text formatting: numbers, sizes, durations, aligned tables and sparklines for people to read.

Functions take plain values and return strings; ``console`` prints them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

BARS = "▁▂▃▄▅▆▇█"


def figure(value: float, digits: int = 4) -> str:
    """Format a number with ``digits`` significant digits, without an exponent unless it is very small or large.

    For tables: zeros at the end stay, so that decimal points align. ``table.messages.rounded`` is for sentences.

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
    """Format numbers for comparison, all with the number of decimals that the first one needs.

    >>> figures([0.62191, 1.14827, -0.0001078])
    ['0.6219', '1.1483', '-0.0001']
    """
    first = figure(values[0], digits)
    if "e" in first or not math.isfinite(values[0]) or values[0] == 0:
        return [figure(value, digits) for value in values]
    decimals = len(first.partition(".")[2])
    return [f"{value:.{decimals}f}" for value in values]


def size(count: int) -> str:
    """Format a number of bytes in a suitable unit.

    >>> size(275_412), size(12), size(3_200_000)
    ('275 kB', '12 bytes', '3.2 MB')
    """
    if count < 1_000:
        return f"{count} bytes"
    if count < 1_000_000:
        return f"{count / 1_000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def duration(seconds: float) -> str:
    """Format seconds as minutes and seconds, preceded by hours if there are any.

    >>> duration(7.2), duration(75), duration(3 * 3600 + 61)
    ('0:07', '1:15', '3:01:01')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def aligned(rows: Sequence[Sequence[str]], gap: str = "   ", left: Sequence[int] = (0,)) -> list[str]:
    """Format rows of cells as aligned lines.

    Args:
        rows: The rows, all of the same length.
        gap: The text between two columns.
        left: The left-aligned columns; the others are right-aligned.

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
    """Draw values as a line of bars between their minimum and maximum.

    Args:
        values: The values, at least one.
        most: The maximum number of bars; if there are more values, evenly spaced ones are drawn.

    >>> sparkline([4.0, 2.0, 1.0, 0.5])
    '█▄▂▁'
    """
    if len(values) > most:
        values = [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]
    low, high = min(values), max(values)
    return "".join(BARS[round((value - low) / ((high - low) or 1.0) * (len(BARS) - 1))] for value in values)


def finite(value: Any) -> Any:
    """Replace non-finite numbers in plain data by None, because JSON cannot represent them."""
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
