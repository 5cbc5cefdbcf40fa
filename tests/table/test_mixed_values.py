"""Columns of Python values and of JSON that hold strings among numbers: read like the same cells of a text file."""

from __future__ import annotations

import csv
import datetime
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backpass
from backpass.errors import DataError
from backpass.table import Table, read_table, table_from
from backpass.table.columns.kinds import infer_column
from backpass.table.columns.raw import coded
from backpass.table.columns.rules import Rules
from backpass.table.columns.text_classification import TextClassification
from backpass.table.messages import ErrorList
from backpass.table.notation.missing import DEFAULT_MISSING, Missing

WORDLIKE = [
    *[
        "red",
        " Red ",
        "true",
        "False",
        "NA",
        "None",
        "?",
        "-",
        "n/a",
        "unknown",
        "inf",
        "nan",
        "%",
        "Jan",
        "May",
        "kg",
        "<b>x</b>",
        "x*",
        "Monday",
        "noon",
        "no",
    ],
    *["A", "", "one", "east-west", "°", "½", "5", "1.5 kg"],
]
NUMBERS = [float(number) for number in range(12, 42)]
CELLS: dict[str, list[Any]] = {
    "bounds": [*NUMBERS, "<5", ">90", "<5"],
    "whole numbers and bounds": [*map(int, NUMBERS), "<5", ">90"],
    "words for missing": [*NUMBERS, "n/a", "-", None],
    "units": [*NUMBERS, "45 kg", "1.5 kg"],
    "texts of numbers": [*NUMBERS, "5.5", "1e3"],
    "thousands": [*NUMBERS, "1,234.5"],
    "percent": [*(f"{n}%" for n in range(20)), None],
    "categories": ["a", 1, "b", 2.5, "a", 10**17 + 1],
    "booleans": [True, "unknown", False, True],
    "booleans and numbers": [True, 0.5, "x"],
    "dates": [*(datetime.date(2024, 1, n) for n in range(1, 25)), "2024-02-01", "n/a"],
    "timestamps": [*(pd.Timestamp(2024, 1, n, 12, 30) for n in range(1, 25)), "2024-02-01 08:00:00"],
    "times": [datetime.time(12, 30), "08:15", datetime.time(9)],
}


def field(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def of_text(values: list[Any], path: Path) -> Table:
    with (path / "t.csv").open("w", newline="") as out:
        csv.writer(out).writerows([["x", "k"], *([field(value), "1"] for value in values)])
    return read_table(path / "t.csv")


def _sqlite(values: list[Any], path: Path) -> Table:
    with sqlite3.connect(path / "t.sqlite") as database:
        database.execute("CREATE TABLE t (x, k INTEGER)")
        database.executemany("INSERT INTO t VALUES (?, 1)", [(value,) for value in values])
    database.close()
    return read_table(path / "t.sqlite")


def _json(values: list[Any], path: Path) -> Table:
    (path / "t.json").write_text(json.dumps([{"x": value, "k": 1} for value in values]))
    return read_table(path / "t.json")


DOORS: dict[str, Callable[[list[Any], Path], Table]] = {
    "list": lambda values, path: table_from({"x": values, "k": [1] * len(values)}),
    "rows": lambda values, path: table_from([{"x": value, "k": 1} for value in values]),
    "pandas": lambda values, path: table_from(pd.DataFrame({"x": pd.Series(values, dtype=object), "k": 1})),
    "array": lambda values, path: table_from({"x": np.array(values, dtype=object), "k": np.ones(len(values))}),
    "json": _json,
    "sqlite": _sqlite,
}
ALL = [
    (door, case)
    for door in DOORS
    for case, values in CELLS.items()
    if door not in ("json", "sqlite") or not any(isinstance(value, datetime.date | datetime.time) for value in values)
    if door != "sqlite" or not any(isinstance(value, bool) for value in values)
]


@pytest.mark.parametrize(("door", "case"), ALL)
def test_a_mixed_column_is_read_like_that_of_a_text_file(door: str, case: str, tmp_path: Path) -> None:
    found, expected = DOORS[door](CELLS[case], tmp_path), of_text(CELLS[case], tmp_path)
    assert found.columns["x"] == expected.columns["x"]
    about = [note for note in expected.notes if "'x'" in note]
    assert [note for note in found.notes if "'x'" in note] == about


@pytest.mark.parametrize("door", DOORS)
def test_a_single_text_among_numbers_is_named(door: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 'x': 30 numbers, 1 other value \('oops' row 31\)"):
        DOORS[door]([*NUMBERS, "oops"], tmp_path)


def test_types_that_a_text_file_does_not_mix_are_refused() -> None:
    for values in ([1.0, datetime.date(2024, 1, 1)], [1.0, "x", [1]], [datetime.timedelta(1), "x"]):
        with pytest.raises(DataError, match="column 'x' holds values of type"):
            table_from({"x": values})


def test_files_join_when_one_of_them_holds_the_bounds(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"x": value} for value in NUMBERS]))
    (tmp_path / "b.json").write_text(json.dumps([{"x": value} for value in [*NUMBERS, "<5", ">90"]]))
    column = read_table(tmp_path / "*.json").columns["x"]
    assert column == table_from({"x": [*NUMBERS, *NUMBERS, "<5", ">90"]}).columns["x"]


def test_a_model_reads_such_cells_as_it_learned(tmp_path: Path) -> None:
    x = [*NUMBERS, "<5", ">90"] * 2
    table = {"x": x, "y": [float(i) for i in range(len(x))]}
    model = backpass.fit(table, "y", hidden=(4,), epochs=2)
    assert model.schema.features[0].marks_bounds
    new = {"x": ["<5", 20.0, None, ">90"]}
    (tmp_path / "new.csv").write_text("x,k\n<5,1\n20,1\n,1\n>90,1\n")
    np.testing.assert_array_equal(model.predict(new), model.predict(tmp_path / "new.csv"))


def test_numbers_follow_the_decimal_sign_of_the_model() -> None:
    weights = [f"{n},5 kg" for n in range(30)]
    model = backpass.fit({"x": weights, "y": list(map(float, range(30)))}, "y", hidden=(4,), epochs=2)
    assert model.predict({"x": ["2,5 kg", 1.5]}).tolist() == model.predict({"x": ["2,5 kg", "1,5 kg"]}).tolist()


@given(st.lists(st.sampled_from(WORDLIKE), min_size=3, max_size=12), st.booleans())
@settings(max_examples=150, deadline=None)
def test_columns_of_words_are_read_as_by_all_rules(values: list[str], is_typed: bool) -> None:
    """Columns without a digit are categories at once; the rules for numbers, dates and missing values agree."""
    read: list[tuple[Any, list[str]]] = []
    for are_words in (TextClassification.are_words, lambda classified: False):
        with patch.object(TextClassification, "are_words", are_words):
            notes = list[str]()
            raw = coded("x", values, typed=is_typed)
            rules = Rules(missing=Missing.of(DEFAULT_MISSING))
            read.append((infer_column(raw, rules, ErrorList("t"), notes), notes))
    assert read[0] == read[1]
