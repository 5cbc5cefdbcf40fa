"""Leakage: what gives the target away is found, identifiers and strong but honest columns are not."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from backpass.table import Target, table_from
from backpass.table.diagnosis.diagnostics import worst_findings
from backpass.table.diagnosis.inspection import inspect_table
from backpass.table.diagnosis.leakage import _area, score_alone

RNG = np.random.default_rng(0)
N = 1_000
Y = RNG.normal(size=N)
EVEN = RNG.random(N)
BINARY = np.where(RNG.random(N) < 0.3, "yes", "no")
THREE = RNG.choice(["a", "b", "c"], N)
WORDS = ["".join(RNG.choice([*"abcdefghijklmnop"], 6)) for _ in range(400)]
TEXTS = [" ".join(RNG.choice(WORDS, 10)) for _ in range(N)]


def sentences(*ends: Any) -> list[str]:
    return [f"{text} {' '.join(map(str, end))}" for text, *end in zip(TEXTS, *ends, strict=True)]


def leaks(y: Any, **columns: Any) -> dict[str, list[str]]:
    found = inspect_table(table_from({**columns, "y": y}), "y")
    return {
        column.name: [each.text for each in column.findings if each.code == "leak"]
        for column in found.columns
        if column.name != "y"
    }


LEAKING = {
    "rounded": (Y, np.round(Y, 1)),
    "in other units, rounded": (Y, np.round(32.0 + 180.0 * Y)),
    "monotonic": (Y, np.exp(Y)),
    "a band of the number": (EVEN, np.char.add("band ", np.floor(20.0 * EVEN).astype(str))),
    "filled for one class": (BINARY, np.where(BINARY == "yes", RNG.choice(["price", "moved", "other"], N), None)),
    "filled for most of one class": (
        BINARY,
        np.where((BINARY == "yes") & (RNG.random(N) < 0.7), RNG.random(N), np.nan),
    ),
    "empty for one class": (BINARY, np.where(BINARY == "yes", np.nan, RNG.random(N))),
    "a noisy flag": (BINARY, (BINARY == "yes") + 0.2 * RNG.normal(size=N)),
    "sentences with a word of one class": (BINARY, sentences(np.where(BINARY == "yes", "cancelled", ""))),
    "sentences with one of three words of each class": (THREE, sentences(np.char.add(THREE, RNG.choice([*"xyz"], N)))),
    "sentences with a number": (Y, sentences([f"sold for {1e4 + 1e3 * y:,.0f}" for y in Y])),
    "sentences with a number of one class": (
        BINARY,
        sentences(np.where(BINARY == "yes", 70, 0) + RNG.integers(0, 60, N)),
    ),
    "sentences with a number in words": (
        np.round(2.0 * EVEN),
        sentences(np.take(["none", "one", "two"], (2.0 * EVEN).round().astype(int))),
    ),
    "codes of the classes, with errors": (THREE, np.where(RNG.random(N) < 0.995, THREE, "other")),
}


@pytest.mark.parametrize("name", LEAKING)
def test_what_gives_the_target_away_is_found(name: str) -> None:
    y, x = LEAKING[name]
    assert len(leaks(y, x=x)["x"]) == 1


HONEST = {
    "strong": (Y, Y + 0.3 * RNG.normal(size=N)),
    "sentences": (Y, TEXTS),
    "sentences and classes": (BINARY, TEXTS),
    "sentences with numbers": (Y, sentences(RNG.integers(0, 1_000, N))),
    "sentences with a strong word": (BINARY, sentences(np.where(RNG.random(N) < 0.1, BINARY, "maybe"))),
    "an identifier": (Y, [f"id {i}" for i in range(N)]),
    "an identifier of classes": (BINARY, [f"id {i}" for i in range(N)]),
    "categories with two rows each": (Y, [f"id {i // 2}" for i in range(N)]),
    "a counter": (Y, np.arange(N)),
    "a counter with gaps": (BINARY, np.cumsum(RNG.integers(1, 9, N))),
    "missing at random": (BINARY, np.where(RNG.random(N) < 0.4, np.nan, RNG.random(N))),
    "missing a little more often": (BINARY, np.where(RNG.random(N) < np.where(BINARY == "yes", 0.6, 0.4), np.nan, 1.0)),
    "a constant": (BINARY, np.ones(N)),
    "filled for all of a common class": (np.where(RNG.random(N) < 0.05, "bad", "good"), np.ones(N)),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_columns_are_not(name: str) -> None:
    y, x = HONEST[name]
    assert leaks(y, x=x) == {"x": []}


def test_the_area_is_that_of_sklearn() -> None:
    score, positive = np.round(RNG.normal(size=300), 1), RNG.random(300) < 0.4
    assert _area(score, positive) == pytest.approx(roc_auc_score(positive, score))


def test_the_score_of_a_column_is_that_of_its_noise() -> None:
    x = RNG.normal(size=20_000)
    y = x + 0.5 * RNG.normal(size=20_000)
    table = table_from({"x": x, "y": y})
    target = Target.fit(table, "y")
    assert score_alone(table.column("x"), target, target.encode(table)) == pytest.approx(0.8, abs=0.02)


def test_the_worst_come_first_and_few_are_named() -> None:
    columns = {f"x{i}": Y + 0.02 * i * RNG.normal(size=N) for i in range(1, 6)}
    columns |= {"row": np.arange(5_000, 5_000 + N), "noise": RNG.normal(size=N), "line": 3.0 * Y + 1.0, "same": Y}
    table = table_from({**columns, "y": Y})
    target = Target.fit(table, "y")
    found = worst_findings(table, [*columns], target, target.encode(table))
    assert [text.split("'")[1] for text in found] == ["line", "x1", "x2"]
    assert found[0] == "column 'line': it is a linear function of the target 'y': possible leakage"
    part = table.take(np.sort(RNG.permutation(N)[: N - 50]))
    few = worst_findings(part, ["row", "noise", "same"], target, target.encode(part))
    assert few == ["column 'row' numbers the rows of the table: --drop row leaves it out"]
    assert worst_findings(table.take(range(150)), [*columns], target, target.encode(table)[:150]) == []


UNITS = {"percent": (100.0, 0.0), "Fahrenheit": (1.8, 32.0), "opposite": (-1.0, 0.0), "thousands": (1e-3, 0.0)}


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize("unit", UNITS)
def test_the_target_in_another_unit_is_found_at_any_place(unit: str, place: int, missing: float) -> None:
    """Exact and rounded copies of the target, with and without gaps, among honest columns."""
    factor, offset = UNITS[unit]
    for digits in (12, 2):
        copy = np.round(factor * Y + offset, digits + (3 if factor < 1.0 else 0))
        copy = np.where(RNG.random(N) < missing, np.nan, copy)
        columns = {"noise": RNG.normal(size=N), "strong": Y + 0.5 * RNG.normal(size=N)}
        names = [*columns]
        names.insert(place, "copy")
        table = table_from({name: columns.get(name, copy) for name in names} | {"y": Y})
        target = Target.fit(table, "y")
        found = worst_findings(table, names, target, target.encode(table))
        assert [text.split("'")[1] for text in found] == ["copy"], (digits, found)


@pytest.mark.parametrize("name", ["row", "Unnamed: 0", "index", "k"])
@pytest.mark.parametrize("first", [0, 1, 10_001])
def test_row_numbers_are_named_whatever_they_are_called(name: str, first: int) -> None:
    """A counter in the order of the rows, from any number on; the same numbers with gaps are said by inspect."""
    table = table_from({"noise": RNG.normal(size=N), name: np.arange(first, first + N), "y": Y})
    target = Target.fit(table, "y")
    found = worst_findings(table, ["noise", name], target, target.encode(table))
    assert found == [f"column '{name}' numbers the rows of the table: --drop {shlex.quote(name)} leaves it out"]
    gaps = table_from({name: first + np.cumsum(RNG.integers(1, 9, N)), "y": Y})
    [column, _] = inspect_table(gaps, "y").columns
    assert [each.code for each in column.findings] == ["identifier_numbers"]


def test_small_tables_are_left_alone() -> None:
    assert leaks(Y[:150], x=np.round(Y[:150], 1)) == {"x": []}
