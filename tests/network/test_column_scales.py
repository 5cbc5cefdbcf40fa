"""Scalings of numeric columns: none, standard and robust, at any size of the numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backpass
from backpass.network import SCALINGS, FeatureMap
from backpass.network.column_scales import standard_scale_of

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)
NONE = np.zeros((4, 0), dtype=np.int32)


def phi(column: Any, scaling: str) -> FeatureMap:
    return FeatureMap.fit(np.asarray(column, dtype=float)[:, None], NONE[: len(column)], (), scaling=scaling)


@given(values=NUMBERS)
def test_standard_scales_are_the_exact_moments(values: list[float]) -> None:
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    deviation = float(sum((value - mean) ** 2 for value in exact) / len(exact)) ** 0.5
    center, scale = standard_scale_of(np.array(values))
    if len(set(values)) == 1:
        assert (center, scale) == (values[0], 0.0)
    elif deviation > 1e-150:
        assert center == pytest.approx(float(mean), rel=1e-12, abs=1e-12 * max(map(abs, values)))
        assert scale == pytest.approx(1.0 / deviation, rel=1e-9)


@given(values=NUMBERS, seed=st.integers(0, 9))
def test_the_order_of_the_rows_does_not_matter(values: list[float], seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(values)
    for fitted in SCALINGS.values():
        assert fitted(np.array(values)) == fitted(shuffled)


@pytest.mark.parametrize("size", [1e-290, 1e-30, 1.0, 1e30, 1.7e308])
def test_standard_scaling_at_the_ends_of_float64(size: float) -> None:
    x = phi([-size, 0.0, size, size], "standard").circuit()(np.array([[-size], [size]]), NONE[:2])
    assert np.isfinite(x).all()
    assert x[1, 0] - x[0, 0] == pytest.approx(2.0 / np.std([-1.0, 0.0, 1.0, 1.0]), rel=1e-5)


def test_a_large_mean_costs_no_digits() -> None:
    center, scale = standard_scale_of(1e15 + np.array([0.0, 1.0, 2.0, 3.0]))
    assert center == 1e15 + 1.5
    assert scale == pytest.approx(1.0 / np.std([0.0, 1.0, 2.0, 3.0]), rel=1e-12)


@pytest.mark.parametrize(("scaling", "w", "b"), [("none", 1.0, 0.0), ("standard", 1.0 / np.std([1, 2, 3, 6]), 3.0)])
def test_inputs_are_affine_in_the_numbers(scaling: str, w: float, b: float) -> None:
    column = np.array([1.0, 2.0, 3.0, 6.0])
    new = np.array([[-100.0], [2.5], [1000.0]])
    x = phi(column, scaling).circuit(np.float64)(new, NONE[:3])
    np.testing.assert_allclose(x, w * (new - b), rtol=1e-12)
    assert not phi(column, scaling).clipped
    assert phi(column, "robust").clipped


@pytest.mark.parametrize("scaling", SCALINGS)
def test_missing_numbers_are_at_the_center_and_have_an_indicator(scaling: str) -> None:
    found = phi([1.0, np.nan, 3.0, 8.0], scaling)
    x = found.circuit(np.float64)(np.array([[np.nan], [3.0]]), NONE[:2])
    assert x[0].tolist() == [0.0, 1.0]
    assert x[1, 1] == 0.0


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("column", [[5.0] * 4, [np.nan] * 4], ids=["constant", "missing"])
def test_columns_that_tell_nothing(column: list[float], scaling: str) -> None:
    x = phi(column, scaling).circuit()(np.array([[5.0], [np.nan]]), NONE[:2])
    assert x[:, 0].tolist() == ([5.0, 0.0] if scaling == "none" and column[0] == 5.0 else [0.0, 0.0])


def test_flags_are_scaled_alike() -> None:
    codes = np.array([[1], [2], [3], [3]], dtype=np.int32)
    found = FeatureMap.fit(np.zeros((4, 0)), codes, (3,), scaled_flags=True, scaling="standard")
    x = found.circuit(np.float64)(np.zeros((4, 0)), codes)
    np.testing.assert_allclose(x.mean(axis=0), 0.0, atol=1e-15)
    np.testing.assert_allclose(x.std(axis=0), 1.0)
    assert found.folded(x)[:, 0].tolist() == [1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize("scaling", SCALINGS)
def test_models_keep_their_scaling(scaling: str) -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(50.0, 9.0, 60), "c": rng.choice(["a", "b", "c"], 60), "y": rng.normal(size=60)}
    model = backpass.fit(data, "y", hidden=(4,), epochs=2, learning_rate=1e-3, numerical_scaling=scaling)
    from backpass.model.loading import from_bytes

    again = from_bytes(model.to_bytes())
    assert again.feature_map.clipped == (scaling == "robust")
    assert again.to_bytes() == model.to_bytes()
    np.testing.assert_array_equal(again.predict(data), model.predict(data))
