"""Golden digests: the functions' bits on some 130,000 numbers, the same on every machine and instruction set."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

Floats = NDArray[numpy.float32]

GOLDEN = {
    "exp": "5691d62f18238219",
    "expm1": "1443b91dd4da115d",
    "log": "b984026935a35caa",
    "log1p": "0bb2e471335d2c02",
    "tanh": "d91750a33baa847b",
    "sigmoid": "848764d2b4efc25d",
    "softplus": "31ecfe584dc21881",
    "sin": "b8bfd3476ace0e58",
    "cos": "023445fa0cf9ed01",
    "arctan": "bee06e84e06bb9c4",
    "erf": "57362e305cdfcc5a",
    "power": "d2aaf016806106ee",
    "fma": "553cb26b80781b17",
}


def numbers() -> Floats:
    """Bit patterns at even distances, and as many numbers from -16 to 16. Nothing here is rounded by a library."""
    words = numpy.arange(0, 2**32, 65_537, dtype=numpy.uint64)
    mixed = words * 2_654_435_761 % 2**32  # Knuth's multiplier: neighbours are far apart
    moderate = (mixed.astype(numpy.float64) * 2.0**-32 - 0.5) * 32
    return numpy.concatenate([words.astype(numpy.uint32).view(numpy.float32), moderate.astype(numpy.float32)])


def digest_of(found: Floats) -> str:
    """Sixteen hexadecimal digits; every NaN counts as the same."""
    bits = numpy.where(numpy.isnan(found), numpy.uint32(0x7FC00000), found.view(numpy.uint32))
    return hashlib.sha256(bits.astype("<u4").tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("name", GOLDEN)
def test_functions_keep_their_bits(builds: Any, name: str) -> None:
    x = numbers()
    y, w = numpy.roll(x[::-1], 7), numpy.roll(x, 31)
    for build in builds:
        assert digest_of(build(name, x, y, w)) == GOLDEN[name], build.name
