"""The style of pictures: colors and sizes, and the conversion of a matplotlib figure to SVG for a page.

Blue and orange are distinguishable with every type of color blindness (Okabe & Ito 2008). On a page, colors become CSS
classes, so that one style sheet serves light and dark mode. The SVG is reproducible: it depends neither on the time nor
on other figures.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from backpass.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID, ACCENT, SECOND, PAPER = "#1b2430", "#5c6773", "#e4e8ed", "#0b6bb8", "#c8650f", "#ffffff"
CLASSES = {INK: "ink", MUTED: "muted", GRID: "grid", ACCENT: "accent", SECOND: "second", PAPER: "paper"}
"""Color -> name in the page's style sheet, where ``f-ink`` is a fill and ``s-ink`` a stroke."""

_SETTINGS: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.formatter.limits": (-5, 9),
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.labelpad": 10.0,  # phones enlarge the numbers between it and the axis
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.dpi": 72,
    "figure.facecolor": "none",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.borderaxespad": 0.2,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "legend.labelcolor": MUTED,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "path.simplify": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "backpass",
    "text.color": INK,
    "text.parse_math": False,  # a column may be named $x$
    "xtick.color": MUTED,
    "xtick.labelsize": 9.5,
    "xtick.major.size": 3,
    "xtick.major.width": 0.8,
    "ytick.color": MUTED,
    "ytick.labelsize": 9.5,
    "ytick.major.size": 0,
    "ytick.major.width": 0.8,
}
WIDTH, HEIGHT = 440.0, 290.0
"""The default size of a picture, in points: 10-point text is then legible on phones and on desktops."""

_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"(?:(?P<weight>bold|\d{3}) )?(?P<size>[\d.]+)px ")
_DIGITS = re.compile(r"(?<=[ \"(])(-?\d+\.\d\d)\d+(?=[ \",)])")
_SPACE = re.compile(r"\s*\n\s*|(?<= ) +")
_KEPT = (
    "fill",
    "fill-opacity",
    "fill-rule",
    "font-size",
    "font-weight",
    "opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-opacity",
    "stroke-width",
    "text-anchor",
)


def require_matplotlib() -> None:
    """Check that matplotlib is installed.

    Raises:
        UsageError: It is not; the hint says how to install it.
    """
    try:
        import matplotlib  # noqa: F401  only tests that it is installed
    except ImportError:
        raise UsageError("pictures need the package matplotlib", hint="pip install 'backpass[plot]'") from None


@contextmanager
def house_style() -> Iterator[None]:
    """Within the context, matplotlib draws in the style of this module and does not warn about missing glyphs."""
    require_matplotlib()
    from matplotlib import rc_context

    with rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def canvas(width: float = WIDTH, height: float = HEIGHT) -> Figure:
    """Create an empty figure of a size in points, without registering it with pyplot."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72.0, height / 72.0), layout="constrained")


def separate_thousands(figure: Figure) -> None:
    """Write the numbers on the axes as everywhere else on a page: with separators from 10,000 on."""
    from matplotlib.ticker import AutoLocator, ScalarFormatter

    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        largest = max(map(abs, axis.get_view_interval()))
        if type(axis.get_major_formatter()) is ScalarFormatter and 1e4 <= largest < 1e9:
            axis.set_major_formatter(lambda value, _: f"{value:,.12g}".replace("-", "\N{MINUS SIGN}"))
            locator = axis.get_major_locator()
            if axis.axis_name == "x" and isinstance(locator, AutoLocator):
                locator.set_params(nbins=6 if largest < 1e5 else 5)  # such numbers are wide


def to_svg(figure: Figure, name: str, title: str) -> str:
    """Convert a figure to SVG for a page, without style attributes and metadata; the result is reproducible.

    Args:
        figure: The figure.
        name: The prefix of all ids, unique on the page.
        title: The accessible title.
    """
    separate_thousands(figure)
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2])
    for parent in list(root.iter()):
        for child in [each for each in parent if each.tag.endswith(("metadata", "}style"))]:
            parent.remove(child)
    wanted = _referenced(root)
    for element in root.iter():
        _simplify(element, wanted, name)
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib |= {"viewBox": box, "role": "img", "class": "plot"}
    heading = ElementTree.Element(f"{_SVG}title")
    heading.text = title
    root.insert(0, heading)
    ElementTree.register_namespace("", _SVG[1:-1])
    return _SPACE.sub("", _DIGITS.sub(r"\1", ElementTree.tostring(root, encoding="unicode")))


def _referenced(root: ElementTree.Element) -> set[str]:
    """Return the ids that are referenced in the picture."""
    found = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            found |= set(_REFERENCE.findall(value)) | ({value[1:]} if key in (_LINK, "href") else set())
    return found


def _simplify(element: ElementTree.Element, wanted: set[str], name: str) -> None:
    """Replace style attributes, which the page's security policy forbids, by plain ones, and colors by classes."""
    given = dict(element.attrib)
    style = dict(part.split(":", 1) for part in given.pop("style", "").split(";") if ":" in part)
    found = {key.strip(): value.strip() for key, value in style.items()}
    if font := _FONT.search(found.pop("font", "") + " "):
        found |= {"font-size": font["size"]} | ({"font-weight": font["weight"]} if font["weight"] else {})
    found["font-size"] = found.get("font-size", "").removesuffix("px")
    given |= {key: value for key, value in found.items() if key in _KEPT and value}
    if "id" in given and given.pop("id") in wanted:
        given["id"] = f"{name}-{element.attrib['id']}"
    if _LINK in given:
        given["href"] = f"#{name}-{given.pop(_LINK)[1:]}"
    if "clip-path" in given:
        given["clip-path"] = _REFERENCE.sub(lambda found: f"url(#{name}-{found[1]})", given["clip-path"])
    ours = [key for key in ("fill", "stroke") if given.get(key) in CLASSES]
    classes = [f"{key[0]}-{CLASSES[given.pop(key)]}" for key in ours]
    if element.tag == f"{_SVG}text" and not classes:
        classes.append("f-ink")
    if classes:
        given["class"] = " ".join(classes)
    element.attrib.clear()
    element.attrib |= given
