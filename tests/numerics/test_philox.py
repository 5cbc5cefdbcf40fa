"""Random bits: the published answers, and what is promised about their use."""

from __future__ import annotations

import numpy
import pytest

from backpass.circuit import Spec, operations, trace
from backpass.numerics.philox import integers, key_of, permutation, philox, philox_bits

ONES = 0xFFFFFFFF
KNOWN = [  # Random123, kat_vectors, philox4x32-10 (Salmon et al. 2011)
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "bits"), KNOWN)
def test_known_answers(counter: tuple[int, ...], key: tuple[int, ...], bits: tuple[int, ...]) -> None:
    result = philox(numpy.array([counter], dtype=numpy.uint32), numpy.array(key, dtype=numpy.uint32))
    assert tuple(map(int, result[0])) == bits


def test_bits_are_laid_out_block_by_block() -> None:
    key = key_of(2**40 + 17)
    bits = philox_bits(key, 3, 2, (7,))
    blocks = [philox(numpy.array([[block, 3, 2, 0]], dtype=numpy.uint32), key)[0] for block in (0, 1)]
    numpy.testing.assert_array_equal(bits, numpy.concatenate(blocks)[:7])


def test_bits_do_not_depend_on_the_shape() -> None:
    flat = philox_bits(key_of(5), 1, 1, (24,))
    for shape in [(4, 6), (2, 3, 4), (24, 1)]:
        numpy.testing.assert_array_equal(philox_bits(key_of(5), 1, 1, shape).reshape(-1), flat)
    numpy.testing.assert_array_equal(philox_bits(key_of(5), 1, 1, (10,)), flat[:10])


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (5, 3)])
def test_the_operation_gives_the_same_bits(shape: tuple[int, ...]) -> None:
    key, step = key_of(9), numpy.array(4, dtype=numpy.uint32)
    expected = philox_bits(key, 4, 7, shape)
    circuit = trace(
        lambda key, step: operations.random_bits(key, step, purpose=7, shape=shape),
        [Spec((2,), key.dtype), Spec((), step.dtype)],
    )
    for bits in (circuit(key, step), operations.random_bits(key, step, purpose=7, shape=shape)):
        assert bits.dtype == numpy.uint32
        numpy.testing.assert_array_equal(bits, expected)


def test_step_purpose_and_seed_give_different_bits() -> None:
    drawn = {philox_bits(key_of(s), t, p, (4,)).tobytes() for s in range(3) for t in range(3) for p in range(3)}
    assert len(drawn) == 27


def test_unit_numbers_are_in_range_and_equal_in_both_precisions() -> None:
    bits = numpy.array([0, 255, 256, ONES], dtype=numpy.uint32)
    single = operations.to_unit(bits, dtype=numpy.float32)
    numpy.testing.assert_array_equal(single, [0.0, 0.0, 2.0**-24, 1.0 - 2.0**-24])
    numpy.testing.assert_array_equal(single, operations.to_unit(bits, dtype=numpy.float64))


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_permutation_holds_every_number_once(n: int) -> None:
    order = permutation(3, 0, 1, n)
    numpy.testing.assert_array_equal(numpy.sort(order), numpy.arange(n))
    numpy.testing.assert_array_equal(order, permutation(3, 0, 1, n))


def test_permutations_are_uniform() -> None:
    """Chi-square over the 24 orders of 4 numbers: 23 degrees of freedom, above 49.7 once in a thousand seeds."""
    draws = 4800
    counts: dict[tuple[int, ...], int] = {}
    for step in range(draws):
        order = tuple(map(int, permutation(1, step, 1, 4)))
        counts[order] = counts.get(order, 0) + 1
    expected = draws / 24
    assert len(counts) == 24
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 49.7


def test_integers_are_uniform_and_in_range() -> None:
    """Chi-square over 10 values: 9 degrees of freedom, above 27.9 once in a thousand seeds."""
    drawn = integers(2, 0, 1, 20_000, 10)
    assert drawn.min() == 0
    assert drawn.max() == 9
    counts = numpy.bincount(drawn, minlength=10)
    assert ((counts - 2000) ** 2 / 2000).sum() < 27.9


@pytest.mark.parametrize("below", [1, 2, 7, 2**31, 2**32])
def test_integers_stay_below(below: int) -> None:
    drawn = integers(2, 1, 1, 1000, below)
    assert drawn.min() >= 0
    assert drawn.max() < below


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number from 0"):
        key_of(seed)


def test_key_of_a_seed() -> None:
    assert tuple(map(int, key_of(2**64 - 1))) == (ONES, ONES)
