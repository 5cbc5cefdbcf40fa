"""Seasons: the calendar periods that repeat in a time column, found from the distance between its values.

It takes timestamps and returns the seasons that rows so far apart can have, each with the number of the period of a
timestamp and its phase in the season. ``lookup`` predicts a target by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.distinct import distinct_values
from backpass.numerics.elementary import median
from backpass.table.datetimes.calendar import date_of
from backpass.table.datetimes.timestamp import DAY, HOUR

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Season:
    """A season of several periods.

    Attributes:
        title: What two timestamps with the same phase share.
        periods: The number of periods in a season.
        of: Microseconds since 1970 -> the number of the period since then.
    """

    title: str
    periods: int
    of: Callable[[Codes], Codes]

    def phase(self, microseconds: Codes) -> Codes:
        """The number of the period within its season: (n,)

        >>> SEASONS["day_of_week"].phase(np.array([0, 7 * DAY, 8 * DAY]))
        array([3, 3, 4])
        """
        return np.asarray(self.of(microseconds) % self.periods, dtype=np.int64)


def _months(microseconds: Codes) -> Codes:
    year, month, _ = date_of(microseconds // DAY)
    return np.asarray(12 * year + month - 1, dtype=np.int64)


SEASONS: Mapping[str, Season] = MappingProxyType(
    {
        "hour_of_day": Season("the same hour of the day", 24, lambda t: t // HOUR),
        "hour_of_week": Season("the same hour of the week", 168, lambda t: t // HOUR + 72),
        "day_of_week": Season("the same day of the week", 7, lambda t: t // DAY + 3),
        "week_of_year": Season("the week 52 weeks before", 52, lambda t: (t // DAY + 3) // 7),
        "month": Season("the same month", 12, _months),
        "quarter": Season("the same quarter", 4, lambda t: _months(t) // 3),
    }
)
"""Every season by name. Weeks begin on Mondays."""

_BY_GAP = (
    (2 * HOUR, ("hour_of_day", "hour_of_week")),
    (2 * DAY, ("day_of_week", "month")),
    (10 * DAY, ("week_of_year",)),
    (45 * DAY, ("month",)),
    (100 * DAY, ("quarter",)),
)
"""(largest median distance between timestamps, the seasons that they can have)"""


def seasons_of(microseconds: Codes) -> tuple[str, ...]:
    """The names of the seasons that these timestamps can have: they are close enough together and span two of them.

    >>> seasons_of(np.arange(30) * DAY)
    ('day_of_week',)
    """
    instants = distinct_values(microseconds)
    if len(instants) < 3:
        return ()
    gap = median(np.diff(instants))
    names = next((names for most, names in _BY_GAP if gap <= most), ())
    spans = {name: np.diff(SEASONS[name].of(instants[[0, -1]]))[0] + 1 for name in names}
    return tuple(name for name in names if spans[name] >= 2 * SEASONS[name].periods)
