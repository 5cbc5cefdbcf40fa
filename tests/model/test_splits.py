"""The split: every row in exactly one part, by the seed alone, and never an empty training part."""

from __future__ import annotations

import numpy as np
import pytest

from backpass.model.metrics import FEWEST_ROWS
from backpass.model.split.splits import RowSplit, split_rows

FRACTIONS = [(0.16, 0.2), (0.0, 0.2), (0.16, 0.0), (0.0, 0.0), (0.5, 0.49), (0.0, 0.999), (0.999, 0.0), (1e-9, 1e-9)]


def sizes(split: RowSplit) -> tuple[int, int, int]:
    return len(split.train), len(split.validation), len(split.test)


@pytest.mark.parametrize("fractions", FRACTIONS)
def test_parts_are_disjoint_complete_and_as_large_as_asked(fractions: tuple[float, float]) -> None:
    validation, test = fractions
    for n in [*range(1, 130), 1000, 4321]:
        split = split_rows(n, validation, test, seed=3)
        assert sorted(np.concatenate([split.train, split.validation, split.test])) == list(range(n))
        assert len(split.train) >= 1
        if n >= FEWEST_ROWS:
            assert abs(len(split.validation) - validation * n) <= 1.5
            assert abs(len(split.test) - test * n) <= 1.5


def test_usual_sizes() -> None:
    assert sizes(split_rows(100, 0.16, 0.2, 0)) == (64, 16, 20)
    assert sizes(split_rows(20_640, 0.16, 0.2, 0)) == (13_209, 3_303, 4_128)
    assert sizes(split_rows(10, 0.16, 0.2, 0)) == (6, 2, 2)


def test_fractions_that_are_not_exact_in_binary_lose_no_row() -> None:
    for n in (10, 100, 1000, 10_000):
        assert sizes(split_rows(n, 0.1, 0.2, 0)) == (7 * n // 10, n // 10, 2 * n // 10)


@pytest.mark.parametrize("n", range(1, FEWEST_ROWS))
def test_below_ten_rows_all_train(n: int) -> None:
    assert sizes(split_rows(n, 0.16, 0.2, 0)) == (n, 0, 0)


def test_a_seed_gives_one_order_and_another_seed_another() -> None:
    first, again, other = (split_rows(200, 0.16, 0.2, seed).train for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first != np.sort(first)).any()


def test_the_test_rows_do_not_depend_on_the_share_of_validation() -> None:
    np.testing.assert_array_equal(split_rows(200, 0.1, 0.2, 1).test, split_rows(200, 0.3, 0.2, 1).test)
