"""Models of several outputs, and of a written loss, which only estimators make, at every command that takes a model."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from backpass import BackpassRegressor

QUICK: dict[str, Any] = {"preset": "plain", "validation_fraction": 0.16, "hidden_layer_sizes": (4,), "epochs": 2}
X = np.random.default_rng(0).normal(size=(40, 2))


@pytest.fixture
def folder(tmp_path: Path, call: Callable[..., Any]) -> Path:
    """Where models of two targets, of two quantiles and of a written loss lie beside a table."""
    import pandas as pd

    y = pd.DataFrame({"price": X[:, 0], "rent": 100.0 + X[:, 1]})
    models = {
        "targets": BackpassRegressor(**QUICK).fit(X, y),
        "quantiles": BackpassRegressor(**QUICK, loss="quantile", quantile=(0.1, 0.9)).fit(X, y["price"]),
        "custom": BackpassRegressor(**QUICK, loss=lambda o, y: abs(o - y)).fit(X, y["price"]),
    }
    for name, fitted in models.items():
        fitted.model_.save(f"{name}.backpass")
    pd.DataFrame(X, columns=["x0", "x1"]).join(y).to_csv("table.csv", index=False)
    return tmp_path


COLUMNS = {
    "targets": ["price", "rent"],
    "quantiles": ["price q=0.1", "price q=0.9"],
    "custom": ["price"],
}


def test_fit_predicts_one_column_and_says_where_several_are_predicted(folder: Path, call: Callable[..., Any]) -> None:
    failed = call("fit", "table.csv", "-t", "price,rent")
    assert failed.code == 3
    assert "column 'price,rent' not found" in failed.err
    assert "hint: one column is predicted here; several at once: docs/how-to/scikit-learn.md" in failed.err


@pytest.mark.parametrize("name", COLUMNS)
def test_predictions_are_columns_of_their_own(name: str, folder: Path, call: Callable[..., Any]) -> None:
    done = call("predict", f"{name}.backpass", "table.csv")
    rows = list(csv.reader(io.StringIO(done.out)))
    assert rows[0] == COLUMNS[name]
    assert len(rows) == 41
    facts = json.loads(call("predict", f"{name}.backpass", "table.csv", "--json").out)
    assert facts["outputs"] == COLUMNS[name]
    found = np.array(facts["predictions"]).reshape(40, -1)
    np.testing.assert_array_equal(found, np.array(rows[1:], dtype=float))


def test_outputs_that_are_quantiles_have_no_others(folder: Path, call: Callable[..., Any]) -> None:
    done = call("predict", "quantiles.backpass", "table.csv", "--quantiles", "0.5")
    assert (done.code, done.out) == (2, "")
    assert "the outputs of this model are quantiles already: q=0.1, q=0.9 of 'price'" in done.err
    done = call("predict", "targets.backpass", "table.csv", "--quantiles", "0.5")
    assert (done.code, "only one alone has quantiles" in done.err) == (2, True)


def test_kept_targets_stand_beside_predictions(folder: Path, call: Callable[..., Any]) -> None:
    done = call("predict", "targets.backpass", "table.csv", "--keep", "rent")
    assert done.out.splitlines()[0] == "rent,price,predicted(rent)"


def test_every_target_is_evaluated(folder: Path, call: Callable[..., Any]) -> None:
    done = call("evaluate", "targets.backpass", "table.csv")
    assert done.out.startswith("rmse")
    assert "ignored" not in done.err
    done = call("evaluate", "custom.backpass", "table.csv")
    assert [line.split()[0] for line in done.out.splitlines()] == ["rmse", "mae", "r2", "median_absolute_error", "mape"]


def test_a_missing_target_is_named(folder: Path, call: Callable[..., Any]) -> None:
    (folder / "half.csv").write_text("x0,x1,price\n1,2,3\n")
    done = call("evaluate", "targets.backpass", "half.csv")
    assert done.code == 3
    assert "'rent'" in done.err


@pytest.mark.parametrize("name", COLUMNS)
def test_show_says_what_comes_out(name: str, folder: Path, call: Callable[..., Any]) -> None:
    page = call("show", f"{name}.backpass").out
    assert ("outputs     " + ", ".join(COLUMNS[name]) in page) == (name != "custom")
    assert (
        f"loss        {'custom' if name == 'custom' else 'squared' if name == 'targets' else 'quantile, q 0.1'}" in page
    )
