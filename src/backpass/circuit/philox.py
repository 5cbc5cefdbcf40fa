"""Philox4x32-10: random bits as a function of a key and a counter (Salmon, Moraes, Dror & Shaw 2011).

No state, no order: any block can be made at any time on any engine, in 32-bit integer arithmetic. Keys come from a
seed; a counter says which draw of which step for which purpose.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy
from numpy.typing import NDArray

Bits = NDArray[numpy.uint32]

_MULTIPLIERS = (numpy.uint64(0xD2511F53), numpy.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = numpy.uint64(0xFFFFFFFF)
_HALF = numpy.uint64(32)
_ROUNDS = 10


def philox(counters: Bits, key: Bits) -> Bits:
    """Ten rounds over blocks of four words.

    counters uint32 (blocks, 4)   key uint32 (2,)   ->   bits uint32 (blocks, 4)
    """
    c0, c1, c2, c3 = (counters[:, i].astype(numpy.uint64) for i in range(4))
    k0, k1 = int(key[0]), int(key[1])
    for _ in range(_ROUNDS):
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (product1 >> _HALF) ^ c1 ^ numpy.uint64(k0),
            product1 & _LOW,
            (product0 >> _HALF) ^ c3 ^ numpy.uint64(k1),
            product0 & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return numpy.stack([c0, c1, c2, c3], axis=1).astype(numpy.uint32)


def key_of(seed: int) -> Bits:
    """The two key words of a seed (0 <= seed < 2^64).

    >>> key_of(2**32 + 5)
    array([5, 1], dtype=uint32)
    """
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be in the range [0, 2^64), got {seed}")
    return numpy.array([seed & 0xFFFFFFFF, seed >> 32], dtype=numpy.uint32)


def philox_bits(key: Bits, step: int, purpose: int, shape: tuple[int, ...]) -> Bits:
    """Bits for an array: element i is word i mod 4 of the block with counter (i div 4, step, purpose, 0)."""
    total = prod(shape)
    blocks = -(-total // 4)
    counters = numpy.empty((blocks, 4), dtype=numpy.uint32)
    counters[:, 0] = numpy.arange(blocks, dtype=numpy.uint32)
    counters[:, 1:] = (step, purpose, 0)
    return philox(counters, key).reshape(-1)[:total].reshape(shape)


def permutation(seed: int, step: int, purpose: int, n: int) -> NDArray[Any]:
    """A uniformly random order of 0 .. n-1: the order in which 64-bit random numbers sort, equals kept in place.

    int64 (n,)
    """
    words = philox_bits(key_of(seed), step, purpose, (n, 2)).astype(numpy.uint64)
    return numpy.argsort((words[:, 0] << _HALF) | words[:, 1], kind="stable")


def integers(seed: int, step: int, purpose: int, n: int, below: int) -> NDArray[Any]:
    """n whole numbers drawn uniformly with replacement from 0 .. below-1.

    The upper word of a 32 by 32 bit product; uneven by at most below / 2^32 (Lemire 2019).    int64 (n,)
    """
    words = philox_bits(key_of(seed), step, purpose, (n,)).astype(numpy.uint64)
    return ((words * numpy.uint64(below)) >> _HALF).astype(numpy.int64)
