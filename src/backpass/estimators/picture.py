"""The picture: what a fitted estimator adds to its HTML, the layers in a row and the loss over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

_WIDTH, _HEIGHT = 240, 48


def layers_html(widths: Sequence[int], activation: str) -> str:
    """``8 -> 256 -> 256 -> 1 relu`` as a strip of boxes."""
    box = "display:inline-block;border:1px solid currentColor;border-radius:3px;padding:0 .4em"
    boxes = " &rarr; ".join(f'<span style="{box}">{width:,}</span>' for width in widths)
    return f"<div>{boxes} <small>{activation}</small></div>"


def curve_svg(losses: Sequence[float]) -> str:
    """The loss of each epoch as a small curve; nothing for fewer than two epochs."""
    values = [value for value in losses if isfinite(value)]
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    points = " ".join(
        f"{_WIDTH * i / (len(values) - 1):.1f},{2 + (_HEIGHT - 4) * (high - value) / span:.1f}"
        for i, value in enumerate(values)
    )
    title = f"training loss over {len(values)} epochs, from {values[0]:.4g} to {values[-1]:.4g}"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )
