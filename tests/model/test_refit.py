"""The refit: trained again on all rows as by hand, with the scores, decisions and intervals of the model before."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass import Callback
from backpass.errors import InterruptedTraining
from backpass.model import Model, Settings, fit, fit_problem, from_bytes, make_problem
from backpass.table import table_from

N = 400
RNG = np.random.default_rng(7)
X = RNG.normal(size=(N, 3))
TRUE = X[:, 0] + 2.0 * np.sin(X[:, 1])
NUMBERS: dict[str, Any] = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": TRUE + 0.3 * RNG.normal(size=N)}
CLASSES: dict[str, Any] = {**NUMBERS, "y": np.where(TRUE + RNG.normal(size=N) > 0.5, "yes", "no")}
DAYS: dict[str, Any] = {**NUMBERS, "day": np.datetime64("2020-01-01") + np.arange(N)}
GROUPS: dict[str, Any] = {**CLASSES, "id": np.repeat(np.arange(N // 8), 8)}
VALIDATED: dict[str, Any] = {"hidden": (8,), "epochs": 12, "validation_fraction": 0.16, "sampling": "full"}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": (NUMBERS, {"hidden": (8,), "epochs": 12}),
    "best epoch": (NUMBERS, VALIDATED),
    "split": (NUMBERS, {**VALIDATED, "ensemble_size": 2, "ensemble_split": "split"}),
    "folds": (NUMBERS, {**VALIDATED, "ensemble_size": 3}),
    "classes": (CLASSES, {**VALIDATED, "calibration": "temperature", "threshold": "f1"}),
    "time": (DAYS, {**VALIDATED, "time": "day"}),
    "groups and folds": (GROUPS, {**VALIDATED, "ensemble_size": 2, "group": "id", "calibration": "temperature"}),
}

pytestmark = pytest.mark.filterwarnings("ignore::backpass.errors.BackpassWarning")


@pytest.mark.parametrize("name", CASES)
def test_only_the_network_is_new(name: str) -> None:
    table, wishes = CASES[name]
    before, after = fit(table, "y", **wishes), fit(table, "y", **wishes, refit=True)
    one, two = before.record.to_json(), after.record.to_json()
    assert two.pop("refit")["rows"] == N
    assert two["settings"].pop("refit") is True
    for same in ("scores", "baselines", "comparison", "rows", "history", "warnings", "notes"):
        assert one.get(same) == two.get(same), same
    assert not np.array_equal(before.theta, after.theta)
    assert before.head.decision == after.head.decision
    if before.intervals is not None:
        assert after.intervals is not None
        np.testing.assert_array_equal(before.intervals.each[0].values, after.intervals.each[0].values)
    again = from_bytes(after.to_bytes())
    assert again.to_bytes() == after.to_bytes()
    rows = {column: values[:5] for column, values in table.items() if column != "y"}
    np.testing.assert_array_equal(again.predict(rows), after.predict(rows))
    found = after.evaluation(after.table(table, with_target=True))
    assert found.comparison is not None, "the baselines belong to the new columns and scales"


@pytest.mark.parametrize("name", ["plain", "best epoch"])
def test_it_trains_on_every_row_as_by_hand(name: str) -> None:
    """A fit to the table alone, without splits, for the best number of epochs on the same schedule."""
    table, wishes = CASES[name]
    model = fit(table, "y", **wishes, refit=True)
    alone = Settings.of({**wishes, "validation_fraction": 0.0, "test_fraction": 0.0})
    problem = make_problem(table_from(table), "y", alone)
    best = model.record.best_epoch

    class UntilBest(Callback):
        def on_epoch(self, record: Any, progress: Any) -> bool:
            return record.epoch == best

    by_hand = fit_problem(problem, callbacks=[UntilBest()])
    rows = {column: values for column, values in table.items() if column != "y"}
    # The rows come in another order, so that batches and sums differ.
    tolerance = 0.5 if name == "plain" else 2e-3
    np.testing.assert_allclose(model.predict(rows), by_hand.predict(rows), atol=tolerance)
    assert model.record.refit == {"rows": N, "epochs": [best]}


def test_the_rows_of_other_files_train_too() -> None:
    first, last = ({name: values[part] for name, values in NUMBERS.items()} for part in (slice(300), slice(300, N)))
    model = fit(first, "y", test=last, hidden=(4,), epochs=2, refit=True)
    assert model.record.refit is not None
    assert model.record.refit["rows"] == N


class Interrupting(Callback):
    """Sends SIGINT in the middle of the refit."""

    def on_stage(self, name: str, share: float) -> None:
        if name == "refit":
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupted_refit_keeps_the_model_before_and_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    place = tmp_path / "run.checkpoint"
    whole, before = fit(NUMBERS, "y", **VALIDATED, refit=True), fit(NUMBERS, "y", **VALIDATED)
    with pytest.raises(InterruptedTraining) as caught:
        fit(NUMBERS, "y", **VALIDATED, refit=True, checkpoint=place, callbacks=[Interrupting()])
    model = caught.value.model
    assert isinstance(model, Model)
    np.testing.assert_array_equal(model.theta, before.theta)
    assert model.record.notes[-1] == "the refit was not finished (interrupted): the model is the one before the refit"
    assert fit(NUMBERS, "y", **VALIDATED, refit=True, resume_from=place).to_bytes() == whole.to_bytes()


def test_a_model_without_a_refit_does_not_name_it() -> None:
    record = fit(NUMBERS, "y", hidden=(2,), epochs=1).record.to_json()
    assert "refit" not in record
    assert "refit" not in record["settings"]
