"""Durations: time spans of any unit as seconds.

Takes spans (NumPy's timedelta64, Python's ``timedelta``, Arrow's intervals); returns float64 seconds, NaN where
missing. Each quotient is rounded once, so every unit gives the same float64. Years and months have no fixed length and
are rejected. ``timestamp`` handles times of day.
"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT = 2**53  # every whole number up to here is a float64
UNITS: dict[str, tuple[int, int]] = {  # a unit in seconds, as numerator and denominator
    "W": (604_800, 1),
    "D": (86_400, 1),
    "h": (3_600, 1),
    "m": (60, 1),
    "s": (1, 1),
    "ms": (1, 10**3),
    "us": (1, 10**6),
    "ns": (1, 10**9),
    "ps": (1, 10**12),
    "fs": (1, 10**15),
    "as": (1, 10**18),
}
CALENDAR = "years and months have no fixed number of seconds: write the duration in days or seconds"


def seconds_of(spans: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return the seconds of timedelta64 spans (n,), NaN for NaT; None for units without a fixed length (Y, M, or none).

    >>> seconds_of(np.array([90, "NaT"], "m8[m]")), seconds_of(np.array([1500], "m8[ms]"))
    (array([5400.,   nan]), array([1.5]))
    >>> seconds_of(np.array([1], "m8[M]")) is None
    True
    """
    unit, count = np.datetime_data(spans.dtype)
    if unit not in UNITS:
        return None
    numerator, denominator = UNITS[unit][0] * count, UNITS[unit][1]
    missing, microseconds = np.isnat(spans), spans.astype(np.int64)
    seconds = microseconds * float(numerator) / denominator
    bound = EXACT // numerator
    large = np.flatnonzero(((microseconds > bound) | (microseconds < -bound)) & ~missing)
    # Beyond the bound the product exceeds 2^53 and float64 would round twice.
    # Python divides integers of any size with a single rounding.
    seconds[large] = [timestamp * numerator / denominator for timestamp in microseconds[large].tolist()]
    seconds[missing] = np.nan
    return seconds


def seconds_in(span: Any) -> float | None:
    """Return the seconds of one span for which ``is_duration`` holds; None if it has years or months.

    >>> seconds_in(datetime.timedelta(minutes=1, microseconds=500_000)), seconds_in(np.timedelta64(1, "Y"))
    (60.5, None)
    """
    if isinstance(span, np.timedelta64) or hasattr(span, "to_timedelta64"):  # the latter is pandas' Timedelta
        seconds = seconds_of(np.array([span if isinstance(span, np.timedelta64) else span.to_timedelta64()]))
        return None if seconds is None else float(seconds[0])
    if isinstance(span, datetime.timedelta):
        return (span // datetime.timedelta(microseconds=1)) / 10**6
    if span.months:
        return None
    return (span.days * 86_400 * 10**9 + span.nanoseconds) / 10**9  # type: ignore[no-any-return]  # Arrow's interval


def is_duration(value: Any) -> bool:
    """Whether a Python value is a time span: a timedelta of Python, NumPy or pandas, or an interval of Arrow.

    >>> is_duration(datetime.timedelta(1)), is_duration(np.timedelta64(1, "h")), is_duration(1.0)
    (True, True, False)
    """
    return isinstance(value, datetime.timedelta | np.timedelta64) or type(value).__name__ == "MonthDayNano"
