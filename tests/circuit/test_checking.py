"""The gradient check itself: what it takes, what it compares, how exactly, and what it says."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass.circuit import check_gradient
from backpass.circuit.operation import elementwise
from backpass.circuit.primitive import Array
from backpass.errors import GradientError


def with_slope(slope: Any) -> Any:
    """f(x) = x, said to have another slope."""

    @elementwise(dx=lambda dz, z, x: dz * slope)
    def linear(x: Array) -> Array:
        return x * 1.0

    return linear


def test_nested_arguments_and_results() -> None:
    def f(theta: Any, pair: Any, k: Any) -> Any:
        return {"z": theta["W"] @ pair[0] + theta["b"], "s": (pair[1][0] * k.astype(float)).sum()}

    theta = {"W": numpy.ones((2, 3)), "b": numpy.zeros(2)}
    report = check_gradient(f, theta, (numpy.ones(3), [2.0]), numpy.array([1, 2]))
    assert report.ok
    assert report.compared == (6 + 2 + 3 + 1) * (2 + 1)


def test_whole_numbers_are_skipped() -> None:
    report = check_gradient(lambda x, i: x[i], numpy.ones(3), numpy.array([0, 2]))
    assert report.compared == 6
    with pytest.raises(GradientError, match="no floating-point argument"):
        check_gradient(lambda i: i + i, numpy.array([1, 2]))


def test_a_comparison_among_the_results_counts_as_flat() -> None:
    assert check_gradient(lambda x: (x * x, x > 0.5, x.astype(int)), numpy.array([1.3, -2.4])).ok


@pytest.mark.parametrize(("wrt", "compared"), [(None, 4 + 2), ([0], 4), ([1], 2), ([0, 1], 6)])
def test_wrt_picks_the_arguments(wrt: Any, compared: int) -> None:
    assert check_gradient(lambda x, s: x * s, numpy.ones(2), 3.0, wrt=wrt).compared == compared


def test_a_fault_in_an_argument_not_asked_for_is_not_seen() -> None:
    f = lambda x, y: with_slope(2.0)(x) + y
    assert check_gradient(f, 1.0, 1.0, wrt=[1]).ok
    assert not check_gradient(f, 1.0, 1.0, raise_error=False).ok


@pytest.mark.parametrize("at", [0.0, 1.0, 1e3, 1e6, -1e6])
def test_tolerance_is_the_documented_one(at: float) -> None:
    """|gradient - difference| <= 1e-7 (1 + |f|) + 1e-6 |gradient|"""
    tolerance = 1e-7 * (1 + abs(at)) + 1e-6
    inside, outside = 1 + 0.99 * tolerance, 1 + 1.02 * tolerance
    assert check_gradient(with_slope(inside), at).ok
    report = check_gradient(with_slope(outside), at, raise_error=False)
    assert len(report.wrong) == 1
    assert report.largest_error == pytest.approx(outside - 1, rel=1e-2)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1.0, 1e8, 1e150])
def test_arguments_and_values_of_any_scale(scale: float) -> None:
    x = numpy.array([1.0, -2.0, 3.0]) * scale
    assert check_gradient(lambda x: x * 3.0, x).ok
    if scale >= 1:  # a step of 1e-6 is the smallest: a function that bends within it cannot be checked
        assert check_gradient(lambda x: numpy.sin(x / scale) * scale, x).ok


@pytest.mark.parametrize("scale", [1.0, 1e8, 1e150])
def test_large_scales_do_not_hide_a_wrong_slope(scale: float) -> None:
    """Relative to |f| at most 1e-7 is let through."""
    report = check_gradient(lambda x: with_slope(1.5)(x) * (1.0 / scale), scale, raise_error=False)
    if 0.5 / scale > 1e-7 * 2:
        assert not report.ok
    assert not check_gradient(lambda x: with_slope(1.5)(x * scale) / scale, 1.0, raise_error=False).ok


def test_float32_arguments_are_checked_in_float64() -> None:
    assert check_gradient(lambda x: numpy.exp(x) * x, numpy.array([0.5, 1.0], dtype=numpy.float32)).ok


def test_arguments_are_not_changed() -> None:
    x = numpy.arange(3.0)
    check_gradient(lambda x: x * x, x)
    numpy.testing.assert_array_equal(x, [0.0, 1.0, 2.0])


def test_empty_arguments() -> None:
    report = check_gradient(lambda x: x * 2.0, numpy.zeros((0, 3)))
    assert report.ok
    assert report.compared == 0
    assert report.largest_error == 0.0


def test_a_jump_of_the_curvature_alone_is_no_fault() -> None:
    def dead_layer(b: Array, x: Array) -> Array:  # zero biases on zero inputs: b stands where ReLU bends
        return (numpy.maximum(x + b, 0.0) ** 2).sum()

    report = check_gradient(dead_layer, numpy.zeros(3), numpy.zeros((5, 3)), wrt=[0])
    assert (report.ok, report.compared, report.kinks) == (True, 3, ())


def test_a_wrong_slope_where_the_curvature_jumps_is_found() -> None:
    @elementwise(dx=lambda dz, z, x: dz * (2.0 * numpy.maximum(x, 0.0) + 1e-5))
    def bent(x: Array) -> Array:
        return numpy.maximum(x, 0.0) ** 2

    assert len(check_gradient(lambda x: bent(x).sum(), numpy.zeros(2), raise_error=False).wrong) == 2


def test_message_lists_five_elements_and_counts_the_rest() -> None:
    with pytest.raises(GradientError) as caught:
        check_gradient(lambda p: with_slope(3.0)(p["w"]), {"w": numpy.ones(7)})
    lines = str(caught.value).splitlines()
    assert lines[0] == "7 of 49 elements of the gradient are wrong"
    assert len(lines) == 7
    assert lines[1].startswith("  - d f[0] / d p.w[0]: gradient 3, difference quotient 1")
    assert lines[6] == "  - and 2 more"


def test_message_names_a_number_and_a_nested_argument() -> None:
    with pytest.raises(GradientError, match=r"d f / d pair\.1: gradient 3, difference quotient"):
        check_gradient(lambda pair: with_slope(3.0)(pair[1]) + pair[0], (1.0, 2.0))


def test_a_point_where_the_function_is_not_defined_is_wrong() -> None:
    with pytest.raises(GradientError, match="difference quotient nan"):
        check_gradient(lambda x: numpy.log(x), numpy.array([-1.0]))


def test_a_report_without_an_error() -> None:
    report = check_gradient(with_slope(2.0), numpy.ones(2), raise_error=False)
    assert not report.ok
    assert [(w.argument, w.index, w.output, w.gradient) for w in report.wrong] == [
        ("x", (0,), (0,), 2.0),
        ("x", (1,), (1,), 2.0),
    ]
    assert report.wrong[0].difference == pytest.approx(1.0)
