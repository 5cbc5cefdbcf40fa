"""The backtest: with a time column, intervals are as wide as the errors of the same fit one stretch of time earlier."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass import Callback
from backpass.errors import InterruptedTraining
from backpass.model import Model, Settings, fit, fit_problem, make_problem
from backpass.model.fitting.ensemble import members_of
from backpass.model.fitting.scoring import ScoredRows
from backpass.table import table_from

N = 1_000
RNG = np.random.default_rng(3)
X = RNG.normal(size=N)
TABLE: dict[str, Any] = {
    "x": X,
    "day": np.datetime64("2020-01-01") + np.arange(N),
    "y": 2.0 * X - 4.0 * np.arange(N) / N + 0.2 * RNG.normal(size=N),
}
SINGLE: dict[str, Any] = {"hidden": (6,), "epochs": 12, "validation_fraction": 0.16, "sampling": "full"}
FOLDS: dict[str, Any] = {**SINGLE, "ensemble_size": 2, "epochs": 8}


def first(rows: int) -> dict[str, Any]:
    return {name: values[:rows] for name, values in TABLE.items()}


def without_backtest(**wishes: Any) -> Model:
    problem = make_problem(table_from(TABLE), "y", Settings.of(wishes), drop=["day"])
    return fit_problem(problem, compare=False)


def without_widening(plain: Model, level: float) -> float:
    """The half width by the validation rows alone: that of the same fit to rows that need no backtest."""
    problem = make_problem(table_from(TABLE), "y", Settings.of(plain.record.settings), drop=["day"])
    members = members_of(problem)
    rows = ScoredRows.of(problem, members, [*plain.theta.reshape(len(members), -1)], "validation")
    assert rows is not None
    found = rows.residuals(problem.head)
    assert found is not None
    return found.half_width(level)


@pytest.mark.parametrize("wishes", [SINGLE, FOLDS], ids=["one network", "folds"])
def test_the_residuals_are_the_larger_of_two_fits_made_by_hand(wishes: dict[str, Any]) -> None:
    model = fit(TABLE, "y", time="day", drop=["day"], **wishes)
    plain = without_backtest(time="day", **wishes)
    assert model.residuals is not None
    np.testing.assert_array_equal(model.theta, plain.theta)
    # The last fifth tests. One stretch earlier, the first 800 rows are the table, and its last fifth tests.
    earlier = fit(first(800), "y", time="day", drop=["day"], **wishes)
    forecasts = [(earlier, slice(640, 800)), (model, slice(800, N))]
    errors = [np.sort(np.abs(TABLE["y"][rows] - each.predict({"x": X[rows]}))) for each, rows in forecasts]
    for level in (0.5, 0.8, 0.9):
        of_validation = without_widening(plain, level)
        backtest, test = (each[int(np.ceil(level * (len(each) + 1))) - 1] for each in errors)
        assert model.residuals.half_width(level) == pytest.approx(max(of_validation, backtest, test), rel=0.04)
        if level == 0.9:  # the coverage of the test rows is that of intervals made without them
            held = np.mean(errors[1] <= max(of_validation, backtest))
            assert model.record.coverage == pytest.approx(held, abs=0.02)
    assert "on the 640 earliest rows, scored on the 160 rows after them" in " ".join(model.record.notes)


def test_intervals_hold_where_the_target_drifts() -> None:
    """The middle of a falling target tells blocks between training rows, not the rows after them."""
    wishes = {**FOLDS, "hidden": (), "ensemble_size": 4, "epochs": 60, "learning_rate": 0.1}
    model = fit(TABLE, "y", time="day", drop=["day"], **wishes)
    plain = without_backtest(time="day", **wishes)
    assert model.record.coverage is not None
    assert plain.record.coverage is not None
    assert model.record.coverage > plain.record.coverage + 0.1
    assert model.record.coverage > 0.8, "of 90 % asked; the middle of more rows is farther from the latest ones"


@pytest.mark.parametrize("missing", ["time", "numbers", "validation rows", "rows"])
def test_there_is_no_backtest_without(missing: str) -> None:
    table = dict(TABLE) if missing != "rows" else first(15)
    wishes = {**SINGLE, "epochs": 2}
    if missing == "numbers":
        table["y"] = np.where(TABLE["y"] > 0, "up", "down")
    if missing == "validation rows":
        wishes["validation_fraction"] = 0.0
    if missing != "time":
        wishes["time"] = "day"
    model = fit(table, "y", drop=["day"], **wishes)
    assert "backtest" not in " ".join(model.record.notes)


class Interrupting(Callback):
    """Sends SIGINT in the middle of the backtest."""

    sent = False

    def on_stage(self, name: str, share: float) -> None:
        if name == "backtest" and not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupted_backtest_is_said_and_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    place = tmp_path / "run.checkpoint"
    whole = fit(TABLE, "y", time="day", **SINGLE)
    with pytest.raises(InterruptedTraining) as caught:
        fit(TABLE, "y", time="day", **SINGLE, checkpoint=place, callbacks=[Interrupting()])
    model = caught.value.model
    assert isinstance(model, Model)
    assert "the backtest was not finished: intervals may be too narrow for later rows" in model.record.notes
    assert fit(TABLE, "y", time="day", **SINGLE, resume_from=place).to_bytes() == whole.to_bytes()
