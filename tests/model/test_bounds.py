"""Bounds: cells such as <30 are the number, and a second input says that they are bounds, in every door and file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import backpass
from backpass.cli import main
from backpass.model import Model, from_bytes
from backpass.playground.columns import columns_of
from backpass.table import NumericColumn, read_table, table_from
from backpass.table.feature import NumericFeature
from backpass.table.schema import Schema
from backpass.table.stack import stacked
from sample_tables import csv_file, parquet_file

ROWS = 240
QUICK: dict[str, Any] = {
    "hidden": (8,),
    "epochs": 40,
    "batch_size": 32,
    "learning_rate": 0.03,
    "validation_fraction": 0.2,
}
MARKS = {
    "plain": ("<{}", "{}", ">{}"),
    "or equal": ("<={}", "{}", ">={}"),
    "signs": ("≤ {}", "{}", "≥ {}"),
    "plus": ("< {}", "{}", "{}+"),
    "units": ("<{} mg", "{} mg", ">{} mg"),
    "currency": ("<${}", "${}", ">${}"),
}


def texts_of(marks: tuple[str, str, str], decimal: str = ".") -> tuple[list[str], np.ndarray[Any, Any]]:
    """Values from 10 to 90, of which half of those below 30 and above 70 are bounds; and their signs."""
    draw = np.random.default_rng(1)
    held, is_bound = draw.uniform(10, 90, ROWS).round(1), draw.random(ROWS) < 0.5
    signs = np.where(is_bound & (held < 30), -1, np.where(is_bound & (held > 70), 1, 0))
    texts = [marks[sign + 1].format(f"{v:.1f}".replace(".", decimal)) for v, sign in zip(held, signs, strict=True)]
    return texts, signs


def target_of(signs: np.ndarray[Any, Any]) -> list[float]:
    """A target that depends on nothing but the bounds."""
    return (np.array([5.0, 0.0, -5.0])[signs + 1] + np.random.default_rng(2).normal(0, 0.1, ROWS)).tolist()


@pytest.fixture(scope="module")
def model() -> Model:
    texts, signs = texts_of(MARKS["plain"])
    return backpass.fit({"dose": texts, "y": target_of(signs)}, "y", **QUICK)


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("marks", MARKS)
def test_every_way_of_writing_them(marks: str, decimal: str) -> None:
    texts, signs = texts_of(MARKS[marks], decimal)
    table = table_from({"dose": [*texts, None], "y": [*target_of(signs), 0.0]})
    column = table.column("dose")
    assert isinstance(column, NumericColumn)
    np.testing.assert_array_equal(column.signs, [*signs, 0])
    schema = Schema.fit(table, "y")
    assert [each.name for each in schema.numbers] == ["dose", "dose (bound)"]
    below, above = (int(np.count_nonzero(signs == sign)) for sign in (-1, 1))
    assert f"column 'dose' has a second input that marks bounds ({below} <, {above} >)" in schema.notes
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    encoded = again.encode(table_from({"dose": texts[:9]}, kinds=again.kinds)).numbers
    np.testing.assert_array_equal(encoded, np.column_stack([column.values[:9], signs[:9]]))


def test_a_bound_differs_from_the_number(model: Model) -> None:
    below, exact, above, high = model.predict({"dose": ["<20.0", "20.0", ">80.0", "80.0"]})
    assert below > 4.0 > 1.0 > exact
    assert above < -4.0 < -1.0 < high
    restored = from_bytes(model.to_bytes())
    np.testing.assert_array_equal(
        restored.predict({"dose": ["<20.0", "20", None]}), model.predict({"dose": ["<20.0", "20", None]})
    )


def tsv(columns: dict[str, Any], path: Path) -> Any:
    pd.DataFrame(columns).to_csv(path / "t.tsv", index=False, sep="\t")
    return path / "t.tsv"


def json_file(columns: dict[str, Any], path: Path) -> Any:
    (path / "t.json").write_text(pd.DataFrame(columns).to_json(orient="records"))
    return path / "t.json"


def two_files(columns: dict[str, Any], path: Path) -> Any:
    frame = pd.DataFrame(columns)
    frame[:100].to_csv(path / "a.csv", index=False)
    frame[100:].to_csv(path / "b.csv", index=False)
    return path / "?.csv"


def structured(columns: dict[str, Any], path: Path) -> Any:
    return np.array([*zip(*columns.values(), strict=True)], dtype=[("dose", "U12"), ("y", float)])


DOORS: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "CSV": csv_file,
    "TSV": tsv,
    "JSON": json_file,
    "Parquet": parquet_file,
    "two files": two_files,
    "pandas": lambda columns, path: pd.DataFrame(columns),
    "pandas category": lambda columns, path: pd.DataFrame(columns).astype({"dose": "string"}),
    "polars": lambda columns, path: pl.DataFrame(columns),
    "Arrow": lambda columns, path: pa.table(columns),
    "NumPy": lambda columns, path: {name: np.array(values) for name, values in columns.items()},
    "structured": structured,
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_reads_them(door: str, model: Model, tmp_path: Path) -> None:
    texts, signs = texts_of(MARKS["plain"])
    columns = {"dose": texts, "y": target_of(signs)}
    data = DOORS[door](columns, tmp_path)
    np.testing.assert_array_equal(model.predict(data), model.predict(columns))
    fitted = backpass.fit(data, "y", **{**QUICK, "epochs": 1})
    expected = backpass.fit(columns, "y", **{**QUICK, "epochs": 1})
    np.testing.assert_array_equal(fitted.theta, expected.theta)
    streamed = [batch.column(0).to_numpy() for batch in model.predict_batches(data, rows=64)]
    np.testing.assert_array_equal(np.concatenate(streamed), model.predict(columns))


def test_numbers_and_missing_values_are_no_bounds(model: Model) -> None:
    for doses in ([20.0, np.nan], np.array([20.0, np.nan]), pd.Series([20.0, None])):
        np.testing.assert_array_equal(model.predict({"dose": doses}), model.predict({"dose": ["20", None]}))


def test_rows_are_taken_and_stacked_with_their_bounds() -> None:
    texts, signs = texts_of(MARKS["plain"])
    table = table_from({"dose": texts})
    rows = np.array([5, 3, 200])
    plain = table_from({"dose": [1.0, 2.0]})
    empty = table_from({"dose": [None]})
    column = stacked([table.take(rows), plain, empty, table]).column("dose")
    assert isinstance(column, NumericColumn)
    np.testing.assert_array_equal(column.signs, [*signs[rows], 0, 0, 0, *signs])
    assert table.take(rows) == table_from({"dose": [texts[i] for i in rows]}, kinds=Schema.of_all(table, "y").kinds)
    assert table_from({"dose": ["1", "2", "3", "<4"]}) != table_from({"dose": [1.0, 2.0, 3.0, 4.0]})


def test_tables_without_them_have_one_input() -> None:
    table = table_from(
        {"a": ["~30", "45.5", "60", "7"], "b": [">1", ">2", ">3", ">4.5"], "c": ["1 kg", "2 kg", "3 kg", "4 kg"]}
    )
    schema = Schema.of_all(table, "y")
    assert not any(feature.marks_bounds for feature in schema.features if isinstance(feature, NumericFeature))
    assert not any("bounds" in feature for feature in schema.to_json()["features"])


def test_equal_numbers_are_equal_rows_only_with_equal_bounds() -> None:
    bounded = {
        "a": ["<5", "5", "7", "8", "9"] * 8,
        "b": [5.0, 5.0, 7.0, 8.0, 9.0] * 8,
        "y": [1.0, 2.0, 3.0, 4.0, 5.0] * 8,
    }
    notes = Schema.fit(table_from(bounded), "y").notes
    assert not any("are equal" in note for note in notes)


def test_a_query_says_that_it_reads_plain_numbers(tmp_path: Path) -> None:
    texts, signs = texts_of(MARKS["plain"])
    path = csv_file({"dose": texts, "y": target_of(signs)}, tmp_path)
    table = read_table(path, query="SELECT * FROM data")
    assert "column 'dose': in the query, bounds such as < and > are plain numbers" in table.notes


def test_explanations_and_reports_treat_it_as_one_column(model: Model) -> None:
    texts, signs = texts_of(MARKS["plain"])
    found = backpass.explain(model, {"dose": ["<20.0", "20.0"]})
    assert found.columns == ("dose",)
    assert found.contributions.shape == (2, 1)
    np.testing.assert_allclose(found.baseline + found.contributions[:, 0], found.predicted, rtol=1e-4)
    assert found.contributions[0, 0] > found.contributions[1, 0] + 2.0
    importance = backpass.permutation_importance(model, {"dose": texts, "y": target_of(signs)})
    assert [each.name for each in importance] == ["dose"]
    page = backpass.report(model, {"dose": texts, "y": target_of(signs)})
    assert "dose" in page


def test_the_playground_reads_the_numbers() -> None:
    texts, signs = texts_of(MARKS["plain"])
    found = columns_of(table_from({"dose": texts, "size": signs.tolist(), "y": target_of(signs)}), "y")
    dose, size, _ = found["columns"]
    assert dose["values"] == [float(text.strip("<>")) for text in texts]
    assert "bounds" not in dose["feature"]
    assert size["values"] == signs.tolist()


def test_commands_name_them(model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts, signs = texts_of(MARKS["plain"])
    path = csv_file({"dose": texts, "y": target_of(signs)}, tmp_path)
    model.save(tmp_path / "m.backpass")
    for command, words in (("inspect", ", bounds marked"), ("show", "1 numeric: dose (bounds marked)")):
        arguments = [str(path), "--target", "y"] if command == "inspect" else [str(tmp_path / "m.backpass")]
        assert main([command, *arguments]) == 0
        assert words in capsys.readouterr().out


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_a_rare_bound_and_one_in_a_new_direction_are_predicted_within_reason(scaling: str) -> None:
    """A mark is not many standard deviations away: one < among 400 rows gave predictions far beyond all targets."""
    rng = np.random.default_rng(0)
    x = rng.exponential(40.0, 400).round(1) + 5.0
    cells = [f"{value}" for value in x]
    for row in range(0, 400, 100):
        cells[row] = "<5"
    data = {"x": cells, "z": rng.normal(size=400), "y": x / 40.0}
    model = backpass.fit(data, "y", numerical_scaling=scaling, seed=0, **QUICK)
    assert [each.marks for each in model.schema.numbers] == [False, True, False]
    for mark in ("<", ">"):
        for value in (5, 50):
            found = model.predict({"x": [f"{mark}{value}"], "z": [0.0]})
            assert abs(float(found[0]) - value / 40.0) < 2.5
