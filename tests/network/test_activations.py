"""Activations: values against mpmath, slopes against differences, stable at large arguments."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy
import pytest

from backpass.circuit import check_gradient, grad
from backpass.errors import UsageError
from backpass.network import ACTIVATIONS, activation_named

Floats = numpy.ndarray[Any, Any]
ALPHA, SCALE = mpmath.mpf("1.67326324235437728481704297"), mpmath.mpf("1.05070098735548049341933499")

TWINS: dict[str, Any] = {
    "relu": lambda z: max(z, mpmath.mpf(0)),
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
    "identity": lambda z: z,
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "gelu": lambda z: z * mpmath.ncdf(z),
    "selu": lambda z: SCALE * (z if z >= 0 else ALPHA * mpmath.expm1(z)),
    "mish": lambda z: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))),
    "leaky_relu": lambda z: z if z >= 0 else z / 100,
}
GRID = numpy.array([-30.0, -8.5, -3.0, -1.0, -0.3, -1e-3, -1e-9, 1e-9, 1e-3, 0.3, 1.0, 3.0, 8.5, 30.0])


def test_every_activation_has_a_twin() -> None:
    assert TWINS.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values(name: str) -> None:
    with mpmath.workdps(40):
        expected = [float(TWINS[name](mpmath.mpf(float(z)))) for z in GRID]
    numpy.testing.assert_allclose(ACTIVATIONS[name](GRID), expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_against_differences(name: str) -> None:
    assert check_gradient(ACTIVATIONS[name], GRID[2:-2].reshape(2, 5)).ok


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_against_mpmath(name: str) -> None:
    """A third opinion, also where differences are too coarse."""
    with mpmath.workdps(60):
        expected = [float(mpmath.diff(TWINS[name], mpmath.mpf(float(z)), h=mpmath.mpf(10) ** -25)) for z in GRID]
    found = grad(lambda z: ACTIVATIONS[name](z).sum())(GRID)
    numpy.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)


LIMITS = {"relu": 0.0, "sigmoid": 0.0, "tanh": -1.0, "softplus": 0.0, "gelu": 0.0, "mish": 0.0}
SLOPES = {"sigmoid": 0.0, "tanh": 0.0, "selu": SCALE}


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_large_arguments(name: str, dtype: Any) -> None:
    z = numpy.array([-1e30, -1e4, -800, 800, 1e4, 1e30], dtype)
    a = ACTIVATIONS[name](z)
    da = grad(lambda z: ACTIVATIONS[name](z).sum())(z)
    assert a.dtype == da.dtype == dtype
    assert numpy.isfinite(a).all()
    assert numpy.isfinite(da).all()
    if name in LIMITS:
        assert a[:3].tolist() == [LIMITS[name]] * 3
        assert da[:3].tolist() == [0.0] * 3
    numpy.testing.assert_allclose(da[3:], float(SLOPES.get(name, 1.0)), rtol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_float32_stays_float32_and_arguments_stay_unchanged(name: str) -> None:
    z = GRID.astype(numpy.float32)
    kept = z.copy()
    a = ACTIVATIONS[name](z)
    assert a.dtype == numpy.float32
    assert z.tobytes() == kept.tobytes()
    numpy.testing.assert_allclose(a, ACTIVATIONS[name](GRID), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(("name", "slope"), [("relu", 1.0), ("leaky_relu", 1.0), ("selu", float(SCALE))])
def test_slope_at_exactly_zero_is_the_right_hand_one(name: str, slope: float) -> None:
    assert float(grad(ACTIVATIONS[name])(0.0)) == pytest.approx(slope)
    assert float(grad(ACTIVATIONS[name])(-0.0)) == pytest.approx(slope)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown activation 'rleu'") as caught:
        activation_named("rleu")
    assert caught.value.hint == "did you mean 'relu'?"
