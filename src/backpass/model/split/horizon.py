"""The horizon: how late the rows are that a model knows, and how much later the rows are that it was tested on.

It takes times of training and test rows, and says how far other rows lie after the training rows. The model file keeps
it (``Record.horizon``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table import Column, DatetimeColumn, NumericColumn, Table
from backpass.table.datetimes.timestamp import timestamp_texts
from backpass.table.messages import counted, shown

_STEPS = 64
_UNITS = (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000))


@dataclass(frozen=True, slots=True)
class Expected:
    """The scores to expect of rows that are later than the time that the test rows reach.

    Attributes:
        scores: Every metric of forecasts that were as late.
        low: The lower end of the 95% interval of the main metric; None if it is not known.
        high: The upper end.
        beyond: The time from the last training row to the latest test row: ``45 days``, or a number.
    """

    scores: Mapping[str, float]
    low: float | None
    high: float | None
    beyond: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {"scores": dict(self.scores), "low": self.low, "high": self.high, "beyond": self.beyond}


@dataclass(frozen=True, slots=True)
class Horizon:
    """The last time that a model knows, and how far ahead it was tested.

    Attributes:
        last: The latest time of the training and validation rows: microseconds since 1970, or a number.
        ahead: The time from there to the latest test row; 0 without later test rows.
    """

    last: float
    ahead: float = 0.0

    @staticmethod
    def of(known: Sequence[Table], test: Sequence[Table], name: str) -> Horizon:
        """The horizon of a fit.

        Args:
            known: The tables of the training and validation rows.
            test: The tables of the test rows.
            name: The name of the time column.
        """
        last = float(times_of(known, name).max())
        later = float(times_of(test, name).max()) - last if sum(each.rows for each in test) else 0.0
        return Horizon(last, max(later, 0.0))

    def beyond(self, column: Column) -> NDArray[np.float64]:
        """How far each row (n,) is after the latest test row: 0 up to it, 1 from twice as far ahead on

        It is measured in the time from the last known row to the latest test row, and rounded up to a multiple of 1/64.
        Rows without a time count as 1.

        >>> Horizon(last=20.0, ahead=8.0).beyond(NumericColumn("month", np.array([20.0, 28.0, 30.0, 99.0])))
        array([0.  , 0.  , 0.25, 1.  ])
        """
        found = beyond(_of_column(column) - self.last, self.ahead)
        found[column.missing] = 1.0
        return found

    def note(self, column: Column) -> str:
        """The note on rows after the last training row; empty if there are none.

        >>> Horizon(last=23.0, ahead=5.0).note(NumericColumn("month", np.array([20.0, 24.0, 32.0])))
        "column 'month': 2 rows are up to 9 after the last training row (23); test rows were up to 5 after it"
        """
        times = _of_column(column)[~column.missing]
        later = times[times > self.last]
        if not len(later):
            return ""
        is_date, last = isinstance(column, DatetimeColumn), f"{self.last:.10g}"
        if isinstance(column, DatetimeColumn):
            last = str(timestamp_texts(np.array([self.last]).astype(np.int64), column.kind)[0])
        far = float(later.max()) - self.last
        verb = "is" if len(later) == 1 else "are"
        text = f"column {shown(column.name)}: {counted(len(later), 'row')} {verb} up to {_span(far, is_date)} after"
        tested = f"; test rows were up to {_span(self.ahead, is_date)} after it" if 0.0 < self.ahead < far else ""
        if 0.0 < 2.0 * self.ahead < far:
            tested += f", and the errors of rows more than {_span(2.0 * self.ahead, is_date)} after it are unknown"
        return f"{text} the last training row ({last}){tested}"

    def reach(self, column: Column) -> str:
        """Format how far ahead the model was tested, for times of a column: ``45 days``"""
        return _span(self.ahead, isinstance(column, DatetimeColumn))

    def to_json(self) -> dict[str, float]:
        """Plain data for the model file."""
        return {"last": self.last, "ahead": self.ahead}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Horizon:
        """The horizon that ``to_json`` wrote."""
        return Horizon(float(data["last"]), float(data["ahead"]))


def beyond(far: NDArray[np.float64], ahead: float) -> NDArray[np.float64]:
    """How far rows ``far`` (n,) after the last known row are after test rows up to ``ahead`` after it.

    See ``Horizon.beyond``.
    """
    if ahead == 0.0:
        return np.asarray(far > 0.0, np.float64)
    return np.asarray(np.ceil(np.clip((far - ahead) / ahead, 0.0, 1.0) * _STEPS) / _STEPS)


def times_of(tables: Sequence[Table], name: str) -> NDArray[np.float64]:
    """The times of the rows of several tables (n,): microseconds of dates, or numbers; the earliest where missing."""
    columns = [table.column(name) for table in tables]
    times, missing = (
        np.concatenate(found) for found in zip(*((_of_column(c), c.missing) for c in columns), strict=True)
    )
    times[missing] = times[~missing].min() if not missing.all() else 0.0
    return np.asarray(times)


def _of_column(column: Column) -> NDArray[np.float64]:
    if isinstance(column, DatetimeColumn):
        return column.microseconds.astype(np.float64)
    assert isinstance(column, NumericColumn), "a time column holds dates or numbers"
    return column.values


def _span(far: float, is_date: bool) -> str:
    """Format a stretch of time: in the largest unit of which it has one, or as a number."""
    if not is_date:
        return f"{far:.10g}"
    name, unit = next((each for each in _UNITS if far >= each[1]), _UNITS[-1])
    return f"{far / unit:,.0f} {name}{'' if round(far / unit) == 1 else 's'}"
