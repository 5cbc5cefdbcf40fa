"""Roles: columns of groups, weights and teachers are never inputs, and a column of time is one only with a note."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import backpass
from backpass.model import Model

ROWS = 200
QUICK: dict[str, Any] = {"hidden": (4,), "epochs": 1}
DRAW = np.random.default_rng(0)
Y = DRAW.normal(size=ROWS)
COLUMNS: dict[str, Any] = {
    "x": DRAW.normal(size=ROWS),
    "g": DRAW.integers(0, 40, ROWS),
    "t": [str(day) for day in np.datetime64("2024-01-01") + np.arange(ROWS)],
    "w": DRAW.integers(1, 4, ROWS),
    "p": Y + DRAW.normal(0.0, 0.7, ROWS),
    "y": Y,
}
ROLES: dict[str, Any] = {"group": "g", "weight": "w", "teacher": "p", "time": "t"}
DOORS: dict[str, Any] = {
    "dict": lambda path: COLUMNS,
    "pandas": lambda path: pd.DataFrame(COLUMNS),
    "polars": lambda path: pl.DataFrame(COLUMNS),
    "Arrow": lambda path: pa.table(COLUMNS),
    "CSV": lambda path: pd.DataFrame(COLUMNS).to_csv(path / "t.csv", index=False) or path / "t.csv",
    "Parquet": lambda path: pd.DataFrame(COLUMNS).to_parquet(path / "t.parquet") or path / "t.parquet",
}


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
@pytest.mark.parametrize("door", DOORS)
def test_columns_with_a_role_are_no_inputs(door: str, tmp_path: Path) -> None:
    data = DOORS[door](tmp_path)
    model = backpass.fit(data, "y", **ROLES, **QUICK)
    assert [*model.kinds()] == ["x", "t"]
    said = "column 't' splits the rows by time and is also a feature; drop=['t'] removes it from the features"
    assert said in model.notes
    without = backpass.fit(data, "y", drop=["t"], **ROLES, **QUICK)
    assert [*without.kinds()] == ["x"]
    assert said not in without.notes
    assert without.record.split_columns.keys() == {"g", "t"}


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
@pytest.mark.parametrize("role", ROLES)
def test_each_role_alone(role: str) -> None:
    name = ROLES[role]
    model = backpass.fit(COLUMNS, "y", **{role: name}, **QUICK)
    assert (name in model.kinds()) == (role == "time")
    alone = backpass.fit(COLUMNS, "y", columns=["x"], **{role: name}, **QUICK)
    assert [*alone.kinds()] == ["x"]
    assert not any("is also a feature" in note for note in alone.notes)
    predicted = model.predict({key: values for key, values in COLUMNS.items() if key in model.kinds()})
    np.testing.assert_array_equal(model.predict(COLUMNS), predicted)


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
def test_searches_streams_and_several_targets_keep_them_out(tmp_path: Path) -> None:
    more: dict[str, Any] = {**COLUMNS, "z": 2.0 * Y}
    roles = {name: value for name, value in ROLES.items() if name != "teacher"}
    fits: list[Model] = [
        backpass.fit(more, ["y", "z"], **roles, drop=["p", "t"], **QUICK),
        backpass.tune(COLUMNS, "y", trials=1, folds=2, **ROLES, drop=["t"], **QUICK).model,
        backpass.fit(DOORS["Parquet"](tmp_path), "y", weight="w", drop=["p", "g", "t"], stream=True, **QUICK),
    ]
    assert [[*model.kinds()] for model in fits] == [["x"], ["x"], ["x"]]
