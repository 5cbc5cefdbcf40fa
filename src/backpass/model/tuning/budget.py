"""A budget: the time that a search may take, as people write it, and the limits of a search."""

from __future__ import annotations

import re
from math import inf, isfinite

from backpass.dataclass import dataclass
from backpass.errors import UsageError, whole_number_errors

TRIALS = 16
"""The number of trials if neither a number nor a budget is given."""

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_PARTS = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?")


def seconds_of(budget: float | str) -> float:
    """The seconds of a budget: a number, or a string with hours, minutes and seconds.

    Raises:
        UsageError: The budget is not a time above 0.

    >>> seconds_of("10m"), seconds_of("1h30m"), seconds_of("90"), seconds_of(2.5)
    (600.0, 5400.0, 90.0, 2.5)
    """
    seconds = _read(budget.replace(" ", "").lower()) if isinstance(budget, str) else budget
    if type(seconds) not in (int, float) or not isfinite(seconds) or seconds <= 0:
        raise UsageError(f"--budget must be a time above 0, such as 90s, 10m or 1h30m; got {budget!r}")
    return float(seconds)


def _read(text: str) -> float:
    """The seconds in a string; 0 if it holds no time."""
    found = _PARTS.fullmatch(text)
    if found is None:
        return 0.0
    return sum(float(number) * unit for number, unit in zip(found.groups(), _UNITS.values(), strict=True) if number)


@dataclass(frozen=True, slots=True)
class Limit:
    """When a search ends.

    Attributes:
        trials: The maximum number of trials.
        seconds: The maximum time.
    """

    trials: float = inf
    seconds: float = inf


def limit_of(budget: float | str | None, trials: int | None) -> Limit:
    """The limit of a search from its arguments.

    Raises:
        UsageError: The budget or the number of trials cannot be used.

    >>> limit_of("1m", None), limit_of(None, None)
    (Limit(trials=inf, seconds=60.0), Limit(trials=16, seconds=inf))
    """
    if trials is not None and (errors := whole_number_errors(1, trials=trials)):
        raise UsageError(errors[0])
    if budget is None:
        return Limit(TRIALS if trials is None else trials)
    return Limit(inf if trials is None else trials, seconds_of(budget))
