"""Division: groups, times and repeated rows rule the splits of every form of a table, and the model file says so."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import backpass
from backpass.errors import BackpassWarning, DataError, UsageError
from backpass.model import Settings, from_bytes, make_problem
from backpass.reporting.numbers.held_out import held_out
from backpass.table import table_from

QUICK: dict[str, Any] = {"hidden": (6,), "epochs": 3, "batch_size": 32, "validation_fraction": 0.16}


def visits(patients: int = 40, each: int = 5, seed: int = 0) -> dict[str, Any]:
    """Visits of patients: a level of each patient, a class that follows from it, and the day."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(np.repeat(np.arange(patients), each))
    level = rng.normal(size=patients)[ids]
    n = len(ids)
    days = np.array("2024-01-01", dtype="M8[D]") + rng.integers(0, 400, n)
    return {
        "id": [f"p{i}" for i in ids],
        "age": rng.normal(size=n).round(3),
        "weight": rng.normal(size=n).round(3),
        "day": days,
        "level": level + 0.1 * rng.normal(size=n),
        "state": np.where(level > 0.3, "ill", "well"),
    }


def structured(columns: dict[str, Any]) -> Any:
    kinds = [(name, "U8" if name in ("id", "state") else np.asarray(each).dtype) for name, each in columns.items()]
    rows = np.empty(200, dtype=kinds)
    for name, values in columns.items():
        rows[name] = values
    return rows


FORMS = {
    "dict": lambda d: d,
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow": pa.table,
    "rows": lambda d: pd.DataFrame(d).to_dict("records"),
    "structured": structured,
}


def test_every_form_of_a_table_gives_one_model() -> None:
    columns = visits()
    expected = None
    for name, form in FORMS.items():
        model = backpass.fit(form(columns), "level", group="id", drop=["state"], **QUICK)
        expected = expected or model.to_bytes()
        assert model.to_bytes() == expected, name


@pytest.mark.parametrize("target", ["level", "state"])
@pytest.mark.parametrize("ruler", ["group", "time", "both"])
@pytest.mark.parametrize("ensemble", [1, 3])
def test_splits_scores_and_files_follow_the_columns(target: str, ruler: str, ensemble: int) -> None:
    columns = visits()
    requested = {"group": {"group": "id"}, "time": {"time": "day"}, "both": {"group": "id", "time": "day"}}[ruler]
    other = "state" if target == "level" else "level"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackpassWarning)
        model = backpass.fit(columns, target, drop=[other], ensemble_size=ensemble, **requested, **QUICK)
    settings = Settings.of({**QUICK, **requested, "ensemble_size": ensemble})
    problem = make_problem(table_from(columns), target, settings, drop=[other])
    assert ("id" in model.schema.kinds) is ("group" not in requested)
    assert model.record.split_columns == {
        name: {"id": "categorical", "day": "date"}[name] for name in requested.values()
    }
    again = from_bytes(model.to_bytes())
    assert again.record.split_columns == model.record.split_columns
    assert {name: again.record.settings[name] for name in requested} == requested
    # The report finds the test rows of the table again, and their scores are those of the fit.
    found = held_out(again, again.table(columns, with_target=True))
    assert found.is_known
    rows = found.table.row_numbers - 1
    assert len(rows) == problem.parts["test"].rows
    if "group" in requested:
        ids = np.array(columns["id"])
        assert not {*ids[rows]} & {*np.delete(ids, rows)}
    else:
        assert columns["day"][rows].min() > np.delete(columns["day"], rows).max()
    assert len(problem.folds) == (3 if ensemble == 3 else 0)


def test_the_group_is_an_input_only_if_columns_names_it() -> None:
    columns = visits()
    names = ["id", "age", "weight"]
    assert "id" in make_problem(table_from(columns), "level", Settings.of({"group": "id"}), columns=names).schema.kinds
    plain = make_problem(table_from(columns), "level", Settings.of({"group": "id"}), drop=["state", "id"])
    assert {*plain.schema.kinds} == {"age", "weight", "day"}


def test_repeated_rows_of_noise_cannot_be_predicted() -> None:
    """Every row twice, and the target is noise: r2 is near 0, and so are the scores out of fold."""
    rng = np.random.default_rng(0)
    twice = {f"x{j}": np.tile(rng.normal(size=600), 2) for j in range(4)} | {"y": np.tile(rng.normal(size=600), 2)}
    wishes = {**QUICK, "hidden": (64,), "epochs": 25, "learning_rate": 0.01}
    for extra in ({}, {"ensemble_size": 3}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BackpassWarning)
            model = backpass.fit(twice, "y", **wishes, **extra)
        assert all(scores["r2"] < 0.03 for scores in model.record.scores.values()), model.record.scores
        assert sum("600 rows repeat the inputs" in note for note in model.record.notes) == 1
    # An identifier does not tell copies apart, because the network never reads it.
    named = {**twice, "row": [f"row {i}" for i in range(1200)]}
    problem = make_problem(table_from(named), "y", Settings.of({}))
    assert any("600 rows repeat the inputs" in note for note in problem.notes)


def test_rows_given_beside_the_table_are_compared_with_it() -> None:
    columns = {k: v for k, v in visits().items() if k != "state"}
    with pytest.warns(BackpassWarning, match="200 test rows with the columns of a training or validation row"):
        backpass.fit(columns, "level", test=columns, **QUICK)
    part = {name: values[:30] for name, values in columns.items()}
    with pytest.warns(BackpassWarning, match="30 validation rows with the columns of a training row"):
        backpass.fit(columns, "level", validation=part, test_fraction=0.0, **QUICK)
    other = {**part, "age": part["age"] + 10.0}
    with pytest.warns(BackpassWarning, match="30 test rows in a group that has a training or validation row"):
        backpass.fit(columns, "level", test=other, group="id", **QUICK)
    with pytest.warns(BackpassWarning, match=r"\d+ test rows of 30 earlier than the latest training row by 'day'"):
        backpass.fit(columns, "level", test=other, time="day", **QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        later = {**other, "id": ["new"] * 30, "day": part["day"] + np.timedelta64(900, "D")}
        problem = make_problem(
            table_from(columns), "level", Settings.of({"group": "id", "time": "day"}), test=table_from(later)
        )
    assert problem.warnings == ()


def test_bad_columns_are_refused() -> None:
    columns = visits()
    with pytest.raises(DataError, match="column 'patient' not found"):
        backpass.fit(columns, "level", group="patient", **QUICK)
    with pytest.raises(UsageError, match="group 'level' is the target"):
        backpass.fit(columns, "level", group="level", **QUICK)
    with pytest.raises(UsageError, match="invalid setting") as caught:
        backpass.fit(columns, "level", group="id", time="id", **QUICK)
    assert "both name the column 'id'" in str(caught.value)
    with pytest.raises(DataError, match="the time column 'id' holds strings"):
        backpass.fit(columns, "level", time="id", **QUICK)
    one = {**columns, "id": ["a"] * 200}
    with pytest.raises(DataError, match="need at least 3 groups; there is 1"):
        backpass.fit(one, "level", group="id", **QUICK)


def test_predicting_and_evaluating_need_no_group(tmp_path: Path) -> None:
    columns = visits()
    model = backpass.fit(columns, "level", group="id", time="day", drop=["state"], **QUICK)
    frame = pd.DataFrame(columns)
    frame.drop(columns="id").to_csv(tmp_path / "rows.csv", index=False)
    without = model.evaluate(tmp_path / "rows.csv")
    assert without == model.evaluate(frame.drop(columns="id")) == model.evaluate(columns)
    assert model.predict(frame.drop(columns=["id", "level"])).tobytes() == model.predict(columns).tobytes()


def test_intervals_hold_on_new_groups() -> None:
    """Columns that tell the groups apart let a network learn them by heart; residuals must not be of these groups."""

    def panel(seed: int, groups: int) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        ids, n = np.repeat(np.arange(groups), 12), 12 * groups
        traits = {f"t{j}": rng.normal(size=groups)[ids] for j in range(6)}
        x = rng.normal(size=n)
        return {"id": ids, **traits, "x": x, "y": x + rng.normal(size=groups)[ids] + 0.3 * rng.normal(size=n)}

    new = panel(1, 500)
    wishes = {**QUICK, "hidden": (128, 128), "epochs": 40, "batch_size": 128, "learning_rate": 0.005}
    covered: dict[str | None, list[float]] = {"id": [], None: []}
    for group, found in covered.items():
        for seed in range(2, 8):
            columns = panel(seed, 300)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", BackpassWarning)
                model = backpass.fit(columns, "y", group=group, columns=[*columns][1:-1], **wishes)
            low, high = model.predict_interval(new, 0.9).T
            found.append(np.mean((low <= new["y"]) & (new["y"] <= high)))
            assert model.intervals is not None
            assert model.intervals.each[0].rows == (48 if group else 576)
    assert np.mean(covered["id"]) == pytest.approx(0.9, abs=0.03)
    assert np.mean(covered[None]) < 0.6


def test_a_problem_without_diagnosis_differs_in_its_notes_only() -> None:
    columns = visits(patients=100)
    columns["copy"] = columns["level"] + 1e-3 * columns["age"]
    table, settings = table_from(columns), Settings.of({**QUICK, "seed": 3})
    full = make_problem(table, "level", settings)
    bare = make_problem(table, "level", settings, diagnose=False)
    assert any("leakage" in note for note in full.notes)
    assert any("column 'id'" in warning for warning in full.warnings)
    assert [note for note in full.notes if "leakage" not in note] == [*bare.notes]
    assert bare.warnings == ()
    assert bare.identity() == full.identity()
