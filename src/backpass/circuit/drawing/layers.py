"""Drawing of layers: a network with z, a and delta of one example in its units.

The values come from a backward pass; networks without values are drawn in ``backpass.reporting``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit.drawing.picture import Picture
from backpass.errors import UsageError

Floats = NDArray[Any]
_WIDTH, _HEIGHT, _COLUMN, _ROW, _MARGIN = 104.0, 58.0, 190.0, 74.0, 16.0
_HEAD, _FOOT = 26.0, 42.0
MOST_UNITS = 12
"""Of a layer with more units the first ones are drawn."""


def picture_of(
    J: float,
    z: Mapping[int, Floats],
    a: Mapping[int, Floats],
    delta: Mapping[int, Floats],
    wires: Mapping[int, NDArray[numpy.bool_]],
    example: int,
) -> Picture:
    """Draw one example of a backward pass.

    A line from unit i to unit j is as thick as |a_i delta_j|, the gradient of J with respect to the
    weight between them.

    Args:
        J: The mean loss.
        z: k -> z^[k] (n, m_k).
        a: k -> a^[k] (n, m_k), from k = 0.
        delta: k -> delta^[k] (n, m_k).
        wires: k -> which inputs each unit of a wired layer reads; the units of other layers read all.
        example: The number of the example, from 0.

    Raises:
        UsageError: If there is no such example.
    """
    n = len(a[0])
    if not 0 <= example < n:
        raise UsageError(f"example must be from 0 to {n - 1}; got {example}")
    values = [a[k][example] for k in sorted(a)]
    shown = [min(len(each), MOST_UNITS) for each in values]
    height = _HEAD + max(shown) * _ROW + _FOOT
    tops = [_HEAD + (max(shown) - m) * _ROW / 2 for m in shown]
    body = []
    for k in range(1, len(values)):
        gradients = numpy.outer(values[k - 1], delta[k][example])[: shown[k - 1], : shown[k]]
        joined = wires.get(k, numpy.ones((len(values[k - 1]), len(values[k])), bool))
        body += _lines(k, gradients, joined, tops)
    for k, layer in enumerate(values):
        left = _left(k)
        body.append(_text(left + _WIDTH / 2, 18, "x" if k == 0 else f"layer {k}", "f-muted"))
        for j in range(shown[k]):
            top = tops[k] + j * _ROW
            if k == 0:
                body += _box(left, top, [f"x{_low(j + 1)} = {layer[j]:.3g}"], is_active=True)
            else:
                zj, dj = z[k][example][j], delta[k][example][j]
                body += _box(left, top, _rows(j, layer[j], zj, dj), is_active=bool(layer[j] != 0 or dj != 0))
        if len(layer) > shown[k]:
            body.append(
                _text(left + _WIDTH / 2, tops[k] + shown[k] * _ROW, f"and {len(layer) - shown[k]} more", "f-muted")
            )
    which = "" if n == 1 else f"example {example} of {n}; "
    body.append(_text(_MARGIN, height - 24, f"J = {J:.4g}; {which}δ = ∂J/∂z", "f-ink", "start"))
    body.append(_text(_MARGIN, height - 8, "Thickness: |∂J/∂W|. Orange: a larger weight lowers J.", "f-muted", "start"))
    width = max(_left(len(values) - 1) + _WIDTH + _MARGIN, 360.0)
    return Picture.of(body, width, height, f"A backward pass through {len(values) - 1} layers, example {example}")


def _left(k: int) -> float:
    return _MARGIN + k * _COLUMN


def _lines(k: int, gradients: Floats, joined: NDArray[numpy.bool_], tops: Sequence[float]) -> list[str]:
    """The lines from layer k - 1 to layer k, the thin ones first."""
    gradients = numpy.where(joined[: len(gradients), : gradients.shape[1]], gradients, 0.0)
    largest = float(abs(gradients).max()) or 1.0
    found = []
    for i, j in sorted(numpy.ndindex(gradients.shape), key=lambda at: abs(float(gradients[at]))):
        if not joined[i, j]:
            continue
        share = float(gradients[i, j]) / largest
        color = "s-grid" if not share else "s-c1" if share > 0 else "s-c2"
        x0, y0 = _left(k - 1) + _WIDTH, tops[k - 1] + i * _ROW + _HEIGHT / 2
        x1, y1 = _left(k), tops[k] + j * _ROW + _HEIGHT / 2
        ends = f"M{x0:.1f} {y0:.1f} L{x1:.1f} {y1:.1f}"
        found.append(f'<path class="line {color}" stroke-width="{1 + 4 * abs(share):.1f}" d="{ends}"/>')
    return found


def _rows(j: int, a: float, z: float, delta: float) -> list[str]:
    return [f"a{_low(j + 1)} = {a:.3g}", f"z = {z:.3g}", f"δ = {delta:.3g}"]


def _box(left: float, top: float, rows: list[str], is_active: bool) -> list[str]:
    opacity = "" if is_active else ' opacity="0.45"'
    found = [
        f'<g{opacity}><rect class="f-raised s-muted" x="{left:.1f}" y="{top:.1f}" width="{_WIDTH:.0f}" '
        f'height="{_HEIGHT:.0f}" rx="9"/>'
    ]
    first = top + _HEIGHT / 2 + 4 - 8.5 * (len(rows) - 1)
    for i, row in enumerate(rows):
        color = ("f-ink", "f-muted", "f-c2")[i]
        found.append(_text(left + _WIDTH / 2, first + 17 * i, row, color))
    return [*found, "</g>"]


def _low(number: int) -> str:
    """A number as an index below the line."""
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(number))


def _text(x: float, y: float, text: str, color: str, anchor: str = "middle") -> str:
    return f'<text class="{color}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text.replace("-", "−")}</text>'
