"""Hashes of strings: 64-bit numbers that depend on the characters alone, never on a process, a machine or a seed.

    h(c_1 ... c_L) = mix(sum_i c_i M^(i-1) mod 2^64)

c_i are code points, M is an odd constant, and mix is the last step of SplitMix64 (Steele, Lea & Flood 2014). All
strings of an array are hashed at once. The hash spreads words over a table; it is no protection against forged
collisions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

Hashes = NDArray[numpy.uint64]

_MULTIPLIER = 0x9E3779B97F4A7C15
_FIRST, _SECOND = numpy.uint64(0xBF58476D1CE4E5B9), numpy.uint64(0x94D049BB133111EB)
_SHIFTS = (numpy.uint64(30), numpy.uint64(27), numpy.uint64(31))


def code_points(strings: Sequence[str]) -> tuple[NDArray[numpy.uint64], NDArray[numpy.int64]]:
    """The code points of all strings in one array, and the place of each string's first one.

    Returns:
        Code points (characters,) and starts (strings + 1,), of which the last is the number of characters.

    >>> points, starts = code_points(["ab", "c"])
    >>> points.tolist(), starts.tolist()
    ([97, 98, 99], [0, 2, 3])
    """
    joined = "".join(strings).encode("utf-32-le", "surrogatepass")
    starts = numpy.zeros(len(strings) + 1, dtype=numpy.int64)
    numpy.cumsum(numpy.fromiter(map(len, strings), numpy.int64, len(strings)), out=starts[1:])
    return numpy.frombuffer(joined, dtype="<u4").astype(numpy.uint64), starts


def hashes_of(points: NDArray[numpy.uint64], starts: NDArray[numpy.int64]) -> Hashes:
    """The hash of each string, given as by ``code_points``: (strings,); no string is empty.

    >>> hashes_of(*code_points(["ab", "ba", "ab"])).tolist()
    [12133279004543813465, 17039674053143399767, 12133279004543813465]
    """
    if len(starts) < 2:
        return numpy.zeros(0, dtype=numpy.uint64)
    lengths = numpy.diff(starts)
    places = numpy.arange(len(points)) - numpy.repeat(starts[:-1], lengths)
    return mixed(numpy.add.reduceat(points * powers(int(lengths.max()))[places], starts[:-1]))


def powers(count: int) -> Hashes:
    """M^0 .. M^(count - 1) mod 2^64."""
    found = numpy.full(count, _MULTIPLIER, dtype=numpy.uint64)
    found[:1] = 1
    return numpy.multiply.accumulate(found)


def mixed(sums: Hashes) -> Hashes:
    """The numbers with every bit depending on all bits."""
    z = (sums ^ (sums >> _SHIFTS[0])) * _FIRST
    z = (z ^ (z >> _SHIFTS[1])) * _SECOND
    return z ^ (z >> _SHIFTS[2])
