"""Dates such as 31.12.2024 and 12/31/2024 1:30 PM: who tells the day from the month, and what becomes of it."""

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpass.errors import DataError, UsageError
from backpass.model import fit, load
from backpass.table import CategoricalColumn, DatetimeColumn, Schema, Table, read_table, table_from
from backpass.table.datetimes.day_month import microseconds_in
from backpass.table.datetimes.timestamp import timestamp_texts

Write = Callable[..., Path]
EPOCH = datetime.datetime(1970, 1, 1)


def dates(table: Table, name: str) -> list[str | None]:
    column = table.column(name)
    assert isinstance(column, DatetimeColumn)
    return timestamp_texts(column.microseconds, column.kind)


@given(st.datetimes(), st.sampled_from("./-"))
def test_what_python_writes_is_read(stamp: datetime.datetime, mark: str) -> None:
    microseconds = (stamp - EPOCH) // datetime.timedelta(microseconds=1)
    day, month, year = str(stamp.day), f"{stamp.month:02}", f"{stamp.year:04}"
    clock = f"{stamp:%H:%M:%S.%f}"
    assert microseconds_in(f"{mark.join([day, month, year])} {clock}", "day_first") == microseconds
    assert microseconds_in(f"{mark.join([month, day, year])} {clock}", "month_first") == microseconds
    half = f"{stamp:%I:%M:%S.%f}" + (" AM" if stamp.hour < 12 else " pm")
    assert microseconds_in(f"{mark.join([month, day, year])} {half}", "month_first") == microseconds


@pytest.mark.parametrize(
    "text",
    ["31.4.2024", "29.2.2023", "0.1.2024", "1.13.2024", "1.1.2024 24:00", "1.1.2024 13:00 PM", "1.1.2024 0:30 AM"],
)
def test_days_and_times_that_do_not_exist(text: str) -> None:
    assert microseconds_in(text, "day_first") is None


def test_a_day_above_twelve_tells(write: Write) -> None:
    table = read_table(write("d,e,x\n1/2/2024,1.2.2024,1\n1/31/2024,31.1.2024,1\n,,1\n"))
    assert dates(table, "d") == ["2024-01-02", "2024-01-31", None]
    assert dates(table, "e") == ["2024-02-01", "2024-01-31", None]
    assert table.notes == (
        "column 'd' has dates such as '1/2/2024': read month first",
        "column 'e' has dates such as '1.2.2024': read day first",
    )


def test_the_same_through_a_frame() -> None:
    assert dates(table_from({"d": ["1/2/2024", None, "31/1/2024"]}), "d") == ["2024-02-01", None, "2024-01-31"]


def test_year_first_needs_nobody(write: Write) -> None:
    table = read_table(write("d\n2024/1/5\n2024/12/31 10:30\n"))
    assert dates(table, "d") == ["2024-01-05T00:00:00", "2024-12-31T10:30:00"]
    assert table.notes == ()


def test_where_nobody_tells_they_stay_texts_until_asked(write: Write) -> None:
    path = write("d\n1/2/2024\n3/4/2024\n")
    table = read_table(path)
    assert isinstance(table.column("d"), CategoricalColumn)
    (note,) = table.notes
    what = "column 'd' has dates such as '1/2/2024', and no row shows whether day or month comes first"
    assert note == f"{what}: kept as categories; --date-order"
    assert dates(read_table(path, date_order="day_first"), "d") == ["2024-02-01", "2024-04-03"]
    assert dates(read_table(path, date_order="month_first"), "d") == ["2024-01-02", "2024-03-04"]
    with pytest.raises(
        UsageError, match="date_order must be one of 'day_first', 'month_first', 'year_first'; got 'dmy'"
    ):
        read_table(path, date_order="dmy")


@pytest.mark.parametrize("texts", [["31/1/2024", "1/31/2024"], ["31.1.2024", "1/2/2024"]])
def test_contradictions_stay_texts(write: Write, texts: list[str]) -> None:
    assert isinstance(read_table(write("d\n" + "\n".join(texts) + "\n")).column("d"), CategoricalColumn)


def test_dates_that_do_not_exist_are_named(write: Write) -> None:
    lines = "".join(f"{day}.3.2024\n" for day in range(1, 31))
    with pytest.raises(DataError, match=r"column 'd': 30 dates, 1 other value \('31\.4\.2024' row 31\)") as caught:
        read_table(write(f"d\n{lines}31.4.2024\n"))
    assert "dates are written 2024-12-31" in str(caught.value.hint)


def test_a_model_remembers_the_order(write: Write, tmp_path: Path) -> None:
    """New rows alone could not tell: 2/1/2024 is 2 January for a model whose table was month first only by chance."""
    rows = [(datetime.date(2024, 1, 1) + datetime.timedelta(days=day), day) for day in range(60)]
    table = write("d,y\n" + "".join(f"{date.day}/{date.month}/{date.year},{y}.5\n" for date, y in rows))
    model = fit(table, "y", preset="fast", epochs=1)
    model.save(tmp_path / "m.backpass")
    loaded = load(tmp_path / "m.backpass")
    assert loaded.schema.datetimes[0].order == "day_first"
    assert Schema.from_json(loaded.schema.to_json()) == loaded.schema
    two = loaded.predict(write("d\n2/1/2024\n3/1/2024\n", "two.csv"))
    assert np.array_equal(two, loaded.predict({"d": ["2024-01-02", "2024-01-03"]}))
    with pytest.raises(DataError) as caught:
        loaded.predict(write("d\n1/31/2024\n", "us.csv"))
    assert "31.12.2024" in str(caught.value.hint)
