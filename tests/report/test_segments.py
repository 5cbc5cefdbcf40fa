"""Segments: periods, categories and ranges against pandas and hand-made answers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from backpass.errors import DataError, UsageError
from backpass.reporting.numbers.segments import MOST_CATEGORIES, segments_of
from backpass.table import table_from

RNG = np.random.default_rng(0)
DAYS = np.datetime64("1968-11-20") + RNG.integers(0, 1_500, 400)


def parts(columns: dict[str, Any], by: str, time: str | None = None) -> dict[str, list[int]]:
    found = segments_of(table_from(columns), by, time)
    assert sorted(np.concatenate([found.rows_of(i) for i in range(len(found.names))])) == list(range(len(found.codes)))
    return {name: found.rows_of(i).tolist() for i, name in enumerate(found.names)}


@pytest.mark.parametrize(
    ("unit", "text"),
    [("year", "%Y"), ("month", "%Y-%m"), ("day", "%Y-%m-%d"), ("weekday", "%A"), ("quarter", None), ("week", None)],
)
def test_periods_are_those_of_pandas(unit: str, text: str | None) -> None:
    pandas = pytest.importorskip("pandas")
    days = pandas.Series(DAYS)
    if unit == "quarter":
        names = days.dt.year.astype(str) + "-Q" + days.dt.quarter.astype(str)
    elif unit == "week":
        names = "week of " + (days - pandas.to_timedelta(days.dt.day_of_week, unit="D")).dt.strftime("%Y-%m-%d")
    else:
        names = days.dt.strftime(text)
    expected = {name: index.tolist() for name, index in names.groupby(names).groups.items()}
    found = parts({"sold": DAYS}, f"sold:{unit}")
    assert found == expected
    first = [str(DAYS[index].min()) for index in found.values()]
    assert unit == "weekday" or first == sorted(first)


def test_a_unit_alone_takes_the_only_date_or_that_of_the_model() -> None:
    later = DAYS + np.timedelta64(400, "D")
    assert parts({"sold": DAYS, "x": np.arange(400)}, "month") == parts({"sold": DAYS}, "sold:month")
    both = {"sold": DAYS, "sent": later}
    assert parts(both, "month", "sent") == parts({"sent": later}, "month")
    with pytest.raises(UsageError, match="has 2 of them: 'sold', 'sent'") as raised:
        parts(both, "month")
    assert "--by sold:month" in raised.value.hint
    with pytest.raises(UsageError, match="no date or time column"):
        parts({"x": [1, 2]}, "month")


def test_a_column_called_as_a_unit_is_the_column() -> None:
    assert parts({"month": ["May", "June", "May"], "sold": DAYS[:3]}, "month") == {"May": [0, 2], "June": [1]}


def test_dates_without_a_unit_have_at_most_24_periods() -> None:
    assert len(parts({"sold": DAYS}, "sold")) == 17  # quarters
    few = np.datetime64("2024-02-20") + np.arange(20)
    assert list(parts({"sold": few}, "sold"))[-1] == "2024-03-10"


def test_times_of_day_have_hours() -> None:
    found = parts({"at": ["23:59", "00:00", "00:30", None]}, "at")
    assert found == {"00:00": [1, 2], "23:00": [0], "missing": [3]}


def test_categories_come_by_size_and_the_rarest_share_one() -> None:
    names = [f"c{i}" for i in range(70) for _ in range(1 + (i % 60 == 0))]
    found = parts({"town": [*names, None]}, "town")
    assert list(found)[:2] == ["c0", "c60"]
    assert list(found)[-2:] == [f"{70 - MOST_CATEGORIES + 1} others", "missing"]
    assert len(found) == MOST_CATEGORIES + 1


def test_numbers_are_divided_at_the_quartiles_or_by_value() -> None:
    assert parts({"stars": [2, 1, 2, 3]}, "stars") == {"1": [1], "2": [0, 2], "3": [3]}
    x = RNG.normal(size=400)
    found = parts({"x": x}, "x")
    assert [len(rows) for rows in found.values()] == [100] * 4
    values = [x[rows] for rows in found.values()]
    assert all(low.max() < high.min() for low, high in pairwise(values))
    years = list(parts({"year": np.arange(1990, 2030)}, "year"))
    assert years == ["up to 1999", "above 1999 to 2009", "above 2009 to 2019", "above 2019"]


@pytest.mark.parametrize(
    ("by", "kind", "message"),
    [
        ("tow", DataError, "column 'tow' not found"),
        ("tow:month", DataError, "column 'tow' not found"),
        ("town:month", UsageError, "holds no dates or times"),
        ("sold:minute", UsageError, "'minute' is not a unit of time"),
        ("at:month", UsageError, "holds times of day, not dates"),
    ],
)
def test_what_cannot_divide_is_refused(by: str, kind: type[Exception], message: str) -> None:
    columns = {"town": ["a", "b"], "sold": DAYS[:2], "at": ["10:00", "11:00"]}
    with pytest.raises(kind, match=message):
        segments_of(table_from(columns), by)
