"""A report on several numeric targets: scores, pictures, importance and sliders of each, computed in another way."""

from __future__ import annotations

import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fitted import Case
from pages import MOVE, Reader, opened, quiet_and_alone

import backpass
from backpass.errors import UsageError
from backpass.reporting import permutation_importance, report
from backpass.reporting.numbers.held_out import held_out
from backpass.reporting.page import whatif
from backpass.reporting.page.facts import facts_of
from backpass.reporting.page.page import findings_on
from chromium import Browser

TARGETS = ["price", "<b>rent", "gain, net"]
SETTINGS: dict[str, Any] = {"preset": "plain", "hidden": (8,), "epochs": 20, "learning_rate": 0.02}


@cache
def several() -> Case:
    """A model of three numbers of different units, each of which rests on columns of its own."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(400, 3)), 0.3 * rng.normal(size=(400, 3))
    town = np.where(x[:, 2] > 0.0, "north", "south")
    columns = {
        **{"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "town": town.tolist(), "noise": noise[:, 0].tolist()},
        "price": (5.0 + 2.0 * x[:, 0] + noise[:, 0]).tolist(),
        "<b>rent": (1000.0 * (3.0 + x[:, 1] + noise[:, 1])).tolist(),
        "gain, net": (0.01 * (3.0 * x[:, 1] + 2.0 * (x[:, 2] > 0.0) + noise[:, 2])).tolist(),
    }
    return Case(backpass.fit(columns, TARGETS, validation_fraction=0.2, **SETTINGS), columns)


@cache
def facts() -> dict[str, Any]:
    return facts_of(findings_on(several().model, several().columns))


def test_scores_of_each_target_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    case = several()
    held = held_out(case.model, case.model.table(case.columns, with_target=True))
    assert held.is_known
    rows = pd.DataFrame(case.columns).iloc[[number - 1 for number in held.table.row_numbers]]
    predicted, ends = case.model.predict(rows), case.model.predict_interval(rows, 0.9)
    for j, name in enumerate(TARGETS):
        found, y = facts()["per_target"][name], rows[name]
        assert found["rmse"] == pytest.approx(root_mean_squared_error(y, predicted[:, j]))
        assert found["mae"] == pytest.approx(mean_absolute_error(y, predicted[:, j]))
        assert found["r2"] == pytest.approx(r2_score(y, predicted[:, j]))
        low, high = facts()["intervals_per_target"][name]["rmse"]
        assert low < found["rmse"] < high
        inside = np.mean((ends[:, j, 0] <= y) & (y <= ends[:, j, 1]))
        assert found["coverage_90"] == pytest.approx(inside)
    means = {metric: np.mean([facts()["per_target"][name][metric] for name in TARGETS]) for metric in ("rmse", "r2")}
    assert {name: facts()["scores"][name] for name in means} == pytest.approx(means)


def test_importance_counts_the_targets_alike() -> None:
    """The mean of r2: that of RMSE would know only the column of the target with the largest numbers."""
    from sklearn.metrics import r2_score

    case = several()
    held = held_out(case.model, case.model.table(case.columns, with_target=True))
    found = {each.name: each for each in permutation_importance(case.model, case.columns, repeats=8)}
    assert [*found][-1] == "noise"
    rng, rows = np.random.default_rng(1), pd.DataFrame(case.columns).iloc[[n - 1 for n in held.table.row_numbers]]
    before = case.model.predict(rows)
    for name in ("a", "b", "town"):
        losses, moves = [], []
        for _ in range(8):
            after = case.model.predict(rows.assign(**{name: rng.permutation(rows[name].to_numpy())}))
            losses.append(r2_score(rows[TARGETS], before) - r2_score(rows[TARGETS], after))
            moves.append(np.abs(after - before).mean(axis=0))
        assert found[name].worse == pytest.approx(np.mean(losses), rel=0.25)
        if name == "town":  # the change is in standard deviations of the targets
            scales = np.array([each.scale for each in case.model.head.scales])
            assert found[name].change == pytest.approx(np.mean(np.mean(moves, axis=0) / scales), rel=0.25)
    assert found["a"].worse > 0.1


def test_the_page_has_a_section_for_each_target() -> None:
    text = report(several().model, several().columns)
    page = Reader(text)
    assert page.faults == []
    joined = " ".join(page.texts)
    for name in TARGETS:
        assert f"Residuals: {name}" in joined
        assert f"Predicted vs. true values: {name}" in joined
        assert f"{name} by b" in joined
    assert "Per target, with 95% intervals" in joined
    assert "Interactive sliders are omitted" not in joined
    command = next(each for each in page.texts if each.startswith("backpass fit TABLE"))
    assert shlex.split(command)[4] == 'price,<b>rent,"gain, net"'
    assert len({*page.ids}) == len(page.ids)


def test_the_worst_rows_have_the_largest_errors_in_standard_deviations() -> None:
    case = several()
    held = held_out(case.model, case.model.table(case.columns, with_target=True))
    scales = np.array([each.scale for each in case.model.head.scales])
    errors = (np.abs(held.truth - held.predicted) / scales).max(axis=1)
    worst = f"{held.table.row_numbers[int(errors.argmax())]:,}"
    text = report(case.model, case.columns)
    assert f"<td>{worst}</td>" in text or f">{worst}<" in text


def test_the_circuit_of_the_sliders_predicts_what_the_model_does() -> None:
    case = several()
    encoded = case.model.schema.encode(case.model.table(case.columns))
    found = whatif.forward(case.model)(case.model.theta.reshape(-1), encoded.numbers, encoded.codes)
    np.testing.assert_allclose(found, case.model.predict(case.columns), rtol=1e-4, atol=1e-5)


def test_sliders_move_every_target(browser: Browser, tmp_path: Path) -> None:
    case = several()
    path = opened(browser, report(case.model, case.columns), tmp_path)
    after = browser.run(MOVE % (1.5, 0))
    assert quiet_and_alone(browser, path), browser.complaints
    row = {each["name"]: each["value"] for each in json.loads(browser.run("facts.textContent"))["columns"]}
    values = {name: [value] for name, value in row.items()} | {"town": [["north", "south"][row["town"] - 1]]}
    order = json.loads(
        browser.run("JSON.stringify([...document.querySelectorAll('.control')].map(e => e.dataset.column))")
    )
    moved = [*row][int(order[0])]
    expected = case.model.predict({**values, moved: [1.5]})[0]
    shown = [float(text.replace(",", "").split()[-1]) for text in after.replace(", net", " net").split(", ")]
    assert shown == pytest.approx(expected, rel=2e-3)
    assert browser.run("document.querySelectorAll('#along svg').length") == 3
    assert "compared with the typical row" in browser.run("document.getElementById('change').textContent")


def test_several_quantiles_have_no_report() -> None:
    from backpass import BackpassRegressor

    X = np.random.default_rng(0).normal(size=(80, 2))
    model = BackpassRegressor(preset="plain", epochs=1, loss="quantile", quantile=(0.1, 0.9)).fit(X, X[:, 0]).model_
    with pytest.raises(UsageError, match="one prediction per target; this model predicts 2 quantiles"):
        report(model)


def test_plots_of_one_number_refuse_several() -> None:
    model = several().model
    with pytest.raises(UsageError, match="a plot of predictions shows a single number; this model predicts 3"):
        model.plot.predictions(several().columns)
    assert model.plot.importance(several().columns) is not None
