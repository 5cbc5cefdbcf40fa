"""Drawing of a circuit: one self-contained SVG, in the manner of Figures 2 and 3 of the notes.

It takes a circuit and returns SVG text that reads from left to right. Inputs stand on the left, the backward half has
its own color, and one style sheet serves light and dark pages. The same circuit always gives the same text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from statistics import fmean

from backpass.circuit.listing import Listing
from backpass.circuit.spec import text_of
from backpass.dataclass import dataclass

_LARGEST = 400
_MOST_WIRES = 4000
_COLUMN, _ROW, _HEIGHT, _WIRE, _MARGIN = 44.0, 16.0, 40.0, 4.0, 24.0
_SWEEPS = 8

Item = tuple[int, int]
"""An entry of a column: (node, rank). At the rank of the node it is the box, beyond that the wire with its value."""

_STYLE = """
.backpass { font: 13px ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
.backpass rect.page { fill: #ffffff; stroke: none; }
.backpass text { fill: #1f2933; text-anchor: middle; }
.backpass .name { font-weight: 600; }
.backpass .shape { font-size: 11px; fill: #5b6773; }
.backpass .note { font-size: 12px; fill: #5b6773; text-anchor: start; }
.backpass rect { stroke-width: 1.25; fill: #eef4fb; stroke: #5e8fc4; }
.backpass .input rect { fill: #f4f5f7; stroke: #8b95a1; }
.backpass .gradient rect { fill: #fdf1e4; stroke: #d58a3c; }
.backpass .output rect { stroke-width: 2.5; }
.backpass .edge { fill: none; stroke: #8fa9c4; stroke-width: 1.25; }
.backpass .edge.gradient { stroke: #dba76b; }
@media (prefers-color-scheme: dark) {
.backpass rect.page { fill: #14181d; }
.backpass text { fill: #e6eaee; }
.backpass .shape, .backpass .note { fill: #9aa7b4; }
.backpass rect { fill: #1b2c40; stroke: #6d9fd6; }
.backpass .input rect { fill: #252b32; stroke: #7c8894; }
.backpass .gradient rect { fill: #3a2913; stroke: #d9944b; }
.backpass .edge { stroke: #4f6f92; }
.backpass .edge.gradient { stroke: #8f6533; }
}
"""


@dataclass(frozen=True, slots=True)
class Box:
    """One node of the drawing.

    Attributes:
        title: The text in the box.
        shape: The shape of the value, as text.
        kind: The style class of the box.
        rank: The column.
        sources: The nodes of the boxes that feed it.
    """

    title: str
    shape: str
    kind: str
    rank: int
    sources: tuple[int, ...]

    @property
    def width(self) -> float:
        return 24.0 + max(7.6 * len(self.title), 6.4 * len(self.shape), 24.0)


@dataclass(frozen=True, slots=True)
class Place:
    """The position of an item, in pixels.

    Attributes:
        left: The left edge.
        right: The right edge.
        middle: The vertical middle.
    """

    left: float
    right: float
    middle: float


def draw(circuit: Listing) -> str:
    """Draw a circuit as SVG. Larger circuits are cut off after 400 operations, and the drawing says so.

    >>> from backpass.circuit.trace import trace
    >>> draw(trace(lambda x: x * x, [("n",)])).count('data-node="')  # x and the product
    2
    """
    boxes, hidden = _boxes(circuit)
    wires = _wires(boxes)
    places = _places(boxes, _columns(boxes, wires), wires)
    width = max((place.right for place in places.values()), default=0.0) + _MARGIN
    height = max((place.middle for place in places.values()), default=0.0) + _HEIGHT / 2 + _MARGIN
    body = [*_edges(boxes, places, wires), *(_drawn(i, box, places[i, box.rank]) for i, box in boxes.items())]
    if hidden:
        body.append(
            f'<text class="note" x="{_MARGIN:g}" y="{height:.1f}">{hidden} more operations are not shown</text>'
        )
        width, height = max(width, 320.0), height + _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="backpass" role="img" width="{width:.0f}" '
            f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">',
            f"<title>{escape(circuit.name)}</title>",
            f"<style>{_STYLE}</style>",
            '<rect class="page" width="100%" height="100%"/>',
            *body,
            "</svg>",
        ]
    )


def _boxes(circuit: Listing) -> tuple[dict[int, Box], int]:
    """The nodes to draw, by index, and the number of nodes left out. Boxes show the constants that they use."""
    shown = [i for i, node in circuit.operations if node.operation.name != "constant" or i in circuit.outputs]
    drawn = [*range(len(circuit.input_names)), *shown[:_LARGEST]]
    ranks = _ranks(circuit, drawn)
    return {i: _box(circuit, i, ranks) for i in drawn}, len(shown) - len(shown[:_LARGEST])


def _ranks(circuit: Listing, drawn: Sequence[int]) -> dict[int, int]:
    """The column of each node: its longest path from the inputs. The backward half starts only where it is needed."""
    ranks: dict[int, int] = {}
    for i in drawn:
        is_input = i < len(circuit.input_names)
        ranks[i] = 0 if is_input else 1 + max((ranks[j] for j in circuit.nodes[i].inputs if j in ranks), default=0)
    first_use: dict[int, int] = {}
    for i in reversed(drawn):
        if circuit.nodes[i].label.startswith("gradient") and i in first_use:
            ranks[i] = first_use[i] - 1
        for j in circuit.nodes[i].inputs:
            first_use[j] = min(first_use.get(j, ranks[i]), ranks[i])
    return ranks


def _box(circuit: Listing, i: int, ranks: dict[int, int]) -> Box:
    node = circuit.nodes[i]
    is_input = i < len(circuit.input_names)
    kind = "input" if is_input else "gradient" if node.label.startswith("gradient") else "forward"
    title = circuit.input_names[i] if is_input else " = ".join((*node.names, _title(circuit, i)))
    sources = tuple(dict.fromkeys(j for j in node.inputs if j in ranks))
    return Box(title, repr(node.spec), f"{kind} output" if i in circuit.outputs else kind, ranks[i], sources)


def _title(circuit: Listing, i: int) -> str:
    """The operation's name with its constant arguments in place: ``maximum(·, 0)``."""
    node = circuit.nodes[i]
    name = node.operation.name.rstrip("_")
    if name == "constant":
        return circuit.text(i)
    written = [_constant_text(circuit, j) for j in node.inputs]
    return f"{name}({', '.join(text or '·' for text in written)})" if any(written) else name


def _constant_text(circuit: Listing, i: int) -> str:
    node = circuit.nodes[i]
    if node.operation.name != "constant":
        return ""
    value = node.params["value"]
    return f"{value.item():g}" if value.ndim == 0 else text_of(value.shape)


def _wires(boxes: dict[int, Box]) -> dict[int, int]:
    """The last rank to which each value must be carried: that of the last box that reads it."""
    last = {i: box.rank for i, box in boxes.items()}
    for box in boxes.values():
        for j in box.sources:
            last[j] = max(last[j], box.rank)
    if sum(rank - boxes[i].rank for i, rank in last.items()) > _MOST_WIRES:
        return {i: box.rank + 1 for i, box in boxes.items()}
    return last


def _hop(boxes: dict[int, Box], wires: dict[int, int], source: int, rank: int) -> Item:
    """The item from which a box of the given rank takes a value: the last wire before the box, or the source box."""
    return source, max(min(rank, wires[source]) - 1, boxes[source].rank)


def _columns(boxes: dict[int, Box], wires: dict[int, int]) -> list[list[Item]]:
    columns: list[list[Item]] = [[] for _ in range(1 + max((box.rank for box in boxes.values()), default=0))]
    for i, box in boxes.items():
        for rank in range(box.rank, max(wires[i], box.rank + 1)):
            if rank < len(columns):
                columns[rank].append((i, rank))
    return columns


def _neighbors(boxes: dict[int, Box], wires: dict[int, int], columns: list[list[Item]]) -> dict[Item, list[Item]]:
    joined: dict[Item, list[Item]] = defaultdict(list)
    pairs = [((i, rank - 1), (i, rank)) for column in columns for i, rank in column if rank > boxes[i].rank]
    pairs += [(_hop(boxes, wires, j, box.rank), (i, box.rank)) for i, box in boxes.items() for j in box.sources]
    for one, other in pairs:
        joined[one].append(other)
        joined[other].append(one)
    return joined


def _places(boxes: dict[int, Box], columns: list[list[Item]], wires: dict[int, int]) -> dict[Item, Place]:
    """Place every item near the middle of its neighbors without overlap, in sweeps over the columns both ways."""
    joined = _neighbors(boxes, wires, columns)
    middles: dict[Item, float] = {}
    for column in columns:
        middles |= dict(zip(column, _spread([0.0] * len(column), column, boxes), strict=True))
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            preferred = {item: fmean([middles[other] for other in joined[item]] or [middles[item]]) for item in column}
            column.sort(key=lambda item: (preferred[item], item))
            middles |= dict(zip(column, _spread([preferred[item] for item in column], column, boxes), strict=True))
    top = min((middle - _height(item, boxes) / 2 for item, middle in middles.items()), default=0.0) - _MARGIN
    places: dict[Item, Place] = {}
    left = _MARGIN
    for column in columns:
        width = max((boxes[i].width for i, rank in column if rank == boxes[i].rank), default=0.0)
        for i, rank in column:
            inset = (width - boxes[i].width) / 2 if rank == boxes[i].rank else 0.0
            places[i, rank] = Place(left + inset, left + width - inset, middles[i, rank] - top)
        left += width + _COLUMN
    return places


def _height(item: Item, boxes: dict[int, Box]) -> float:
    return _HEIGHT if item[1] == boxes[item[0]].rank else _WIRE


def _spread(desired: Sequence[float], column: Sequence[Item], boxes: dict[int, Box]) -> list[float]:
    """Vertical middles near the desired ones, in the given order and without overlap.

    The result is the mean of two solutions: one resolves overlaps by pushing items down, the other by pushing them up.
    """
    gaps = [(_height(one, boxes) + _height(other, boxes)) / 2 + _ROW for one, other in pairwise(column)]
    down, up = list(desired), list(desired)
    for k, gap in enumerate(gaps):
        down[k + 1] = max(down[k + 1], down[k] + gap)
    for k, gap in reversed(list(enumerate(gaps))):
        up[k] = min(up[k], up[k + 1] - gap)
    return [(low + high) / 2 for low, high in zip(down, up, strict=True)]


def _edges(boxes: dict[int, Box], places: dict[Item, Place], wires: dict[int, int]) -> Iterable[str]:
    """One curve per pair of adjacent columns; a wire that several boxes read is drawn once."""
    carried: dict[Item, bool] = {}
    for i, box in boxes.items():
        tinted = box.kind.startswith("gradient")
        for j in box.sources:
            reach = _hop(boxes, wires, j, box.rank)
            yield _curve(places[reach], places[i, box.rank], tinted)
            for rank in range(boxes[j].rank + 1, reach[1] + 1):
                carried[j, rank] = carried.get((j, rank), True) and tinted
    for (j, rank), tinted in carried.items():
        yield _curve(places[j, rank - 1], places[j, rank], tinted, through=True)


def _curve(start: Place, end: Place, tinted: bool, through: bool = False) -> str:
    x0, y0, x1, y1 = start.right, start.middle, end.left, end.middle
    bend = (x1 - x0) / 2
    tint = " gradient" if tinted else ""
    onward = f" H{end.right:.1f}" if through else ""
    return (
        f'<path class="edge{tint}" d="M{x0:.1f} {y0:.1f} C{x0 + bend:.1f} {y0:.1f} '
        f'{x1 - bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}{onward}"/>'
    )


def _drawn(i: int, box: Box, place: Place) -> str:
    center, top = (place.left + place.right) / 2, place.middle - _HEIGHT / 2
    return (
        f'<g class="{box.kind}" data-node="{i}">'
        f'<rect x="{place.left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{_HEIGHT:g}" rx="8"/>'
        f'<text class="name" x="{center:.1f}" y="{top + 17:.1f}">{escape(box.title)}</text>'
        f'<text class="shape" x="{center:.1f}" y="{top + 32:.1f}">{escape(box.shape)}</text></g>'
    )
