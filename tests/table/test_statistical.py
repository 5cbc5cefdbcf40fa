"""Stata, SPSS and SAS files: value labels, values that are declared missing, and labels of variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from backpass.errors import DataError
from backpass.table import DatetimeColumn, read_table
from backpass.table.diagnosis.inspection import inspect_table
from sample_tables import numbers, texts

FRAME = pd.DataFrame(
    {
        "sex": [1.0, 2, 1, 2, 1, 2],
        "age": [30.0, 99, 41, 98, 55, 62],
        "agree": [1.0, 3, 3, 2, np.nan, 1],
        "code": ["f", "m", "f", "f", "", "m"],
        "y": [1.5, 2, 3, 4, 5, 6],
    }
)
LABELS: dict[str, dict[Any, str]] = {
    "sex": {1: "female", 2: "male"},
    "age": {98: "refused", 99: "no answer"},
    "agree": {1: "no", 2: "no", 3: "yes", 4: "very much"},
}


def written(path: Path, **options: Any) -> Path:
    write = pyreadstat.write_sav if path.suffix == ".sav" else pyreadstat.write_dta
    write(FRAME, str(path), variable_value_labels=LABELS, **options)
    return path


@pytest.mark.parametrize("file", ["t.sav", "t.dta"])
def test_labels_are_categories_where_every_value_has_one(tmp_path: Path, file: str) -> None:
    table = read_table(written(tmp_path / file))
    assert texts(table, "sex") == ["female", "male"] * 3
    # Values that share a label stay apart, and a label without a row is no category.
    assert texts(table, "agree") == ["no (1)", "yes", "yes", "no (2)", None, "no (1)"]
    assert table.column("agree").levels == ("no (1)", "no (2)", "yes")  # type: ignore[union-attr]
    assert texts(table, "code") == ["f", "m", "f", "f", None, "m"]


@pytest.mark.parametrize("file", ["t.sav", "t.dta"])
def test_numbers_with_a_few_labels_stay_numbers(tmp_path: Path, file: str) -> None:
    path = written(tmp_path / file)
    table = read_table(path)
    assert numbers(table, "age") == [30, 99, 41, 98, 55, 62]
    [note] = [note for note in table.notes if "'age'" in note]
    assert "only some values have labels, so it is numeric: 99 'no answer' (1 row), 98 'refused' (1 row)" in note
    assert note.endswith("for values that mean missing: --missing 99")
    np.testing.assert_array_equal(
        numbers(read_table(path, missing=["98", "99"]), "age"), [30, np.nan, 41, np.nan, 55, 62]
    )
    assert texts(read_table(path, categorical=["age"]), "age") == ["30", "no answer", "41", "refused", "55", "62"]


@pytest.mark.parametrize("labels", [{1: "never", 5: "always"}, {3: "neither"}, {1: "never", 2: "seldom", 5: "always"}])
def test_labels_of_a_scale_are_no_reason_to_call_its_values_missing(tmp_path: Path, labels: dict[Any, str]) -> None:
    path = tmp_path / "t.sav"
    frame = pd.DataFrame({"often": [1.0, 2, 3, 4, 5, 4], "y": [1.0, 2, 3, 4, 5, 6]})
    pyreadstat.write_sav(frame, str(path), variable_value_labels={"often": labels})
    table = read_table(path)
    assert numbers(table, "often") == [1, 2, 3, 4, 5, 4]
    [note] = table.notes
    assert "only some values have labels, so it is numeric" in note
    assert "--missing" not in note


def test_what_the_model_needs_decides_over_the_labels_that_occur(tmp_path: Path) -> None:
    path = written(tmp_path / "t.sav")
    assert numbers(read_table(path, kinds={"sex": "numeric"}), "sex") == [1, 2] * 3
    assert texts(read_table(path, kinds={"age": "categorical"}), "age")[:2] == ["30", "no answer"]


def test_values_that_are_declared_missing_are_missing(tmp_path: Path) -> None:
    path = written(tmp_path / "t.sav", missing_ranges={"age": [{"lo": 98, "hi": 99}], "agree": [3]})
    table = read_table(path)
    np.testing.assert_array_equal(numbers(table, "age"), [30, np.nan, 41, np.nan, 55, 62])
    assert texts(table, "agree") == ["no (1)", None, None, "no (2)", None, "no (1)"]
    assert not table.notes
    path = tmp_path / "t.dta"
    pyreadstat.write_dta(
        FRAME.astype({"age": object}).replace({"age": {99: "a"}}), str(path), missing_user_values={"age": ["a"]}
    )
    assert np.isnan(numbers(read_table(path), "age")[1])


@pytest.mark.parametrize("file", ["t.sav", "t.xpt"])
def test_times_that_last_a_day_are_durations(tmp_path: Path, file: str) -> None:
    """pyreadstat reads 30 hours as 06:00 (findings/pyreadstat-durations.sh)."""
    hours = pd.DataFrame({"shift": [8.0, 30, -1, np.nan], "clock": [8.0, 0, 23, np.nan], "y": [1.0, 2, 3, 4]})
    seconds = hours.assign(shift=hours["shift"] * 3600, clock=hours["clock"] * 3600)
    path, form = tmp_path / file, "TIME8" if file == "t.sav" else "HHMM5."
    write = pyreadstat.write_sav if file == "t.sav" else pyreadstat.write_xport
    write(seconds, str(path), variable_format={"shift": form, "clock": form})
    table = read_table(path)
    np.testing.assert_array_equal(numbers(table, "shift"), [28_800, 108_000, -3_600, np.nan])
    assert "column 'shift' holds durations: read as numbers of seconds" in table.notes
    clock = table.column("clock")
    assert isinstance(clock, DatetimeColumn)
    assert clock.kind == "time"
    # A later file without a long shift is read as the model needs it.
    assert numbers(read_table(path, kinds={"clock": "numeric"}), "clock")[:3] == [28_800, 0, 82_800]


def test_days_and_times_of_spss_are_durations(tmp_path: Path) -> None:
    path = tmp_path / "t.sav"
    frame = pd.DataFrame({"lasted": [90.0, 7_200, np.nan], "y": [1.0, 2, 3]})
    pyreadstat.write_sav(frame, str(path), variable_format={"lasted": "DTIME11"})
    np.testing.assert_array_equal(numbers(read_table(path), "lasted"), [90, 7_200, np.nan])


def since(origin: str, date: str, unit: str) -> float:
    return float((np.datetime64(date, unit) - np.datetime64(origin, unit)).astype(int))


DATES = ["2024-04-01", "1999-10-01", "1955-01-01"]
PERIODS = {  # file, format -> the number of a date
    **{
        ("t.dta", f"%{flag}tm{mask}"): lambda date: since("1960", date, "M")
        for flag in ("", "-")
        for mask in ("", "CY")
    },
    ("t.dta", "%tq"): lambda date: since("1960", date, "M") / 3,
    ("t.sav", "MOYR8"): lambda date: since("1582-10-14", date, "s"),
    ("t.sav", "QYR6"): lambda date: since("1582-10-14", date, "s"),
    ("t.xpt", "MONYY7."): lambda date: since("1960-01-01", date, "D"),
    ("t.xpt", "YYQ6."): lambda date: since("1960-01-01", date, "D"),
    ("t.xpt", "WORDDATE18."): lambda date: since("1960-01-01", date, "D"),
    ("t.xpt", "DTDATE9."): lambda date: since("1960-01-01", date, "s"),
    ("t.xpt", "DTMONYY7."): lambda date: since("1960-01-01", date, "s"),
}


@pytest.mark.parametrize(("file", "form"), PERIODS)
@pytest.mark.parametrize("is_alone", [False, True])
def test_months_and_quarters_are_dates(tmp_path: Path, file: str, form: str, is_alone: bool) -> None:
    """pyreadstat leaves them as numbers, and takes the seconds of DTDATE for days (findings/pyreadstat-dtdate.sh)."""
    write = {"t.sav": pyreadstat.write_sav, "t.dta": pyreadstat.write_dta, "t.xpt": pyreadstat.write_xport}[file]
    frame = pd.DataFrame({"when": [*map(PERIODS[file, form], DATES), np.nan], "y": [1.0, 2, 3, 4]})
    path = tmp_path / file
    write(
        frame[["when"]] if is_alone else frame,
        str(path),
        variable_format={"when": form},
        column_labels={"when": "sold"},
    )
    table = read_table(path)
    when = table.column("when")
    assert isinstance(when, DatetimeColumn)
    assert when.kind == "date"
    assert when.microseconds[:3].view("M8[us]").astype("M8[D]").astype(str).tolist() == DATES
    assert when.missing.tolist() == [False] * 3 + [True]
    assert dict(table.labels) == {"when": "sold"}


def test_half_years_and_weeks_of_stata(tmp_path: Path) -> None:
    frame, path = pd.DataFrame({"half": [129.0, -1], "week": [52.0 * 64 + 51, -1]}), tmp_path / "t.dta"
    pyreadstat.write_dta(frame, str(path), variable_format={"half": "%th", "week": "%tw"})
    table = read_table(path)
    for name, expected in (("half", ["2024-07-01", "1959-07-01"]), ("week", ["2024-12-23", "1959-12-24"])):
        column = table.column(name)
        assert isinstance(column, DatetimeColumn)
        assert column.microseconds.view("M8[us]").astype("M8[D]").astype(str).tolist() == expected
    pyreadstat.write_dta(pd.DataFrame({"m": [1e9, 1.0]}), str(path), variable_format={"m": "%tm"})
    with pytest.raises(DataError, match=r"'m'.*row 1"):
        read_table(path)


def test_labels_of_variables_are_shown(tmp_path: Path) -> None:
    path = written(tmp_path / "t.sav", column_labels={"age": "Age in years", "y": ""})
    table = read_table(path)
    assert dict(table.labels) == {"age": "Age in years"}
    assert [column.label for column in inspect_table(table).columns] == ["", "Age in years", "", "", ""]


def test_files_without_rows_and_damaged_ones(tmp_path: Path) -> None:
    path = tmp_path / "t.sav"
    pyreadstat.write_sav(FRAME.iloc[:0], str(path))
    with pytest.raises(DataError, match="has columns but no rows"):
        read_table(path)
    path.write_bytes(b"$FL2@(#) SPSS DATA FILE" + bytes(400))
    with pytest.raises(DataError, match=r"t\.sav: cannot be read as an SPSS data file"):
        read_table(path)


def test_a_portable_file(tmp_path: Path) -> None:
    path = tmp_path / "t.por"
    pyreadstat.write_por(FRAME[["age", "y", "code"]], str(path))
    table = read_table(path)
    assert numbers(table, "AGE") == [30, 99, 41, 98, 55, 62]
    assert texts(table, "CODE") == ["f", "m", "f", "f", None, "m"]


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_every_release_of_stata_files(tmp_path: Path, version: int) -> None:
    path = tmp_path / "t.dta"
    pyreadstat.write_dta(FRAME, str(path), version=version, variable_value_labels={"sex": LABELS["sex"]})
    assert texts(read_table(path), "sex") == ["female", "male"] * 3


def test_a_stated_encoding(tmp_path: Path) -> None:
    path = tmp_path / "t.dta"
    FRAME.assign(code=["ü"] * 6).to_stata(path, version=114, write_index=False)  # latin-1, and says nothing of it
    assert texts(read_table(path, encoding="latin-1"), "code") == ["ü"] * 6
