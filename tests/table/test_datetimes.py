"""Dates, times and durations in everyday notations, through every door and into the model file, and what is none."""

from __future__ import annotations

import datetime
import json
import math
import random
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import backpass
from backpass.errors import DataError
from backpass.estimators import BackpassRegressor
from backpass.model.loading import from_bytes
from backpass.table import (
    CategoricalColumn,
    Column,
    DatetimeColumn,
    NumericColumn,
    Table,
    Target,
    read_table,
    required_kind,
    table_from,
)
from backpass.table.columns.exclusion import how_numbered, left_out_because
from backpass.table.columns.raw import extent_of
from backpass.table.datetimes.counted import COUNTED, PLACEHOLDERS, counted_in
from backpass.table.datetimes.month_names import MONTHS
from backpass.table.datetimes.name_evidence import says_date, says_datetime, says_time
from backpass.table.datetimes.timestamp import NAT, timestamp_texts
from backpass.table.datetimes.written import WRITTEN, written_in
from backpass.table.diagnosis.diagnostics import column_findings
from backpass.table.notation.number import text_of

from .test_notation import DOORS, as_csv

ROWS = 60
EPOCH = datetime.datetime(1970, 1, 1)
SECOND = datetime.timedelta(seconds=1)


def iso(column: Column) -> list[str | None]:
    assert isinstance(column, DatetimeColumn), column
    return timestamp_texts(column.microseconds, column.kind)


def stamps(seed: str, *, whole_days: bool = True) -> list[datetime.datetime]:
    draw = random.Random(seed)
    seconds = [draw.randrange(0, 86_400) for _ in range(ROWS)]
    days = [datetime.datetime(2019, 3, 1) + datetime.timedelta(days=draw.randrange(0, 1_800)) for _ in range(ROWS)]
    return days if whole_days else [day + s * SECOND for day, s in zip(days, seconds, strict=True)]


def since_1970(stamp: datetime.datetime) -> int:
    return (stamp - EPOCH) // SECOND


MONTHS_DE = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
MONTHS_FR = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
MONTHS_ES = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
MONTHS_SHORT = {
    "German": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "Czech": "led úno bře dub kvě čvn čvc srp zář říj lis pro",
    "Indonesian": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
    "Russian": "янв. февр. мар. апр. мая июн. июл. авг. сент. окт. нояб. дек.",
    "Romanian": "ian. feb. mar. apr. mai iun. iul. aug. sept. oct. nov. dec.",
    "Ukrainian": "січ лют бер кві тра чер лип сер вер жов лис гру",
}
MONTHS_RU = "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"

WRITERS: dict[str, tuple[bool, Callable[[datetime.datetime], str]]] = {
    "31 Dec 2024": (True, lambda s: f"{s:%d %b %Y}"),
    "31-Dec-24": (True, lambda s: f"{s:%d-%b-%y}"),
    "31-DEC-2024": (True, lambda s: f"{s:%d-%b-%Y}".upper()),
    "December 31, 2024": (True, lambda s: f"{s:%B} {s.day}, {s.year}"),
    "German": (True, lambda s: f"{s.day}. {MONTHS_DE.split()[s.month - 1]} {s.year}"),
    "French": (True, lambda s: f"{s.day} {MONTHS_FR.split()[s.month - 1]} {s.year}"),
    "Spanish": (True, lambda s: f"{s.day} de {MONTHS_ES.split()[s.month - 1]} de {s.year}"),
    "Russian": (True, lambda s: f"{s.day} {MONTHS_RU.split()[s.month - 1]} {s.year} г."),
    **{
        f"{language}, short": (True, lambda s, names=names: f"{s.day} {names.split()[s.month - 1]} {s.year}")
        for language, names in MONTHS_SHORT.items()
    },
    "12-hour clock, Spanish": (False, lambda s: f"{s:%d/%m/%Y %I:%M:%S} {'ap'[s.hour > 11]}.\u00a0m."),
    "Japanese": (True, lambda s: f"{s.year}年{s.month}月{s.day}日"),
    "mail": (False, lambda s: f"{s:%a, %d %b %Y %H:%M:%S}"),
    "ctime": (False, lambda s: s.ctime()),
    "web log": (False, lambda s: f"{s:%d/%b/%Y:%H:%M:%S} +0000"),
    "/Date()/": (False, lambda s: f"/Date({since_1970(s) * 1000}{'+0200' if s.day % 2 else ''})/"),
    "new Date()": (False, lambda s: f"new Date({since_1970(s)}000)"),
    "basic ISO": (False, lambda s: f"{s:%Y%m%dT%H%M%S}"),
    "12-hour clock": (False, lambda s: f"{s:%m/%d/%Y %I:%M:%S %p}"),
    "12-hour clock, ISO date": (False, lambda s: f"{s:%Y-%m-%d %I:%M:%S %p}".lower()),
    "points": (True, lambda s: f"{s:%Y.%m.%d}"),
    "no padding": (True, lambda s: f"{s.year}-{s.month}-{s.day}"),
    "hours of one digit": (False, lambda s: f"{s:%Y-%m-%d} {s.hour}:{s:%M:%S}"),
    "comma of a logger": (False, lambda s: f"{s:%Y-%m-%d %H:%M:%S},000"),
    "two-digit years, month first": (True, lambda s: f"{s:%m/%d/%y}"),
    "two-digit years, day first": (True, lambda s: f"{s:%d.%m.%y}"),
    "two-digit years, clock": (False, lambda s: f"{s:%m/%d/%y %H:%M:%S}"),
    "two-digit years, year first": (True, lambda s: f"{s:%y-%m-%d}"),
    "yyyymmdd": (True, lambda s: f"{s:%Y%m%d}"),
    "yyyymmddhhmmss": (False, lambda s: f"{s:%Y%m%d%H%M%S}"),
    "ISO and day first": (True, lambda s: f"{s:%d.%m.%Y}" if s.day % 3 else f"{s:%Y-%m-%d}"),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_every_notation_of_dates(writer: str, tmp_path: Path) -> None:
    """Generated dates come back from three random doors, with words for missing among them, and are said once."""
    draw = random.Random(writer)
    whole_days, write = WRITERS[writer]
    dates = stamps(writer, whole_days=whole_days)
    cells, expected = [write(date) for date in dates], [date.isoformat() for date in dates]
    gaps = draw.sample(range(ROWS), draw.choice([0, ROWS // 4]))
    for row in gaps:
        cells[row] = draw.choice(["-", "n/a", "unknown"])
    for door in draw.sample(sorted(DOORS), 3):
        table = DOORS[door](cells, tmp_path / door)
        column = table.column("x")
        assert isinstance(column, DatetimeColumn), (door, cells[:3], table.notes)
        found = [EPOCH + datetime.timedelta(microseconds=t) if t != NAT else None for t in column.microseconds.tolist()]
        assert [each and each.isoformat() for each in found] == [
            None if row in gaps else text for row, text in enumerate(expected)
        ]
        assert sum("column 'x'" in note and "zones" not in note for note in table.notes) == 1 + bool(gaps), table.notes


NUMBERS: dict[str, tuple[str, Callable[[datetime.datetime], float]]] = {
    "yyyymmdd": ("k", lambda s: float(f"{s:%Y%m%d}")),
    "yyyymmddhh": ("MESS_DATUM", lambda s: float(f"{s:%Y%m%d%H}")),  # not seconds since 1970
    "yyyymmddhhmm": ("k", lambda s: float(f"{s:%Y%m%d%H%M}")),
    "yyyymm": ("k", lambda s: float(f"{s:%Y%m}")),
    "epoch_seconds": ("created_at", lambda s: float(since_1970(s))),
    "epoch_milliseconds": ("timestamp", lambda s: 1000.0 * since_1970(s)),
    "yymmdd": ("k", lambda s: float(f"{s:%y%m%d}")),
    "yyyyddd": ("julian_day", lambda s: float(f"{s:%Y%j}")),
    "spreadsheet_serial": ("Order Date", lambda s: round(since_1970(s) / 86_400 + 25_569, 6)),
}
DAYS = "%Y-%m-%dT00:00:00"
SAME = {
    "yyyymm": "%Y-%m-01T00:00:00",
    **dict.fromkeys(("yyyymmdd", "yymmdd", "yyyyddd"), DAYS),
    "yyyymmddhh": "%Y-%m-%dT%H:00:00",
    "yyyymmddhhmm": "%Y-%m-%dT%H:%M:00",
}


def number_doors(name: str, values: Sequence[float], folder: Path) -> dict[str, Table]:
    frame = pd.DataFrame({name: list(values), "n": range(len(values))})
    if all(map(float.is_integer, values)):
        frame[name] = frame[name].astype("int64")
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_json(folder / "t.json", orient="records", lines=True, double_precision=15)
    pl.from_pandas(frame).write_parquet(folder / "t.parquet")
    frame.assign(**{name: [text_of(value) for value in values]}).to_parquet(folder / "s.parquet")
    tables = {path: read_table(folder / path) for path in ("t.csv", "t.json", "t.parquet", "s.parquet")}
    structured = frame.to_records(index=False)
    doors = {"pandas": frame, "polars": pl.from_pandas(frame), "structured": structured}
    arrays = {"dict": {each: frame[each].to_numpy() for each in frame}}
    return tables | {door: table_from(data) for door, data in (doors | arrays).items()}


@pytest.mark.parametrize(("key", "unit"), [("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)])
def test_whole_seconds_in_finer_units_need_no_name(key: str, unit: float, tmp_path: Path) -> None:
    dates = [date.replace(year=2000 + date.year % 20) for date in stamps(key, whole_days=False)]
    for door, table in number_doors("k", [unit * since_1970(date) for date in dates], tmp_path).items():
        if unit < 1e9 or door == "pandas":
            assert required_kind(table.column("k")) == f"date epoch_{key}", door


@pytest.mark.parametrize("name", ["start", "End", "first_seen", "Eintritt", "x"])
@pytest.mark.parametrize("decimals", [0, 5, 11])
def test_days_of_a_spreadsheet_under_other_names(name: str, decimals: int, tmp_path: Path) -> None:
    """Names of periods, and times of day behind the point, are as good as the word date."""
    draw = random.Random(f"{name} {decimals}")
    days, minutes = (
        [draw.randrange(43_000, 45_500) for _ in range(ROWS)],
        [draw.randrange(1, 1440) for _ in range(ROWS)],
    )
    values = [round(day + minute / 1440 * (decimals > 0), decimals) for day, minute in zip(days, minutes, strict=True)]
    for door, table in number_doors(name, [float(value) for value in values], tmp_path).items():
        column = table.column(name)
        assert isinstance(column, DatetimeColumn) == (name != "x" or decimals > 0), door
        if isinstance(column, DatetimeColumn):
            assert required_kind(column) == "date spreadsheet_serial"
            assert np.abs(column.microseconds / 6e7 - np.rint(column.microseconds / 6e7)).max() < 0.01


@pytest.mark.parametrize("door", DOORS)
def test_leading_zeros_of_two_digit_years(door: str, tmp_path: Path) -> None:
    dates = [date.replace(year=2000 + date.year % 10, day=min(date.day, 28)) for date in stamps("padded")]
    column = DOORS[door]([f"{date:%y%m%d}" for date in dates], tmp_path / door).column("x")
    if door in ("csv", "json"):  # a string type that holds nothing but digits stays text
        assert iso(column) == [f"{date:%Y-%m-%d}" for date in dates]
    codes = DOORS[door]([f"{n:06}" for n in range(1, 60)], tmp_path / door).column("x")
    assert isinstance(codes, CategoricalColumn)


@pytest.mark.parametrize("texts", [["1.2.10", "1.2.9", "1.10.10"], ["1.1.11", "2.3.1"], ["10.4.12", "1.0.123"]])
def test_versions_are_not_taken_for_dates(texts: list[str]) -> None:
    table = table_from({"c": texts * 20, "y": range(20 * len(texts))})
    assert not any("date" in note for note in table.notes)
    assert not [each for each in column_findings(table.column("c"), table) if each.code == "dates_as_text"]


@pytest.mark.parametrize("key", NUMBERS)
def test_numbers_that_count_time(key: str, tmp_path: Path) -> None:
    name, count = NUMBERS[key]
    dates = stamps(key, whole_days=False)
    values = [count(date) for date in dates]
    expected = [date.strftime(SAME.get(key, "%Y-%m-%dT%H:%M:%S")) for date in dates]
    for door, table in number_doors(name, values, tmp_path).items():
        column = table.column(name)
        assert isinstance(column, DatetimeColumn), door
        assert [each if "T" in str(each) else f"{each}T00:00:00" for each in iso(column)] == expected, door
        assert required_kind(column) == f"date {key}"
        (note,) = [each for each in table.notes if "read as" in each]
        assert note.endswith("--no-date-detection keeps it as numbers")


def test_switched_off_they_are_numbers_and_texts(tmp_path: Path) -> None:
    dates = stamps("off")
    frame = {"k": [int(f"{d:%Y%m%d}") for d in dates], "t": [f"{d:%d %b %Y}" for d in dates], "s": ["26:30:00"] * ROWS}
    table = table_from(frame, detect_dates=False)
    assert [column.kind for column in table.columns.values()] == ["numeric", "categorical", "categorical"]
    pd.DataFrame(frame).to_csv(tmp_path / "t.csv", index=False)
    assert read_table(tmp_path / "t.csv", detect_dates=False) == table
    always = table_from({"d": ["2024-01-31", "2024-02-01"], "e": ["31.1.2024", "1.2.2024"]}, detect_dates=False)
    assert [column.kind for column in always.columns.values()] == ["date", "date"]


def _ids(draw: random.Random) -> dict[str, tuple[str, list[float]]]:
    return {
        "ids of eight digits": ("date", [float(draw.randrange(10_000_000, 99_999_999)) for _ in range(ROWS)]),
        "consecutive numbers that start like a year": ("invoice", [20240001.0 + n for n in range(ROWS)]),
        "amounts around 20240101": ("amount", [20240101.0 + 37.5 * n for n in range(ROWS)]),
        "whole amounts around 20240101": ("price", [20240101.0 + 37 * n for n in range(ROWS)]),
        "one amount": ("price", [20240101.0] * 3 + [12.0] * 57),
        "counts that look like epochs": ("views", [float(draw.randrange(10**9, 2 * 10**9)) for _ in range(ROWS)]),
        "round counts": ("population", [draw.randrange(1_000, 2_000) * 1e6 for _ in range(ROWS)]),
        "telephone numbers": ("phone", [float(draw.randrange(1_200_000_000, 1_999_999_999)) for _ in range(ROWS)]),
        "elapsed nanoseconds": ("elapsed_time", [float(draw.randrange(10**9, 2 * 10**9)) for _ in range(ROWS)]),
        "numbers like serials": ("salary", [float(draw.randrange(30_000, 55_000)) for _ in range(ROWS)]),
        "amounts between": ("paid", [float(draw.randrange(30_000, 55_000)) for _ in range(ROWS)]),
        "places on a chromosome": ("start", [float(draw.randrange(10_000, 90_000)) for _ in range(ROWS)]),
        "amounts with cents": ("x", [round(draw.uniform(40_000, 45_000), 2) for _ in range(ROWS)]),
        "measurements of five digits": ("x", [round(draw.uniform(40_000, 45_000), 5) for _ in range(ROWS)]),
        "postal codes": ("zip", [float(draw.randrange(10_000, 55_000)) for _ in range(ROWS)]),
        "amounts of six digits": ("price", [float(draw.randrange(190_000, 209_999)) for _ in range(ROWS)]),
        "prices like clocks": ("price", [round(draw.randrange(0, 2_400) / 100, 2) for _ in range(ROWS)]),
        "reaction times": ("time", [round(draw.uniform(0, 20), 2) for _ in range(ROWS)]),
        "codes of six digits": ("district", [110101.0 + n for n in range(19)] + [110101.0] * (ROWS - 19)),
        "six digits, some of them dates": ("k", [float(draw.randrange(100_000, 990_000)) for _ in range(ROWS)]),
        "documents of a year": ("invoice", [2024001.0 + n for n in range(ROWS)]),
        "article numbers": ("ean", [9.78e12 + draw.randrange(10**9) for _ in range(ROWS)]),
        "years": ("year", [float(draw.randrange(1990, 2024)) for _ in range(ROWS)]),
        "round amounts of a start": ("start", [draw.randrange(380, 430) * 100.0 for _ in range(ROWS)]),
        "amounts with cents of an end": ("end", [round(draw.uniform(38_000, 44_000), 2) for _ in range(ROWS)]),
        "salaries of starters": ("start_salary", [float(draw.randrange(38_000, 44_000)) for _ in range(ROWS)]),
        "closed tickets": ("tickets_closed", [float(draw.randrange(38_000, 44_000)) for _ in range(ROWS)]),
        "amounts due": ("amount_due", [float(draw.randrange(38_000, 44_000)) for _ in range(ROWS)]),
        "twelfths of incomes": ("monthly", [round(draw.randrange(460_000, 510_000) / 12, 5) for _ in range(ROWS)]),
        "means of sixty": ("x", [draw.randrange(2_300_000, 2_800_000) / 60 for _ in range(ROWS)]),
        "means of 27": ("x", [draw.randrange(1_000_000, 1_300_000) / 27 for _ in range(ROWS)]),
    }


@pytest.mark.parametrize("case", _ids(random.Random(0)))
def test_numbers_that_count_something_else(case: str, tmp_path: Path) -> None:
    name, values = _ids(random.Random(case))[case]
    for door, table in number_doors(name, values, tmp_path).items():
        assert not isinstance(table.column(name), DatetimeColumn), (door, table.notes)


TEXTS: dict[str, Callable[[random.Random], str]] = {
    "versions": lambda draw: f"{draw.randint(1, 9)}.{draw.randint(0, 12)}.{draw.randint(0, 30)}",
    "versions with two digits": lambda draw: f"{draw.randint(1, 3)}.{draw.randint(10, 24)}.{draw.randint(10, 40)}",
    "seasons": lambda draw: f"{(year := draw.randint(2002, 2011))}-{(year + 1) % 100:02d}",
    "scores": lambda draw: f"{draw.randint(0, 5)}:{draw.randint(0, 5)}",
    "results": lambda draw: f"{draw.randint(60, 120)}:{draw.randint(60, 120)}",
    "generations": lambda draw: f"Gen {draw.randint(10, 14)}",
    "parts": lambda draw: f"set {draw.randint(10, 40)}",
    "rooms": lambda draw: f"{draw.choice('ABCD')}-{draw.randint(100, 999)}",
    "quarters without a year": lambda draw: f"Q{draw.randint(1, 4)}",
    "weekdays": lambda draw: draw.choice(["Mon", "Tue", "Wed"]),
    "months without a year": lambda draw: draw.choice(["Jan", "Feb", "May"]),
    "names": lambda draw: draw.choice(["May 5", "June", "Marc 2024"]),
    "sentences": lambda draw: f"paid on May {draw.randint(1, 28)}, 2024, by {draw.choice(['A', 'B'])}",
}


@pytest.mark.parametrize("case", TEXTS)
def test_texts_that_are_no_dates(case: str, tmp_path: Path) -> None:
    draw = random.Random(case)
    cells = [TEXTS[case](draw) for _ in range(ROWS)]
    for door in ("csv", "pandas", "parquet"):
        assert isinstance(DOORS[door](cells, tmp_path / door).column("x"), CategoricalColumn), cells[:5]


@pytest.mark.parametrize("name", ["Scale", "final_score", "odds", "aspect ratio", "time"])
@pytest.mark.parametrize("cells", [["1:12", "1:18", "1:24"], ["21:15", "15:21", "20:18"], ["25:20", "21:25", "25:18"]])
def test_scales_and_scores_are_no_times(name: str, cells: list[str]) -> None:
    kind = table_from({name: cells * 20}).column(name).kind
    assert (kind == "categorical") == (name != "time")


def test_results_with_seconds_are_times() -> None:
    assert table_from({"result": ["3:29:44", "2:58:01", "4:10:59"] * 20}).column("result").kind == "time"
    for laps in (["1:52.345", "2:10.123", "1:59.901"], ["1h 30m", "2h 5m", "1h 2m"]):
        assert table_from({"result": laps * 20}).column("result").kind == "numeric"


def test_times_of_results_are_times() -> None:
    assert table_from({"result_at": ["13:29", "22:58", "14:10"] * 20}).column("result_at").kind == "time"


def test_picometers_are_no_times() -> None:
    lengths = table_from({"bond": ["154 pm", "134 pm", "120 pm"] * 20, "ends": ["930pm", "9.45 pm", "1115pm"] * 20})
    assert [column.kind for column in lengths.columns.values()] == ["numeric", "time"]


@pytest.mark.parametrize("notation", WRITTEN, ids=lambda each: each.name)
def test_the_table_of_written_notations(notation: Any) -> None:
    for cell, value in zip(notation.cells, notation.values, strict=True):
        found = written_in(cell)
        assert found is not None, cell
        assert found[1] is notation, cell
        assert sum(other.pattern.fullmatch(cell) is not None for other in WRITTEN) == 1, cell
        text = timestamp_texts(np.array([found[0].microseconds]), found[0].kind)[0]
        assert text == value, cell


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u202f", "\u3000"])
def test_other_spaces_than_plain_ones(space: str) -> None:
    """A cell of a web page or a word processor has no-break spaces: 31 Dec 2024 was the number 31 and its unit."""
    days = range(1, 29)
    forms = (
        "{d} Jan 2024",
        "Jan {d}, 2024",
        "{d}er janvier 2024",
        "{d}. 1. 2024",
        "{d:02d}/01/2024 12:30",
        "2024-01-{d:02d} 12:30",
    )
    for form in forms:
        plain = [form.format(d=day) for day in days]
        spaced = [f"{space}{text}{space}".replace(" ", space) for text in plain]
        first, other = (table_from({"at": texts, "n": [*days]}).column("at") for texts in (plain, spaced))
        assert isinstance(first, DatetimeColumn)
        assert isinstance(other, DatetimeColumn)
        assert first.microseconds.tolist() == other.microseconds.tolist(), form
    assert table_from({"at": [f"{day % 12 + 1}:{day:02d}{space}PM" for day in days]}).column("at").kind == "time"


@pytest.mark.parametrize("notation", COUNTED, ids=lambda each: each.key)
def test_the_table_of_counted_notations(notation: Any) -> None:
    values = np.array(notation.cells)
    assert tuple(timestamp_texts(notation.microseconds(values), notation.kind)) == notation.values
    name = "time" if notation.kind == "time" else "date"
    found = counted_in(name, np.append(values, np.nan), extent_of(values))
    assert found is notation
    odd = np.array([np.nan, -1e308, 1e308, 5e-324])
    assert (notation.microseconds(odd)[:3] == NAT).all()


@pytest.mark.parametrize("name", ["date", "time", "start", "x"])
@pytest.mark.parametrize("notation", COUNTED, ids=lambda each: each.key)
def test_notations_are_ruled_out_early_only_where_they_are_wrong(notation: Any, name: str) -> None:
    """The first rows, the bounds and the name rule out what a search of all numbers by all notations would not find."""
    for values in (np.array(notation.cells), np.array(notation.cells) + 0.5, np.array([0.0, *notation.cells])):
        plain = None
        for each in COUNTED:
            there = np.setdiff1d(values, PLACEHOLDERS.get(each.key, ()))
            if plain is None and each.is_meant(name, there) and (each.microseconds(there) != NAT).all():
                plain = each
        assert counted_in(name, values, extent_of(values)) is plain


@pytest.mark.parametrize(
    "text",
    ["/Date()/", "/Date(12", "Date(5)", "/Date(999999999999999)/",
     "31 Feb 2024", "0 Jan 2024", "Foo 5, 2024", "2024-13", "2024-W54", "2023-W53", "2024-Q5", "13:00 PM", "0:30 AM",
     "20240230T1200", "20240101T2500", "25:00", "9:60", "2024-01-31 24:30", "Abc, 31 Dec 2024", "1/Foo/2024:00:00:00"],
)  # fmt: skip
def test_datetimes_that_do_not_exist(text: str) -> None:
    assert written_in(text) is None


def test_no_month_has_two_numbers() -> None:
    assert len(MONTHS) > 250
    assert {MONTHS[name] for name in ("mai", "maj", "mayo", "maggio", "май", "mayıs")} == {5}
    assert MONTHS["dec"] == MONTHS["dez"] == MONTHS["déc"] == MONTHS["dic"] == 12


def test_names_that_say_what_a_column_holds() -> None:
    dates = ("date", "Order Date", "orderDate", "INVOICE_DATE", "birthdate", "fecha", "Bestelldatum", "dt", "last_date")
    assert all(map(says_date, dates))
    others = ("candidate", "data", "size", "days", "dated", "total_days", "date_count", "mandate", "")
    assert not any(map(says_date, others))
    assert says_datetime("updatedAt")
    assert says_datetime("unix_time")
    assert not says_datetime("time_spent")
    assert says_time("dep_time")
    assert not says_time("sometimes")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["18.00.00", "19.30.00", "00.00.00"], ["18:00:00", "19:30:00", "00:00:00"]),
        (["6:30 PM", "12:05 a.m.", "11 pm"], ["18:30:00", "00:05:00", "23:00:00"]),
        (["9:30", "10:15", "23:59"], ["09:30:00", "10:15:00", "23:59:00"]),
        (["18h30", "7h05", "23h59"], ["18:30:00", "07:05:00", "23:59:00"]),
        (["18:30 Uhr", "7:05 Uhr", "9:00 Uhr"], ["18:30:00", "07:05:00", "09:00:00"]),
        (["01:00", "24:00", "12:00"], ["01:00:00", "00:00:00", "12:00:00"]),
    ],
)
def test_times_of_day(cells: list[str], expected: list[str], tmp_path: Path) -> None:
    for door, read in DOORS.items():
        column = read(cells, tmp_path / door).column("x")
        assert column.kind == "time"
        assert iso(column) == expected


def test_dates_and_times_with_points_are_told_apart(tmp_path: Path) -> None:
    assert as_csv(["18.05.23", "19.06.23", "20.07.23"], tmp_path / "a").column("x").kind == "date"
    assert as_csv(["18.05.23", "19.00.23", "20.07.23"], tmp_path / "b").column("x").kind == "time"
    ambiguous = as_csv(["10/05/23", "11/06/23", "12/07/23"], tmp_path / "c")
    assert isinstance(ambiguous.column("x"), CategoricalColumn)
    assert "--date-order" in ambiguous.notes[0]
    read = read_table(tmp_path / "c", date_order="day_first").column("x")
    assert iso(read) == ["2023-05-10", "2023-06-11", "2023-07-12"]


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        (["26:30:00", "3:15:00", "02:00:00"], [95400.0, 11700.0, 7200.0]),
        (["1:02:10", "59:30", "58:05"], [3730.0, 3570.0, 3485.0]),
        (["1 day, 2:30:00", "2 days, 0:00:10", "3:00:00"], [95400.0, 172810.0, 10800.0]),
        (["1 days 02:30:00", "0 days 00:00:10.5", "2 days 03:00:00"], [95400.0, 10.5, 183600.0]),
        (["-1:30:00", "2:30:00", "0:00:10"], [-5400.0, 9000.0, 10.0]),
        (["2h 30m", "45m", "1h 5m"], [9000.0, 2700.0, 3900.0]),
        (["1h 75m", "2h 5m", "3h"], [8100.0, 7500.0, 10800.0]),
        (["PT1H30M", "PT45M", "P1DT2H"], [5400.0, 2700.0, 93600.0]),
    ],
)
def test_durations(cells: list[str], seconds: list[float], tmp_path: Path) -> None:
    for door, read in DOORS.items():
        table = read([*cells, "-"], tmp_path / door)
        column = table.column("x")
        assert isinstance(column, NumericColumn), door
        assert column.values[:-1].tolist() == seconds
        assert math.isnan(column.values[-1])
        hours = ', "names_hours": true' if "H" in cells[0].upper() else ""
        assert required_kind(column) == f'numeric {{"is_duration": true{hours}}}'
        assert any("durations, in seconds" in note for note in table.notes)


def test_new_rows_are_read_as_the_training_rows(tmp_path: Path) -> None:
    """A single new row proves nothing by itself; the model's notation does. Other notations of dates are read, too."""
    dates = stamps("predict")
    data = {
        "day": [f"{date:%Y%m%d}" for date in dates],
        "made": [since_1970(date) for date in dates],
        "Date": [since_1970(date) // 86_400 + 25_569 for date in dates],
        "month": [f"{date:%b-%Y}" for date in dates],
        "us": [f"{date:%m/%d/%y}" for date in dates],
        "span": [f"{25 + n}:30:00" for n in range(ROWS)],
        "y": [math.sin(n) for n in range(ROWS)],
    }
    data["created"] = data.pop("made")
    model = from_bytes(backpass.fit(data, "y", hidden=(4,), epochs=1).to_bytes())
    features = {each["name"]: each for each in model.schema.to_json()["features"]}
    assert features["day"]["notation"] == "yyyymmdd"
    assert features["created"]["notation"] == "epoch_seconds"
    assert features["Date"]["notation"] == "spreadsheet_serial"
    assert features["us"]["order"] == "month_first"
    assert features["span"]["reading"] == {"is_duration": True}
    plain = {
        "day": ["2021-02-03"], "created": ["2021-02-03"], "Date": ["2021-02-03"], "month": ["2021-02-01"],
        "us": ["2021-02-03"], "span": [3_600.0 * 3],
    }  # fmt: skip
    row = {"day": ["20210203"], "created": [1612310400], "Date": [44230], "month": ["Feb-2021"], "us": ["02/03/21"],
           "span": ["3:00:00"]}  # fmt: skip
    assert np.array_equal(model.predict(row), model.predict(plain))
    numbers = {**row, "day": [20210203]}
    assert np.array_equal(model.predict(numbers), model.predict(plain))
    typed = {name: np.array(["2021-02-03"], "M8[s]") for name in ("day", "created", "Date", "us")}
    assert np.array_equal(model.predict(plain | typed), model.predict(plain))
    (tmp_path / "new.json").write_text(json.dumps([{name: values[0] for name, values in row.items()}]))
    assert np.array_equal(model.predict(tmp_path / "new.json"), model.predict(plain))
    with pytest.raises(DataError, match=r"column 'day': 1 number \(20210231 row 1\); expected dates such as 20240131"):
        model.predict({**numbers, "day": [20210231]})


def test_a_model_of_dates_reads_them_as_numbers() -> None:
    dates = stamps("iso")
    data = {"d": [f"{date:%Y-%m-%d}" for date in dates], "y": [float(n % 7) for n in range(ROWS)]}
    model = backpass.fit(data, "y", hidden=(4,), epochs=1)
    expected = model.predict({"d": ["2021-02-03"]})
    for cell in (20210203, 1612310400, 1612310400000, "3 Feb 2021", "2021.02.03"):
        assert np.array_equal(model.predict({"d": [cell]}), expected), cell
    with pytest.raises(DataError, match="holds numbers"):
        model.predict({"d": [12]})


def test_estimators_read_them(tmp_path: Path) -> None:
    dates = stamps("estimator")
    X = pd.DataFrame({"day": [int(f"{date:%Y%m%d}") for date in dates], "when": [f"{date:%d %b %y}" for date in dates]})
    iso_X = pd.DataFrame({name: [f"{date:%Y-%m-%d}" for date in dates] for name in X})
    y = np.sin(np.arange(ROWS))
    options: dict[str, Any] = {"hidden_layer_sizes": (4,), "epochs": 1, "random_state": 0}
    found, plain = BackpassRegressor(**options).fit(X, y), BackpassRegressor(**options).fit(iso_X, y)
    assert np.array_equal(found.predict(X), plain.predict(iso_X))
    assert np.array_equal(found.predict(X.head(1)), plain.predict(iso_X.head(1)))


def test_dates_written_wrongly_are_named(tmp_path: Path) -> None:
    cells = [f"{day} Mar 2024" for day in range(1, 31)]
    with pytest.raises(DataError, match=r"column 'x': 30 dates, 1 other value \('31 Apr 2024' row 31\)"):
        as_csv([*cells, "31 Apr 2024"], tmp_path / "t.csv")


@pytest.mark.parametrize("zero", ["0000-00-00", "0000-00-00 00:00:00", "00/00/0000"])
def test_zeros_among_dates_are_missing(zero: str) -> None:
    cells = [f"{stamp:%Y-%m-%d}" for stamp in stamps("zeros")]
    table = table_from({"d": [*cells, zero, zero]})
    assert iso(table.column("d")) == [*cells, None, None]
    assert any(f"missing values are written as {zero!r} (2 rows)" in note for note in table.notes)


@pytest.mark.parametrize("last", ["9999-12-31", "1900-01-01", "31.12.9999", "9999-12-31 23:59:59", "1970-01-01"])
def test_dates_far_from_all_others_are_suspected(last: str, tmp_path: Path) -> None:
    cells = [f"{stamp:%Y-%m-%d}" for stamp in stamps("suspected")]
    table = as_csv([*cells, *[last] * 3], tmp_path / "t.csv")
    assert table.column("x").missing.sum() == 0
    (note,) = [note for note in table.notes if "if it means missing" in note]
    others = f"all others lie between {min(cells)} and {max(cells)}"
    assert note.startswith(f"column 'x' holds {last} in 3 rows, {others}; if it means missing: --missing ")
    assert read_table(tmp_path / "t.csv", missing=["", last]).column("x").missing.sum() == 3
    assert not [note for note in read_table(tmp_path / "t.csv", detect_missing=False).notes if "holds" in note]
    near = as_csv([*cells, *["2024-12-31", "1970-01-02"] * 3], tmp_path / "t.csv")
    assert not [note for note in near.notes if "if it means missing" in note]


@pytest.mark.parametrize(
    ("written", "calendar"),
    [
        ("14{:02d}/05/17", "1401 to 1409, as in the Persian or Islamic"),
        ("14{:02d}-12-01", "1401 to 1409, as in the Persian or Islamic"),
        ("31/12/25{:02d}", "2501 to 2509, as in the Buddhist"),
        ("20{:02d}-12-01", ""),
        ("17{:02d}-12-01", ""),
    ],
)
def test_years_of_another_calendar_are_said(written: str, calendar: str) -> None:
    texts = [written.format(n) for n in range(1, 10)] * 3
    notes = [note for note in table_from({"d": texts}).notes if "calendar" in note]
    assert len(notes) == bool(calendar)
    assert all(f"holds dates of the years {calendar} calendar: they are read as Gregorian" in note for note in notes)
    days = pd.to_datetime(pd.Series(["1950-01-01"] * 3)).to_numpy().astype("M8[s]") - np.timedelta64(550 * 365, "D")
    assert any("Persian" in note for note in table_from({"d": days}).notes)


@pytest.mark.parametrize("last", ["9999-12-31", "1900-01-01", "2099-12-31"])
def test_dates_of_typed_sources_are_suspected(last: str, tmp_path: Path) -> None:
    days = [datetime.date(stamp.year, stamp.month, stamp.day) for stamp in stamps("typed")]
    far = [*days, *[datetime.date.fromisoformat(last)] * 4]
    pl.DataFrame({"d": far, "n": range(len(far))}).write_parquet(tmp_path / "t.parquet")
    for table in (table_from({"d": far}), table_from(pl.DataFrame({"d": far})), read_table(tmp_path / "t.parquet")):
        (note,) = [note for note in table.notes if "if it means missing" in note]
        assert note.startswith(f"column 'd' holds {last} in 4 rows, all others lie between {min(days)} and {max(days)}")
        assert table.column("d").missing.sum() == 0
    (query,) = shlex.split(note.partition("--query ")[2])
    assert read_table(tmp_path / "t.parquet", query=query).column("d").missing.sum() == 4
    assert not table_from({"d": far}, detect_missing=False).notes


def test_placeholders_of_dates_are_missing() -> None:
    table = table_from({"d": [20240131, 0, 20240201, 99991231, 20231231]})
    assert iso(table.column("d")) == ["2024-01-31", None, "2024-02-01", "9999-12-31", "2023-12-31"]
    assert "column 'd': 0 and 99999999 count as missing (1 row)" in table.notes


@pytest.mark.parametrize("values", [[20240131, 20240201, 20231224], ["31 Dec 2024", "1 Jan 2024", "3 Jan 2023"]])
def test_a_target_of_dates_is_refused_with_a_hint(values: list[Any]) -> None:
    with pytest.raises(DataError, match="target 'y' holds dates: only numbers and classes can be predicted") as caught:
        Target.fit(table_from({"y": values, "x": [1, 2, 3]}), "y")
    assert "number of days or hours since a fixed date" in str(caught.value.hint)
    assert ("if these are numbers: --no-date-detection" in str(caught.value.hint)) == isinstance(values[0], int)


def test_a_target_of_durations_is_regression() -> None:
    target = Target.fit(table_from({"y": [f"{20 + n}:15:00" for n in range(30)]}), "y")
    assert (target.task, target.required_kind) == ("regression", 'numeric {"is_duration": true}')
    assert Target.from_json(target.to_json()) == target


def test_a_query_sees_the_numbers_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("day,n\n20240131,1\n20240201,2\n20240202,3\n20240203,4\n")
    table = read_table(tmp_path / "t.csv", query="SELECT * FROM data WHERE day > 20240131")
    assert iso(table.column("day")) == ["2024-02-01", "2024-02-02", "2024-02-03"]


def test_the_page_shows_the_tables() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "dates.md").read_text("utf-8")
    for written in WRITTEN:
        cells, values = (", ".join(f"`{each}`" for each in group) for group in (written.cells, written.values))
        assert f"| {written.name} | {cells} | {values} | {written.caution} |" in page
    for counted in COUNTED:
        cells = ", ".join(f"`{text_of(each)}`" for each in counted.cells[:2])
        values = ", ".join(f"`{each}`" for each in counted.values[:2])
        assert f"| {counted.name} | {cells} | {values} | {counted.caution} |" in page


POLISH = {  # genitives
    1: "stycznia",
    2: "lutego",
    3: "marca",
    4: "kwietnia",
    5: "maja",
    6: "czerwca",
    7: "lipca",
    8: "sierpnia",
    9: "września",
    10: "października",
    11: "listopada",
    12: "grudnia",
}
HUNGARIAN = ["január", "február", "március", "április", "május", "június", "július", "augusztus", "szeptember",
             "október", "november", "december"]  # fmt: skip
RUSSIAN = ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября",
           "декабря"]  # fmt: skip
FORMS: dict[str, Callable[[datetime.datetime], str]] = {
    "weekday, German": lambda when: f"{('Mo', 'Di', 'Mi', 'Do', 'Fr', 'Sa', 'So')[when.weekday()]}, {when:%d.%m.%Y}",
    "weekday, French": lambda when: (
        f"{('lun', 'mar', 'mer', 'jeu', 'ven', 'sam', 'dim')[when.weekday()]}. {when:%d/%m/%Y}"
    ),
    "weekday, ISO": lambda when: f"{when:%A %Y-%m-%d}",
    "Uhr": lambda when: f"{when:%d.%m.%Y, %H:%M} Uhr",
    "a hyphen before the time": lambda when: f"{when:%d.%m.%Y - %H:%M}",
    "two spaces": lambda when: f"{when:%Y-%m-%d  %H:%M:%S}",
    "periods": lambda when: f"{when:%Y-%m-%d %H.%M.%S}",
    "a database": lambda when: f"{when:%Y-%m-%d-%H.%M.%S.%f}",
    "the name of a file": lambda when: f"{when:%Y-%m-%d_%H-%M-%S}",
    "hours": lambda when: f"{when:%Y-%m-%d %H}",
    "month of a statistical office": lambda when: f"{when:%YM%m}",
    "month of the IMF": lambda when: f"{when:%Y-M%m}",
    "month of Stata": lambda when: f"{when.year}m{when.month}",
    "quarter with a short year": lambda when: f"{(when.month + 2) // 3}Q{when:%y}",
    "calendar week": lambda when: "KW {1:02}/{0}".format(*when.isocalendar()),
    "week of Stata": lambda when: "{}w{}".format(*when.isocalendar()),
    "Polish": lambda when: f"{when.day} {POLISH[when.month]} {when.year} r.",
    "German, um": lambda when: f"{when:%d.%m.%Y um %H:%M} Uhr",
    "French, à": lambda when: f"{when:%d/%m/%Y à %Hh%M}",
    "Hungarian": lambda when: f"{when.year}. {HUNGARIAN[when.month - 1]} {when.day}.",
    "Russian": lambda when: f"{when.day} {RUSSIAN[when.month - 1]} {when.year} года",
    "Japanese, weekday": lambda when: f"{when.year}/{when.month}/{when.day}({'月火水木金土日'[when.weekday()]})",
    "Japanese, era": lambda when: f"令和{when.year - 2018}年{when.month}月{when.day}日",
    "Taiwan, era": lambda when: f"民國{when.year - 1911}年{when.month}月{when.day}日",
    "Chinese, weekday": lambda when: f"{when:%Y-%m-%d} 星期{'一二三四五六日'[when.weekday()]}",
    "Chinese, half": lambda when: f"{when:%Y/%m/%d} {'上午' if when.hour < 12 else '下午'} {when:%I:%M:%S}",
    "Korean, half": lambda when: f"{when:%Y-%m-%d} {'오전' if when.hour < 12 else '오후'} {when:%I:%M:%S}",
    "Greek, half": lambda when: f"{when:%d/%m/%Y %I:%M} {'π.μ.' if when.hour < 12 else 'μ.μ.'}",
    "Java": lambda when: f"{when:%Y-%m-%dT%H:%M:%S}+00:00[Europe/London]",
    "JavaScript": lambda when: f"{when:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)",
    "a social network": lambda when: f"{when:%a %b %d %H:%M:%S} +0000 {when.year}",
    "SAS": lambda when: f"{when:%d%b%Y:%H:%M:%S}".upper(),
    "a spreadsheet's text": lambda when: f"'{when:%Y-%m-%d}",
    "quarter, French": lambda when: f"T{(when.month + 2) // 3} {when.year}",
    "quarter, German": lambda when: f"{(when.month + 2) // 3}. Quartal {when.year}",
    "quarter, slash": lambda when: f"Q{(when.month + 2) // 3}/{when:%y}",
    "half-year": lambda when: f"H{(when.month + 5) // 6} {when.year}",
    "half-year, Spanish": lambda when: f"{when.year}-S{(when.month + 5) // 6}",
    "calendar week, short": lambda when: f"KW{when.isocalendar()[1]:02}/{when.isocalendar()[0] % 100}",
    "month with a point": lambda when: f"{when:%m.%Y}",
    "month behind the year": lambda when: f"{when:%Y.%m}",
    "digits, day first": lambda when: f"{when:%d%m%Y}",
    "digits, month first": lambda when: f"{when:%m%d%Y}",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("token", ["", "-", "n/a"])
def test_dates_as_programs_and_offices_write_them(form: str, token: str, tmp_path: Path) -> None:
    draw = random.Random(form)
    whens = [datetime.datetime(2024, 5, 1) + datetime.timedelta(hours=draw.randrange(20_000)) for _ in range(60)]
    cells = [token if n % 11 == 3 else FORMS[form](when) for n, when in enumerate(whens)]
    column = as_csv(cells, tmp_path / "t").column("x")
    assert column.kind == "date", cells[:3]
    for n, text in enumerate(timestamp_texts(column.microseconds, "date")):
        day = whens[n]
        if n % 11 == 3:
            continue
        if "week" in form and "weekday" not in form:
            day -= datetime.timedelta(days=day.weekday())
        elif "month" in form.removeprefix("digits, month") or "quarter" in form or "half-year" in form:
            months = 3 if "quarter" in form else 6 if "half-year" in form else 1
            day = day.replace(day=1, month=(day.month - 1) // months * months + 1)
        assert text[:10] == f"{day:%Y-%m-%d}", (cells[n], text)


@pytest.mark.parametrize(
    "cells", [["Mon 5", "Tue 6", "Wed 7"], ["Sat 9:30", "Sun 10:30", "Sat 11:00"], ["W 5", "W 6", "W 7"]]
)
def test_a_weekday_or_a_letter_before_another_number_is_kept(cells: list[str], tmp_path: Path) -> None:
    assert isinstance(as_csv(cells * 20, tmp_path / "t").column("x"), CategoricalColumn)


@pytest.mark.parametrize(
    "form", ["{:%H.%M} Uhr", "kl. {:%H.%M}", "{:%H%M} hrs", "{:%H%M}h", "T{:%H:%M:%S}Z", "{:%H}時{:%M}分"]
)
def test_times_as_timetables_write_them(form: str, tmp_path: Path) -> None:
    whens = [datetime.datetime(2024, 1, 1) + datetime.timedelta(minutes=37 * n) for n in range(60)]
    column = as_csv([form.format(when, when) for when in whens], tmp_path / "t").column("x")
    assert column.kind == "time"
    assert timestamp_texts(column.microseconds, "time") == [f"{when:%H:%M:00}" for when in whens]


@pytest.mark.parametrize(("cells", "shown"), [
    ([f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}" for n in range(60)], "60 dates and 12 other values, such as 'present'"),
    ([f"{n % 24:02}:{n:02}" for n in range(60)], "60 times and 12 other values, such as 'present'"),
])  # fmt: skip
def test_dates_among_many_other_values_are_said(cells: list[str], shown: str, tmp_path: Path) -> None:
    table = as_csv([*cells, *["present"] * 12], tmp_path / "t")
    assert isinstance(table.column("x"), CategoricalColumn)
    assert any(shown in note and "--missing present" in note for note in table.notes), table.notes


@pytest.mark.parametrize("cells", [
    [f"2024.{n}" for n in range(1, 10)],  # versions
    [f"{n}.{300 + n}0" for n in range(1, 12)],  # of the years 3010 and later
    [f"{n:02}112024" for n in range(40, 60)],  # 40 is no day
    [f"2024{n:02}" for n in range(1, 61)],  # numbers of a year
])  # fmt: skip
def test_numbers_that_are_no_months_stay_numbers(cells: list[str], tmp_path: Path) -> None:
    assert as_csv(cells * 3, tmp_path / "t").column("x").kind == "numeric"


def test_dates_in_an_unknown_notation_are_called_so(tmp_path: Path) -> None:
    cells = [f"2024-{n % 12 + 1:02}-{n % 28 + 1:02} 10:{n % 60:02} EST" for n in range(200)]
    table = as_csv(cells, tmp_path / "t")
    found = left_out_because(table.column("x"), forced=False) or how_numbered(table.column("x"))
    assert "dates or times in an unknown notation" in str(found)
    assert "2024-12-31T23:59:59" in str(found)
