"""Charts: marks stand where the numbers say, names and titles show as text, and what cannot be drawn is an error."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy
import pytest

from backpass.circuit.drawing.picture import Picture
from backpass.errors import UsageError
from backpass.notes import Band, Line, Points, bars, chart


def texts(picture: Picture) -> list[str]:
    return re.findall(r">([^<>]+)</text>", picture.svg)


def paths(picture: Picture) -> list[list[tuple[float, float]]]:
    """The points of each line of the data."""
    inside = picture.svg.partition("<svg x=")[2]
    found = re.findall(r'<path class="line s-c\d"[^>]* d="M([^"]+)"', inside)
    return [[tuple(map(float, point.split())) for point in each.split(" L")] for each in found]  # type: ignore[misc]


def test_a_line_is_straight_if_its_numbers_are() -> None:
    ((a, b, c),) = paths(chart(Line([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], "line")))
    assert b == pytest.approx(((a[0] + c[0]) / 2, (a[1] + c[1]) / 2), abs=0.11)
    assert a[0] < c[0]
    assert a[1] > c[1]  # up is up


def test_on_logarithmic_axes_a_power_is_straight() -> None:
    x = numpy.array([1.0, 10.0, 100.0])
    ((a, b, c),) = paths(chart(Line(x, x**-0.5), log_x=True, log_y=True))
    assert b == pytest.approx(((a[0] + c[0]) / 2, (a[1] + c[1]) / 2), abs=0.11)


def test_points_bands_and_names() -> None:
    x = numpy.arange(5.0)
    picture = chart(Band(x, x - 1, x + 1, "runs"), Points(x, x, "rows"), Line(x, x), x="step", y="J", title="a < b & c")
    ElementTree.fromstring(picture.svg)
    assert picture.title == "a < b & c"
    assert [name for name in ("runs", "rows", "step", "J", "a &lt; b &amp; c") if name not in texts(picture)] == []
    assert picture.svg.count('opacity="0.75"') == 5
    assert picture.svg.count('opacity="0.22"') == 1


def test_what_is_not_finite_is_left_out() -> None:
    picture = chart(Line([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, numpy.nan, 3.0, 4.0]), Points([0.0], [numpy.inf]))
    assert [len(run) for run in paths(picture)] == [2, 2]
    assert "nan" not in picture.svg
    assert "inf" not in picture.svg


def test_a_line_beyond_the_axis_stays_near_the_picture() -> None:
    ((_, far),) = paths(chart(Line([0.0, 1.0], [1.0, 1e12], "run"), y_range=(0.0, 10.0)))
    assert far[1] == -1000.0


def test_bars_are_as_long_as_their_values() -> None:
    picture = bars({"a": 1.0, "b": 4.0, "c": -2.0}, x="points", title="Bars")
    widths = [float(width) for width in re.findall(r'class="f-c1" x="[\d.]+" y="[\d.]+" width="([\d.]+)"', picture.svg)]
    assert widths[1] == pytest.approx(4 * widths[0], abs=0.3)
    assert widths[2] == pytest.approx(2 * widths[0], abs=0.3)
    assert [name for name in ("a", "b", "c", "points", "Bars", "4", "−2") if name not in texts(picture)] == []


def test_bars_on_a_logarithmic_scale_show_ratios() -> None:
    picture = bars({"slow": 1000.0, "fast": 1.0, "between": 31.6227766}, log=True)
    slow, fast, between = (float(w) for w in re.findall(r'class="f-c1"[^>]* width="([\d.]+)"', picture.svg))
    assert between == pytest.approx((slow + fast) / 2, abs=0.2)


def test_what_cannot_be_drawn_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"Line 'a' has parts of \[2, 3\] values"):
        chart(Line([1, 2], [1, 2, 3], "a"))
    with pytest.raises(UsageError, match="a chart needs finite values"):
        chart(Line([numpy.nan], [1.0]))
    with pytest.raises(UsageError, match="above 0 on a logarithmic axis"):
        chart(Line([1.0], [-1.0]), log_y=True)
    with pytest.raises(UsageError, match="bars expected finite values, above 0"):
        bars({"a": 0.0}, log=True)
    with pytest.raises(UsageError, match="bars expected finite values"):
        bars({})
