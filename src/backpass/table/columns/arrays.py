"""Array columns: a one-dimensional NumPy array as a raw column, by its dtype.

A masked entry is missing, whatever value lies under the mask. Numbers stay numbers; integers that must be categories
become strings, with all their digits. datetime64 becomes dates, timedelta64 becomes seconds; ``objects`` converts
strings, bytes, booleans and objects value by value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.table.columns.objects import raw_objects
from backpass.table.columns.raw import RawColumn, RawDatetimes, RawNumbers, integers_as_texts
from backpass.table.columns.rules import Rules
from backpass.table.datetimes.duration import CALENDAR, seconds_of
from backpass.table.datetimes.timestamp import NAT, microseconds_of_dates
from backpass.table.messages import ErrorList, shown


def raw_array(name: str, values: NDArray[Any], rules: Rules, errors: ErrorList) -> RawColumn | None:
    """Convert an array (n,); return None after an error.

    >>> raw_array("x", np.ma.masked_array([1, 2], mask=[False, True]), Rules(), ErrorList("t")).values
    array([ 1., nan])
    """
    mask, data = mask_of(values), np.asarray(values)
    if data.ndim == 1 and data.dtype.kind in "iu" and rules.required_kind(name) == "categorical":
        return integers_as_texts(name, data, mask)
    if data.ndim == 1 and data.dtype.kind in "iuf":
        numbers = data.astype(np.float64)
        return RawNumbers(name, numbers if mask is None else np.where(mask, np.nan, numbers))
    if data.ndim == 1 and data.dtype.kind == "M":
        microseconds = microseconds_of_dates(data)
        return RawDatetimes(name, microseconds if mask is None else np.where(mask, NAT, microseconds), "date")
    if data.ndim == 1 and data.dtype.kind == "m":
        seconds = seconds_of(data)
        if seconds is None:
            errors.add(f"column {shown(name)} is of type {shown(data.dtype)}", CALENDAR)
            return None
        return RawNumbers(name, seconds if mask is None else np.where(mask, np.nan, seconds), is_duration=True)
    if mask is None or data.ndim != 1:
        return raw_objects(name, list(values), rules, errors)
    objects = [None if gap else value for gap, value in zip(mask, data, strict=True)]
    return raw_objects(name, objects, rules, errors)


def mask_of(values: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return the mask of an array; None if it has none."""
    if not isinstance(values, np.ma.MaskedArray):
        return None
    mask: NDArray[Any] = np.ma.getmaskarray(values)
    return mask
