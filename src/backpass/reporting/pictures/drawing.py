"""A drawing: a scene rendered as self-contained SVG text or on matplotlib axes.

Positions come from ``scene``; this module adds colors, line widths and fonts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from backpass.circuit import Circuit
from backpass.reporting.pictures.scene import Edge, Neuron, Scene
from backpass.reporting.pictures.style import ACCENT, GRID, INK, MUTED, PAPER, SECOND

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RADIUS = 9.0
_ALONE = """
.network { font: 11px ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) {
.network .f-ink { fill: #e8ecf0; } .network .s-ink { stroke: #e8ecf0; }
.network .f-muted { fill: #9aa6b3; } .network .s-muted { stroke: #9aa6b3; }
.network .f-accent { fill: #5aa9ea; } .network .s-accent { stroke: #5aa9ea; }
.network .s-second { stroke: #ee9a4d; } .network .f-paper { fill: #12161b; }
}
"""
_GROUND = f'<style>{_ALONE}</style><rect class="f-paper" fill="{PAPER}" width="100%" height="100%"/>'
_SIZE = re.compile(r'width="(\d+)" height="(\d+)"')


def to_svg(scene: Scene, *, alone: bool = True, scale: float = 1.0) -> str:
    """Render a scene as SVG.

    Args:
        scene: The scene.
        alone: Whether the SVG stands on its own, with a style sheet, a background and a size. On a page, the page
            provides them.
        scale: The factor of the size.

    >>> from backpass.reporting.pictures.scene import scene_of_sizes
    >>> to_svg(scene_of_sizes([2, 3, 1])).count("<circle")
    6
    """
    width, height = f"{scene.width:.0f}", f"{scene.height:.0f}"
    size = f'width="{scene.width * scale:.0f}" height="{scene.height * scale:.0f}" ' if alone else ""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="network plot" {size}viewBox="0 0 {width} {height}" '
    return "".join(
        [
            f'{head}role="img"><title>{escape(scene.title)}</title>',
            _GROUND if alone else "",
            *(_line(edge) for edge in scene.edges),
            *(_circle(neuron) for neuron in scene.neurons),
            *(_dots(x, y) for x, y in scene.gaps),
            *(_text(each.x, each.y, each.text, "middle", "muted", 10.5) for each in scene.captions),
            "</svg>",
        ]
    )


def _look(edge: Edge) -> tuple[str, str, float, float]:
    """Return color name, color, line width and opacity of an edge; positive weights are blue, negative ones orange."""
    if edge.weight is None:
        return "muted", MUTED, 0.9, 0.35
    size = abs(edge.weight)
    name, color = ("accent", ACCENT) if edge.weight >= 0 else ("second", SECOND)
    return name, color, 0.5 + 3.0 * size, 0.18 + 0.72 * size


def _line(edge: Edge) -> str:
    name, color, width, opacity = _look(edge)
    bend = (edge.x1 - edge.x0) / 2.0
    return (
        f'<path class="s-{name}" fill="none" stroke="{color}" '
        f'stroke-width="{width:.2f}" stroke-opacity="{opacity:.2f}" '
        f'd="M{edge.x0:.1f} {edge.y0:.1f}C{edge.x0 + bend:.1f} {edge.y0:.1f} {edge.x1 - bend:.1f} {edge.y1:.1f} '
        f'{edge.x1:.1f} {edge.y1:.1f}"/>'
    )


def _circle(neuron: Neuron) -> str:
    fill, color = ("accent", ACCENT) if neuron.kind == "output" else ("paper", PAPER)
    circle = (
        f'<circle class="f-{fill} s-ink" cx="{neuron.x:.1f}" cy="{neuron.y:.1f}" r="{RADIUS:g}" fill="{color}" '
        f'stroke="{INK}" stroke-width="1.2"/>'
    )
    if not neuron.name:
        return circle
    return circle + _text(*_label_of(neuron), "ink", 11)


def _label_of(neuron: Neuron) -> tuple[float, float, str, str]:
    """Return the position of a neuron's name, the name (shortened if long), and the text anchor."""
    gap = RADIUS + 7.0
    if neuron.side == "above":
        return neuron.x, neuron.y - RADIUS - 4.0, neuron.name, "middle"
    is_left = neuron.side == "left"
    name = neuron.name if len(neuron.name) <= 22 else f"{neuron.name[:21]}…"
    return neuron.x + (-gap if is_left else gap), neuron.y + 3.8, name, "end" if is_left else "start"


def _dots(x: float, y: float) -> str:
    return "".join(
        f'<circle class="f-muted" cx="{x:.1f}" cy="{y + step:.1f}" r="1.6" fill="{MUTED}"/>' for step in (-6, 0, 6)
    )


def _text(x: float, y: float, text: str, anchor: str, color: str, size: float) -> str:
    fill = {"ink": INK, "muted": MUTED, "grid": GRID}[color]
    return (
        f'<text class="f-{color}" x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
        f'fill="{fill}">{escape(text)}</text>'
    )


def paint(ax: Axes, scene: Scene) -> None:
    """Draw a scene on matplotlib axes; the caller has entered ``house_style``."""
    from matplotlib.patches import Circle

    for edge in scene.edges:
        _, color, width, opacity = _look(edge)
        ax.plot([edge.x0, edge.x1], [edge.y0, edge.y1], color=color, linewidth=width, alpha=opacity, zorder=1)
    for neuron in scene.neurons:
        fill = ACCENT if neuron.kind == "output" else PAPER
        ax.add_patch(Circle((neuron.x, neuron.y), RADIUS, facecolor=fill, edgecolor=INK, linewidth=1.0, zorder=2))
        if neuron.name:
            x, y, name, anchor = _label_of(neuron)
            ax.text(x, y, name, ha={"end": "right", "start": "left", "middle": "center"}[anchor], fontsize=9)
    for x, y in scene.gaps:
        ax.plot([x] * 3, [y - 6, y, y + 6], "o", color=MUTED, markersize=2.0)
    for caption in scene.captions:
        ax.text(caption.x, caption.y, caption.text, ha="center", color=MUTED, fontsize=8.5)
    ax.set(xlim=(0.0, scene.width), ylim=(scene.height, 0.0), aspect="equal")
    ax.axis("off")


def side_by_side(circuits: Sequence[tuple[str, Circuit]]) -> str:
    """Render circuits side by side as one SVG, each with its name above; for example a function and its gradient."""
    left, height, parts = 0.0, 0.0, list[str]()
    for name, circuit in circuits:
        drawn = circuit.to_svg()
        size = _SIZE.search(drawn)
        assert size is not None  # Circuit.to_svg always writes the size
        parts.append(_text(left + 24.0, 22.0, name, "start", "ink", 14))
        parts.append(f'<svg x="{left:.0f}" y="28"{drawn.removeprefix("<svg")}')
        left, height = left + int(size[1]) + 24.0, max(height, int(size[2]) + 28.0)
    title = escape(" and ".join(name for name, _ in circuits))
    head = '<svg xmlns="http://www.w3.org/2000/svg" class="network" role="img" '
    box = f'width="{left:.0f}" height="{height:.0f}" viewBox="0 0 {left:.0f} {height:.0f}"'
    return f"{head}{box}><title>{title}</title>{_GROUND}{''.join(parts)}</svg>"
