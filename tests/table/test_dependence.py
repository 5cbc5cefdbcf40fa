"""Dependence: dates and identifiers are suspected where the targets show that they matter, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from backpass.model import Settings, make_problem
from backpass.table import Target, table_from
from backpass.table.diagnosis.dependence import _agreement, _correlation, dependences, order_findings
from backpass.table.diagnosis.inspection import inspect_table

RNG = np.random.default_rng(0)


def found(columns: dict[str, Any], target: str = "y", **has: bool) -> dict[str, tuple[str, str]]:
    table = table_from(columns)
    goal = Target.fit(table, target)
    return {name: (each.code, each.text) for name, each in dependences(table, goal, goal.encode(table), **has)}


def grouped(strength: float, name: str = "patient_id", kind: str = "numeric") -> dict[str, Any]:
    rng = np.random.default_rng(1)
    ids = rng.permutation(np.repeat(np.arange(60), 6))
    y = strength * rng.normal(size=60)[ids] + rng.normal(size=360)
    y = y if kind == "numeric" else np.where(y > 0, "ill", "well")
    return {name: ids, "x": rng.normal(size=360), "y": y}


@pytest.mark.parametrize("kind", ["numeric", "classes"])
@pytest.mark.parametrize("name", ["id", "patient_id", "customerId", "MachineID", "idcode", "user"])
def test_a_repeated_identifier_is_named_with_its_count(name: str, kind: str) -> None:
    said = found(grouped(2.0, name, kind))
    assert {*said} == {name}
    code, text = said[name]
    assert code == "no_group"
    assert text.startswith("60 values of about 6 rows each")
    assert f"--group {name}" in text
    assert not found(grouped(2.0, name, kind), has_group=True)


@pytest.mark.parametrize("name", ["width", "idle", "paid", "rooms"])
def test_other_names_are_no_identifiers(name: str) -> None:
    assert not found(grouped(2.0, name))


def test_an_identifier_that_tells_nothing_is_not_named() -> None:
    assert not found(grouped(0.0))
    assert not found({**grouped(2.0), "patient_id": RNG.normal(size=360)})


def test_a_date_along_which_the_target_drifts_is_named() -> None:
    days = np.array("2024-01-01", "M8[D]") + RNG.permutation(300)
    phase = (days - days.min()).astype(int) / 40.0
    drifting = {"day": days, "y": np.sin(phase) + 0.5 * RNG.normal(size=300)}
    assert found(drifting)["day"][0] == "no_time"
    assert "--time day" in found(drifting)["day"][1]
    assert not found(drifting, has_time=True)
    assert not found({"day": days, "y": RNG.normal(size=300)})  # a date of birth, for example


@pytest.mark.parametrize("kind", ["numeric", "classes"])
def test_a_date_is_named_if_other_rows_of_the_day_differ(kind: str) -> None:
    """Three stores, always in the same order: the row before is of another store, but the days drift."""
    days = np.repeat(np.array("2024-01-01", "M8[D]") + np.arange(300), 3)
    store = np.tile([-3.0, 0.0, 3.0], 300)
    noise, drift = np.random.default_rng(2).normal(size=900), np.sin(np.repeat(np.arange(300), 3) / 40.0)
    for moves in (1.0, 0.0):
        y = store + moves * drift + noise
        columns = {"day": days, "store": store, "y": y if kind == "numeric" else np.where(y > 2.0, "high", "low")}
        assert [*found(columns)] == (["day"] if moves else [])


def test_the_order_of_the_rows() -> None:
    def code(y: Any) -> list[str]:
        table = table_from({"y": y})
        target = Target.fit(table, "y")
        return [each.code for each in order_findings(target, target.encode(table))]

    assert code(np.cumsum(RNG.normal(size=400))) == ["order_of_rows"]
    assert code(RNG.normal(size=400)) == []
    assert code(np.arange(400.0)) == code(["a"] * 200 + ["b"] * 200) == []  # sorted by the target


def test_inspect_and_fit_say_it() -> None:
    table = table_from(grouped(2.0))
    column = next(each for each in inspect_table(table, "y").columns if each.name == "patient_id")
    assert "no_group" in [each.code for each in column.findings]
    problem = make_problem(table, "y", Settings.of({}))
    assert [text.partition(":")[0] for text in problem.warnings] == ["column 'patient_id'"]
    assert make_problem(table, "y", Settings.of({"group": "patient_id"})).warnings == ()


def test_the_measures_are_those_of_others() -> None:
    one, other = RNG.normal(size=(2, 200))
    assert _correlation(one, one + other) == pytest.approx(spearmanr(one, one + other).statistic)
    a, b = np.tile([0, 0, 1], 100), np.roll(np.tile([0, 0, 1], 100), 1)
    assert _agreement(a, a, b) == pytest.approx(cohen_kappa_score(a, b))


def test_the_text_names_the_split_that_is_too_optimistic() -> None:
    columns = grouped(3.0)
    assert "a random split is too optimistic" in found(columns)["patient_id"][1]
    assert "a split by time alone is too optimistic" in found(columns, has_time=True)["patient_id"][1]
    days = np.arange("2020-01-01", "2020-12-26", dtype="M8[D]")
    rising = {"day": days, "y": np.linspace(0.0, 9.0, len(days)) + RNG.normal(size=len(days))}
    assert "a random split is too optimistic" in found(rising)["day"][1]
    assert "a split by group alone is too optimistic" in found(rising, has_group=True)["day"][1]
