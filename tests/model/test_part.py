"""Parts: rows as a weighted set, and weights on their way to the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpass.model import Rows
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.settings.settings import Settings
from backpass.table import Table, table_from

Floats = np.ndarray[Any, Any]


def slow_distinct(table: Table, truth: Floats, weights: Floats | None) -> dict[tuple[Any, ...], float]:
    """Row by row into a dict."""
    found: dict[tuple[Any, ...], float] = {}
    for i in range(table.rows):
        cells = []
        for column in table.columns.values():
            if column.kind == "numeric":
                value = float(column.values[i])  # type: ignore[union-attr]
                cells.append("gap" if np.isnan(value) else value + 0.0)
            else:
                code = int(column.codes[i])  # type: ignore[union-attr]
                cells.append(column.levels[code - 1] if code else "gap")  # type: ignore[union-attr]
        key = (*cells, *np.atleast_1d(truth[i]).tolist())
        weight = 1.0 if weights is None else float(weights[i])
        if weight > 0:
            found[key] = found.get(key, 0.0) + weight
    return found


CELL = st.tuples(
    st.sampled_from([0.0, -0.0, 1.0, np.nan]), st.sampled_from(["a", "b", None]), st.integers(0, 2), st.integers(0, 3)
)


@given(st.lists(CELL, min_size=1, max_size=30).filter(lambda cells: any(cell[3] for cell in cells)))
def test_equal_rows_become_one_with_the_sum_of_their_weights(cells: list[Any]) -> None:
    x, text, y, weights = (list(column) for column in zip(*cells, strict=True))
    table = table_from({"x": np.array(x), "categorical": [None if t is None else t for t in text]})
    truth, w = np.array(y, dtype=np.float64), np.array(weights, dtype=np.float64)
    found = Rows(table, truth, w).distinct()
    expected = slow_distinct(table, truth, w)
    got = slow_distinct(found.table, found.truth, found.weights)
    assert found.table.rows == len(expected)
    if found.weights is None:
        assert len(set(expected.values())) == 1
        assert got.keys() == expected.keys()
    else:
        assert got == expected


@given(st.permutations(range(12)))
def test_the_order_of_rows_is_forgotten(order: list[int]) -> None:
    rng = np.random.default_rng(0)
    x, y, w = rng.integers(0, 3, 12).astype(float), rng.integers(0, 2, 12), rng.integers(0, 3, 12).astype(float)
    one = Rows(table_from({"x": x}), y, w).distinct()
    two = Rows(table_from({"x": x[order]}), y[order], w[order]).distinct()
    assert one.table == two.table
    np.testing.assert_array_equal(one.truth, two.truth)
    np.testing.assert_array_equal(one.weights, two.weights)


def test_weights_reach_every_part_of_a_problem() -> None:
    rng = np.random.default_rng(0)
    weights = np.r_[np.zeros(10), rng.uniform(1, 2, 40)]
    data = {"x": rng.normal(size=50).tolist(), "y": rng.normal(size=50).tolist(), "w": weights.tolist()}
    settings = Settings.of({"hidden": (2,), "epochs": 1, "validation_fraction": 0.16})
    problem = make_problem(table_from(data), "y", settings, weight="w")
    assert {name: part.rows for name, part in problem.parts.items()} == {"train": 25, "validation": 7, "test": 8}
    kept = [w for part in problem.parts.values() for w in np.atleast_1d(part.weights)]
    assert sorted(kept) == sorted(weights[10:].tolist())
    assert problem.parts["train"].training_weights().mean() == pytest.approx(1.0)
    assert problem.identity() != make_problem(table_from(data), "y", problem.settings).identity()


def test_weights_of_1_train_as_none_do() -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=50).tolist(), "y": rng.normal(size=50).tolist(), "w": [1.0] * 50}
    settings = Settings.of({"hidden": (4,), "epochs": 3, "batch_size": 7})
    one = make_problem(table_from(data), "y", settings, drop=["w"]).train()
    two = make_problem(table_from(data), "y", settings, weight="w").train()
    np.testing.assert_allclose(one.theta, two.theta, rtol=1e-4, atol=1e-6)
    losses = [[epoch.train_loss for epoch in run.progress.history] for run in (one, two)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
