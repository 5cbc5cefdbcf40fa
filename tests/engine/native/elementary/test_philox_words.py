"""Philox in vectors: the words of numerics/philox.py, from any element on."""

from __future__ import annotations

from typing import Any

import pytest

from backpass.numerics.philox import key_of, philox_bits

SEED = 0x0123456789ABCDEF


@pytest.mark.parametrize(
    ("first", "count"), [(0, 1), (0, 1000), (3, 77), (17, 1), (5, 12345), (64, 64), (62, 3), (1, 0)]
)
def test_words(builds: Any, first: int, count: int) -> None:
    key = key_of(SEED)
    expected = philox_bits(key, 9, 3, (first + count,))[first:]
    for build in builds:
        found = build.philox((int(key[0]), int(key[1])), 9, 3, first, count)
        assert (found[:-1] == expected).all(), build.name
        assert found[-1] == 7  # memory beyond the last element stays as it was


def test_the_counter_starts_anew_after_2_to_the_32_blocks(builds: Any) -> None:
    for build in builds:
        found = build.philox((1, 2), 3, 4, 2**34 - 4, 8)
        assert (found[4:8] == build.philox((1, 2), 3, 4, 0, 4)[:4]).all(), build.name
