"""``backpass features``: the learned features of a file's rows, and what they are good for."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from backpass import fit, load, read_table

Run = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A table, a model of its price, and another table with the same inputs and a rent."""
    rng = numpy.random.default_rng(0)
    size, age = rng.uniform(30, 200, 120), rng.uniform(0, 80, 120)
    kind = ["flat" if i % 3 else "house" for i in range(120)]
    price, rent = 10 * size - age, 5.0 + 0.1 * size * (age < 40)
    for name, target, values in (("a.csv", "price", price), ("b.csv", "rent", rent)):
        rows = zip(size, age, kind, values, strict=True)
        text = "\n".join([f"size,age,kind,{target}", *(f"{s:.3f},{a:.3f},{k},{v:.3f}" for s, a, k, v in rows)])
        (tmp_path / name).write_text(text + "\n")
    fit(tmp_path / "a.csv", "price", hidden=(5, 3), activation="tanh", epochs=20).save(tmp_path / "m.backpass")
    return tmp_path


def columns(text: str) -> dict[str, list[str]]:
    rows = [*csv.reader(io.StringIO(text))]
    return {name: [row[j] for row in rows[1:]] for j, name in enumerate(rows[0])}


def test_eq_2_21_features_of_another_table(call: Run, home: Path) -> None:
    """CS229 (2.21): phi_beta(x) = a^[r-1] for a table with another target, which is kept verbatim."""
    done = call("features", "m.backpass", "b.csv", "--keep", "rent")
    assert done.code == 0, done.err
    found = columns(done.out)
    assert [*found] == ["rent", "feature_1", "feature_2", "feature_3"]
    model = load(home / "m.backpass")
    expected = model.features(read_table(home / "b.csv"))
    numbers = numpy.array([found[f"feature_{j}"] for j in (1, 2, 3)], float).T
    numpy.testing.assert_allclose(numbers, expected, rtol=1e-6)
    assert found["rent"] == columns((home / "b.csv").read_text())["rent"]
    views = model.network.layout.views(model.theta)
    outputs = numbers @ views["W3"] + views["b3"]
    (unit,) = model.head.scales
    numpy.testing.assert_allclose(outputs[:, 0] * unit.scale + unit.center, model.predict(home / "b.csv"), rtol=1e-4)


def test_eq_2_21_a_linear_model_is_fitted_on_them(call: Run, home: Path) -> None:
    assert call("features", "m.backpass", "b.csv", "--keep", "rent", "-o", "f.csv").code == 0
    assert call("fit", "f.csv", "-t", "rent", "--hidden", "none", "--epochs", "5").code == 0
    names = [*load(home / "f.backpass").kinds()]
    assert names == ["feature_1", "feature_2", "feature_3"]


def test_json_and_parquet_have_the_same_numbers(call: Run, home: Path) -> None:
    document = json.loads(call("features", "m.backpass", "a.csv", "--json").out)
    assert document["command"] == "features"
    assert call("features", "m.backpass", "a.csv", "-o", "f.parquet").code == 0
    table = read_table(home / "f.parquet")
    stored = numpy.column_stack([table.columns[f"feature_{j}"].values for j in (1, 2, 3)])  # type: ignore[union-attr]
    numpy.testing.assert_allclose(document["features"], stored, rtol=1e-7)


def test_an_ensemble_has_the_features_of_every_network(call: Run, home: Path) -> None:
    fit(home / "a.csv", "price", hidden=(4,), epochs=2, ensemble_size=2).save(home / "two.backpass")
    assert len(columns(call("features", "two.backpass", "a.csv").out)) == 8


def test_what_cannot_be_written_is_refused(call: Run, home: Path) -> None:
    (home / "c.csv").write_text("size,age\n1,2\n")
    missing = call("features", "m.backpass", "c.csv")
    assert (missing.code, missing.out) == (3, "")
    assert "kind" in missing.err
    lines = (home / "a.csv").read_text().replace("price", "feature_2", 1)
    (home / "d.csv").write_text(lines)
    taken = call("features", "m.backpass", "d.csv", "--keep", "feature_2")
    assert (taken.code, taken.out) == (2, "")
    assert "a column of features has this name" in taken.err
    assert call("features", "m.backpass", "a.csv", "-o", "a.csv").code == 2


@pytest.mark.parametrize("size", [1, 2])
def test_show_time_measures_each_layer(call: Run, home: Path, size: int) -> None:
    fit(home / "a.csv", "price", hidden=(5, 3), epochs=2, ensemble_size=size).save(home / "t.backpass")
    shown = call("show", "t.backpass", "--time")
    assert shown.code == 0, shown.err
    for k in (1, 2, 3):
        assert f"layer {k} of 3" in shown.out
    assert "all layers" in shown.out
    assert ("one of the networks" in shown.out) == (size > 1)
    measured = json.loads(call("show", "t.backpass", "--time", "--json").out)["time"]
    first = measured["layers"][0]
    d = load(home / "t.backpass").network.inputs
    assert first["forward_flops"] == pytest.approx(2 * d * 5 + 5 + 5 - 5, abs=10)
    assert all(layer["forward_seconds"] > 0 for layer in measured["layers"])
    assert "time" not in json.loads(call("show", "t.backpass", "--json").out)
