"""Reliability: how many rows a category needs is the ratio of the variances that the rows were made with."""

from __future__ import annotations

import numpy as np
import pytest

from backpass.table import CategoricalColumn, NumericColumn, Schema, table_from
from backpass.table.reliability import MOST_ROWS, fewest_rows


def made(ratio: float, levels: int, rows: int, seed: int = 0) -> tuple[CategoricalColumn, NumericColumn]:
    """Rows whose variance within categories is ``ratio`` times that between them."""
    draw = np.random.default_rng(seed)
    codes = np.sort(draw.integers(1, levels + 1, rows)).astype(np.int32)
    y = draw.normal(size=levels + 1)[codes] + np.sqrt(ratio) * draw.normal(size=rows)
    return CategoricalColumn("c", codes, tuple(f"l{j:05}" for j in range(levels))), NumericColumn("y", 100.0 + 7.0 * y)


@pytest.mark.parametrize("ratio", [0.2, 1.0, 2.0, 3.0, 4.0, 20.0])
@pytest.mark.parametrize("rows", [3, 10])
def test_the_ratio_of_variances_is_found(ratio: float, rows: int) -> None:
    column, y = made(ratio, 4_000, 4_000 * rows)
    assert fewest_rows(column, [y]) == min(max(round(ratio), 1), MOST_ROWS)


def test_classes_and_several_targets_count_together() -> None:
    column, y = made(1.0, 2_000, 12_000)
    noise = NumericColumn("noise", np.random.default_rng(5).normal(size=12_000))
    codes = (np.digitize(y.values, np.quantile(y.values, [0.3, 0.6])) + 1).astype(np.int32)
    assert fewest_rows(column, [y, y]) == fewest_rows(column, [y]) == 1
    assert fewest_rows(column, [noise]) == MOST_ROWS
    assert 1 < fewest_rows(column, [y, noise]) < MOST_ROWS
    assert 1 <= fewest_rows(column, [CategoricalColumn("k", codes, ("a", "b", "c"))]) < MOST_ROWS


def test_rows_without_values_or_targets_do_not_count() -> None:
    column, y = made(2.0, 1_000, 8_000)
    codes, values = column.codes.copy(), y.values.copy()
    codes[::9], values[::7] = 0, np.nan
    kept = np.flatnonzero((codes > 0) & ~np.isnan(values))
    part = fewest_rows(column.take(kept), [y.take(kept)])
    assert fewest_rows(CategoricalColumn("c", codes, column.levels), [NumericColumn("y", values)]) == part


@pytest.mark.parametrize("values", [np.zeros(900), np.full(900, np.inf), np.full(900, 1e300)])
def test_targets_that_say_nothing_need_most_rows(values: np.ndarray) -> None:
    column, _ = made(1.0, 300, 900)
    with np.errstate(all="ignore"):
        assert fewest_rows(column, [NumericColumn("y", values)]) == MOST_ROWS


def test_few_repeated_rows_need_most_rows() -> None:
    column = CategoricalColumn("c", np.arange(1, 301, dtype=np.int32), tuple(f"l{j:03}" for j in range(300)))
    assert fewest_rows(column, [NumericColumn("y", np.arange(300.0))]) == MOST_ROWS


@pytest.mark.parametrize(("ratio", "all_kept"), [(0.3, True), (30.0, False)])
def test_embeddings_keep_rare_categories_that_tell_the_target(ratio: float, all_kept: bool) -> None:
    column, y = made(ratio, 800, 2_000)
    texts = [column.levels[code - 1] for code in column.codes]
    table = table_from({"c": texts, "y": y.values})
    (feature,) = Schema.fit(table, "y", embeds=True).texts
    assert (len(feature.levels) == len(set(texts))) == all_kept
    features = table_from({"c": texts})
    assert Schema.of_all(features, "y", embeds=True, targets=[y]).texts[0].levels == feature.levels
    assert len(Schema.fit(table, "y").texts[0].levels) == 255  # one-hot
