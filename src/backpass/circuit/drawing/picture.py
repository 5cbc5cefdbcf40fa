"""Picture: SVG text that a notebook shows, with one style for light and dark pages.

Drawings of charts and networks use the classes of this style; what they show is decided where they are made.
"""

from __future__ import annotations

from dataclasses import field
from html import escape

from backpass.dataclass import dataclass

_LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b2430",
    "muted": "#5c6773",
    "grid": "#e4e8ed",
    "raised": "#f6f7f9",
    "c1": "#0b6bb8",
    "c2": "#c8650f",
    "c3": "#0a7f5b",
    "c4": "#8a4fb0",
    "c5": "#5c6773",
}
_DARK = {
    "paper": "#12161b",
    "ink": "#e8ecf0",
    "muted": "#9aa6b3",
    "grid": "#2a323b",
    "raised": "#1a2027",
    "c1": "#5aa9ea",
    "c2": "#f0a052",
    "c3": "#4cc38a",
    "c4": "#c798ea",
    "c5": "#9aa6b3",
}
"""Color by class; f-NAME is a fill and s-NAME a stroke."""

SERIES = 5
"""The number of colors for series, c1 to c5."""


def _rules(colors: dict[str, str]) -> str:
    return "".join(
        f".backpass-picture .f-{name} {{ fill: {color}; }}\n.backpass-picture .s-{name} {{ stroke: {color}; }}\n"
        for name, color in colors.items()
    )


STYLE = (
    '\n.backpass-picture { font: 12px ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }\n'
    ".backpass-picture .line { fill: none; stroke-linejoin: round; stroke-linecap: round; }\n"
    f"{_rules(_LIGHT)}@media (prefers-color-scheme: dark) {{\n{_rules(_DARK)}}}\n"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as SVG.

    Attributes:
        svg: The SVG text, complete in itself.
        title: What it shows, for readers who do not see it.

    >>> picture = Picture.of(["<circle r='3'/>"], 10, 10, "a dot")
    >>> picture
    Picture('a dot')
    """

    svg: str = field(repr=False)
    title: str

    @staticmethod
    def of(body: list[str], width: float, height: float, title: str) -> Picture:
        """A picture from SVG elements on the paper of the page; width and height are in pixels."""
        size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="backpass-picture" role="img" {size}>',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            '<rect class="f-paper" width="100%" height="100%"/>',
            *body,
            "</svg>",
        ]
        return Picture("\n".join(lines), title)

    def __repr__(self) -> str:
        return f"Picture({self.title!r})"

    def _repr_svg_(self) -> str:
        return self.svg
