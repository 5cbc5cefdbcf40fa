"""Targets of positive numbers: what is said of very skewed ones, and intervals that do not start below zero."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.cli import main
from backpass.model.loading import from_bytes
from backpass.table import table_from
from backpass.table.diagnosis.inspection import inspect_table
from backpass.table.diagnosis.skewness import skewness_of

OPTIONS: dict[str, Any] = {"hidden": (8,), "epochs": 2, "seed": 3, "validation_fraction": 0.3}


def table(spread: float, shift: float = 0.0, rows: int = 300) -> dict[str, Any]:
    draw = np.random.default_rng(5)
    x, noise = draw.normal(size=rows), draw.normal(size=rows)
    return {"x": x, "y": np.exp(spread * (x + 0.3 * noise)) + shift}


def half_widths(model: backpass.Model, predicted: Any) -> Any:
    """Half the width of the 0.9 interval of each prediction."""
    assert model.intervals is not None
    (own,) = model.intervals.each
    assert own.spread is not None
    return own.half_width(0.9) * own.spread.at(predicted)


def test_no_end_of_an_interval_is_below_zero() -> None:
    data = table(2.0)
    model = backpass.fit(data, "y", **OPTIONS)
    kept = from_bytes(model.to_bytes())
    assert kept.intervals is not None
    assert kept.intervals.each[0].floor == 0.0
    predicted = model.predict(data)
    half = half_widths(model, predicted)
    assert (predicted - half).min() < 0.0
    for each in (model, kept):
        interval = each.predict_interval(data)
        assert interval.min() == 0.0
        assert np.array_equal(interval, np.maximum(np.column_stack([predicted - half, predicted + half]), 0.0))
        quantiles = each.predict_quantiles(data)
        assert quantiles.min() == 0.0
        assert (np.diff(quantiles, axis=1) >= 0.0).all()


def test_coverage_does_not_suffer() -> None:
    data = table(2.0)
    model = backpass.fit(data, "y", **OPTIONS)
    low, high = model.predict_interval(data).T
    predicted, y = model.predict(data), data["y"]
    half = half_widths(model, predicted)
    inside = (predicted - half <= y) & (y <= predicted + half)
    assert np.array_equal((low <= y) & (y <= high), inside)


def test_intervals_of_a_target_with_negative_numbers_are_as_before() -> None:
    data = table(2.0, shift=-5.0)
    model = backpass.fit(data, "y", **OPTIONS)
    assert model.intervals is not None
    assert model.intervals.each[0].floor is None
    predicted = model.predict(data)
    half = half_widths(model, predicted)
    assert np.array_equal(model.predict_interval(data), np.column_stack([predicted - half, predicted + half]))
    assert b"residual_floor" not in model.to_bytes()


def test_the_command_line_gives_the_same_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = table(2.0)
    model = backpass.fit(data, "y", **OPTIONS)
    model.save(tmp_path / "m.backpass")
    lines = ["x", *(repr(float(x)) for x in data["x"])]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    asked = ["predict", str(tmp_path / "m.backpass"), str(tmp_path / "new.csv"), "--interval", "0.9"]
    assert main([*asked, "--quantiles", "0.05,0.95", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    interval = model.predict_interval(data)
    assert np.array_equal(facts["intervals"], interval)
    assert np.array_equal(facts["quantiles"]["0.05"], interval[:, 0])
    assert main(asked) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert min(float(row.split(",")[1]) for row in rows) == 0.0


@pytest.mark.parametrize(("spread", "is_said"), [(0.3, False), (0.8, False), (2.0, True), (3.0, True)])
def test_a_very_skewed_target_is_said(spread: float, is_said: bool) -> None:
    data = table(spread)
    what = "is positive and very skewed"
    notes = backpass.fit(data, "y", **OPTIONS).record.notes
    assert any(what in note for note in notes) == is_said
    findings = inspect_table(table_from(data), "y").findings
    assert ("skewed_target" in [each.code for each in findings]) == is_said
    if is_said:
        poisson = backpass.fit(data, "y", **OPTIONS, loss="poisson").record.notes
        assert not any(what in note for note in poisson)


def test_what_is_said_of_zeros_and_of_few_rows() -> None:
    y = np.exp(np.linspace(0.0, 12.0, 100))
    assert "or the logarithm of the target" in skewness_of("y", y)
    zeros = skewness_of("y", np.append(y, 0.0))
    assert "never negative" in zeros
    assert "logarithm" not in zeros
    assert skewness_of("y", y[::10]) == skewness_of("y", -y) == skewness_of("y", y - 2.0) == ""
    assert skewness_of("y", np.repeat([0.0, 5.0], [90, 10])) == ""
