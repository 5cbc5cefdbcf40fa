"""Histograms of columns, and how strongly a column goes with the target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from backpass.table import Table, table_from
from backpass.table.diagnosis.association import association
from backpass.table.diagnosis.diagnostics import column_findings
from backpass.table.diagnosis.distribution import histogram_of
from backpass.table.diagnosis.inspection import Coding, inspect_table
from backpass.table.target import Target

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=400)
TOWN = np.array(["a", "b", "c"])[DRAW.integers(0, 3, 400)]


def strength(x: Any, y: Any) -> float | None:
    table: Table = table_from({"x": x, "y": y})
    target = Target.fit(table, "y")
    return association(table.columns["x"], target, target.encode(table))


def test_histograms_count_every_value() -> None:
    days = np.datetime64("2021-01-01") + np.arange(401)
    days[7] = np.datetime64("NaT")
    table = table_from({"x": [*X, math.nan], "d": days})
    for column in table.columns.values():
        counts = histogram_of(column)
        assert len(counts) == 10
        assert sum(counts) == 400
    expected, _ = np.histogram(X, 10)
    assert np.abs(np.array(histogram_of(table.columns["x"])) - expected).max() <= 1
    assert histogram_of(table_from({"x": [-1.7e308, 1.7e308]}).columns["x"]) == (1, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    assert histogram_of(table_from({"x": ["a", "b"]}).columns["x"]) == ()
    assert histogram_of(table_from({"x": [3.0, 3.0]}).columns["x"]) == ()


def test_two_numbers_have_their_correlation() -> None:
    y = 2.0 * X + DRAW.normal(size=400)
    assert strength(X, y) == pytest.approx(np.corrcoef(X, y)[0, 1], abs=1e-12)
    assert strength(1e300 * X, -1e300 * X) == pytest.approx(-1.0)
    gaps = np.where(X > 1.0, np.nan, X)
    assert strength(gaps, y) == pytest.approx(np.corrcoef(X[X <= 1.0], y[X <= 1.0])[0, 1], abs=1e-12)


def test_a_category_and_a_number_have_the_correlation_ratio() -> None:
    y = np.where(TOWN == "a", 3.0, 0.0) + X
    groups = [y[town == TOWN] for town in "abc"]
    between = sum(len(g) * (g.mean() - y.mean()) ** 2 for g in groups)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups)
    assert between + within == pytest.approx(((y - y.mean()) ** 2).sum())
    epsilon = math.sqrt(1.0 - (within / (400 - 3)) / y.var(ddof=1))
    assert strength(TOWN, y) == pytest.approx(epsilon, abs=1e-12)
    assert strength(y, TOWN) == pytest.approx(epsilon, abs=1e-12)


def test_two_categories_have_cramers_v() -> None:
    scipy = pytest.importorskip("scipy.stats.contingency")
    y = np.where(DRAW.random(400) < 0.7, TOWN, "a")
    observed = np.array([[((i == TOWN) & (y == j)).sum() for j in "abc"] for i in "abc"])
    square, chance = scipy.association(observed, "cramer") ** 2, (3 - 1) / (400 - 1)
    assert strength(TOWN, y) == pytest.approx(math.sqrt((square - chance) / (1 - chance)), abs=1e-12)
    assert strength(TOWN, np.where(TOWN == "a", "yes", np.where(TOWN == "b", "no", "so"))) == pytest.approx(1.0)


def test_many_rare_categories_do_not_seem_to_go_with_a_target_that_ignores_them() -> None:
    draw = np.random.default_rng(1)
    rare = draw.integers(0, 1500, 4000).astype(str)
    for y in (draw.normal(size=4000), np.where(draw.random(4000) < 0.2, "yes", "no")):
        found = strength(rare, y)
        assert found is not None
        assert found < 0.15  # uncorrected: 0.6
    follows = np.array(["no", "yes"])[np.array([int(each) % 2 for each in rare])]
    assert strength(rare, follows) == pytest.approx(1.0)
    few_repeats = [f"code{n}" for n in draw.integers(0, 4000, 900)]
    assert all(strength(few_repeats, draw.lognormal(size=900)) is None for _ in range(20))  # up to 0.7 by chance
    assert strength([f"id{n}" for n in range(40)], np.arange(40.0)) is None
    assert strength([f"id{n}" for n in range(40)], ["yes", "no"] * 20) is None


def test_what_has_no_association() -> None:
    assert strength([1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 5.0]) is None
    assert strength([1.0, math.nan, math.nan, 3.0], [1.0, 2.0, 3.0, 5.0]) is None


def test_outliers_of_normal_columns_are_not_named() -> None:
    for rows in (60, 3_000, 300_000):
        values = np.random.default_rng(rows).normal(size=rows)
        table = table_from({"x": values})
        assert not [each for each in column_findings(table.columns["x"], table) if each.code == "outliers"]
        values[7] = 12.0
        table = table_from({"x": values})
        (finding,) = [each for each in column_findings(table.columns["x"], table) if each.code == "outliers"]
        assert finding.text.startswith("1 row more than ")
        assert finding.text.endswith("the most extreme is 12 in row 8")


def test_the_coding_of_a_preset_is_shown() -> None:
    levels = [f"t{n % 12}" for n in range(120)]
    table = table_from({"town": levels, "x": X[:120], "y": ["yes", "no", "no"] * 40})
    found = inspect_table(table, "y", lambda task, rows: Coding(f"scaled for {task} on {rows} rows", 8))
    town, x, y = found.columns
    assert (town.fitting, x.fitting) == ("embedding, 12 categories", "scaled for binary on 120 rows")
    assert inspect_table(table, "y").columns[0].fitting == "one-hot, 12 categories"
    assert found.classes == (("no", 80), ("yes", 40))
    assert y.association is None
    assert inspect_table(table, "x").classes == ()
