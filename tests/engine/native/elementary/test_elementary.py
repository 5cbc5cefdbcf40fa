"""Elementary functions: close to the exact value, right at special values, the same bits on every instruction set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy
import pytest
from numpy.typing import NDArray

from backpass.circuit.operations.error_function import erf_of

Floats = NDArray[numpy.float32]
Doubles = NDArray[numpy.float64]

INFINITY, NAN = numpy.float32(numpy.inf), numpy.float32(numpy.nan)
SMALLEST_NORMAL = numpy.float32(2.0**-126)
SPECIAL = numpy.array(
    [0.0, -0.0, 1.0, -1.0, INFINITY, -INFINITY, NAN, 2.0**-149, -(2.0**-149), 1e-40, -1e-40, 2.0**-126, -(2.0**-126),
     88.72283, 88.72284, -87.33655, -103.97208, -103.97209, -104.0, 3.4028235e38, -3.4028235e38, 1e5, 1.0000001e5, -1e5,
     0.99999994, 1.0000001, -0.99999994, 0.33333334, -0.33333334, 1.3333334, 0.6666667, 16777216.0, 16777217.0,
     2.5, -2.5, 3.0, -3.0, 20.0, 20.000002, 4.0, 0.921875, 1.034, 8388609.0, -8388609.0],
    dtype=numpy.float32,
)  # fmt: skip


def sigmoid(x: Doubles) -> Doubles:
    tail: Doubles = numpy.exp(-numpy.abs(x))
    return numpy.asarray(numpy.where(x >= 0, 1, tail) / (1 + tail))


def softplus(x: Doubles) -> Doubles:
    return numpy.maximum(x, 0) + numpy.log1p(numpy.exp(-numpy.abs(x)))


@dataclass(frozen=True, slots=True)
class Function:
    """A function, its value in float64 and exactly, the bound on its error (in units in the last place), its domain.

    ``low`` and ``high`` bound the half of the random points that is drawn evenly; the other half is random bits.
    """

    name: str
    nearly: Callable[..., Any]
    exactly: Callable[..., Any]
    bound: float
    low: float
    high: float


FUNCTIONS = (
    Function("exp", numpy.exp, mpmath.exp, 0.85, -104, 89),
    Function("expm1", numpy.expm1, mpmath.expm1, 0.9, -20, 89),
    Function("log", numpy.log, mpmath.log, 0.85, 0, 10),
    Function("log1p", numpy.log1p, mpmath.log1p, 0.95, -1, 10),
    Function("tanh", numpy.tanh, mpmath.tanh, 1.02, -10, 10),
    Function("sigmoid", sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), 0.8, -104, 20),
    Function("softplus", softplus, lambda x: mpmath.log1p(mpmath.exp(x)), 0.95, -30, 30),
    Function("sin", numpy.sin, mpmath.sin, 0.85, -1e5, 1e5),
    Function("cos", numpy.cos, mpmath.cos, 0.85, -1e5, 1e5),
    Function("arctan", numpy.arctan, mpmath.atan, 0.75, -10, 10),
    Function("erf", erf_of, mpmath.erf, 0.95, -4, 4),
)
EACH = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


def sweep() -> Floats:
    """Every exponent and sign, with sixteen mantissas; and the special values."""
    exponents = numpy.arange(512, dtype=numpy.uint32) << 23
    mantissas = (numpy.arange(16, dtype=numpy.uint32) * 0x88889) & 0x7FFFFF
    return numpy.concatenate([(exponents[:, None] | mantissas).ravel().view(numpy.float32), SPECIAL])


def arguments(function: Function, count: int) -> Floats:
    random = numpy.random.default_rng(len(function.name))
    even = random.uniform(function.low, function.high, count // 4).astype(numpy.float32)
    near = random.uniform(-1.5, 1.5, count // 4).astype(numpy.float32)
    bits = random.integers(0, 2**32, count - 2 * (count // 4), dtype=numpy.uint32).view(numpy.float32)
    return numpy.concatenate([sweep(), even, near, bits])


def wide(function: Function, *x: Floats) -> Doubles:
    with numpy.errstate(all="ignore"):
        found: Doubles = function.nearly(*(a.astype(numpy.float64) for a in x))
        return found


def narrow(reference: Doubles) -> Floats:
    with numpy.errstate(all="ignore"):
        return reference.astype(numpy.float32)


def largest_error(found: Floats, reference: Doubles) -> float:
    """In units in the last place of the exact value; infinite where a NaN, an infinity or a sign is wrong."""
    rounded = narrow(reference)
    regular = numpy.isfinite(rounded) & (rounded != 0) & numpy.isfinite(found)
    with numpy.errstate(invalid="ignore"):
        same = (found == rounded) & (numpy.signbit(found) == numpy.signbit(rounded))
    if not (regular | same | (numpy.isnan(found) & numpy.isnan(rounded))).all():
        return float("inf")
    _, exponent = numpy.frexp(reference[regular])
    unit = numpy.ldexp(1.0, numpy.maximum(exponent, -125) - 24)
    return float((numpy.abs(found[regular] - reference[regular]) / unit).max())


def same_bits(one: Floats, other: Floats) -> bool:
    """Equal bit by bit, but for the sign and payload of a NaN."""
    both_nan = numpy.isnan(one) & numpy.isnan(other)
    return bool((both_nan | (one.view(numpy.uint32) == other.view(numpy.uint32))).all())


def flushed(x: Floats) -> Floats:
    return numpy.where(numpy.abs(x) < SMALLEST_NORMAL, numpy.copysign(numpy.float32(0), x), x)


def test_the_error_measure_sees_a_wrong_last_place() -> None:
    exact = numpy.array([1.0, 3.0, -0.0])
    assert largest_error(exact.astype(numpy.float32), exact) == 0.0
    assert largest_error(numpy.array([1.0, 3.0000002, -0.0], dtype=numpy.float32), exact) == pytest.approx(1.0)
    assert largest_error(numpy.array([1.0, 3.0, 0.0], dtype=numpy.float32), exact) == numpy.inf
    assert largest_error(numpy.array([1.0, NAN, -0.0], dtype=numpy.float32), exact) == numpy.inf


@EACH
def test_error(builds: Any, points: int, function: Function) -> None:
    x = arguments(function, points)
    assert largest_error(builds[-1](function.name, x), wide(function, x)) <= function.bound


@EACH
def test_the_reference_is_exact(function: Function) -> None:
    x = arguments(function, 400)[-400:]
    reference = wide(function, x)
    for argument, value in zip(x, reference, strict=True):
        if numpy.isfinite(value) and 1e-37 < abs(value) < 1e38:
            with mpmath.workdps(60):
                exact = function.exactly(mpmath.mpf(float(argument)))
                assert abs(exact - mpmath.mpf(float(value))) <= abs(exact) * mpmath.mpf(2) ** -48


@EACH
def test_every_instruction_set_gives_the_same_bits(builds: Any, points: int, function: Function) -> None:
    x = arguments(function, points)
    for flush in (False, True):
        expected = builds[0](function.name, x, flush=flush)
        for build in builds[1:]:
            assert same_bits(build(function.name, x, flush=flush), expected), (build.name, flush)


@pytest.mark.parametrize("name", ["reduced", "cosine_reduced"])
def test_a_short_angle_needs_no_exact_tail(builds: Any, points: int, name: str) -> None:
    first, limit = (numpy.float32(end).view(numpy.uint32) for end in (0.5, 512.0))  # below, nothing is reduced
    step = max(1, int(limit - first) // (8 * points))
    x = numpy.arange(first, limit + 1, step, dtype=numpy.uint32).view(numpy.float32)
    assert same_bits(builds[-1](f"{name}_shortly", x), builds[-1](f"{name}_fully", x))
    beyond = numpy.arange(limit, numpy.float32(1e5).view(numpy.uint32), 64, dtype=numpy.uint32).view(numpy.float32)
    assert not same_bits(builds[-1](f"{name}_shortly", beyond), builds[-1](f"{name}_fully", beyond))


def assert_flushed(found: Floats, plain: Floats, exact_from: float) -> None:
    """Bit by bit what ``plain`` is after flushing; below ``exact_from`` within a unit in the last place."""
    # Whether a number that rounds to the smallest normal one counts as subnormal is for the machine to say.
    size = numpy.abs(plain)
    unsettled = (size < exact_from) | (size == SMALLEST_NORMAL)
    assert same_bits(found[~unsettled], flushed(plain)[~unsettled])
    slack = numpy.where(size[unsettled] <= SMALLEST_NORMAL, SMALLEST_NORMAL, numpy.spacing(size[unsettled]))
    assert (numpy.abs(found[unsettled] - plain[unsettled]) <= slack).all()


@EACH
def test_flushing_turns_subnormal_arguments_and_results_into_zeros(
    builds: Any, points: int, function: Function
) -> None:
    x = arguments(function, points)
    exact_from = 2.0**-100 if function.name in {"sigmoid", "softplus"} else 0.0
    for build in builds:
        plain = build(function.name, flushed(x))
        assert_flushed(build(function.name, x, flush=True), plain, exact_from)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("exp", [0.0, -0.0, -INFINITY, INFINITY, 89.0, -104.0], [1.0, 1.0, 0.0, INFINITY, INFINITY, 0.0]),
        ("expm1", [0.0, -0.0, -INFINITY, INFINITY, -30.0], [0.0, -0.0, -1.0, INFINITY, -1.0]),
        ("log", [0.0, -0.0, 1.0, INFINITY, -1.0, -INFINITY], [-INFINITY, -INFINITY, 0.0, INFINITY, NAN, NAN]),
        ("log1p", [0.0, -0.0, -1.0, INFINITY, -2.0, -INFINITY], [0.0, -0.0, -INFINITY, INFINITY, NAN, NAN]),
        ("tanh", [0.0, -0.0, INFINITY, -INFINITY, 20.0], [0.0, -0.0, 1.0, -1.0, 1.0]),
        ("sigmoid", [0.0, -0.0, INFINITY, -INFINITY, -800.0, 800.0], [0.5, 0.5, 1.0, 0.0, 0.0, 1.0]),
        ("softplus", [INFINITY, -INFINITY, 800.0, -800.0], [INFINITY, 0.0, 800.0, 0.0]),
        ("sin", [0.0, -0.0, INFINITY, -INFINITY], [0.0, -0.0, NAN, NAN]),
        ("cos", [0.0, -0.0, INFINITY, -INFINITY], [1.0, 1.0, NAN, NAN]),
        ("arctan", [0.0, -0.0, INFINITY, -INFINITY, 1.0], [0.0, -0.0, numpy.pi / 2, -numpy.pi / 2, numpy.pi / 4]),
        ("erf", [0.0, -0.0, INFINITY, -INFINITY, 5.0], [0.0, -0.0, 1.0, -1.0, 1.0]),
    ],
)
@pytest.mark.parametrize("flush", [False, True])
def test_special_values(builds: Any, name: str, x: list[Any], expected: list[Any], flush: bool) -> None:
    wanted = numpy.array([*expected, NAN], dtype=numpy.float32)
    for build in builds:
        assert same_bits(build(name, numpy.array([*x, NAN], dtype=numpy.float32), flush=flush), wanted), build.name


# Power ---------------------------------------------------------------------------------------------------------------

POWER = Function("power", numpy.power, mpmath.power, 0.9, 0, 10)


def powers(count: int) -> tuple[Floats, Floats]:
    """Pairs of every kind: random bits, moderate, results over the whole range, bases near 1, negative, special."""
    random = numpy.random.default_rng(11)
    part = count // 5
    result = random.uniform(-90, 90, part)
    with numpy.errstate(all="ignore"):
        bits = random.integers(0, 2**32, (2, part), dtype=numpy.uint32).view(numpy.float32).astype(numpy.float64)
        bases = numpy.exp(random.uniform(-80, 80, part)), 1 + 1e-3 * random.normal(size=part)
        far, near = (base.astype(numpy.float32).astype(numpy.float64) for base in bases)
        special_x, special_y = (grid.ravel().astype(numpy.float64) for grid in numpy.meshgrid(SPECIAL, SPECIAL))
        x = [bits[0], random.uniform(0, 10, part), far, near, random.uniform(-10, 0, part), special_x]
        y = [bits[1], random.uniform(-30, 30, part), result / numpy.log(far), result / numpy.log(near),
             numpy.rint(random.uniform(-30, 30, part)), special_y]  # fmt: skip
        return narrow(numpy.concatenate(x)), narrow(numpy.concatenate(y))


def test_error_and_special_values_of_power(builds: Any, points: int) -> None:
    x, y = powers(points)
    assert largest_error(builds[-1]("power", x, y), wide(POWER, x, y)) <= POWER.bound


def test_power_has_the_same_bits_on_every_instruction_set(builds: Any, points: int) -> None:
    x, y = powers(points)
    for flush in (False, True):
        expected = builds[0]("power", x, y, flush=flush)
        for build in builds[1:]:
            assert same_bits(build("power", x, y, flush=flush), expected), (build.name, flush)


def test_flushed_power(builds: Any, points: int) -> None:
    x, y = powers(points)
    for build in builds:
        plain = build("power", flushed(x), flushed(y))
        assert_flushed(build("power", x, y, flush=True), plain, 0.0)


def test_the_reference_of_power_is_exact() -> None:
    x, y = (a[40:2040:4] for a in powers(4000))
    reference = wide(POWER, x, y)
    for base, exponent, value in zip(x, y, reference, strict=True):
        if base > 0 and numpy.isfinite(value) and 1e-37 < abs(value) < 1e38:
            with mpmath.workdps(60):
                exact = mpmath.power(mpmath.mpf(float(base)), mpmath.mpf(float(exponent)))
                assert abs(exact - mpmath.mpf(float(value))) <= abs(exact) * mpmath.mpf(2) ** -48
