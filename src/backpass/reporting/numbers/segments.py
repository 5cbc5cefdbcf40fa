"""Segments: the rows of a table by period or by the values of a column, to score each part by itself.

``segments_of`` takes a table and what the user asked for (``region``, ``sold:month``, ``month``) and returns named
parts. Periods are in the order of time, ranges ascending, categories by size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError, UsageError
from backpass.numerics.distinct import distinct_values
from backpass.reporting.numbers.numerals import value_texts
from backpass.table import CategoricalColumn, Column, DatetimeColumn, Table
from backpass.table.columns.raw import lost_digits
from backpass.table.datetimes.timestamp import DAY, HOUR
from backpass.table.messages import absent, counted, data_error, listed, shown
from backpass.table.table import NumericColumn

MOST_CATEGORIES = 50
"""The maximum number of categories with a segment each; the rarer ones share one."""
MOST_VALUES = 12
"""The maximum number of distinct numbers with a segment each; more are divided at the quartiles."""
MOST_PERIODS = 24
"""Without a unit, dates have the finest unit with at most so many periods."""
MISSING = "missing"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_THURSDAY = 3  # of 1970-01-01, counted from Monday

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """The segments of a table's rows.

    Attributes:
        column: The column that divides the rows.
        title: What the rows are divided by, such as ``sold:month``.
        names: The name of each segment.
        codes: int64 (n,). The segment of each row.
    """

    column: str
    title: str
    names: tuple[str, ...]
    codes: Codes

    def rows_of(self, segment: int) -> NDArray[np.intp]:
        """The positions of the rows of a segment."""
        return np.flatnonzero(self.codes == segment)


def segments_of(table: Table, by: str, time: str | None = None) -> Segments:
    """Divide the rows of a table.

    Args:
        table: The rows, at least one.
        by: A column, a date or time column with a unit after a colon, or a unit alone.
        time: The column that a unit alone refers to. Default None: the only date or time column of the table.

    Raises:
        DataError: The table has no such column.
        UsageError: The column has no such periods, or a unit alone is ambiguous.

    >>> from backpass.table import table_from
    >>> found = segments_of(table_from({"sold": ["2024-01-31", "2024-03-01", "2024-01-02"]}), "month")
    >>> found.title, found.names, found.codes.tolist()
    ('sold:month', ('2024-01', '2024-03'), [0, 1, 0])
    """
    if by in table.columns:
        return _by_column(table.columns[by])
    name, colon, unit = by.rpartition(":")
    if colon and unit in UNITS and name in table.columns:
        return _by_period(table.columns[name], unit)
    if by in UNITS:
        return _by_period(table.columns[_time_column(table, by, time)], by)
    wanted = name if colon and unit in UNITS else by
    if colon and name in table.columns:
        raise UsageError(f"--by {by}: {unit!r} is not a unit of time", hint=f"units: {', '.join(UNITS)}")
    raise data_error(table.source, f"--by {by}: {absent([wanted], table.names)[0]}")


def columns_for_segments(table: Table, by: str) -> list[str]:
    """The columns that ``segments_of`` needs of those that the table's file has, but that were not read.

    Args:
        table: The rows.
        by: As for ``segments_of``.
    """
    name, _, unit = by.rpartition(":")
    if by in table.left_out or by in table.columns:
        return [by] if by in table.left_out else []
    if unit in UNITS and name in table.left_out:
        return [name]
    has_moments = any(isinstance(each, DatetimeColumn) for each in table.columns.values())
    return list(table.left_out) if by in UNITS and not has_moments else []


def _time_column(table: Table, unit: str, time: str | None) -> str:
    """The column that a unit alone refers to."""
    if time is not None and isinstance(table.columns.get(time), DatetimeColumn):
        return time
    kind = "time" if unit == "hour" else "date"
    datetimes = [name for name, each in table.columns.items() if isinstance(each, DatetimeColumn)]
    found = [name for name in datetimes if getattr(table.columns[name], "kind", "") == kind] or datetimes
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"--by {unit}: {table.source} has no date or time column")
    raise UsageError(
        f"--by {unit}: {table.source} has {len(found)} of them: {listed(found, shown)}",
        hint=f"name one: --by {found[0]}:{unit}",
    )


def _by_column(column: Column) -> Segments:
    match column:
        case DatetimeColumn(_, _, "time"):
            return _by_period(column, "hour")
        case DatetimeColumn(_, microseconds):
            known = microseconds[~column.missing]
            few = (unit for unit in ("day", "week", "month", "quarter") if _periods(known, unit) <= MOST_PERIODS)
            return _by_period(column, next(few, "year"))
        case NumericColumn(_, values):
            if lost_digits(values):
                raise DataError(
                    f"--by {column.name}: whole numbers beyond 2^53, whose last digits are lost, cannot be segments",
                    hint="write them as text, or name another column",
                )
            return _by_number(column.name, values)
    return _by_category(column)


def _by_category(column: CategoricalColumn) -> Segments:
    counts = column.counts()
    order = [int(j) for j in np.argsort(-counts, kind="stable") if counts[j]]
    kept, others = order, list[int]()
    if len(order) > MOST_CATEGORIES:
        kept, others = order[: MOST_CATEGORIES - 1], order[MOST_CATEGORIES - 1 :]
    of_code = np.full(len(counts) + 1, -1, dtype=np.int64)
    for place, j in enumerate(kept):
        of_code[j + 1] = place
    of_code[[j + 1 for j in others]] = len(kept)
    names = [column.levels[j] for j in kept] + ([f"{counted(len(others), 'other')}"] if others else [])
    return _with_missing(column.name, names, of_code[column.codes])


def _by_number(name: str, values: NDArray[np.float64]) -> Segments:
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if len(distinct) <= MOST_VALUES:
        codes = np.where(np.isnan(values), -1, np.searchsorted(distinct, values))
        return _with_missing(name, value_texts(distinct.tolist()), codes)
    edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75], method="inverted_cdf"))
    edges = edges[edges < distinct[-1]]
    codes = np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="left"))
    texts = value_texts(edges.tolist())
    between = [f"above {low} to {high}" for low, high in pairwise(texts)]
    return _with_missing(name, [f"up to {texts[0]}", *between, f"above {texts[-1]}"], codes)


def _by_period(column: Column, unit: str) -> Segments:
    if not isinstance(column, DatetimeColumn):
        raise UsageError(f"--by {column.name}:{unit}: column {shown(column.name)} holds no dates or times")
    if column.kind == "time" and unit != "hour":
        raise UsageError(
            f"--by {column.name}:{unit}: column {shown(column.name)} holds times of day, not dates",
            hint=f"--by {column.name}:hour",
        )
    known = ~column.missing
    periods, places = np.unique(UNITS[unit][0](column.microseconds[known]), return_inverse=True)
    codes = np.full(len(known), -1, dtype=np.int64)
    codes[known] = places.reshape(-1)
    return _with_missing(column.name, [UNITS[unit][1](period) for period in periods.tolist()], codes, unit)


def _with_missing(column: str, names: Sequence[str], codes: Codes, unit: str = "") -> Segments:
    """The segments, with a last one for rows without a value, coded -1, if there are any."""
    gaps, title = codes < 0, f"{column}:{unit}" if unit else column
    if not gaps.any():
        return Segments(column, title, tuple(names), codes)
    return Segments(column, title, (*names, MISSING), np.where(gaps, len(names), codes))


def _periods(microseconds: Codes, unit: str) -> int:
    return len(distinct_values(UNITS[unit][0](microseconds)))


def _months(microseconds: Codes) -> Codes:
    """Months since 1970-01."""
    return np.asarray(microseconds.view("datetime64[us]").astype("datetime64[M]").astype(np.int64))


def _weeks(microseconds: Codes) -> Codes:
    """Weeks, which start on Monday, since that of 1970-01-01."""
    return (microseconds // DAY + _THURSDAY) // 7


def _month_text(month: int) -> str:
    return f"{1970 + month // 12:04}-{month % 12 + 1:02}"


def _day_text(day: int) -> str:
    return str(np.datetime64(day, "D"))


UNITS: dict[str, tuple[Callable[[Codes], Codes], Callable[[int], str]]] = {
    "year": (lambda t: _months(t) // 12, lambda year: f"{1970 + year:04}"),
    "quarter": (lambda t: _months(t) // 3, lambda quarter: f"{1970 + quarter // 4:04}-Q{quarter % 4 + 1}"),
    "month": (_months, _month_text),
    "week": (_weeks, lambda week: f"week of {_day_text(7 * week - _THURSDAY)}"),
    "day": (lambda t: t // DAY, _day_text),
    "weekday": (lambda t: (t // DAY + _THURSDAY) % 7, lambda day: _WEEKDAYS[day]),
    "hour": (lambda t: t // HOUR % 24, lambda hour: f"{hour:02}:00"),
}
"""Unit -> the number of the period of timestamps in microseconds, and its name. Weekday and hour repeat."""
