"""The picture: the part of an estimator's HTML that shows the network and the loss over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

_WIDTH, _HEIGHT = 240, 48


def picture_html(network: str, losses: Sequence[float]) -> str:
    """A drawing of the network next to the curve of its loss."""
    row = "display:flex;flex-wrap:wrap;gap:1em;align-items:center"
    return f'<div style="{row}">{network}{curve_svg(losses)}</div>'


def curve_svg(losses: Sequence[float]) -> str:
    """The loss over the epochs as a small curve; empty for fewer than two epochs."""
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
