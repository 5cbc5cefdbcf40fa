"""Charts: points, lines, bands and bars on axes, as SVG without another library.

A chart is made of marks, ``chart(Points(x, y, "houses"), Line(x, h, "network"))``, and shows itself in a notebook. The
lessons draw with it; pictures of models are in ``backpass.reporting``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit.drawing.picture import SERIES, Picture
from backpass.dataclass import dataclass
from backpass.errors import UsageError

Floats = NDArray[Any]
WIDTH, HEIGHT = 460.0, 300.0
_LEFT, _RIGHT, _BOTTOM, _LETTER = 54.0, 14.0, 44.0, 6.6
_LEGEND = 18.0  # height of a row of the legend
_BAR, _GAP = 20.0, 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Dots at (x, y).

    Attributes:
        x: The horizontal positions.
        y: The vertical positions.
        name: The name in the legend. Default "": none.
    """

    x: Any
    y: Any
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line through (x, y).

    Attributes:
        x: The horizontal positions.
        y: The vertical positions.
        name: The name in the legend. Default "": none.
        dashed: Whether it is dashed, as a line of reference is.
    """

    x: Any
    y: Any
    name: str = ""
    dashed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """The area between low and high along x.

    Attributes:
        x: The horizontal positions.
        low: The lower ends.
        high: The upper ends.
        name: The name in the legend. Default "": none.
    """

    x: Any
    low: Any
    high: Any
    name: str = ""


Mark = Points | Line | Band


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis: from values to pixels.

    Attributes:
        low: The value at ``start``.
        high: The value at ``end``.
        start: A position in pixels.
        end: A position in pixels.
        is_log: Whether the scale is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool

    def at(self, values: Any) -> Floats:
        values = numpy.asarray(values, float)
        low, high = self.low, self.high
        if self.is_log:
            low, high, values = log10(low), log10(high), numpy.log10(numpy.maximum(values, 1e-300))
        place: Floats = self.start + (values - low) / (high - low) * (self.end - self.start)
        return place

    def ticks(self) -> list[float]:
        """Round values within the axis: 1, 2 or 5 times a power of ten, or powers of ten on a logarithmic scale."""
        if self.is_log:
            first, last = ceil(log10(self.low) - 1e-9), floor(log10(self.high) + 1e-9)
            if last > first:
                return [10.0**k for k in range(first, last + 1, max(1, ceil((last - first) / 6)))]
        rough = (self.high - self.low) / 5
        power = 10.0 ** floor(log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
        return [step * k for k in range(ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9) + 1)]


def chart(
    *marks: Mark,
    x: str = "",
    y: str = "",
    title: str = "",
    log_x: bool = False,
    log_y: bool = False,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
) -> Picture:
    """Draw marks on common axes. Each mark that has a name of its own gets a color and an entry in the legend.

    Args:
        *marks: What to draw, the first at the bottom.
        x: The name of the horizontal axis.
        y: The name of the vertical axis.
        title: What the picture shows.
        log_x: Whether the horizontal axis is logarithmic.
        log_y: Whether the vertical axis is logarithmic.
        x_range: The ends of the horizontal axis. Default None: the values.
        y_range: The ends of the vertical axis. Default None: the values.

    Raises:
        UsageError: If there is nothing finite to draw, or lengths differ.

    >>> chart(Line([0, 1, 2], [0, 1, 4], "square"), x="t", title="A parabola")
    Picture('A parabola')
    """
    for mark in marks:
        sizes = {numpy.size(part) for part in _parts(mark)}
        if len(sizes) != 1:
            raise UsageError(f"{type(mark).__name__} {mark.name!r} has parts of {sorted(sizes)} values")
    names = list(dict.fromkeys(mark.name for mark in marks if mark.name))
    legend, rows = _legend(names, 24.0)
    top = 32.0 + rows * _LEGEND + 20.0 * bool(y)
    across = _axis([mark.x for mark in marks], x_range, _LEFT, WIDTH - _RIGHT, log_x, margin=0.02)
    up = [part for mark in marks for part in _parts(mark)[1:]]
    upward = _axis(up, y_range, HEIGHT - _BOTTOM, top, log_y, margin=0.06)
    body = [*_heading(title), *legend, *_frame(across, upward, x, y, top)]
    clip = f'<svg x="0" y="{top - 3:.0f}" width="{WIDTH:.0f}" height="{HEIGHT - _BOTTOM - top + 6:.0f}" '
    body.append(f'{clip}viewBox="0 {top - 3:.0f} {WIDTH:.0f} {HEIGHT - _BOTTOM - top + 6:.0f}">')
    for mark in marks:
        body += _drawn(mark, across, upward, _color(names, mark.name))
    return Picture.of([*body, "</svg>"], WIDTH, HEIGHT, title or " ".join(filter(None, (y, "by" * bool(x), x))))


def bars(values: Mapping[str, float], *, x: str = "", title: str = "", log: bool = False) -> Picture:
    """Draw one horizontal bar per name, with its value.

    Args:
        values: Name -> value, from the top.
        x: What the values are.
        title: What the picture shows.
        log: Whether the scale is logarithmic.

    Raises:
        UsageError: If there is no value, or one that the scale cannot show.

    >>> bars({"loops": 300.0, "matrices": 4.0}, x="microseconds", title="Time", log=True)
    Picture('Time')
    """
    numbers = numpy.array(list(values.values()), float)
    if not len(numbers) or not numpy.isfinite(numbers).all() or (log and (numbers <= 0).any()):
        raise UsageError("bars expected finite values" + ", above 0 on a logarithmic scale" * log)
    left = 16.0 + _LETTER * max(map(len, values))
    top, height = 34.0, 34.0 + len(values) * (_BAR + _GAP) + _BOTTOM - _GAP
    low = 10.0 ** floor(log10(numbers.min()) - 0.05) if log else min(0.0, float(numbers.min()) * 1.1)
    high = float(numbers.max()) * (1.6 if log else 1.05)
    axis = _Axis(low, high if high > low else low + 1.0, left, WIDTH - 62.0, log)
    body, bottom = _heading(title), height - _BOTTOM
    for tick in axis.ticks():
        place = float(axis.at(tick))
        body.append(_segment(place, top - 6, place, bottom, "s-grid"))
        body.append(_text(place, bottom + 16, _number(tick), "middle", "f-muted"))
    base = float(axis.at(low if log else 0.0))
    for i, (name, value) in enumerate(values.items()):
        middle = top + i * (_BAR + _GAP) + _BAR / 2
        ends = sorted((base, float(axis.at(value))))
        body.append(
            f'<rect class="f-c1" x="{ends[0]:.1f}" y="{middle - _BAR / 2:.1f}" width="{ends[1] - ends[0]:.1f}" '
            f'height="{_BAR:.0f}" rx="3"/>'
        )
        body.append(_text(left - 8, middle + 4, name, "end", "f-ink"))
        body.append(_text(ends[1] + 6, middle + 4, _number(value, digits=3), "start", "f-ink"))
    body.append(_text((left + WIDTH - 62.0) / 2, height - 8, x, "middle", "f-muted"))
    return Picture.of(body, WIDTH, height, title or x)


def _parts(mark: Mark) -> tuple[Any, ...]:
    return (mark.x, mark.low, mark.high) if isinstance(mark, Band) else (mark.x, mark.y)


def _axis(
    values: Sequence[Any], ends: tuple[float, float] | None, start: float, end: float, is_log: bool, margin: float
) -> _Axis:
    """An axis that holds all finite values, with a margin.

    Raises:
        UsageError: If there is none.
    """
    numbers = numpy.concatenate([numpy.ravel(numpy.asarray(each, float)) for each in values] or [numpy.empty(0)])
    numbers = numbers[numpy.isfinite(numbers) & ((numbers > 0) | (not is_log))]
    if ends is not None:
        return _Axis(*ends, start, end, is_log)
    if not len(numbers):
        raise UsageError("a chart needs finite values" + ", above 0 on a logarithmic axis" * is_log)
    low, high = float(numbers.min()), float(numbers.max())
    if is_log:
        factor = (high / low) ** margin if high > low else 2.0
        return _Axis(low / factor, high * factor, start, end, True)
    gap = margin * (high - low) or 0.5
    return _Axis(low - gap, high + gap, start, end, False)


def _color(names: Sequence[str], name: str) -> str:
    return f"c{names.index(name) % SERIES + 1}" if name else "c5"


def _heading(title: str) -> list[str]:
    return [f'<text class="f-ink" x="12" y="20" font-weight="600" font-size="13">{escape(title)}</text>'] * bool(title)


def _legend(names: Sequence[str], top: float) -> tuple[list[str], int]:
    """The entries, in as many rows as they need, and the number of rows."""
    body, left, row = [], 14.0, 0
    for name in names:
        width = 24.0 + _LETTER * len(name) + 14.0
        if left + width > WIDTH and left > 14.0:
            left, row = 14.0, row + 1
        middle = top + row * _LEGEND + 10.0
        body.append(f'<circle class="f-{_color(names, name)}" cx="{left + 5:.1f}" cy="{middle:.1f}" r="5"/>')
        body.append(_text(left + 15, middle + 4, name, "start", "f-muted"))
        left += width
    return body, row + 1 if names else 0


def _frame(across: _Axis, upward: _Axis, x: str, y: str, top: float) -> list[str]:
    """Grid, ticks and the names of both axes; that of the vertical one is written above it."""
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    body = []
    for tick in upward.ticks():
        place = float(upward.at(tick))
        body.append(_segment(_LEFT, place, right, place, "s-grid"))
        body.append(_text(_LEFT - 7, place + 4, _number(tick), "end", "f-muted"))
    body.append(_segment(_LEFT, bottom, right, bottom, "s-muted"))
    for tick in across.ticks():
        place = float(across.at(tick))
        body.append(_segment(place, bottom, place, bottom + 4, "s-muted"))
        body.append(_text(place, bottom + 17, _number(tick), "middle", "f-muted"))
    body.append(_text((_LEFT + right) / 2, HEIGHT - 9, x, "middle", "f-muted"))
    body.append(_text(12.0, top - 12, y, "start", "f-muted"))
    return body


def _drawn(mark: Mark, across: _Axis, upward: _Axis, color: str) -> list[str]:
    places = across.at(mark.x).ravel()
    if isinstance(mark, Band):
        low, high = upward.at(mark.low).ravel(), upward.at(mark.high).ravel()
        there = numpy.isfinite(low) & numpy.isfinite(high)
        ends = [*zip(places[there], low[there], strict=True), *zip(places[there][::-1], high[there][::-1], strict=True)]
        return [f'<path class="f-{color}" opacity="0.22" d="{_path(ends)}Z"/>']
    heights = upward.at(mark.y).ravel()
    if isinstance(mark, Points):
        radius = 3.0 if len(places) <= 120 else 2.0
        return [
            f'<circle class="f-{color}" opacity="0.75" cx="{a:.1f}" cy="{b:.1f}" r="{radius:g}"/>'
            for a, b in zip(places, heights, strict=True)
            if numpy.isfinite(a + b)
        ]
    dashes = ' stroke-dasharray="5 4"' * mark.dashed
    runs: list[list[tuple[float, float]]] = [[]]
    for point in zip(places.tolist(), heights.tolist(), strict=True):
        if numpy.isfinite(sum(point)):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [f'<path class="line s-{color}" stroke-width="2"{dashes} d="{_path(_thin(run))}"/>' for run in runs if run]


def _thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points without those that lie within half a pixel of the last one that is kept."""
    kept = [points[0]]
    for point in points[1:]:
        if abs(point[0] - kept[-1][0]) + abs(point[1] - kept[-1][1]) >= 0.5:
            kept.append(point)
    return kept


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{_inside(a):.1f} {_inside(b):.1f}" for a, b in points)


def _inside(pixel: float) -> float:
    """A position that lies far outside the picture at most a thousand pixels away."""
    return min(max(pixel, -1000.0), 1000.0)


def _segment(x0: float, y0: float, x1: float, y1: float, color: str) -> str:
    return f'<path class="line {color}" d="M{x0:.1f} {y0:.1f} L{x1:.1f} {y1:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, color: str) -> str:
    return f'<text class="{color}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _number(value: float, digits: int = 4) -> str:
    """A number with some digits and separated thousands; very small and very large ones with a power of ten."""
    if value and (abs(value) < 1e-3 or abs(value) >= 1e7):
        return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e−").replace("e-", "e−").replace("e+0", "e")
    return f"{float(f'{value:.{digits}g}'):,.10g}".replace("-", "−")
