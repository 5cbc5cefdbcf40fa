"""Warnings that a score is too good: leaks, nearly perfect scores, identifiers, groups behind a dropped column."""

from __future__ import annotations

import datetime
import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from sample_tables import written

Run = Callable[..., Any]
QUICK = ("--hidden", "8", "--epochs", "3")


def plain(rows: int = 600) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, rows))
    return {"a": a, "b": b, "y": a + b + rng.normal(size=rows)}


def visits() -> dict[str, Any]:
    """Six rows each of 150 patients, whose targets resemble each other."""
    rng = np.random.default_rng(1)
    patient = np.repeat(rng.permutation(np.arange(1_000, 1_600, 4)), 6)
    level = dict(zip(np.unique(patient), rng.normal(size=150), strict=True))
    y = np.array([level[each] for each in patient]) + 0.3 * rng.normal(size=900)
    order = rng.permutation(900)
    return {"patient_id": patient[order], "age": rng.normal(size=900)[order], "y": y[order]}


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_nearly_perfect_score_is_a_warning(noise: float) -> None:
    columns = plain()
    columns["y"] = 2.0 * columns["a"] + columns["b"] + noise * np.random.default_rng(2).normal(size=600)
    settings: dict[str, Any] = {"hidden": (), "optimizer": "sgd", "learning_rate": 0.5, "epochs": 60}
    model = backpass.fit(columns, "y", **settings)
    found = [each for each in model.record.warnings if "nearly perfect" in each]
    assert (model.record.scores["test"]["r2"] > 0.9995) == (noise == 0.0)
    assert len(found) == (noise == 0.0)
    if found:
        assert f"r2 {model.record.scores['test']['r2']:.6g} on the test rows" in found[0]


def test_a_nearly_perfect_accuracy_is_one_too(call: Run, tmp_path: Path) -> None:
    columns = plain(1_000)
    far = np.where(columns["a"] > 0, columns["a"] + 2.0, columns["a"] - 2.0)
    path = written({"a": far, "b": columns["b"], "kind": np.where(far > 0, "yes", "no")}, tmp_path / "t.csv")
    done = call("fit", path, "-t", "kind", "-o", "m.backpass", "--hidden", "8", "--epochs", "20")
    assert "warning: the score is nearly perfect (accuracy 1 on the test rows)" in done.err
    facts = call("report", "m.backpass", path, "--json").json
    assert any("nearly perfect" in each for each in facts["warnings"])


IDENTIFIERS = {
    "gaps": (
        "order",
        np.cumsum(np.random.default_rng(0).integers(1, 9, 600)),
        "distinct integers that increase from row to row: an identifier?",
    ),
    "named": (
        "customerId",
        np.random.default_rng(0).permutation(9_000)[:600],
        "distinct integers in a column named as an identifier",
    ),
    "counter": ("nr", np.arange(600), "consecutive integers: a row number?"),
}


@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_numbers_that_name_rows_are_found(call: Run, tmp_path: Path, kind: str) -> None:
    name, values, text = IDENTIFIERS[kind]
    path = written({name: values, **plain()}, tmp_path / "t.csv")
    facts = call("inspect", path, "-t", "y", "--json").json
    found = {column["name"]: column["findings"] for column in facts["columns"]}
    assert [text in each["text"] for each in found[name]] == [True]
    assert not any("identifier" in each["text"] for name in "ab" for each in found[name])
    done = call("fit", path, "-t", "y", "-o", "m.backpass", *QUICK)
    said = "numbers the rows of the table" if kind == "counter" else text
    assert f"column '{name}'" in done.err
    assert said in done.err
    assert f"--drop {name} leaves it out" in done.err
    assert said not in call("fit", path, "-t", "y", "-o", "m.backpass", *QUICK, "--drop", name).err


def test_measurements_are_no_identifiers(call: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {"width": rng.permutation(9_000)[:600], "age": rng.integers(1, 90, 600), **plain()}
    path = written(columns, tmp_path / "t.csv")
    assert "identifier" not in call("fit", path, "-t", "y", "-o", "m.backpass", *QUICK).err
    facts = call("inspect", path, "-t", "y", "--json").json
    assert not any("identifier" in each["text"] for column in facts["columns"] for each in column["findings"])


def test_a_dropped_identifier_is_suspected_as_a_group(call: Run, tmp_path: Path) -> None:
    path = written(visits(), tmp_path / "t.csv")
    text = "column 'patient_id': 150 values of about 6 rows each, which have similar targets"
    fit = ("fit", path, "-t", "y", "-o", "m.backpass", *QUICK)
    assert text in call(*fit).err
    dropped = call(*fit, "--drop", "patient_id")
    assert text in dropped.err
    assert "--group patient_id" in dropped.err
    model = backpass.load(tmp_path / "m.backpass")
    assert [feature.name for feature in model.schema.features] == ["age"]
    assert text not in call(*fit, "--drop", "patient_id", "--group", "patient_id").err
    found = backpass.fit(visits(), "y", drop=["patient_id"], hidden=(8,), epochs=3)
    assert any(each.startswith(text) for each in found.record.warnings)


def test_a_dropped_identifier_may_hold_anything_and_be_absent_elsewhere(call: Run, tmp_path: Path) -> None:
    columns = visits()
    columns["patient_id"] = np.where(np.arange(900) % 7 == 0, "n/k?", columns["patient_id"].astype(str))
    path = written(columns, tmp_path / "t.csv")
    other = written({name: visits()[name] for name in ("age", "y")}, tmp_path / "other.csv")
    done = call("fit", path, "-t", "y", "-o", "m.backpass", *QUICK, "--drop", "patient_id", "--test-file", other)
    assert done.code == 0
    assert "900 test rows with the columns of a training" in done.err
    assert call("predict", "m.backpass", other).code == 0
    assert call("fit", path, "-t", "y", "--drop", "patiend_id").code == 3


@pytest.mark.parametrize("written_as", ["%Y-%m-%d", "%Y%m%d", "%d %b %Y", "%d.%m.%y"])
def test_a_dropped_date_is_suspected_as_time(call: Run, tmp_path: Path, written_as: str) -> None:
    rng = np.random.default_rng(2)
    day = np.sort(rng.integers(0, 700, 400))
    dates = [(datetime.date(2022, 1, 1) + datetime.timedelta(int(each))).strftime(written_as) for each in day]
    columns = {"sold_on_date": dates, "a": rng.normal(size=400), "y": np.sin(day / 60) + 0.1 * rng.normal(size=400)}
    order = rng.permutation(400)
    path = written({name: np.array(values)[order] for name, values in columns.items()}, tmp_path / "t.csv")
    fit = ("fit", path, "-t", "y", "-o", "m.backpass", *QUICK)
    done = call(*fit, "--drop", "sold_on_date")
    assert "column 'sold_on_date': rows with similar dates have similar targets" in done.err
    assert [each.name for each in backpass.load(tmp_path / "m.backpass").schema.features] == ["a"]
    assert "similar dates" not in call(*fit, "--drop", "sold_on_date", "--time", "sold_on_date").err


def test_a_dropped_column_called_a_date_may_hold_anything(call: Run, tmp_path: Path) -> None:
    columns = {"update": [f"n/k? {i % 7}" for i in range(600)], "day": ["2024-01-01", "soon"] * 300, **plain()}
    path = written(columns, tmp_path / "t.csv")
    done = call("fit", path, "-t", "y", "-o", "m.backpass", *QUICK, "--drop", "update,day")
    assert done.code == 0
    assert "2 numeric" in done.err


def test_a_test_file_with_training_rows_is_a_warning(call: Run, tmp_path: Path) -> None:
    columns = plain()
    path = written(columns, tmp_path / "t.csv")
    part = written({name: values[:50] for name, values in columns.items()}, tmp_path / "part.csv")
    done = call("fit", path, "-t", "y", "-o", "m.backpass", *QUICK, "--test-file", part)
    assert "50 test rows with the columns of a training" in done.err


def said_everywhere(call: Run, path: Path, *options: str) -> list[str]:
    """What ``inspect``, ``fit`` and the page of ``report`` say of a table with the target y."""
    facts = call("inspect", path, "-t", "y", "--json").json
    columns = {column["name"]: [each["text"] for each in column["findings"]] for column in facts["columns"]}
    inspected = [f"column {name!r}: {text}" for name, texts in columns.items() for text in texts]
    inspected += [each["text"] for each in facts["findings"]]
    fitted = call("fit", path, "-t", "y", "-o", "m.backpass", *QUICK, *options).err
    call("report", "m.backpass", path, "-o", "m.html")
    page = " ".join(html.unescape((path.parent / "m.html").read_text()).split())
    return ["\n".join(inspected), fitted, page]


def test_a_text_that_tells_the_target_is_a_leak(call: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice([*"abcdefghij"], 6)) for _ in range(200)]
    left = rng.random(600) < 0.3
    notes = [" ".join(rng.choice(words, 6)) + (" contract cancelled" if each else "") for each in left]
    path = written({**plain(), "note": notes, "y": np.where(left, "left", "stays")}, tmp_path / "t.csv")
    for text in said_everywhere(call, path):
        assert "column 'note': by itself it predicts the target 'y' almost perfectly (AUC 1.000" in text


def test_an_order_of_the_rows_that_tells_the_target_is_said(call: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {**plain(), "y": np.cumsum(rng.normal(size=600))}
    path = written(columns, tmp_path / "t.csv")
    for text in said_everywhere(call, path):
        assert "consecutive rows have similar targets: if they are ordered by time or by group" in text
    shuffled = {name: np.asarray(values)[rng.permutation(600)] for name, values in columns.items()}
    for text in said_everywhere(call, written(shuffled, tmp_path / "t.csv")):
        assert "consecutive rows" not in text
    ordered = written({"step": np.arange(600) // 2, **columns}, tmp_path / "t.csv")
    assert "consecutive rows" not in call("fit", ordered, "-t", "y", "-o", "m.backpass", *QUICK, "--time", "step").err
