"""The horizon: rows later than those that a model knows are noted, with the distance, wherever a model reads rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backpass.model import Model, fit, from_bytes
from backpass.model.split.horizon import Horizon, times_of
from backpass.table import DatetimeColumn, NumericColumn, table_from

N = 100
RNG = np.random.default_rng(0)
START = np.datetime64("2024-01-01")
QUICK: dict[str, Any] = {"hidden": (2,), "epochs": 2, "validation_fraction": 0.1, "engine": "numpy"}


def rows(days: Any, *, as_numbers: bool = False) -> dict[str, Any]:
    days = np.asarray(days)
    time = days.astype(np.float64) if as_numbers else START + days.astype("timedelta64[D]")
    return {"day": time, "x": RNG.normal(size=len(days)), "y": RNG.normal(size=len(days))}


def notes(model: Model, data: Any) -> list[str]:
    encoded = model.encoded(model.table(data), model.known_schema)
    return [note for note in encoded.notes if "after the last training row" in note]


DOORS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "dict": lambda columns: columns,
    "pandas": pd.DataFrame,
    "table": table_from,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("as_numbers", [False, True], ids=["dates", "numbers"])
def test_later_rows_are_noted_with_their_distance(door: str, *, as_numbers: bool) -> None:
    model = fit(DOORS[door](rows(np.arange(N), as_numbers=as_numbers)), "y", time="day", **QUICK)
    # 80 days train and validate: day 79 is the last one known, and the test rows are up to 20 days after it.
    later, last = ("119", "79") if as_numbers else ("40 days", "2024-03-20")
    text = f"column 'day': 3 rows are up to {later.replace('119', '40')} after the last training row ({last})"
    tested = f"; test rows were up to {'20' if as_numbers else '20 days'} after it"
    data = DOORS[door](rows([3, 79, 80, 100, 119], as_numbers=as_numbers))
    assert notes(model, data) == [text + tested]
    assert notes(model, DOORS[door](rows([3, 79], as_numbers=as_numbers))) == []
    assert notes(model, DOORS[door](rows([85], as_numbers=as_numbers))) == [
        f"column 'day': 1 row is up to {'6' if as_numbers else '6 days'} after the last training row ({last})"
    ]
    assert notes(from_bytes(model.to_bytes()), data) == [text + tested], "the model file keeps it"


def test_without_a_time_column_there_is_no_note() -> None:
    model = fit(rows(np.arange(N)), "y", **QUICK)
    assert model.record.horizon is None
    assert notes(model, rows([500])) == []


def test_a_model_that_was_refitted_knows_all_rows() -> None:
    model = fit(rows(np.arange(N)), "y", time="day", refit=True, **QUICK)
    assert model.record.horizon == Horizon(float((START + 99).astype("datetime64[us]").astype(np.int64)), 20 * 86_400e6)
    assert notes(model, rows([99])) == []
    assert "up to 1 day after the last training row (2024-04-09)" in notes(model, rows([100]))[0]


def test_missing_times_are_the_earliest() -> None:
    columns = rows(np.arange(N))
    columns["day"][[0, 50, 99]] = np.datetime64("NaT")
    model = fit(columns, "y", time="day", **QUICK)
    assert model.record.horizon is not None
    table = table_from(columns)
    assert times_of([table], "day").min() == times_of([table], "day")[99]
    some = rows([3, 200])
    some["day"][0] = np.datetime64("NaT")
    assert "1 row is" in notes(model, some)[0]


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "59 seconds"), (60, "1 minute"), (7_200, "2 hours"), (86_400 * 3, "3 days")]
)
def test_distances_are_in_the_largest_unit(seconds: int, text: str) -> None:
    column = DatetimeColumn("t", np.array([seconds * 1_000_000]), "date")
    assert f"up to {text} after" in Horizon(0.0).note(column)
    assert "up to 0.5 after the last training row (0)" in Horizon(0.0).note(NumericColumn("t", np.array([0.5])))
