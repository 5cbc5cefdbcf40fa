"""Drift: distances against SciPy and hand computation; silence for rows of the same distribution; old files."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.model.profile import SHARES
from backpass.reporting.numbers.columns import columns_of
from backpass.reporting.numbers.drift import Drift, drifts
from backpass.reporting.page.facts import facts_of
from backpass.reporting.page.page import findings_on, page_of

ROWS = 2_000


def made(seed: int, rows: int = ROWS, shift: float = 0.0, gaps: float = 0.05) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows) + shift
    flag, many = rng.integers(0, 2, rows), rng.integers(0, 40, rows)
    day = np.datetime64("2020-01-01") + rng.integers(0, 300, rows)
    town = rng.choice(["north", "south", "east"], rows, p=[0.5, 0.3, 0.2])
    y = rng.normal(size=rows)
    gapped = np.where(rng.random(rows) < gaps, np.nan, x)
    return {"x": x, "gapped": gapped, "flag": flag, "many": many, "day": day, "town": town, "y": y}


@pytest.fixture(scope="module")
def model() -> backpass.Model:
    return backpass.fit(made(0), "y", hidden=(4,), epochs=1, test_fraction=0.0, validation_fraction=0.0)


def found_in(model: backpass.Model, columns: dict[str, Any]) -> dict[str, Drift]:
    found = drifts(columns_of(model), model.training_rows, model.schema.encode(model.table(columns)))
    assert found is not None
    assert [each.distance for each in found] == sorted((each.distance for each in found), reverse=True)
    return {each.name: each for each in found}


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.8, -3.0])
def test_the_distance_of_numbers_is_that_of_kolmogorov_and_smirnov(model: backpass.Model, shift: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    then, now = made(0)["x"], made(1, 700, shift)["x"]
    found = found_in(model, made(1, 700, shift))["x"]
    exact = stats.ks_2samp(then, now).statistic
    assert exact - 0.13 <= found.distance <= exact + 1e-9  # nine points of the distribution function
    quantiles = model.record.columns["x"].quantiles  # type: ignore[union-attr]
    by_hand = max(abs(np.mean(then <= q) - np.mean(now <= q)) for q in quantiles)
    assert found.distance == pytest.approx(by_hand, abs=1e-12)
    assert found.is_clear == (abs(shift) > 0.5)
    if shift:
        assert (found.what, found.given) == ("median", pytest.approx(np.median(now)))
        assert found.then == quantiles[SHARES.index(0.5)]


def test_zeros_and_ones_have_the_difference_of_their_shares(model: backpass.Model) -> None:
    then, now = made(0), {**made(1), "flag": (np.arange(ROWS) % 10 == 0).astype(int)}
    found = found_in(model, now)["flag"]
    assert found.distance == pytest.approx(abs(then["flag"].mean() - 0.1))


def test_missing_values_move_a_column_too(model: backpass.Model) -> None:
    found = found_in(model, made(1, gaps=0.4))["gapped"]
    assert found.what == "missing"
    assert (found.then, found.given) == pytest.approx(
        (np.isnan(made(0)["gapped"]).mean(), np.isnan(made(1, gaps=0.4)["gapped"]).mean())
    )
    assert found.distance == pytest.approx(found.given - found.then, abs=0.03)  # type: ignore[operator]
    assert found.is_clear


def test_the_distance_of_categories_is_half_the_sum_of_differences(model: backpass.Model) -> None:
    rng = np.random.default_rng(3)
    now = {**made(1), "town": rng.choice(["north", "south", "west"], ROWS, p=[0.1, 0.3, 0.6])}
    found = found_in(model, now)["town"]
    then_share = {name: np.mean(made(0)["town"] == name) for name in ("north", "south", "east")}
    now_share = {name: np.mean(now["town"] == name) for name in ("north", "south", "west")}
    names = {*then_share, *now_share}
    by_hand = 0.5 * sum(abs(then_share.get(name, 0.0) - now_share.get(name, 0.0)) for name in names)
    assert found.distance == pytest.approx(by_hand)
    assert (found.what, found.given) == ("missing or unknown", pytest.approx(now_share["west"]))


def test_dates_have_moments_in_words(model: backpass.Model) -> None:
    now = made(1)
    now["day"] = now["day"] + np.timedelta64(200, "D")
    found = found_in(model, now)["day"]
    assert found.is_clear
    assert found.sentence.startswith("median 2020-0")
    assert "T" not in found.sentence


def test_rows_of_the_same_distribution_have_not_moved(model: backpass.Model) -> None:
    for rows in (20, 200, 2_000):
        clear = [
            each.name for seed in range(2, 12) for each in found_in(model, made(seed, rows)).values() if each.is_clear
        ]
        assert len(clear) <= 1, (rows, clear)


def test_a_file_without_counts_has_no_drift(model: backpass.Model) -> None:
    older = replace(model, training_rows=None)
    assert drifts(columns_of(older), older.training_rows, older.schema.encode(older.table(made(1)))) is None


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_the_report_shows_the_columns_that_moved(model: backpass.Model, shift: float) -> None:
    pytest.importorskip("matplotlib")
    now = {**made(1, 700, shift), "town": np.array(["<b>west" if shift else "north", "south"] * 350)}
    now |= {} if shift else {"town": made(1, 700)["town"]}
    findings = findings_on(model, now)
    page = page_of(findings)
    moved = [each for each in found_in(model, now).values() if each.is_clear]
    assert {each.name for each in moved} == ({"x", "gapped", "town"} if shift else set())
    assert "<h2>Drift</h2>" in page
    assert "<b>west" not in page
    if not shift:
        assert "None of 6 columns moved clearly since training" in page
        return
    assert "3 of 6 columns moved clearly since training" in page
    cells = re.findall(r'<tr><td><bdi>(\w+)</bdi></td><td data-name="distance">([\d.]+)</td>', page)
    assert cells == [(each.name, f"{each.distance:.2f}") for each in moved]
    assert "Distance of the distributions" in page
    assert facts_of(findings)["drift"] == [each.to_json() for each in found_in(model, now).values()]


def test_rows_that_were_set_aside_at_the_fit_have_no_drift() -> None:
    pytest.importorskip("matplotlib")
    model = backpass.fit(made(0), "y", hidden=(4,), epochs=1)
    assert "<h2>Drift</h2>" not in backpass.report(model, made(0))
    assert "<h2>Drift</h2>" not in backpass.report(model)
