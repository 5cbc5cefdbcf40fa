"""Percentages: a column of nothing else is numbers, and a model knows that they were written with their sign."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import backpass
from backpass.errors import BackpassWarning, DataError
from backpass.model import from_bytes
from backpass.model.prediction.suspects import suspects_in
from backpass.model.profile import NumericProfile
from backpass.table import NumericColumn, Schema, table_from
from sample_tables import csv_file, parquet_file

QUICK: dict[str, Any] = {"hidden": (4,), "epochs": 2}


def lines_of(rate: str, price: str, rows: int = 60) -> str:
    rng = np.random.default_rng(0)
    rates, colours = rng.uniform(1, 9, rows).round(2), "ab" * (rows // 2)
    lines = [f"{rate.format(r)},{c},{price.format(3 * r)}" for r, c in zip(rates, colours, strict=True)]
    return "\n".join(["rate,colour,price", *lines, ""])


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_a_model_takes_them_with_and_without_their_sign(written: Any) -> None:
    signed, plain = written("signed.csv", lines_of("{} %", "{}")), written("plain.csv", lines_of("{}", "{}"))
    model = backpass.fit(signed, "price", **QUICK)
    assert "column 'rate' holds percentages: '1.02 %' is read as 1.02" in model.record.notes
    assert model.kinds() == {"rate": "percent", "colour": "categorical"}
    alike = backpass.fit(plain, "price", **QUICK)
    np.testing.assert_array_equal(model.theta, alike.theta)
    for table in (signed, plain):
        np.testing.assert_array_equal(model.predict(table), alike.predict(plain))
    back = from_bytes(model.to_bytes())
    assert back.kinds() == model.kinds()
    assert back.to_bytes() == model.to_bytes()


def test_a_model_of_numbers_refuses_them(written: Any) -> None:
    """0.12 may be what it knows as 12%."""
    model = backpass.fit(written("plain.csv", lines_of("{}", "{}")), "price", **QUICK)
    assert model.kinds() == {"rate": "numeric", "colour": "categorical"}
    with pytest.raises(DataError, match=r"column 'rate': 0 numbers, 60 other values \('1.02%' row 12, "):
        model.predict(written("signed.csv", lines_of("{}%", "{}")))


def test_a_target_of_percentages_is_predicted_in_percent(written: Any) -> None:
    signed, plain = written("signed.csv", lines_of("{}", "{:.2f}%")), written("plain.csv", lines_of("{}", "{:.2f}"))
    model = from_bytes(backpass.fit(signed, "price", **QUICK).to_bytes())
    assert model.head.target.is_percent
    assert model.evaluate(signed) == model.evaluate(plain)
    np.testing.assert_array_equal(model.predict(plain), backpass.fit(plain, "price", **QUICK).predict(plain))


RATES = np.random.default_rng(1).uniform(1.0, 60.0, 80).round(1)
OTHERS = np.random.default_rng(2).normal(size=80)
FRACTIONS = "column 'rate': no value has the % of the training rows, and all lie between 0.01"


def rows_of(rates: Any) -> dict[str, Any]:
    return {"rate": list(rates), "other": OTHERS[: len(rates)].tolist()}


def as_json(columns: dict[str, Any], path: Path) -> Any:
    (path / "t.json").write_text(json.dumps(pd.DataFrame(columns).to_dict("records")))
    return path / "t.json"


def as_free_table(columns: dict[str, Any], path: Path) -> Any:
    return table_from(columns)


DOORS: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "csv": csv_file,
    "parquet": parquet_file,
    "json": as_json,
    "table": as_free_table,
    "pandas": lambda columns, path: pd.DataFrame(columns),
    "polars": lambda columns, path: pl.DataFrame(columns),
    "arrays": lambda columns, path: {name: np.array(values) for name, values in columns.items()},
    "array": lambda columns, path: np.array(list(columns.values()), dtype=object).T,
}


@pytest.fixture(scope="module")
def signed() -> Any:
    return backpass.fit({**rows_of([f"{r}%" for r in RATES]), "y": RATES + OTHERS}, "y", **QUICK)


@pytest.mark.parametrize("as_strings", [False, True])
@pytest.mark.parametrize("door", DOORS)
def test_fractions_for_percentages_are_a_warning(signed: Any, door: str, as_strings: bool, tmp_path: Path) -> None:
    fractions, numbers = RATES / 100.0, RATES
    texts = (fractions.round(4).astype(str), numbers.astype(str)) if as_strings else (fractions, numbers)
    with pytest.warns(BackpassWarning) as caught:
        signed.predict(DOORS[door](rows_of(texts[0]), tmp_path))
    assert str(caught[0].message).startswith(FRACTIONS)
    assert "if they are fractions, multiply them by 100" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signed.predict(DOORS[door](rows_of(texts[1]), tmp_path))


def test_a_percent_sign_leaves_no_doubt(signed: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signed.predict(rows_of([f"{r / 100:.4f}%" for r in RATES]))
        signed.predict(rows_of(["0.12%", *map(str, RATES[1:] / 100)]))


@pytest.mark.parametrize(
    ("rates", "warns"),
    [
        ([0.123], True),
        ([12.3], False),
        ([None, 0.5, 0.25], True),
        ([0.0, 0.0], False),  # the same number in either unit
        ([1.5, 1.2], False),  # 150% and 120% would be far from the training rows
        ([0.5, 45.0, 30.0], False),
    ],
)
def test_few_rows_are_judged_by_the_training_rows(signed: Any, rates: list[Any], warns: bool) -> None:
    table = signed.table({"rate": np.array(rates, dtype=float), "other": OTHERS[: len(rates)]})
    assert bool(signed.predictions(table).warnings) == warns


def test_small_percentages_are_no_fractions_where_most_are_small() -> None:
    rates = np.exp(np.random.default_rng(3).normal(0.0, 2.0, 300)).round(3)
    data = {"rate": [f"{r}%" for r in rates], "other": np.tile(OTHERS, 4)[:300], "y": np.log(rates)}
    model = backpass.fit(data, "y", **QUICK)
    for few in (rates[:50], np.sort(rates)[100:103], np.sort(rates)[:80], np.sort(rates)[:150]):
        assert model.predictions(model.table(rows_of(few[:80]))).warnings == ()
    assert len(model.predictions(model.table(rows_of(rates[:80] / 100))).warnings) == 1


def test_per_mille_and_estimators_warn_too() -> None:
    data = rows_of([f"{r}‰" for r in RATES])
    model = backpass.fit({**data, "y": RATES + OTHERS}, "y", **QUICK)
    with pytest.warns(BackpassWarning, match="multiply them by 1000"):
        model.evaluate({**rows_of(RATES / 1000), "y": RATES + OTHERS})
    frame = pd.DataFrame(data)
    estimator = backpass.BackpassRegressor(hidden_layer_sizes=(4,), epochs=2).fit(frame, RATES + OTHERS)
    for method in (estimator.predict, lambda X: estimator.score(X, RATES)):
        with pytest.warns(BackpassWarning, match="multiply them by 1000"):
            method(frame.assign(rate=RATES / 1000))


def test_a_target_of_fractions_is_a_warning_of_evaluate(tmp_path: Path) -> None:
    x = np.linspace(2.0, 12.0, 80)
    model = backpass.fit({"x": x, "y": [f"{v:.2f} %" for v in 3.0 * x]}, "y", preset="fast", hidden=(16,), epochs=30)
    expected = "column 'y': no value has the % of the training rows"
    for door in ("csv", "pandas", "parquet"):
        fractions, numbers = ({"x": x, "y": y} for y in (0.03 * x, 3.0 * x))
        with pytest.warns(BackpassWarning) as caught:
            model.evaluate(DOORS[door](fractions, tmp_path))
        assert any(str(each.message).startswith(expected) for each in caught)
        assert any("but the predictions lie between" in str(each.message) for each in caught)
        with warnings.catch_warnings(record=True) as others:
            warnings.simplefilter("always")
            model.evaluate(DOORS[door](numbers, tmp_path))
            model.evaluate({"x": x, "y": [f"{v:.4f} %" for v in 0.03 * x]})  # the sign leaves no doubt
        assert not any(expected in str(each.message) for each in others)


@pytest.mark.parametrize("as_strings", [False, True])
@pytest.mark.parametrize(
    ("learned", "converted", "other", "unit"),
    [
        (["5'11\"", "6'", "5'7\"", "4'11\""], [5.5, 6.0], [71.0, 66.0], "ft"),
        (["1h 5m", "2h", "3h 10m", "1h"], [3900.0, 7200.0], [65.0, 120.0], "seconds"),
        (["60 kg", "75 kg", "90 kg", "85 kg"], [61.0, 80.0], [150.0, 160.0], "kg"),
        (["1.2M", "3M", "2.5M", "900k"], [1e6, 2e6], [1.2, 3.0], "numbers without k, M or bn"),
    ],
)
def test_numbers_in_another_unit_are_said(
    learned: list[str], converted: list[float], other: list[float], unit: str, as_strings: bool
) -> None:
    """Numbers without the unit of the training rows count as in that unit; far from all of those, they are suspect."""
    table = table_from({"x": learned * 5, "y": np.arange(20.0)})
    schema, column = Schema.fit(table, "y"), table.column("x")
    assert isinstance(column, NumericColumn)
    profiles = {"x": NumericProfile.of(column.values)}

    def said(cells: list[Any]) -> list[str]:
        new = table_from({"x": [*map(str, cells)] if as_strings else cells}, kinds=schema.kinds)
        return [each.warning for each in suspects_in(new, schema, profiles)]

    assert said(converted) == []
    assert said(learned) == []
    (warning,) = said(other)
    assert warning.startswith("column 'x': no value has a unit, unlike the training rows; the median is ")
    assert warning.endswith(f"The values are read as {unit} (write the unit, or convert the numbers to {unit})")
