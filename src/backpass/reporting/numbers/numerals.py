"""Numerals: numbers as texts for people, with as many digits as tell them apart.

Numbers below 10,000 have no thousands separators, so that years look like years.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SEPARATED = 10_000
"""Numbers from here on have thousands separators."""


def number(value: float, digits: int = 4) -> str:
    """Format a number with ``digits`` significant digits; NaN is empty.

    An exponent is used only for very small and very large numbers.

    >>> number(0.51234), number(46980.4), number(1234567.0), number(0.0), number(-2.5e-9), number(float("nan"))
    ('0.5123', '46,980', '1,234,567', '0', '-2.500e-09', '')
    """
    if np.isnan(value):
        return ""
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    if not 1e-4 <= abs(value) < 1e12:
        return f"{value:.{digits - 1}e}"
    return fixed(value, max(digits - 1 - int(np.floor(np.log10(abs(value)))), 0))


def fixed(value: float, decimals: int) -> str:
    """Format a number with a number of decimals.

    >>> fixed(2016.25, 1), fixed(12016.25, 1)
    ('2016.2', '12,016.2')
    """
    separator = "," if abs(value) >= _SEPARATED else ""
    return f"{value:{separator}.{decimals}f}"


def value_text(value: float) -> str:
    """Format a cell of a table in few digits; whole numbers have no decimals.

    >>> value_text(2017.0), value_text(46980.0), value_text(0.51234)
    ('2017', '46,980', '0.5123')
    """
    return fixed(value, 0) if value == round(value) and abs(value) < 1e12 else number(value)


def value_texts(values: Sequence[float]) -> list[str]:
    """Format values of one column, all finite, with as many decimals as show their differences.

    >>> value_texts([2016.5, 2016.9, 2017.25]), value_texts([1.0, 12000.0]), value_texts([37.851, 38.0])
    (['2016.50', '2016.90', '2017.25'], ['1', '12,000'], ['37.85', '38.00'])
    """
    size = max((abs(value) for value in values), default=0.0)
    if all(value == round(value) for value in values) or not 1e-4 <= size < 1e12:
        return [value_text(value) for value in values]
    spread = max(values) - min(values)
    digits = 2 if spread else 4
    decimals = digits - 1 - int(np.floor(np.log10(spread or size)))
    least = 2 - int(np.floor(np.log10(size)))
    return [fixed(value, min(max(decimals, least, 0), 9)) for value in values]
