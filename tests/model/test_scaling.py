"""The target's scale: there and back, at any magnitude, and exact for a constant."""

from __future__ import annotations

import numpy as np
import pytest

from backpass.model.head.scaling import TargetScale

LARGEST, SMALLEST_NORMAL = np.finfo(np.float64).max, np.finfo(np.float64).tiny
RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=500)
TARGETS = {
    "plain": 3.0 + 2.0 * NORMAL,
    "large mean": 1e9 + 1e-3 * NORMAL,
    "large": 1e300 * NORMAL,
    "largest": np.where(NORMAL > 0, 1e308, -1e308),
    "both ends": np.array([-LARGEST, LARGEST]),
    "small": 1e-300 * NORMAL,
    "smallest": np.where(NORMAL > 0, 1e-308, 3e-308),
    "skewed": np.concatenate([np.zeros(499), [1e200]]),
    "counts from 0": np.floor(np.exp(NORMAL)),
    "first is 0": np.concatenate([[0.0], 5.0 + NORMAL]),
    "one row": np.array([7.25]),
    "constant": np.full(9, 0.1),
}


def fitted(y: np.ndarray) -> TargetScale:
    return TargetScale.fit(y, "identity")


@pytest.mark.parametrize("name", TARGETS)
def test_there_and_back(name: str) -> None:
    y = TARGETS[name]
    scale = fitted(y)
    assert np.isfinite([scale.center, scale.scale]).all()
    back = scale.decode(scale.encode(y))
    np.testing.assert_allclose(back, y, rtol=1e-12, atol=4e-16 * max(np.abs(y).max(), 1e-300))


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in ("one row", "constant")])
def test_what_the_network_learns_has_mean_0_and_deviation_1(name: str) -> None:
    scale = fitted(TARGETS[name])
    z = scale.encode(TARGETS[name])
    # The center is one float64: far from 0, it is as coarse as that.
    assert np.mean(z) == pytest.approx(0.0, abs=max(1e-12, np.spacing(abs(scale.center)) / scale.scale))
    assert np.std(z) == pytest.approx(1.0, rel=1e-6)


def test_center_and_scale_are_mean_and_deviation() -> None:
    y = TARGETS["plain"]
    assert fitted(y).center == pytest.approx(np.mean(y), rel=1e-14)
    assert fitted(y).scale == pytest.approx(np.std(y), rel=1e-14)
    # The deviations are whole multiples of 2^-23, the spacing of float64 at 1e9, so that this is known exactly.
    far = np.array([1e9, 1e9 + 2**-20, 1e9 + 2**-19])
    assert fitted(far).scale == pytest.approx(2**-20 * np.sqrt(2 / 3), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e308, -1e-308, 5e-324])
def test_a_constant_target_is_predicted_exactly(value: float) -> None:
    scale = fitted(np.full(17, value))
    assert scale == TargetScale(value, 0.0)
    assert (scale.encode(np.array([value, value + 1.0])) == 0.0).all()
    o = np.array([0.0, -5.0, 3e38, np.inf, np.nan])
    assert (scale.decode(o) == value).all()


def test_the_order_of_rows_changes_only_the_rounding() -> None:
    y = TARGETS["plain"]
    one, other = fitted(y), fitted(y[::-1].copy())
    assert one.center == pytest.approx(other.center, rel=1e-14)
    assert one.scale == pytest.approx(other.scale, rel=1e-14)


@pytest.mark.parametrize("activation", ["relu", "softplus", "gelu", "leaky_relu"])
def test_an_output_with_a_zero_of_its_own_is_scaled_but_not_shifted(activation: str) -> None:
    y = TARGETS["plain"]
    scale = TargetScale.fit(y, activation)
    assert scale.center == 0.0
    assert scale.scale == pytest.approx(np.sqrt(np.mean(y * y)), rel=1e-14)
    for name in ("largest", "smallest", "constant"):
        wide = TargetScale.fit(TARGETS[name], activation)
        np.testing.assert_allclose(wide.decode(wide.encode(TARGETS[name])), TARGETS[name], rtol=1e-14)
    assert TargetScale.fit(np.zeros(3), activation) == TargetScale()


@pytest.mark.parametrize(("loss", "activation"), [("squared", "sigmoid"), ("squared", "tanh"), ("poisson", "identity")])
def test_bounded_outputs_and_counts_take_the_target_as_it_is(loss: str, activation: str) -> None:
    y = TARGETS["counts from 0"]
    scale = TargetScale.fit(y, activation, has_log_link=loss == "poisson")
    assert scale == TargetScale(0.0, 1.0)
    np.testing.assert_array_equal(scale.encode(y), y)
    np.testing.assert_array_equal(scale.decode(y), y)


def test_rows_unlike_the_training_rows_do_not_warn() -> None:
    scale = TargetScale(0.0, SMALLEST_NORMAL)
    assert scale.encode(np.array([LARGEST]))[0] == np.inf
    assert TargetScale(0.0, 1e308).decode(np.array([1e10], np.float32))[0] == np.inf


def test_predictions_of_float32_outputs_are_float64() -> None:
    assert TargetScale(1.0, 2.0).decode(np.array([0.5], np.float32)).dtype == np.float64
