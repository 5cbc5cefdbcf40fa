"""Importance on thousands of columns: the largest slopes one by one, all others together, and said to be so."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.cli import main
from backpass.model import Model
from backpass.reporting.explanation import importance
from backpass.reporting.explanation.importance import importances, screened, screening_note
from backpass.reporting.numbers.columns import by_column, columns_of
from backpass.reporting.numbers.held_out import HeldOut, held_out

ROWS, WIDE = 160, 60
QUICK: dict[str, Any] = {"epochs": 60, "hidden": (), "batch_size": 16, "learning_rate": 0.05}


def table(wide: int = WIDE, kind: str = "number") -> dict[str, Any]:
    """A target that depends on two numbers, a date and a category among many columns of noise."""
    draw = np.random.default_rng(2)
    noise = draw.normal(size=(wide, ROWS))
    town = draw.choice(["Rome", "Oslo", "Bern"], ROWS)
    day = np.datetime64("2024-01-01") + draw.integers(0, 300, ROWS)
    days = (day - np.datetime64("2024-01-01")).astype(float) / 100.0
    y = 3.0 * noise[0] - 2.0 * noise[1] + 2.0 * (town == "Rome") + days
    columns: dict[str, Any] = {f"c{j}": each for j, each in enumerate(noise)}
    columns = {**columns, "town": town, "day": day.astype(str)}
    return {**columns, "y": y if kind == "number" else np.where(y > np.median(y), "high", "low")}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of a few columns in place of hundreds, so that a small table is wide."""
    monkeypatch.setattr(importance, "MOST_COLUMNS", 20)
    monkeypatch.setattr(importance, "SCREENED", 6)


@pytest.fixture(scope="module", params=["number", "classes"])
def fitted(request: pytest.FixtureRequest) -> tuple[Model, dict[str, Any]]:
    data = table(kind=request.param)
    return backpass.fit(data, "y", **QUICK), data


def rows_of(model: Model, data: dict[str, Any]) -> HeldOut:
    return held_out(model, model.table(data, with_target=True), "importance")


@pytest.mark.usefixtures("few")
def test_the_important_columns_are_measured_one_by_one(fitted: tuple[Model, dict[str, Any]]) -> None:
    model, data = fitted
    found = backpass.permutation_importance(model, data)
    (others,) = [each for each in found if each.columns > 1]
    assert others.name == f"{WIDE - 4} other columns"
    assert others.columns == WIDE + 2 - 6
    assert {"c0", "c1", "day"} <= {each.name for each in found}
    assert [each.worse for each in found] == sorted((each.worse for each in found), reverse=True)
    note = (
        f"of {WIDE + 2} columns, the 6 with the largest slopes are shuffled one by one, the {WIDE - 4} others together"
    )
    assert screening_note(found) == note


def test_columns_that_are_measured_one_by_one_have_the_same_importance(
    fitted: tuple[Model, dict[str, Any]], few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, data = fitted
    some = importances(model, rows_of(model, data))
    monkeypatch.setattr(importance, "MOST_COLUMNS", 1_000)
    every = {each.name: each for each in importances(model, rows_of(model, data))}
    assert len(every) == WIDE + 2
    assert [each for each in some if each.columns == 1] == [every[each.name] for each in some if each.columns == 1]


@pytest.mark.usefixtures("few")
def test_the_others_are_shuffled_together(fitted: tuple[Model, dict[str, Any]]) -> None:
    """Their importance is that of one shuffle of all their inputs, computed by hand with predictions."""
    model, data = fitted
    held = rows_of(model, data)
    columns = columns_of(model)
    groups = by_column(columns, model.feature_map.groups())
    chosen = screened(model, held.x, columns)
    group = np.concatenate([groups[j] for j in range(len(groups)) if j not in chosen])
    (found,) = [each for each in importances(model, held, repeats=40) if each.columns > 1]
    draw, worse = np.random.default_rng(0), []
    metric = "rmse" if not model.classes else "log_loss"
    for _ in range(40):
        x = held.x.copy()
        x[:, group] = x[draw.permutation(len(x))][:, group]
        scores = [model.head.scores(o, held.truth, None)[metric] for o in (model.ensemble.outputs(x), held.outputs)]
        worse.append(scores[0] - scores[1])
    assert found.worse == pytest.approx(np.mean(worse), abs=4.0 * found.spread / 40**0.5 + 0.01)


@pytest.mark.usefixtures("few")
def test_the_command_and_the_report_say_so(
    fitted: tuple[Model, dict[str, Any]], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = fitted
    model.save(tmp_path / "m.backpass")
    lines = [",".join(map(str, row)) for row in zip(*data.values(), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(data), *lines, ""]))
    assert main(["importance", str(tmp_path / "m.backpass"), str(tmp_path / "t.csv")]) == 0
    captured = capsys.readouterr()
    assert f"{WIDE - 4} other columns" in captured.out
    assert "are shuffled one by one" in captured.out + captured.err
    assert main(["importance", str(tmp_path / "m.backpass"), str(tmp_path / "t.csv"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert sum(each.get("columns", 1) for each in document["importances"]) == WIDE + 2
    page = backpass.report(model, data)
    assert f"the {WIDE - 4} others together" in page
