"""Dates and times of day: which texts are some, the same through every door, their parts, and what is refused."""

import csv
import datetime
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpass.errors import DataError
from backpass.table import DatetimeColumn, DatetimeFeature, Schema, Table, Target, read_table, table_from
from backpass.table.datetimes.date_components import PARTS, part_values, varying_parts
from backpass.table.datetimes.timestamp import DAY, HOUR, MINUTE, NAT, SECOND, timestamp_in, timestamp_texts

Write = Callable[..., Path]
EPOCH = datetime.datetime(1970, 1, 1)
DATES = [datetime.date(2024, 2, 29), None, datetime.date(1969, 12, 31), datetime.date(1, 1, 1)]
TIMES = [datetime.time(12, 30), None, datetime.time(23, 59, 59, 250_000), datetime.time(0)]


def microseconds_of(stamp: datetime.datetime) -> int:
    offset = stamp.utcoffset() or datetime.timedelta(0)
    return (stamp.replace(tzinfo=None) - EPOCH - offset) // datetime.timedelta(microseconds=1)


@given(st.datetimes(), st.sampled_from(["T", " "]))
def test_a_stamp_that_python_writes_is_read(stamp: datetime.datetime, between: str) -> None:
    moment = timestamp_in(stamp.isoformat(between))
    assert moment is not None
    assert (moment.kind, moment.microseconds, moment.zoned) == ("date", microseconds_of(stamp), False)
    assert timestamp_texts(np.array([moment.microseconds]), "date")[0] in (stamp.isoformat(), stamp.date().isoformat())


@given(st.datetimes(), st.integers(-23 * 60, 23 * 60))
def test_a_zone_is_reckoned_out(stamp: datetime.datetime, minutes: int) -> None:
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    text = stamp.replace(tzinfo=zone).isoformat()
    moment = timestamp_in(text)
    assert moment is not None
    assert (moment.microseconds, moment.zoned) == (microseconds_of(stamp) - minutes * MINUTE, True)
    assert timestamp_in(f"{text[:-3]}{text[-2:]}") == moment  # +0530 as +05:30


@given(st.times())
def test_a_time_that_python_writes_is_read(time: datetime.time) -> None:
    moment = timestamp_in(time.isoformat())
    assert moment is not None
    assert (moment.kind, moment.microseconds) == ("time", microseconds_of(datetime.datetime.combine(EPOCH, time)))
    assert datetime.time.fromisoformat(str(timestamp_texts(np.array([moment.microseconds]), "time")[0])) == time


NONE = ["2023-02-29", "2024-13-01", "0000-01-01", "2024-1-1", "20240101", "24:00", "12:60", "1:00", "2024-01-01T24:00"]
NONE += ["2024-01-01T", "2024-01-01 12", "2024-01-01T00:00+24:00", "01.02.2024", "2/1/2024", "2024-01-01T00:00 CET"]
NONE += ["\u0662\u0660\u0662\u0664-01-01", "12024-01-01", "2024-01-01\n", "now", "", "12:30Z"]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_moment(text: str) -> None:
    assert timestamp_in(text) is None


def test_what_is_finer_than_a_microsecond_is_cut_off() -> None:
    for text in ("1970-01-01T00:00:00.0000019", "1970-01-01 00:00:00.000001999Z"):
        assert timestamp_in(text).microseconds == 1  # type: ignore[union-attr]
    pandas = pd.DataFrame({"t": np.array([1_999, -1_999], dtype="datetime64[ns]")})
    assert moments(table_from(pandas), "t") == [1, -2]


def moments(table: Table, name: str) -> list[int | None]:
    column = table.column(name)
    assert isinstance(column, DatetimeColumn)
    return [None if tick == NAT else int(tick) for tick in column.microseconds]


def zoned(stamps: list[Any], hours: int) -> list[Any]:
    zone = datetime.timezone(datetime.timedelta(hours=hours))
    return [None if stamp is None else stamp.replace(tzinfo=datetime.UTC).astimezone(zone) for stamp in stamps]


def everything() -> dict[str, list[Any]]:
    stamps = [datetime.datetime(2024, 2, 29, 12, 30, 5, 250), None, datetime.datetime(1969, 12, 31), EPOCH]
    return {"day": DATES, "stamp": stamps, "zone": zoned(stamps, 2), "time": TIMES, "y": [1, 2, 3, 4]}


def as_csv(data: dict[str, list[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(data)
    writer.writerows(["" if cell is None else cell for cell in row] for row in zip(*data.values(), strict=True))
    return out.getvalue()


def as_pandas() -> pd.DataFrame:
    """Dates as pandas likes them best: datetime64 where it can, in one zone; objects where it cannot."""
    data = everything()
    stamps = pd.Series(data["stamp"], dtype="datetime64[us]")
    return pd.DataFrame({**data, "stamp": stamps, "zone": pd.Series(stamps).dt.tz_localize("UTC")})


DOORS: dict[str, Callable[[Path], Table]] = {
    "csv": lambda folder: read_table(written(folder / "t.csv")),
    "parquet": lambda folder: read_table(stored(folder / "t.parquet")),
    "pandas": lambda folder: table_from(as_pandas()),
    "pandas in Berlin": lambda folder: table_from(as_pandas().assign(zone=lambda t: t.zone.dt.tz_convert("Etc/GMT-1"))),
    "pandas from csv": lambda folder: table_from(pd.read_csv(written(folder / "t.csv"))),
    "polars": lambda folder: table_from(pl.DataFrame(everything())),
    "pyarrow": lambda folder: table_from(pa.table(everything())),
    "texts": lambda folder: table_from(pd.read_csv(written(folder / "t.csv"), dtype={"day": "string"})),
}


def written(path: Path) -> Path:
    path.write_text(as_csv(everything()))
    return path


def stored(path: Path) -> Path:
    pq.write_table(pa.table(everything()), path)
    return path


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
def test_every_door(door: Callable[[Path], Table], tmp_path: Path) -> None:
    table, expected = door(tmp_path), table_from(everything())
    assert table == expected
    assert table.notes == expected.notes == ("column 'zone' has time zones: its dates are taken in UTC",)
    assert [column.kind for column in table.columns.values()] == ["date", "date", "date", "time", "numeric"]
    assert moments(table, "day") == [19782 * DAY, None, -DAY, -719_162 * DAY]
    assert moments(table, "zone") == moments(table, "stamp") == [19782 * DAY + 45_005 * SECOND + 250, None, -DAY, 0]
    assert moments(table, "time") == [12 * HOUR + 30 * MINUTE, None, 24 * HOUR - 750_000, 0]


def test_numpy_arrays_and_scalars() -> None:
    array = np.array(["2024-02-29", "NaT"], dtype="datetime64[D]")
    for values in (array, list(array), array.astype("datetime64[ns]")):
        assert moments(table_from({"t": values}), "t") == [19782 * DAY, None]


def test_all_parts_against_datetime() -> None:
    stamps = [datetime.datetime(2024, 12, 31, 23, 59), datetime.datetime(2023, 1, 1), datetime.datetime(1, 1, 1, 5)]
    microseconds = np.array([*map(microseconds_of, stamps), NAT])
    expected = {
        "days": [(stamp - EPOCH) / datetime.timedelta(days=1) for stamp in stamps],
        "year": [stamp.year for stamp in stamps],
        "month": [stamp.month for stamp in stamps],
        "day of month": [stamp.day for stamp in stamps],
        "day of week": [stamp.isoweekday() for stamp in stamps],
        "day of year": [stamp.timetuple().tm_yday for stamp in stamps],
        "hour": [stamp.hour for stamp in stamps],
        "minute": [stamp.minute for stamp in stamps],
    }
    assert list(expected) == list(PARTS["date"])
    for name, values in expected.items():
        found = part_values(microseconds, "date", name)
        assert found[:-1].tolist() == values
        assert np.isnan(found[-1])


def test_constant_parts_are_left_out() -> None:
    january = np.array([microseconds_of(datetime.datetime(2024, 1, day)) for day in (1, 8, 15)])
    assert varying_parts(january, "date") == ("days", "day of month", "day of year")
    assert varying_parts(np.array([NAT, january[0]]), "date") == ("days",)
    assert varying_parts(np.array([HOUR, 2 * HOUR]), "time") == ("hours",)


class TestSchema:
    def test_features_inputs_and_arrays(self) -> None:
        table = table_from({"sold": ["2024-01-01", None, "2024-01-02"], "size": [1, 2, 3], "y": [1, 2, 3]})
        schema = Schema.fit(table, "y")
        parts = ("days", "day of month", "day of week", "day of year")
        assert schema.features[0] == schema.datetimes[0] == DatetimeFeature("sold", "date", parts)
        assert [number.name for number in schema.numbers] == [*(f"sold ({part})" for part in parts), "size"]
        assert schema.periods == (0, 0, 7, 366, 0)
        assert schema.encode(table).numbers[:, :4].tolist()[0] == [19723, 1, 1, 1]
        assert np.isnan(schema.encode(table).numbers[1, :4]).all()
        assert Schema.from_json(schema.to_json()) == schema

    def test_constant_and_equal_dates_are_named(self) -> None:
        same = ["2024-01-01", "2024-01-01", "2024-01-01"]
        other = ["2024-01-01", "2024-01-02", "2024-01-03"]
        schema = Schema.fit(table_from({"a": same, "b": other, "c": other, "y": [1, 2, 3]}), "y")
        assert schema.notes == ("column 'a' is constant: left out", "columns 'b' and 'c' are equal")

    @pytest.mark.parametrize("parts", [("year",), (), ("days", "hours"), ("days", "month", "year"), ("days", "days")])
    def test_parts_that_are_none(self, parts: tuple[str, ...]) -> None:
        with pytest.raises(DataError, match="has no such parts of a date"):
            DatetimeFeature("sold", "date", parts)

    def test_of_all_takes_dates(self) -> None:
        table = table_from({"t": ["10:00", "11:30"]})
        assert Schema.of_all(table, "y").features == (DatetimeFeature("t", "time", ("hours", "minute")),)


def fault(data: Any, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_table(data, **options) if isinstance(data, Path) else table_from(data, **options)
    return str(caught.value)


class TestRefusals:
    def test_a_few_texts_among_dates(self, write: Write) -> None:
        lines = ["2024-01-01"] * 18 + ["2024-02-30", "soon"]
        message = fault(write("d,y\n" + "".join(f"{line},1\n" for line in lines)))
        assert "column 'd': 18 dates, 2 other values ('2024-02-30' row 19, 'soon' row 20)" in message
        assert (
            "if '2024-02-30' means missing: missing=[...]; if the column is categorical: categorical=[...]; dates"
            in message
        )
        path = write("d,y\n" + "".join(f"{line},1\n" for line in lines))
        assert read_table(path, categorical=["d"]).column("d").kind == "categorical"
        assert moments(read_table(path, missing=("", "2024-02-30", "soon")), "d")[-3:] == [19723 * DAY, None, None]

    def test_many_texts_make_texts(self, write: Write) -> None:
        assert read_table(write("d,y\n2024-01-01,1\nsoon,1\n")).column("d").kind == "categorical"
        assert table_from({"d": [*["2024-01-01"] * 30, "soon"]}).column("d").kind == "categorical"  # typed as texts

    def test_tokens_that_may_mean_missing_do_among_dates(self, write: Write) -> None:
        assert moments(read_table(write("d,y\n2024-01-01,1\nNA,1\nNone,1\n")), "d") == [19723 * DAY, None, None]

    def test_a_zone_only_here_and_there(self, write: Write) -> None:
        message = "column 'd': some dates have a time zone, others have none (row 2)"
        assert message in fault(write("d,y\n2024-01-01T00:00Z,1\n2024-01-01T00:00,1\n"))
        stamps = [datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2024, 1, 1)]
        assert message in fault({"d": stamps})

    def test_years_beyond_9999(self) -> None:
        message = fault({"d": np.array(["2024-01-01", "10000-01-01", "-0001-01-01"], dtype="datetime64[s]")})
        assert "column 'd': dates before year 1 or after 9999 in rows 2, 3" in message

    def test_what_cannot_be_read_as_the_date_it_was(self, write: Write) -> None:
        message = fault(write("d,y\n2024-01-01,1\nsoon,1\n,1\n7,1\n"), kinds={"d": "date"})
        assert "column 'd': 1 date, 2 other values ('7' row 4, 'soon' row 2)" in message
        assert (
            "the model needs dates here; if '7' means missing: missing=[...]; dates are written 2024-12-31 or"
            in message
        )
        assert "column 'd' holds numbers (rows 1, 3), but the model needs dates here" in fault(
            {"d": [5.0, None, 7.0]}, kinds={"d": "date"}
        )
        assert "column 'd' holds times (row 1), but the model needs dates here" in fault(
            {"d": [datetime.time(1)]}, kinds={"d": "date"}
        )

    def test_dates_cannot_be_predicted(self) -> None:
        table = table_from({"d": ["2024-01-01", "2024-01-02"], "x": [1, 2]})
        with pytest.raises(DataError, match="target 'd' holds dates: only numbers and classes can be predicted"):
            Target.fit(table, "d")
        with pytest.raises(DataError, match="target 'x' holds dates, but the model was fitted on numbers"):
            Target("x", "regression").encode(table_from({"x": ["2024-01-01", "2024-01-02"]}))


def test_demanded_kinds() -> None:
    frame = {"d": [datetime.date(2024, 2, 29), None], "t": [datetime.time(12), None]}
    days = table_from(
        frame, kinds={"d": "numeric", "t": "categorical"}
    )  # a model of before there were dates knows days
    assert days == table_from(
        {"d": [19782.0, None], "t": ["12:00:00", None]}, kinds={"d": "numeric", "t": "categorical"}
    )
    empty = table_from({"d": [None, None], "t": [np.nan, np.nan]}, kinds={"d": "date", "t": "time"})
    assert moments(empty, "d") == moments(empty, "t") == [None, None]
