"""The waterfall of one row: how the contributions of its columns lead from the baseline to the prediction.

``waterfall_of`` takes an explanation and a row of it and returns the steps; ``draw`` draws them on matplotlib axes, and
``picture_bytes`` makes a file of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from backpass.dataclass import dataclass
from backpass.reporting.explanation.attribution import Explanation
from backpass.reporting.numbers.names import label
from backpass.reporting.numbers.numerals import number
from backpass.reporting.pictures.style import ACCENT, INK, MUTED, SECOND, WIDTH, house_style
from backpass.table.messages import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_STEPS = 10
"""The maximum number of bars; the smallest contributions share the last one."""
PICTURE_KINDS = ("svg", "png", "pdf")
_BAR, _FRAME = 24.0, 70.0  # points
_LONGEST = 34


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The contributions to one prediction, the largest first.

    Attributes:
        what: What is predicted: the target, or the probability of a class.
        baseline: The prediction for the typical row.
        predicted: The prediction. ``baseline`` and the steps sum to it.
        steps: The name and the contribution of each bar.
    """

    what: str
    baseline: float
    predicted: float
    steps: tuple[tuple[str, float], ...]

    @property
    def starts(self) -> tuple[float, ...]:
        """Where each bar starts; it ends where the next one starts.

        >>> Waterfall("price", 1.0, 4.0, (("size = 3", 5.0), ("age = 9", -2.0))).starts
        (1.0, 6.0)
        """
        sums = np.cumsum([self.baseline, *(step for _, step in self.steps)])
        return tuple(sums[:-1].tolist())


def waterfall_of(found: Explanation, row: int, target: str, values: Sequence[str] = ()) -> Waterfall:
    """Return the steps of one row.

    Args:
        found: The explanation.
        row: The position of the row in it, from 0.
        target: The name of the target.
        values: The value of each column in that row, as text. Default (): names only.
    """
    order = found.largest(len(found.columns))[row]
    kept = order if len(order) <= MOST_STEPS else order[: MOST_STEPS - 1]
    names = [f"{label(name)} = {value}" for name, value in zip(found.columns, values, strict=True)]
    names = names or [label(name) for name in found.columns]
    steps = [(names[j], float(found.contributions[row, j])) for j in kept]
    if rest := order[len(kept) :].tolist():
        steps.append((f"{counted(len(rest), 'other column')}", float(found.contributions[row, rest].sum())))
    what = f"p({label(found.classes[row])})" if found.classes else label(target)
    return Waterfall(what, float(found.baseline[row]), float(found.predicted[row]), tuple(steps))


def draw(ax: Axes, found: Waterfall) -> None:
    """Draw a bar for each step, from the baseline at the top to the prediction at the bottom."""
    names = ["typical row", *(_short(name) for name, _ in found.steps), "prediction"]
    places = np.arange(len(names))[::-1]
    reach = [found.baseline, found.predicted, *found.starts]
    gap = 0.012 * ((max(reach) - min(reach)) or 1.0)
    for place, start, (_, step) in zip(places[1:], found.starts, found.steps, strict=False):
        ax.barh([place], [step], left=start, height=0.62, color=ACCENT if step >= 0.0 else SECOND, alpha=0.85)
        text = f"{'+' if step >= 0.0 else '−'}{number(abs(step), 3)}"
        ax.text(max(start, start + step) + gap, place, text, va="center", ha="left", color=MUTED, fontsize=9.5)
        ax.plot([start] * 2, [place - 0.31, place + 1.0], color=MUTED, linewidth=0.8)
    ends = ((places[0], found.baseline), (places[-1], found.predicted))
    for place, value in ends:
        ax.plot([value], [place], "o", color=INK, markersize=6)
        ax.text(value + 2 * gap, place, number(value), va="center", ha="left", color=INK, fontsize=10)
    ax.plot([found.predicted] * 2, [places[-1], places[-1] + 1.0], color=MUTED, linewidth=0.8)
    ax.set_yticks(places, names)
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.use_sticky_edges = False  # otherwise the axis ends at a bar
    ax.margins(x=0.12)
    ax.set_xlabel(_short(found.what))
    ax.locator_params(axis="x", nbins=6)
    ax.spines["left"].set_visible(False)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")


def height_of(found: Waterfall) -> float:
    """Return the height of the picture, in points."""
    return _FRAME + _BAR * (len(found.steps) + 2)


def picture_bytes(found: Waterfall, kind: str) -> bytes:
    """Return the picture as a file of one of ``PICTURE_KINDS``; the same steps give the same bytes.

    Raises:
        UsageError: matplotlib is not installed.
    """
    data = BytesIO()
    with house_style():
        from matplotlib.figure import Figure

        size = (1.25 * WIDTH / 72.0, height_of(found) / 72.0)
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        draw(figure.add_subplot(), found)
        fixed = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        figure.savefig(data, format=kind, dpi=144, metadata=fixed)
    return data.getvalue()


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
