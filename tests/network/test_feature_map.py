"""The feature map: cases by hand, missing numbers, columns without information, sizes at the ends of float64."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy
import pytest

from backpass.engine import NumpyEngine
from backpass.errors import UsageError
from backpass.network import FeatureMap
from backpass.network.column_scales import quantile_of, scale_of

Floats = numpy.ndarray[Any, Any]
NAN = numpy.nan


def codes(*columns: list[int], rows: int = 0) -> numpy.ndarray[Any, Any]:
    return numpy.array(columns, numpy.int32).T if columns else numpy.zeros((rows, 0), numpy.int32)


def phi(
    numbers: Floats, fitted_on: Floats | None = None, dtype: Any = numpy.float64
) -> tuple[FeatureMap, numpy.ndarray[Any, Any]]:
    train = numbers if fitted_on is None else fitted_on
    feature_map = FeatureMap.fit(train, codes(rows=len(train)), [])
    return feature_map, NumpyEngine().run(feature_map.circuit(dtype), numbers, codes(rows=len(numbers)))[0]


def squeezed(z: float) -> float:
    return z / (1 + (z / 3) ** 2) ** 0.5


def test_scaling_by_hand() -> None:
    """Median 3, quartiles 2 and 4: z = (x - 3) / 2, squeezed into (-3, 3)."""
    feature_map, x = phi(numpy.array([[1.0], [2], [3], [4], [5]]))
    assert (feature_map.center.tolist(), feature_map.scale.tolist()) == ([3.0], [0.5])
    numpy.testing.assert_allclose(x[:, 0], [squeezed(z) for z in (-1, -0.5, 0, 0.5, 1)], rtol=1e-15)


def test_equal_quartiles_fall_back_to_the_range() -> None:
    """2 / (max - min) where more than half the values are one value."""
    feature_map, x = phi(numpy.array([[7.0]] * 8 + [[3.0], [13.0]]))
    assert feature_map.scale.tolist() == [0.2]
    numpy.testing.assert_allclose(x[-2:, 0], [squeezed(-0.8), squeezed(1.2)], rtol=1e-15)


def test_constant_columns_become_zero() -> None:
    feature_map, x = phi(numpy.array([[0.1], [9.0], [NAN], [numpy.inf]]), fitted_on=numpy.full((5, 1), 0.1))
    assert feature_map.scale.tolist() == [0.0]
    assert x.tolist() == [[0.0]] * 4


def test_missing_numbers_become_the_median_and_an_indicator() -> None:
    train = numpy.array([[1.0, NAN], [2, 10], [3, 20], [4, 30], [5, NAN]])
    feature_map, x = phi(train)
    assert feature_map.has_missing == (False, True)
    assert feature_map.width == 3
    assert x[:, 2].tolist() == [1, 0, 0, 0, 1]
    assert x[0, 1] == x[2, 1] == x[4, 1] == 0.0
    later = NumpyEngine().run(feature_map.circuit(), numpy.array([[NAN, 20.0]]), codes(rows=1))[0]
    assert later.tolist() == [[0.0, 0.0, 0.0]], "missing where training never was: the median, without an indicator"


def test_a_column_of_nothing_but_missing_numbers() -> None:
    feature_map, x = phi(numpy.full((3, 1), NAN))
    assert (feature_map.center.tolist(), feature_map.scale.tolist()) == ([0.0], [0.0])
    assert x.tolist() == [[0.0, 1.0]] * 3


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize("size", [1e308, 1.7e308, 1e-308, 5e-324, 1e154, 1.0])
def test_sizes_at_the_ends_of_float64(size: float, dtype: Any) -> None:
    train = numpy.linspace(-1, 1, 9)[:, None] * size
    _, x = phi(train, dtype=dtype)
    assert x.dtype == dtype
    assert numpy.isfinite(x).all()
    assert (numpy.diff(x[:, 0]) >= 0).all()
    if size >= 1:
        numpy.testing.assert_allclose(x[:, 0], [squeezed(z) for z in numpy.linspace(-1, 1, 9)], rtol=1e-6)


def test_new_numbers_far_outside_stay_inside() -> None:
    train = numpy.random.default_rng(0).normal(size=(50, 1))
    _, x = phi(numpy.array([[-1.7e308], [-1e9], [1e9], [1.7e308], [numpy.inf], [-numpy.inf]]), fitted_on=train)
    numpy.testing.assert_allclose(x[:, 0], [-3, -3, 3, 3, 3, -3], atol=1e-5)
    assert (abs(x) <= 3).all()


def test_a_large_mean_costs_no_digits() -> None:
    """Mean 1e9, deviation 1e-3: center, scale and z to 1e-6 of what exact arithmetic gives for these float64."""
    train = numpy.random.default_rng(1).normal(1e9, 1e-3, size=(1001, 1))
    feature_map, x = phi(train)
    ordered = sorted(mpmath.mpf(float(v)) for v in train[:, 0])
    center, scale = ordered[500], 1 / (ordered[750] - ordered[250])
    assert feature_map.center[0] == float(center)
    assert feature_map.scale[0] == pytest.approx(float(scale), rel=1e-12)
    z = [(mpmath.mpf(float(v)) - center) * scale for v in train[:, 0]]
    numpy.testing.assert_allclose(x[:, 0], [float(v / mpmath.sqrt(1 + (v / 3) ** 2)) for v in z], rtol=1e-6)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 50])
def test_scales_against_exact_quartiles_wherever_they_fall(n: int) -> None:
    values = numpy.random.default_rng(n).normal(1e9, 1e-3, size=n)
    with mpmath.workdps(50):
        ordered = sorted(mpmath.mpf(float(v)) for v in values)

        def exact(q: str) -> Any:
            position = mpmath.mpf(q) * (n - 1)
            below = int(position)
            above = min(below + 1, n - 1)
            return ordered[below] + (position - below) * (ordered[above] - ordered[below])

        expected = float(1 / (exact("0.75") - exact("0.25")))
    assert scale_of(values)[1] == pytest.approx(expected, rel=1e-12)


def test_quantiles_are_numpys() -> None:
    values = numpy.sort(numpy.random.default_rng(2).normal(size=17))
    for q in (0.0, 0.1, 0.25, 0.5, 0.9, 1.0):
        assert quantile_of(values, q) == pytest.approx(float(numpy.quantile(values, q)), rel=1e-14)


def test_one_value_and_two_values() -> None:
    assert scale_of(numpy.array([4.0])) == (4.0, 0.0)
    assert scale_of(numpy.array([4.0, 6.0])) == (5.0, 1.0)
    assert scale_of(numpy.array([])) == (0.0, 0.0)


# Text -----------------------------------------------------------------------------------------------------------------


def test_one_hot_with_and_without_a_place_for_the_unknown() -> None:
    """Code 0 has a column of its own only where training rows had it."""
    train = codes([1, 2, 3, 1], [0, 1, 2, 1])
    feature_map = FeatureMap.fit(numpy.zeros((4, 0)), train, [3, 2])
    assert feature_map.has_unknown == (False, True)
    assert feature_map.width == 6
    x = NumpyEngine().run(feature_map.circuit(), numpy.zeros((3, 0)), codes([0, 1, 3], [0, 1, 2]))[0]
    assert x.dtype == numpy.float32
    assert x.tolist() == [[0, 0, 0, 1, 0, 0], [1, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 1]]


def test_groups_and_names_tell_where_each_input_comes_from() -> None:
    train = numpy.array([[1.0, 5.0], [NAN, 6.0], [3.0, 7.0]])
    feature_map = FeatureMap.fit(train, codes([1, 2, 1], [0, 1, 1]), [2, 1])
    texts = {"city": ["Oslo", "Rome"], "kind": ["flat"]}
    names = feature_map.input_names(["age", "size"], texts)
    assert names == [
        "age",
        "size",
        "age is missing",
        "city = Oslo",
        "city = Rome",
        "kind is missing or new",
        "kind = flat",
    ]
    assert feature_map.groups() == [(0, 2), (1,), (3, 4), (5, 6)]
    assert len(names) == feature_map.width == sum(map(len, feature_map.groups()))


def test_two_levels_as_one_column_and_many_left_to_an_embedding() -> None:
    """-1 and 1, 0 for what is missing or new; codes stand at the end, as whole numbers."""
    train = codes([1, 2, 0, 2], [1, 2, 3, 0], [3, 1, 2, 1])
    feature_map = FeatureMap.fit(numpy.zeros((4, 1)), train, [2, 4, 3], scaled_flags=True, max_one_hot_levels=3)
    assert feature_map.coding == ("sign", "code", "one_hot")
    assert (feature_map.width, feature_map.flags, feature_map.embedded) == (6, 4, (4,))
    texts = {"a": ["x", "y"], "b": list("klmn"), "c": list("pqr")}
    assert feature_map.input_names(["n"], texts) == ["n", "a = y", "c = p", "c = q", "c = r", "b"]
    assert feature_map.groups() == [(0,), (1,), (5,), (2, 3, 4)]
    x = NumpyEngine().run(feature_map.circuit(numpy.float64), numpy.zeros((4, 1)), train)[0]
    # The signs -1, 1, 0, 1 have median 1/2 and quartiles -1/4 and 1.
    numpy.testing.assert_allclose(x[:, 1], [squeezed((sign - 0.5) / 1.25) for sign in (-1, 1, 0, 1)], rtol=1e-14)
    # Level p in two rows of four: median 1/2, quartiles 0 and 1.
    numpy.testing.assert_allclose(x[:, 2], [squeezed(p - 0.5) for p in (0, 1, 0, 1)], rtol=1e-14)
    assert x[:, 5].tolist() == [1, 2, 3, 0]
    assert feature_map.folded_levels == (4, 3)
    numpy.testing.assert_array_equal(feature_map.folded(x), numpy.column_stack([x[:, :2], train[:, 1:]]))


@pytest.mark.parametrize("ranks", [False, True])
@pytest.mark.parametrize("scaled_flags", [False, True])
@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_folded_inputs_have_codes_in_place_of_one_hot_columns(scaled_flags: bool, ranks: bool, dtype: Any) -> None:
    """And no ranks. In rows that were not there in training, too; levels that never or always occur say nothing."""
    train = codes([1, 2, 0, 2], [1, 2, 3, 1], [2, 2, 2, 2])
    new = codes([0, 2, 1], [0, 3, 1], [0, 1, 2])
    numbers = numpy.array([[1.0], [NAN], [2.0], [4.0]])
    feature_map = FeatureMap.fit(numbers, train, [3, 3, 2], scaled_flags=scaled_flags, ranks=ranks)
    for rows, given in ((train, numbers), (new, numbers[:3])):
        x = NumpyEngine().run(feature_map.circuit(dtype), given, rows)[0]
        folded = feature_map.folded(x)
        assert folded.dtype == x.dtype
        count = len(feature_map.folded_levels)
        numpy.testing.assert_array_equal(folded[:, -count:], rows[:, :count])
        sign = [9 + ranks] if scaled_flags else []
        numpy.testing.assert_array_equal(folded[:, :-count], x[:, [0, 1 + ranks, *sign]])
    assert feature_map.folded_levels == ((3, 3) if scaled_flags else (3, 3, 2))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.99])
def test_indicators_and_one_hot_scaled_as_numbers_are(share: float) -> None:
    """A column of 0 and 1 becomes what the same numbers in a number column become."""
    flags = (numpy.arange(100) < 100 * share).astype(float)
    train = numpy.column_stack([numpy.where(flags == 1, NAN, 1.0 + numpy.arange(100)), flags])
    feature_map = FeatureMap.fit(train, codes(rows=100), [], scaled_flags=True)
    x = NumpyEngine().run(feature_map.circuit(numpy.float64), train, codes(rows=100))[0]
    assert x[:, 2].tolist() == x[:, 1].tolist()
    assert (abs(x) <= 3).all()


def test_columns_of_texts_must_be_described_alike() -> None:
    none = numpy.zeros(0)
    for levels, unknown, coding in [((3,), (), ("one_hot",)), ((3,), (True,), ()), ((3,), (True,), ("sign",))]:
        with pytest.raises(UsageError, match="do not match"):
            FeatureMap(none, none, (), levels, unknown, coding)


def test_the_same_numbers_alone_or_among_others() -> None:
    rng = numpy.random.default_rng(3)
    train = rng.normal(size=(40, 3))
    train[::7, 1] = NAN
    feature_map = FeatureMap.fit(train, codes([1, 2] * 20), [2])
    circuit = feature_map.circuit()
    together = NumpyEngine().run(circuit, train, codes([1, 2] * 20))[0]
    for i in range(40):
        alone = NumpyEngine().run(circuit, train[i : i + 1], codes([1 + i % 2]))[0]
        assert alone.tobytes() == together[i : i + 1].tobytes()


def test_the_training_table_is_not_changed() -> None:
    train = numpy.array([[3.0], [NAN], [1.0], [2.0]])
    kept = train.copy()
    phi(train)
    assert train.tobytes() == kept.tobytes()
