"""Draws that are made at once are those that are made one by one."""

import numpy as np
import pytest

from backpass.numerics import bootstrap
from backpass.numerics.bootstrap import counts_of, counts_of_all
from backpass.numerics.philox import key_of, philox_bits, philox_bits_of_steps


@pytest.mark.parametrize("rows", [1, 2, 5, 64, 1_003])
def test_the_counts_of_all_draws_are_those_of_each(rows: int) -> None:
    found = np.concatenate(list(counts_of_all(rows, 3, 90)), axis=1)
    assert found.shape == (rows, 90)
    assert (found.sum(axis=0) == rows).all()
    for step in range(90):
        assert found[:, step].tobytes() == counts_of(rows, 3, step).tobytes()


def test_many_rows_are_drawn_in_blocks() -> None:
    widths = [block.shape[1] for block in counts_of_all(bootstrap._NUMBERS_AT_ONCE // 2 - 1, 0, 5)]
    assert widths == [2, 2, 1]
    assert [block.shape for block in counts_of_all(bootstrap._NUMBERS_AT_ONCE + 1, 0, 2)] == [
        (bootstrap._NUMBERS_AT_ONCE + 1, 1)
    ] * 2


@pytest.mark.parametrize("n", [1, 3, 4, 9])
def test_bits_of_several_steps(n: int) -> None:
    key = key_of(2**40 + 7)
    found = philox_bits_of_steps(key, range(5, 12), 0xABC, n)
    assert found.shape == (7, n)
    for i, step in enumerate(range(5, 12)):
        assert found[i].tobytes() == philox_bits(key, step, 0xABC, (n,)).tobytes()
