"""Distillation: one network with a model's predictions, its rows, its split, and scores of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backpass
from backpass.errors import BackpassWarning, DataError, UsageError
from backpass.model import Model, fit, load
from backpass.model.distillation.distill import distillation_problem
from backpass.model.distillation.mixing import REPLACED, mixed_rows
from backpass.table import table_from

N = 240
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2)).round(3)
SIGNAL = np.sin(2.0 * X[:, 0]) + X[:, 1]
TOWN = np.array(["north", "south", "west"])[RNG.integers(3, size=N)]
BASE: dict[str, Any] = {"a": X[:, 0], "b": X[:, 1], "town": TOWN}
NUMBER: dict[str, Any] = {**BASE, "y": SIGNAL + (TOWN == "west") + RNG.normal(0.0, 0.2, N)}
TWO: dict[str, Any] = {**BASE, "y": np.where(SIGNAL + RNG.normal(0.0, 0.5, N) > 0.5, "yes", "no")}
THREE: dict[str, Any] = {**BASE, "y": np.where(SIGNAL > 0.7, "c", np.where(SIGNAL < -0.7, "a", "b"))}
BIG: dict[str, Any] = {"hidden": (12,), "epochs": 20, "ensemble_size": 3, "learning_rate": 0.02}
SMALL: dict[str, Any] = {"mixed": 4, "preset": "plain", "hidden": (16,), "epochs": 12, "learning_rate": 0.02}
PLAIN: dict[str, Any] = {name: value for name, value in SMALL.items() if name != "mixed"}


@pytest.fixture(scope="module")
def big() -> Model:
    return fit(NUMBER, "y", **BIG)


def test_mixed_rows_keep_the_values_of_each_column_and_replace_their_share() -> None:
    table = table_from({**BASE, "row": np.arange(N)})
    mixed, base = mixed_rows(table, 4_000, seed=3)
    for name, column in mixed.columns.items():
        kept = np.mean(_values(column) == _values(table.columns[name])[base])
        same = {"town": 1.0 / 3.0}.get(name, 1.0 / N)
        assert kept == pytest.approx(1.0 - REPLACED * (1.0 - same), abs=0.03), name
    again, _ = mixed_rows(table, 4_000, seed=3)
    assert again == mixed
    assert mixed_rows(table, 4_000, seed=4)[0] != mixed
    # Columns are drawn independently of each other.
    moved = [_values(column) != _values(table.columns[name])[base] for name, column in mixed.columns.items()]
    assert abs(np.corrcoef(moved[0], moved[1])[0, 1]) < 0.05


def _values(column: Any) -> Any:
    return column.codes if hasattr(column, "codes") else column.values


def test_the_network_follows_the_model_more_closely_than_the_target(big: Model) -> None:
    small = backpass.distill(big, NUMBER, **SMALL)
    alone = fit(NUMBER, "y", validation_fraction=big.record.settings["validation_fraction"], **PLAIN)
    grid = {"a": RNG.normal(size=400), "b": RNG.normal(size=400), "town": RNG.choice(["north", "south", "west"], 400)}
    wanted = big.predict(grid)
    ours, theirs = (float(np.mean((each.predict(grid) - wanted) ** 2)) for each in (small, alone))
    assert ours < 0.5 * theirs
    assert (small.networks, big.networks) == (1, 3)
    assert len(small.to_bytes()) < len(big.to_bytes())


def test_the_test_rows_are_those_of_the_model_and_it_is_scored_on_them(big: Model) -> None:
    small = backpass.distill(big, NUMBER, **SMALL)
    assert small.record.teacher_scores["test"]["rmse"] == pytest.approx(big.record.scores["test"]["rmse"], rel=1e-6)
    assert any("the rows are split as they were for the model" in note for note in small.record.notes)
    assert small.record.rows["test"] == big.record.rows["test"]
    assert small.record.baselines.keys() == big.record.baselines.keys()
    assert not any("test rows" in warning for warning in small.record.warnings)


def test_made_up_rows_are_no_rows_of_the_model(big: Model) -> None:
    problem = distillation_problem(big, NUMBER, mixed=3, settings=PLAIN)
    known = problem.parts["train"].rows + problem.parts["validation"].rows
    assert problem.trained.rows == 4 * known
    usual = distillation_problem(big, NUMBER, settings=PLAIN)
    assert usual.trained.rows == (1 + -(-8_192 // known)) * known
    small = backpass.distill(big, NUMBER, mixed=3, **PLAIN)
    assert sum(small.record.rows.values()) == N
    assert small.training_rows is not None
    assert small.training_rows.rows == known
    assert small.record.columns.keys() == BASE.keys()


def test_the_same_call_gives_the_same_bytes_and_the_file_loads(big: Model, tmp_path: Path) -> None:
    one, two = (backpass.distill(big, NUMBER, **SMALL) for _ in range(2))
    assert one.to_bytes() == two.to_bytes()
    one.save(tmp_path / "small.backpass")
    np.testing.assert_array_equal(load(tmp_path / "small.backpass").predict(BASE), one.predict(BASE))


def test_intervals_are_no_narrower_than_those_of_the_model(big: Model) -> None:
    small = backpass.distill(big, NUMBER, **SMALL)
    assert small.intervals is not None
    assert big.intervals is not None
    for level in (0.5, 0.8, 0.9):
        assert small.intervals.half_widths(level) >= big.intervals.half_widths(level)


def test_other_rows_are_split_anew_and_rows_that_the_model_knows_are_warned_of(big: Model) -> None:
    shuffled = pd.DataFrame(NUMBER).sample(frac=1.0, random_state=1)
    with pytest.warns(BackpassWarning, match="test rows: about .* trained the model"):
        small = backpass.distill(big, shuffled, **SMALL)
    assert any("of the training rows trained the model" in note for note in small.record.notes)
    rng = np.random.default_rng(9)
    fresh = {"a": rng.normal(size=90), "b": rng.normal(size=90), "town": rng.choice(TOWN, 90), "y": rng.normal(size=90)}
    small = backpass.distill(big, fresh, **SMALL)
    assert any("the model may not have seen any of them" in note for note in small.record.notes)


def test_a_refitted_model_knows_its_test_rows() -> None:
    model = fit(NUMBER, "y", **{**BIG, "epochs": 2}, refit=True)
    with pytest.warns(BackpassWarning, match="trained the model|refitted on all"):
        backpass.distill(model, NUMBER, **{**SMALL, "epochs": 1})


KINDS: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "two classes": (TWO, "y", {"threshold": 0.3, "positive": "yes"}),
    "three classes": (THREE, "y", {}),
    "class weights": (TWO, "y", {"class_weight": "balanced"}),
    "several targets": ({**NUMBER, "y2": -SIGNAL}, ["y", "y2"], {}),
    "labels": ({**BASE, "u": SIGNAL > 0, "v": SIGNAL > 1}, ["u", "v"], {}),
    "counts": ({**BASE, "y": RNG.poisson(np.exp(SIGNAL))}, "y", {"loss": "poisson"}),
    "a quantile": (NUMBER, "y", {"loss": "quantile", "quantile": 0.9}),
    "weights": ({**NUMBER, "w": RNG.uniform(0.5, 2.0, N)}, "y", {"weight": "w"}),
    "groups": ({**NUMBER, "g": np.arange(N) // 6}, "y", {"group": "g", "drop": ["g"]}),
    "time": ({**NUMBER, "t": np.datetime64("2024-01-01") + np.arange(N)}, "y", {"time": "t", "drop": ["t"]}),
    "a pack": (NUMBER, "y", {"candidates": 3, "ensemble_size": 2}),
    "one network": (NUMBER, "y", {"ensemble_size": 1, "hidden": (40,)}),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.filterwarnings("ignore::backpass.errors.BackpassWarning")
def test_every_kind_of_model_can_be_distilled(name: str) -> None:
    data, target, more = KINDS[name]
    model = fit(data, target, **{**BIG, "epochs": 3, **more})
    small = backpass.distill(model, data, **{**SMALL, "epochs": 3})
    assert small.networks == 1
    assert small.classes == model.classes
    assert small.targets == model.targets
    assert small.predict(data).shape == model.predict(data).shape
    assert any("the rows are split as they were for the model" in note for note in small.record.notes), (
        small.record.notes
    )
    for metric, score in small.record.teacher_scores["test"].items():
        assert score == pytest.approx(model.record.scores["test"][metric], rel=1e-5, abs=1e-6), metric
    if model.head.decision is not None:
        assert small.head.decision == model.head.decision


def test_the_path_of_a_model_is_no_model() -> None:
    path: Any = "big.backpass"
    with pytest.raises(UsageError, match=r"model must be a Model; got 'big.backpass'\n\nhint: backpass.load"):
        backpass.distill(path, NUMBER)


def test_what_cannot_be_distilled_is_refused(big: Model) -> None:
    with pytest.raises(DataError, match="is not a table for this model") as caught:
        backpass.distill(big, {"a": X[:, 0], "town": TOWN})
    assert {fault.split(" ")[1] for fault in caught.value.details} == {"'y'", "'b'"}
    for name, value in {"ensemble_size": 2, "loss": "huber", "candidates": 4, "task": "regression"}.items():
        with pytest.raises(UsageError, match=f"{name} cannot be set"):
            backpass.distill(big, NUMBER, **{name: value})
    with pytest.raises(UsageError, match="mixed must be a whole number of at least 0"):
        backpass.distill(big, NUMBER, mixed=-1)
    small = backpass.distill(big, NUMBER, **{**SMALL, "epochs": 1})
    with pytest.raises(UsageError, match="already is one network with these layers"):
        backpass.distill(small, NUMBER, **SMALL)
