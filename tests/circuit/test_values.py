"""Values of the elementary functions against 50-digit arithmetic, at the ends of the number range too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy
import pytest

from backpass.circuit import grad, operations, trace

mpmath.mp.dps = 50


def points(dtype: Any) -> numpy.ndarray[Any, Any]:
    """Ordinary, huge, tiny, subnormal and special numbers of both signs."""
    info = numpy.finfo(dtype)
    rng = numpy.random.default_rng(1)
    sizes: list[Any] = [
        numpy.linspace(0.0, 10.0, 301),
        numpy.logspace(-30, 3, 200),
        rng.uniform(0.4, 0.6, 100),
        [float(info.smallest_subnormal), float(info.tiny), float(info.max), float("inf"), 700.0, 745.0, 87.0, 104.0],
    ]
    positive = numpy.concatenate(sizes).astype(dtype)
    return numpy.concatenate([positive, -positive, numpy.array([numpy.nan], dtype)])


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x)) if x < 1000 else x


TRUTH: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "tanh": mpmath.tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "erf": mpmath.erf,
    "arctan": mpmath.atan,
}
AT_INFINITY = {"exp": (0, numpy.inf), "expm1": (-1, numpy.inf), "tanh": (-1, 1), "sigmoid": (0, 1),
               "softplus": (0, numpy.inf), "erf": (-1, 1), "arctan": (-numpy.pi / 2, numpy.pi / 2)}  # fmt: skip


def nearest(value: Any, dtype: Any) -> Any:
    with numpy.errstate(over="ignore"):
        return numpy.dtype(dtype).type(float(value))


@pytest.mark.parametrize(("dtype", "units"), [(numpy.float64, 2), (numpy.float32, 4)])
@pytest.mark.parametrize("name", TRUTH)
def test_value_is_within_a_few_units_in_the_last_place(name: str, dtype: Any, units: int) -> None:
    x = points(dtype)
    x = x[numpy.isfinite(x) & (numpy.abs(x) < 1e4)]
    z = getattr(operations, name)(x)
    assert z.dtype == dtype
    for xi, zi in zip(x, z, strict=True):
        truth = TRUTH[name](mpmath.mpf(float(xi)))
        rounded = nearest(truth, dtype)
        if not numpy.isfinite(rounded):
            assert zi == rounded
            continue
        assert abs(mpmath.mpf(float(zi)) - truth) <= units * mpmath.mpf(float(numpy.spacing(abs(rounded)))), (xi, zi)


@pytest.mark.parametrize("name", TRUTH)
def test_ends_of_the_range(name: str) -> None:
    low, high = AT_INFINITY[name]
    x = numpy.array([-numpy.inf, numpy.inf, -1.7e308, 1.7e308, numpy.nan])
    at = getattr(operations, name)(x)
    assert (at[0], at[1]) == (low, high)
    assert at[2] == low
    assert at[3] in (high, 1.7e308)
    assert numpy.isnan(at[4])


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
@pytest.mark.parametrize("name", [*TRUTH, "log", "sqrt", "sin", "cos", "relu", "absolute", "sign"])
def test_no_warning_leaks_from_values_or_gradients(name: str, dtype: Any) -> None:
    operation = getattr(operations, name)
    operation(points(dtype))
    grad(lambda x: operation(x).sum())(points(dtype))
    trace(operation, [("n",)], dtype=dtype)(points(dtype))


@pytest.mark.parametrize(
    "row",
    [
        [0.0, 1.0, 2.0],
        [1e4, 0.0, -1e4],
        [-1e300, -1e300, -1e300],
        [1.7e308, 1.7e308, 0.0],
        [-numpy.inf, 3.0, -numpy.inf],
        [-numpy.inf, 3.0, 4.0],
        [5e-324, 0.0, -5e-324],
        [-1000.0, -1000.5, -1001.0],
    ],
)
def test_logsumexp(row: list[float]) -> None:
    total = mpmath.fsum([mpmath.exp(mpmath.mpf(v)) for v in row if v > -numpy.inf])
    truth = mpmath.log(total)
    z = operations.logsumexp(numpy.array(row))
    assert abs(mpmath.mpf(float(z)) - truth) <= 4 * numpy.spacing(max(1.0, abs(float(truth))))
    share = grad(operations.logsumexp)(numpy.array(row))
    for v, s in zip(row, share, strict=True):
        expected = mpmath.exp(mpmath.mpf(v) - truth) if v > -numpy.inf else mpmath.mpf(0)
        assert abs(mpmath.mpf(float(s)) - expected) <= 1e-12 * expected + mpmath.mpf(5e-324)


def test_logsumexp_of_nothing_is_minus_infinity() -> None:
    for nothing in ([-numpy.inf, -numpy.inf], []):
        assert operations.logsumexp(numpy.array(nothing)) == -numpy.inf
    numpy.testing.assert_array_equal(grad(operations.logsumexp)(numpy.full(2, -numpy.inf)), [0.0, 0.0])


def test_cross_entropy_of_extreme_logits_is_finite() -> None:
    loss = lambda z: operations.logsumexp(z) - z[0]
    dz = grad(loss)(numpy.array([1e4, 0.0, -1e4]))
    numpy.testing.assert_array_equal(dz, [0.0, 0.0, 0.0])
    dz = grad(loss)(numpy.array([-800.0, 0.0, -numpy.inf]))
    numpy.testing.assert_array_equal(dz, [-1.0, 1.0, 0.0])


# Kinks and ties -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
def test_slope_of_relu_at_zero_is_one(dtype: Any) -> None:
    """CS229 Algorithm 3: ReLU'(z) = 1{z >= 0}."""
    z = numpy.array([-1.0, -0.0, 0.0, 1.0, -5e-324, numpy.inf, -numpy.inf], dtype)
    slope = grad(lambda z: operations.relu(z).sum())(z)
    numpy.testing.assert_array_equal(slope, z >= 0)


def test_slope_of_a_leaky_rectifier() -> None:
    leaky = lambda z: operations.where(z >= 0.0, z, 0.01 * z).sum()
    numpy.testing.assert_array_equal(grad(leaky)(numpy.array([-2.0, 0.0, 3.0])), [0.01, 1.0, 1.0])


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_a_tie_gives_the_gradient_to_the_first(name: str) -> None:
    dx, dy = grad(getattr(operations, name), (0, 1))(2.0, 2.0)
    assert (dx, dy) == (1.0, 0.0)


def test_a_tie_of_max_is_shared_evenly() -> None:
    numpy.testing.assert_array_equal(grad(operations.max)(numpy.array([3.0, 1.0, 3.0])), [0.5, 0.0, 0.5])


def test_slope_of_absolute_at_zero_is_zero() -> None:
    assert grad(operations.absolute)(0.0) == 0.0


def test_power_of_zero() -> None:
    exponents = numpy.array([0.0, 1.0, 2.0, 3.0])
    dx = grad(lambda x, y: (x**y).sum(), (0, 1))(numpy.zeros(4), exponents)
    numpy.testing.assert_array_equal(dx[0], [0.0, 1.0, 0.0, 0.0])
    numpy.testing.assert_array_equal(dx[1], [0.0, 0.0, 0.0, 0.0])


def test_a_branch_not_taken_contributes_exactly_zero() -> None:
    safe_log = lambda x: operations.where(x > 0.0, operations.log(operations.where(x > 0.0, x, 1.0)), 0.0).sum()
    numpy.testing.assert_array_equal(grad(safe_log)(numpy.array([-1.0, 0.0, 2.0])), [0.0, 0.0, 0.5])


def test_nan_passes_through() -> None:
    for name in ("relu", "max", "logsumexp", "sigmoid", "absolute"):
        assert numpy.isnan(getattr(operations, name)(numpy.array([1.0, numpy.nan]))).any()


# Near 0 and at the ends ---------------------------------------------------------------------------------------------


def tiny(dtype: Any) -> numpy.ndarray[Any, Any]:
    info = numpy.finfo(dtype)
    sizes = [float(info.smallest_subnormal), float(info.tiny), 1e-30, 1e-12, 1e-8, 1e-3, 0.1, 0.5, 0.69, 0.71, 0.99]
    return numpy.array([*sizes, *(-s for s in sizes)], dtype)


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
@pytest.mark.parametrize("name", ["log1p", "expm1"])
def test_values_and_slopes_keep_their_digits(name: str, dtype: Any) -> None:
    """The value, the first and the second derivative of NumPy's function within a few units in the last place."""
    far = [3.0, 30.0, 80.0] if name == "log1p" else [3.0, 30.0, 80.0, -3.0, -30.0, -80.0]
    x = numpy.concatenate([tiny(dtype), numpy.array(far, dtype)])
    f = lambda x: getattr(numpy, name)(x)
    value = {"log1p": mpmath.log1p, "expm1": mpmath.expm1}[name]
    slopes = {"log1p": [lambda v: 1 / (1 + v), lambda v: -1 / (1 + v) ** 2], "expm1": [mpmath.exp, mpmath.exp]}[name]
    found = [trace(f, [x])(x), *(numpy.array([g(v) for v in x]) for g in (grad(f), grad(grad(f))))]
    for z, truth in zip(found, [value, *slopes], strict=True):
        assert z.dtype == dtype
        for xi, zi in zip(x, z, strict=True):
            exact = truth(mpmath.mpf(float(xi)))
            unit = mpmath.mpf(float(numpy.spacing(abs(nearest(exact, dtype)))))
            assert abs(mpmath.mpf(float(zi)) - exact) <= 6 * unit, (xi, zi)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("log1p", [-1.0, numpy.inf, -0.0, -2.0, numpy.nan], [-numpy.inf, numpy.inf, -0.0, numpy.nan, numpy.nan]),
        ("expm1", [-numpy.inf, numpy.inf, -0.0, numpy.nan], [-1.0, numpy.inf, -0.0, numpy.nan]),
    ],
)
@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
def test_special_values_of_functions_exact_near_zero(
    name: str, x: list[float], expected: list[float], dtype: Any
) -> None:
    x_, wanted = numpy.array(x, dtype), numpy.array(expected, dtype)
    z = trace(getattr(numpy, name), [x_])(x_)
    numpy.testing.assert_array_equal(z, wanted)
    numpy.testing.assert_array_equal(numpy.signbit(z[2]), numpy.signbit(wanted[2]))


def test_slopes_of_functions_exact_near_zero_at_the_ends() -> None:
    slope = grad(lambda x: numpy.log1p(x).sum())(numpy.array([-1.0, numpy.inf, -0.5]))
    numpy.testing.assert_array_equal(slope, [numpy.inf, 0.0, 2.0])
    slope = grad(lambda x: numpy.expm1(x).sum())(numpy.array([-numpy.inf, numpy.inf, 0.0]))
    numpy.testing.assert_array_equal(slope, [0.0, numpy.inf, 1.0])


def test_slope_of_a_power_of_zero_is_zero_everywhere() -> None:
    x = numpy.array([numpy.inf, -numpy.inf, 0.0, -3.0, 2.0, numpy.nan])
    for power in (lambda x: x**0, lambda x: x**0.0, lambda x: numpy.power(x, numpy.zeros(6))):
        numpy.testing.assert_array_equal(grad(lambda x, f=power: f(x).sum())(x), numpy.zeros(6))


def test_logaddexp_of_infinities() -> None:
    x = numpy.array([numpy.inf, -numpy.inf, numpy.inf, 0.0, 0.0])
    y = numpy.array([numpy.inf, -numpy.inf, -numpy.inf, -numpy.inf, -800.0])
    numpy.testing.assert_array_equal(trace(numpy.logaddexp, [x, y])(x, y), numpy.logaddexp(x, y))
    dx, dy = grad(lambda x, y: numpy.logaddexp(x, y).sum(), (0, 1))(numpy.array([3.0, 0.0]), numpy.array([3.0, -800.0]))
    numpy.testing.assert_allclose(dx + dy, 1.0)
    numpy.testing.assert_array_equal(dx, [0.5, 1.0])
