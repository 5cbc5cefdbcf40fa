"""Lanes: each function does to every lane what NumPy does, with the same bits on every instruction set."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

Floats = NDArray[numpy.float32]

SPECIAL = numpy.array(
    [0.0, -0.0, 1.0, -1.0, numpy.inf, -numpy.inf, numpy.nan, 2.0**-149, -(2.0**-149), 2.0**-126, 1e-40, 3.4028235e38,
     0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, -0.49999997, 8388607.5, -8388607.5, 8388609.0, 4194303.5, 1e-20, -1e-20],
    dtype=numpy.float32,
)  # fmt: skip


def bits(x: Floats) -> NDArray[numpy.int64]:
    return x.view(numpy.int32).astype(numpy.int64)


def from_bits(numbers: NDArray[Any]) -> Floats:
    return (numbers & 0xFFFFFFFF).astype(numpy.uint32).view(numpy.float32)


def words(x: Floats) -> NDArray[numpy.uint64]:
    return x.view(numpy.uint32).astype(numpy.uint64)


def maximum(x: Floats, y: Floats) -> Floats:
    return numpy.where((x >= y) | numpy.isnan(x), x, y)


def minimum(x: Floats, y: Floats) -> Floats:
    return numpy.where((x <= y) | numpy.isnan(x), x, y)


TABLE: dict[str, Callable[[Floats, Floats, Floats], NDArray[Any]]] = {
    "add": lambda x, y, w: x + y,
    "subtract": lambda x, y, w: x - y,
    "multiply": lambda x, y, w: x * y,
    "divide": lambda x, y, w: x / y,
    "sqrt": lambda x, y, w: numpy.sqrt(x),
    "absolute": lambda x, y, w: numpy.abs(x),
    "negative": lambda x, y, w: -x,
    "copy_sign": lambda x, y, w: numpy.copysign(x, y),
    "round_even": lambda x, y, w: numpy.rint(x),
    "floor": lambda x, y, w: numpy.floor(x),
    "maximum": lambda x, y, w: maximum(x, y),
    "minimum": lambda x, y, w: minimum(x, y),
    "greater_of": lambda x, y, w: numpy.where(x > y, x, y),
    "lesser_of": lambda x, y, w: numpy.where(x < y, x, y),
    "relu": lambda x, y, w: numpy.where(numpy.float32(0) > x, numpy.float32(0), x),
    "equal": lambda x, y, w: x == y,
    "unequal": lambda x, y, w: x != y,
    "less": lambda x, y, w: x < y,
    "less_equal": lambda x, y, w: x <= y,
    "greater": lambda x, y, w: x > y,
    "greater_equal": lambda x, y, w: x >= y,
    "select": lambda x, y, w: numpy.where((x > y) & ~(y > w), x, w),
    "to_unit": lambda x, y, w: (x.view(numpy.uint32) >> numpy.uint32(8)) * 2.0**-24,
    "int_add": lambda x, y, w: from_bits(bits(x) + bits(y)),
    "int_subtract": lambda x, y, w: from_bits(bits(x) - bits(y)),
    "int_multiply": lambda x, y, w: from_bits(words(x) * words(y)),
    "int_and": lambda x, y, w: from_bits(bits(x) & bits(y)),
    "int_or": lambda x, y, w: from_bits(bits(x) | bits(y)),
    "int_xor": lambda x, y, w: from_bits(bits(x) ^ bits(y)),
    "int_not": lambda x, y, w: from_bits(~bits(x)),
    "int_left": lambda x, y, w: from_bits(bits(x) << 7),
    "int_right": lambda x, y, w: from_bits(bits(x) >> 7),
    "word_right": lambda x, y, w: from_bits(words(x) >> numpy.uint64(7)),
    "int_to_float": lambda x, y, w: x.view(numpy.int32).astype(numpy.float32),
    "int_greater": lambda x, y, w: x.view(numpy.int32) > y.view(numpy.int32),
    "int_less_equal": lambda x, y, w: x.view(numpy.int32) <= y.view(numpy.int32),
    "int_equal": lambda x, y, w: x.view(numpy.int32) == y.view(numpy.int32),
    "word_high": lambda x, y, w: from_bits((words(x) * words(y)) >> numpy.uint64(32)),
    "word_low": lambda x, y, w: from_bits(words(x) * words(y)),
}
KEEPS_EVERY_BIT = tuple(name for name in TABLE if name.startswith(("int_", "word_")))


def triples() -> tuple[Floats, Floats, Floats]:
    """Random bits, moderate numbers, all triples of special values; of an odd length, so that a tail is left."""
    random = numpy.random.default_rng(2)
    some = random.integers(0, 2**32, (3, 40_000), dtype=numpy.uint32).view(numpy.float32)
    moderate = (random.normal(size=(3, 20_000)) * 10).astype(numpy.float32)
    special = numpy.array(numpy.meshgrid(SPECIAL, SPECIAL, SPECIAL)).reshape(3, -1)
    x, y, w = numpy.concatenate([some, moderate, special], axis=1)[:, 2:]
    return x.copy(), y.copy(), w.copy()


def assert_same(found: Floats, expected: Floats, *, nan_is_nan: bool = True) -> None:
    same = found.view(numpy.uint32) == expected.view(numpy.uint32)
    if nan_is_nan:
        same |= numpy.isnan(found) & numpy.isnan(expected)
    assert same.all()


@pytest.mark.parametrize("name", TABLE)
def test_function(builds: Any, name: str) -> None:
    x, y, w = triples()
    with numpy.errstate(all="ignore"):
        expected = TABLE[name](x, y, w).astype(numpy.float32)
    for build in builds:
        assert_same(build(name, x, y, w), expected, nan_is_nan=name not in KEEPS_EVERY_BIT)


@pytest.mark.parametrize("name", [*TABLE, "fma"])
def test_flushing_shows_the_same_bits_on_every_instruction_set(builds: Any, name: str) -> None:
    x, y, w = triples()
    expected = builds[0](name, x, y, w, flush=True)
    for build in builds[1:]:
        assert_same(build(name, x, y, w, flush=True), expected)


def test_truncate(builds: Any) -> None:
    x = numpy.random.default_rng(4).uniform(-(2.0**31), 2.0**31 - 200, 1001).astype(numpy.float32)
    x[:500] /= 2**20
    for build in builds:
        assert_same(build("truncate", x), numpy.trunc(x) + numpy.float32(0))


def hard_sums() -> tuple[Floats, Floats, Floats]:
    """Products and addends that cancel, nearly tie, over- and underflow."""
    random = numpy.random.default_rng(3)
    x, y = random.normal(size=(2, 20_000)).astype(numpy.float32)
    tie = numpy.float32(1 + 2**-12)  # its square ends half a unit in the last place above a float32
    scales = numpy.array([1e-20, 1e-22, 1e19, 1.0], dtype=numpy.float32)
    with numpy.errstate(all="ignore"):
        several = [
            (x, y, -(x * y)),
            (x, y, numpy.float32(2.0**-30) * y),
            (x * scales[random.integers(0, 4, 20_000)], y * scales[random.integers(0, 4, 20_000)],
             x * numpy.float32(1e-40)),
            (numpy.full_like(x, tie), numpy.full_like(x, tie), y * numpy.float32(2.0**-60)),
            triples(),
        ]  # fmt: skip
    a, b, c = (numpy.concatenate(part) for part in zip(*several, strict=True))
    return a, b, c


def test_multiply_add_rounds_once(builds: Any) -> None:
    a, b, c = hard_sums()
    expected = builds[-1]("fma", a, b, c)
    for build in builds[:-1]:
        assert_same(build("fma", a, b, c), expected)


def rounded(number: Fraction) -> numpy.float32:
    """The nearest float32, ties to even, of a number in the normal range, by whole numbers alone."""
    if number == 0:
        return numpy.float32(0)
    exponent = 0
    while abs(number) >= 2**24:
        number, exponent = number / 2, exponent + 1
    while abs(number) < 2**23:
        number, exponent = number * 2, exponent - 1
    return numpy.float32(numpy.ldexp(float(round(number)), exponent))


def test_multiply_add_equals_exact_fractions(builds: Any) -> None:
    a, b, c = (part[:60_000:100].copy() for part in hard_sums())
    for build in builds:
        found = build("fma", a, b, c)
        for i in range(len(a)):
            exact = Fraction(float(a[i])) * Fraction(float(b[i])) + Fraction(float(c[i]))
            if exact == 0 or 2.0**-125 < abs(exact) < 2.0**127:
                assert found[i] == rounded(exact), (build.name, a[i], b[i], c[i])


def test_row_sums_have_the_order_that_defines_them(builds: Any) -> None:
    x = numpy.random.default_rng(5).normal(size=(1000, 32)).astype(numpy.float32)
    x[0, 3], x[1, 31], x[2] = numpy.nan, -numpy.inf, -0.0
    steps: dict[str, Callable[[Floats, Floats], Floats]] = {
        "sum_row": numpy.add,
        "maximum_row": maximum,
        "minimum_row": minimum,
    }
    for name, step in steps.items():
        left = x
        while left.shape[1] > 1:
            half = left.shape[1] // 2
            left = step(left[:, :half], left[:, half:])
        for build in builds:
            assert_same(build.rows(name, x), left[:, 0].copy())


@pytest.mark.parametrize("count", range(1, 40))
def test_a_tail_touches_no_memory_beyond(builds: Any, count: int) -> None:
    x = numpy.arange(count, dtype=numpy.float32)
    guarded = numpy.full(count + 32, 5, dtype=numpy.float32)
    for build in builds:
        build.library.run_negative(
            *(a.ctypes.data_as(ctypes.c_void_p) for a in (x, x, x, guarded)), ctypes.c_int64(count), 0
        )
        assert_same(guarded[:count], -x)
        assert (guarded[count:] == 5).all()


def test_masks(builds: Any) -> None:
    for build in builds:
        width = build.library.lane_count()
        found = [numpy.zeros(width + 2, dtype=numpy.int32) for _ in range(3)]
        build.library.masks_of(*(a.ctypes.data_as(ctypes.c_void_p) for a in found))
        expected = [(1 << min(count, width)) - 1 for count in range(width + 2)]
        assert found[0].tolist() == expected
        assert found[1].tolist() == [int(count > 0) for count in range(width + 2)]
        assert found[2].tolist() == [int(count >= width) for count in range(width + 2)]


def test_nothing_of_the_headers_is_visible_to_the_linker(builds: Any) -> None:
    """Or it could put a function compiled for AVX-512 where a machine without it calls the one of the same name."""
    if shutil.which("nm") is None:
        pytest.skip("needs nm, which lists the symbols of a library")
    for build in builds:
        command = ["nm", "-D", "--defined-only", build.library._name]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
        symbols = {line.split()[-1] for line in listed if line}
        assert "run_exp" in symbols
        assert not {symbol for symbol in symbols if "backpass" in symbol}
