"""Ranks: by hand, where values crowd, at the ends of float64, and as inputs of a feature map."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass.engine import ENGINES, NumpyEngine, engine_named
from backpass.errors import UsageError
from backpass.network import FeatureMap
from backpass.network.ranks import are_knots, knots_of

Floats = numpy.ndarray[Any, Any]
NAN = numpy.nan


def no_codes(rows: int) -> numpy.ndarray[Any, Any]:
    return numpy.zeros((rows, 0), numpy.int32)


def ranks(numbers: Floats, fitted_on: Floats, dtype: Any = numpy.float64, engine: Any = None) -> Floats:
    """The ranks (n, p) that a feature map gives numbers (n, p)."""
    p = numbers.shape[1]
    feature_map = FeatureMap.fit(fitted_on, no_codes(len(fitted_on)), [], ranks=True)
    x: Floats = (engine or NumpyEngine()).run(feature_map.circuit(dtype), numbers, no_codes(len(numbers)))[0]
    return x[:, p : 2 * p]


def by_hand(x: float, knots: list[float]) -> float:
    """r = 3 (t + (x - k_t) / (k_(t+1) - k_t)) / m - 3/2, looked for from the left."""
    m = len(knots) - 1
    if numpy.isnan(x) or m == 0:
        return 0.0
    x = min(max(x, knots[0]), knots[-1])
    t = max(i for i in range(m) if knots[i] <= x)
    return 3.0 * (t + (x - knots[t]) / (knots[t + 1] - knots[t])) / m - 1.5


def test_ranks_by_hand() -> None:
    """Knots 1, 2, 10: the middle one has rank 0 however far the last is; beyond the ends nothing changes."""
    r = ranks(numpy.array([[0.0], [1.0], [1.5], [2.0], [6.0], [10.0], [99.0], [NAN]]), numpy.array([[1.0], [10], [2]]))
    assert r[:, 0].tolist() == [-1.5, -1.5, -0.75, 0.0, 0.75, 1.5, 1.5, 0.0]


@pytest.mark.parametrize("rows", [2, 3, 5, 255, 256, 257, 1000])
def test_columns_of_every_length_against_the_formula(rows: int) -> None:
    rng = numpy.random.default_rng(rows)
    train = numpy.column_stack([rng.normal(size=rows), rng.integers(0, 4, rows), numpy.full(rows, 7.0)]).astype(float)
    train[0, 0] = NAN
    new = numpy.concatenate([train, rng.normal(0.0, 3.0, size=(50, 3))])
    knots = [knots_of(column[~numpy.isnan(column)]).tolist() for column in train.T]
    expected = [[by_hand(x, column) for x, column in zip(row, knots, strict=True)] for row in new]
    numpy.testing.assert_allclose(ranks(new, train), expected, rtol=1e-12, atol=1e-12)


def test_few_values_are_knots_themselves() -> None:
    assert knots_of(numpy.array([3.0, 1.0, 3.0, -2.0])).tolist() == [-2.0, 1.0, 3.0]
    assert knots_of(numpy.array([])).tolist() == [0.0]


def test_many_values_share_the_knots_evenly() -> None:
    values = numpy.random.default_rng(0).permutation(10_000).astype(float)
    knots = knots_of(values)
    assert (len(knots), knots[0], knots[-1]) == (256, 0.0, 9999.0)
    gaps = numpy.diff(knots)
    assert (gaps.min(), gaps.max()) == (39.0, 40.0)


def test_a_value_of_most_rows_leaves_the_others_their_room() -> None:
    """Nine rows of ten are 0: quantiles would give the others 26 of 256 knots."""
    rng = numpy.random.default_rng(1)
    values = numpy.concatenate([numpy.zeros(9_000), rng.exponential(1e4, 1_000)])
    knots = knots_of(values)
    assert (knots[0], knots[-1]) == (0.0, values.max())
    assert are_knots(knots)
    assert len(knots) > 240


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1.7e308, 1e154, 1.0, 1e-308, 5e-324])
def test_ranks_at_the_ends_of_float64(size: float) -> None:
    train = numpy.array([[-1.0], [-0.0], [0.5], [1.0]]) * size
    r = ranks(numpy.concatenate([train, [[numpy.inf], [-numpy.inf]]]), train)[:, 0]
    assert numpy.isfinite(r).all()
    assert (numpy.diff(r[:4]) >= 0).all()
    assert (r[0], r[3], r[4], r[5]) == (-1.5, 1.5, 1.5, -1.5)


@pytest.mark.skipif("native" not in ENGINES, reason="the compiled core was not built")
def test_every_engine_gives_the_same_bits() -> None:
    rng = numpy.random.default_rng(2)
    train = numpy.column_stack([rng.normal(size=700), rng.exponential(size=700), rng.integers(0, 9, 700)]).astype(float)
    train[::11] = NAN
    native = ranks(train, train, numpy.float32, engine_named("native", 2))
    assert native.tobytes() == ranks(train, train, numpy.float32).tobytes()


def test_ranks_stand_behind_the_numbers_and_are_named() -> None:
    train = numpy.array([[1.0, 5.0], [NAN, 6.0], [3.0, 7.0]])
    feature_map = FeatureMap.fit(train, numpy.array([[1], [2], [1]], numpy.int32), [2], ranks=True)
    names = feature_map.input_names(["age", "size"], {"city": ["Oslo", "Rome"]})
    assert names == ["age", "size", "age rank", "size rank", "age is missing", "city = Oslo", "city = Rome"]
    assert feature_map.groups() == [(0, 2, 4), (1, 3), (5, 6)]
    assert (feature_map.numeric_inputs, feature_map.width) == (4, 7)


@pytest.mark.parametrize("knots", [[[1.0, 1.0]], [[2.0, 1.0]], [[]], [[1.0], [2.0]]], ids=str)
def test_knots_ascend_and_go_with_the_columns(knots: list[list[float]]) -> None:
    one = numpy.ones(1)
    with pytest.raises(UsageError, match="knots and numeric columns do not match"):
        FeatureMap(one, one, (False,), (), (), (), (), tuple(numpy.array(each) for each in knots))
