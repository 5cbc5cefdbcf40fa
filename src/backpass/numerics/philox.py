"""Philox4x32-10: random bits as a function of a key and a counter (Salmon, Moraes, Dror & Shaw 2011).

The generator has no state: any block can be computed at any time on any engine, in 32-bit integer arithmetic. The key
comes from a seed; the counter identifies the element, the step and the purpose of a draw.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy
from numpy.typing import NDArray

Bits = NDArray[numpy.uint32]

_MULTIPLIERS = numpy.array([[0xD2511F53], [0xCD9E8D57]], dtype=numpy.uint64)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = numpy.uint64(0xFFFFFFFF)
_HALF = numpy.uint64(32)
_ROUNDS = 10
_CHUNK = 4096  # blocks per chunk: small enough for the cache


def philox(counters: Bits, key: Bits) -> Bits:
    """Run ten rounds over blocks of four words.

    counters uint32 (blocks, 4)   key uint32 (2,)   ->   bits uint32 (blocks, 4)
    """
    bits = numpy.empty_like(counters)
    round_keys = _round_keys(int(key[0]), int(key[1]))
    for start in range(0, len(counters), _CHUNK):
        # Words 0 and 2 are multiplied, words 1 and 3 are mixed in; then the pairs swap.
        words = counters[start : start + _CHUNK].T.astype(numpy.uint64)
        even, odd = words[0::2].copy(), words[1::2].copy()
        for round_key in round_keys:
            even *= _MULTIPLIERS
            odd ^= round_key
            odd ^= (even >> _HALF)[::-1]
            even &= _LOW
            even, odd = odd, even[::-1].copy()
        bits[start : start + _CHUNK, 0::2] = even.T
        bits[start : start + _CHUNK, 1::2] = odd.T
    return bits


@lru_cache(maxsize=64)
def _round_keys(first: int, second: int) -> tuple[NDArray[numpy.uint64], ...]:
    """The two key words of each round, one per multiplied word: the seed's words plus a Weyl sequence."""
    words = [
        [(word + number * weyl) & 0xFFFFFFFF for number in range(_ROUNDS)]
        for word, weyl in zip((first, second), _WEYL, strict=True)
    ]
    return tuple(numpy.array(words, dtype=numpy.uint64).T[:, :, None])


def key_of(seed: int) -> Bits:
    """The two key words of a seed (0 <= seed < 2^64).

    >>> key_of(2**32 + 5)
    array([5, 1], dtype=uint32)
    """
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be a whole number from 0 to 2^64 - 1; got {seed}")
    return numpy.array([seed & 0xFFFFFFFF, seed >> 32], dtype=numpy.uint32)


def philox_bits(key: Bits, step: int, purpose: int, shape: tuple[int, ...]) -> Bits:
    """Bits for an array: element i is word i mod 4 of the block with counter (i div 4, step, purpose, 0)."""
    return philox_bits_of_steps(key, range(step, step + 1), purpose, prod(shape)).reshape(shape)


def philox_bits_of_steps(key: Bits, steps: range, purpose: int, n: int) -> Bits:
    """The bits of a vector of n elements for each of several steps, as ``philox_bits`` draws them: (steps, n)"""
    blocks = -(-n // 4)
    counters = numpy.empty((len(steps), blocks, 4), dtype=numpy.uint32)
    counters[:, :, 0] = numpy.arange(blocks, dtype=numpy.uint32)
    counters[:, :, 1] = numpy.array(steps, dtype=numpy.uint32)[:, None]
    counters[:, :, 2:] = (purpose, 0)
    return philox(counters.reshape(-1, 4), key).reshape(len(steps), -1)[:, :n]


def permutation(seed: int, step: int, purpose: int, n: int) -> NDArray[Any]:
    """A uniformly random order of 0 .. n-1: the stable sorting order of 64-bit random numbers.

    int64 (n,)
    """
    order: NDArray[Any] = permutations(seed, range(step, step + 1), purpose, n)[0]
    return order


def permutations(seed: int, steps: range, purpose: int, n: int) -> NDArray[Any]:
    """The order of each of several steps, as ``permutation`` draws it: int64 (steps, n)"""
    words = philox_bits_of_steps(key_of(seed), steps, purpose, 2 * n).astype(numpy.uint64)
    orders: NDArray[numpy.int64] = numpy.argsort((words[:, 0::2] << _HALF) | words[:, 1::2], axis=1, kind="stable")
    return orders


def integers(seed: int, step: int, purpose: int, n: int, below: int) -> NDArray[Any]:
    """n integers drawn uniformly with replacement from 0 .. below-1.

    int64 (n,). Uses the upper word of a 32 by 32 bit product; the bias is at most below / 2^32 (Lemire 2019).
    """
    words = philox_bits(key_of(seed), step, purpose, (n,)).astype(numpy.uint64)
    return ((words * numpy.uint64(below)) >> _HALF).astype(numpy.int64)
