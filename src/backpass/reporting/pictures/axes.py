"""Axes: what several pictures share, such as the range of an axis, a cloud of rows, and the look of a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.reporting.numbers.names import label
from backpass.reporting.pictures.style import ACCENT, INK, MUTED, SECOND

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
MOST_POINTS = 600  # more rows than this are drawn as a density, not as dots
LONGEST = 26  # maximum length of a name next to an axis
_DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))


def short(name: str, most: int = LONGEST) -> str:
    text = label(name)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def span(values: Floats) -> tuple[float, float]:
    low, high = float(np.quantile(values, 0.001)), float(np.quantile(values, 0.999))
    gap = 0.03 * ((high - low) or abs(high) or 1.0)
    return low - gap, high + gap


def cloud(ax: Axes, x: Floats, y: Floats, extent: tuple[float, float, float, float]) -> None:
    """Draw rows as dots, or, if there are many, as hexagons that are darker where there are more rows."""
    inside = (x >= extent[0]) & (x <= extent[1]) & (y >= extent[2]) & (y <= extent[3])
    x, y = x[inside], y[inside]
    if len(x) <= MOST_POINTS:
        ax.plot(x, y, "o", color=ACCENT, markersize=4, markeredgewidth=0, alpha=0.55)
        return
    drawn = ax.hexbin(x, y, gridsize=(34, 20), mincnt=1, extent=extent, linewidths=0)
    counts = np.asarray(drawn.get_array(), dtype=np.float64)
    strength = 0.10 + 0.85 * np.log1p(counts) / np.log1p(counts.max())
    fill(drawn, np.round(strength, 2))


def fill(drawn: Any, strength: Floats) -> None:
    """Fill each patch with the accent color; opacity shows its value, which works on light and dark pages."""
    from matplotlib.colors import to_rgb

    drawn.set_array(None)
    drawn.set_facecolor([(*to_rgb(ACCENT), alpha) for alpha in strength])
    drawn.set_edgecolor("none")


def look(i: int) -> tuple[str, Any]:
    """Return the color and the dash pattern of curve i."""
    return (ACCENT, SECOND, INK, MUTED)[i % 4], _DASHES[i // 4 % 4]
