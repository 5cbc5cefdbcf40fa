"""Skewness: targets of positive numbers, most of them small, for which the squared loss is a poor choice.

Takes the numbers of a target; returns a message. ``fit`` prints it as a note, ``inspect`` as a finding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.quantiles import quantiles
from backpass.table.messages import shown

SKEWED = 10.0  # times the width of the upper half of 90% of a target to that of the lower half
FEWEST_SKEWED = 50  # rows from which the quantiles of a target tell its shape


def skewness_of(name: str, y: NDArray[np.float64]) -> str:
    """Return what a target of positive, very skewed numbers (n,) calls for; empty for any other.

    The upper half of 90% of the numbers is at least ``SKEWED`` times as wide as the lower half: for logarithms that
    are normally distributed, their standard deviation is 1.4 or more.

    >>> skewness_of("price", np.exp(np.linspace(0.0, 12.0, 100)))[:57]
    "target 'price' is positive and very skewed (1 to 162,755)"
    >>> skewness_of("size", np.linspace(1.0, 12.0, 100))
    ''
    """
    if len(y) < FEWEST_SKEWED or float(y.min()) < 0.0:
        return ""
    low, middle, high = quantiles(y, [0.05, 0.5, 0.95]).tolist()
    if not high - middle > SKEWED * (middle - low) or high <= middle or middle <= 0.0:
        return ""
    span = f"{shortest(float(y.min()))} to {shortest(float(y.max()))}"
    log = " or --target-transform log" if float(y.min()) > 0.0 else ""
    what = "positive" if float(y.min()) > 0.0 else "never negative"
    cause = "its largest values dominate the squared error"
    better = f"--loss poisson{log} fits the others better"
    return f"target {shown(name)} is {what} and very skewed ({span}): {cause}; {better}"


def shortest(number: float) -> str:
    """Return a number for a message: whole from 100 up, with three significant digits below.

    >>> shortest(162754.79), shortest(0.12345)
    ('162,755', '0.123')
    """
    return f"{number:,.0f}" if abs(number) >= 100.0 else f"{number:.3g}"
