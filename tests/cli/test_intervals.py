"""The intervals of several targets at every command that prints them, against those of the model."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backpass
from backpass.model import Model

TARGETS = ["price", "rent", "gain"]


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=(rows, 2)), rng.normal(size=(rows, 3))
    y = {"price": 20.0 + x[:, 0] + noise[:, 0], "rent": 900.0 + 50.0 * noise[:, 1], "gain": x[:, 1] + noise[:, 2]}
    return pd.DataFrame({"x0": x[:, 0], "x1": x[:, 1], **y})


@pytest.fixture(scope="module")
def model() -> Model:
    return backpass.fit(table(200), TARGETS, preset="plain", hidden=(4,), epochs=2, validation_fraction=0.2)


@pytest.fixture
def folder(tmp_path: Path, model: Model) -> Path:
    model.save(tmp_path / "m.backpass")
    table(60, 4).to_csv(tmp_path / "t.csv", index=False)
    return tmp_path


def test_predict_has_columns_for_each_target(folder: Path, model: Model, call: Callable[..., Any]) -> None:
    wishes = ("predict", "m.backpass", "t.csv", "--interval", "0.8", "--quantiles", "0.1,0.5")
    rows = list(csv.DictReader(io.StringIO(call(*wishes).out)))
    data = pd.read_csv(folder / "t.csv")
    ends = model.predict_interval(data, 0.8)
    assert [*rows[0]] == [*TARGETS, *(f"{end}({name})" for name in TARGETS for end in ("low", "high", "q0.1", "q0.5"))]
    for j, name in enumerate(TARGETS):
        np.testing.assert_array_equal([float(row[f"low({name})"]) for row in rows], ends[:, j, 0])
        np.testing.assert_array_equal([float(row[f"high({name})"]) for row in rows], ends[:, j, 1])
        assert [row[f"q0.5({name})"] for row in rows] == [row[name] for row in rows]
    facts = json.loads(call(*wishes, "--json").out)
    np.testing.assert_array_equal(facts["intervals"], ends)
    np.testing.assert_array_equal(facts["quantiles"]["0.1"], model.predict_quantiles(data, [0.1])[..., 0])


def test_evaluate_and_show_have_the_coverage_of_each(folder: Path, model: Model, call: Callable[..., Any]) -> None:
    data = pd.read_csv(folder / "t.csv")
    ends = model.predict_interval(data, 0.9)
    facts = json.loads(call("evaluate", "m.backpass", "t.csv", "--json").out)
    each = [np.mean((ends[:, j, 0] <= data[name]) & (data[name] <= ends[:, j, 1])) for j, name in enumerate(TARGETS)]
    assert [facts["per_target"][name]["coverage_90"] for name in TARGETS] == pytest.approx(each)
    assert facts["scores"]["coverage_90"] == pytest.approx(np.mean(each))
    assert facts["scores"] == model.evaluate(data)
    assert "coverage_90" in call("evaluate", "m.backpass", "t.csv").out
    coverage = json.loads(call("show", "m.backpass", "--json").out)["coverage"]
    assert coverage["per_target"] == dict(zip(TARGETS, model.record.coverages, strict=True))
    assert f"(price {model.record.coverages[0]:.1%}, rent" in call("show", "m.backpass").out
